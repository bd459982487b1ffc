package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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

// keep writes the request beside the events that it caused, from a sequence on.
// Whoever asks for what is there already causes nothing, and is not kept.
func (r request) keep(tx *sqldb.Tx, sequence int64, events []event) error {
	_, err := tx.Exec(`
		INSERT INTO register_asked (request, clerk, path, token, body, accepted) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.ID.String(), r.KeyID, r.path, r.token, r.body, r.accepted.UnixMicro())
	if err == nil {
		err = tx.Insert("register_act", []string{"sequence", "request", "line"}, len(events), func(i int) []any {
			return []any{sequence + int64(i), r.ID.String(), events[i].line}
		})
	}
	if err != nil {
		return fmt.Errorf("keep the clerk's request: %w", err)
	}
	return nil
}

// mostAsked bounds the requests of one page, each of which may be of a whole
// import.
const mostAsked = 4 << 20

// acts reads a page of what was done and who had it done, the newest act first
// looked up so that the page never ends before it without saying so. A license
// narrows it to the acts upon that license.
func (b *Board) acts(ctx context.Context, after int64, license string) (p client.ActPage, err error) {
	p.Acts, p.Requests = []client.Act{}, []client.Request{}
	err = b.db.QueryRow(ctx, `
		SELECT value, (SELECT value FROM register_counter WHERE name = 'proven') FROM register_counter WHERE name = 'event'`).Scan(&p.Last, &p.Proven)
	if err != nil {
		return p, fmt.Errorf("read acts: %w", err)
	}
	if err := b.readActs(ctx, &p, after, license); err != nil {
		return p, fmt.Errorf("read acts: %w", err)
	}
	size := 0
	for i, a := range p.Acts {
		if slices.ContainsFunc(p.Requests, func(r client.Request) bool { return r.ID == a.Request }) {
			continue
		}
		r, err := b.readAsked(ctx, a.Request)
		if errors.Is(err, sql.ErrNoRows) {
			continue // the reader finds it missing
		}
		if err != nil {
			return p, fmt.Errorf("read acts: %w", err)
		}
		if size += len(r.Body); size > mostAsked && i > 0 {
			p.Acts = p.Acts[:i]
			break
		}
		p.Requests = append(p.Requests, r)
	}
	return p, nil
}

func (b *Board) readActs(ctx context.Context, p *client.ActPage, after int64, license string) error {
	text, args := `e.sequence > $1 AND e.sequence <= $2`, []any{after, p.Last, pageSize}
	if license != "" {
		text += ` AND e.license = $4`
		args = append(args, license)
	}
	rows, err := b.db.Query(ctx, `
		SELECT e.sequence, e.kind, e.token, coalesce(a.request, ''), coalesce(a.line, 0)
		FROM register_event e LEFT JOIN register_act a ON a.sequence = e.sequence
		WHERE `+text+` ORDER BY e.sequence LIMIT $3`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a client.Act
		if err := rows.Scan(&a.Sequence, &a.Kind, &a.Token, &a.Request, &a.Line); err != nil {
			return err
		}
		p.Acts = append(p.Acts, a)
	}
	return rows.Err()
}

func (b *Board) readAsked(ctx context.Context, id string) (r client.Request, err error) {
	var accepted int64
	err = b.db.QueryRow(ctx, `SELECT path, token, body, accepted FROM register_asked WHERE request = $1`, id).Scan(&r.Path, &r.Token, &r.Body, &accepted)
	r.ID, r.Accepted = id, time.UnixMicro(accepted).UTC()
	return r, err
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
