package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// write is a remittance that says what it pays, what it brings from an earlier
// one, and what it forwards.
func write(number int, _ credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
	trace := fmt.Sprint("TRACE", number)
	r := books.Remittance{Trace: trace, Handle: handle(trace), Entry: []byte("entry"), Count: len(due)}
	at := map[claims.Payee]int{}
	for _, p := range due {
		payee := claims.Payee{NPI: p.Claim.Billing.NPI, TaxID: p.Claim.Billing.TaxID}
		n, known := at[payee]
		if !known {
			n = len(r.Sets)
			at[payee] = n
			r.Sets = append(r.Sets, books.RemittanceSet{Payee: payee, Trace: fmt.Sprint(trace, "-", n+1)})
		}
		r.Body = fmt.Appendf(r.Body, "%s %s\n", p.Claim.Number, p.Decision.Paid)
		r.Sets[n].Total += p.Decision.Paid
		if p.Reversed != nil {
			r.Body = fmt.Appendf(r.Body, "22 %s %s\n", p.Reversed.Claim.Number, p.Reversed.Reversal.Paid)
			r.Sets[n].Total += p.Reversed.Reversal.Paid
		}
	}
	for n := range r.Sets {
		s := &r.Sets[n]
		for _, b := range open.Balances {
			if b.Payee == s.Payee {
				s.Brought, s.Total = b.Trace, s.Total-b.Owed
				r.Body = fmt.Appendf(r.Body, "FB %s %s\n", b.Trace, b.Owed)
			}
		}
		if s.Total < 0 {
			s.Forwarded, s.Total = -s.Total, 0
			r.Body = fmt.Appendf(r.Body, "FB %s %s\n", s.Trace, -s.Forwarded)
		}
		r.Total += s.Total
	}
	return r, nil
}

// licensed has the clinician licensed, and the feed current at noon.
func (h *house) licensed() { h.hear(1, aLicense("L1", clinician)) }

// pay settles a claim as paid and keeps the receipt.
func (h *house) pay(number string, edits ...func(*claims.Claim)) credentials.Handle {
	h.t.Helper()
	document := h.settle(h.receive(number, edits...), claims.Paid)
	h.must(h.KeepReceipt(ctx, document, 5, []byte("receipt")))
	return document
}

// run is one payment run, whose remittances get their receipts.
func (h *house) run() books.PaymentRun {
	h.t.Helper()
	run, err := h.Pay(ctx, noon, write)
	h.must(err)
	for _, r := range run.Released {
		h.must(h.KeepReceipt(ctx, r.Handle, 9, []byte("receipt")))
	}
	return run
}

// bodies are what the remittances of a run say.
func bodies(run books.PaymentRun) (all string) {
	for _, r := range run.Released {
		all += string(r.Body)
	}
	return all
}

func TestPayOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		for i := range 5 {
			h.pay(fmt.Sprint("C", i))
		}
		var wait sync.WaitGroup
		var released atomic.Int64
		for range 6 {
			wait.Go(func() {
				run, err := h.Pay(ctx, noon, write)
				if err != nil {
					t.Error(err)
				}
				released.Add(int64(len(run.Released)))
			})
		}
		wait.Wait()
		if released.Load() != 1 {
			t.Errorf("%d released, want 1", released.Load())
		}
		h.pay("C9")
		h.run()
		all, err := h.Remittances(ctx, hospital)
		if err != nil || len(all) != 2 || string(all[0].Body) != "C0 75.00\nC1 75.00\nC2 75.00\nC3 75.00\nC4 75.00\n" || string(all[1].Body) != "C9 75.00\n" {
			t.Errorf("got %+v, %v", all, err)
		}
		if run := h.run(); len(run.Released)+len(run.Held) != 0 {
			t.Errorf("nothing is left to pay, got %+v", run)
		}
	})
}

