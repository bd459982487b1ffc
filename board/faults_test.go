package board

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// insist repeats what a clerk does until the board answers.
func insist[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for {
		v, err := do()
		var refused *client.Refusal
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil {
			return v, err
		}
	}
}

// Replies are lost on the way to the ledger, back from it, and from the
// register's own commits; two processes share the register; every clerk repeats
// everything. Still each license and each order is there once, everywhere.
func TestLostRepliesDoubleNothing(t *testing.T) {
	const licenses = 12
	defer func(first, most time.Duration) { firstPause, mostPause = first, most }(firstPause, mostPause)
	firstPause, mostPause = time.Millisecond, 10*time.Millisecond
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		one := openHouse(t, open(), l)
		second := open()
		two := openHouse(t, second, l, func(o *Options) { o.URL = one.URL })
		l.setFault(func(string) string { return []string{"", "fail", "lose"}[rand.IntN(3)] })
		var commits atomic.Int64
		second.WrapCommit(func(commit func() error) error {
			err := commit()
			if n := commits.Add(1); err == nil && n%7 == 0 {
				return errors.New("reply to the commit lost")
			}
			return err
		})

		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		tokens := make([]string, licenses)
		var wait sync.WaitGroup
		for i := range licenses {
			wait.Go(func() {
				for n, h := range []*house{one, two, one} {
					c := h.client(t)
					f, err := insist(ctx, func() (client.File, error) { return c.Issue(ctx, application(i)) })
					if err != nil || n > 0 && f.License.Token != tokens[i] {
						t.Errorf("license %d: token changed or %v", i, err)
						return
					}
					tokens[i] = f.License.Token
					at := time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC)
					if _, err := insist(ctx, func() (client.Document, error) { return c.Revoke(ctx, f.License.Handle, at, "R-1") }); err != nil {
						t.Errorf("order %d: %v", i, err)
					}
				}
			})
		}
		wait.Wait()
		if t.Failed() {
			return
		}
		events := awaitFeed(t, one.client(t), 2*licenses)
		if len(l.entries) != 4*licenses { // as many of others' in between
			t.Errorf("the ledger has %d entries, want %d", len(l.entries), 4*licenses)
		}
		for i, e := range events {
			if i > 0 && e.Index <= events[i-1].Index {
				t.Errorf("event %d is at %d, after %d", e.Sequence, e.Index, events[i-1].Index)
			}
			if want := receiptOf(e.Index, l.entries[e.Index]); string(e.Receipt) != string(want) {
				t.Errorf("event %d: receipt %q, want %q", e.Sequence, e.Receipt, want)
			}
			if e.Kind == client.EventLicense && !slices.Contains(tokens, e.Token) {
				t.Errorf("event %d brings a license that no clerk got", e.Sequence)
			}
		}
	})
}

// The board commits, then dies before the ledger hears of it.
func TestCrashBeforeTheLedgerHears(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		l.setFault(func(string) string { return "fail" })
		quick := func(o *Options) { o.ReceiptWait = 50 * time.Millisecond }
		first := openHouse(t, open(), l, quick)
		c, ctx := first.client(t), t.Context()
		f, err := c.Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		if f.License.Receipt != nil || f.License.Index != -1 {
			t.Errorf("license has a receipt at %d while the ledger is down", f.License.Index)
		}
		made := time.Now()
		p, err := c.Feed(ctx, 0, 0)
		if err != nil || len(p.Events) != 0 || p.Head.Sequence != 0 {
			t.Errorf("feed shows %d events without receipts, head %+v, %v", len(p.Events), p.Head, err)
		}
		time.Sleep(1100 * time.Millisecond)
		if p, err = c.Feed(ctx, 0, 0); err != nil || p.Head.Time.After(made) {
			t.Errorf("head %+v, %v: it must not claim to be complete after %s", p.Head, err, made)
		}
		if !p.Signed.After(p.Head.Time) {
			t.Errorf("signed %s, want the time of the answer, not of the head", p.Signed)
		}
		first.shut()

		l.setFault(nil)
		next := openHouse(t, open(), l, quick)
		events := awaitFeed(t, next.client(t), 1)
		if events[0].Token != f.License.Token {
			t.Error("the feed brings other bytes than those signed first")
		}
		if p, err = next.client(t).Feed(ctx, 1, 0); err != nil || time.Since(p.Head.Time) > 5*time.Second {
			t.Errorf("head %+v, %v: nothing is pending, so it is as of now", p.Head, err)
		}
	})
}

