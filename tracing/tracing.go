// Package tracing follows one piece of work through the houses: what goes out
// carries a trace id (W3C Trace Context), and each door goes on with it. It is
// the one place where spans are made for HTTP, whichever door or client.
//
// A span says which of our routes or errands ran, how long, and how it ended.
// It never says what was asked or by whom: no path, query, header, body,
// address, user agent or error text. Package otlp exports, and leaves out
// whatever is not in Allowed. Baggage and tracestate are neither read nor
// passed on.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Scope names the instrumentation of this module.
const Scope = "github.com/countersign-health/countersign"

// The attributes that spans may have.
const (
	Route    = attribute.Key("http.route")                // a pattern of our own, never a path
	Status   = attribute.Key("http.response.status_code") //
	Peer     = attribute.Key("countersign.peer")          // who was asked: gateway, board, ledger, witness
	TreeSize = attribute.Key("countersign.tree_size")     // of a checkpoint
	// As Temporal's own interceptors name them. Both are random or keyed hashes.
	Contract = attribute.Key("temporalWorkflowID")
	Run      = attribute.Key("temporalRunID")
	Service  = attribute.Key("service.name") // of the whole process
)

// Allowed are all attributes that leave the process.
var Allowed = map[attribute.Key]bool{Route: true, Status: true, Peer: true, TreeSize: true, Contract: true, Run: true, Service: true}

const header = "traceparent"

var wire propagation.TraceContext

// Extract goes on with the trace that a text names, if it names one.
func Extract(ctx context.Context, traceparent string) context.Context {
	return wire.Extract(ctx, propagation.MapCarrier{header: traceparent})
}

// Inject is the text that names the span of ctx; empty where there is none.
func Inject(ctx context.Context) string {
	c := propagation.MapCarrier{}
	wire.Inject(ctx, c)
	return c[header]
}

// Child starts a span below the one of ctx. Where ctx has none, it makes none:
// only doors, commands and contracts begin traces.
func Child(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsValid() {
		return ctx, parent
	}
	return parent.TracerProvider().Tracer(Scope).Start(ctx, name, o...)
}

type spanIDKey struct{}

// WithSpanID has the next span that is started from ctx take an id, so that a
// contract which is replayed is the same span each time.
func WithSpanID(ctx context.Context, id trace.SpanID) context.Context {
	return context.WithValue(ctx, spanIDKey{}, id)
}

// SpanID is the id that WithSpanID has set.
func SpanID(ctx context.Context) (id trace.SpanID, ok bool) {
	id, ok = ctx.Value(spanIDKey{}).(trace.SpanID)
	return id, ok && id.IsValid()
}
