// Package tracetest keeps spans for tests, as a collector would get them, and
// is a collector for tests between processes.
package tracetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/countersign-health/countersign/tracing/otlp"
)

// New makes a provider like the one of a process, which records a share of the
// traces, and what it would export.
func New(t testing.TB, sample float64) (trace.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	return otlp.Provider("test", sample, sdk.NewSimpleSpanProcessor, kept), kept
}

// A Collector takes spans over OTLP/HTTP, protobuf.
type Collector struct {
	URL string

	mu      sync.Mutex
	bytes   []byte
	spans   []Sent
	headers []http.Header
}

// Sent is a span that arrived, with the service that sent it.
type Sent struct {
	Service string
	*tracepb.Span
}

// Trace is the trace's id in hexadecimal.
func (s Sent) Trace() string { return fmt.Sprintf("%x", s.TraceId) }

// Collect starts a collector on loopback.
func Collect(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent tracepb.TracesData
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" ||
		r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &sent) != nil {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes = append(c.bytes, body...)
	c.headers = append(c.headers, r.Header.Clone())
	for _, rs := range sent.ResourceSpans {
		service := ""
		for _, a := range rs.Resource.Attributes {
			service += a.Key + "=" + a.Value.GetStringValue()
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				c.spans = append(c.spans, Sent{service, s})
			}
		}
	}
}

// Spans are those that have arrived.
func (c *Collector) Spans() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Sent{}, c.spans...)
}

// Bytes are all bodies, as they were sent.
func (c *Collector) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.bytes...)
}

// Headers are those of each request.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header{}, c.headers...)
}

// Await waits for a span of a service and a name.
func (c *Collector) Await(t testing.TB, service, name string) Sent {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, s := range c.Spans() {
			if s.Service == "service.name="+service && s.Name == name {
				return s
			}
		}
	}
	var have []string
	for _, s := range c.Spans() {
		have = append(have, s.Service+" "+s.Name)
	}
	t.Fatalf("no span %q of %s came; there are %q", name, service, have)
	return Sent{}
}
