package operator_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(jobVariable); job != "" {
		runJob(job)
	}
	sqldbtest.Main(m)
}

var ctx = context.Background()

func business(name string) credentials.Digest { return credentials.DigestOf([]byte(name)) }

func mustAppend(t testing.TB, l *operator.Log, key string, e ledger.Entry) int64 {
	t.Helper()
	a, err := l.Append(ctx, business(key), e.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return a.Index
}

func mustReceipt(t testing.TB, l *operator.Log, index int64) []byte {
	t.Helper()
	b, err := l.Receipt(ctx, index, 20*time.Second)
	if err != nil {
		t.Fatalf("receipt of %d: %v", index, err)
	}
	return b
}

func mustVerify(t testing.TB, p ledger.Policy, receipt, leaf []byte) ledger.Proof {
	t.Helper()
	r, err := ledger.ParseReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := r.Verify(p, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestAppendIsIdempotent(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		a, b := lt.Open(t, open()), lt.Open(t, open())
		e := ledgertest.Entry(t, "a")
		for i, l := range []*operator.Log{a, a, b, a, b} {
			if got := mustAppend(t, l, "k", e); got != 1 {
				t.Errorf("attempt %d: got index %d, want 1", i, got)
			}
		}
		other := ledgertest.Entry(t, "b")
		for _, l := range []*operator.Log{a, b} {
			if _, err := l.Append(ctx, business("k"), other.Marshal()); !errors.Is(err, operator.ErrKeyReuse) {
				t.Errorf("the key with other bytes: got %v", err)
			}
			if _, err := l.Append(ctx, business("another"), e.Marshal()); !errors.Is(err, operator.ErrKeyReuse) {
				t.Errorf("the bytes under another key: got %v", err)
			}
		}
		if got := mustAppend(t, b, "k2", other); got != 2 {
			t.Errorf("got index %d, want 2: what was refused must leave no gap", got)
		}
		// The issuer is part of the key: a board may use the insurer's.
		if got := mustAppend(t, a, "k", ledgertest.EntryBy(t, "board", ledger.KindLicense, "c")); got != 3 {
			t.Errorf("got index %d, want 3", got)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	forged := ledgertest.Entry(t, "f")
	forged.Document[0] ^= 1
	for what, leaf := range map[string][]byte{
		"nothing":               nil,
		"not an entry":          []byte("hello"),
		"a stranger's":          ledgertest.EntryBy(t, "stranger", ledger.KindClaimDecision, "x").Marshal(),
		"forged":                forged.Marshal(),
		"not for that role":     ledgertest.EntryBy(t, "hospital", ledger.KindClaimDecision, "x").Marshal(),
		"a board's decision":    ledgertest.EntryBy(t, "board", ledger.KindClaimDecision, "x").Marshal(),
		"too few founders":      lt.Admission(t, "new", ledger.RoleReviewer, "board").Marshal(),
		"a byte behind":         append(ledgertest.Entry(t, "x").Marshal(), 0),
		"65,536 bytes":          make([]byte, 65536),
		"a founder once again":  lt.Admission(t, "board", ledger.RoleBoard, "insurer", "hospital").Marshal(),
		"stranger approves too": lt.Admission(t, "new", ledger.RoleReviewer, "board", "insurer", "stranger").Marshal(),
	} {
		if _, err := l.Append(ctx, business(what), leaf); !errors.Is(err, operator.ErrRefused) {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
	if got := mustAppend(t, l, "k", ledgertest.Entry(t, "a")); got != 1 {
		t.Errorf("got index %d, want 1", got)
	}
}

// Three operators on one database, and every entry sent nine times at once.
func TestDuplicateStorm(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		logs := []*operator.Log{lt.Open(t, open()), lt.Open(t, open()), lt.Open(t, open())}
		const entries, copies = 80, 9
		leaves := make([][]byte, entries)
		for i := range leaves {
			leaves[i] = ledgertest.Entry(t, fmt.Sprint("e", i)).Marshal()
		}
		var mu sync.Mutex
		got := map[int64]int{}
		indexes := make([][]int64, entries)
		var wait sync.WaitGroup
		for n := range entries * copies {
			wait.Go(func() {
				i := n * 7 % entries
				a, err := logs[n%3].Append(ctx, business(fmt.Sprint("k", i)), leaves[i])
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				got[a.Index]++
				indexes[i] = append(indexes[i], a.Index)
			})
		}
		wait.Wait()
		for i, same := range indexes {
			if slices.Min(same) != slices.Max(same) || len(same) != copies {
				t.Errorf("entry %d: got indexes %v, want one", i, same)
			}
		}
		for i := int64(1); i <= entries; i++ {
			if got[i] != copies {
				t.Errorf("index %d: got %d answers, want %d: gap or duplicate", i, got[i], copies)
			}
		}
		for i, same := range indexes {
			// Whichever operator is asked, the receipt is the same and holds.
			first := mustReceipt(t, logs[0], same[0])
			if string(first) != string(mustReceipt(t, logs[1+i%2], same[0])) {
				t.Errorf("entry %d: two receipts", i)
			}
			mustVerify(t, lt.Policy, first, leaves[i])
		}
		for _, l := range logs {
			if err := l.Check(ctx); err != nil {
				t.Error(err)
			}
		}
	})
}

// A batch loses only what is wrong in it.
func TestBatchWithBadEntries(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		db := open()
		l := lt.Open(t, db)
		mustAppend(t, l, "taken", ledgertest.Entry(t, "first"))
		// Hold the first commit so that everything below lands in one batch.
		release := make(chan struct{})
		db.WrapCommit(func(commit func() error) error { <-release; return commit() })
		var wait sync.WaitGroup
		send := func(key string, leaf []byte, want error) {
			wait.Go(func() {
				if _, err := l.Append(ctx, business(key), leaf); !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", key, err, want)
				}
			})
		}
		for i := range 20 {
			send(fmt.Sprint("good ", i), ledgertest.Entry(t, fmt.Sprint("good ", i)).Marshal(), nil)
		}
		send("taken", ledgertest.Entry(t, "second").Marshal(), operator.ErrKeyReuse)
		send("other name", ledgertest.Entry(t, "first").Marshal(), operator.ErrKeyReuse)
		time.Sleep(50 * time.Millisecond)
		close(release)
		wait.Wait()
		db.WrapCommit(func(commit func() error) error { return commit() })
		if got := mustAppend(t, l, "after", ledgertest.Entry(t, "after")); got != 22 {
			t.Errorf("got index %d, want 22", got)
		}
		if err := l.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Each failure twice: failed, and failed but kept.
func TestLostReply(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		db := open()
		l := lt.Open(t, db)
		if mustReceipt(t, l, 0) == nil { // so that the publisher is idle
			t.Fatal("no receipt")
		}
		lost := errors.New("connection lost")
		for i, wrap := range []func(func() error) error{
			func(func() error) error { return lost },
			func(commit func() error) error { commit(); return lost },
		} {
			e := ledgertest.Entry(t, fmt.Sprint("e", i))
			db.WrapCommit(wrap)
			_, err := l.Append(ctx, business(fmt.Sprint("k", i)), e.Marshal())
			if !errors.Is(err, lost) || errors.Is(err, operator.ErrRefused) {
				t.Errorf("%d: got %v, want an error that may be tried again", i, err)
			}
			db.WrapCommit(func(commit func() error) error { return commit() })
			for range 2 {
				if got := mustAppend(t, l, fmt.Sprint("k", i), e); got != int64(i+1) {
					t.Errorf("%d: got index %d, want %d", i, got, i+1)
				}
			}
			mustVerify(t, lt.Policy, mustReceipt(t, l, int64(i+1)), e.Marshal())
		}
	})
}

func TestRestartContinues(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		var receipts []string
		for run := range 3 {
			l, err := operator.Open(ctx, lt.Config(open()))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				n := run*5 + i
				if got := mustAppend(t, l, fmt.Sprint("k", n), ledgertest.Entry(t, fmt.Sprint("e", n))); got != int64(n+1) {
					t.Errorf("got index %d, want %d", got, n+1)
				}
			}
			mustReceipt(t, l, int64(run*5+5))
			for i, want := range receipts {
				if got := mustReceipt(t, l, int64(i)); string(got) != want {
					t.Errorf("run %d: the receipt of entry %d has changed", run, i)
				}
			}
			receipts = nil
			for i := range run*5 + 6 {
				receipts = append(receipts, string(mustReceipt(t, l, int64(i))))
			}
			l.Close()
		}
	})
}

