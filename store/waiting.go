package store

import (
	"context"
	"fmt"
)

// Waiting is how many settled documents still wait for their receipt.
func (b *Books) Waiting(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE recorded = 0`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}
