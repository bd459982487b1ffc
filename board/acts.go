package board

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A request is what a clerk signed and sent. With it the register can show
// whose act each act is, to somebody who does not believe the board.
type request struct {
	credentials.RequestClaims
	path, token string
	body        []byte
	accepted    time.Time
}

// keep writes the request beside the event that it caused. Whoever asks for
// what is there already causes nothing, and is not kept.
func (r request) keep(tx *sqldb.Tx, sequence int64) error {
	_, err := tx.Exec(`
		INSERT INTO register_act (sequence, request, clerk, path, token, body, accepted) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		sequence, r.ID.String(), r.KeyID, r.path, r.token, r.body, r.accepted.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep the clerk's request: %w", err)
	}
	return nil
}

// acts reads a page of what was done and who had it done, the newest act first
// looked up so that the page never ends before it without saying so. A license
// narrows it to the acts upon that license.
func (b *Board) acts(ctx context.Context, after int64, license string) (p client.ActPage, err error) {
	p.Acts = []client.Act{}
	if err := b.db.QueryRow(ctx, `SELECT coalesce(max(sequence), 0) FROM register_event`).Scan(&p.Last); err != nil {
		return p, fmt.Errorf("read acts: %w", err)
	}
	rows, err := b.db.Query(ctx, `
		SELECT e.sequence, e.kind, e.token, a.path, a.token, a.body, a.accepted
		FROM register_event e LEFT JOIN register_act a ON a.sequence = e.sequence
		WHERE e.sequence > $1 AND e.sequence <= $2 AND ($4 = '' OR e.license = $4) ORDER BY e.sequence LIMIT $3`, after, p.Last, pageSize, license)
	if err != nil {
		return p, fmt.Errorf("read acts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a client.Act
		var path, token sql.NullString
		var body []byte
		var accepted sql.NullInt64
		if err := rows.Scan(&a.Sequence, &a.Kind, &a.Token, &path, &token, &body, &accepted); err != nil {
			return p, fmt.Errorf("read acts: %w", err)
		}
		if token.Valid {
			a.Request = &client.Request{Path: path.String, Token: token.String, Body: body, Accepted: time.UnixMicro(accepted.Int64).UTC()}
		}
		p.Acts = append(p.Acts, a)
	}
	return p, rows.Err()
}

// use remembers the id of a request token; false means that it was used before.
func (b *Board) use(ctx context.Context, r credentials.RequestClaims) (first bool, err error) {
	now := b.Now()
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`DELETE FROM register_request WHERE expires < $1`, now.Add(-time.Hour).Unix()); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO register_request (id, expires) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`,
			r.ID.String(), r.Expires.Unix())
		first = n == 1
		return err
	})
	return first, err
}
