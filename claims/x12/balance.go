package x12

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/claims"
)

// maxImbalances bounds what is listed for one remittance.
const maxImbalances = 20

// CheckBalance says where a remittance does not add up (005010X221, section
// 1.10.2.1): a line's charge less its adjustments is its payment, a claim's
// charge less all adjustments is its payment, the lines' charges are the
// claim's, what the patient owes is the sum of the adjustments of group PR,
// and all claims' payments less the provider adjustments are the payment.
func CheckBalance(r *Remittance) error {
	var b balance
	for i := range r.Payments {
		b.payment(i+1, &r.Payments[i])
	}
	if sum := r.Sum(); sum != r.Total {
		b.add("payment (BPR element 2)", "claims and provider adjustments come to", sum, r.Total)
	}
	if r.Total < 0 {
		b.add("payment (BPR element 2)", "a payment is at least", 0, r.Total)
	}
	return errors.Join(b.faults...)
}

type balance struct{ faults []error }

func (b *balance) add(where, what string, want, got claims.Cents) {
	if len(b.faults) < maxImbalances {
		b.faults = append(b.faults, fmt.Errorf("%s does not balance: %s %s, it says %s", where, what, want, got))
	}
}

// place names a claim or line by its order, since its number may identify a
// patient, and by its segment where it was read from a file.
func place(claim, line, segment int) string {
	s := fmt.Sprintf("claim %d", claim)
	id := "CLP"
	if line > 0 {
		s += fmt.Sprintf(" line %d", line)
		id = "SVC"
	}
	if segment > 0 {
		s += ", " + where(segment, id, 0)
	}
	return s
}

func (b *balance) payment(n int, p *Payment) {
	adjusted, patient := sums(p.Adjustments)
	var charged claims.Cents
	for i := range p.Lines {
		l := &p.Lines[i]
		at := place(n, i+1, l.segment)
		total, owed := sums(l.Adjustments)
		if l.Charge-total != l.Paid {
			b.add(at, "charge less adjustments is", l.Charge-total, l.Paid)
		}
		if l.Paid < 0 && p.Status != StatusReversed {
			b.add(at, "a payment is at least", 0, l.Paid)
		}
		charged += l.Charge
		adjusted += total
		patient += owed
	}
	at := place(n, 0, p.segment)
	if len(p.Lines) > 0 && charged != p.Charge {
		b.add(at, "its lines' charges come to", charged, p.Charge)
	}
	if p.Charge-adjusted != p.Paid {
		b.add(at, "charge less adjustments is", p.Charge-adjusted, p.Paid)
	}
	if p.Patient != patient && p.Status != StatusReversed {
		b.add(at, "adjustments of group PR come to", patient, p.Patient)
	}
	if p.Paid < 0 && p.Status != StatusReversed {
		b.add(at, "a payment is at least", 0, p.Paid)
	}
}

// sums are all adjustments, and those of them that the patient owes.
func sums(as []claims.Adjustment) (all, patient claims.Cents) {
	for _, a := range as {
		all += a.Amount
		if a.Group == claims.Patient {
			patient += a.Amount
		}
	}
	return all, patient
}
