package worker

import (
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
)

// settle closes a payment: what its claims were paid too much and notice is owed
// of is left with the payee (PLB WO below zero), what the payee has sent back is
// acknowledged (72), what is owed on earlier claims and due is taken (WO above
// zero), and the balance of an earlier payment is brought (FB).
func (set *payment) settle(open books.Open) books.RemittanceSet {
	payee := claims.Payee{NPI: set.Payee.NPI, TaxID: set.Payee.TaxID}
	told := books.RemittanceSet{Payee: payee, Trace: set.Trace}
	for _, c := range set.corrected {
		if c.net < 0 && c.from != "" {
			set.Defer(c.control, -c.net)
			told.Deferred = append(told.Deferred, books.Overpayment{
				Overpayment: claims.Overpayment{Control: c.control, Owed: -c.net, From: c.from}, Document: c.document, Submission: c.submission, Amount: -c.net})
		}
	}
	for _, r := range open.Refunds {
		if r.Payee != payee {
			continue
		}
		if r.Balance == "" {
			set.Recoup(r.Control, r.Amount)
		}
		set.Return(r.Control, r.Amount)
		told.Returned = append(told.Returned, r)
	}
	told.Recouped = set.recoup(payee, open.Overpayments)
	var brought x12.Balance
	for _, b := range open.Balances {
		if b.Payee == payee {
			brought = x12.Balance{Trace: b.Trace, Owed: b.Owed}
		}
	}
	told.Brought, told.Forwarded = brought.Trace, set.Settle(brought).Owed
	for _, p := range set.Payments {
		told.Interest += p.Interest
	}
	told.Total = set.Total
	return told
}

// recoup takes what is due of what is owed on claims. What a claim is now paid
// more is set against what is owed on that very claim, due or not: the payee has
// that money.
func (set *payment) recoup(payee claims.Payee, open []books.Overpayment) (taken []books.Recouped) {
	more := map[string]claims.Cents{}
	for _, c := range set.corrected {
		more[c.original] += max(c.net, 0)
	}
	sums, order := map[string]claims.Cents{}, []string(nil)
	for _, o := range open {
		if o.Payee != payee {
			continue
		}
		own := min(more[o.Control], o.Owed)
		more[o.Control] -= own
		o.Owed -= own
		if _, there := sums[o.Control]; !there {
			order = append(order, o.Control)
		}
		sums[o.Control] += own + o.Due(set.Date)
	}
	for _, control := range order {
		if sums[control] > 0 {
			set.Recoup(control, sums[control])
			taken = append(taken, books.Recouped{Control: control, Amount: sums[control]})
		}
	}
	return taken
}
