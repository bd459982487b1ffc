package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// OpenError says that somebody cannot be forgotten yet.
type OpenError struct {
	Submission credentials.Handle
	Why        string
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("submission %s %s: nothing was forgotten; try again when it has ended", e.Submission, e.Why)
}

// Holder is under whose key a submission is sealed: what Forget takes.
func (b *Books) Holder(ctx context.Context, submission credentials.Handle) (holder string, err error) {
	err = b.db.QueryRow(ctx, `SELECT holder FROM submission WHERE handle = $1`, submission.String()).Scan(&holder)
	if err == nil && holder == "" {
		err = books.ErrForgotten
	}
	return holder, notFound(err)
}

// WorkOf lists the contracts of a holder, of which Temporal may keep histories.
// It fails where one of them is still open.
func (b *Books) WorkOf(ctx context.Context, holder string) (work []books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		if _, err := b.closed(tx, holder); err != nil {
			return err
		}
		work, err = readWork(tx, `SELECT kind, business_key FROM submission WHERE person = $1 OR holder = $1 ORDER BY seq`, holder)
		return err
	})
	return work, err
}

// Forget destroys the data key of a holder, and with it every document about
// them: nobody can open them again, whoever kept a copy of the sealed bytes.
// It takes the person out of the directory, and their name off what is left:
// handles, outcomes, amounts and ledger entries, so that the money still adds
// up. A remittance with the person in it goes too. Where contracts are open it
// refuses. Called again it says ErrNotFound, and wipes the disk again.
func (b *Books) Forget(ctx context.Context, holder string) (documents int, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		all, err := b.closed(tx, holder)
		if err != nil {
			return err
		}
		documents = len(all)
		for _, s := range all {
			if err := s.forget(tx); err != nil {
				return err
			}
		}
		known, err := forgetMember(tx, holder)
		if err == nil && !known && len(all) == 0 {
			err = books.ErrNotFound
		}
		return err
	})
	if err != nil && !errors.Is(err, books.ErrNotFound) {
		return 0, err
	}
	if wiped := b.db.Wipe(ctx, "data_key"); wiped != nil {
		return documents, fmt.Errorf("forgotten, but the database may keep the key in its free pages (say it again to have them wiped): %w", wiped)
	}
	return documents, err
}

// A closedSubmission is one of somebody who may be forgotten.
type closedSubmission struct{ handle, holder string }

// closed lists the submissions of a holder, if none of them is open.
func (b *Books) closed(tx *sealedTx, holder string) (all []closedSubmission, err error) {
	today := credentials.DateOf(b.now().UTC())
	var open *OpenError
	err = rows(tx, `
		SELECT s.handle, s.holder, s.kind, s.state,
			COALESCE((SELECT max(a.until_date) FROM authorized_item a WHERE a.submission = s.handle), ''),
			(SELECT count(*) FROM decision d JOIN outbox o ON o.document = d.document WHERE d.submission = s.handle AND o.recorded = 0),
			(SELECT count(*) FROM payment p JOIN decision d ON d.document = p.document
				LEFT JOIN remittance r ON r.trace = d.remittance LEFT JOIN outbox o ON o.document = r.handle
				WHERE d.submission = s.handle AND d.document = s.latest AND COALESCE(o.recorded, 0) = 0 AND `+inForce+`),
			(SELECT count(*) FROM reopening r WHERE r.submission = s.handle AND `+isOpen+`)
				+ (SELECT count(*) FROM appeal a WHERE a.submission = s.handle AND a.state = 'open')
		FROM submission s WHERE s.person = $1 OR s.holder = $1 ORDER BY s.seq`, []any{holder}, func(rs *sql.Rows) error {
		var s closedSubmission
		var kind books.SubmissionKind
		var state string
		var until credentials.Date
		var unrecorded, unpaid, again int
		if err := rs.Scan(&s.handle, &s.holder, &kind, &state, &until, &unrecorded, &unpaid, &again); err != nil {
			return err
		}
		all = append(all, s)
		why := ""
		switch {
		case state == stateReceived || state == string(claims.Pended):
			why = "is not finally decided"
		case state == string(claims.AuthorizationApproved) && until.DaysUntil(today) <= books.AuthorizationOpenDays:
			why = "is an authorization that claims may still come for"
		case again > 0:
			why = "was opened again, or is appealed"
		case unrecorded > 0:
			why = "has a decision that is not on the ledger yet"
		case unpaid > 0:
			why = "is not paid out"
		}
		if why != "" && open == nil {
			h, err := credentials.ParseHandle(s.handle)
			if err != nil {
				return err
			}
			open = &OpenError{h, why}
		}
		return nil
	})
	if err == nil && open != nil {
		err = open
	}
	return all, err
}

