package gateway

import (
	"testing"
	"time"
)

// What was used of an hour comes back evenly, and no more than an hour's is kept.
func TestPace(t *testing.T) {
	p := newPace(60)
	now := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	use := func(n int) {
		t.Helper()
		for i := range n {
			if wait := p.wait("a", now); wait != 0 {
				t.Fatalf("%d of %d: wait %s", i, n, wait)
			}
		}
		if wait := p.wait("a", now); wait <= 0 || wait > time.Minute {
			t.Fatalf("behind %d: wait %s, want up to a minute", n, wait)
		}
	}
	use(60)
	if p.wait("b", now) != 0 {
		t.Error("another party waits too")
	}
	now = now.Add(time.Minute)
	use(1)
	now = now.Add(-time.Hour) // a clock that was set back gives nothing
	use(0)
	now = now.Add(48 * time.Hour)
	use(60)
}
