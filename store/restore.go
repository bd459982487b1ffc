package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// RestoreClaim settles a decision that stands on the ledger and that the books
// lack, as it was settled then: no fence is asked, since the ledger has it. It
// may be repeated.
func (b *Books) RestoreClaim(ctx context.Context, r books.Restored) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		var s claims.Submission
		row, err := b.readRestored(tx, r, &s)
		if err != nil {
			return err
		}
		who, err := findMember(tx, s.Claim.PatientPerson(), &s.Claim.Subscriber)
		if err != nil {
			return err
		}
		if who.fact.Matches != r.Matches {
			return books.ErrOtherMember
		}
		if who.family != row.family || who.person != row.person {
			if row, err = identify(tx, r.Signed.Submission, row, who); err != nil {
				return err
			}
		}
		var d claims.Decision
		return b.restore(tx, r, &d, func() (int, string) { return d.Number, string(d.Outcome) }, func(row submissionRow, document books.Signed) error {
			if err := b.holdIfPaid(tx, r.Signed.Submission, r.Own.Index); err != nil {
				return err
			}
			return b.applyClaim(tx, row, r.Signed.Submission, document, &d)
		})
	})
}

// RestoreAuthorization is the same for an authorization.
func (b *Books) RestoreAuthorization(ctx context.Context, r books.Restored) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		var s claims.AuthorizationSubmission
		row, err := b.readRestored(tx, r, &s)
		if err != nil {
			return err
		}
		who, err := findMember(tx, &s.Request.Patient, &s.Request.Patient)
		if err != nil {
			return err
		}
		if who.fact.Matches != r.Matches {
			return books.ErrOtherMember
		}
		if who.person != row.person {
			if _, err = identify(tx, r.Signed.Submission, row, who); err != nil {
				return err
			}
		}
		var d claims.AuthorizationDecision
		return b.restore(tx, r, &d, func() (int, string) { return d.Number, string(d.Outcome) }, func(submissionRow, books.Signed) error {
			return applyAuthorization(tx, r.Signed.Submission, &d)
		})
	})
}

func (b *Books) readRestored(tx *sealedTx, r books.Restored, submission any) (submissionRow, error) {
	row, err := readSubmission(tx, r.Signed.Submission)
	if err != nil {
		return row, fmt.Errorf("find its submission: %w", err)
	}
	if err := json.Unmarshal(row.body, submission); err != nil {
		return row, fmt.Errorf("read submission: %w", err)
	}
	return row, nil
}

// restore is settle without fences, with the time and the receipt of then.
func (b *Books) restore(tx *sealedTx, r books.Restored, body any, what func() (int, string), apply func(submissionRow, books.Signed) error) error {
	if _, err := tx.Exec(`DELETE FROM lost_entry WHERE document = $1`, r.Own.Document.String()); err != nil {
		return err
	}
	kept, err := keepSigned(tx, r.Signed)
	if err != nil {
		return err
	}
	if kept.Handle != r.Signed.Handle {
		return books.ErrOtherDecision
	}
	out, err := b.settle(tx, books.Settlement{Submission: r.Signed.Submission, Document: r.Signed.Handle}, body, what, apply)
	if errors.Is(err, errNotInForce) { // the one that it takes back comes first
		return books.ErrOutOfTurn
	}
	if err != nil {
		return err
	}
	if out.Moved {
		number, _ := what()
		row, err := readSubmission(tx, r.Signed.Submission)
		switch {
		case err != nil:
			return err
		case number <= row.decisions:
			return books.ErrOtherDecision
		}
		return books.ErrOutOfTurn
	}
	if _, err := tx.Exec(`UPDATE decision SET settled = $2 WHERE document = $1`, r.Own.Document.String(), micros(r.Own.Effective)); err != nil {
		return err
	}
	return b.foundAgain(tx, r.Own, r.Receipt)
}

// RestoreRemittance writes a remittance that stands on the ledger back into the
// books and marks what it paid: no other run will. Its submitter is that of
// its claims. It may be repeated.
func (b *Books) RestoreRemittance(ctx context.Context, own books.OwnEntry, r books.Remittance, paid []books.RestoredPayment, receipt []byte) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		for i, p := range paid {
			submitter, err := takePayment(tx, r.Trace, p)
			if err != nil {
				return fmt.Errorf("payment %d: %w", i+1, err)
			}
			r.Submitter = submitter
		}
		var known int
		if err := tx.QueryRow(`SELECT count(*) FROM remittance WHERE handle = $1`, own.Document.String()).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			r.Handle, r.Released = own.Document, own.Effective
			if err := keepRemittance(tx, r); err != nil {
				return err
			}
			if err := b.restoreBalances(tx, r); err != nil {
				return err
			}
		}
		if err := putOutbox(tx, own.Document, own.Entry); err != nil {
			return err
		}
		return b.foundAgain(tx, own, receipt)
	})
}

// takePayment marks the decision that a payment is for: the latest on its
// claim, which is final, to the cent.
func takePayment(tx *sealedTx, trace string, p books.RestoredPayment) (submitter credentials.DID, err error) {
	var document, outcome, taken string
	var amount int64
	query := `
		SELECT s.submitter, d.document, d.outcome, d.remittance, p.amount
		FROM submission s JOIN decision d ON d.document = s.latest JOIN payment p ON p.document = d.document
		WHERE s.kind = 'claim' AND s.control = $1`
	if p.Reversed {
		query = `
			SELECT s.submitter, d.document, d.outcome, d.remittance, p.reversed
			FROM submission s JOIN decision o ON o.submission = s.handle JOIN payment p ON p.takes_back = o.document JOIN decision d ON d.document = p.document
			WHERE s.kind = 'claim' AND s.control = $1 AND d.remittance IN ('', $2) AND ` + inForce + ` ORDER BY d.remittance DESC, d.settled`
	}
	args := []any{p.Control, trace}
	err = tx.QueryRow(query, args[:1+strings.Count(query, "$2")]...).Scan(&submitter, &document, &outcome, &taken, &amount)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", books.ErrPaysUndecided
	case err != nil:
		return "", err
	case taken == trace:
		return submitter, nil
	case taken != "":
		return "", books.ErrPaidElsewhere
	case amount != p.Paid:
		return "", fmt.Errorf("it pays %s, the decision says %s", claims.Cents(p.Paid), claims.Cents(amount))
	}
	_, err = tx.Exec(`UPDATE decision SET remittance = $2 WHERE document = $1`, document, trace)
	return submitter, err
}

// RestoreReceipt keeps the receipt of an edition that was written back.
func (b *Books) RestoreReceipt(ctx context.Context, own books.OwnEntry, receipt []byte) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error { return b.foundAgain(tx, own, receipt) })
}

// HasDetermination says whether the books hold a reviewer's determination.
func (b *Books) HasDetermination(ctx context.Context, submission, determination credentials.Handle) (has bool, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		d, err := readDetermination(tx, submission, math.MaxInt32)
		has = d != nil && d.Handle == determination
		return err
	})
	return has, err
}
