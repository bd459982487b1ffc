// Command countersign-dev runs every party in one process, on SQLite, with a real Temporal server inside: to try Countersign
// out, and to develop against. It is no server for production.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "countersign-dev:", err)
		os.Exit(1)
	}
}

func app() *cli.App {
	return &cli.App{
		Name:           "countersign-dev",
		Usage:          "every party in one process, for trying out and developing",
		ExitErrHandler: func(*cli.Context, error) {}, // main prints the error, once
		Commands: []*cli.Command{
			{
				Name:  "demo",
				Usage: "take claims from file to verified evidence, then end",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "out", Usage: "write the evidence into `DIR`", Required: true},
					&cli.StringFlag{Name: "claims", Usage: "an 837P `FILE`; the example claims if left out"},
				},
				Action: func(c *cli.Context) error { return demo(c.Context, c.String("out"), c.String("claims")) },
			},
			{
				Name:  "dev",
				Usage: "run until interrupted, with Temporal's web UI",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "data", Usage: "keep all state in `DIR`", Required: true},
				},
				Action: func(c *cli.Context) error { return dev(c.Context, c.String("data")) },
			},
		},
	}
}

func demo(ctx context.Context, out, claims string) error { return errors.New("demo is not wired yet") }

func dev(ctx context.Context, data string) error { return errors.New("dev is not wired yet") }
