package worker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.temporal.io/sdk/interceptor"

	"github.com/countersign-health/countersign/tracing"
	"github.com/countersign-health/countersign/tracing/tracetest"
)

// What the gateway decided holds in the worker, whatever the worker's share.
func TestTracingFollowsTheGateway(t *testing.T) {
	for _, x := range []struct {
		traceparent string
		want        int
	}{
		{"00-4bf92f3577b34da6ffffffffffffff01-00f067aa0ba902b7-01", 1},
		{"00-4bf92f3577b34da60000000000000001-00f067aa0ba902b7-00", 0},
		{"nonsense", 0}, // and a trace of its own, of which the share is none
	} {
		p, kept := tracetest.New(t, 0)
		tr := &tracer{tracer: p.Tracer(tracing.Scope)}
		parent, err := tr.UnmarshalSpan(map[string]string{"traceparent": x.traceparent, "tracestate": "who=somebody", "baggage": "who=somebody"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := tr.StartSpan(&interceptor.TracerStartSpanOptions{Operation: "RunActivity", Name: "Record", Parent: parent, Time: time.Now(),
			Tags: map[string]string{"temporalWorkflowID": "claim/1", "temporalActivityID": "7"}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := tr.MarshalSpan(s)
		if err != nil || len(m) != 1 || !strings.HasPrefix(m["traceparent"], "00-") {
			t.Errorf("%s: goes on as %v, %v", x.traceparent, m, err)
		}
		s.Finish(&interceptor.TracerFinishSpanOptions{Error: errors.New("member 1")})
		got := kept.GetSpans()
		if len(got) != x.want {
			t.Fatalf("%s: got %d spans, want %d", x.traceparent, len(got), x.want)
		}
		if x.want == 1 && (got[0].Status.Code != codes.Error || len(got[0].Attributes) != 1) {
			t.Errorf("got %+v", got[0])
		}
	}
}

// A contract that is replayed is the same span, and the steps that replay
// repeats are none.
func TestTracingOfReplays(t *testing.T) {
	p, kept := tracetest.New(t, 1)
	tr := &tracer{tracer: p.Tracer(tracing.Scope)}
	begun := time.Now().Add(-time.Hour)
	for range 2 {
		run, err := tr.StartSpan(&interceptor.TracerStartSpanOptions{Operation: "RunWorkflow", Name: "Claim", IdempotencyKey: "run 1", Time: begun})
		if err != nil {
			t.Fatal(err)
		}
		update, err := tr.StartSpan(&interceptor.TracerStartSpanOptions{Operation: "HandleUpdate", Name: "accept", Parent: run, Time: begun})
		if err != nil {
			t.Fatal(err)
		}
		update.Finish(&interceptor.TracerFinishSpanOptions{})
	}
	got := kept.GetSpans()
	if len(got) != 2 || got[0].SpanContext.SpanID() != got[1].SpanContext.SpanID() || !got[0].EndTime.Equal(got[1].EndTime) {
		t.Errorf("got %v", got)
	}
}
