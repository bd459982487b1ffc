package store

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// planOfDecision is the edition that a decision was given by.
func planOfDecision(tx *sealedTx, document string) (*claims.Plan, error) {
	var d claims.Decision
	if err := readBody(tx, document, &d); err != nil {
		return nil, err
	}
	e, err := scanEdition(tx.QueryRow(selectEdition+`WHERE digest = $1`, d.Plan.Digest.String()))
	if err != nil {
		return nil, fmt.Errorf("read plan edition of a decision: %w", err)
	}
	return claims.ParsePlan(e.Body)
}

// restoreRecoupment writes back what a payment of which the ledger tells has
// deferred, taken and acknowledged: the one that deferred it is restored first. A
// refund that the books do not know any more is known by the payment alone.
func (b *Books) restoreRecoupment(tx *sealedTx, r books.Remittance, s books.RemittanceSet) error {
	s.Deferred, s.Returned = slices.Clone(s.Deferred), slices.Clone(s.Returned)
	for i := range s.Deferred {
		if err := restoreDeferred(tx, r, &s.Deferred[i]); err != nil {
			return err
		}
	}
	left := map[string]claims.Cents{}
	for _, c := range s.Recouped {
		left[c.Control] += c.Amount
	}
	for i := range s.Returned {
		back := &s.Returned[i]
		back.Payee = s.Payee
		known, err := readRefunds(tx, `control = $1 AND payee = $2 AND balance = $3 AND told_by = ''`, back.Control, string(s.Payee.NPI), back.Balance)
		if err != nil {
			return err
		}
		for _, k := range known {
			if k.Amount == back.Amount {
				*back = k
			}
		}
		if back.Reference != "" {
			continue
		}
		if back.Balance == "" {
			left[back.Control] += back.Amount
		}
		if err := b.restoreRefund(tx, r, s.Trace, i, back); err != nil {
			return err
		}
	}
	for control, amount := range left {
		var owed, settled claims.Cents
		err := tx.QueryRow(`
			SELECT COALESCE((SELECT SUM(owed) FROM overpayment WHERE control = $1), 0),
			       COALESCE((SELECT SUM(amount) FROM recouped WHERE control = $1), 0) + COALESCE((SELECT SUM(amount) FROM refund WHERE control = $1 AND balance = '' AND told_by <> $2), 0)`,
			control, s.Trace).Scan(&owed, &settled)
		if err != nil {
			return err
		}
		if owed-settled < amount {
			return books.ErrOutOfTurn
		}
	}
	var untold []books.Refund
	for _, back := range s.Returned {
		if back.Trace == "" {
			untold = append(untold, back)
		}
	}
	s.Returned = untold
	return carryRecoupment(tx, r.Submitter, r.On, s)
}

// restoreRefund writes a refund down that only a payment tells of.
func (b *Books) restoreRefund(tx *sealedTx, r books.Remittance, trace string, n int, back *books.Refund) error {
	h, err := submissionByControl(tx, back.Control)
	if err != nil {
		return err
	}
	back.Submission, back.Submitter, back.Registered = h, r.Submitter, r.Released
	back.Reference, back.By, back.Trace = fmt.Sprintf("recovered-%s-%d", trace, n+1), placedByRecovery, trace
	return keepRefund(tx, *back)
}

func restoreDeferred(tx *sealedTx, r books.Remittance, o *books.Overpayment) error {
	var document, submission string
	err := tx.QueryRow(`
		SELECT d.document, d.submission FROM decision d JOIN submission s ON s.handle = d.submission
		WHERE s.kind = 'claim' AND s.control = $1 AND d.remittance = $2`, o.Control, r.Trace).Scan(&document, &submission)
	if err != nil {
		return fmt.Errorf("find what was paid too much: %w", notFound(err))
	}
	plan, err := planOfDecision(tx, document)
	if err != nil {
		return err
	}
	o.From = plan.RecoupFrom(r.On)
	if o.Document, err = credentials.ParseHandle(document); err != nil {
		return err
	}
	o.Submission, err = credentials.ParseHandle(submission)
	return err
}
