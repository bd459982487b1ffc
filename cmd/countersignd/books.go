package main

import (
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/cmd/countersignd/run"
)

func (d *daemon) booksCommand() *urfave.Command {
	command := func(name, text string, flags []urfave.Flag, do func(*urfave.Context, *config.Config) error) *urfave.Command {
		return &urfave.Command{
			Name: name, Usage: text, Flags: append(flags, configFlag()), HideHelpCommand: true,
			OnUsageError: func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} },
			Action: func(c *urfave.Context) error {
				if c.NArg() > 0 {
					return usage("books %s takes no arguments", name)
				}
				conf, err := d.read(c)
				if err != nil {
					return err
				}
				if conf.Insurer == nil {
					return usage("books %s needs the section insurer", name)
				}
				return do(c, conf)
			},
		}
	}
	return &urfave.Command{
		Name: "books", Usage: "the keys of an insurer's books, and whom they are to forget", HideHelpCommand: true,
		Action: func(*urfave.Context) error {
			return usage("want \"books find\", \"books forget\", \"books rewrap\" or \"books keys\"")
		},
		Subcommands: []*urfave.Command{
			command("find", "print the books' name of a member: type member id, first name and birth date, a line each", nil,
				func(_ *urfave.Context, conf *config.Config) error { return run.BooksFind(os.Stdin, d.out, conf) }),
			command("forget", "erase a person for good: every document about them, here and in Temporal", []urfave.Flag{
				&urfave.StringFlag{Name: "person", Usage: "whom: the `NAME` that \"books find\" prints"},
				&urfave.StringFlag{Name: "submission", Usage: "whom: the patient of the submission of this `HANDLE`"},
			}, func(c *urfave.Context, conf *config.Config) error {
				if (c.String("person") == "") == (c.String("submission") == "") {
					return usage("books forget: want --person or --submission")
				}
				return run.BooksForget(c.Context, d.out, conf, c.String("person"), c.String("submission"))
			}),
			command("rewrap", "wrap every data key under the first of insurer.wrapping_keys", nil,
				func(c *urfave.Context, conf *config.Config) error { return run.BooksRewrap(c.Context, d.out, conf) }),
			command("keys", "say which wrapping and payload keys are still needed", nil,
				func(c *urfave.Context, conf *config.Config) error { return run.BooksKeys(c.Context, d.out, conf) }),
		},
	}
}
