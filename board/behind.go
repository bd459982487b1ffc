package board

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// A Recorded is a license or an order that the ledger has of this board.
type Recorded struct {
	Document credentials.Handle
	Index    int64
}

// A BehindError says that the ledger has licenses or orders of this board that
// its register does not.
type BehindError struct {
	Missing int
	First   int64 // on the ledger
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("the ledger has %d licenses and orders of this board that its register does not, the first at %d: "+
		"if the register was restored from a backup, it must not go on: it would give places in its feed a second time, "+
		"and an insurer who has read further would miss an order (docs/backup.md)", e.Missing, e.First)
}

// whole refuses a register that lacks what the ledger has. The register's
// events go to the ledger in their order: so what it lacks lies above the
// highest place that it knows.
func (b *Board) whole(ctx context.Context) error {
	if b.Own == nil {
		return nil
	}
	var highest sql.NullInt64
	if err := b.db.QueryRow(ctx, `SELECT max(ledger_index) FROM register_place`).Scan(&highest); err != nil {
		return fmt.Errorf("read register: %w", err)
	}
	own, err := b.Own(ctx, highest.Int64)
	if err != nil {
		return fmt.Errorf("compare the register with the ledger: %w", err)
	}
	behind := &BehindError{}
	for _, r := range own {
		var known int
		if err := b.db.QueryRow(ctx, `SELECT count(*) FROM register_event WHERE document = $1`, r.Document.String()).Scan(&known); err != nil {
			return fmt.Errorf("read register: %w", err)
		}
		if known == 0 {
			if behind.Missing++; behind.Missing == 1 {
				behind.First = r.Index
			}
		}
	}
	if behind.Missing > 0 {
		return behind
	}
	return nil
}
