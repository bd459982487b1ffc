// Package otlp sends spans to a collector over OTLP/HTTP. Only commands import
// it; everything else makes spans through package tracing.
//
// It never holds up what is traced and never fails it: spans that a collector
// does not take are dropped. It never sends what tracing.Allowed does not name.
package otlp

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/tracing"
)

const (
	exportEvery  = 2 * time.Second
	exportWithin = 5 * time.Second
	queueLength  = 2048 // spans that wait; more are dropped
	batchLength  = 512
)

// Config is where spans go.
type Config struct {
	// Service names this process, such as countersignd-gateway.
	Service string
	// Endpoint is the collector's base URL, such as http://127.0.0.1:4318.
	Endpoint string
	// Headers are sent along, such as a collector's token; read for every
	// request, so that a token that is rotated needs no restart. May be nil.
	Headers func() (http.Header, error)
	// Sample is the share of traces to record, from 0 to 1, by trace id: houses
	// with the same share record the same traces. Whoever asks cannot have a
	// trace recorded by its sampled flag. A caller who picks ids on purpose can
	// have only its own requests recorded, and the queue is bounded.
	Sample float64
	// Lost is told when spans begin to be lost, with the reason, and with nil
	// when they arrive again. May be nil.
	Lost func(error)
}

// Start returns a provider of spans, and what sends the last ones and stops it.
func Start(c Config) (trace.TracerProvider, func(context.Context) error, error) {
	client, err := newClient(c.Endpoint, c.Headers)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	out := &quiet{SpanExporter: otlptrace.NewUnstarted(client), lost: c.Lost}
	p := Provider(c.Service, c.Sample, func(e sdk.SpanExporter) sdk.SpanProcessor {
		return sdk.NewBatchSpanProcessor(e, sdk.WithBatchTimeout(exportEvery), sdk.WithExportTimeout(exportWithin),
			sdk.WithMaxQueueSize(queueLength), sdk.WithMaxExportBatchSize(batchLength))
	}, out)
	return p, p.Shutdown, nil
}

// Provider makes spans and hands what may be known of them to an exporter.
// Start uses it; tests put an exporter of their own behind it. Every setting
// that the SDK would read from the environment is given here.
func Provider(service string, sample float64, processor func(sdk.SpanExporter) sdk.SpanProcessor, out sdk.SpanExporter) *sdk.TracerProvider {
	// Doors have remote parents, whose sampled flag counts for nothing. Inside a
	// house (worker.Tracing makes such parents local) the first decision holds.
	share := sdk.TraceIDRatioBased(sample)
	res := resource.NewSchemaless(tracing.Service.String(service))
	return sdk.NewTracerProvider(
		sdk.WithSampler(sdk.ParentBased(share, sdk.WithRemoteParentSampled(share), sdk.WithRemoteParentNotSampled(share))),
		sdk.WithIDGenerator(ids{}),
		sdk.WithRawSpanLimits(sdk.SpanLimits{
			AttributeValueLengthLimit: 256, AttributeCountLimit: 16, EventCountLimit: 0,
			LinkCountLimit: 128, AttributePerEventCountLimit: 0, AttributePerLinkCountLimit: 0,
		}),
		sdk.WithResource(res),
		sdk.WithSpanProcessor(processor(&sieve{out, res})),
	)
}

// ids are random, but for spans that are told theirs.
type ids struct{}

func (ids) NewIDs(ctx context.Context) (t trace.TraceID, s trace.SpanID) {
	rand.Read(t[:]) // never fails (crypto/rand)
	return t, ids{}.NewSpanID(ctx, t)
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	s, ok := tracing.SpanID(ctx)
	if !ok {
		rand.Read(s[:])
	}
	return s
}