// Nobody waits for a log that is closed.
func TestClose(t *testing.T) {
	lt := ledgertest.New(t)
	l, err := operator.Open(ctx, lt.Config(sqldbtest.Open(t, sqldbtest.SQLite(t))))
	if err != nil {
		t.Fatal(err)
	}
	leaf := ledgertest.Entry(t, "a").Marshal()
	l.Close()
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := l.Append(short, business("a"), leaf); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want an answer at once", err)
	}
}

func TestOpenRefusesAnotherLedger(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		lt.Open(t, open()).Close()
		g, founders := ledgertest.Draft()
		g.Admission = 3
		leaf, err := ledger.NewGenesis(g, founders...)
		if err != nil {
			t.Fatal(err)
		}
		c := lt.Config(open())
		c.Genesis = leaf
		if l, err := operator.Open(ctx, c); err == nil {
			l.Close()
			t.Error("opened with another genesis")
		}
		c = lt.Config(open())
		c.Key, _, _ = operator.NewKey(ledgertest.Origin, ledgertest.Key("thief"))
		if l, err := operator.Open(ctx, c); err == nil {
			l.Close()
			t.Error("opened with another log key")
		}
		c = lt.Config(open())
		c.Witnesses["witness.example/w9"] = "http://127.0.0.1:1"
		if l, err := operator.Open(ctx, c); err == nil {
			l.Close()
			t.Error("opened with a witness that the genesis does not name")
		}
	})
}

