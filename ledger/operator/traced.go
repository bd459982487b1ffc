package operator

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/tracing"
)

// mostTraced bounds how many spans are remembered, and so linked by a round.
const mostTraced = 128

// traced remembers the spans of those who appended what is not final yet. A
// round makes many entries final at once, so it belongs to no single trace: it
// hangs on the first and links to the others.
type traced struct {
	mu    sync.Mutex
	waits []appended
}

type appended struct {
	index int64
	span  trace.Span
}

func (t *traced) add(index int64, s trace.Span) {
	if s == nil || !s.SpanContext().IsSampled() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := (appended{index, s}); len(t.waits) < mostTraced && !slices.Contains(t.waits, a) { // a transaction may run again
		t.waits = append(t.waits, a)
	}
}

// start begins the span of a round that covers the first size entries. Where
// nobody is traced there is none.
func (t *traced) start(ctx context.Context, size int64) (context.Context, trace.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var links []trace.Link
	for _, a := range t.waits {
		if a.index >= size {
			continue
		}
		if !trace.SpanContextFromContext(ctx).IsValid() {
			ctx = trace.ContextWithSpan(ctx, a.span)
			continue
		}
		links = append(links, trace.Link{SpanContext: a.span.SpanContext()})
	}
	return tracing.Child(ctx, "publish checkpoint", trace.WithLinks(links...), trace.WithAttributes(tracing.TreeSize.Int64(size)))
}

// drop forgets those whose entries are final.
func (t *traced) drop(size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.waits[:0]
	for _, a := range t.waits {
		if a.index >= size {
			kept = append(kept, a)
		}
	}
	clear(t.waits[len(kept):])
	t.waits = kept
}
