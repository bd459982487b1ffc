package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/tracing"
	"github.com/countersign-health/countersign/tracing/tracetest"
)

// canary stands wherever a request can say something of a person.
const canary = "ZQXCANARY"

// served is a door that answers with a status and keeps the headers it saw.
func served(t *testing.T, p trace.TracerProvider, status int) (url string, seen *http.Header) {
	t.Helper()
	seen = &http.Header{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /claims/{handle}", func(w http.ResponseWriter, r *http.Request) {
		*seen = r.Header.Clone()
		w.WriteHeader(status)
	})
	s := httptest.NewServer(tracing.Handler(p, mux))
	t.Cleanup(s.Close)
	return s.URL, seen
}

// ask sends a request that is full of what must not be recorded.
func ask(t *testing.T, ctx context.Context, url string, change ...func(*http.Request)) error {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, strings.NewReader(canary))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", canary)
	r.Header.Set("Authorization", "Bearer "+canary)
	for _, c := range change {
		c(r)
	}
	resp, err := (&http.Client{Transport: tracing.Transport("board", &http.Transport{})}).Do(r)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func named(t *testing.T, kept *sdk.InMemoryExporter, name string) sdk.SpanStub {
	t.Helper()
	for _, s := range kept.GetSpans() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %q: %v", name, kept.GetSpans())
	return sdk.SpanStub{}
}

func TestOneTrace(t *testing.T) {
	p, kept := tracetest.New(t, 1)
	url, seen := served(t, p, 200)
	ctx, root := p.Tracer("t").Start(t.Context(), "command")
	member, _ := baggage.NewMember("who", canary)
	bag, _ := baggage.New(member)
	if err := ask(t, baggage.ContextWithBaggage(ctx, bag), url+"/claims/"+canary+"?q="+canary); err != nil {
		t.Fatal(err)
	}
	root.End()

	client, door := named(t, kept, "GET board"), named(t, kept, "GET /claims/{handle}")
	if client.Parent.SpanID() != root.SpanContext().SpanID() || door.Parent.SpanID() != client.SpanContext.SpanID() ||
		door.SpanContext.TraceID() != root.SpanContext().TraceID() {
		t.Errorf("the chain is broken: %v, %v, %v", root.SpanContext(), client, door)
	}
	if door.SpanKind != trace.SpanKindServer || client.SpanKind != trace.SpanKindClient {
		t.Errorf("got kinds %v and %v", client.SpanKind, door.SpanKind)
	}
	for _, s := range []sdk.SpanStub{client, door} {
		if !hasStatus(s, 200) {
			t.Errorf("%s: got %v, want status 200", s.Name, s.Attributes)
		}
	}
	for _, header := range []string{"Baggage", "Tracestate"} {
		if seen.Get(header) != "" {
			t.Errorf("%s went out", header)
		}
	}
	mustBeSilent(t, kept)
}

func hasStatus(s sdk.SpanStub, want int64) bool {
	for _, a := range s.Attributes {
		if a.Key == tracing.Status && a.Value.AsInt64() == want {
			return true
		}
	}
	return false
}

