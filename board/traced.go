package board

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/credentials"
)

// mostTraced bounds how many spans are remembered.
const mostTraced = 1024

// remember keeps the span of the request that a document comes from until its
// receipt is there, so that the outbox goes on with its trace. Memory is
// enough: a process that takes the outbox up after a crash leaves the trace
// incomplete and nothing else.
func (b *Board) remember(ctx context.Context, document credentials.Handle) {
	s := trace.SpanFromContext(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.SpanContext().IsValid() && len(b.asked) < mostTraced {
		b.asked[document.String()] = s
	}
}

func (b *Board) forget(documents ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range documents {
		delete(b.asked, d)
	}
}

// withinAny is ctx as part of the trace in which the first of the documents was
// asked for that is traced: one request to the ledger has one trace, whatever
// it brings.
func (b *Board) withinAny(ctx context.Context, documents []string) context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range documents {
		if s := b.asked[d]; s != nil {
			return trace.ContextWithSpan(ctx, s)
		}
	}
	return ctx
}
