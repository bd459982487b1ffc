package board

import (
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Nobody asks for a list: it is signed again all the same, before it is half
// over, and with an order on it.
func TestListsAreKeptFresh(t *testing.T) {
	pause := listPause
	listPause = 10 * time.Millisecond
	t.Cleanup(func() { listPause = pause })
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.ListLife = 4 * time.Second })
	license, _, err := h.issue(t.Context(), bySomeone(), application(1))
	if err != nil {
		t.Fatal(err)
	}
	kept := func(p credentials.StatusPurpose) (statuslist.Signed, bool) {
		return h.lists.Kept(listName{Purpose: p, Number: 1})
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within a minute: %s", what)
			}
		}
	}
	until("signed", func() bool { _, ok := kept(credentials.PurposeMessage); return ok })
	first, _ := kept(credentials.PurposeSuspension)
	until("signed again", func() bool { l, _ := kept(credentials.PurposeSuspension); return l.From.After(first.From) })
	_, _, err = h.order(t.Context(), bySomeone(), license, client.OrderRequest{Action: credentials.OrderSuspend,
		Effective: time.Now().Add(-48 * time.Hour).Truncate(time.Second), Reason: "R-1"})
	if err != nil {
		t.Fatal(err)
	}
	until("with the suspension", func() bool {
		l, ok := kept(credentials.PurposeSuspension)
		return ok && !l.Bits.Equal(credentials.NewStatusList(1))
	})
}

// A list does not outlive the day on which an order begins by itself.
func TestListEndsBeforeItsDay(t *testing.T) {
	now := time.Date(2026, 3, 1, 23, 58, 0, 0, time.UTC)
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.Now = func() time.Time { return now } })
	license, _, err := h.issue(t.Context(), bySomeone(), application(1))
	if err != nil {
		t.Fatal(err)
	}
	midnight := now.Add(2 * time.Minute)
	if _, _, err := h.order(t.Context(), bySomeone(), license, client.OrderRequest{Action: credentials.OrderSuspend, Effective: midnight, Reason: "R-1"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at, until time.Time
		set       bool
	}{
		{now, midnight.Add(-time.Second), false},
		{midnight.Add(-time.Second / 2), midnight.Add(-time.Second), false},
		{midnight, midnight.Add(5 * time.Minute), true},
	} {
		l, err := h.currentList(t.Context(), listName{Purpose: credentials.PurposeSuspension, Number: 1}, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if !l.Until.Equal(tt.until) || l.Bits.Equal(credentials.NewStatusList(1)) == tt.set {
			t.Errorf("at %s: until %s, want %s; suspended: want %t", tt.at, l.Until, tt.until, tt.set)
		}
	}
}
