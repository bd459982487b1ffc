//go:build bench

package bench

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/audit"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func accept(b *testing.B, log *operator.Log, all []leaf) []*operator.Submission {
	b.Helper()
	accepted := make([]*operator.Submission, len(all))
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := part; i < len(all); i += runtime.GOMAXPROCS(0) {
				var err error
				if accepted[i], err = log.Accept(background, all[i].key, all[i].bytes); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return accepted
}

// added is how much longer than for its index a caller waits for a quorum of
// four witnesses on loopback, each with a database of its own.
func added(b *testing.B, all []leaf) (more time.Duration) {
	all = all[:len(all)/20]
	b.Run("quorum", func(b *testing.B) {
		log := ledgertest.New(b).Open(b, sqldbtest.Open(b, sqldbtest.Postgres(b)))
		accepted := accept(b, log, all)
		spent := make([]time.Duration, len(all))
		var wait sync.WaitGroup
		const callers = 16
		for c := range callers {
			wait.Go(func() {
				for i := c; i < len(all); i += callers {
					a, err := log.Record(background, accepted[i])
					durable := time.Now()
					if err == nil {
						_, err = log.Receipt(background, a.Index, time.Minute)
					}
					if err != nil {
						b.Error(err)
						return
					}
					spent[i] = time.Since(durable)
				}
			})
		}
		wait.Wait()
		more = median(spent)
	})
	return more
}

// readRates reads and re-hashes a whole log over HTTP, as fsck does, with its
// tiles, and as an auditor does who sees it for the first time; issuers'
// signatures are not part of either.
func readRates(b *testing.B, all []leaf) (fsck, audited float64) {
	b.Run("read", func(b *testing.B) {
		l := ledgertest.New(b)
		log := l.Open(b, sqldbtest.Open(b, sqldbtest.Postgres(b)))
		server := httptest.NewServer(log.Handler())
		b.Cleanup(server.Close)
		accepted := accept(b, log, all)
		var wait sync.WaitGroup
		for part := range 4096 {
			wait.Go(func() {
				for i := part; i < len(all); i += 4096 {
					if _, err := log.Record(background, accepted[i]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		if _, err := log.Receipt(background, int64(len(all)), time.Minute); err != nil { // leaf 0 is the genesis
			b.Fatal(err)
		}
		source, err := audit.Open(server.URL, nil)
		if err != nil {
			b.Fatal(err)
		}
		var rates, auditRates []float64
		for round := range *rounds {
			r, err := audit.Fsck{Source: source, Judge: l.Policy.Final}.Run(background)
			if err != nil || !r.OK() || r.Entries != int64(len(all))+1 {
				b.Fatal(r, err)
			}
			rates = append(rates, float64(r.Entries)/r.Took.Seconds())
			began := time.Now()
			a, err := audit.Audit{Source: source, Judge: l.Policy.Final, Signed: l.Policy.Signed, Genesis: l.Genesis,
				State: filepath.Join(b.TempDir(), fmt.Sprint(round))}.Run(background)
			if err != nil || a.Merkle.Done != int64(len(all))+1 {
				b.Fatal(a, err)
			}
			auditRates = append(auditRates, float64(a.Merkle.Done)/time.Since(began).Seconds())
		}
		fsck, audited = median(rates), median(auditRates)
	})
	return fsck, audited
}

func report(took map[string][]run, quorum time.Duration, fsck, audited float64) {
	rate := func(name string) float64 {
		var all []float64
		for _, r := range took[name] {
			all = append(all, r.rate)
		}
		return median(all)
	}
	p50 := func(name string) float64 {
		var all []time.Duration
		for _, r := range took[name] {
			all = append(all, r.p50)
		}
		return float64(median(all))
	}
	atLeast := func(name string, got float64, unit string, bound float64) {
		line(name, got, unit, bound, got >= bound)
	}
	atMost := func(name string, got float64, unit string, bound float64) {
		line(name, got, unit, bound, got <= bound)
	}
	fmt.Println()
	atLeast("append-batch-4096-against-tessera", rate("ours, PostgreSQL, batch 4096")/rate("Tessera POSIX, batch 4096"), "x", 1.5)
	atLeast("append-batch-256-against-tessera", rate("ours, PostgreSQL, batch 256")/rate("Tessera POSIX, batch 256"), "x", 0.9)
	atLeast("append-16-callers-against-tessera", rate("ours, PostgreSQL, 16 callers")/rate("Tessera POSIX, 16 callers"), "x", 3)
	atMost("append-16-callers-p50-against-tessera", p50("ours, PostgreSQL, 16 callers")/p50("Tessera POSIX, 16 callers"), "x", 0.3)
	atLeast("append-sqlite-against-tessera", rate("ours, SQLite, batch 4096")/rate("Tessera POSIX, batch 4096"), "x", 1.5)
	atLeast("append-against-hash-chain", rate("ours, PostgreSQL, batch 4096")/rate("hash chain, a row a transaction"), "x", 25)
	atMost("quorum-adds-p50", ms(quorum), "ms", 50)
	atLeast("fsck", fsck, "entries/s", 80000)
	atLeast("audit", audited, "entries/s", 100000)
}

func line(name string, got float64, unit string, bound float64, ok bool) {
	fmt.Printf("bench %s %.3g %s target %g %s\n", name, got, unit, bound, map[bool]string{true: "ok", false: "short"}[ok])
}
