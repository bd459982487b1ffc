package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// readOpen is what a submitter's payees owe, and what they have sent back that no
// remittance has told of.
func readOpen(tx *sealedTx, submitter credentials.DID) (open books.Open, err error) {
	if open.Balances, err = readBalances(tx, submitter); err != nil {
		return open, fmt.Errorf("read balances: %w", err)
	}
	if open.Overpayments, err = readOverpayments(tx, `o.submitter = $1`, string(submitter)); err != nil {
		return open, fmt.Errorf("read overpayments: %w", err)
	}
	if open.Refunds, err = readRefunds(tx, `submitter = $1 AND told_by = ''`, string(submitter)); err != nil {
		return open, fmt.Errorf("read refunds: %w", err)
	}
	return open, nil
}

// readOverpayments reads what is still owed on claims, oldest first: what was
// taken of it and what was sent back for it settles the oldest first.
func readOverpayments(tx *sealedTx, where string, args ...any) (all []books.Overpayment, err error) {
	settled := map[string]claims.Cents{} // by the claim's number
	err = rows(tx, `
		SELECT control, amount FROM recouped UNION ALL SELECT control, amount FROM refund WHERE balance = ''`, nil, func(rs *sql.Rows) error {
		var control string
		var amount claims.Cents
		err := rs.Scan(&control, &amount)
		settled[control] += amount
		return err
	})
	if err != nil {
		return nil, err
	}
	err = rows(tx, `
		SELECT o.document, o.submission, o.control, o.submitter, o.payee, o.tax_id, o.trace, o.demanded, o.due, o.owed,
		       EXISTS (SELECT 1 FROM appeal a WHERE a.submission = o.submission AND a.state = 'open')
		       OR EXISTS (SELECT 1 FROM reopening r WHERE r.submission = o.submission AND `+isOpen+`)
		FROM overpayment o WHERE `+where+` ORDER BY o.demanded, o.document`, args, func(rs *sql.Rows) error {
		var o books.Overpayment
		var document, submission string
		err := rs.Scan(&document, &submission, &o.Control, &o.Submitter, &o.Payee.NPI, &o.Payee.TaxID, &o.Trace, &o.Demanded, &o.From, &o.Amount, &o.Stayed)
		if err != nil {
			return err
		}
		paid := min(settled[o.Control], o.Amount)
		settled[o.Control] -= paid
		if o.Owed = o.Amount - paid; o.Owed == 0 {
			return nil
		}
		if o.Document, err = credentials.ParseHandle(document); err != nil {
			return err
		}
		o.Submission, err = credentials.ParseHandle(submission)
		all = append(all, o)
		return err
	})
	return all, err
}

func readRefunds(tx *sealedTx, where string, args ...any) (all []books.Refund, err error) {
	err = rows(tx, `
		SELECT payee, tax_id, reference, submission, submitter, control, amount, balance, registered_by, token, registered, told_by
		FROM refund WHERE `+where+` ORDER BY registered, payee, reference`, args, func(rs *sql.Rows) error {
		var r books.Refund
		var submission string
		var registered int64
		err := rs.Scan(&r.Payee.NPI, &r.Payee.TaxID, &r.Reference, &submission, &r.Submitter, &r.Control, &r.Amount, &r.Balance, &r.By, &r.Token, &registered, &r.Trace)
		if err != nil {
			return err
		}
		r.Registered = fromMicros(registered)
		r.Submission, err = credentials.ParseHandle(submission)
		all = append(all, r)
		return err
	})
	return all, err
}

// Owed lists what payees owe on claims, the first demanded first, and every refund.
func (b *Books) Owed(ctx context.Context) (owed []books.Overpayment, refunds []books.Refund, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		if owed, err = readOverpayments(tx, `o.owed > 0`); err != nil {
			return err
		}
		refunds, err = readRefunds(tx, `amount > 0`)
		return err
	})
	return owed, refunds, err
}

// Refund registers money that a payee has sent back for a claim, once by its
// reference: it settles what is owed on the claim, or else lowers the balance that
// the payee's next payment would bear. More than is owed is refused: nobody would
// know what it was for.
func (b *Books) Refund(ctx context.Context, r books.Refund) (kept books.Refund, again bool, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		again = false
		row, err := readSubmission(tx, r.Submission)
		if err != nil {
			return err
		}
		if row.kind != books.ClaimKind {
			return books.ErrNotFound
		}
		var s claims.Submission
		if err := json.Unmarshal(row.body, &s); err != nil {
			return fmt.Errorf("read submission: %w", err)
		}
		r.Payee = claims.Payee{NPI: s.Claim.Billing.NPI, TaxID: s.Claim.Billing.TaxID}
		r.Submitter, r.Control = row.submitter, row.control
		there, err := readRefunds(tx, `payee = $1 AND reference = $2`, string(r.Payee.NPI), r.Reference)
		if err != nil {
			return err
		}
		if len(there) > 0 {
			kept, again = there[0], true
			if kept.Submission != r.Submission || kept.Amount != r.Amount {
				return books.ErrRefundTaken
			}
			return nil
		}
		if r.Balance, err = settles(tx, &r); err != nil {
			return err
		}
		r.Registered = b.now()
		kept = r
		return keepRefund(tx, r)
	})
	return kept, again, err
}

// settles says what a refund settles: "" for what is owed on its claim, else the
// payment whose balance it lowers.
func settles(tx *sealedTx, r *books.Refund) (balance string, err error) {
	owed, err := readOverpayments(tx, `o.control = $1`, r.Control)
	if err != nil {
		return "", err
	}
	var left claims.Cents
	for _, o := range owed {
		left += o.Owed
	}
	if left == 0 {
		if balance, left, err = lowers(tx, r); err != nil {
			return "", err
		}
	}
	switch {
	case left <= 0:
		return "", books.ErrOwesNothing
	case r.Amount > left:
		return "", fmt.Errorf("%w: %s", books.ErrOwesLess, left)
	}
	return balance, nil
}

