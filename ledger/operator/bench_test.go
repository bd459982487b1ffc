package operator_test

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// BenchmarkRecord gives entries of 257 bytes, whose signatures were checked
// before, their index, durably. No witness is asked.
func BenchmarkRecord(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Durable} {
		for _, callers := range []int{16, 1024, 8192} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				l := ledgertest.New(b)
				l.Witnesses = nil
				log := l.Open(b, sqldbtest.Open(b, dsn(b)))
				all := accepted(b, log, b.N)
				var next atomic.Int64
				var wait sync.WaitGroup
				b.ResetTimer()
				for range callers {
					wait.Go(func() {
						for {
							i := int(next.Add(1)) - 1
							if i >= len(all) {
								return
							}
							if _, err := log.Record(ctx, all[i]); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wait.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}

func accepted(b *testing.B, log *operator.Log, n int) []*operator.Submission {
	b.Helper()
	signer := ledgertest.Signer("insurer")
	all := make([]*operator.Submission, n)
	for i := range all {
		e := ledger.Entry{Kind: ledger.KindClaimDecision, Effective: time.Unix(1e9, 0)}
		rand.Read(e.Subject[:])
		e.Document = credentials.Digest(e.Subject)
		e, err := e.Sign(signer)
		if err == nil {
			all[i], err = log.Accept(ctx, e.Document, e.Marshal())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return all
}
