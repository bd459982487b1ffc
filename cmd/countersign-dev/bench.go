package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
)

// rounds of each measure; the median counts.
const rounds = 5

// bench measures what this module promises, and ends with a line for each:
// bench NAME MEASURED UNIT target BOUND ok|short.
func bench(ctx context.Context, screen io.Writer) error {
	ready, err := median(func() (float64, error) { return temporalReady(ctx) })
	if err != nil {
		return err
	}
	hold, err := median(func() (float64, error) { return orderToLastHold(ctx) })
	if err != nil {
		return err
	}
	line(screen, "temporal-ready", ready, "s", 2)
	line(screen, "order-to-last-hold", hold/1000, "s", 1)
	return nil
}

func line(screen io.Writer, name string, measured float64, unit string, bound float64) {
	verdict := "ok"
	if measured > bound {
		verdict = "short"
	}
	fmt.Fprintf(screen, "bench %s %.3f %s target %g %s\n", name, measured, unit, bound, verdict)
}

func median(measure func() (float64, error)) (float64, error) {
	var all []float64
	for range rounds {
		v, err := measure()
		if err != nil {
			return 0, err
		}
		all = append(all, v)
	}
	slices.Sort(all)
	return all[rounds/2], nil
}

// temporalReady is how long the embedded Temporal server takes from nothing to
// a namespace that can be used, in seconds.
func temporalReady(ctx context.Context) (float64, error) {
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	s, err := temporalserver.Start(ctx, temporalserver.Options{Dir: dir, Namespace: "bench"})
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took.Seconds(), s.Stop()
}

// orderToLastHold is the figure of the demonstration, in milliseconds.
func orderToLastHold(ctx context.Context) (float64, error) {
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	summary, err := demo.Run(ctx, demo.Options{Out: dir, Screen: io.Discard, Verify: verify})
	if err != nil {
		return 0, err
	}
	return summary.OrderToLastHoldMS, nil
}