func (s closedSubmission) forget(tx *sealedTx) error {
	var traces []string
	err := rows(tx, `SELECT DISTINCT remittance FROM decision WHERE submission = $1 AND remittance <> ''`, []any{s.handle}, func(rs *sql.Rows) error {
		var trace string
		err := rs.Scan(&trace)
		traces = append(traces, trace)
		return err
	})
	for i := 0; i < len(traces) && err == nil; i++ {
		err = tx.dropKey(remittanceAt(traces[i]).holder)
	}
	if err == nil {
		err = tx.dropKey(s.holder)
	}
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM claim_line WHERE submission = $1`,
		`DELETE FROM line_involved WHERE submission = $1`,
		`DELETE FROM authorized_item WHERE submission = $1`,
		`UPDATE signed SET holder = '', key = 'forgotten/' || handle WHERE submission = $1`,
		`UPDATE determination SET holder = '' WHERE submission = $1`,
		`UPDATE letter SET holder = '' WHERE submission = $1`,
		`UPDATE appeal SET holder = '' WHERE submission = $1`,
		`UPDATE appeal_answer SET holder = '' WHERE submission = $1`,
		`UPDATE submission SET holder = '', person = '', family = 'forgotten', number = '' WHERE handle = $1`,
	} {
		if _, err := tx.Exec(statement, s.handle); err != nil {
			return err
		}
	}
	return nil
}

// forgetMember takes a person out of the directory. What was added up for them
// stays under a random name, since a family's figures are the sums of its
// members'; the last of a family takes its name along.
func forgetMember(tx *sealedTx, person string) (known bool, err error) {
	var family, id string
	err = tx.QueryRow(`SELECT family, member_id FROM member WHERE person = $1`, person).Scan(&family, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, statement := range []string{`DELETE FROM member WHERE person = $1`, `DELETE FROM coverage WHERE person = $1`, `DELETE FROM directory_change WHERE person = $1`} {
		if _, err := tx.Exec(statement, person); err != nil {
			return false, err
		}
	}
	if _, err := tx.Exec(`DELETE FROM fence WHERE name = $1`, directoryFence("unknown/"+id)); err != nil {
		return false, err
	}
	if err := unname(tx, "person/"+person); err != nil {
		return false, err
	}
	var left int
	if err := tx.QueryRow(`SELECT count(*) FROM member WHERE family = $1`, family).Scan(&left); err != nil {
		return false, err
	}
	if left == 0 {
		if err := unname(tx, "family/"+family); err != nil {
			return false, err
		}
		if _, err := tx.Exec(`DELETE FROM fence WHERE name LIKE $1`, "family/"+family+"/%"); err != nil {
			return false, err
		}
		if _, err := tx.Exec(`DELETE FROM fence WHERE name = $1`, directoryFence(family)); err != nil {
			return false, err
		}
	}
	return true, tx.dropKey(person)
}

func unname(tx *sealedTx, holder string) error {
	var b [16]byte
	rand.Read(b[:])
	_, err := tx.Exec(`UPDATE accumulator SET holder = $2 WHERE holder = $1`, holder, "forgotten/"+hex.EncodeToString(b[:]))
	return err
}
