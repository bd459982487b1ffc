package operator

import (
	"context"
	"fmt"

	"github.com/countersign-health/countersign/store/sqldb"
)

// Size is how many entries are ordered, whether or not they are final yet.
func (l *Log) Size(ctx context.Context) (int64, error) {
	var size int64
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`SELECT size FROM ledger_state WHERE origin = $1`, l.policy.Origin).Scan(&size)
	})
	if err != nil {
		return 0, fmt.Errorf("read size of ledger: %w", err)
	}
	return size, nil
}

// FinalSize is how many entries the newest final checkpoint covers that this
// operator knows of.
func (l *Log) FinalSize() int64 { return l.final.size() }
