package demo_test

import (
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
)

// TestTemporalStart says how long the server takes until a contract can start.
// Two seconds are promised on a machine that does nothing else; a busy one is
// given more.
func TestTemporalStart(t *testing.T) {
	began := time.Now()
	s, err := temporalserver.Start(t.Context(), temporalserver.Options{Dir: t.TempDir(), Namespace: "insurer"})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("Temporal is ready in %v", took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("Temporal is ready in %v", took)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
