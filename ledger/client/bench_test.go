package client_test

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// BenchmarkAppend signs, sends over HTTP, checks and commits one entry, with
// many callers at once. The publisher and four witnesses run beside it.
func BenchmarkAppend(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			c, _ := ledgertest.New(b).Serve(b, sqldbtest.Open(b, dsn(b)))
			signer := ledgertest.Signer("insurer")
			var n atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					e := ledger.Entry{Kind: ledger.KindClaimDecision, Effective: time.Unix(1e9, 0)}
					rand.Read(e.Subject[:])
					e.Document = credentials.Digest(e.Subject)
					e, err := e.Sign(signer)
					if err == nil {
						_, err = c.Append(ctx, fmt.Sprint(n.Add(1)), e)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
