// Command countersign is what people type: hospitals check and bill claims,
// reviewers decide, boards license, insurers publish plans, and anyone verifies
// what was decided. The commands are package cli; this only hands it the
// arguments and the terminal.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/countersign-health/countersign/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
