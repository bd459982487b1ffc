package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/tracing/tracetest"
)

// asTool makes this test binary be countersign.
const asTool = "TEST_AS_COUNTERSIGN"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		main()
	}
	os.Exit(m.Run())
}

// typed runs the command as a process with one more variable.
func typed(t *testing.T, variable string, args ...string) (code int, stdout, stderr string, took time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = []string{asTool + "=1", variable}
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	begun := time.Now()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String(), time.Since(begun)
}

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT="

func TestExports(t *testing.T) {
	c := tracetest.Collect(t)
	code, _, said, _ := typed(t, endpoint+c.URL, "claim", "check", "../../examples/claims.837", "--json")
	if code != 0 || said != "" {
		t.Fatalf("exit %d: %s", code, said)
	}
	s := c.Await(t, "countersign", "countersign claim check")
	if len(s.ParentSpanId) != 0 || len(s.TraceId) != 16 || s.EndTimeUnixNano <= s.StartTimeUnixNano || len(s.Attributes) != 0 {
		t.Errorf("got %v", s)
	}
	if sent := string(c.Bytes()); strings.Contains(sent, "claims.837") || strings.Contains(sent, "examples") {
		t.Errorf("the collector was told what was typed: %q", sent)
	}
	code, _, _, _ = typed(t, endpoint+c.URL, "claim", "check", "NOSUCHFILE")
	if last := c.Spans()[len(c.Spans())-1]; code == 0 || last.Status.GetCode() == 0 || last.Status.Message != "" {
		t.Errorf("exit %d: got status %v", code, last.Status)
	}
}

// A collector that is away, or that is none, costs a line and at most about a
// second; the command does what it did without.
func TestCollectorAway(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	args := []string{"claim", "check", "../../examples/claims.837", "--json"}
	code, want, said, without := typed(t, "NO=1", args...)
	if code != 0 || said != "" {
		t.Fatalf("without a collector: exit %d: %s", code, said)
	}
	for _, x := range []struct{ name, endpoint, said string }{
		{"gone", "http://" + gone.Addr().String(), "countersign: traces were lost: "},
		{"hangs", "http://" + hangs.Addr().String(), "countersign: traces were lost: "},
		{"for gRPC", "collector:4317", "countersign: no traces: OTEL_EXPORTER_OTLP_ENDPOINT: "},
	} {
		t.Run(x.name, func(t *testing.T) {
			code, out, said, took := typed(t, endpoint+x.endpoint, args...)
			if code != 0 || out != want {
				t.Errorf("exit %d, got\n%s\nwant\n%s", code, out, want)
			}
			if !strings.HasPrefix(said, x.said) || strings.Count(said, "\n") != 1 {
				t.Errorf("got %q, want one line that begins with %q", said, x.said)
			}
			if took > without+2*time.Second {
				t.Errorf("it took %v, without a collector %v", took, without)
			}
			fmt.Fprintf(t.Output(), "took %v, without a collector %v\n", took, without)
		})
	}
}
