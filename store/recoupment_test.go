package store_test

import (
	"errors"
	"fmt"
	"slices"
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

	each check in recoups and returns               TestRecoupmentComesTo
	there, left, r.Amount > left in Refund          TestRefund
	told, the submitter's own payee in lowers       TestRefundOfABalance
	told_by = '' in carryRecoupment and readOpen    TestRecoupedOnce
	the refunds and what was taken in Owed          TestRecoupedOnce
*/

// owing is a remittance of a day that gives notice of so many days.
func owing(on credentials.Date, days int) store.RemittanceWriter {
	return func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
		r, err := write(number, submitter, due, books.Open{})
		if err != nil {
			return r, err
		}
		r.On, r.Total = on, 0
		for n := range r.Sets {
			owe(&r, &r.Sets[n], days, due, open)
			r.Total += r.Sets[n].Total
		}
		return r, nil
	}
}

func owe(r *books.Remittance, s *books.RemittanceSet, days int, due []store.Payable, open books.Open) {
	s.Total, s.Forwarded = s.Total-s.Forwarded, 0
	for _, p := range due {
		if p.Reversed == nil || !p.Decision.Unasked() || p.Claim.Billing.NPI != s.Payee.NPI {
			continue
		}
		if net := p.Decision.Paid + p.Reversed.Reversal.Paid; net < 0 {
			s.Deferred = append(s.Deferred, books.Overpayment{Document: p.Document, Submission: p.Decision.Submission, Amount: -net,
				Overpayment: claims.Overpayment{Control: p.Control, From: r.On.AddDays(days)}})
			s.Total -= net
		}
	}
	for _, back := range open.Refunds {
		if back.Payee == s.Payee {
			if s.Returned = append(s.Returned, back); back.Balance != "" {
				s.Total += back.Amount
			}
		}
	}
	for _, o := range open.Overpayments {
		if amount := o.Due(r.On); o.Payee == s.Payee && amount > 0 {
			s.Recouped = append(s.Recouped, books.Recouped{Control: o.Control, Amount: amount})
			s.Total -= amount
		}
	}
	for _, b := range open.Balances {
		if b.Payee == s.Payee {
			s.Brought, s.Total = b.Trace, s.Total-b.Owed
		}
	}
	if s.Total < 0 {
		s.Forwarded, s.Total = -s.Total, 0
	}
}

// runOn is one payment run of a day; it answers what each payment pays.
func (h *house) runOn(write store.RemittanceWriter) (paid string) {
	h.t.Helper()
	run, err := h.Pay(ctx, noon, write)
	h.must(err)
	for _, p := range run.Held {
		paid += fmt.Sprintf("held %s %s %s; ", p.Claim, p.Hold.Reason, p.Hold.Fault)
	}
	for _, r := range run.Released {
		h.must(h.KeepReceipt(ctx, r.Handle, 9, []byte("receipt")))
		for _, s := range r.Sets {
			paid += fmt.Sprintf("%s; ", s.Total)
		}
	}
	return paid
}

// findWrong has the insurer take a claim back that it paid, and tell so on June 1
// with notice of ten days.
func (h *house) findWrong(number string) {
	h.t.Helper()
	h.licensed()
	h.pay(number)
	h.run()
	h.wrong(number)
	if got := h.runOn(owing("2026-06-01", 10)); got != "0.00; " {
		h.t.Fatalf("told: got %q", got)
	}
}

func (h *house) wrong(number string) {
	h.t.Helper()
	_, _, err := h.Reopen(ctx, because(handle(number), books.CauseCorrection, "wrong"))
	h.must(err)
	f := h.file(handle(number))
	document := h.settle(handle(number), claims.Denied, func(d *claims.Decision) { d.Paid, d.Reversal = 0, f.Original.Reverse() })
	h.must(h.KeepReceipt(ctx, document, 8, []byte("receipt")))
}

func (h *house) owed() (all string) {
	h.t.Helper()
	owed, refunds, err := h.Owed(ctx)
	h.must(err)
	for _, o := range owed {
		all += fmt.Sprintf("%s of %s from %s; ", o.Owed, o.Amount, o.From)
	}
	for _, r := range refunds {
		all += fmt.Sprintf("%s %s by %s told by %q; ", r.Reference, r.Amount, r.By, r.Trace)
	}
	return all
}

func (h *house) refund(number, reference string, amount claims.Cents) (bool, error) {
	_, again, err := h.Refund(ctx, books.Refund{Submission: handle(number), Reference: reference, Amount: amount, By: "ann", Token: "token"})
	return again, err
}

