//go:build linux && houses

package houses

import (
	"os"
	"testing"
	"time"
)

func TestUp(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-houses-")
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o711)
	began := time.Now()
	h, err := Start(t.Context(), dir, Options{Screen: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("up in", time.Since(began))
	out, err := h.CLI(t.Context(), "hospital", "ledger", "participants")
	t.Logf("%s %v", out, err)
	began = time.Now()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	t.Log("down in", time.Since(began))
	t.Log(dir)
}
