package sqldb_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// BenchmarkTx is one read and one write of a row that nobody else touches, so
// that it measures the way to the database and not the waiting for locks.
func BenchmarkTx(b *testing.B) {
	for _, database := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", sqldbtest.SQLite}, {"postgres", sqldbtest.Postgres}} {
		b.Run(database.name, func(b *testing.B) {
			ctx, db := context.Background(), sqldbtest.Open(b, database.dsn(b))
			if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
				b.Fatal(err)
			}
			var rows atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				name := fmt.Sprint("row", rows.Add(1))
				if _, err := db.Exec(ctx, `INSERT INTO tally (name, n) VALUES ($1, 0)`, name); err != nil {
					b.Error(err)
				}
				for pb.Next() {
					err := db.Tx(ctx, func(tx *sqldb.Tx) error {
						var n int64
						if err := tx.QueryRow(`SELECT n FROM tally WHERE name = $1`, name).Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(`UPDATE tally SET n = $2 WHERE name = $1`, name, n+1)
						return err
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}
