package operator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// found makes the ledger where the database is new, and refuses a database
// that holds another one.
func (l *Log) found(ctx context.Context) error {
	leaf := l.genesis.MarshalLeaf()
	return l.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`INSERT INTO ledger_state (origin, size, edge) VALUES ($1, 0, $2) ON CONFLICT (origin) DO NOTHING`,
			l.policy.Origin, []byte{}); err != nil {
			return fmt.Errorf("found ledger: %w", err)
		}
		size, e, err := lockState(tx, l.policy.Origin)
		if err != nil {
			return err
		}
		var have []byte
		switch err := tx.QueryRow(`SELECT leaf FROM ledger_entry WHERE idx = 0`).Scan(&have); {
		case errors.Is(err, sql.ErrNoRows) && size == 0:
		case err != nil:
			return fmt.Errorf("read the genesis: %w", err)
		case string(have) != string(leaf):
			return errors.New("the database holds a ledger with another genesis")
		default:
			return nil
		}
		entry, err := ledger.ParseEntry(leaf)
		if err != nil {
			return err
		}
		s := newSubmission(ledger.EntryKey(l.policy.Origin, entry.Issuer(), credentials.DigestOf([]byte("genesis"))), entry, leaf)
		if err := insertEntries(tx, 0, []*Submission{s}); err != nil {
			return err
		}
		return moveState(tx, l.policy.Origin, 0, 1, e.push(0, s.hash))
	})
}
