package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

/*
What fails when a check is taken out (each was tried):

	carryBalances in releaseTo; brought_by in readBalances  TestForward
	closed in carryBalances                                 TestRestoreBalances
	each check in comesTo                                   TestBalancesComeTo
	the earlier payment in takesBack                        TestCorrectedTwiceBeforeItIsTold
	known in restoreBalances                                TestRestoreBalances
*/

// takeBack voids a claim that was paid.
func (h *house) takeBack(number string) {
	h.t.Helper()
	h.receive("V"+number, changing(number, claims.Void))
	h.correct("V"+number, claims.Voided)
}

// balances are the rows of what payees owe.
func (h *house) balances() string {
	h.t.Helper()
	rs, err := h.db.Query(ctx, `SELECT trace || ' ' || owed || ' ' || brought_by FROM payee_balance ORDER BY trace`)
	h.must(err)
	defer rs.Close()
	var all []string
	for rs.Next() {
		var s string
		h.must(rs.Scan(&s))
		all = append(all, strings.TrimSpace(s))
	}
	h.must(rs.Err())
	return strings.Join(all, "; ")
}

// TestForward carries what a payment cannot bear to the payee's next ones, to
// the cent, and leaves another payee and another submitter alone.
func TestForward(t *testing.T) {
	other := func(c *claims.Claim) { c.Billing.NPI = "1003000159" }
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-02"))
		h.run()
		h.takeBack("C1")
		h.takeBack("C2")
		h.pay("D1", on("2026-03-03"), other)
		if got := bodies(h.run()); got != "VC1 0.00\n22 C1 -75.00\nVC2 0.00\n22 C2 -75.00\nD1 75.00\nFB TRACE2-1 -150.00\n" {
			// The order of payees is that of their oldest claims.
			t.Fatalf("got %q", got)
		}
		if run := h.run(); len(run.Released)+len(run.Held) != 0 {
			t.Errorf("nothing is due: got %+v", run)
		}
		h.pay("C3", on("2026-03-04"))
		if got := bodies(h.run()); got != "C3 75.00\nFB TRACE2-1 150.00\nFB TRACE3-1 -75.00\n" {
			t.Errorf("got %q", got)
		}
		h.pay("C4", on("2026-03-05"))
		h.pay("C5", on("2026-03-06"))
		if got := bodies(h.run()); got != "C4 75.00\nC5 75.00\nFB TRACE3-1 75.00\n" {
			t.Errorf("got %q", got)
		}
		h.pay("C6", on("2026-03-07"))
		if got := bodies(h.run()); got != "C6 75.00\n" {
			t.Errorf("got %q", got)
		}
		if got := h.balances(); got != "TRACE2-1 15000 TRACE3; TRACE3-1 7500 TRACE4" {
			t.Errorf("the books say %q", got)
		}
	})
}

// TestForwardAtOnce has several runs at once, with replies lost, carry a balance
// and bring it back once.
func TestForwardAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.run()
		h.takeBack("C1")
		runs := func(wantLost bool) (released int) {
			var mu sync.Mutex
			var wait sync.WaitGroup
			h.losing.Store(wantLost)
			for range 4 {
				wait.Go(func() {
					run, err := h.Pay(ctx, noon, write)
					if err != nil && !(wantLost && errors.Is(err, errLost)) {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					released += len(run.Released)
				})
			}
			wait.Wait()
			h.losing.Store(false)
			return released
		}
		runs(true)
		if got := h.balances(); strings.Count(got, "TRACE") != 1 {
			t.Fatalf("forwarded: the books say %q", got)
		}
		for i := range 3 {
			h.pay(fmt.Sprint("N", i), on("2026-03-09"))
		}
		if n := runs(false); n != 1 {
			t.Errorf("%d released, want 1", n)
		}
		all, err := h.Remittances(ctx, hospital)
		h.must(err)
		if len(all) != 3 || string(all[1].Body) != "VC1 0.00\n22 C1 -75.00\nFB TRACE2-1 -75.00\n" || string(all[2].Body) != "N0 75.00\nN1 75.00\nN2 75.00\nFB TRACE2-1 75.00\n" {
			t.Errorf("got %+v", all)
		}
	})
}

