package operator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func together(t testing.TB, names ...string) (all []ledger.Keyed) {
	t.Helper()
	for _, n := range names {
		all = append(all, ledger.Keyed{Business: business(n), Leaf: ledgertest.Entry(t, n).Marshal()})
	}
	return all
}

func indicesOf(done []operator.Appended) (all []int64) {
	for _, a := range done {
		all = append(all, a.Index)
	}
	return all
}

// What is sent together stands in the order in which it was sent, once, and
// what is refused stops what is behind it.
func TestAppendAll(t *testing.T) {
	for _, careful := range []int{0, 64} {
		sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
			lt := ledgertest.New(t)
			l := quiet(t, lt, open())[0]
			l.SetCareful(careful)
			stranger := ledger.Keyed{Business: business("s"), Leaf: ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "s").Marshal()}
			forged := together(t, "forged")[0]
			forged.Leaf = slices.Clone(forged.Leaf)
			forged.Leaf[len(forged.Leaf)-1] ^= 1
			reused := ledger.Keyed{Business: business("a"), Leaf: ledgertest.Entry(t, "other").Marshal()}
			for _, x := range []struct {
				what string
				send []ledger.Keyed
				want []int64
				err  error
			}{
				{"new", together(t, "a", "b", "c"), []int64{1, 2, 3}, nil},
				{"again, with more", together(t, "b", "d", "a", "d"), []int64{2, 4, 1, 4}, nil},
				{"a stranger's in between", append(together(t, "e"), append([]ledger.Keyed{stranger}, together(t, "f")...)...), []int64{5}, operator.ErrRefused},
				{"a forged one in between", append(together(t, "e", "g"), append([]ledger.Keyed{forged}, together(t, "f")...)...), []int64{5, 6}, operator.ErrRefused},
				{"a key with other bytes in between", append(together(t, "h"), append([]ledger.Keyed{reused}, together(t, "b", "f")...)...), []int64{7}, operator.ErrKeyReuse},
				{"what was stopped", together(t, "f"), []int64{8}, nil},
			} {
				done, err := l.AppendAll(ctx, x.send)
				if !slices.Equal(indicesOf(done), x.want) || !errors.Is(err, x.err) {
					t.Errorf("%s: got %v, %v; want %v, %v", x.what, indicesOf(done), err, x.want, x.err)
				}
			}
		})
	}
}