func TestPayWaitsForReceipts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		paid, denied := h.settle(h.receive("C1"), claims.Paid), h.settle(h.receive("C2"), claims.Denied)
		if run := h.run(); len(run.Released)+len(run.Held) != 0 {
			t.Errorf("got %+v: a decision without its receipt is none", run)
		}
		h.stands(claims.PaymentDecided, "C1 C2")
		h.must(h.KeepReceipt(ctx, paid, 5, []byte("receipt")))
		h.must(h.KeepReceipt(ctx, denied, 6, []byte("receipt")))
		h.stands(claims.PaymentPayable, "C1 C2")
		run, err := h.Pay(ctx, noon, write)
		if err != nil || bodies(run) != "C1 75.00\nC2 0.00\n" {
			t.Errorf("got %q, %v, want both told, the denied one with no payment", bodies(run), err)
		}
		h.stands(claims.PaymentReleased, "C1 C2") // not paid before the remittance has its receipt
		h.must(h.KeepReceipt(ctx, run.Released[0].Handle, 7, []byte("receipt")))
		h.stands(claims.PaymentPaid, "C1 C2")
	})
}

// stands wants exactly these claims in a state.
func (h *house) stands(state claims.PaymentState, want string) {
	h.t.Helper()
	all, err := h.Payments(ctx, noon)
	h.must(err)
	var got []string
	for _, p := range all {
		if p.State == state {
			got = append(got, p.Claim)
		}
	}
	if strings.Join(got, " ") != want {
		h.t.Errorf("%s: got %q, want %q of %+v", state, got, want, all)
	}
}

func TestRemittanceThatCannotBeWritten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		other := aClaim("D1")
		other.Submitter = "did:key:other"
		got, err := h.ReceiveClaim(ctx, other)
		h.must(err)
		h.must(h.KeepReceipt(ctx, h.settle(got.Submission, claims.Paid), 6, []byte("receipt")))
		for name, broken := range map[string]func(r *books.Remittance) error{
			"not written":   func(*books.Remittance) error { return errors.New("does not balance") },
			"a cent more":   func(r *books.Remittance) error { r.Total++; return nil },
			"a claim fewer": func(r *books.Remittance) error { r.Count--; return nil },
		} {
			before := h.dump()
			run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
				r, _ := write(number, submitter, due, open)
				err := broken(&r)
				return r, err
			})
			if err != nil || len(run.Released) != 0 || len(run.Held) != 2 || h.dump() != before {
				t.Fatalf("%s: got %+v, %v, want nothing kept", name, run, err)
			}
		}
		run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
			if submitter == hospital {
				return books.Remittance{}, errors.New("a name that X12 cannot carry")
			}
			return write(number, submitter, due, open)
		})
		if err != nil || bodies(run) != "D1 75.00\n" || len(run.Held) != 1 || run.Held[0].Hold.Reason != claims.HoldUnwritable ||
			run.Held[0].Hold.Fault != "a name that X12 cannot carry" {
			t.Errorf("got %q, %+v, %v, want the other hospital paid", bodies(run), run.Held, err)
		}
		h.stands(claims.PaymentPayable, "C1")
	})
}

func TestFirstReceiptStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		document := h.settle(h.receive("C1"), claims.Paid)
		waiting, err := h.Unrecorded(ctx, credentials.Handle{}, 100)
		if err != nil || len(waiting) != 3 { // two editions and the decision
			t.Errorf("got %d waiting, %v, want 3", len(waiting), err)
		}
		if rest, err := h.Unrecorded(ctx, waiting[0], 1); err != nil || len(rest) != 1 || rest[0] != waiting[1] {
			t.Errorf("after the first: got %v, %v, want the second", rest, err)
		}
		h.must(h.KeepReceipt(ctx, document, 5, []byte("first")))
		h.must(h.KeepReceipt(ctx, document, 6, []byte("second")))
		row, err := h.Outbox(ctx, document)
		if err != nil || !row.Recorded || row.Index != 5 || string(row.Receipt) != "first" {
			t.Errorf("got %+v, %v, want the first receipt", row, err)
		}
		if _, err := h.Outbox(ctx, credentials.Handle{}); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}
