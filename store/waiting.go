package store

import (
	"context"
	"fmt"

	"github.com/countersign-health/countersign/store/sqldb"
)

// Waiting is how many settled documents still wait for their receipt.
func (b *Books) Waiting(ctx context.Context) (n int64, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM outbox WHERE recorded = 0`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}
