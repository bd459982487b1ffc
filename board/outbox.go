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

// outboxStep is how many events go to the ledger together.
var outboxStep = ledger.MaxKeyed // a test makes it small

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

// A waiting is events for which the ledger still has to do something, the
// oldest first.
type waiting struct {
	first     int64 // sequence of the first; the others follow without a gap
	documents []string
	entries   []ledger.Entry
	indices   []int64 // of those that have places
}

const (
	unplaced = `
		SELECT e.sequence, e.document, -1, coalesce(n.entry, e.entry) FROM register_event e LEFT JOIN register_anew n ON n.sequence = e.sequence
		WHERE e.sequence > (SELECT value FROM register_counter WHERE name = 'placed') ORDER BY e.sequence LIMIT $1`
	unproven = `
		SELECT e.sequence, e.document, p.ledger_index, coalesce(n.entry, e.entry)
		FROM register_place p JOIN register_event e ON e.sequence = p.sequence LEFT JOIN register_anew n ON n.sequence = e.sequence
		WHERE p.sequence > (SELECT value FROM register_counter WHERE name = 'proven') ORDER BY p.sequence LIMIT $1`
)

func (b *Board) oldest(ctx context.Context, query string) (w waiting, err error) {
	rows, err := b.db.Query(ctx, query, outboxStep)
	if err != nil {
		return w, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var sequence, index int64
		var document string
		var leaf []byte
		if err := rows.Scan(&sequence, &document, &index, &leaf); err != nil {
			return w, fmt.Errorf("read outbox: %w", err)
		}
		e, err := ledger.ParseEntry(leaf)
		if err != nil {
			return w, fmt.Errorf("read outbox: event %d: %w", sequence, err)
		}
		if len(w.entries) == 0 {
			w.first = sequence
		}
		if sequence != w.first+int64(len(w.entries)) {
			return w, fmt.Errorf("read outbox: event %d follows event %d", sequence, w.first+int64(len(w.entries))-1)
		}
		w.documents, w.entries, w.indices = append(w.documents, document), append(w.entries, e), append(w.indices, index)
	}
	if err := rows.Err(); err != nil {
		return w, fmt.Errorf("read outbox: %w", err)
	}
	return w, nil
}

// appendNext brings the oldest events that have no place on the ledger there.
// The next ones wait until these places are written down: so places on the
// ledger are in the order of the feed, although replies get lost and several
// processes may work on the same register. What was signed at commit is sent,
// byte for byte, each time.
func (b *Board) appendNext(ctx context.Context) (found bool, err error) {
	w, err := b.oldest(ctx, unplaced)
	if err != nil || len(w.entries) == 0 {
		return false, err
	}
	indices, refused := b.ledger.AppendAll(b.withinAny(ctx, w.documents), w.documents, w.entries)
	if len(indices) > 0 {
		if err := b.db.TxLocked(ctx, func(tx *sqldb.Tx) error { return keepIndices(tx, w.first, indices) }); err != nil {
			return false, fmt.Errorf("event %d: keep its index: %w", w.first, err)
		}
		b.moved()
	}
	if errors.Is(refused, ledger.ErrRetired) {
		err := b.signAnew(ctx, w, len(indices))
		if err == nil {
			return true, nil
		}
		refused = err
	}
	if refused != nil {
		return false, fmt.Errorf("event %d: %w", w.first+int64(len(indices)), refused)
	}
	return true, nil
}

