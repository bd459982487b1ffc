package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// SetStaffHold places a hold upon a claim or lifts the one that is there. The
// same asked again by the same person changes nothing. What a remittance took
// can no longer be held; since it asks for that, no serializable database lets
// it and a payment run that has not seen it both commit.
func (b *Books) SetStaffHold(ctx context.Context, h books.StaffHold) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		row, err := readSubmission(tx, h.Submission)
		if err != nil {
			return err
		}
		if row.kind != books.ClaimKind {
			return books.ErrNotFound
		}
		last, err := lastHold(tx, h.Submission)
		if err != nil {
			return err
		}
		if h.Lift {
			return b.lift(tx, h, last)
		}
		return b.place(tx, h, last)
	})
}

type holdRow struct {
	number               int
	code, by             string
	lifted               int64
	liftedBy, liftedCode string
}

func lastHold(tx *sealedTx, submission credentials.Handle) (h holdRow, err error) {
	err = tx.QueryRow(`
		SELECT number, code, placed_by, lifted, lifted_by, lifted_code FROM payment_hold
		WHERE submission = $1 ORDER BY number DESC LIMIT 1`, submission.String()).
		Scan(&h.number, &h.code, &h.by, &h.lifted, &h.liftedBy, &h.liftedCode)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return h, err
}

func (b *Books) place(tx *sealedTx, h books.StaffHold, last holdRow) error {
	open := last.number > 0 && last.lifted == 0
	switch {
	case open && last.code == h.Code && last.by == h.By:
		return nil
	case open:
		return fmt.Errorf("%w: for %s, by %s", books.ErrHeldAlready, last.code, last.by)
	}
	var taken int
	err := tx.QueryRow(`
		SELECT count(*) FROM decision d JOIN submission s ON s.latest = d.document
		WHERE s.handle = $1 AND d.remittance <> ''`, h.Submission.String()).Scan(&taken)
	if err != nil {
		return err
	}
	if taken > 0 {
		return books.ErrReleasedAlready
	}
	_, err = tx.Exec(`
		INSERT INTO payment_hold (submission, number, code, placed_by, placed, placed_token, lifted_by, lifted, lifted_token, lifted_code)
		VALUES ($1, $2, $3, $4, $5, $6, '', 0, '', '')`,
		h.Submission.String(), last.number+1, h.Code, h.By, micros(b.now()), h.Token)
	return err
}

func (b *Books) lift(tx *sealedTx, h books.StaffHold, last holdRow) error {
	if last.lifted != 0 && last.liftedBy == h.By && last.liftedCode == h.Code {
		return nil
	}
	if last.number == 0 || last.lifted != 0 {
		return books.ErrNotHeld
	}
	_, err := tx.Exec(`
		UPDATE payment_hold SET lifted_by = $3, lifted = $4, lifted_token = $5, lifted_code = $6 WHERE submission = $1 AND number = $2`,
		h.Submission.String(), last.number, h.By, micros(b.now()), h.Token, h.Code)
	return err
}

// readStaffHolds reads the holds that nobody has lifted.
func readStaffHolds(tx *sealedTx) (map[credentials.Handle]*claims.Hold, error) {
	holds := map[credentials.Handle]*claims.Hold{}
	err := rows(tx, `SELECT submission, code, placed_by FROM payment_hold WHERE lifted = 0`, nil, func(rs *sql.Rows) error {
		hold := &claims.Hold{Reason: claims.HoldStaff}
		var text string
		if err := rs.Scan(&text, &hold.Code, &hold.By); err != nil {
			return err
		}
		h, err := credentials.ParseHandle(text)
		holds[h] = hold
		return err
	})
	return holds, err
}

// ClaimByControl finds a claim by the insurer's own number for it.
func (b *Books) ClaimByControl(ctx context.Context, control string) (h credentials.Handle, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		h, err = submissionByControl(tx, control)
		return err
	})
	return h, err
}

func submissionByControl(tx statements, control string) (h credentials.Handle, err error) {
	var text string
	if err := tx.QueryRow(`SELECT handle FROM submission WHERE control = $1 AND kind = 'claim'`, control).Scan(&text); err != nil {
		return h, notFound(err)
	}
	return credentials.ParseHandle(text)
}
