package main

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/cmd/countersignd/run"
)

// buildsCommand is how an operator takes a fleet of workers from one build to
// the next; docs/temporal.md has the steps.
func (d *daemon) buildsCommand() *urfave.Command {
	wrong := func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} }
	command := func(name, args, usageText string, do func(context.Context, io.Writer, *config.Config, string) error) *urfave.Command {
		return &urfave.Command{
			Name: name, Usage: usageText, ArgsUsage: args, Flags: append([]urfave.Flag{configFlag()}, temporalFlags()...), HideHelpCommand: true,
			OnUsageError: wrong,
			Action: func(c *urfave.Context) error {
				switch {
				case args == "" && c.NArg() > 0:
					return usage("builds %s takes no arguments", name)
				case args != "" && (c.NArg() != 1 || !config.BuildName.MatchString(c.Args().First())):
					return usage("builds %s: want one build, as \"countersignd builds list\" names it (flags come before it)", name)
				}
				conf, err := d.read(c)
				if err != nil {
					return err
				}
				if conf.Insurer == nil {
					return usage("builds %s needs the section insurer", name)
				}
				return do(c.Context, d.out, conf, c.Args().First())
			},
		}
	}
	return &urfave.Command{
		Name: "builds", Usage: "the builds of the insurer's workers in Temporal", HideHelpCommand: true, OnUsageError: wrong,
		Action: func(*urfave.Context) error {
			return usage("want \"builds list\", \"builds promote\" or \"builds move\"")
		},
		Subcommands: []*urfave.Command{
			command("list", "", "say which there are, and what each still has to do", run.ListBuilds),
			command("promote", "BUILD", "begin new contracts on a build", run.PromoteBuild),
			command("move", "BUILD", "begin the contracts that stay with a build anew on the current one", run.MoveBuild),
		},
	}
}
