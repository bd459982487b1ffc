package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// Codes of the holds that are placed where documents were given up.
const (
	holdLostDecision   = "decision-lost"
	holdLostRemittance = "remittance-lost"
	holdMayBeLost      = "may-be-decided"
	placedByRecovery   = "countersignd recover"
)

// GiveUp notes entries whose documents nobody can bring back. From then on
// they no longer hold up the house. What they may have decided or paid is held
// from payment until a person releases it:
//
//   - a decision on a claim that the books have: that claim. It is never
//     decided again, since the ledger has no place for another decision;
//   - a decision on a claim that they do not have: every claim that comes in
//     from now on for services before the decision, since it may be that one;
//   - a remittance: everything that was decided before it and is not paid, what
//     is brought back later too. The ledger says what was before: it pays only
//     what has its receipt.
func (b *Books) GiveUp(ctx context.Context, lost []books.LostEntry) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		for _, e := range lost {
			submission := ""
			if !e.Submission.IsZero() {
				submission = e.Submission.String()
			}
			_, err := tx.Exec(`
				INSERT INTO lost_entry (document, kind, ledger_index, effective, digest, entry, submission, number, given_up)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (document) DO NOTHING`,
				e.Document.String(), e.Kind, e.Index, micros(e.Effective), e.Digest.String(), e.Entry, submission, e.Number, micros(b.now()))
			if err != nil {
				return err
			}
			if err := b.holdFor(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Books) holdFor(tx *sealedTx, e books.LostEntry) error {
	switch {
	case e.Kind == lostRemittance:
		var unpaid []string
		err := rows(tx, `
			SELECT s.handle FROM submission s JOIN decision d ON d.document = s.latest JOIN outbox o ON o.document = d.document
			WHERE s.kind = 'claim' AND d.remittance = '' AND d.outcome IN ('paid', 'denied') AND o.ledger_index < $1
			ORDER BY s.seq`, []any{e.Index}, func(rs *sql.Rows) error {
			var h string
			err := rs.Scan(&h)
			unpaid = append(unpaid, h)
			return err
		})
		if err != nil {
			return err
		}
		for _, h := range unpaid {
			if err := b.holdText(tx, h, holdLostRemittance); err != nil {
				return err
			}
		}
	case e.Kind == lostDecision && !e.Submission.IsZero():
		return b.holdText(tx, e.Submission.String(), holdLostDecision)
	}
	return nil
}

// The ledger's names of what was lost.
const (
	lostDecision   = "claim-decision"
	lostRemittance = "remittance"
)

func (b *Books) holdText(tx *sealedTx, submission, code string) error {
	h, err := credentials.ParseHandle(submission)
	if err != nil {
		return err
	}
	last, err := lastHold(tx, h)
	if err != nil || last.number > 0 && last.lifted == 0 {
		return err // held already, for whatever reason
	}
	return b.place(tx, books.StaffHold{Submission: h, Code: code, By: placedByRecovery}, last)
}

// holdIfPaid holds a claim whose decision was brought back after a remittance
// was given up that may have paid it.
func (b *Books) holdIfPaid(tx *sealedTx, submission credentials.Handle, index int64) error {
	var lost int
	err := tx.QueryRow(`SELECT count(*) FROM lost_entry WHERE kind = $1 AND ledger_index > $2`, lostRemittance, index).Scan(&lost)
	if err != nil || lost == 0 {
		return err
	}
	return b.holdText(tx, submission.String(), holdLostRemittance)
}

// holdAfterLoss holds a claim that comes in after decisions on unknown claims
// were given up, and that may be one of those. A claim for a later service
// cannot be.
func (b *Books) holdAfterLoss(tx *sealedTx, submission credentials.Handle, c *claims.Claim) error {
	var last sql.NullInt64
	err := tx.QueryRow(`SELECT max(effective) FROM lost_entry WHERE kind = $1 AND submission = ''`, lostDecision).Scan(&last)
	if err != nil || !last.Valid {
		return err
	}
	// A day more than the insurer's clock says: days are counted where the patient was.
	if c.FirstService() > credentials.DateOf(fromMicros(last.Int64).AddDate(0, 0, 1)) {
		return nil
	}
	return b.holdText(tx, submission.String(), holdMayBeLost)
}

// nextRemittance is the number of the next remittance: after every number that
// the ledger has, kept or lost.
func nextRemittance(tx *sealedTx) (number int, err error) {
	err = tx.QueryRow(`
		SELECT COALESCE(MAX(number), 0) + 1 FROM (
			SELECT number FROM remittance UNION ALL SELECT number FROM lost_entry WHERE kind = $1) AS used`, lostRemittance).Scan(&number)
	return number, err
}

// Undecided lists the submissions that may get another decision, with the
// number that it would have.
func (b *Books) Undecided(ctx context.Context) (next map[credentials.Handle]int, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		next = map[credentials.Handle]int{}
		return rows(tx, `SELECT handle, decisions FROM submission WHERE state IN ('received', 'pended', 'approved')`, nil, func(rs *sql.Rows) error {
			var text string
			var n int
			if err := rs.Scan(&text, &n); err != nil {
				return err
			}
			h, err := credentials.ParseHandle(text)
			next[h] = n + 1
			return err
		})
	})
	return next, err
}

// UsedNumbers are the numbers of the remittances that the books hold.
func (b *Books) UsedNumbers(ctx context.Context) (used []int, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		used = nil
		return rows(tx, `SELECT number FROM remittance`, nil, func(rs *sql.Rows) error {
			var n int
			err := rs.Scan(&n)
			used = append(used, n)
			return err
		})
	})
	slices.Sort(used)
	return used, err
}

// An OpenContract is a submission whose contract has to run.
type OpenContract struct {
	books.Work
	Token    string
	Received credentials.Date
}

// OpenContracts lists the submissions that wait for a decision, or whose
// decision may still change, in the order in which they came.
func (b *Books) OpenContracts(ctx context.Context) (open []OpenContract, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		open = nil
		var handles []string
		err := rows(tx, `
			SELECT s.handle FROM submission s
			WHERE (s.state IN ('received', 'pended', 'approved') OR `+reopened+`) AND s.holder <> '' ORDER BY s.seq`, nil, func(rs *sql.Rows) error {
			var h string
			err := rs.Scan(&h)
			handles = append(handles, h)
			return err
		})
		if err != nil {
			return err
		}
		for _, text := range handles {
			h, err := credentials.ParseHandle(text)
			if err != nil {
				return err
			}
			c, err := contractOf(tx, h)
			if err != nil {
				return err
			}
			open = append(open, c)
		}
		return nil
	})
	return open, err
}

func contractOf(tx *sealedTx, h credentials.Handle) (c OpenContract, err error) {
	row, err := readSubmission(tx, h)
	if err != nil {
		return c, err
	}
	c.Received = row.received
	if c.Work, err = row.work(); err != nil {
		return c, err
	}
	signed, err := findSigned(tx, books.SubmissionKey(h))
	c.Token = signed.Token
	return c, err
}