// A handover between two entries of one request: what the old key signed is
// refused, and so is what comes behind it, though the new key signed that.
func TestAppendAllStopsAtARetiredKey(t *testing.T) {
	lt := ledgertest.New(t)
	l := quiet(t, lt, sqldbtest.Open(t, sqldbtest.SQLite(t)))[0]
	subs := submissions(t, l, []sent{{"a", ledgertest.Entry(t, "a")}, {"b", ledgertest.Entry(t, "b")}})
	to := following("second")
	mustAppend(t, l, "handover", handOver(t, lt, ledgertest.Signer("insurer"), to))
	after, err := ledgertest.Entry(t, "c").Sign(to)
	if err != nil {
		t.Fatal(err)
	}
	next, err := l.Accept(ctx, business("c"), after.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.AppendBehind(ctx, append(subs, next))
	if text := short(got, err); !strings.HasPrefix(text, " retired an entry before it") || strings.Count(text, "an entry before it") != 2 {
		t.Errorf("got %s", text)
	}
}

// Many callers, with and without company, while checkpoints are made: every
// index is given once, each request's in order, and receipts of several are to
// the byte those of one.
func TestReceiptsTogether(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		l := lt.Open(t, open())
		var wait sync.WaitGroup
		var mu sync.Mutex
		leaves := map[int64][]byte{}
		for caller := range 6 {
			wait.Go(func() {
				for round := range 4 {
					var names []string
					for i := range 1 + 70*(caller%3) {
						names = append(names, fmt.Sprint(caller, " ", round, " ", i))
					}
					all := together(t, names...)
					done, err := l.AppendAll(ctx, all)
					if err != nil || !slices.IsSorted(indicesOf(done)) {
						t.Errorf("%v, %v", indicesOf(done), err)
						return
					}
					mustReceipt(t, l, done[len(done)-1].Index)
					mu.Lock()
					for i, a := range done {
						leaves[a.Index] = all[i].Leaf
					}
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		if len(leaves) != 4*2*(1+71+141) {
			t.Fatalf("%d entries", len(leaves))
		}
		var indices []int64
		for i := range leaves {
			if i%3 != 0 { // others' lie in between
				indices = append(indices, i)
			}
		}
		slices.Sort(indices)
		checkTogether(t, lt, l, indices[:len(indices)/2], leaves)
		checkTogether(t, lt, l, indices[len(indices)-1:], leaves)
		if all, err := l.Receipts(ctx, []int64{1, 2, 1 << 40}, 0); err != nil || count(all) != 2 {
			t.Errorf("with one to come: %d receipts, %v", count(all), err)
		}
		if _, err := l.Receipts(ctx, []int64{1 << 40}, time.Millisecond); !errors.Is(err, operator.ErrNotFinal) {
			t.Errorf("one to come: %v", err)
		}
	})
}

func count(all []operator.Covered) (n int) {
	for _, c := range all {
		n += len(c.Paths)
	}
	return n
}

func checkTogether(t *testing.T, lt *ledgertest.Ledger, l *operator.Log, indices []int64, leaves map[int64][]byte) {
	t.Helper()
	all, err := l.Receipts(ctx, indices, 0)
	if err != nil || count(all) != len(indices) {
		t.Fatalf("%d receipts of %d, %v", count(all), len(indices), err)
	}
	for _, c := range all {
		cover, err := lt.Policy.Cover(c.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range c.Paths {
			var path []tlog.Hash
			for h := range slices.Chunk(b, 32) {
				path = append(path, tlog.Hash(h))
			}
			index := indices[0]
			indices = indices[1:]
			if _, err := cover.Prove(index, path, leaves[index]); err != nil {
				t.Fatal(err)
			}
			if got, want := cover.Receipt(index, path).Marshal(), mustReceipt(t, l, index); string(got) != string(want) {
				t.Errorf("entry %d has two receipts", index)
			}
		}
	}
}

func TestHTTPTogether(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url := serve(t, l)
	body := func(all ...ledger.Keyed) []byte {
		b, err := ledger.MarshalKeyed(all)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := together(t, "a", "b")
	stranger := ledger.Keyed{Business: business("s"), Leaf: ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "s").Marshal()}
	for _, x := range []struct {
		path   string
		body   []byte
		status int
		want   string
	}{
		{"/batches", body(good...), 200, `"index":2`},
		{"/batches", body(good[0], stranger, good[1]), 403, `"appended":[{"index":1,`},
		{"/batches", body(good[0], stranger, good[1]), 403, `"code":"refused"`},
		{"/batches", nil, 400, "there is none"},
		{"/batches", []byte("hello"), 400, "cut short"},
		{"/batches", make([]byte, ledger.MaxKeyedBytes+1), 413, "at most"},
		{"/receipts?wait=20s", []byte(`{"indices":[1,2]}`), 200, `"covered":[{"checkpoint":"`},
		{"/receipts", []byte(`{"indices":[2,1]}`), 400, "ascending"},
		{"/receipts", []byte(`{"indices":[]}`), 400, "indices"},
		{"/receipts", []byte(`{"indices":[-1]}`), 400, "ascending"},
		{"/receipts", []byte(`no`), 400, "indices"},
		{"/receipts", []byte(`{"indices":[7]}`), 404, "not-final"},
		{"/receipts?wait=never", []byte(`{"indices":[1]}`), 400, "wait"},
		{"/receipts", []byte(`{"indices":[` + strings.Repeat("1,", ledger.MaxKeyed) + `1]}`), 400, "indices"},
	} {
		resp, got := request(t, "POST", url+x.path, "", x.body)
		if resp.StatusCode != x.status || !strings.Contains(got, x.want) {
			t.Errorf("%s %.40q: got %d %.200s, want %d with %s", x.path, x.body, resp.StatusCode, got, x.status, x.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s: not JSON: %.100s", x.path, got)
		}
	}
}
