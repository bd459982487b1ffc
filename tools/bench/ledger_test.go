//go:build bench

package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var (
	rounds  = flag.Int("rounds", 5, "rounds of which the median counts")
	entries = flag.Int("entries", 60000, "entries in a round with many callers")
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false) // Tessera's
	klog.SetOutput(io.Discard)
	sqldbtest.Main(m)
}

// A leaf is one entry to append: our own form, signed, of 257 bytes.
type leaf struct {
	bytes []byte
	key   credentials.Digest
}

// A contestant gives entries their place, durably. Begin sets up a new log;
// what it returns appends one entry and waits until it is durable.
type contestant struct {
	name    string
	callers int
	entries int
	begin   func(b *testing.B, all []leaf) func(i int) error
}

// A run is one round of one contestant.
type run struct {
	rate float64       // entries a second
	p50  time.Duration // of one append
}

// BenchmarkLedger is run once, with -benchtime 1x.
func BenchmarkLedger(b *testing.B) {
	if err := os.Setenv("COUNTERSIGN_TEST_POSTGRES", sqldbtest.Durable(b)); err != nil {
		b.Fatal(err)
	}
	all := leaves(b, *entries)
	few := *entries / 10
	contestants := []contestant{
		{"ours, PostgreSQL, batch 4096", 8192, *entries, ours(sqldbtest.Postgres, 4096)},
		{"ours, SQLite, batch 4096", 8192, *entries, ours(sqldbtest.SQLite, 4096)},
		{"Tessera POSIX, batch 4096", 8192, *entries, theirs(4096)},
		{"ours, PostgreSQL, batch 256", 1024, *entries, ours(sqldbtest.Postgres, 256)},
		{"Tessera POSIX, batch 256", 1024, *entries, theirs(256)},
		{"ours, PostgreSQL, 16 callers", 16, few, ours(sqldbtest.Postgres, 4096)},
		{"Tessera POSIX, 16 callers", 16, few, theirs(256)},
		{"hash chain, a row a transaction", 16, few, chain},
	}
	took := map[string][]run{}
	for round := range *rounds {
		for _, c := range contestants {
			r := c.run(b, all)
			took[c.name] = append(took[c.name], r)
			fmt.Printf("round %d  %-32s %8.0f entries/s  p50 %6.1f ms\n", round+1, c.name, r.rate, ms(r.p50))
		}
	}
	quorum := added(b, all)
	fsck, audited := readRates(b, all)
	report(took, quorum, fsck, audited)
}

func (c contestant) run(b *testing.B, all []leaf) (r run) {
	// A benchmark of its own, so that what Begin set up is gone before the next.
	b.Run("round", func(b *testing.B) {
		add := c.begin(b, all[:c.entries])
		runtime.GC()
		spent := make([]time.Duration, c.entries)
		var next atomic.Int64
		var wait sync.WaitGroup
		began := time.Now()
		for range c.callers {
			wait.Go(func() {
				for i := next.Add(1) - 1; i < int64(c.entries); i = next.Add(1) - 1 {
					from := time.Now()
					if err := add(int(i)); err != nil {
						b.Error(c.name, err)
						return
					}
					spent[i] = time.Since(from)
				}
			})
		}
		wait.Wait()
		r = run{float64(c.entries) / time.Since(began).Seconds(), median(spent)}
	})
	return r
}

// leaves are entries by one insurer. Signing them is not measured.
func leaves(b *testing.B, n int) []leaf {
	b.Helper()
	all := make([]leaf, n)
	signer := ledgertest.Signer("insurer")
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := part; i < n; i += runtime.GOMAXPROCS(0) {
				e := ledger.Entry{Kind: ledger.KindClaimDecision, Effective: time.Unix(1e9, 0)}
				rand.Read(e.Subject[:])
				e.Document = credentials.Digest(e.Subject)
				e, err := e.Sign(signer)
				if err != nil {
					b.Error(err)
					return
				}
				all[i] = leaf{e.Marshal(), e.Document}
			}
		})
	}
	wait.Wait()
	return all
}

func median[T cmp.Ordered](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var background = context.Background()
