// Command countersign is what people type: hospitals check and bill claims,
// reviewers decide, boards license, insurers publish plans, and anyone verifies
// what was decided. The commands are package cli; this only hands it the
// arguments, the terminal and, where the environment names one, a collector of
// traces.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/tracing/otlp"
)

// lastTraces is how long a command waits for its collector at the end.
const lastTraces = time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	traces, flush := startTracing(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), os.Stderr)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Traces: traces})
	flush()
	stop()
	os.Exit(code)
}

// startTracing has the command traced where an endpoint is given. What goes
// wrong with traces is one line, and never the command's failure.
func startTracing(endpoint string, errs io.Writer) (traces trace.TracerProvider, flush func()) {
	if endpoint == "" {
		return nil, func() {}
	}
	lost := make(chan error, 1)
	traces, stop, err := otlp.Start(otlp.Config{Service: "countersign", Endpoint: endpoint, Sample: 1, Lost: func(err error) {
		select {
		case lost <- err:
		default:
		}
	}})
	if err != nil {
		fmt.Fprintf(errs, "countersign: no traces: OTEL_EXPORTER_OTLP_ENDPOINT: %v\n", err)
		return nil, func() {}
	}
	return traces, func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
		defer cancel()
		err := stop(ctx)
		select {
		case first := <-lost:
			err = first
		default:
		}
		if err != nil {
			fmt.Fprintf(errs, "countersign: traces were lost: %v\n", err)
		}
	}
}
