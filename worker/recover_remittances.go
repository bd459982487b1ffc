package worker

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
)

func (i *Insurer) restoreRemittance(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	body := s.files[own.Digest]
	sets, err := x12.ReadRemittance(bytes.NewReader(body))
	if err != nil {
		return err
	}
	r := books.Remittance{Trace: traceOf(own.Document), Body: body, On: sets[0].Date}
	if r.Number, err = controlOf(body); err != nil {
		return err
	}
	var paid []books.RestoredPayment
	for _, set := range sets {
		r.Sets = append(r.Sets, carriedBy(&set))
		for _, p := range set.Payments {
			paid = append(paid, books.RestoredPayment{Control: p.Control, Paid: int64(p.Paid), Reversed: p.Status == x12.StatusReversed})
		}
	}
	return i.Books.RestoreRemittance(ctx, own, r, paid, receipt)
}

// carriedBy is what a payment has brought back and forwarded, and what it has
// deferred, taken and acknowledged of what is owed on claims.
func carriedBy(set *x12.Remittance) books.RemittanceSet {
	s := books.RemittanceSet{Payee: claims.Payee{NPI: set.Payee.NPI, TaxID: set.Payee.TaxID}, Trace: set.Trace, Total: set.Total}
	taken, order := map[string]claims.Cents{}, []string(nil)
	for _, a := range set.Adjustments {
		switch {
		case a.Reason == x12.ReasonForward && a.Amount > 0:
			s.Brought = a.Reference
		case a.Reason == x12.ReasonForward:
			s.Forwarded = -a.Amount
		case a.Reason == x12.ReasonRecovery && a.Amount < 0:
			s.Deferred = append(s.Deferred, books.Overpayment{Overpayment: claims.Overpayment{Control: a.Reference}, Amount: -a.Amount})
		case a.Reason == x12.ReasonRecovery:
			if taken[a.Reference] == 0 {
				order = append(order, a.Reference)
			}
			taken[a.Reference] += a.Amount
		}
	}
	for _, a := range set.Adjustments {
		if a.Reason != x12.ReasonReturn {
			continue
		}
		r := books.Refund{Control: a.Reference, Amount: -a.Amount}
		if taken[a.Reference] < r.Amount {
			r.Balance = s.Brought // it settles none of what is owed on the claim
		} else {
			taken[a.Reference] -= r.Amount
		}
		s.Returned = append(s.Returned, r)
	}
	for _, control := range order {
		if taken[control] > 0 {
			s.Recouped = append(s.Recouped, books.Recouped{Control: control, Amount: taken[control]})
		}
	}
	return s
}

// controlOf is ISA13, the number of the file.
func controlOf(body []byte) (int, error) {
	if len(body) < 106 {
		return 0, errors.New("it is no interchange")
	}
	fields := strings.Split(string(body[:106]), string(body[3]))
	if len(fields) < 14 {
		return 0, errors.New("it is no interchange")
	}
	return strconv.Atoi(fields[13])
}
