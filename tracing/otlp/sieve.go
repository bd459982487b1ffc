package otlp

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/countersign-health/countersign/tracing"
)

// A sieve lets through what a list names, whoever made the span: a library
// that is updated, or a line of ours, cannot send an error text by mistake.
type sieve struct {
	sdk.SpanExporter
	resource *resource.Resource
}

func (s *sieve) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	sifted := make([]sdk.ReadOnlySpan, len(spans))
	for i, span := range spans {
		sifted[i] = sparse{span, s.resource}
	}
	return s.SpanExporter.ExportSpans(ctx, sifted)
}

// sparse is a span with its names, times, ids and what is allowed.
type sparse struct {
	sdk.ReadOnlySpan
	resource *resource.Resource
}

func (s sparse) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool { return !tracing.Allowed[a.Key] })
}

func (s sparse) Links() []sdk.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].Attributes = nil
	}
	return links
}

// Events are where errors go.
func (sparse) Events() []sdk.Event { return nil }

func (s sparse) Status() sdk.Status { return sdk.Status{Code: s.ReadOnlySpan.Status().Code} }

// Resource is ours without what OTEL_RESOURCE_ATTRIBUTES adds.
func (s sparse) Resource() *resource.Resource { return s.resource }

// quiet loses spans rather than fail, and says so once.
type quiet struct {
	sdk.SpanExporter
	lost func(error)

	mu   sync.Mutex
	away bool
}

func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away != (err != nil) {
		q.away = err != nil
		if q.lost != nil {
			q.lost(err)
		}
	}
	return nil
}
