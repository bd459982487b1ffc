package board

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var errKilled = errors.New("killed")

// killAt has everything stop at the nth commit from now: before it, or after it
// and before anybody hears of it. Later commits fail too, as in a dead process.
func killAt(db *sqldb.DB, nth int, kept bool) {
	n := 0
	db.WrapCommit(func(commit func() error) error {
		switch n++; {
		case n < nth:
			return commit()
		case n == nth && kept:
			commit()
		}
		return errKilled
	})
}

// The board is killed at each commit of an order's way. The order, its license's
// status bit, its ledger entry and its clerk's request are there together or not
// at all; the next process and the clerk's second try leave one order.
func TestKilledAtEachCommit(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		quick := func(o *Options) { o.ReceiptWait = 300 * time.Millisecond }
		at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		orders := 0
		// Four commits: the request's id, the order, its index, its receipt.
		for nth := 1; nth <= 4; nth++ {
			for _, kept := range []bool{false, true} {
				db := open()
				h := openHouse(t, db, l, quick)
				number := 10 * nth
				if kept {
					number++
				}
				f, err := h.client(t).Issue(ctx, application(number))
				if err != nil {
					t.Fatal(err)
				}
				license := f.License.Handle
				reason := fmt.Sprintf("R-%d-%t", nth, kept)
				awaitAll(t, h)
				killAt(db, nth, kept)
				first, err := h.client(t).Revoke(ctx, license, at, reason)
				h.shut()
				made := nth > 2 || nth == 2 && kept
				if got := whole(t, open(), license, reason); got != made {
					t.Errorf("killed at commit %d (kept: %t): order is there: %t, want %t", nth, kept, got, made)
				}
				if err == nil && nth <= 2 {
					t.Errorf("killed at commit %d (kept: %t): the clerk was told that it is done", nth, kept)
				}

				h = openHouse(t, open(), l, quick)
				d, err2 := h.client(t).Revoke(ctx, license, at, reason)
				if err2 != nil || err == nil && d.Token != first.Token {
					t.Errorf("sent again: %v, another order than at first", err2)
				}
				orders++
				awaitAll(t, h)
				if !whole(t, open(), license, reason) {
					t.Error("sent again: no order")
				}
				h.shut()
			}
		}
		h := openHouse(t, open(), l)
		n := 0
		for _, e := range wholeFeed(t, h.client(t)) {
			if e.Kind == client.EventOrder {
				n++
			}
		}
		if all, err := deeds(h.client(t)); err != nil || n != orders || len(all) != n+8 || len(l.entries) != 2*len(all) {
			t.Errorf("%d orders in the feed, %d acts, %d entries (%v); want %d orders and 8 licenses", n, len(all), len(l.entries)/2, err, orders)
		}
	})
}

// awaitAll waits until nothing waits for the ledger.
func awaitAll(t *testing.T, h *house) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n, err := h.Waiting(t.Context())
		if err != nil || time.Now().After(end) {
			t.Fatalf("%d events wait for the ledger, %v", n, err)
		}
		if n == 0 {
			return
		}
	}
}

// whole says whether the register holds the order, and fails the test where it
// holds a part of it.
func whole(t *testing.T, db *sqldb.DB, license credentials.Handle, reason string) bool {
	t.Helper()
	var ordered int
	if err := db.QueryRow(t.Context(), `SELECT ordered FROM register_license WHERE handle = $1`, license.String()).Scan(&ordered); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), `
		SELECT e.token, coalesce(q.body, '') FROM register_event e
		LEFT JOIN register_act a ON a.sequence = e.sequence LEFT JOIN register_asked q ON q.request = a.request
		WHERE e.license = $1 AND e.kind = 'order'`, license.String())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	orders, named := 0, 0
	for rows.Next() {
		var token string
		var body []byte
		if err := rows.Scan(&token, &body); err != nil {
			t.Fatal(err)
		}
		orders++
		o, err := credentials.Open[credentials.Order](token, credentials.KindBoardOrder, credentials.ResolveDIDKey)
		if err != nil || !strings.Contains(string(body), `"`+o.Subject.Reason+`"`) {
			t.Errorf("an order (%v) whose request is %q", err, body)
		}
		if err == nil && o.Subject.Reason == reason {
			named++
		}
	}
	if rows.Err() != nil || (ordered == 1) != (orders > 0) || named > 1 {
		t.Errorf("ordered %d, %d orders, %d of them this one, %v", ordered, orders, named, rows.Err())
	}
	return named == 1
}

// What one process of the board does wakes the readers of another.
func TestFeedOfAnotherProcess(t *testing.T) {
	defer func(d time.Duration) { pollEvery = d }(pollEvery)
	pollEvery = time.Hour // so that nobody finds it by looking
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		one, two := openHouse(t, open(), l), openHouse(t, open(), l)
		type heard struct {
			client.FeedPage
			at time.Time
		}
		got := make(chan heard, 1)
		go func() {
			p, err := two.client(t).Feed(t.Context(), 0, 20*time.Second)
			if err != nil {
				t.Error(err)
			}
			got <- heard{p, time.Now()}
		}()
		time.Sleep(500 * time.Millisecond) // the reader waits, and nothing moves
		f, err := one.client(t).Issue(t.Context(), application(1))
		if err != nil {
			t.Fatal(err)
		}
		done := time.Now()
		h := <-got
		if len(h.Events) != 1 || h.Events[0].Token != f.License.Token || h.at.Sub(done) > 5*time.Second {
			t.Errorf("%d events, %s after the clerk's answer", len(h.Events), h.at.Sub(done))
		}
		t.Logf("heard %s after the clerk's answer", h.at.Sub(done).Round(time.Millisecond))
	})
}

// A status list that is half full is followed by another.
func TestListsFollowEachOther(t *testing.T) {
	defer func(n int64) { listFill = n }(listFill)
	listFill = 2
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	for i := range 5 {
		f, err := h.client(t).Issue(t.Context(), application(i))
		if err != nil {
			t.Fatal(err)
		}
		l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%s/status/revocation/%d", h.server.URL, 1+i/2); l.Status[0].Credential != want {
			t.Errorf("license %d is in %s, want %s", i, l.Status[0].Credential, want)
		}
	}
}