// lowers finds the balance that the payee of a claim still owes from an earlier
// payment, where the claim is one that a remittance took back.
func lowers(tx *sealedTx, r *books.Refund) (trace string, left claims.Cents, err error) {
	var told int
	err = tx.QueryRow(`
		SELECT count(*) FROM payment p JOIN decision d ON d.document = p.document JOIN decision o ON o.document = p.takes_back
		WHERE p.takes_back <> '' AND d.remittance <> '' AND (p.submission = $1 OR o.submission = $1)`, r.Submission.String()).Scan(&told)
	if err != nil || told == 0 {
		return "", 0, err
	}
	open, err := readBalances(tx, r.Submitter)
	if err != nil {
		return "", 0, err
	}
	for _, b := range open {
		if b.Payee == r.Payee {
			trace, left = b.Trace, b.Owed
		}
	}
	back, err := readRefunds(tx, `balance = $1 AND balance <> ''`, trace)
	for _, r := range back {
		left -= r.Amount
	}
	return trace, left, err
}

func keepRefund(tx *sealedTx, r books.Refund) error {
	_, err := tx.Exec(`
		INSERT INTO refund (payee, reference, tax_id, submission, submitter, control, amount, balance, registered_by, token, registered, told_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		string(r.Payee.NPI), r.Reference, r.Payee.TaxID, r.Submission.String(), string(r.Submitter), r.Control, int64(r.Amount), r.Balance, r.By, r.Token,
		micros(r.Registered), r.Trace)
	return err
}

// carryRecoupment writes down what a payment defers, takes and acknowledges, in the
// transaction that releases it.
func carryRecoupment(tx *sealedTx, submitter credentials.DID, on credentials.Date, s books.RemittanceSet) error {
	for _, o := range s.Deferred {
		_, err := tx.Exec(`
			INSERT INTO overpayment (document, submission, control, submitter, payee, tax_id, trace, demanded, due, owed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			o.Document.String(), o.Submission.String(), o.Control, string(submitter), string(s.Payee.NPI), s.Payee.TaxID, s.Trace, string(on), string(o.From), int64(o.Amount))
		if err != nil {
			return err
		}
	}
	for _, c := range s.Recouped {
		if _, err := tx.Exec(`INSERT INTO recouped (control, trace, amount) VALUES ($1, $2, $3)`, c.Control, s.Trace, int64(c.Amount)); err != nil {
			return err
		}
	}
	for _, r := range s.Returned {
		told, err := tx.Exec(`UPDATE refund SET told_by = $3 WHERE payee = $1 AND reference = $2 AND told_by = ''`, string(r.Payee.NPI), r.Reference, s.Trace)
		if err == nil && told != 1 {
			err = errors.New("a refund was told already")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recoups is what a payment takes beside its claims by what is owed on claims, or
// why it may not. Whatever it takes is owed and due, or is taken of what the very
// claim is paid more.
func recoups(r *books.Remittance, s *books.RemittanceSet, due []*paymentRow, payables []Payable, open *books.Open) (takes claims.Cents, err error) {
	owed, may := map[string]claims.Cents{}, map[string]claims.Cents{}
	for _, o := range open.Overpayments {
		if o.Payee == s.Payee {
			owed[o.Control] += o.Owed
			may[o.Control] += o.Due(r.On)
		}
	}
	deferred := map[credentials.Handle]claims.Cents{}
	for _, o := range s.Deferred {
		deferred[o.Document] += o.Amount
		takes -= o.Amount
		if r.On == "" || o.From <= r.On || o.Amount <= 0 {
			return 0, fmt.Errorf("payment %s defers %s until %q", s.Trace, o.Amount, o.From)
		}
	}
	for i, p := range due {
		if back := payables[i].Reversed; back != nil && p.Amount > 0 {
			may[back.Control] += p.Amount
		}
		if d, is := deferred[p.Document]; is && p.Payee == s.Payee && d == -p.Amount && payables[i].Decision.Unasked() {
			delete(deferred, p.Document)
		}
	}
	if len(deferred) > 0 {
		return 0, fmt.Errorf("payment %s defers what none of its decisions takes back", s.Trace)
	}
	for _, c := range s.Recouped {
		if c.Amount <= 0 || c.Amount > min(owed[c.Control], may[c.Control]) {
			return 0, fmt.Errorf("payment %s takes %s on claim %s, of which %s is due", s.Trace, c.Amount, c.Control, min(owed[c.Control], may[c.Control]))
		}
		delete(owed, c.Control) // once
		takes += c.Amount
	}
	back, err := returns(s, open.Refunds)
	return takes - back, err
}

// returns wants a payment to acknowledge every refund of its payee, and answers
// what they add to it: one that settles what is owed on a claim adds nothing, since
// that is taken beside it.
func returns(s *books.RemittanceSet, refunds []books.Refund) (adds claims.Cents, err error) {
	n := 0
	for _, r := range refunds {
		if r.Payee != s.Payee {
			continue
		}
		if n >= len(s.Returned) || s.Returned[n] != r {
			return 0, fmt.Errorf("payment %s does not acknowledge refund %s", s.Trace, r.Reference)
		}
		if n++; r.Balance != "" {
			adds += r.Amount
		}
	}
	if n != len(s.Returned) {
		return 0, fmt.Errorf("payment %s acknowledges a refund that nobody has registered", s.Trace)
	}
	return adds, nil
}
