package operator_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A model is what a ledger must answer: a list, searched from the front.
type model struct {
	held    []sent
	retired int // the insurer's key counts for nothing from this index on; 0: it does
}

func (m *model) answer(batch []sent) (s string) {
	for _, x := range batch {
		leaf, word := string(x.entry.Marshal()), ""
		for i, h := range m.held {
			sameKey := h.key == x.key && h.entry.Issuer() == x.entry.Issuer()
			sameLeaf := string(h.entry.Marshal()) == leaf
			if sameKey && sameLeaf {
				word = fmt.Sprint(i + 1)
			} else if sameKey || sameLeaf {
				word = "reuse"
				break
			}
		}
		if word == "" && m.retired > 0 && x.entry.KeyID == ledgertest.Signer("insurer").KeyID() {
			word = "retired"
		}
		if word == "" {
			m.held = append(m.held, x)
			if word = fmt.Sprint(len(m.held)); x.entry.Kind == ledger.KindParticipant {
				m.retired = len(m.held)
			}
		}
		s += " " + word
	}
	return s
}

// Random batches, through three operators on one database, with commits that
// fail and commits whose reply is lost, and a key that is given up on the way:
// every answer is the one that a list would give.
func TestAnswersOfAList(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) { answersOfAList(t, seed, open(), open(), open()) })
		})
	}
}

func answersOfAList(t *testing.T, seed uint64, dbs ...*sqldb.DB) {
	lt := ledgertest.New(t)
	logs := quiet(t, lt, dbs...)
	random, m := rand.New(rand.NewPCG(seed, 4)), &model{}
	var names []sent
	for i := range 120 {
		e := ledgertest.Entry(t, fmt.Sprint(i))
		if i%3 == 0 {
			e = ledgertest.EntryBy(t, "board", ledger.KindLicense, fmt.Sprint(i))
		}
		names = append(names, sent{fmt.Sprint("k", i), e})
	}
	accepted := map[string]*operator.Submission{}
	accept := func(x sent) *operator.Submission {
		id := x.key + string(x.entry.Marshal())
		if accepted[id] == nil {
			accepted[id] = submissions(t, logs[0], []sent{x})[0]
		}
		return accepted[id]
	}
	for _, x := range names {
		accept(x) // before the key is given up
	}
	over := sent{"over", handOver(t, lt, ledgertest.Signer("insurer"), following("second"))}
	accept(over)
	lost := errors.New("connection lost")
	begun, counts := time.Now(), map[string]int{}
	for step := range 150 {
		var batch []sent
		for range 1 + random.IntN(8) {
			x := names[min(random.IntN(len(names)), step+random.IntN(4))%len(names)]
			if random.IntN(8) == 0 && m.retired == 0 {
				x.key = names[random.IntN(len(names))].key
			}
			batch = append(batch, x)
		}
		if step == 60 {
			batch = append(batch, over)
		}
		var subs []*operator.Submission
		for _, x := range batch {
			subs = append(subs, accept(x))
		}
		i := random.IntN(3)
		if random.IntN(2) == 0 {
			logs[i].SetCareful(0) // as if much had gone by
		}
		counts[fmt.Sprint("careful: ", logs[i].Careful() > 0)]++
		kept, fails := random.IntN(2) == 0, random.IntN(4) == 0
		if fails {
			dbs[i].WrapCommit(func(commit func() error) error {
				if kept {
					commit()
				}
				return lost
			})
			answers, err := logs[i].AppendTogether(ctx, subs)
			if !errors.Is(err, lost) {
				t.Fatalf("step %d: got %s, want the error of the commit", step, short(answers, err))
			}
			dbs[i].WrapCommit(func(commit func() error) error { return commit() })
			if kept {
				m.answer(batch) // nobody heard it
			}
			i = random.IntN(3) // sent again, to anyone
		}
		want := m.answer(batch)
		if got := short(logs[i].AppendTogether(ctx, subs)); got != want {
			t.Fatalf("seed %d, step %d (commit fails: %v, kept: %v): got%s, want%s", seed, step, fails, kept, got, want)
		}
	}
	var rows, last int64
	if err := dbs[0].QueryRow(ctx, `SELECT count(*), max(idx) FROM ledger_entry`).Scan(&rows, &last); err != nil || rows != int64(len(m.held)+1) || last != rows-1 {
		t.Errorf("got %d entries, the last at %d (%v), want %d and no gap", rows, last, err, len(m.held)+1)
	}
	for _, l := range logs {
		if err := l.Check(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Logf("seed %d: %d entries, handed over at %d, %v, %v", seed, len(m.held), m.retired, counts, time.Since(begun).Truncate(time.Millisecond))
}