// signAnew signs the entries from the one at i on that were signed before the
// board's key was handed over. Their documents stay as they were signed; the
// entries are signed once more, and kept, so that the same bytes are sent each
// time.
func (b *Board) signAnew(ctx context.Context, w waiting, i int) error {
	if old := w.entries[i]; old.KeyID == b.signer.KeyID() || old.Issuer() != b.did {
		return ledger.ErrRetired
	}
	return b.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		for ; i < len(w.entries); i++ {
			if w.entries[i].KeyID == b.signer.KeyID() || w.entries[i].Issuer() != b.did {
				continue
			}
			anew, err := w.entries[i].Sign(b.signer)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO register_anew (sequence, entry) VALUES ($1, $2) ON CONFLICT (sequence) DO NOTHING`, w.first+int64(i), anew.Marshal())
			if err != nil {
				return fmt.Errorf("keep what was signed anew: %w", err)
			}
		}
		return nil
	})
}

// take moves a counter on from where it stands to last, and returns where it
// stood. Others who would move it wait.
func take(tx *sqldb.Tx, counter string, last int64) (before int64, err error) {
	if err := tx.QueryRow(`UPDATE register_counter SET value = value WHERE name = $1 RETURNING value`, counter).Scan(&before); err != nil {
		return 0, err
	}
	if last > before {
		_, err = tx.Exec(`UPDATE register_counter SET value = $2 WHERE name = $1`, counter, last)
	}
	return before, err
}

// keepIndices keeps the places of events from a sequence on. Another process
// may have kept some of them.
func keepIndices(tx *sqldb.Tx, first int64, indices []int64) error {
	before, err := take(tx, "placed", first+int64(len(indices))-1)
	if err != nil {
		return err
	}
	if first > before+1 {
		return fmt.Errorf("event %d has no place yet", before+1)
	}
	last, err := placesFrom(tx, first-1, indices)
	if err != nil {
		return err
	}
	fresh := indices[min(before-first+1, int64(len(indices))):]
	for _, index := range fresh {
		if index <= last {
			return fmt.Errorf("the ledger gave index %d after index %d", index, last)
		}
		last = index
	}
	return tx.Insert("register_place", []string{"sequence", "ledger_index"}, len(fresh), func(i int) []any {
		return []any{before + 1 + int64(i), fresh[i]}
	})
}

// placesFrom holds the places that are kept already against what the ledger
// gives now, and returns the last of them.
func placesFrom(tx *sqldb.Tx, after int64, indices []int64) (last int64, err error) {
	rows, err := tx.Query(`SELECT sequence, ledger_index FROM register_place WHERE sequence >= $1 AND sequence <= $2 ORDER BY sequence`, after, after+int64(len(indices)))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	last = -1
	for rows.Next() {
		var sequence int64
		if err := rows.Scan(&sequence, &last); err != nil {
			return 0, err
		}
		if i := sequence - after - 1; i >= 0 && indices[i] != last {
			return 0, fmt.Errorf("the ledger gave index %d, and before it %d", indices[i], last)
		}
	}
	return last, rows.Err()
}

// receiveNext fetches the receipts of the oldest events that wait for one. The
// first receipt of an event is kept.
func (b *Board) receiveNext(ctx context.Context) (found bool, err error) {
	w, err := b.oldest(ctx, unproven)
	if err != nil || len(w.entries) == 0 {
		return false, err
	}
	receipts, err := b.ledger.AwaitAll(b.withinAny(ctx, w.documents), w.indices, w.entries)
	if err != nil {
		return false, fmt.Errorf("event %d: %w", w.first, err)
	}
	for i, r := range receipts {
		if len(r) == 0 {
			return false, fmt.Errorf("event %d: the ledger gave an empty receipt", w.first+int64(i))
		}
	}
	if len(receipts) == 0 || len(receipts) > len(w.entries) {
		return false, fmt.Errorf("event %d: the ledger gave %d receipts for %d events", w.first, len(receipts), len(w.entries))
	}
	if err := b.db.TxLocked(ctx, func(tx *sqldb.Tx) error { return keepReceipts(tx, w.first, receipts) }); err != nil {
		return false, fmt.Errorf("event %d: keep its receipt: %w", w.first, err)
	}
	b.forget(w.documents[:len(receipts)]...)
	b.moved()
	return true, nil
}

func keepReceipts(tx *sqldb.Tx, first int64, receipts [][]byte) error {
	before, err := take(tx, "proven", first+int64(len(receipts))-1)
	if err != nil {
		return err
	}
	if first > before+1 {
		return fmt.Errorf("event %d has no receipt yet", before+1)
	}
	fresh := receipts[min(before-first+1, int64(len(receipts))):]
	return tx.Insert("register_receipt", []string{"sequence", "receipt"}, len(fresh), func(i int) []any {
		return []any{before + 1 + int64(i), fresh[i]}
	})
}

// awaitReceipt waits a while for a document's receipt. That it did not come is
// no error: the document stands, and its receipt comes later.
func (b *Board) awaitReceipt(ctx context.Context, document credentials.Handle) error {
	ctx, cancel := context.WithTimeout(ctx, b.ReceiptWait)
	defer cancel()
	for {
		moved := b.nextMove()
		var lacking bool
		err := b.db.QueryRow(ctx, `
			SELECT sequence > (SELECT value FROM register_counter WHERE name = 'proven') FROM register_event WHERE document = $1`, document.String()).Scan(&lacking)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("await receipt: %w", err)
		}
		if err == nil && !lacking || !wait(ctx, moved, pollEvery) {
			return nil
		}
	}
}
