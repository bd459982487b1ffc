package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A Heard is one event of a board's feed, verified: a license or an order,
// with its place on the ledger.
type Heard struct {
	Sequence int64 // place in the feed
	Index    int64 // place on the ledger
	Token    string
	Entry    []byte // the ledger's leaf
	Receipt  []byte
	// License or Order; neither where the board's key was not its own and what
	// it signed cannot be understood.
	License *credentials.License
	Order   *credentials.Order
	// Doubt is the declaration that the key was bad there, zero where it was not.
	Doubt credentials.Handle
}

// Feed is how far a board's feed has been read. Position is one more than the
// ledger index of its last event.
type Feed struct {
	Sequence int64
	Position int64
	ReadAt   time.Time
}

// FeedOf returns how far a board's feed has been read; the zero Feed before
// the first time.
func (b *Books) FeedOf(ctx context.Context, board credentials.DID) (f Feed, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var read int64
		err := tx.QueryRow(`SELECT sequence, position, read_at FROM feed WHERE board = $1`, string(board)).
			Scan(&f.Sequence, &f.Position, &read)
		f.ReadAt = fromMicros(read)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return f, err
}

// HeardOf is how many events of a board's feed have been read.
func (b *Books) HeardOf(ctx context.Context, board credentials.DID) (int64, error) {
	f, err := b.FeedOf(ctx, board)
	return f.Sequence, err
}

// Hear writes what a board's feed said, in order, and when it was read; no
// events means that the board said "nothing new". Whoever's standing may have
// changed has its fence moved in the same transaction, so that nothing settles
// on what was read before.
func (b *Books) Hear(ctx context.Context, board credentials.DID, jurisdiction string, events []Heard, read time.Time) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`
			INSERT INTO feed (board, jurisdiction, sequence, position, read_at) VALUES ($1, $2, 0, 0, $3)
			ON CONFLICT (board) DO UPDATE SET read_at = excluded.read_at`, string(board), jurisdiction, micros(read))
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := b.hear(tx, e); err != nil {
				return fmt.Errorf("feed event %d: %w", e.Sequence, err)
			}
			_, err := tx.Exec(`
				UPDATE feed SET sequence = $2, position = $3 WHERE board = $1 AND sequence < $2`, string(board), e.Sequence, e.Index+1)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Books) hear(tx statements, e Heard) error {
	if e.License == nil && e.Order == nil {
		return nil
	}
	if e.License != nil {
		body, err := json.Marshal(e.License)
		if err != nil {
			return err
		}
		added, err := tx.Exec(`
			INSERT INTO license (handle, npi, jurisdiction, body, token, ledger_index, entry, receipt, doubted)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (handle) DO NOTHING`,
			e.License.Handle.String(), string(e.License.NPI), e.License.Jurisdiction, string(body), e.Token, e.Index, e.Entry, e.Receipt, causeText(e.Doubt))
		if err != nil {
			return err
		}
		return bumpIfNew(tx, added, e.License.NPI)
	}
	body, err := json.Marshal(e.Order)
	if err != nil {
		return err
	}
	var npi credentials.NPI
	err = tx.QueryRow(`SELECT npi FROM license WHERE handle = $1`, e.Order.License.String()).Scan(&npi)
	if errors.Is(err, sql.ErrNoRows) && !e.Doubt.IsZero() {
		return nil // upon nothing, by nobody
	}
	if err != nil {
		return fmt.Errorf("order upon a license that the feed never brought: %w", notFound(err))
	}
	added, err := tx.Exec(`
		INSERT INTO board_order (handle, license, body, token, ledger_index, entry, receipt, accepted, passed_on, doubted)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) ON CONFLICT (handle) DO NOTHING`,
		e.Order.Handle.String(), e.Order.License.String(), string(body), e.Token, e.Index, e.Entry, e.Receipt, micros(b.now()), causeText(e.Doubt))
	if err != nil {
		return err
	}
	if added > 0 {
		if err := bumpFence(tx, paymentsFence); err != nil {
			return err
		}
	}
	return bumpIfNew(tx, added, npi)
}

func bumpIfNew(tx statements, added int64, npi credentials.NPI) error {
	if added == 0 {
		return nil
	}
	return bumpFence(tx, standingFence(npi))
}

