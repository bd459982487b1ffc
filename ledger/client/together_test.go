package client_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func many(t testing.TB, n int) (keys []string, entries []ledger.Entry) {
	t.Helper()
	for i := range n {
		keys = append(keys, fmt.Sprint("k", i))
		entries = append(entries, ledgertest.Entry(t, fmt.Sprint("e", i)))
	}
	return keys, entries
}

// More than one request takes, to receipts that are those that others get.
func TestTogether(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		c, _ := ledgertest.New(t).Serve(t, open())
		keys, entries := many(t, ledger.MaxKeyed+10)
		for range 2 {
			indices, err := c.AppendAll(ctx, keys, entries)
			if err != nil || len(indices) != len(entries) || !slices.IsSorted(indices) || indices[0] != 1 {
				t.Fatalf("%d indices, %v", len(indices), err)
			}
		}
		indices := make([]int64, len(entries))
		for i := range indices {
			indices[i] = int64(i + 1)
		}
		done := 0
		for done < len(indices) {
			receipts, err := c.AwaitAll(ctx, indices[done:], entries[done:])
			if err != nil || len(receipts) == 0 {
				t.Fatal(len(receipts), err)
			}
			for i, r := range receipts {
				if i%97 != 0 {
					continue
				}
				if want, _, err := c.Receipt(ctx, indices[done+i], entries[done+i].Marshal()); err != nil || !bytes.Equal(r, want) {
					t.Errorf("entry %d: another receipt than alone (%v)", indices[done+i], err)
				}
			}
			done += len(receipts)
		}
		entries[3] = ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "s")
		if got, err := c.AppendAll(ctx, keys[:6], entries[:6]); !errors.Is(err, client.ErrRefused) || len(got) != 3 {
			t.Errorf("with a stranger's: %v, %v; want three and a refusal", got, err)
		}
	})
}

// An operator that changes an answer about several entries is found out.
func TestLiesTogether(t *testing.T) {
	lt := ledgertest.New(t)
	honest, l := lt.Serve(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	keys, entries := many(t, 5)
	indices, err := honest.AppendAll(ctx, keys, entries)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := honest.Await(ctx, 5, entries[4].Marshal()); err != nil {
		t.Fatal(err)
	}
	type covered struct {
		Checkpoint []byte   `json:"checkpoint"`
		Paths      [][]byte `json:"paths"`
	}
	type answer struct {
		Appended []client.Appended `json:"appended"`
		Covered  []covered         `json:"covered"`
	}
	var lie func(*answer)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := httptest.NewRecorder()
		l.Handler().ServeHTTP(told, r)
		var a answer
		json.Unmarshal(told.Body.Bytes(), &a)
		lie(&a)
		w.WriteHeader(told.Code)
		json.NewEncoder(w).Encode(a)
	}))
	defer server.Close()
	c := client.New(server.URL, lt.Policy, nil)
	ask := func() error { _, err := c.AppendAll(ctx, keys, entries); return err }
	await := func() error { _, err := c.AwaitAll(ctx, indices, entries); return err }
	last := func(a *answer) *covered { return &a.Covered[len(a.Covered)-1] }
	for _, x := range []struct {
		what string
		lie  func(*answer)
		call func() error
		want error
	}{
		{"the truth", func(*answer) {}, ask, nil},
		{"the truth", func(*answer) {}, await, nil},
		{"places of other keys", func(a *answer) { slices.Reverse(a.Appended) }, ask, client.ErrEvidence},
		{"a place below the first", func(a *answer) { a.Appended[2].Index = -1 }, ask, client.ErrEvidence},
		{"one left out", func(a *answer) { a.Appended = a.Appended[:4] }, ask, client.ErrEvidence},
		{"one more", func(a *answer) { a.Appended = append(a.Appended, a.Appended[0]) }, ask, client.ErrEvidence},
		{"a path changed", func(a *answer) { last(a).Paths[0][7] ^= 1 }, await, client.ErrEvidence},
		{"a path cut", func(a *answer) { last(a).Paths[0] = last(a).Paths[0][1:] }, await, client.ErrEvidence},
		{"paths exchanged", func(a *answer) { slices.Reverse(last(a).Paths) }, await, client.ErrEvidence},
		{"a checkpoint changed", func(a *answer) { last(a).Checkpoint[len(last(a).Checkpoint)-9] ^= 1 }, await, client.ErrEvidence},
		{"a cosignature less", func(a *answer) {
			lines := bytes.SplitAfter(bytes.TrimSuffix(last(a).Checkpoint, []byte("\n")), []byte("\n"))
			last(a).Checkpoint = bytes.Join(lines[:len(lines)-1], nil)
		}, await, client.ErrEvidence},
		{"no receipt", func(a *answer) { a.Covered = nil }, await, client.ErrEvidence},
		{"one receipt more", func(a *answer) { last(a).Paths = append(last(a).Paths, last(a).Paths[0]) }, await, client.ErrEvidence},
	} {
		lie = x.lie
		if err := x.call(); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", x.what, err, x.want)
		}
	}
}

// BenchmarkAppendAll is BenchmarkAppend with 1024 entries in a request, and the
// receipts of all of them.
func BenchmarkAppendAll(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			c, _ := ledgertest.New(b).Serve(b, sqldbtest.Open(b, dsn(b)))
			keys, entries := many(b, b.N)
			b.ResetTimer()
			var appending, awaiting time.Duration
			for len(entries) > 0 {
				n := min(len(entries), ledger.MaxKeyed)
				began := time.Now()
				indices, err := c.AppendAll(ctx, keys[:n], entries[:n])
				appending += time.Since(began)
				began = time.Now()
				for got := 0; got < n && err == nil; {
					var receipts [][]byte
					receipts, err = c.AwaitAll(ctx, indices[got:], entries[got:n])
					got += len(receipts)
				}
				awaiting += time.Since(began)
				if err != nil {
					b.Fatal(err)
				}
				keys, entries = keys[n:], entries[n:]
			}
			b.ReportMetric(float64(appending.Microseconds())/float64(b.N), "us/append")
			b.ReportMetric(float64(awaiting.Microseconds())/float64(b.N), "us/receipt")
		})
	}
}
