package oracle

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// canonical is a decision as both parties have to compute it.
func canonical(t *testing.T, c *claims.Claim, p *claims.Plan, e *claims.Evidence) []byte {
	t.Helper()
	d, err := claims.Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	b, err := credentials.CanonicalJSON(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elsewhere is a value with the same content in other memory.
func elsewhere[T any](t *testing.T, v *T) *T {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	w := new(T)
	if err := json.Unmarshal(b, w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWorkersAgree decides the same claims on eight workers at once, each in an
// order of its own, half of them on shared memory and half on copies.
func TestWorkersAgree(t *testing.T) {
	m := newMaker(t)
	type one struct {
		world    *world
		evidence *claims.Evidence
		decision []byte
	}
	var all []one
	for range 200 {
		w := m.world()
		e := w.evidence()
		all = append(all, one{w, e, canonical(t, w.claim, w.plan, e)})
	}
	var workers sync.WaitGroup
	for n := range uint64(8) {
		workers.Go(func() {
			for _, i := range rand.New(rand.NewPCG(n, 1)).Perm(len(all)) {
				c, p, e := all[i].world.claim, all[i].world.plan, all[i].evidence
				if n%2 == 1 {
					c, p, e = elsewhere(t, c), elsewhere(t, p), elsewhere(t, e)
				}
				if got := canonical(t, c, p, e); !bytes.Equal(got, all[i].decision) {
					t.Errorf("worker %d, claim %d:\n%s\nand before\n%s", n, i, got, all[i].decision)
				}
			}
		})
	}
	workers.Wait()
}

// settle enters in the books what a decision on some lines of a claim came to.
func (w *world) settle(c *claims.Claim, d *claims.Decision) {
	w.enter(d.Met, d.Draws)
	for i := range c.Lines {
		w.earlier = append(w.earlier, earlierLine{line: c.Lines[i], billing: c.Billing.NPI, renderer: w.npi(&c.Lines[i])})
	}
}

// TestOneClaimOrMany: a claim comes to the same money as its lines do, each a
// claim of its own, decided in the order of service one after another.
func TestOneClaimOrMany(t *testing.T) {
	m, compared := newMaker(t), 0
	for range 1500 {
		w := m.world()
		whole, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatal(err)
		}
		if whole.Outcome == claims.Pended || len(w.claim.Lines) < 2 {
			continue
		}
		compared++
		all := *w.claim
		order := slices.Clone(all.Lines)
		slices.SortStableFunc(order, func(a, b claims.Line) int { return strings.Compare(string(a.From), string(b.From)) })
		for _, l := range order {
			part := all
			part.Lines, part.Charge = []claims.Line{l}, l.Charge
			w.claim = &part
			d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(whole.Lines, func(x claims.LineDecision) bool { return x.Line == l.Number })
			got, want := d.Lines[0], whole.Lines[i]
			got.Steps, want.Steps = nil, nil // which say where a duplicate stands
			if !reflect.DeepEqual(got, want) {
				t.Errorf("line %d alone %+v, in its claim %+v\n%s", l.Number, got, want, w)
			}
			w.settle(&part, d)
		}
	}
	if compared < 300 {
		t.Errorf("%d claims compared", compared)
	}
}

// TestPaidOnce: a claim that comes again after it was settled is paid nothing,
// whatever number it has then.
func TestPaidOnce(t *testing.T) {
	m, compared := newMaker(t), 0
	for range 1500 {
		w := m.world()
		w.approved, w.refused = false, false // a reviewer may find that it was given twice
		d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatal(err)
		}
		if d.Outcome != claims.Paid {
			continue
		}
		compared++
		w.settle(w.claim, d)
		w.claim.Number = "C2"
		again, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatal(err)
		}
		if again.Paid != 0 || again.Patient != 0 || len(again.Met) > 0 || len(again.Draws) > 0 {
			t.Errorf("paid %s and then %s\n%s", d.Paid, again.Paid, w)
		}
	}
	if compared < 300 {
		t.Errorf("%d claims compared", compared)
	}
}
