package client_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// The whole log is read across a bundle's border, and an operator who changes
// or leaves out an entry is found out.
func TestLog(t *testing.T) {
	lt := ledgertest.New(t)
	honest := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t))).Handler()
	var lie atomic.Pointer[func([]byte) []byte]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := lie.Load()
		if f == nil || !strings.HasPrefix(r.URL.Path, "/tile/entries/") {
			honest.ServeHTTP(w, r)
			return
		}
		said := httptest.NewRecorder()
		honest.ServeHTTP(said, r)
		w.WriteHeader(said.Code)
		w.Write((*f)(said.Body.Bytes()))
	}))
	defer server.Close()
	c := client.New(server.URL, lt.Policy, nil)
	const n = 300
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			e := ledgertest.Entry(t, fmt.Sprint("e", i))
			a, err := c.Append(ctx, fmt.Sprint("k", i), e)
			if err == nil {
				_, _, err = c.Await(ctx, a.Index, e.Marshal())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	read := func(from int64) (seen int64, size int64, err error) {
		size, err = c.Log(ctx, from, func(index int64, leaf []byte, e ledger.Entry) error {
			if index != from+seen || !bytes.Equal(leaf, e.Marshal()) {
				t.Errorf("got entry %d, want %d", index, from+seen)
			}
			seen++
			return nil
		})
		return seen, size, err
	}
	for _, from := range []int64{0, 1, 255, 256, 257, n, n + 1, n + 5} {
		seen, size, err := read(from)
		if want := max(0, n+1-from); err != nil || size != n+1 || seen != want {
			t.Errorf("from %d: got %d entries of %d, %v; want %d of %d", from, seen, size, err, want, n+1)
		}
	}
	for what, f := range map[string]func([]byte) []byte{
		"an entry changed":  func(b []byte) []byte { b = bytes.Clone(b); b[100] ^= 1; return b },
		"an entry left out": func(b []byte) []byte { return b[2+int(b[0])<<8+int(b[1]):] },
	} {
		lie.Store(&f)
		if seen, _, err := read(257); err == nil {
			t.Errorf("%s: %d entries were believed", what, seen)
		}
	}
}
