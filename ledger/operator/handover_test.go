package operator_test

import (
	"errors"
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

// following is the key of that name as one that follows the insurer's.
func following(name string) credentials.Signer {
	did, _ := credentials.SignerDID(ledgertest.Signer("insurer"))
	_, multikey, _ := credentials.ParseKeyID(ledgertest.Signer(name).KeyID())
	return credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key(name))
}

func handOver(t *testing.T, l *ledgertest.Ledger, from, to credentials.Signer) ledger.Entry {
	t.Helper()
	h, err := ledger.NewHandover(l.Genesis.Digest(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Entry()
	if err == nil {
		e.Effective = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
		e, err = e.Sign(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Two operators on one database and two handovers at once: one of them stands,
// whatever the insurer signs goes in before it or is refused, and a ledger that
// starts again says the same.
func TestHandoverAtOnce(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		logs := []*operator.Log{lt.Open(t, open()), lt.Open(t, open())}
		before := ledgertest.Entry(t, "before")
		mustAppend(t, logs[0], "before", before)
		old := ledgertest.Signer("insurer")
		to := []credentials.Signer{following("second"), following("thief")}
		places, errs := make([]int64, 2), make([]error, 2)
		accepted := map[int64]ledger.Entry{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		for i := range to {
			e := handOver(t, lt, old, to[i])
			wait.Go(func() {
				a, err := logs[i].Append(ctx, business("hand over "+to[i].KeyID()), e.Marshal())
				places[i], errs[i] = a.Index, err
			})
		}
		for n := range 60 {
			e := ledgertest.Entry(t, string(rune('A'+n)))
			wait.Go(func() {
				a, err := logs[n%2].Append(ctx, business(string(rune('A'+n))), e.Marshal())
				if err != nil && !(errors.Is(err, operator.ErrRefused) && errors.Is(err, ledger.ErrRetired)) {
					t.Errorf("entry %d: %v", n, err)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					accepted[a.Index] = e
				}
			})
		}
		wait.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		if errs[won] != nil || !errors.Is(errs[1-won], operator.ErrRefused) {
			t.Fatalf("the two handovers: %v", errs)
		}
		for index := range accepted {
			if index > places[won] {
				t.Errorf("entry %d was signed by the old key and stands behind the handover at %d", index, places[won])
			}
		}

		again := lt.Open(t, open())
		for what, l := range map[string]*operator.Log{"one": logs[0], "the other": logs[1], "a new one": again} {
			// What is there already can be sent again, though its key is retired.
			if got := mustAppend(t, l, "before", before); got != 1 {
				t.Errorf("%s: the entry from before: got index %d", what, got)
			}
			if got := mustAppend(t, l, "hand over "+to[won].KeyID(), handOver(t, lt, old, to[won])); got != places[won] {
				t.Errorf("%s: the handover again: got index %d, want %d", what, got, places[won])
			}
			for name, e := range map[string]ledger.Entry{
				"an entry by the old key":    ledgertest.Entry(t, "late"),
				"a handover by the old key":  handOver(t, lt, old, following("third")),
				"the loser, once more":       handOver(t, lt, old, to[1-won]),
				"a handover by the loser":    handOver(t, lt, to[1-won], following("third")),
				"back, signed by the winner": handOver(t, lt, to[won], old),
			} {
				if _, err := l.Append(ctx, business("late "+name), e.Marshal()); !errors.Is(err, operator.ErrRefused) {
					t.Errorf("%s: %s: got %v, want a refusal", what, name, err)
				}
			}
		}
		e, err := ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{1}, Document: credentials.Digest{1}}.Sign(to[won])
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, again, "by the new key", e)
	})
}
