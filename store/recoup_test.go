package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
)

// A payee that was paid 150.00 under a license that was gone owes them: what
// becomes payable is kept whole and oldest first until that is covered, and
// the rest is paid. Another payee is paid as ever.
func TestRecoupment(t *testing.T) {
	other := func(c *claims.Claim) { c.Billing.NPI = "1003000159" }
	colleague := func(c *claims.Claim) { c.Rendering = &claims.Provider{NPI: reviewer} }
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.hear(2, aLicense("L2", reviewer))
		h.pay("P1", on("2026-04-02"))
		h.pay("P2", on("2026-04-03"))
		h.pay("P3", on("2026-03-01"))
		h.run()
		h.hear(3, orderOf("O1", "2026-04-01"))
		h.pay("C1", colleague)
		h.pay("D1", colleague, other)
		h.pay("C2", colleague)
		h.pay("C3", colleague)
		nothing := h.settle(h.receive("C0", colleague), claims.Paid, func(d *claims.Decision) { d.Paid = 0 })
		h.must(h.KeepReceipt(ctx, nothing, 5, []byte("receipt")))
		run := h.run()
		h.holds(run.Held, "C1 recoupment", "C2 recoupment")
		if got := bodies(run); got != "D1 75.00\nC3 75.00\nC0 0.00\n" {
			t.Errorf("paid %q", got)
		}
		run = h.run() // the debt stays until it is recovered
		if h.holds(run.Held, "C1 recoupment", "C2 recoupment"); len(run.Released) != 0 {
			t.Errorf("paid %q", bodies(run))
		}
	})
}

// decideAnew settles another decision on a claim, as its correction would.
func (h *house) decideAnew(number string, outcome claims.Outcome, paid claims.Cents) {
	h.t.Helper()
	document := h.settle(handle(number), outcome, func(d *claims.Decision) { d.Paid = paid })
	h.must(h.KeepReceipt(ctx, document, 8, []byte("receipt")))
}

// What is decided anew leaves the list; what was paid before is a debt, and a
// decision that was never paid no longer is.
func TestDecidedAnew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("P1", on("2026-04-02"))
		h.run()
		h.pay("H1", on("2026-04-03"))
		h.hear(2, orderOf("O1", "2026-04-01"))
		h.holds(h.run().Held, "H1 board-order")
		h.settle(handle("P1"), claims.Pended) // it waits again: not decided anew yet
		if list, err := h.Reprocess(ctx); err != nil || len(list) != 2 {
			t.Errorf("got %+v, %v, want both to be decided anew", list, err)
		}
		h.decideAnew("P1", claims.Denied, 0)
		h.decideAnew("H1", claims.Denied, 0)
		if list, err := h.Reprocess(ctx); err != nil || len(list) != 0 {
			t.Errorf("got %+v, %v, want none left", list, err)
		}
		h.pay("C1", on("2026-03-03"))
		run := h.run()
		if h.holds(run.Held, "C1 recoupment"); bodies(run) != "P1 0.00\nH1 0.00\n" {
			t.Errorf("paid %q, want the two denials told", bodies(run))
		}
		h.stands(claims.PaymentPaid, "P1 P1 H1") // the history of P1 stays
	})
}

func TestStaffHold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2")
		set := func(number, by, code string, lift bool) error {
			return h.SetStaffHold(ctx, books.StaffHold{Submission: handle(number), Code: code, By: by, Token: "token of " + by, Lift: lift})
		}
		h.must(set("C1", "ann", "fraud-review", false))
		h.must(set("C1", "ann", "fraud-review", false)) // the reply was lost
		if err := set("C1", "bea", "other", false); !errors.Is(err, books.ErrHeldAlready) || !strings.Contains(err.Error(), "fraud-review, by ann") {
			t.Errorf("got %v, want it held already", err)
		}
		if err := set("C2", "bea", "done", true); !errors.Is(err, books.ErrNotHeld) {
			t.Errorf("got %v, want ErrNotHeld", err)
		}
		if err := set("C8", "bea", "x", false); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		run := h.run()
		if h.holds(run.Held, "C1 staff"); bodies(run) != "C2 75.00\n" || run.Held[0].Hold.Code != "fraud-review" || run.Held[0].Hold.By != "ann" {
			t.Errorf("paid %q, held %+v", bodies(run), run.Held[0].Hold)
		}
		if err := set("C2", "bea", "late", false); !errors.Is(err, books.ErrReleasedAlready) {
			t.Errorf("got %v, want ErrReleasedAlready", err)
		}
		h.must(set("C1", "bea", "cleared", true))
		h.must(set("C1", "bea", "cleared", true))
		if run := h.run(); bodies(run) != "C1 75.00\n" {
			t.Errorf("paid %q", bodies(run))
		}
		var row string
		h.must(h.db.QueryRow(ctx, `SELECT placed_by || '/' || code || '/' || placed_token || '/' || lifted_by || '/' || lifted_code || '/' || lifted_token FROM payment_hold`).Scan(&row))
		if row != "ann/fraud-review/token of ann/bea/cleared/token of bea" {
			t.Errorf("the books say %q", row)
		}
	})
}
