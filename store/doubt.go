package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A BoardWord is a license or an order as the books hold it, for whoever says
// whether its key was the board's own.
type BoardWord struct {
	Order   bool
	Handle  credentials.Handle
	License credentials.Handle
	Index   int64
	Token   string
	Entry   []byte
	Doubt   credentials.Handle // the declaration by which it is in doubt, zero where none
}

// BoardWords lists up to most licenses and orders behind a place on the ledger,
// in its order.
func (b *Books) BoardWords(ctx context.Context, after int64, most int) (words []BoardWord, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		words = nil
		return rows(tx, `
			SELECT 0, handle, handle, ledger_index, token, entry, doubted FROM license WHERE ledger_index > $1
			UNION ALL
			SELECT 1, handle, license, ledger_index, token, entry, doubted FROM board_order WHERE ledger_index > $1
			ORDER BY 4 LIMIT $2`, []any{after, most}, func(rs *sql.Rows) error {
			var w BoardWord
			var order int
			var handle, license, doubt string
			err := rs.Scan(&order, &handle, &license, &w.Index, &w.Token, &w.Entry, &doubt)
			w.Order = order == 1
			if err == nil {
				w.Handle, err = credentials.ParseHandle(handle)
			}
			if err == nil {
				w.License, err = credentials.ParseHandle(license)
			}
			if err == nil && doubt != "" {
				w.Doubt, err = credentials.ParseHandle(doubt)
			}
			words = append(words, w)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list what boards said: %w", err)
	}
	return words, nil
}

// FirstDoubt is the first place on the ledger of a license or order in doubt,
// 0 where none is.
func (b *Books) FirstDoubt(ctx context.Context) (index int64, err error) {
	err = b.db.QueryRow(ctx, `
		SELECT COALESCE(min(i), 0) FROM (
			SELECT min(ledger_index) AS i FROM license WHERE doubted <> ''
			UNION ALL SELECT min(ledger_index) FROM board_order WHERE doubted <> '') AS d`).Scan(&index)
	return index, err
}

// SetDoubt writes down which licenses and orders are in doubt, or no longer.
// Nothing settles on what was read before, and no payment run is unaware of it.
func (b *Books) SetDoubt(ctx context.Context, words []BoardWord) error {
	err := b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, w := range words {
			if err := setDoubt(tx, w); err != nil {
				return err
			}
		}
		if len(words) == 0 {
			return nil
		}
		return bumpFence(tx, paymentsFence)
	})
	if err != nil {
		return fmt.Errorf("put board's word in doubt: %w", err)
	}
	return nil
}

func setDoubt(tx statements, w BoardWord) error {
	query := `UPDATE license SET doubted = $2 WHERE handle = $1`
	if w.Order {
		query = `UPDATE board_order SET doubted = $2 WHERE handle = $1`
	}
	if _, err := tx.Exec(query, w.Handle.String(), causeText(w.Doubt)); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE license SET untold = 1 WHERE handle = $1`, w.License.String()); err != nil {
		return err
	}
	var npi credentials.NPI
	if err := tx.QueryRow(`SELECT npi FROM license WHERE handle = $1`, w.License.String()).Scan(&npi); err != nil {
		return notFound(err)
	}
	return bumpFence(tx, standingFence(npi))
}

// DoubtsToPassOn lists the licenses whose contracts were not told yet that what
// the board said of them came into doubt, or is no longer, by License and the
// declaration's Handle.
func (b *Books) DoubtsToPassOn(ctx context.Context) (list []BoardWord, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		list = nil
		return rows(tx, `
			SELECT l.handle, l.doubted, COALESCE((SELECT max(o.doubted) FROM board_order o WHERE o.license = l.handle), '')
			FROM license l WHERE l.untold = 1 ORDER BY l.ledger_index`, nil, func(rs *sql.Rows) error {
			var w BoardWord
			var license, doubt, order string
			err := rs.Scan(&license, &doubt, &order)
			if err == nil {
				w.License, err = credentials.ParseHandle(license)
			}
			if cause := max(doubt, order); err == nil && cause != "" {
				w.Handle, err = credentials.ParseHandle(cause)
			}
			list = append(list, w)
			return err
		})
	})
	return list, err
}

// DoubtPassedOn marks the contracts of a license as told.
func (b *Books) DoubtPassedOn(ctx context.Context, license credentials.Handle) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`UPDATE license SET untold = 0 WHERE handle = $1`, license.String())
		return err
	})
}

// boardWords reads what the books hold of a clinician into p: what is in doubt
// is left out, and the licenses that it concerns are named.
func boardWords(tx statements, p *books.Practitioner) error {
	var all []credentials.License
	err := rows(tx, `SELECT body, doubted FROM license WHERE npi = $1 AND jurisdiction = $2 ORDER BY ledger_index`, []any{string(p.NPI), p.State},
		func(rs *sql.Rows) error {
			var l credentials.License
			doubted, err := scanWord(rs, &l)
			if doubted {
				p.Doubted = append(p.Doubted, l.Handle)
			} else {
				p.Licenses = append(p.Licenses, l)
			}
			all = append(all, l)
			return err
		})
	if err != nil || len(all) == 0 {
		return err
	}
	var upon []credentials.Order // licenses that are in doubt themselves
	err = rows(tx, `
		SELECT o.body, o.doubted FROM board_order o JOIN license l ON l.handle = o.license
		WHERE l.npi = $1 AND l.jurisdiction = $2 ORDER BY o.ledger_index`, []any{string(p.NPI), p.State},
		func(rs *sql.Rows) error {
			var o credentials.Order
			doubted, err := scanWord(rs, &o)
			switch {
			case err != nil:
			case doubted && !slices.Contains(p.Doubted, o.License):
				p.Doubted = append(p.Doubted, o.License)
			case doubted:
			case slices.ContainsFunc(p.Licenses, func(l credentials.License) bool { return l.Handle == o.License }):
				p.Orders = append(p.Orders, o)
			default:
				upon = append(upon, o)
			}
			return err
		})
	// What the board has voided by a key of its own is settled, whoever signed it.
	for _, o := range append(upon, p.Orders...) {
		if o.Action == credentials.OrderVoid && len(o.Upon) == 0 {
			p.Doubted = slices.DeleteFunc(p.Doubted, func(h credentials.Handle) bool { return h == o.License })
		}
	}
	return err
}

func scanWord(rs *sql.Rows, v any) (doubted bool, err error) {
	var body []byte
	var doubt string
	if err := rs.Scan(&body, &doubt); err != nil {
		return false, err
	}
	return doubt != "", json.Unmarshal(body, v)
}
