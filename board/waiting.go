package board

import (
	"context"
	"fmt"
)

// Waiting is how many events of the register still wait for their receipt.
func (b *Board) Waiting(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRow(ctx, `
		SELECT value - (SELECT value FROM register_counter WHERE name = 'proven') FROM register_counter WHERE name = 'event'`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}
