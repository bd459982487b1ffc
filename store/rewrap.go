package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/countersign-health/countersign/store/sqldb"
)

// rewrapAtOnce is how many data keys one transaction wraps anew.
const rewrapAtOnce = 200

// Rewrap wraps every data key anew that is not under the first wrapping key. It
// may be broken off and started again, run twice at once, and run beside
// workers and gateways, as long as each of them has both keys. A process that
// still has the old key in front goes on wrapping under it: so the new one goes
// to the front everywhere first.
func (b *Books) Rewrap(ctx context.Context) (done int, err error) {
	for {
		n := 0
		err := b.db.TxLocked(ctx, func(tx *sqldb.Tx) (err error) {
			n, err = rewrap(&sealedTx{Tx: tx, keys: b.keys})
			return err
		})
		if err != nil {
			return done, fmt.Errorf("wrap data keys anew: %w", err)
		}
		if done += n; n == 0 {
			break
		}
	}
	if err := b.db.Wipe(ctx, "data_key"); err != nil {
		return done, fmt.Errorf("wipe what the old key wrapped (say it again): %w", err)
	}
	return done, nil
}

func rewrap(tx *sealedTx) (n int, err error) {
	type row struct {
		holder, id string
		wrapped    []byte
	}
	var all []row
	err = rows(tx, `SELECT holder, wrapping, wrapped FROM data_key WHERE wrapping <> $1 ORDER BY holder LIMIT $2`,
		[]any{tx.keys.wrapping[0].ID, rewrapAtOnce}, func(rs *sql.Rows) error {
			var r row
			err := rs.Scan(&r.holder, &r.id, &r.wrapped)
			all = append(all, r)
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, r := range all {
		plain, err := tx.keys.unwrap(r.holder, r.id, r.wrapped)
		if err != nil {
			return 0, err
		}
		id, wrapped, err := tx.keys.wrap(r.holder, plain)
		if err != nil {
			return 0, err
		}
		// Unless somebody forgot or rewrapped it meanwhile.
		if _, err := tx.Exec(`UPDATE data_key SET wrapping = $3, wrapped = $4 WHERE holder = $1 AND wrapped = $2`, r.holder, r.wrapped, id, wrapped); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}
