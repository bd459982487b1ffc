package audit

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// Merkle work alone, over 100,000 entries of about 250 bytes, in a folder and
// behind a file server on loopback.
func BenchmarkMerkle(b *testing.B) {
	const size = 100000
	dir := b.TempDir()
	m := build(b, size, func(i int64) []byte { return append(make([]byte, 242), byte(i), byte(i>>8), byte(i>>16)) })
	for path, content := range m {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	_, vkey := testKey(b)
	judge, err := LogKey(vkey)
	if err != nil {
		b.Fatal(err)
	}
	for where, address := range map[string]string{"folder": dir, "http": server.URL} {
		src, err := Open(address, nil)
		if err != nil {
			b.Fatal(err)
		}
		measure := func(name string, run func() (int64, error)) {
			b.Run(name+"/"+where, func(b *testing.B) {
				for b.Loop() {
					if n, err := run(); err != nil || n != size {
						b.Fatal(n, err)
					}
				}
				b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "entries/s")
			})
		}
		measure("fsck", func() (int64, error) {
			r, err := Fsck{Source: src, Judge: judge}.Run(context.Background())
			return r.Entries, err
		})
		state := filepath.Join(b.TempDir(), "state")
		measure("audit", func() (int64, error) {
			os.Remove(state)
			r, err := Audit{Source: src, Judge: judge, Signed: ledger.Signed(judge.Signed), State: state}.Run(context.Background())
			return r.Merkle.Done, err
		})
	}
}

// The checks of entries' own signatures, apart from the Merkle work.
func BenchmarkIssuers(b *testing.B) {
	lt := ledgertest.New(b)
	const size = 2000
	leaves := make([][]byte, size)
	leaves[0] = lt.Leaf
	for i := range leaves[1:] {
		leaves[i+1] = ledgertest.Entry(b, fmt.Sprint(i)).Marshal()
	}
	m := build(b, size, func(i int64) []byte { return leaves[i] })
	_, vkey := testKey(b)
	judge, err := LogKey(vkey)
	if err != nil {
		b.Fatal(err)
	}
	var rate Rate
	for b.Loop() {
		r, err := Fsck{Source: m, Judge: judge, Genesis: lt.Genesis}.Run(context.Background())
		if err != nil || !r.OK() {
			b.Fatal(r, err)
		}
		rate = r.Issuers
	}
	b.ReportMetric(float64(rate.PerSecond), "entries/s")
}
