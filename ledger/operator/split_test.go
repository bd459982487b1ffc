package operator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/audit"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// lying countersigns whatever it is shown, with the key of that name.
func lying(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, cosignature(name, checkpointIn(r), time.Now()))
	}
}

// A side is one of two histories under one log key.
type side struct {
	db    *sqldb.DB
	entry ledger.Entry
}

// show runs an operator on the side that asks these witnesses only, and says
// whether its entry becomes final within the time.
func (s *side) show(t *testing.T, lt *ledgertest.Ledger, wait time.Duration, witnesses ...int) ([]byte, bool) {
	t.Helper()
	c := lt.Config(s.db)
	c.Witnesses = map[string]string{}
	for _, i := range witnesses {
		c.Witnesses[lt.Witnesses[i].Name] = lt.Witnesses[i].URL
	}
	l, err := operator.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Append(ctx, business("same key"), s.entry.Marshal()) // refused where it halts
	receipt, err := l.Receipt(ctx, 1, wait)
	if err != nil && !errors.Is(err, operator.ErrNotFinal) {
		t.Fatal(err)
	}
	if err == nil {
		mustVerify(t, lt.Policy, receipt, s.entry.Marshal())
	}
	return receipt, err == nil
}

func sidesOf(t *testing.T) [2]*side {
	return [2]*side{
		{sqldbtest.Open(t, sqldbtest.SQLite(t)), ledgertest.Entry(t, "paid")},
		{sqldbtest.Open(t, sqldbtest.SQLite(t)), ledgertest.Entry(t, "denied")},
	}
}

// 3 of 4, and one lies. However the other three are divided between two
// histories, and whatever is tried afterwards, exactly one is final.
func TestOneLyingWitness(t *testing.T) {
	const liar = 3
	for honest := range 4 { // on the first side; the rest is shown the second
		t.Run(fmt.Sprint(honest, " shown the first"), func(t *testing.T) {
			lt := ledgertest.New(t)
			lt.Witnesses[liar].Break(lying("w4"))
			sides, shown := sidesOf(t), [2][]int{{liar}, {liar}}
			for i := range 3 {
				s := 0
				if i >= honest {
					s = 1
				}
				shown[s] = append(shown[s], i)
			}
			final := 0
			for s := range sides {
				want, wait := len(shown[s]) >= 3, 20*time.Second
				if !want {
					wait = 300 * time.Millisecond
				}
				_, got := sides[s].show(t, lt, wait, shown[s]...)
				if got != want {
					t.Errorf("side %d with %d witnesses: final %v, want %v", s, len(shown[s]), got, want)
				}
				if got {
					final++
				}
			}
			for s := range sides { // and to everybody, the loser first
				s = (s + max(0, honest-1)) % 2
				if len(shown[s]) >= 3 {
					continue
				}
				if _, got := sides[s].show(t, lt, 700*time.Millisecond, 0, 1, 2, 3); got {
					t.Errorf("side %d is final, too", s)
				}
			}
			if final != 1 {
				t.Errorf("%d sides are final, want one", final)
			}
		})
	}
}

// The negative: 2 of 3, which is refused but for this test. Each of two honest
// witnesses is shown another history, the third countersigns both, and both are
// final for everyone who holds the policy. An auditor who sees both has the proof.
func TestTwoOfThreeBreaks(t *testing.T) {
	g, founders := ledgertest.Draft()
	g.Witnesses, g.Quorum = g.Witnesses[:3], 2
	if _, err := ledger.NewGenesis(g, founders...); err == nil {
		t.Error("2 of 3 is not refused outside the flag")
	}
	ledgertest.AnyQuorum(t)
	lt := ledgertest.NewOf(t, 2, 3)
	lt.Witnesses[2].Break(lying("w3"))
	var checkpoints [2][]byte
	for s, x := range sidesOf(t) {
		receipt, final := x.show(t, lt, 20*time.Second, s, 2)
		if !final {
			t.Fatalf("side %d is not final: with 2 of 3 it should be", s)
		}
		r, err := ledger.ParseReceipt(receipt)
		if err != nil {
			t.Fatal(err)
		}
		checkpoints[s] = r.Checkpoint
		if s == 0 {
			continue
		}
		l := lt.Open(t, x.db)
		src, err := audit.Open(serve(t, l), nil)
		if err != nil {
			t.Fatal(err)
		}
		mustReceipt(t, l, 1)
		round, err := audit.Audit{Source: src, Judge: lt.Policy.Final, Signed: lt.Policy.Signed, Genesis: lt.Genesis,
			Shown: []audit.Shown{{From: "a hospital", Note: checkpoints[0]}}, State: filepath.Join(t.TempDir(), "state")}.Run(ctx)
		if err != nil || len(round.Splits) != 1 {
			t.Fatalf("audit: %v, %d proofs; want one", err, len(round.Splits))
		}
		mustProve(t, lt, round.Splits[0], "witness.example/w3")
	}
}

// mustProve checks a proof as a stranger would who holds nothing but the trust.
func mustProve(t *testing.T, lt *ledgertest.Ledger, p audit.Proven, both ...string) {
	t.Helper()
	b, err := os.ReadFile(p.File)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ledger.ParseSplitView(b)
	if err != nil {
		t.Fatal(err)
	}
	g, err := ledger.Trust{Origin: ledgertest.Origin, Genesis: lt.Genesis.Digest()}.Check(s.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := g.Policy()
	if err != nil {
		t.Fatal(err)
	}
	split, err := s.Check(policy.Signed)
	if err != nil || fmt.Sprint(split.Both) != fmt.Sprint(both) {
		t.Errorf("got %v as signers of both, %v; want %v", split.Both, err, both)
	}
}