// mustBeSilent looks at every word of every span.
func mustBeSilent(t *testing.T, kept *sdk.InMemoryExporter) {
	t.Helper()
	text, err := json.Marshal(kept.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	if all := string(text) + fmt.Sprintf("%+v", kept.GetSpans()); strings.Contains(all, canary) {
		t.Errorf("a span tells: %s", all)
	}
}

// What a library or a line of ours puts into a span by mistake stays here.
func TestSieve(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name="+canary)
	p, kept := tracetest.New(t, 1)
	link := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	_, s := p.Tracer("t").Start(t.Context(), "errand", trace.WithAttributes(attribute.String("error.message", canary), tracing.Peer.String("ledger")),
		trace.WithLinks(trace.Link{SpanContext: link, Attributes: []attribute.KeyValue{attribute.String("who", canary)}}))
	s.RecordError(errors.New(canary))
	s.AddEvent(canary)
	s.SetStatus(codes.Error, canary)
	s.End()
	got := named(t, kept, "errand")
	if got.Status.Code != codes.Error || len(got.Attributes) != 1 || len(got.Links) != 1 || len(got.Events) != 0 {
		t.Errorf("got %+v", got)
	}
	mustBeSilent(t, kept)
}

// A stranger's headers give a trace its id, and decide nothing.
func TestStranger(t *testing.T) {
	const low, high = "4bf92f3577b34da60000000000000001", "4bf92f3577b34da6ffffffffffffff01" // TraceIDRatioBased reads the last 63 bits
	for _, x := range []struct {
		name, traceparent string
		sample            float64
		recorded, same    bool
	}{
		{"not sampled there, all recorded here", "00-" + high + "-00f067aa0ba902b7-00", 1, true, true},
		{"sampled there, a share recorded here", "00-" + high + "-00f067aa0ba902b7-01", 0.5, false, true},
		{"not sampled there, within the share", "00-" + low + "-00f067aa0ba902b7-00", 0.5, true, true},
		{"no trace", "", 1, true, false},
		{"nonsense", canary, 1, true, false},
		{"too long", "00-" + high + "-00f067aa0ba902b7-01-" + canary, 1, true, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, kept := tracetest.New(t, x.sample)
			url, _ := served(t, p, 200)
			err := ask(t, t.Context(), url+"/claims/1", func(r *http.Request) {
				r.Header.Set("Traceparent", x.traceparent)
				r.Header.Set("Tracestate", "who="+canary)
				r.Header.Set("Baggage", "who="+canary)
			})
			if err != nil {
				t.Fatal(err)
			}
			spans := kept.GetSpans()
			if len(spans) > 0 != x.recorded {
				t.Fatalf("got %d spans", len(spans))
			}
			if x.recorded && (spans[0].SpanContext.TraceID().String()[:16] == high[:16]) != x.same {
				t.Errorf("got trace %s", spans[0].SpanContext.TraceID())
			}
			mustBeSilent(t, kept)
		})
	}
}

// A house without traces tells nobody the id that it was told.
func TestOff(t *testing.T) {
	url, seen := served(t, nil, 200)
	door := httptest.NewServer(tracing.Handler(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := ask(t, r.Context(), url+"/claims/1"); err != nil {
			t.Error(err)
		}
	})))
	defer door.Close()
	p, _ := tracetest.New(t, 1)
	ctx, span := p.Tracer("t").Start(t.Context(), "command")
	defer span.End()
	if err := ask(t, ctx, door.URL); err != nil {
		t.Fatal(err)
	}
	if len(*seen) == 0 || seen.Get("Traceparent") != "" {
		t.Errorf("got headers %v", *seen)
	}
}

func TestOddRequests(t *testing.T) {
	p, kept := tracetest.New(t, 1)
	url, _ := served(t, p, 503)
	ctx, root := p.Tracer("t").Start(t.Context(), "command")
	if err := ask(t, t.Context(), url+"/"+canary, func(r *http.Request) { r.Method = canary }); err != nil {
		t.Fatal(err)
	}
	if s := named(t, kept, "other"); !hasStatus(s, 404) && !hasStatus(s, 405) {
		t.Errorf("a path without route: got %v", s.Attributes)
	}
	if err := ask(t, ctx, url+"/claims/1"); err != nil {
		t.Fatal(err)
	}
	if s := named(t, kept, "GET /claims/{handle}"); s.Status.Code != codes.Error {
		t.Errorf("a 503: got %v", s.Status)
	}
	kept.Reset()
	if err := ask(t, ctx, "http://127.0.0.1:1/claims/"+canary); err == nil {
		t.Fatal("somebody listens on port 1")
	}
	if s := named(t, kept, "GET board"); s.Status.Code != codes.Error {
		t.Errorf("no answer: got %v", s.Status)
	}
	root.End()
	mustBeSilent(t, kept)
}

func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(tracing.LogHandler(slog.NewJSONHandler(&out, nil))).With("command", "gateway")
	p, _ := tracetest.New(t, 1)
	ctx, span := p.Tracer("t").Start(t.Context(), "request")
	log.InfoContext(ctx, "inside")
	log.Info("outside")
	lines := strings.Split(out.String(), "\n")
	if want := `"trace_id":"` + span.SpanContext().TraceID().String() + `"`; !strings.Contains(lines[0], want) || strings.Contains(lines[1], "trace_id") {
		t.Errorf("got %q", lines)
	}
}
