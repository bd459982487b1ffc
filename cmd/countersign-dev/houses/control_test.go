//go:build linux && houses

package houses_test

import (
	"os"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// What fault tests rest on: a service that is killed comes back by its policy
// and one that is stopped does not, a paused one does not answer, and a second
// start on the same folder goes on with what was there.
func TestControl(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-houses-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h, err := houses.Start(t.Context(), dir, houses.Options{Replicas: map[string]int{"worker": 1}})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"postgres", "temporal", "gateway", "worker-1"} {
		must(h.Kill(name))
		for end := time.Now().Add(20 * time.Second); h.Starts(name) < 2 && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		must(h.Await(t.Context(), name))
	}
	must(h.Stop(t.Context(), "board"))
	time.Sleep(500 * time.Millisecond)
	if err := h.Kill("board"); err == nil || h.Starts("board") != 1 {
		t.Errorf("a board that was stopped runs: %v", err)
	}
	must(h.Run("board"))
	must(h.Await(t.Context(), "board"))
	must(h.Pause("ledger"))
	if out, err := h.Exec(t.Context(), "ledger", "/countersignd", "probe", "http://127.0.0.1:9104/readyz"); err == nil {
		t.Errorf("a paused ledger answers %s", out)
	}
	must(h.Resume("ledger"))
	must(h.Await(t.Context(), "ledger"))
	before, err := h.CLI(t.Context(), "auditor", "ledger", "participants")
	must(err)
	must(h.Close())

	h, err = houses.Start(t.Context(), dir, houses.Options{Replicas: map[string]int{"worker": 1}, NoRestart: true})
	if err != nil {
		t.Fatal(err)
	}
	after, err := h.CLI(t.Context(), "auditor", "ledger", "participants")
	must(err)
	if string(before) != string(after) {
		t.Errorf("before\n%safter\n%s", before, after)
	}
	must(h.Kill("gateway"))
	must(h.Down(t.Context(), "gateway"))
	if err := h.Run("gateway"); err != nil || h.Starts("gateway") != 2 {
		t.Errorf("got %v after %d starts", err, h.Starts("gateway"))
	}
	must(h.Close())
}
