package main

import (
	"context"
	"errors"
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
	var final []float64
	hold, err := median(func() (float64, error) {
		s, err := told(ctx)
		if err != nil {
			return 0, err
		}
		if s.FinalToLastHoldMS > 0 { // timed
			final = append(final, s.FinalToLastHoldMS)
		}
		return s.OrderToLastHoldMS, nil
	})
	if err != nil {
		return err
	}
	if len(final) == 0 {
		return errors.New("no demonstration could time the order's finality")
	}
	slices.Sort(final)
	line(screen, "temporal-ready", ready, "s", 2)
	line(screen, "order-to-last-hold", hold/1000, "s", 1)
	line(screen, "order-final-to-last-hold", final[len(final)/2]/1000, "s", 1)
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

// told is what a demonstration measured of itself.
func told(ctx context.Context) (*demo.Summary, error) {
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return demo.Run(ctx, demo.Options{Out: dir, Screen: io.Discard, Verify: verify})
}
