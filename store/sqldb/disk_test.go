package sqldb_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Where a transaction does not fit, none of it is kept, what is there is read
// on, and the error says that it may be tried again. With room again it goes on.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		db := d.Open()
		if _, err := db.Exec(ctx, `CREATE TABLE held (n BIGINT PRIMARY KEY, part BIGINT, body BYTEA)`); err != nil {
			t.Fatal(err)
		}
		keep := func(n int) error {
			return db.Tx(ctx, func(tx *sqldb.Tx) error {
				for part := range 20 {
					body := make([]byte, 1000)
					rand.Read(body)
					if _, err := tx.Exec(`INSERT INTO held (n, part, body) VALUES ($1, $2, $3)`, 100*n+part, part, body); err != nil {
						return err
					}
				}
				return nil
			})
		}
		count := func() (rows int) {
			t.Helper()
			if err := db.QueryRow(ctx, `SELECT count(*) FROM held`).Scan(&rows); err != nil {
				t.Fatal(err)
			}
			return rows
		}
		if err := keep(0); err != nil {
			t.Fatal(err)
		}
		d.Fill()
		kept := 1
		for n := 1; ; n++ {
			err := keep(n)
			if err == nil {
				if kept++; n > 1000 {
					t.Fatal("the disk is never full")
				}
				continue
			}
			if text := strings.ToLower(err.Error()); !sqldb.Temporary(err) || !strings.Contains(text, "full") && !strings.Contains(text, "no space left") {
				t.Errorf("got %v, want to be told that the disk is full and to come again", err)
			}
			if rows := count(); rows != 20*kept {
				t.Errorf("%d rows, want %d", rows, 20*kept)
			}
			d.Free()
			if err := keep(n); err != nil || count() != 20*(kept+1) {
				t.Errorf("with room again: %v, %d rows", err, count())
			}
			return
		}
	})
}
