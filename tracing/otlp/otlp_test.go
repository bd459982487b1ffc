package otlp_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/tracing/otlp"
	"github.com/countersign-health/countersign/tracing/tracetest"
)

func TestExport(t *testing.T) {
	c := tracetest.Collect(t)
	p, stop, err := otlp.Start(otlp.Config{Service: "test", Endpoint: c.URL + "/", Sample: 1,
		Headers: func() (http.Header, error) { return http.Header{"Authorization": {"Bearer secret"}}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("t").Start(t.Context(), "errand")
	span.End()
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := c.Await(t, "test", "errand"); s.Trace() != span.SpanContext().TraceID().String() {
		t.Errorf("got trace %s", s.Trace())
	}
	if h := c.Headers(); len(h) != 1 || h[0].Get("Authorization") != "Bearer secret" {
		t.Errorf("got headers %v", h)
	}
}

// A collector that is away is told of once, and again when it is back; neither
// what is traced nor the end waits for it.
func TestCollectorAway(t *testing.T) {
	var answers atomic.Int32
	answers.Store(503)
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(int(answers.Load()))
	}))
	defer s.Close()
	told := make(chan error, 100)
	p, stop, err := otlp.Start(otlp.Config{Service: "test", Endpoint: s.URL, Sample: 1, Lost: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(context.Background())
	flush := p.(interface{ ForceFlush(context.Context) error })
	errand := func() {
		t.Helper()
		_, span := p.Tracer("t").Start(t.Context(), "errand")
		span.End()
		if err := flush.ForceFlush(t.Context()); err != nil {
			t.Errorf("flush: %v", err)
		}
	}
	for range 3 {
		errand()
	}
	answers.Store(200)
	for range 3 {
		errand()
	}
	if asked.Load() != 6 || len(told) != 2 {
		t.Fatalf("asked %d times and told %d times, want 6 and 2", asked.Load(), len(told))
	}
	if first, second := <-told, <-told; first == nil || second != nil {
		t.Errorf("told %v, then %v", first, second)
	}
}

func TestCollectorHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, stop, err := otlp.Start(otlp.Config{Service: "test", Endpoint: "http://" + l.Addr().String(), Sample: 1})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range 10_000 { // more than may wait
		_, span := p.Tracer("t").Start(t.Context(), "errand")
		span.End()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	stop(ctx)
	if took := time.Since(begun); took > 4*time.Second { // exportWithin is 5 s
		t.Errorf("it took %v", took)
	}
}

func TestEndpoint(t *testing.T) {
	for _, bad := range []string{"", "collector:4317", "ftp://c", "http://user:secret@c", "http://c?token=secret", "://"} {
		if _, _, err := otlp.Start(otlp.Config{Endpoint: bad}); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