// Somebody who is let in through one operator may append through another.
func TestNewcomer(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		a, b := lt.Open(t, open()), lt.Open(t, open())
		finding := ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, "d")
		if _, err := a.Append(ctx, business("d"), finding.Marshal()); !errors.Is(err, ledger.ErrUnknownIssuer) {
			t.Errorf("before: got %v", err)
		}
		admission := lt.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer")
		if got := mustAppend(t, a, "in", admission); got != 1 {
			t.Errorf("got index %d, want 1", got)
		}
		if got := mustAppend(t, b, "in", admission); got != 1 {
			t.Errorf("sent again to the other operator: got index %d, want 1", got)
		}
		// The same newcomer with other approvals, through whichever operator.
		again := lt.Admission(t, "reviewer", ledger.RoleReviewer, "hospital", "insurer")
		for _, l := range []*operator.Log{b, a} {
			if _, err := l.Append(ctx, business("again"), again.Marshal()); !errors.Is(err, operator.ErrRefused) {
				t.Errorf("let in twice: got %v", err)
			}
		}
		if got := mustAppend(t, b, "d", finding); got != 2 {
			t.Errorf("after: got index %d, want 2", got)
		}
	})
}

// Two operators are asked at the same moment to let the same newcomer in, with
// different approvals: one entry is recorded.
func TestNewcomerRace(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		logs := []*operator.Log{lt.Open(t, open()), lt.Open(t, open())}
		leaves := [][]byte{lt.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer").Marshal(),
			lt.Admission(t, "reviewer", ledger.RoleReviewer, "hospital", "insurer").Marshal()}
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for i, l := range logs {
			wait.Go(func() { _, errs[i] = l.Append(ctx, business(fmt.Sprint(i)), leaves[i]) })
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("got %v and %v, want one of them refused", errs[0], errs[1])
		}
		for _, err := range errs {
			if err != nil && !strings.Contains(err.Error(), "participant") {
				t.Errorf("got %v", err)
			}
		}
	})
}
