package sqldb_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Rows go in and are found again whatever bytes they hold, and a bad one
// takes all others with it.
func TestBulk(t *testing.T) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db := sqldbtest.Open(t, dsn(t))
			if _, err := db.Exec(ctx, `CREATE TABLE bulk (n BIGINT PRIMARY KEY, a BYTEA NOT NULL, b BYTEA NOT NULL, UNIQUE (a, b))`); err != nil {
				t.Fatal(err)
			}
			const rows = 3000
			a := func(i int) []byte { return []byte{byte(i), byte(i >> 8), '\\', '\n', '\t', 0, '"', '}', 0xff} }
			b := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i%300) }
			insert := func(from, n int) error {
				return db.Tx(ctx, func(tx *sqldb.Tx) error {
					return tx.Insert("bulk", []string{"n", "a", "b"}, n, func(i int) []any { return []any{from + i, a(from + i), b(from + i)} })
				})
			}
			if err := insert(0, rows); err != nil {
				t.Fatal(err)
			}
			if err := insert(rows-1, 2); err == nil || !sqldb.Duplicate(err) {
				t.Errorf("a row once more: got %v, want a duplicate", err)
			}
			if err := insert(rows, 0); err != nil {
				t.Errorf("no rows: %v", err)
			}
			found := 0
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				found = 0
				given, args := tx.Given(2, 2*rows, func(i int) [][]byte { return [][]byte{a(i), b(i)} })
				all, err := tx.Query(`SELECT n, a, b FROM `+given+` JOIN bulk ON a = c1 AND b = c2 WHERE n >= $1 ORDER BY n`, append([]any{10}, args...)...)
				if err != nil {
					return err
				}
				defer all.Close()
				for ; all.Next(); found++ {
					var n int
					var gotA, gotB []byte
					if err := all.Scan(&n, &gotA, &gotB); err != nil {
						return err
					}
					if n != 10+found || !bytes.Equal(gotA, a(n)) || !bytes.Equal(gotB, b(n)) {
						return fmt.Errorf("row %d: got %d, %x, %x", 10+found, n, gotA, gotB)
					}
				}
				return all.Err()
			})
			if err != nil || found != rows-10 {
				t.Errorf("found %d of %d: %v", found, rows-10, err)
			}
		})
	}
}
