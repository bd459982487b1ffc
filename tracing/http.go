package tracing

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Handler makes a span for each request at a door. (otelhttp would record the
// path, which holds handles, and the caller's address and user agent.)
//
// A stranger's traceparent gives the trace id and nothing more: whether this
// house records the trace is for its own sampler, see otlp.Config. A nil provider
// leaves the door as it is, so that a house without traces passes no id on.
func Handler(p trace.TracerProvider, next http.Handler) http.Handler {
	if p == nil {
		return next
	}
	tracer := p.Tracer(Scope)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(Extract(r.Context(), r.Header.Get(header)), "other", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		a := &answer{ResponseWriter: w, status: http.StatusOK}
		within := r.WithContext(ctx)
		next.ServeHTTP(a, within)
		r.Pattern = within.Pattern
		// A path that no route has, and a method that nobody knows, are the
		// caller's inventions.
		if _, route, ok := strings.Cut(r.Pattern, " "); ok && route != "" {
			span.SetName(r.Pattern)
			span.SetAttributes(Route.String(route))
		}
		span.SetAttributes(Status.Int(a.status))
		if a.status >= 500 {
			span.SetStatus(codes.Error, "")
		}
	})
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.wrote = true
	return a.ResponseWriter.Write(b)
}

// Unwrap lets doors set their own deadlines (http.ResponseController).
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Transport makes a span for each request to a peer, and tells the peer its
// name. Outside of a trace it does nothing.
func Transport(peer string, next http.RoundTripper) http.RoundTripper {
	return &transport{peer, next}
}

type transport struct {
	peer string
	next http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := Child(r.Context(), r.Method+" "+t.peer, trace.WithSpanKind(trace.SpanKindClient))
	if !span.SpanContext().IsValid() {
		return t.next.RoundTrip(r)
	}
	defer span.End()
	r = r.Clone(ctx)
	r.Header.Set(header, Inject(ctx))
	span.SetAttributes(Peer.String(t.peer))
	resp, err := t.next.RoundTrip(r)
	switch {
	case err != nil: // its text may hold the URL, and so a handle
		span.SetStatus(codes.Error, "")
	default:
		span.SetAttributes(Status.Int(resp.StatusCode))
		if resp.StatusCode >= 400 {
			span.SetStatus(codes.Error, "")
		}
	}
	return resp, err
}