// TestRefund takes what came by check once, and no more than is owed; its
// reply may be lost.
func TestRefund(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.findWrong("C1")
		h.pay("C2", on("2026-03-03"))
		for _, x := range []struct {
			claim, reference string
			amount           claims.Cents
			want             error
		}{
			{"C2", "r1", 1, books.ErrOwesNothing},
			{"C9", "r1", 1, books.ErrNotFound},
			{"C1", "r1", 75_01, books.ErrOwesLess},
		} {
			if _, err := h.refund(x.claim, x.reference, x.amount); !errors.Is(err, x.want) {
				t.Errorf("%s %s: got %v, want %v", x.claim, x.amount, err, x.want)
			}
		}
		h.losing.Store(true)
		if _, err := h.refund("C1", "r1", 50_00); !errors.Is(err, errLost) {
			t.Fatalf("got %v, want the reply to be lost", err)
		}
		h.losing.Store(false)
		if again, err := h.refund("C1", "r1", 50_00); err != nil || !again {
			t.Errorf("again: got %t, %v", again, err)
		}
		if _, err := h.refund("C1", "r1", 25_00); !errors.Is(err, books.ErrRefundTaken) {
			t.Errorf("another amount: got %v, want ErrRefundTaken", err)
		}
		if _, err := h.refund("C1", "r2", 25_01); !errors.Is(err, books.ErrOwesLess) || !strings.Contains(err.Error(), "25.00") {
			t.Errorf("more than is left: got %v", err)
		}
		if got := h.owed(); got != `25.00 of 75.00 from 2026-06-11; r1 50.00 by ann told by ""; ` {
			t.Errorf("owed: %s", got)
		}
	})
}

// TestRefundsAtOnce registers several refunds at once, of which not all can be:
// never more than is owed is taken.
func TestRefundsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.findWrong("C1")
		var wait sync.WaitGroup
		var mu sync.Mutex
		taken := 0
		for i := range 6 {
			wait.Go(func() {
				_, err := h.refund("C1", fmt.Sprint("r", i/2), 30_00)
				if err != nil && !errors.Is(err, books.ErrOwesLess) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				}
			})
		}
		wait.Wait()
		if got := h.owed(); taken != 4 || !strings.HasPrefix(got, "15.00 of 75.00") {
			t.Errorf("%d taken; owed: %s", taken, got)
		}
	})
}

// TestRecoupedOnce has several runs at once, with replies lost, tell of a refund and
// take the rest: once each, and nothing before its day.
func TestRecoupedOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.findWrong("C1")
		_, err := h.refund("C1", "r1", 25_00)
		h.must(err)
		h.pay("C2", on("2026-03-03"))
		if got := h.runOn(owing("2026-06-10", 10)); got != "75.00; " {
			t.Errorf("a day early: paid %q", got)
		}
		h.pay("C3", on("2026-03-04"))
		h.losing.Store(true)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := h.Pay(ctx, noon, owing("2026-06-11", 10)); err != nil && !errors.Is(err, errLost) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		h.losing.Store(false)
		if got := h.owed(); got != `r1 25.00 by ann told by "TRACE3-1"; ` {
			t.Errorf("owed: %s", got)
		}
		var taken claims.Cents
		h.must(h.db.QueryRow(ctx, `SELECT SUM(amount) FROM recouped`).Scan(&taken))
		if n := h.count("recouped"); n != 1 || taken != 50_00 {
			t.Errorf("%d times, %s", n, taken)
		}
		h.pay("C4", on("2026-03-05"))
		if got := h.runOn(owing("2026-06-12", 10)); got != "75.00; " {
			t.Errorf("after: paid %q", got)
		}
	})
}

