package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/tracing/tracetest"
)

// traces adds a section to every configuration of a town.
func (w *town) traces(section string) {
	w.t.Helper()
	for _, name := range append([]string{"board", "ledger"}, witnesses...) {
		path := filepath.Join(w.dir, name+".yaml")
		b, err := os.ReadFile(path)
		w.must(err)
		w.must(os.WriteFile(path, append(b, section...), 0o600))
	}
}

// run starts every process but the insurer's, and issues a license as part of a
// trace.
func (w *town) run(ctx context.Context) (all []*child) {
	w.t.Helper()
	all = append(all, w.start("board", "board", "board"), w.start("ledger", "ledger", "ledger"))
	for _, name := range witnesses {
		all = append(all, w.start("witness", name, name))
	}
	for _, c := range all {
		c.ready()
	}
	_, err := w.clerkClient().Issue(ctx, application)
	w.must(err)
	return all
}

// Processes of several houses really export, over a socket, what belongs to
// the trace of one act, and nothing of what it was about.
func TestTraces(t *testing.T) {
	w := newTown(t, nil)
	collector := tracetest.Collect(t)
	w.write("collector.headers", []byte("Authorization: Bearer a-token\nX-House: houses\n"))
	w.traces(fmt.Sprintf("tracing: {endpoint: '%s', headers_file: collector.headers}\n", collector.URL))
	p, _ := tracetest.New(t, 1)
	ctx, span := p.Tracer("t").Start(t.Context(), "act")
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	all := w.run(ctx)
	span.End()
	for _, c := range all {
		c.stop() // sends the last spans
	}

	id := span.SpanContext().TraceID().String()
	spans := map[string]tracetest.Sent{}
	services := map[string]bool{}
	for _, s := range collector.Spans() {
		services[s.Service] = true
		if s.Trace() == id {
			spans[hex.EncodeToString(s.SpanId)] = s
		}
	}
	if len(services) != 3 {
		t.Errorf("got spans of %v, want board, ledger and witness", services)
	}
	for _, want := range []string{
		"countersignd-ledger POST /batches < countersignd-board POST ledger < countersignd-board POST /licenses",
		"countersignd-witness POST /add-checkpoint < countersignd-ledger POST witness < countersignd-ledger publish checkpoint < countersignd-ledger POST /batches",
	} {
		if got := ways(spans); !strings.Contains(got, want) {
			t.Errorf("no %s in the trace; there are\n%s", want, got)
		}
	}
	sent := string(collector.Bytes())
	for _, personal := range []string{application.Name, "SECRETNAME", string(application.NPI), application.Number, "127.0.0.1", "Go-http-client"} {
		if strings.Contains(sent, personal) {
			t.Errorf("the collector was told %q", personal)
		}
	}
	for _, h := range collector.Headers() {
		if h.Get("Authorization") != "Bearer a-token" || h.Get("X-House") != "houses" {
			t.Fatalf("got headers %v", h)
		}
	}
	for _, c := range all {
		if strings.Contains(c.logs.String(), "a-token") {
			t.Errorf("%s logs the token", c.name)
		}
	}
}

// ways are the spans of a trace, each with what is above it.
func ways(spans map[string]tracetest.Sent) string {
	var all strings.Builder
	for _, s := range spans {
		for ok := true; ok; s, ok = spans[hex.EncodeToString(s.ParentSpanId)] {
			fmt.Fprintf(&all, "%s %s < ", strings.TrimPrefix(s.Service, "service.name="), s.Name)
		}
		fmt.Fprintln(&all)
	}
	return all.String()
}

// Without its collector a house works on, says so once, and stops in time.
func TestCollectorAway(t *testing.T) {
	w := newTown(t, nil)
	w.traces("tracing: {endpoint: 'http://" + freePort(t) + "'}\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := w.run(ctx)
	for range 3 { // so that there are spans for several batches (one each 2 s)
		time.Sleep(2 * time.Second)
		_, err := w.clerkClient().Find(ctx, application.NPI)
		w.must(err)
	}
	begun := time.Now()
	for _, c := range all {
		c.stop()
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("stopping took %v", took)
	}
	for _, c := range all {
		if n := strings.Count(c.logs.String(), "traces are lost"); n != 1 {
			t.Errorf("%s says %d times that traces are lost, want once:\n%s", c.name, n, c.logs.String())
		}
		checkLog(t, c)
	}
}
