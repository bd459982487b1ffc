package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// StatusOf returns where a submission stands, or ErrNotFound.
func (b *Books) StatusOf(ctx context.Context, h credentials.Handle) (s *books.Status, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		s, err = readStatus(tx, h)
		return err
	})
	return s, err
}

// decidedAtOnce is how many submissions one question is about, far below either
// database's limit of parameters.
const decidedAtOnce = 500

// Decided is the number of the latest decision with a receipt on each of some
// submissions; those without one are left out.
func (b *Books) Decided(ctx context.Context, submissions []credentials.Handle) (numbers map[credentials.Handle]int, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		numbers = map[credentials.Handle]int{}
		for some := range slices.Chunk(submissions, decidedAtOnce) {
			var handles []any
			for _, h := range some {
				handles = append(handles, h.String())
			}
			if err := readDecided(tx, handles, numbers); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for decisions: %w", err)
	}
	return numbers, nil
}

func readDecided(tx *sqldb.Tx, handles []any, numbers map[credentials.Handle]int) error {
	var in strings.Builder
	for i := range handles {
		fmt.Fprintf(&in, ",$%d", i+1)
	}
	return rows(tx, `
		SELECT d.submission, max(d.number) FROM decision d JOIN outbox o ON o.document = d.document
		WHERE o.recorded <> 0 AND d.submission IN (`+in.String()[1:]+`) GROUP BY d.submission`, handles,
		func(rs *sql.Rows) error {
			var text string
			var number int
			if err := rs.Scan(&text, &number); err != nil {
				return err
			}
			h, err := credentials.ParseHandle(text)
			numbers[h] = number
			return err
		})
}

func readStatus(tx *sealedTx, h credentials.Handle) (*books.Status, error) {
	row, err := readSubmission(tx, h)
	if err != nil {
		return nil, err
	}
	s := &books.Status{Handle: h, Kind: row.kind, Submitter: row.submitter, Number: row.number, Control: row.control, State: row.state}
	if s.Work, err = row.work(); err != nil {
		return nil, err
	}
	submission, err := scanSigned(tx, tx.QueryRow(selectSigned+`WHERE handle = $1`, h.String()))
	if err != nil {
		return nil, err
	}
	s.Token = submission.Token
	err = rows(tx, `SELECT document, number, outcome, settled, cause FROM decision WHERE submission = $1 ORDER BY number`, []any{h.String()},
		func(rs *sql.Rows) error {
			var d books.DecisionRow
			var document, cause string
			var settled int64
			if err := rs.Scan(&document, &d.Number, &d.Outcome, &settled, &cause); err != nil {
				return err
			}
			d.Settled = fromMicros(settled)
			if d.Document, err = credentials.ParseHandle(document); err != nil {
				return err
			}
			if cause != "" {
				if d.Cause, err = credentials.ParseHandle(cause); err != nil {
					return err
				}
			}
			s.Decisions = append(s.Decisions, d)
			return nil
		})
	if err != nil {
		return nil, err
	}
	for i := range s.Decisions {
		if err := fillDecision(tx, &s.Decisions[i], h); err != nil {
			return nil, err
		}
	}
	s.ReversedBy, err = reversedBy(tx, row.latest, h)
	return s, err
}

func fillDecision(tx *sealedTx, d *books.DecisionRow, submission credentials.Handle) (err error) {
	if d.Signed, err = scanSigned(tx, tx.QueryRow(selectSigned+`WHERE handle = $1`, d.Document.String())); err != nil {
		return err
	}
	if d.Outbox, err = readOutbox(tx, d.Document); err != nil {
		return err
	}
	token, err := newestDetermination(tx, submission, d.Number-1, "token")
	d.Determination = string(token)
	return err
}

// Submissions lists the handles of what a submitter sent, oldest first; an
// empty submitter means everyone's, an empty state any state. What was
// forgotten is left out.
func (b *Books) Submissions(ctx context.Context, submitter credentials.DID, state string) (all []credentials.Handle, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		all = nil
		return rows(tx, `
			SELECT handle FROM submission
			WHERE ($1 = '' OR submitter = $1) AND ($2 = '' OR state = $2) AND holder <> '' ORDER BY seq`,
			[]any{string(submitter), state}, func(rs *sql.Rows) error {
				var text string
				if err := rs.Scan(&text); err != nil {
					return err
				}
				h, err := credentials.ParseHandle(text)
				all = append(all, h)
				return err
			})
	})
	return all, err
}

// Pended lists what waits for a reviewer: what is pended, and decided claims that
// are open again and would pend.
func (b *Books) Pended(ctx context.Context) ([]credentials.Handle, error) {
	all, err := b.Submissions(ctx, "", string(claims.Pended))
	if err != nil {
		return nil, err
	}
	err = b.read(ctx, func(tx *sealedTx) error {
		waiting, err := readReopenings(tx, `r.state = 'waiting'`)
		for _, r := range waiting {
			if !slices.Contains(all, r.Submission) {
				all = append(all, r.Submission)
			}
		}
		return err
	})
	return all, err
}

// An OrderReach says what a board order has done so far: when it was accepted
// and when the last decision that it caused was settled.
type OrderReach struct {
	Accepted  time.Time
	Decisions int
	LastHold  time.Time
}

// Reach returns what an order has done so far.
func (b *Books) Reach(ctx context.Context, order credentials.Handle) (r OrderReach, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		var accepted int64
		if err := tx.QueryRow(`SELECT accepted FROM board_order WHERE handle = $1`, order.String()).Scan(&accepted); err != nil {
			return notFound(err)
		}
		var last sql.NullInt64
		err := tx.QueryRow(`SELECT count(*), max(settled) FROM decision WHERE cause = $1`, order.String()).Scan(&r.Decisions, &last)
		r.Accepted, r.LastHold = fromMicros(accepted), fromMicros(last.Int64)
		return err
	})
	return r, err
}

func (s submissionRow) work() (books.Work, error) {
	key, err := credentials.ParseDigest(s.key)
	return books.Work{Kind: s.kind, Key: key}, err
}

// StatusOfDecision is where the submission stands that a decision answers.
func (b *Books) StatusOfDecision(ctx context.Context, document credentials.Handle) (s *books.Status, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		var text string
		if err := tx.QueryRow(`SELECT submission FROM decision WHERE document = $1`, document.String()).Scan(&text); err != nil {
			return notFound(err)
		}
		h, err := credentials.ParseHandle(text)
		if err != nil {
			return err
		}
		s, err = readStatus(tx, h)
		return err
	})
	return s, err
}