// TestBalancesComeTo refuses a remittance that carries something else than the
// books say.
func TestBalancesComeTo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-02"))
		h.run()
		h.takeBack("C1")
		h.run()
		h.takeBack("C2")
		h.pay("C3", on("2026-03-03"))
		for name, broken := range map[string]func(s *books.RemittanceSet){
			"forwards less":     func(s *books.RemittanceSet) { s.Forwarded-- },
			"pays what it owes": func(s *books.RemittanceSet) { s.Total += 100; s.Forwarded += 100 },
			"interest below 0":  func(s *books.RemittanceSet) { s.Interest, s.Forwarded = -100, s.Forwarded+100 },
			"forwards below 0":  func(s *books.RemittanceSet) { s.Interest, s.Forwarded = s.Interest+s.Forwarded+100, -100 },
			"total below 0":     func(s *books.RemittanceSet) { s.Total, s.Forwarded = -s.Forwarded, 0 },
			"brings nothing":    func(s *books.RemittanceSet) { s.Brought = "" },
			"of another trace":  func(s *books.RemittanceSet) { s.Brought = "TRACE1-1" },
			"another payee":     func(s *books.RemittanceSet) { s.Payee.TaxID = "000000000" },
		} {
			before := h.dump()
			run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
				r, _ := write(number, submitter, due, open)
				broken(&r.Sets[0])
				r.Total = r.Sets[0].Total
				return r, nil
			})
			if err != nil || len(run.Released) != 0 || len(run.Held) != 2 || h.dump() != before {
				t.Errorf("%s: got %+v, %v, want nothing kept", name, run.Released, err)
			}
		}
		// 75.00 owed from before, C2 taken back, C3 paid.
		if got := bodies(h.run()); got != "VC2 0.00\n22 C2 -75.00\nC3 75.00\nFB TRACE2-1 75.00\nFB TRACE3-1 -75.00\n" {
			t.Errorf("got %q", got)
		}
	})
}

// TestCorrectedTwiceBeforeItIsTold replaces a claim that was paid, and that
// replacement again before a remittance tells of it: the first one is taken back
// once, with the last one.
func TestCorrectedTwiceBeforeItIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-02"))
		h.run()
		h.receive("R1", changing("C1", claims.Replacement))
		h.correct("R1", claims.Paid, func(d *claims.Decision) { d.Paid = 5000 })
		h.receive("R2", changing("R1", claims.Replacement))
		h.correct("R2", claims.Paid, func(d *claims.Decision) { d.Paid = 6000 })
		h.receive("S1", changing("C2", claims.Replacement), on("2026-03-02"))
		h.correct("S1", claims.Paid, func(d *claims.Decision) { d.Paid = 5000 })
		h.receive("S2", changing("S1", claims.Void), on("2026-03-02"))
		h.correct("S2", claims.Voided)
		if got := bodies(h.run()); got != "R2 60.00\n22 C1 -75.00\nS2 0.00\n22 C2 -75.00\nFB TRACE2-1 -90.00\n" {
			t.Errorf("got %q", got)
		}
		if got := bodies(h.run()); got != "" {
			t.Errorf("and again %q", got)
		}
	})
}

// TestDebtAndReversal has what a board order makes of a payment be kept against
// what is payable until the claim is decided anew, and taken once.
func TestDebtAndReversal(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("P1", on("2026-04-02"))
		h.run()
		h.hear(2, orderOf("O1", "2026-04-01"))
		h.pay("C1", on("2026-03-03"))
		run := h.run()
		if h.holds(run.Held, "C1 recoupment"); bodies(run) != "" {
			t.Errorf("paid %q", bodies(run))
		}
		h.receive("R1", changing("P1", claims.Replacement), on("2026-04-02"))
		h.correct("R1", claims.Denied, func(d *claims.Decision) { d.Paid = 0 })
		run = h.run()
		if got := bodies(run); got != "C1 75.00\nR1 0.00\n22 P1 -75.00\n" || len(run.Held) != 0 || run.Released[0].Total != 0 {
			t.Errorf("paid %q, held %+v", got, run.Held)
		}
		h.pay("C2", on("2026-03-04"))
		if got := bodies(h.run()); got != "C2 75.00\n" {
			t.Errorf("and then %q: it was taken already", got)
		}
	})
}

// TestRestoreBalances writes remittances back that the ledger has and the books
// lost: the one that a balance comes from first, and each once.
func TestRestoreBalances(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		payee := claims.Payee{NPI: "1003000142"}
		restore := func(number int, s books.RemittanceSet) error {
			trace := fmt.Sprint("TRACE", number)
			s.Payee, s.Trace = payee, trace+"-1"
			r := books.Remittance{Trace: trace, Number: number, Submitter: hospital, Body: []byte("835"), Sets: []books.RemittanceSet{s}}
			return h.RestoreRemittance(ctx, books.OwnEntry{Document: handle(trace), Index: int64(number), Entry: []byte("entry")}, r, nil, []byte("receipt"))
		}
		if err := restore(2, books.RemittanceSet{Brought: "TRACE1-1", Forwarded: 300}); !errors.Is(err, books.ErrOutOfTurn) {
			t.Errorf("got %v, want it out of turn", err)
		}
		h.must(restore(1, books.RemittanceSet{Forwarded: 500}))
		for range 2 {
			h.must(restore(2, books.RemittanceSet{Brought: "TRACE1-1", Forwarded: 300}))
		}
		if err := restore(3, books.RemittanceSet{Brought: "TRACE1-1"}); err == nil {
			t.Error("a balance was brought back twice")
		}
		if got := h.balances(); got != "TRACE1-1 500 TRACE2; TRACE2-1 300" {
			t.Errorf("the books say %q", got)
		}
	})
}
