package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

const stepTime = 30 * time.Second

// Tests make the pauses short.
var firstPause, mostPause = 100 * time.Millisecond, 5 * time.Second

// keepOn takes one step after another for as long as the board is open. A step
// that fails is tried again, ever more slowly; a step that finds nothing waits
// for a move.
func (b *Board) keepOn(ctx context.Context, what string, step func(context.Context) (found bool, err error)) {
	pause := firstPause
	for {
		moved := b.nextMove()
		limited, cancel := context.WithTimeout(ctx, stepTime)
		found, err := step(limited)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.Log.Warn("board: will try again", "step", what, "error", err.Error())
			if !wait(ctx, nil, pause) {
				return
			}
			pause = min(2*pause, mostPause)
		case found:
			pause = firstPause
		case !wait(ctx, moved, pollEvery):
			return
		}
	}
}

// appendNext brings the oldest event that has no place on the ledger there. The
// next one waits until this one's place is written down: so places on the
// ledger are in the order of the feed, although replies get lost and several
// processes may work on the same register. What was signed at commit is sent,
// byte for byte, each time.
func (b *Board) appendNext(ctx context.Context) (found bool, err error) {
	var sequence int64
	var document string
	var entry []byte
	err = b.db.QueryRow(ctx, `
		SELECT sequence, document, entry FROM register_event WHERE ledger_index IS NULL ORDER BY sequence LIMIT 1`).
		Scan(&sequence, &document, &entry)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	e, err := ledger.ParseEntry(entry)
	if err != nil {
		return false, fmt.Errorf("read outbox: event %d: %w", sequence, err)
	}
	index, err := b.ledger.Append(b.within(ctx, document), document, e)
	if err != nil {
		return false, fmt.Errorf("event %d: %w", sequence, err)
	}
	if err := b.db.Tx(ctx, func(tx *sqldb.Tx) error { return keepIndex(tx, sequence, index) }); err != nil {
		return false, fmt.Errorf("event %d: keep its index: %w", sequence, err)
	}
	b.moved()
	return true, nil
}

func keepIndex(tx *sqldb.Tx, sequence, index int64) error {
	var last sql.NullInt64
	if err := tx.QueryRow(`SELECT max(ledger_index) FROM register_event WHERE sequence < $1`, sequence).Scan(&last); err != nil {
		return err
	}
	if last.Valid && index <= last.Int64 || index < 0 {
		return fmt.Errorf("the ledger gave index %d after index %d", index, last.Int64)
	}
	var kept sql.NullInt64
	if err := tx.QueryRow(`SELECT ledger_index FROM register_event WHERE sequence = $1`, sequence).Scan(&kept); err != nil {
		return err
	}
	if kept.Valid && kept.Int64 != index {
		return fmt.Errorf("the ledger gave index %d, and before it %d", index, kept.Int64)
	}
	_, err := tx.Exec(`UPDATE register_event SET ledger_index = $2 WHERE sequence = $1 AND ledger_index IS NULL`, sequence, index)
	return err
}

// receiveNext fetches the receipt of the oldest event that waits for one. The
// first receipt is kept.
func (b *Board) receiveNext(ctx context.Context) (found bool, err error) {
	var sequence, index int64
	var document string
	var entry []byte
	err = b.db.QueryRow(ctx, `
		SELECT sequence, ledger_index, document, entry FROM register_event
		WHERE ledger_index IS NOT NULL AND receipt IS NULL ORDER BY sequence LIMIT 1`).Scan(&sequence, &index, &document, &entry)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read outbox: %w", err)
	}
	e, err := ledger.ParseEntry(entry)
	if err != nil {
		return false, fmt.Errorf("read outbox: event %d: %w", sequence, err)
	}
	receipt, err := b.ledger.AwaitFinal(b.within(ctx, document), index, e)
	if err != nil {
		return false, fmt.Errorf("event %d: %w", sequence, err)
	}
	if len(receipt) == 0 {
		return false, fmt.Errorf("event %d: the ledger gave an empty receipt", sequence)
	}
	_, err = b.db.Exec(ctx, `UPDATE register_event SET receipt = $2 WHERE sequence = $1 AND receipt IS NULL`, sequence, receipt)
	if err != nil {
		return false, fmt.Errorf("event %d: keep its receipt: %w", sequence, err)
	}
	b.forget(document)
	b.moved()
	return true, nil
}

// awaitReceipt waits a while for a document's receipt. That it did not come is
// no error: the document stands, and its receipt comes later.
func (b *Board) awaitReceipt(ctx context.Context, document credentials.Handle) error {
	ctx, cancel := context.WithTimeout(ctx, b.ReceiptWait)
	defer cancel()
	for {
		moved := b.nextMove()
		var waiting int
		err := b.db.QueryRow(ctx, `SELECT count(*) FROM register_event WHERE document = $1 AND receipt IS NULL`, document.String()).Scan(&waiting)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("await receipt: %w", err)
		}
		if waiting == 0 || !wait(ctx, moved, pollEvery) {
			return nil
		}
	}
}
