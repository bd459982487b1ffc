package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A Payable is a decision that is to be paid, with its claim.
type Payable struct {
	Document credentials.Handle
	Control  string
	Claim    claims.Claim
	Decision claims.Decision
}

// ErrNothingPayable says that no payable decision waits.
var ErrNothingPayable = errors.New("nothing is payable")

// Release takes every payable decision of a submitter that no remittance has
// taken yet, has them written into one by write, and keeps it, all in one
// transaction: a decision is in one remittance or in none, so running it twice
// pays once. Write gets the number of the file.
func (b *Books) Release(ctx context.Context, submitter credentials.DID, write func(number int, due []Payable) (books.Remittance, error)) (r books.Remittance, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		due, err := readPayable(tx, submitter)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return ErrNothingPayable
		}
		var number int
		if err := tx.QueryRow(`SELECT COALESCE(MAX(number), 0) + 1 FROM remittance`).Scan(&number); err != nil {
			return err
		}
		if r, err = write(number, due); err != nil {
			return fmt.Errorf("write remittance: %w", err)
		}
		_, err = tx.Exec(`INSERT INTO remittance (number, trace, handle, submitter, released, body) VALUES ($1, $2, $3, $4, $5, $6)`,
			number, r.Trace, r.Handle.String(), string(submitter), micros(b.now()), r.Body)
		if err != nil {
			return err
		}
		for _, p := range due {
			if _, err := tx.Exec(`UPDATE decision SET remittance = $2 WHERE document = $1`, p.Document.String(), r.Trace); err != nil {
				return err
			}
		}
		return putOutbox(tx, r.Handle, r.Entry)
	})
	return r, err
}

// readPayable lists the paid decisions without a remittance whose receipts are
// there: a decision without its receipt is none, and pays nothing.
func readPayable(tx *sqldb.Tx, submitter credentials.DID) (due []Payable, err error) {
	err = rows(tx, `
		SELECT d.document, s.control, s.body, k.body
		FROM decision d
		JOIN submission s ON s.handle = d.submission AND s.latest = d.document
		JOIN signed k ON k.handle = d.document
		JOIN outbox o ON o.document = d.document
		WHERE s.kind = 'claim' AND d.outcome = 'paid' AND d.remittance = '' AND o.recorded <> 0 AND s.submitter = $1
		ORDER BY s.seq`, []any{string(submitter)},
		func(rs *sql.Rows) error {
			var p Payable
			var document string
			var submission claims.Submission
			var body, decision []byte
			if err := rs.Scan(&document, &p.Control, &body, &decision); err != nil {
				return err
			}
			if p.Document, err = credentials.ParseHandle(document); err != nil {
				return err
			}
			if err := errors.Join(json.Unmarshal(body, &submission), json.Unmarshal(decision, &p.Decision)); err != nil {
				return err
			}
			p.Claim = submission.Claim
			due = append(due, p)
			return nil
		})
	return due, err
}

// Due lists the submitters for whom payable decisions wait.
func (b *Books) Due(ctx context.Context) (submitters []credentials.DID, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		submitters = nil
		return rows(tx, `
			SELECT DISTINCT s.submitter FROM decision d
			JOIN submission s ON s.handle = d.submission AND s.latest = d.document
			JOIN outbox o ON o.document = d.document
			WHERE s.kind = 'claim' AND d.outcome = 'paid' AND d.remittance = '' AND o.recorded <> 0
			ORDER BY s.submitter`, nil,
			func(rs *sql.Rows) error {
				var did credentials.DID
				err := rs.Scan(&did)
				submitters = append(submitters, did)
				return err
			})
	})
	return submitters, err
}

// Remittances lists what was released to a submitter, oldest first.
func (b *Books) Remittances(ctx context.Context, submitter credentials.DID) (all []books.Remittance, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		all = nil
		return rows(tx, `
			SELECT number, trace, handle, submitter, released, body FROM remittance WHERE submitter = $1 ORDER BY number`,
			[]any{string(submitter)}, func(rs *sql.Rows) error {
				var r books.Remittance
				var handle string
				var released int64
				if err := rs.Scan(&r.Number, &r.Trace, &handle, &r.Submitter, &released, &r.Body); err != nil {
					return err
				}
				r.Released = fromMicros(released)
				r.Handle, err = credentials.ParseHandle(handle)
				all = append(all, r)
				return err
			})
	})
	return all, err
}
