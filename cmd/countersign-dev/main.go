// Command countersign-dev runs every party in one process, on SQLite, with a
// real Temporal server inside: to try Countersign out, and to develop against.
// It is no server for production.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"syscall"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	debug.SetGCPercent(parties.GCPercent)
	// The verifier that the demonstration starts in a process of its own is
	// the one of package cli; this binary carries it so that one build is enough.
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		os.Exit(cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "countersign-dev:", err)
		var refusal *demo.Refusal
		if errors.As(err, &refusal) {
			os.Exit(2) // as countersign does
		}
		os.Exit(1)
	}
}

func app() *urfave.App {
	return &urfave.App{
		Name:           "countersign-dev",
		Usage:          "every party in one process, for trying out and developing",
		ExitErrHandler: func(*urfave.Context, error) {}, // main prints the error, once
		Commands: []*urfave.Command{
			{
				Name:  "demo",
				Usage: "tell the whole story once, from license to revocation, and check what came of it",
				Flags: []urfave.Flag{
					&urfave.StringFlag{Name: "out", Usage: "keep everything that it made in `DIR` (default: a new folder)"},
					&urfave.StringFlag{Name: "claims", Usage: "bill this 837P `FILE` instead of the example"},
					&urfave.StringFlag{Name: "plan", Usage: "publish this plan `FILE` instead of examples/plan.yaml"},
				},
				Action: func(c *urfave.Context) error {
					_, err := demo.Run(c.Context, demo.Options{
						Out: c.String("out"), Claims: c.String("claims"), Plan: c.String("plan"), Screen: os.Stdout, Verify: verify,
					})
					return err
				},
			},
			{
				Name:  "dev",
				Usage: "run until interrupted, with Temporal's web UI",
				Flags: []urfave.Flag{
					&urfave.StringFlag{Name: "data", Usage: "keep all state in `DIR`", Value: "countersign-dev-data"},
				},
				Action: func(c *urfave.Context) error { return demo.Dev(c.Context, c.String("data"), os.Stdout) },
			},
			{
				Name: "bench", Usage: "measure what is promised of speed, and say whether it holds",
				Action: func(c *urfave.Context) error { return bench(c.Context, os.Stdout) },
			},
			{Name: "verify", Usage: "check a folder of signed documents offline; the same as countersign verify"},
		},
	}
}

// verify runs this program's verifier in a process of its own.
func verify(ctx context.Context, args ...string) ([]byte, int, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	cmd.Env = []string{} // nothing but the arguments
	err = cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return out.Bytes(), ended.ExitCode(), nil
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, told.Bytes())
	}
	return out.Bytes(), 0, err
}
