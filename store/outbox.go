package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

func putOutbox(tx statements, document credentials.Handle, entry []byte) error {
	_, err := tx.Exec(`
		INSERT INTO outbox (document, entry, recorded, ledger_index, receipt) VALUES ($1, $2, 0, 0, $3)
		ON CONFLICT (document) DO NOTHING`, document.String(), entry, []byte{})
	return err
}

// Outbox returns the row of a document, or ErrNotFound.
func (b *Books) Outbox(ctx context.Context, document credentials.Handle) (row books.OutboxRow, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		row, err = readOutbox(tx, document)
		return err
	})
	return row, err
}

// Recorded is Outbox for those who only show the receipt.
func (b *Books) Recorded(ctx context.Context, document credentials.Handle) (row books.OutboxRow, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		row, err = readOutbox(tx, document)
		return err
	})
	return row, err
}

func readOutbox(tx statements, document credentials.Handle) (books.OutboxRow, error) {
	row := books.OutboxRow{Document: document, Event: document.String()}
	var recorded int64
	var submission string
	var decided, remitted int
	err := tx.QueryRow(`
		SELECT o.entry, o.recorded, o.ledger_index, o.receipt, COALESCE(d.submission, ''), COALESCE(d.number, 0), COALESCE(r.number, 0)
		FROM outbox o LEFT JOIN decision d ON d.document = o.document LEFT JOIN remittance r ON r.handle = o.document
		WHERE o.document = $1`, document.String()).
		Scan(&row.Entry, &recorded, &row.Index, &row.Receipt, &submission, &decided, &remitted)
	if err != nil {
		return row, notFound(err)
	}
	row.Recorded = recorded != 0
	switch {
	case remitted != 0:
		row.Event = books.RemittanceEvent(remitted)
	case decided != 0:
		h, err := credentials.ParseHandle(submission)
		if err != nil {
			return row, fmt.Errorf("read outbox: %w", err)
		}
		row.Event = books.DecisionEvent(h, decided)
	}
	return row, nil
}

// SignedAnew replaces the entry of a document that has no receipt yet.
func (b *Books) SignedAnew(ctx context.Context, document credentials.Handle, entry []byte) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`UPDATE outbox SET entry = $2 WHERE document = $1 AND recorded = 0`, document.String(), entry)
		return err
	})
}

// KeepReceipt keeps the first receipt of a document. From then on the status
// lists say of the decisions before it that it has followed them.
func (b *Books) KeepReceipt(ctx context.Context, document credentials.Handle, index int64, receipt []byte) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`
			UPDATE outbox SET recorded = $2, ledger_index = $3, receipt = $4 WHERE document = $1 AND recorded = 0`,
			document.String(), micros(b.now()), index, receipt)
		if err != nil {
			return err
		}
		return follow(tx, document)
	})
}

// Unrecorded lists documents that wait for their receipt, by handle, from the
// one after the given: so that those which the ledger refuses for good never
// stand before the others.
func (b *Books) Unrecorded(ctx context.Context, after credentials.Handle, most int) (waiting []credentials.Handle, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		waiting = nil
		return rows(tx, `SELECT document FROM outbox WHERE recorded = 0 AND document > $1 ORDER BY document LIMIT $2`, []any{after.String(), most},
			func(rs *sql.Rows) error {
				var s string
				if err := rs.Scan(&s); err != nil {
					return err
				}
				h, err := credentials.ParseHandle(s)
				waiting = append(waiting, h)
				return err
			})
	})
	return waiting, err
}
