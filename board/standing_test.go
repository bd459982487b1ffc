package board

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/standing"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// An act that the ledger does not have yet keeps the board from saying yes, and from waiting for ever. (Answers by real receipts
// are tested with the commands.)
func TestStandingWaits(t *testing.T) {
	l := newTestLedger()
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), l, func(o *Options) {
		o.Proofs = func(context.Context) map[string][]byte { return nil }
		o.ReceiptWait = time.Millisecond
	})
	l.setFault(func(string) string { return "fail" })
	if _, err := h.client(t).Issue(t.Context(), application(1)); err != nil {
		t.Fatal(err)
	}
	npi := application(1).NPI
	r, err := h.standingOf(t.Context(), &standing.Receipts{Proofs: h.Proofs}, npi, "MA")
	if err != nil || !r.Waits() || len(r.Licenses) != 0 || len(r.Feeds) != 1 || r.Feeds[0].Board != h.DID() {
		t.Errorf("%+v, %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := h.settledStanding(ctx, nil, npi, "MA"); err == nil && !r.Waits() {
		t.Errorf("settled without a receipt: %+v", r)
	}
	if r, err := h.standingOf(t.Context(), nil, "1999999984", "MA"); err != nil || r.Waits() {
		t.Errorf("somebody else waits too: %+v, %v", r, err)
	}
	for query, want := range map[string]int{
		standing.Query("1999999984", "MA", "99213", "2026-05-01", ""): http.StatusOK,
		standing.Query("1999999984", "CA", "99213", "2026-05-01", ""): http.StatusNotFound,
		"": http.StatusBadRequest,
	} {
		resp, err := http.Get(h.URL + standing.Path + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", query, resp.StatusCode, want)
		}
	}
}
