package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb"
)

// ToSign says what a decision follows and where in the status lists it may
// stand. The place is given to nobody else by this process; who keeps a document
// at it first, has it.
func (b *Books) ToSign(ctx context.Context, submission credentials.Handle, number int) (s books.ToSign, err error) {
	if number > 1 {
		err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
			s.Before, err = decisionOf(tx, submission, number-1)
			return err
		})
		if err != nil {
			return s, fmt.Errorf("find decision %d: %w", number-1, err)
		}
	}
	given, err := b.places.Take(ctx, 1)
	if err != nil {
		return s, fmt.Errorf("find place in the status lists: %w", err)
	}
	s.Place = books.StatusPlace{List: given[0].List, At: [2]int(given[0].At)}
	return s, nil
}

func decisionOf(tx statements, submission credentials.Handle, number int) (h credentials.Handle, err error) {
	var text string
	err = tx.QueryRow(`SELECT document FROM decision WHERE submission = $1 AND number = $2`, submission.String(), number).Scan(&text)
	if err != nil {
		return h, notFound(err)
	}
	return credentials.ParseHandle(text)
}

// takenPlaces reads which places of the newest lists are given.
func (b *Books) takenPlaces(ctx context.Context) (taken statuslist.Taken, err error) {
	if err := b.db.QueryRow(ctx, `SELECT COALESCE(max(list), 1) FROM status_place`).Scan(&taken.List); err != nil {
		return taken, err
	}
	rows, err := b.db.Query(ctx, `SELECT revocation_place, message_place FROM status_place WHERE list = $1`, taken.List)
	if err != nil {
		return taken, err
	}
	defer rows.Close()
	taken.At = make([][]int, len(credentials.DecisionPurposes))
	for rows.Next() {
		var at [2]int
		if err := rows.Scan(&at[0], &at[1]); err != nil {
			return taken, err
		}
		taken.Given++
		for j := range at {
			taken.At[j] = append(taken.At[j], at[j])
		}
	}
	return taken, rows.Err()
}

// keepPlace keeps the place of a document that is being kept, in the same
// transaction. Two documents never share one, whoever gave them theirs.
func keepPlace(tx statements, document credentials.Handle, p books.StatusPlace) error {
	if p.List == 0 {
		return nil
	}
	n, err := tx.Exec(`
		INSERT INTO status_place (document, list, revocation_place, message_place, followed_by, message)
		VALUES ($1, $2, $3, $4, '', 0) ON CONFLICT DO NOTHING`, document.String(), p.List, p.At[0], p.At[1])
	if err == nil && n == 0 {
		err = books.ErrPlaceTaken
	}
	return err
}

// follow has the lists say of the decisions before one that it has followed
// them. It belongs into the transaction that keeps its receipt: never earlier,
// since a decision without its receipt is none, and never later, since what it
// follows is good no more from then on. Said again it changes nothing.
func follow(tx statements, document credentials.Handle) error {
	var submission string
	var number int
	var reverses string
	err := tx.QueryRow(`SELECT submission, number, reverses FROM decision WHERE document = $1`, document.String()).Scan(&submission, &number, &reverses)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // an edition or a remittance
	}
	if err != nil {
		return err
	}
	if reverses != "" {
		_, err := tx.Exec(`UPDATE status_place SET followed_by = $2, message = $3 WHERE document = $1`, reverses, document.String(), credentials.DecisionSuperseded)
		if err != nil {
			return err
		}
	}
	if number == 1 {
		return nil
	}
	type step struct{ before, after, outcome string }
	var steps []step
	err = rows(tx, `
		SELECT d.document, n.document, n.outcome FROM decision d JOIN decision n ON n.submission = d.submission AND n.number = d.number + 1
		WHERE d.submission = $1 AND d.number < $2`, []any{submission, number}, func(rs *sql.Rows) error {
		var s step
		err := rs.Scan(&s.before, &s.after, &s.outcome)
		steps = append(steps, s)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range steps {
		message := credentials.DecisionSuperseded
		if s.outcome == string(claims.AuthorizationRevoked) {
			message = credentials.DecisionRevoked
		}
		if _, err := tx.Exec(`UPDATE status_place SET followed_by = $2, message = $3 WHERE document = $1`, s.before, s.after, message); err != nil {
			return err
		}
	}
	return nil
}

// StatusVersion moves whenever what the status lists of a number say has moved;
// ErrNotFound where there are none. It is read from the primary: a list decides
// what others rely upon.
func (b *Books) StatusVersion(ctx context.Context, list int64) (version int64, err error) {
	var any bool
	err = b.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM status_place WHERE list = $1),
			(SELECT count(*) FROM status_place WHERE list = $1 AND followed_by <> '')`, list).Scan(&any, &version)
	if err == nil && !any {
		err = books.ErrNotFound
	}
	return version, err
}

// Followed lists the places of a list's decisions that others have followed.
func (b *Books) Followed(ctx context.Context, list int64) (all []books.Followed, err error) {
	rows, err := b.db.Query(ctx, `SELECT revocation_place, message_place, message FROM status_place WHERE list = $1 AND followed_by <> ''`, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f books.Followed
		if err := rows.Scan(&f.At[0], &f.At[1], &f.Message); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

// FollowedBy is the decision that followed one, ErrNotFound where none has.
func (b *Books) FollowedBy(ctx context.Context, document credentials.Handle) (h credentials.Handle, err error) {
	var text string
	err = b.db.QueryRow(ctx, `SELECT followed_by FROM status_place WHERE document = $1 AND followed_by <> ''`, document.String()).Scan(&text)
	if err != nil {
		return h, notFound(err)
	}
	return credentials.ParseHandle(text)
}