func practitioner(tx statements, npi credentials.NPI, state string) (books.Practitioner, error) {
	p := books.Practitioner{NPI: npi, State: state}
	if err := boardWords(tx, &p); err != nil {
		return p, err
	}
	var position, read sql.NullInt64
	err := tx.QueryRow(`SELECT min(position), min(read_at) FROM feed WHERE jurisdiction = $1`, state).Scan(&position, &read)
	p.Feed, p.FeedRead = position.Int64, fromMicros(read.Int64)
	return p, err
}

func scanJSON(rs *sql.Rows, v any) error {
	var body []byte
	if err := rs.Scan(&body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// LicenseDocuments returns the named licenses and orders as the board signed them.
func (b *Books) LicenseDocuments(ctx context.Context, licenses, orders []credentials.Handle) (docs []books.Document, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		docs = nil
		for i, h := range append(append([]credentials.Handle{}, licenses...), orders...) {
			d := books.Document{Order: i >= len(licenses), Handle: h}
			query := `SELECT token, ledger_index, entry, receipt FROM license WHERE handle = $1`
			if d.Order {
				query = `SELECT token, ledger_index, entry, receipt FROM board_order WHERE handle = $1`
			}
			if err := tx.QueryRow(query, h.String()).Scan(&d.Token, &d.Index, &d.Entry, &d.Receipt); err != nil {
				return notFound(err)
			}
			docs = append(docs, d)
		}
		return nil
	})
	return docs, err
}

// ClinicianIn brings all that the books hold of a clinician in a state, with
// its proofs: what was known at some moment, whoever asks finds out.
func (b *Books) ClinicianIn(ctx context.Context, npi credentials.NPI, state string) (f books.ClinicianFile, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		p := books.Practitioner{NPI: npi, State: state}
		if err := boardWords(tx, &p); err != nil {
			return err
		}
		f = books.ClinicianFile{Doubted: len(p.Doubted) > 0}
		err := rows(tx, `SELECT board, position, read_at FROM feed WHERE jurisdiction = $1`, []any{state}, func(rs *sql.Rows) error {
			var r books.FeedRead
			var read int64
			err := rs.Scan(&r.Board, &r.Position, &read)
			r.Read = fromMicros(read)
			f.Feeds = append(f.Feeds, r)
			return err
		})
		if err != nil {
			return err
		}
		for _, q := range []struct {
			order bool
			query string
		}{
			{false, `SELECT handle, token, ledger_index, entry, receipt FROM license WHERE npi = $1 AND jurisdiction = $2 AND doubted = '' ORDER BY ledger_index`},
			{true, `
				SELECT o.handle, o.token, o.ledger_index, o.entry, o.receipt FROM board_order o JOIN license l ON l.handle = o.license
				WHERE l.npi = $1 AND l.jurisdiction = $2 AND l.doubted = '' AND o.doubted = '' ORDER BY o.ledger_index`},
		} {
			err := rows(tx, q.query, []any{string(npi), state}, func(rs *sql.Rows) error {
				d := books.Document{Order: q.order}
				var handle string
				err := rs.Scan(&handle, &d.Token, &d.Index, &d.Entry, &d.Receipt)
				if err == nil {
					d.Handle, err = credentials.ParseHandle(handle)
				}
				f.Documents = append(f.Documents, d)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

// OrdersToPassOn lists the orders that were heard and not yet passed on to
// the contracts of their licenses, in ledger order.
func (b *Books) OrdersToPassOn(ctx context.Context) (orders []credentials.Order, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		orders = nil
		return rows(tx, `SELECT body FROM board_order WHERE passed_on = 0 ORDER BY ledger_index`, nil,
			func(rs *sql.Rows) error {
				var o credentials.Order
				err := scanJSON(rs, &o)
				orders = append(orders, o)
				return err
			})
	})
	return orders, err
}

// PassedOn marks an order as passed on.
func (b *Books) PassedOn(ctx context.Context, order credentials.Handle) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`UPDATE board_order SET passed_on = $2 WHERE handle = $1 AND passed_on = 0`, order.String(), micros(b.now()))
		return err
	})
}
