package store_test

import (
	"fmt"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// BenchmarkClaim is all that the books do for one claim that is paid: received,
// its file read, signed, settled, its receipt kept. Most of what it costs is
// commits.
func BenchmarkClaim(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			h := openHouse(b, sqldbtest.Open(b, dsn(b)))
			h.furnish()
			b.ResetTimer()
			for i := range b.N {
				claim := h.receive(fmt.Sprint("C", i))
				h.must(h.KeepReceipt(ctx, h.settle(claim, claims.Paid), 5, []byte("receipt")))
			}
		})
		b.Run(name+"/file", func(b *testing.B) {
			h := openHouse(b, sqldbtest.Open(b, dsn(b)))
			h.furnish()
			claim := h.receive("C")
			b.ResetTimer()
			for range b.N {
				h.file(claim)
			}
		})
	}
}