// The board dies between the ledger's index and its receipt.
func TestCrashBeforeTheReceipt(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		l.setFault(func(call string) string { return map[string]string{"await": "fail"}[call] })
		quick := func(o *Options) { o.ReceiptWait = 50 * time.Millisecond }
		first := openHouse(t, open(), l, quick)
		f, err := first.client(t).Issue(t.Context(), application(1))
		if err != nil {
			t.Fatal(err)
		}
		first.shut()
		l.setFault(nil)
		next := openHouse(t, open(), l, quick)
		awaitFeed(t, next.client(t), 1)
		shown, err := next.client(t).Show(t.Context(), f.License.Handle)
		if err != nil || shown.License.Index != 1 || len(l.entries) != 2 {
			t.Errorf("license at %d of %d entries, %v", shown.License.Index, len(l.entries), err)
		}
	})
}

// A ledger that gives another answer than before, or goes backwards, is not
// written down.
func TestLedgerThatContradictsItself(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	h := openHouse(t, db, newTestLedger())
	for i := range 2 {
		if _, err := h.client(t).Issue(t.Context(), application(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		first   int64
		indices []int64
		ok      bool
	}{
		{1, []int64{1}, true}, {2, []int64{3}, true}, {1, []int64{1, 3}, true},
		{2, []int64{5}, false}, {2, []int64{1}, false}, {2, []int64{0}, false}, {1, []int64{-1}, false}, {1, []int64{1, 5}, false},
		{3, []int64{3}, false}, {3, []int64{2}, false}, {3, []int64{-1}, false}, {4, []int64{9}, false}, {2, []int64{3, 3}, false},
		{3, []int64{7, 9, 8}, false}, {2, []int64{3, 5, 9}, true}, {3, []int64{5, 9, 10}, true},
	} {
		err := db.TxLocked(t.Context(), func(tx *sqldb.Tx) error { return keepIndices(tx, tt.first, tt.indices) })
		if (err == nil) != tt.ok {
			t.Errorf("events from %d at %v: %v", tt.first, tt.indices, err)
		}
	}
}

func TestStatusListIsSignedAgain(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	h := openHouse(t, db, newTestLedger(), func(o *Options) { o.Now = clock })
	ctx := t.Context()
	if _, err := h.currentList(ctx, listName{Purpose: credentials.PurposeRevocation, Number: 1}, now); err == nil {
		t.Error("a list without licenses was signed")
	}
	license, _, err := h.issue(ctx, bySomeone(), application(1))
	if err != nil {
		t.Fatal(err)
	}
	read := func() string {
		t.Helper()
		l, err := h.currentList(ctx, listName{Purpose: credentials.PurposeRevocation, Number: 1}, clock())
		if err != nil {
			t.Fatal(err)
		}
		return l.Token
	}
	first := read()
	if read() != first {
		t.Error("signed again for nothing")
	}
	if _, _, err := h.order(ctx, bySomeone(), license, client.OrderRequest{Action: credentials.OrderRevoke, Effective: now, Reason: "R-1"}); err != nil {
		t.Fatal(err)
	}
	second := read()
	if second == first {
		t.Error("not signed again although a bit was set")
	}
	mu.Lock()
	now = now.Add(3 * time.Minute)
	mu.Unlock()
	third := read()
	if third == second {
		t.Error("not signed again although half of its life is over")
	}
	until := func(token string) time.Time {
		t.Helper()
		c, err := credentials.Open[credentials.StatusListSubject](token, credentials.KindStatusList, credentials.ResolveDIDKey)
		if err != nil || c.ValidUntil == nil {
			t.Fatalf("no end of the list: %v", err)
		}
		return *c.ValidUntil
	}
	if got := until(third); !got.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("list is valid until %v at %v", got, now)
	}
	mu.Lock()
	now = now.Add(-time.Hour) // it was ahead, and is set right: nobody takes the list before its time
	mu.Unlock()
	if got := until(read()); !got.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("an hour back: list is valid until %v at %v", got, now)
	}
}

// Licenses take random places, two never the same one.
func TestPlacesAreNotShared(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	h := openHouse(t, db, newTestLedger())
	seen := map[string]bool{}
	for i := range 20 {
		f, err := h.client(t).Issue(t.Context(), application(i))
		if err != nil {
			t.Fatal(err)
		}
		c, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Status {
			place := fmt.Sprint(e.Credential, e.Index)
			if seen[place] {
				t.Errorf("two licenses at %s", place)
			}
			seen[place] = true
		}
		if c.Status[0].Index == c.Status[1].Index && c.Status[1].Index == c.Status[2].Index {
			t.Error("one place in all lists: whoever sees one list can follow the license into the others")
		}
	}
}
