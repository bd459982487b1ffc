package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// isOpen says that a reopening waits to be decided.
const isOpen = `r.state IN ('open', 'waiting')`

// reopened says that a submission is open again.
const reopened = `EXISTS (SELECT 1 FROM reopening r WHERE r.submission = s.handle AND ` + isOpen + `)`

// Reopen opens a decided claim again, once for each cause: asked again, it
// answers with the same reopening, whatever has become of it.
func (b *Books) Reopen(ctx context.Context, r books.Reopening) (got books.Reopening, work books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		row, err := readSubmission(tx, r.Submission)
		if err != nil {
			return err
		}
		if row.kind != books.ClaimKind {
			return books.ErrNotFound
		}
		if work, err = row.work(); err != nil {
			return err
		}
		got, err = b.reopen(tx, row, r)
		return err
	})
	return got, work, err
}

func (b *Books) reopen(tx *sealedTx, row submissionRow, r books.Reopening) (books.Reopening, error) {
	kept, err := readReopenings(tx, `r.submission = $1 AND r.kind = $2 AND r.cause = $3`, r.Submission.String(), string(r.Kind), r.Reference)
	if err != nil || len(kept) > 0 {
		if len(kept) > 0 {
			r = kept[0]
		}
		return r, err
	}
	if row.state != string(claims.Paid) && row.state != string(claims.Denied) {
		return r, books.ErrNotFinal
	}
	open, err := readReopenings(tx, `r.submission = $1 AND `+isOpen, r.Submission.String())
	if err != nil {
		return r, err
	}
	if len(open) > 0 {
		return r, books.ErrReopenedAlready
	}
	r.Number, r.Opened, r.State = row.decisions, b.now(), books.ReopeningOpen
	_, err = tx.Exec(`
		INSERT INTO reopening (submission, kind, cause, number, asked_by, token, opened, state, waits, closed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0)`,
		r.Submission.String(), string(r.Kind), r.Reference, r.Number, r.By, r.Token, micros(r.Opened), string(r.State))
	return r, err
}

func readReopenings(tx statements, where string, args ...any) (all []books.Reopening, err error) {
	err = rows(tx, `
		SELECT r.submission, r.kind, r.cause, r.number, r.asked_by, r.token, r.opened, r.state, r.waits, r.closed
		FROM reopening r WHERE `+where+` ORDER BY r.opened, r.submission`, args, func(rs *sql.Rows) error {
		var r books.Reopening
		var submission string
		var opened, closed int64
		err := rs.Scan(&submission, &r.Kind, &r.Reference, &r.Number, &r.By, &r.Token, &opened, &r.State, &r.Waits, &closed)
		if err != nil {
			return err
		}
		r.Opened = fromMicros(opened)
		if closed != 0 {
			r.Closed = fromMicros(closed)
		}
		r.Submission, err = credentials.ParseHandle(submission)
		all = append(all, r)
		return err
	})
	return all, err
}

// openReopening is the reopening that a claim is open for, nil where it is none.
func openReopening(tx statements, submission string) (*books.Reopening, error) {
	open, err := readReopenings(tx, `r.submission = $1 AND `+isOpen, submission)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return &open[0], nil
}

// Reopenings lists what became of a claim's reopenings, oldest first.
func (b *Books) Reopenings(ctx context.Context, submission credentials.Handle) (all []books.Reopening, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		all, err = readReopenings(tx, `r.submission = $1`, submission.String())
		return err
	})
	return all, err
}

// ReopenedBefore lists the contracts of claims that were opened again before a
// moment and have not been decided since: theirs may never have been started.
func (b *Books) ReopenedBefore(ctx context.Context, moment time.Time) (all []credentials.Handle, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		all = nil
		open, err := readReopenings(tx, `r.state = 'open' AND r.opened < $1`, micros(moment))
		for _, r := range open {
			all = append(all, r.Submission)
		}
		return err
	})
	return all, err
}

// Contract is what a submission's contract is started with.
func (b *Books) Contract(ctx context.Context, submission credentials.Handle) (c OpenContract, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		c, err = contractOf(tx, submission)
		return err
	})
	return c, err
}

// AnswerReopening has a reopening wait, or ends it where the decision stands.
// Nothing else in the books moves. Said again it changes nothing; it answers
// Moved where the evidence has moved since.
func (b *Books) AnswerReopening(ctx context.Context, a books.ReopeningAnswer) (out books.Settled, err error) {
	if a.State != books.ReopeningWaiting && a.State != books.ReopeningUpheld {
		return out, fmt.Errorf("a reopening is not answered with %q", a.State)
	}
	err = b.tx(ctx, func(tx *sealedTx) error {
		out = books.Settled{}
		row, err := readSubmission(tx, a.Submission)
		if err != nil {
			return err
		}
		open, err := openReopening(tx, a.Submission.String())
		if err != nil || open == nil || row.decisions != a.Number {
			return err // it is answered, or another decision has followed
		}
		ok, err := unmoved(tx, a.Fences)
		if err != nil || !ok {
			out.Moved = !ok
			return err
		}
		var closed int64
		if a.State == books.ReopeningUpheld {
			closed = micros(b.now())
		}
		_, err = tx.Exec(`UPDATE reopening SET state = $2, waits = $3, closed = $4 WHERE submission = $1 AND state IN ('open', 'waiting')`,
			a.Submission.String(), string(a.State), a.Waits, closed)
		return err
	})
	return out, err
}

// overtake ends what was open about a decision that is taken back: by the one
// that the claim was opened for, which is told its cause, or by a correction. An
// appeal that nobody answered is about a decision that stands no more.
func (b *Books) overtake(tx *sealedTx, submission credentials.Handle, own bool, by credentials.Handle) error {
	open, err := openReopening(tx, submission.String())
	if err != nil {
		return err
	}
	if open != nil {
		_, err := tx.Exec(`UPDATE reopening SET state = 'changed', waits = '', closed = $2 WHERE submission = $1 AND state IN ('open', 'waiting')`,
			submission.String(), micros(b.now()))
		if err != nil {
			return err
		}
		if own && open.Kind != books.CauseCorrection {
			if _, err := tx.Exec(`UPDATE decision SET cause = $2 WHERE document = $1`, by.String(), open.Reference); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(`UPDATE appeal SET state = 'overtaken' WHERE submission = $1 AND state = 'open'`, submission.String())
	return err
}

// isReopened says whether a claim that was decided is to be decided again.
func isReopened(tx statements, s submissionRow, submission credentials.Handle, anew bool) (bool, error) {
	if s.decisions == 0 || s.state != string(claims.Paid) && s.state != string(claims.Denied) {
		return false, nil
	}
	if anew {
		return true, nil
	}
	open, err := openReopening(tx, submission.String())
	return open != nil, err
}

// errAsked ends a transaction that was only asked what it would write.
var errAsked = errors.New("nothing is written")

// ClaimFileAnew is the file of a decided claim as though it were opened again.
// It writes nothing.
func (b *Books) ClaimFileAnew(ctx context.Context, submission credentials.Handle) (f *books.ClaimFile, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		if f, err = readClaimFile(tx, submission, true); err != nil {
			return err
		}
		return errAsked
	})
	if errors.Is(err, errAsked) {
		err = nil
	}
	return f, err
}
