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

// A waiting event is the oldest for which the ledger still has to do something.
type waiting struct {
	sequence int64
	document string
	index    int64 // -1 where it has none
	entry    ledger.Entry
}

const (
	oldestUnplaced = `
		SELECT sequence, document, ledger_index, COALESCE(entry_anew, entry) FROM register_event
		WHERE ledger_index IS NULL ORDER BY sequence LIMIT 1`
	oldestUnproven = `
		SELECT sequence, document, ledger_index, COALESCE(entry_anew, entry) FROM register_event
		WHERE ledger_index IS NOT NULL AND receipt IS NULL ORDER BY sequence LIMIT 1`
)

func (b *Board) oldest(ctx context.Context, query string) (w waiting, found bool, err error) {
	var index sql.NullInt64
	var entry []byte
	err = b.db.QueryRow(ctx, query).Scan(&w.sequence, &w.document, &index, &entry)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	if err != nil {
		return w, false, fmt.Errorf("read outbox: %w", err)
	}
	if w.index = index.Int64; !index.Valid {
		w.index = -1
	}
	if w.entry, err = ledger.ParseEntry(entry); err != nil {
		return w, false, fmt.Errorf("read outbox: event %d: %w", w.sequence, err)
	}
	return w, true, nil
}

// appendNext brings the oldest event that has no place on the ledger there. The
// next one waits until this one's place is written down: so places on the
// ledger are in the order of the feed, although replies get lost and several
// processes may work on the same register. What was signed at commit is sent,
// byte for byte, each time.
func (b *Board) appendNext(ctx context.Context) (found bool, err error) {
	w, found, err := b.oldest(ctx, oldestUnplaced)
	if err != nil || !found {
		return false, err
	}
	index, err := b.ledger.Append(b.within(ctx, w.document), w.document, w.entry)
	if errors.Is(err, ledger.ErrRetired) && w.entry.KeyID != b.signer.KeyID() && w.entry.Issuer() == b.did {
		// It was signed before the board's key was handed over. The document stays
		// as it was signed; the entry is signed anew, to the same bytes each time.
		if w.entry, err = b.signAnew(ctx, w.sequence, w.entry); err == nil {
			index, err = b.ledger.Append(b.within(ctx, w.document), w.document, w.entry)
		}
	}
	if err != nil {
		return false, fmt.Errorf("event %d: %w", w.sequence, err)
	}
	if err := b.db.Tx(ctx, func(tx *sqldb.Tx) error { return keepIndex(tx, w.sequence, index) }); err != nil {
		return false, fmt.Errorf("event %d: keep its index: %w", w.sequence, err)
	}
	b.moved()
	return true, nil
}

func (b *Board) signAnew(ctx context.Context, sequence int64, e ledger.Entry) (ledger.Entry, error) {
	anew, err := e.Sign(b.signer)
	if err != nil {
		return e, err
	}
	_, err = b.db.Exec(ctx, `UPDATE register_event SET entry_anew = $2 WHERE sequence = $1 AND ledger_index IS NULL`, sequence, anew.Marshal())
	return anew, err
}

func keepIndex(tx *sqldb.Tx, sequence, index int64) error {
	var last sql.NullInt64
	err := tx.QueryRow(`
		SELECT ledger_index FROM register_event
		WHERE sequence < $1 AND ledger_index IS NOT NULL ORDER BY sequence DESC LIMIT 1`, sequence).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
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
	_, err = tx.Exec(`UPDATE register_event SET ledger_index = $2 WHERE sequence = $1 AND ledger_index IS NULL`, sequence, index)
	return err
}

// receiveNext fetches the receipt of the oldest event that waits for one. The
// first receipt is kept.
func (b *Board) receiveNext(ctx context.Context) (found bool, err error) {
	w, found, err := b.oldest(ctx, oldestUnproven)
	if err != nil || !found {
		return false, err
	}
	receipt, err := b.ledger.AwaitFinal(b.within(ctx, w.document), w.index, w.entry)
	if err != nil {
		return false, fmt.Errorf("event %d: %w", w.sequence, err)
	}
	if len(receipt) == 0 {
		return false, fmt.Errorf("event %d: the ledger gave an empty receipt", w.sequence)
	}
	_, err = b.db.Exec(ctx, `UPDATE register_event SET receipt = $2 WHERE sequence = $1 AND receipt IS NULL`, w.sequence, receipt)
	if err != nil {
		return false, fmt.Errorf("event %d: keep its receipt: %w", w.sequence, err)
	}
	b.forget(w.document)
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
		var lacking int
		err := b.db.QueryRow(ctx, `SELECT count(*) FROM register_event WHERE document = $1 AND receipt IS NULL`, document.String()).Scan(&lacking)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("await receipt: %w", err)
		}
		if lacking == 0 || !wait(ctx, moved, pollEvery) {
			return nil
		}
	}
}
