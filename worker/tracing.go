package worker

import (
	"context"
	"crypto/sha256"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"

	"github.com/countersign-health/countersign/tracing"
)

// Tracing has Temporal carry traces from the gateway through contracts to their
// errands. Put it into the interceptors of a client; workers of that client take
// it from there. It adds a header to what a contract starts, and no command, so
// that histories replay with and without it.
//
// The interceptor is Temporal's, the spans are ours: those of its
// contrib/opentelemetry hold error texts, pass baggage on, and end a contract's
// span when the contract ends, which may be in years, and each time that it is
// replayed. Headers go around the payload codec, so all that stands in them is a
// traceparent: two random numbers.
func Tracing(p trace.TracerProvider) interceptor.Interceptor {
	return interceptor.NewTracingInterceptor(&tracer{tracer: p.Tracer(tracing.Scope)})
}

type tracer struct {
	interceptor.BaseTracer
	tracer trace.Tracer
}

// contractSpan is the key of a contract's span in its context.
type contractSpan struct{}

func (t *tracer) Options() interceptor.TracerOptions {
	return interceptor.TracerOptions{
		SpanContextKey: contractSpan{}, HeaderKey: "_tracer-data", // as all SDKs have it
		AllowInvalidParentSpans: true, // or a header would stop a contract
	}
}

// A span as the interceptor handles it.
type span struct{ trace.Span }

func (s span) Finish(o *interceptor.TracerFinishSpanOptions) {
	if o.Error != nil {
		s.SetStatus(codes.Error, "") // never its text
	}
	s.End()
}

// passing are steps that take no time of their own, or that replay repeats:
// what comes below them hangs on what is above them.
var passing = map[string]bool{"StartActivity": true, "ValidateUpdate": true, "HandleUpdate": true}

func (t *tracer) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	ctx := context.Background()
	switch parent := o.Parent.(type) {
	case nil:
	case span:
		ctx = trace.ContextWithSpan(ctx, parent.Span)
	case trace.SpanContext:
		ctx = trace.ContextWithSpanContext(ctx, parent)
	default:
		return nil, errors.New("trace: a parent that is not ours")
	}
	if passing[o.Operation] {
		return span{passed{trace.SpanFromContext(ctx)}}, nil
	}
	if o.Operation == "RunWorkflow" {
		id := sha256.Sum256([]byte(o.IdempotencyKey))
		ctx = tracing.WithSpanID(ctx, trace.SpanID(id[:8]))
	}
	kind := trace.SpanKindServer
	if o.ToHeader {
		kind = trace.SpanKindClient
	}
	_, s := t.tracer.Start(ctx, t.SpanName(o), trace.WithTimestamp(o.Time), trace.WithSpanKind(kind))
	for key, value := range o.Tags {
		if tracing.Allowed[attribute.Key(key)] {
			s.SetAttributes(attribute.String(key, value))
		}
	}
	if o.Operation == "RunWorkflow" { // the same span however often, sent at once
		s.End(trace.WithTimestamp(o.Time))
	}
	return span{s}, nil
}

// passed is somebody else's span, which is not ours to end.
type passed struct{ trace.Span }

func (passed) End(...trace.SpanEndOption)   {}
func (passed) SetStatus(codes.Code, string) {}

func (t *tracer) SpanFromContext(ctx context.Context) interceptor.TracerSpan {
	if s := trace.SpanFromContext(ctx); s.SpanContext().IsValid() {
		return span{s}
	}
	return nil
}

func (t *tracer) ContextWithSpan(ctx context.Context, s interceptor.TracerSpan) context.Context {
	return trace.ContextWithSpan(ctx, s.(span).Span)
}

func (t *tracer) MarshalSpan(s interceptor.TracerSpan) (map[string]string, error) {
	text := tracing.Inject(trace.ContextWithSpan(context.Background(), s.(span).Span))
	if text == "" {
		return nil, nil
	}
	return map[string]string{"traceparent": text}, nil
}

// UnmarshalSpan takes a header of Temporal's as this house's own: what the
// gateway has decided to record is recorded throughout.
func (t *tracer) UnmarshalSpan(m map[string]string) (interceptor.TracerSpanRef, error) {
	s := trace.SpanContextFromContext(tracing.Extract(context.Background(), m["traceparent"]))
	if !s.IsValid() {
		return nil, nil
	}
	return s.WithRemote(false), nil
}

func (t *tracer) GetLogger(logger log.Logger, ref interceptor.TracerSpanRef) log.Logger {
	if s, ok := ref.(span); ok && s.SpanContext().IsValid() {
		return log.With(logger, "trace_id", s.SpanContext().TraceID().String())
	}
	return logger
}
