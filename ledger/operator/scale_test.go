//go:build scale

package operator_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var million = flag.Int("millions", 10, "how many million entries to load")

// BenchmarkScale loads entries of 257 bytes, each with a random key, and prints
// after each million what it cost: docs/ledger-scale.md. Nobody's signature is
// made or checked. Run it once, with -benchtime 1x; it needs a GB of disk for a
// million.
func BenchmarkScale(b *testing.B) {
	l := ledgertest.New(b)
	l.Witnesses = nil
	db := sqldbtest.Open(b, sqldbtest.Durable(b))
	log := l.Open(b, db)
	fmt.Println("| entries | entries a second | WAL, bytes an entry | of which whole pages | table | idx | key | subject | kind | tiles | all, bytes an entry |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for n := 1; n <= *million; n++ {
		before, began := wal(b, db), time.Now()
		if err := log.AppendRandom(ctx, 1e6); err != nil {
			b.Fatal(err)
		}
		took, after := time.Since(began), wal(b, db)
		size := sizes(b, db)
		per := func(names ...string) string {
			var sum int64
			for _, name := range names {
				sum += size[name]
			}
			return fmt.Sprintf("%.0f", float64(sum)/float64(n)/1e6)
		}
		all := make([]string, 0, len(size))
		for name := range size {
			all = append(all, name)
		}
		fmt.Printf("| %d,000,000 | %.0f | %.0f | %.0f | %s | %s | %s | %s | %s | %s | %s |\n", n, 1e6/took.Seconds(), float64(after.all-before.all)/1e6,
			float64(after.pages-before.pages)/1e6, per("ledger_entry"), per("ledger_entry_pkey"), per("ledger_entry_key_key"),
			per("ledger_entry_subject"), per("ledger_entry_kind"), per("ledger_tile", "ledger_tile_pkey"), per(all...))
	}
}

type written struct{ all, pages int64 }

// wal is how many bytes of log the server has written, and how many of them
// whole pages would be, which it writes the first time that it touches one
// after a checkpoint.
func wal(b *testing.B, db *sqldb.DB) (w written) {
	b.Helper()
	if err := db.QueryRow(context.Background(), `SELECT wal_bytes::bigint, wal_fpi * 8192 FROM pg_stat_wal`).Scan(&w.all, &w.pages); err != nil {
		b.Fatal(err)
	}
	return w
}

// sizes are the bytes of each table and index of the ledger.
func sizes(b *testing.B, db *sqldb.DB) map[string]int64 {
	b.Helper()
	rows, err := db.Query(context.Background(), `SELECT relname, pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0)
		FROM pg_class WHERE relname LIKE 'ledger\_%' AND relkind IN ('r', 'i')`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var name string
		var size int64
		if err := rows.Scan(&name, &size); err != nil {
			b.Fatal(err)
		}
		all[strings.TrimSpace(name)] = size
	}
	return all
}
