package store

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A sealedTx is one transaction with the data keys that it has unwrapped. They
// go with it: no key is kept from one transaction to the next, so that what is
// forgotten is gone from every process when its transactions end.
type sealedTx struct {
	*sqldb.Tx
	keys Keys
	open map[string]cipher.AEAD // by holder
}

// tx runs f as sqldb.DB.Tx does, with the keys to what is sealed.
func (b *Books) tx(ctx context.Context, f func(*sealedTx) error) error {
	return b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		return f(&sealedTx{tx, b.keys, map[string]cipher.AEAD{}})
	})
}

// read is tx for what only looks; see sqldb.DB.Read.
func (b *Books) read(ctx context.Context, f func(*sealedTx) error) error {
	return b.db.Read(ctx, func(tx *sqldb.Tx) error {
		return f(&sealedTx{tx, b.keys, map[string]cipher.AEAD{}})
	})
}

// A cell is a place for one sealed value. Its name and its holder's are bound
// to the value: put into another row, column or table, or under another
// person, it does not open.
type cell struct{ holder, table, column, row string }

func (c cell) bound() []byte {
	return joined("countersign books v1", c.table, c.column, c.row, c.holder)
}

func (tx *sealedTx) seal(c cell, plain []byte) ([]byte, error) {
	key, err := tx.keyOf(c.holder)
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", c.table, c.column, err)
	}
	return key.Seal(nil, nil, plain, c.bound()), nil
}

func (tx *sealedTx) unseal(c cell, sealed []byte) ([]byte, error) {
	key, err := tx.keyOf(c.holder)
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", c.table, c.column, err)
	}
	plain, err := key.Open(nil, nil, sealed, c.bound())
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: it was changed or moved since it was sealed", c.table, c.column)
	}
	return plain, nil
}

// keyOf is a holder's data key; ErrForgotten where it was destroyed.
func (tx *sealedTx) keyOf(holder string) (cipher.AEAD, error) {
	if key, ok := tx.open[holder]; ok {
		return key, nil
	}
	var id string
	var wrapped []byte
	err := tx.QueryRow(`SELECT wrapping, wrapped FROM data_key WHERE holder = $1`, holder).Scan(&id, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, books.ErrForgotten
	}
	if err != nil {
		return nil, err
	}
	return tx.unlock(holder, id, wrapped)
}

// unlock takes a holder's wrapped key as it was read along with something else.
func (tx *sealedTx) unlock(holder, id string, wrapped []byte) (cipher.AEAD, error) {
	if key, ok := tx.open[holder]; ok {
		return key, nil
	}
	plain, err := tx.keys.unwrap(holder, id, wrapped)
	if err != nil {
		return nil, err
	}
	key, err := newCipher(plain)
	if err == nil {
		tx.open[holder] = key
	}
	return key, err
}

// makeKey makes a holder's data key, unless there is one.
func (tx *sealedTx) makeKey(holder string) error {
	plain := make([]byte, 32)
	rand.Read(plain)
	id, wrapped, err := tx.keys.wrap(holder, plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO data_key (holder, wrapping, wrapped) VALUES ($1, $2, $3) ON CONFLICT (holder) DO NOTHING`, holder, id, wrapped)
	return err
}

// dropKey destroys a holder's data key. It does not wipe the bytes from the
// disk: see Books.wipe.
func (tx *sealedTx) dropKey(holder string) error {
	delete(tx.open, holder)
	_, err := tx.Exec(`DELETE FROM data_key WHERE holder = $1`, holder)
	return err
}

// KeysInUse counts the data keys under each wrapping key.
func (b *Books) KeysInUse(ctx context.Context) (used map[string]int, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		used = map[string]int{}
		return rows(tx, `SELECT wrapping, count(*) FROM data_key GROUP BY wrapping`, nil, func(rs *sql.Rows) error {
			var id string
			var n int
			err := rs.Scan(&id, &n)
			used[id] = n
			return err
		})
	})
	return used, err
}

// checkKeys says early, and in one line, that a wrapping key is missing or is
// another one than its id says.
func (b *Books) checkKeys(ctx context.Context) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		type group struct {
			id, holder string
			n          int
		}
		var groups []group
		err := rows(tx, `SELECT wrapping, count(*), min(holder) FROM data_key GROUP BY wrapping ORDER BY wrapping`, nil, func(rs *sql.Rows) error {
			var g group
			err := rs.Scan(&g.id, &g.n, &g.holder)
			groups = append(groups, g)
			return err
		})
		if err != nil {
			return err
		}
		for _, g := range groups {
			_, err := tx.keyOf(g.holder)
			var missing *MissingKey
			if errors.As(err, &missing) {
				missing.Keys = g.n
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
