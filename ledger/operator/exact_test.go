package operator_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A sent is an entry under a business key.
type sent struct {
	key   string
	entry ledger.Entry
}

// quiet are operators on one database that ask no witness, so that no commit is
// made but those of their sequencers.
func quiet(t testing.TB, lt *ledgertest.Ledger, dbs ...*sqldb.DB) (logs []*operator.Log) {
	t.Helper()
	for _, db := range dbs {
		c := lt.Config(db)
		c.Witnesses = nil
		l, err := operator.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		logs = append(logs, l)
	}
	return logs
}

func submissions(t testing.TB, l *operator.Log, batch []sent) (subs []*operator.Submission) {
	t.Helper()
	for _, x := range batch {
		s, err := l.Accept(ctx, business(x.key), x.entry.Marshal())
		if err != nil {
			t.Fatalf("accept %s: %v", x.key, err)
		}
		subs = append(subs, s)
	}
	return subs
}

// short is the answer as the tables here write it.
func short(answers []operator.Answer, err error) string {
	if err != nil {
		return err.Error()
	}
	s := ""
	for _, a := range answers {
		switch {
		case a.Err == nil:
			s += fmt.Sprint(" ", a.Index)
		case errors.Is(a.Err, operator.ErrKeyReuse):
			s += " reuse"
		case errors.Is(a.Err, ledger.ErrRetired):
			s += " retired"
		case errors.Is(a.Err, operator.ErrRefused):
			s += " refused"
		default:
			s += " " + a.Err.Error()
		}
	}
	return s
}

// Batches with whatever can stand in one twice, through two operators that do
// not know of each other, each once inserted first and once looked up first.
// The answers are the same, and a batch that holds nothing known is not looked up.
func TestBatches(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		for _, careful := range []int{0, 64} {
			lt := ledgertest.New(t)
			logs := quiet(t, lt, open(), open())
			entry := func(name string) ledger.Entry { return ledgertest.Entry(t, fmt.Sprint(careful, name)) }
			a, b, c, d := entry("a"), entry("b"), entry("c"), entry("d")
			next := mustAppend(t, logs[0], fmt.Sprint("first ", careful), entry("first")) + 1
			for i, x := range []struct {
				what  string
				batch []sent
				want  []any // an index counted from next, or a word
				again int   // batches that it makes careful
			}{
				{"new", []sent{{"a", a}}, []any{0}, 0},
				{"known, to the other operator", []sent{{"a", a}}, []any{0}, 64},
				{"known behind new", []sent{{"b", b}, {"a", a}}, []any{1, 0}, 64},
				{"twice in a batch", []sent{{"c", c}, {"c", c}, {"c", c}}, []any{2, 2, 2}, 0},
				{"known twice", []sent{{"c", c}, {"c", c}}, []any{2, 2}, 64},
				{"known key, new bytes", []sent{{"a", d}}, []any{"reuse"}, 64},
				{"known bytes, new key", []sent{{"d", a}}, []any{"reuse"}, 64},
				{"key of one, bytes of another", []sent{{"a", b}}, []any{"reuse"}, 64},
				{"two keys for the same new bytes", []sent{{"d", d}, {"e", d}}, []any{3, "reuse"}, 0},
				{"two bytes for the same new key", []sent{{"f", entry("f")}, {"f", entry("f2")}}, []any{4, "reuse"}, 0},
				{"refused in between leaves no gap", []sent{{"g", entry("g")}, {"a", entry("g2")}, {"h", entry("h")}}, []any{5, "reuse", 6}, 64},
				{"what was refused is still free", []sent{{"g2", entry("g2")}, {"e", entry("e")}}, []any{7, 8}, 0},
				{"a wrong one first, for what is known", []sent{{"i", entry("i")}, {"b", entry("i")}, {"b", b}}, []any{9, "reuse", 1}, 64},
				{"known bytes under two keys", []sent{{"x", a}, {"a", a}, {"y", a}}, []any{"reuse", 0, "reuse"}, 64},
				{"another issuer's key of that name", []sent{{"a", ledgertest.EntryBy(t, "board", ledger.KindLicense, fmt.Sprint(careful, "l"))}}, []any{10}, 0},
			} {
				l := logs[i%2]
				for n := range x.batch { // the ledger is used for both ways
					x.batch[n].key += fmt.Sprint(" ", careful)
				}
				subs := submissions(t, l, x.batch)
				l.SetCareful(careful)
				answers, err := l.AppendTogether(ctx, subs)
				want := ""
				for _, w := range x.want {
					if n, ok := w.(int); ok {
						w = next + int64(n)
					}
					want += fmt.Sprint(" ", w)
				}
				if got := short(answers, err); got != want {
					t.Errorf("%s, careful %d: got%s, want%s", x.what, careful, got, want)
				}
				left := max(careful-1, 0)
				if careful == 0 && x.again > 0 {
					left = x.again
				}
				if got := l.Careful(); got != left {
					t.Errorf("%s, careful %d: then careful for %d batches, want %d", x.what, careful, got, left)
				}
			}
			for _, l := range logs {
				if err := l.Check(ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// A key is given up in the middle: what it has signed is refused from there on,
// unless the ledger has it, and its index is the answer then. All of it passed
// the first check while the key was good.
func TestBatchesOfARetiredIssuer(t *testing.T) {
	for _, careful := range []int{0, 64} {
		t.Run(fmt.Sprint("careful ", careful), func(t *testing.T) {
			sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) { retireInBatches(t, careful, open(), open()) })
		})
	}
}

func retireInBatches(t *testing.T, careful int, dbs ...*sqldb.DB) {
	lt := ledgertest.New(t)
	logs := quiet(t, lt, dbs...)
	next := following("second")
	before := submissions(t, logs[0], []sent{
		{"known", ledgertest.Entry(t, "known")},
		{"late", ledgertest.Entry(t, "late")},
		{"over", handOver(t, lt, ledgertest.Signer("insurer"), next)},
		{"ours", ledgertest.EntryBy(t, "board", ledger.KindLicense, "ours")},
	})
	for i, x := range []struct {
		which []int
		want  string
	}{
		{[]int{0}, " 1"},
		{[]int{2, 1, 0, 3}, " 2 retired 1 3"}, // the handover first, in the same batch
		{[]int{1}, " retired"},
		{[]int{0, 2}, " 1 2"},
		{[]int{1, 0}, " retired 1"},
	} {
		var batch []*operator.Submission
		for _, n := range x.which {
			batch = append(batch, before[n])
		}
		l := logs[i%2]
		l.SetCareful(careful)
		if got := short(l.AppendTogether(ctx, batch)); got != x.want {
			t.Errorf("batch %d: got%s, want%s", i, got, x.want)
		}
	}
	byNext, err := ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{1}, Document: credentials.Digest{1}}.Sign(next)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range logs { // the key that follows may
		if got := mustAppend(t, l, "next", byNext); got != 4 {
			t.Errorf("operator %d: got index %d for the new key's entry, want 4", i, got)
		}
		if err := l.Check(ctx); err != nil {
			t.Error(err)
		}
	}
}

// Should the lock ever fail to hold, the second to move the ledger on from a
// size is refused.
func TestFence(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		l := quiet(t, lt, open())[0]
		if err := l.MoveTwice(ctx); err == nil {
			t.Error("moved twice from one size")
		}
		if err := l.Check(ctx); err != nil {
			t.Error(err)
		}
		if got := mustAppend(t, l, "a", ledgertest.Entry(t, "a")); got != 1 {
			t.Errorf("got index %d, want 1", got)
		}
	})
}
