package main

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cmd/countersignd/run"
	"github.com/countersign-health/countersign/credentials"
)

func (d *daemon) recoverCommand() *urfave.Command {
	command := func(name, usageText, args string, contracts bool, flags []urfave.Flag, do func(context.Context, *run.Recovery, *urfave.Context) error) *urfave.Command {
		return &urfave.Command{
			Name: name, Usage: usageText, ArgsUsage: args, Flags: append(append(flags, configFlag()), temporalFlags()...), HideHelpCommand: true,
			OnUsageError: func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} },
			Action: func(c *urfave.Context) error {
				conf, err := d.read(c)
				if err != nil {
					return err
				}
				if err := lacks(conf, "worker", c.String("config")); err != nil {
					return err
				}
				if args == "" && c.NArg() > 0 {
					return usage("recover %s takes no arguments", name)
				}
				r, err := run.OpenRecovery(c.Context, conf, d.out, d.logs, contracts)
				if err != nil {
					return err
				}
				defer r.Close()
				return do(c.Context, r, c)
			},
		}
	}
	return &urfave.Command{
		Name: "recover", Usage: "an insurer's books that were restored from a backup (docs/backup.md)", HideHelpCommand: true,
		Action: func(*urfave.Context) error {
			return usage("want \"recover status\", \"import\", \"enroll\", \"give-up\" or \"contracts\"")
		},
		Subcommands: []*urfave.Command{
			command("status", "list what the ledger has of this insurer and its books lack; exit 3 where there is something", "", false, nil,
				func(ctx context.Context, r *run.Recovery, _ *urfave.Context) error { return r.Status(ctx) }),
			command("import", "bring documents back from folders that hospitals and others have kept; exit 3 where some are still missing", "DIR…", false, nil,
				func(ctx context.Context, r *run.Recovery, c *urfave.Context) error {
					if c.NArg() == 0 {
						return usage("recover import: name the folders")
					}
					return r.Import(ctx, c.Args().Slice())
				}),
			command("enroll", "enroll members who came after the backup, before their claims are imported", "FILE.csv", false,
				[]urfave.Flag{&urfave.StringFlag{Name: "plan", Usage: "the `PLAN` that covers them"}},
				func(ctx context.Context, r *run.Recovery, c *urfave.Context) error {
					if c.NArg() != 1 || c.String("plan") == "" {
						return usage("recover enroll: want --plan and one file")
					}
					return r.Enroll(ctx, c.String("plan"), c.Args().First())
				}),
			command("give-up", "let the house go on without documents that nobody has; what they may concern is held from payment", "HANDLE…", false,
				[]urfave.Flag{&urfave.BoolFlag{Name: "all", Usage: "all that are missing"}},
				func(ctx context.Context, r *run.Recovery, c *urfave.Context) error {
					if c.Bool("all") != (c.NArg() == 0) {
						return usage("recover give-up: name the documents by their handles, or give --all")
					}
					var documents []credentials.Handle
					for _, text := range c.Args().Slice() {
						h, err := credentials.ParseHandle(text)
						if err != nil {
							return usage("recover give-up: %w", err)
						}
						documents = append(documents, h)
					}
					return r.GiveUp(ctx, documents)
				}),
			command("contracts", "end what Temporal has open and start what is open by the books; stop the workers before", "", true, nil,
				func(ctx context.Context, r *run.Recovery, _ *urfave.Context) error { return r.Contracts(ctx) }),
		},
	}
}