// TestRefundOfABalance lowers what a payment could not bear, of whichever claim of
// the payee that was taken back.
func TestRefundOfABalance(t *testing.T) {
	other := func(c *claims.Claim) { c.Billing.NPI = "1003000159" }
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-02"))
		h.pay("D1", on("2026-03-02"), other)
		h.run()
		h.takeBack("C1")
		h.run()
		for _, number := range []string{"C2", "D1"} { // neither was taken back
			if _, err := h.refund(number, "r1", 1); !errors.Is(err, books.ErrOwesNothing) {
				t.Errorf("%s: got %v, want ErrOwesNothing", number, err)
			}
		}
		if _, err := h.refund("C1", "r1", 75_01); !errors.Is(err, books.ErrOwesLess) {
			t.Errorf("got %v, want ErrOwesLess", err)
		}
		_, err := h.refund("C1", "r1", 30_00)
		h.must(err)
		if _, err := h.refund("VC1", "r2", 45_01); !errors.Is(err, books.ErrOwesLess) {
			t.Errorf("got %v, want ErrOwesLess", err)
		}
		h.pay("C3", on("2026-03-03"))
		if got := h.runOn(owing("2026-06-11", 10)); got != "30.00; " {
			t.Errorf("paid %q", got)
		}
		if _, err := h.refund("C1", "r3", 1); !errors.Is(err, books.ErrOwesNothing) {
			t.Errorf("got %v, want ErrOwesNothing", err)
		}
	})
}

// TestRecoupmentComesTo refuses a remittance that leaves, takes or acknowledges
// something else than the books say.
func TestRecoupmentComesTo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.findWrong("C1")
		h.pay("W1", on("2026-03-02"))
		h.runOn(owing("2026-06-02", 10))
		_, err := h.refund("C1", "r1", 25_00)
		h.must(err)
		h.wrong("W1")
		h.pay("C2", on("2026-03-03"))
		h.pay("C3", on("2026-03-04"))
		h.takeBack("C2") // nobody was told of it
		for name, broken := range map[string]func(r *books.Remittance, s *books.RemittanceSet){
			"leaves a cent less":               func(_ *books.Remittance, s *books.RemittanceSet) { s.Deferred[0].Amount--; s.Total-- },
			"leaves it, of no decision of its": func(_ *books.Remittance, s *books.RemittanceSet) { s.Deferred[0].Document = handle("C3") },
			"leaves it until today":            func(r *books.Remittance, s *books.RemittanceSet) { s.Deferred[0].From = r.On },
			"takes a cent more":                func(_ *books.Remittance, s *books.RemittanceSet) { s.Recouped[0].Amount++; s.Total-- },
			"takes it of another":              func(_ *books.Remittance, s *books.RemittanceSet) { s.Recouped[0].Control = "CSOTHER" },
			"takes it a day early":             func(r *books.Remittance, _ *books.RemittanceSet) { r.On = "2026-06-10" },
			"takes it twice": func(_ *books.Remittance, s *books.RemittanceSet) {
				s.Recouped = append(s.Recouped, books.Recouped{Control: s.Recouped[0].Control, Amount: 25_00})
				s.Total -= 25_00
			},
			"takes less than nothing": func(_ *books.Remittance, s *books.RemittanceSet) {
				s.Recouped = append(s.Recouped, books.Recouped{Control: "CSOTHER", Amount: -100})
				s.Total += 100
			},
			"no refund":      func(_ *books.Remittance, s *books.RemittanceSet) { s.Returned = nil },
			"a refund twice": func(_ *books.Remittance, s *books.RemittanceSet) { s.Returned = append(s.Returned, s.Returned[0]) },
			"another refund": func(_ *books.Remittance, s *books.RemittanceSet) { s.Returned[0].Amount++ },
		} {
			before := h.dump()
			run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
				r, _ := owing("2026-06-11", 10)(number, submitter, due, open)
				broken(&r, &r.Sets[0])
				r.Total = r.Sets[0].Total
				return r, nil
			})
			if err != nil || len(run.Released) != 0 || h.dump() != before {
				t.Errorf("%s: got %+v, %v, want nothing kept", name, run.Released, err)
			}
		}
		if got := h.runOn(owing("2026-06-11", 10)); got != "25.00; " { // C3 pays 75.00, 50.00 of C1 is taken
			t.Errorf("paid %q", got)
		}
	})
}

// TestStayedIsNotTaken keeps what is owed where an appeal waits.
func TestStayedIsNotTaken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.findWrong("C1")
		h.must(h.appeal(handle("C1"), 2, "A1"))
		h.pay("C2", on("2026-03-03"))
		if got := h.runOn(owing("2026-07-11", 10)); got != "75.00; " {
			t.Errorf("paid %q", got)
		}
		h.pay("C3", on("2026-03-04"))
		run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
			open.Overpayments = slices.Clone(open.Overpayments)
			open.Overpayments[0].Stayed = false
			return owing("2026-07-11", 10)(number, submitter, due, open)
		})
		if err != nil || len(run.Released) != 0 {
			t.Errorf("taken all the same: %+v, %v", run, err)
		}
	})
}
