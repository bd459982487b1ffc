package board

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// own are a board's documents on a test ledger from an index on.
func (l *testLedger) own(_ context.Context, from int64) (all []Recorded, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for index, leaf := range l.entries {
		if e, err := ledger.ParseEntry(leaf); err == nil && int64(index) >= from {
			all = append(all, Recorded{e.Subject, int64(index)})
		}
	}
	return all, nil
}

// A register that was restored from before its last order would give that
// order's place in the feed to another: insurers who have read further would
// never hear of it.
func TestRestoredRegisterDoesNotOpen(t *testing.T) {
	l := newTestLedger()
	asks := func(o *Options) { o.Own = l.own }
	file := filepath.Join(t.TempDir(), "register.db")
	with := func(f func(h *house)) {
		db, err := sqldb.Open(t.Context(), "sqlite:"+file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		h := openHouse(t, db, l, asks)
		defer h.shut()
		f(h)
	}
	issue := func(h *house, number int) {
		c := h.client(t)
		if _, err := c.Issue(t.Context(), application(number)); err != nil {
			t.Fatal(err)
		}
	}
	with(func(h *house) { issue(h, 1); awaitFeed(t, h.client(t), 1) })
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	with(func(h *house) { issue(h, 2); awaitFeed(t, h.client(t), 2) })
	with(func(*house) {}) // whole, it opens
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	o := Options{Jurisdiction: "MA", URL: "http://board.example", Own: l.own}
	b, err := Open(t.Context(), db, boardKey, l, o)
	var behind *BehindError
	if !errors.As(err, &behind) || behind.Missing != 1 || behind.First != 3 {
		t.Errorf("got %v, want it refused for one document at 3", err)
		if b != nil {
			b.Close()
		}
	}
}
