package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// LedgerRead is up to where every own entry on the ledger was found in the books.
func (b *Books) LedgerRead(ctx context.Context) (position int64, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(`SELECT position FROM ledger_read WHERE name = 'own'`).Scan(&position)
		if errors.Is(err, sql.ErrNoRows) {
			position, err = 0, nil
		}
		return err
	})
	return position, err
}

// KeepLedgerRead moves it on.
func (b *Books) KeepLedgerRead(ctx context.Context, position int64) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`
			INSERT INTO ledger_read (name, position) VALUES ('own', $1)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE ledger_read.position < excluded.position`, position)
		return err
	})
}

// Missing are those of the house's own entries that the books neither hold nor
// know to be lost. Every entry was in the books before it was sent to the
// ledger: so what is read there first and missed here was in other books. Same
// says whether an entry that the books keep says what the ledger's does.
func (b *Books) Missing(ctx context.Context, own []books.OwnEntry, same func(kept []byte, e books.OwnEntry) bool) (missing []books.OwnEntry, err error) {
	const atOnce = 500
	for len(own) > 0 && err == nil {
		some := own[:min(atOnce, len(own))]
		own = own[len(some):]
		var lacking []books.OwnEntry
		err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
			lacking = nil
			for _, e := range some {
				held, err := holds(tx, e, same)
				if err != nil {
					return err
				}
				if !held {
					lacking = append(lacking, e)
				}
			}
			return nil
		})
		missing = append(missing, lacking...)
	}
	return missing, err
}

func holds(tx statements, e books.OwnEntry, same func([]byte, books.OwnEntry) bool) (bool, error) {
	for _, table := range []string{"outbox", "lost_entry"} {
		var entry []byte
		err := tx.QueryRow(`SELECT entry FROM `+table+` WHERE document = $1`, e.Document.String()).Scan(&entry)
		if err == nil && same(entry, e) {
			return true, nil
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
	}
	return false, nil
}

// Lost lists what was given up, by its place on the ledger.
func (b *Books) Lost(ctx context.Context) (all []books.LostEntry, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		all = nil
		return rows(tx, `SELECT document, kind, ledger_index, effective, digest, entry, submission, number, given_up FROM lost_entry ORDER BY ledger_index`, nil,
			func(rs *sql.Rows) error {
				var e books.LostEntry
				var document, digest, submission string
				var effective, givenUp int64
				err := rs.Scan(&document, &e.Kind, &e.Index, &effective, &digest, &e.Entry, &submission, &e.Number, &givenUp)
				if err != nil {
					return err
				}
				e.Effective, e.GivenUp = fromMicros(effective), fromMicros(givenUp)
				if e.Document, err = credentials.ParseHandle(document); err != nil {
					return err
				}
				if e.Digest, err = credentials.ParseDigest(digest); err != nil {
					return err
				}
				if submission != "" {
					if e.Submission, err = credentials.ParseHandle(submission); err != nil {
						return err
					}
				}
				all = append(all, e)
				return nil
			})
	})
	return all, err
}

// foundAgain takes a restored document off the list of what was given up, and
// keeps its receipt with the entry that it proves: the books may have one that
// was signed with an earlier key. The holds that were placed stay for a person to lift.
func (b *Books) foundAgain(tx statements, e books.OwnEntry, receipt []byte) error {
	if _, err := tx.Exec(`DELETE FROM lost_entry WHERE document = $1`, e.Document.String()); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE outbox SET recorded = $2, ledger_index = $3, receipt = $4, entry = $5 WHERE document = $1 AND recorded = 0`,
		e.Document.String(), micros(b.now()), e.Index, receipt, e.Entry)
	if err != nil {
		return err
	}
	return follow(tx, e.Document)
}

// refuseLost keeps a decision from taking the place of one that stands on the
// ledger and was given up.
func refuseLost(tx statements, submission credentials.Handle, number int) error {
	var lost int
	err := tx.QueryRow(`SELECT count(*) FROM lost_entry WHERE submission = $1 AND number >= $2`, submission.String(), number).Scan(&lost)
	if err == nil && lost > 0 {
		err = fmt.Errorf("decision %d: %w", number, books.ErrDecisionLost)
	}
	return err
}
