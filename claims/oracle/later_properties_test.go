package oracle

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// decided is a generated case with what the engine says of it.
type decided struct {
	world    *world
	evidence *claims.Evidence
	decision *claims.Decision
}

func laterDecisions(t *testing.T, n int) (all []decided) {
	m := newLaterMaker(t)
	for range n {
		w := m.world()
		e := w.evidence()
		d, err := claims.Adjudicate(w.claim, w.plan, e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decided{w, e, d})
	}
	return all
}

// TestLaterAddsUp: of every line what is paid, what the patient owes and what is
// withheld come to what is allowed, and adjustments to the charge less what is
// paid; and so of every claim, which meets what its patient owes.
func TestLaterAddsUp(t *testing.T) {
	paid := 0
	for i, c := range laterDecisions(t, 2000) {
		var charge, allowed, paidInAll, patient, outOfPocket claims.Cents
		for _, l := range c.decision.Lines {
			var off, owed, withheld claims.Cents
			for _, a := range l.Adjustments {
				if off += a.Amount; a.Amount <= 0 {
					t.Errorf("claim %d, line %d: %+v", i, l.Line, a)
				}
				switch {
				case a.Group == claims.Patient:
					owed += a.Amount
				case a.CARC == claims.CARCSequestration:
					withheld += a.Amount
				}
			}
			charge, allowed, paidInAll, patient = charge+l.Charge, allowed+l.Allowed, paidInAll+l.Paid, patient+l.Patient
			if c.decision.Outcome == claims.Pended {
				continue
			}
			if l.Paid+owed+withheld != l.Allowed || off != l.Charge-l.Paid || owed != l.Patient || l.Paid < 0 || l.Allowed > l.Charge {
				t.Errorf("claim %d: %+v", i, l)
			}
		}
		for _, m := range c.decision.Met {
			outOfPocket += m.OutOfPocketPerson
		}
		d := c.decision
		if d.Charge != charge || d.Allowed != allowed || d.Paid != paidInAll || d.Patient != patient || outOfPocket != patient {
			t.Errorf("claim %d: %+v", i, d)
		}
		if d.Outcome == claims.Pended && (d.Paid != 0 || d.Allowed != 0 || len(d.Met)+len(d.Draws) > 0) {
			t.Errorf("claim %d waits, and %+v", i, d)
		}
		if d.Paid > 0 {
			paid++
		}
	}
	if paid < 300 {
		t.Errorf("%d claims are paid, which tries little", paid)
	}
}

// TestLaterWorkersAgree decides the same claims on eight workers at once, each in
// an order of its own and on memory of its own, with the facts shuffled that stand
// in no order: what is priced, met and answered is the same.
func TestLaterWorkersAgree(t *testing.T) {
	all := laterDecisions(t, 200)
	var workers sync.WaitGroup
	for n := range uint64(8) {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(n, 2))
			for _, i := range r.Perm(len(all)) {
				c, p, e := elsewhere(t, all[i].world.claim), elsewhere(t, all[i].world.plan), elsewhere(t, all[i].evidence)
				r.Shuffle(len(e.Lines), func(i, j int) { e.Lines[i], e.Lines[j] = e.Lines[j], e.Lines[i] })
				r.Shuffle(len(e.Used), func(i, j int) { e.Used[i], e.Used[j] = e.Used[j], e.Used[i] })
				r.Shuffle(len(e.Member.Coverage), func(i, j int) {
					e.Member.Coverage[i], e.Member.Coverage[j] = e.Member.Coverage[j], e.Member.Coverage[i]
				})
				if err := all[i].world.books.edition.Complete(c, p, e); err != nil {
					t.Error(err)
				}
				got, want := canonical(t, c, p, e), canonical(t, all[i].world.claim, all[i].world.plan, all[i].evidence)
				if !bytes.Equal(got, want) {
					t.Errorf("worker %d, claim %d:\n%s\nand before\n%s", n, i, got, want)
				}
			}
		})
	}
	workers.Wait()
}

// TestLaterLinesInAnyOrder: lines that are reported in another order are decided as
// they were, since their dates and numbers say which comes first. So are the books'
// earlier services, authorizations and orders.
func TestLaterLinesInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 3))
	for i, c := range laterDecisions(t, 1000) {
		w := *c.world
		mixed := *w.claim
		mixed.Lines = slices.Clone(mixed.Lines)
		r.Shuffle(len(mixed.Lines), func(i, j int) { mixed.Lines[i], mixed.Lines[j] = mixed.Lines[j], mixed.Lines[i] })
		w.claim, w.earlier, w.orders = &mixed, slices.Clone(w.earlier), slices.Clone(w.orders)
		r.Shuffle(len(w.earlier), func(i, j int) { w.earlier[i], w.earlier[j] = w.earlier[j], w.earlier[i] })
		r.Shuffle(len(w.orders), func(i, j int) { w.orders[i], w.orders[j] = w.orders[j], w.orders[i] })
		d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(d.Lines, func(a, b claims.LineDecision) int { return a.Line - b.Line })
		if got, want := ofEngine(d), ofEngine(c.decision); got != want {
			t.Errorf("claim %d: got\n%s\nwant\n%s\n%s", i, got, want, c.world)
		}
	}
}

// TestLaterTwice: who decides twice decides once, and what was paid is not paid
// again when the claim comes again.
func TestLaterTwice(t *testing.T) {
	again := 0
	for i, c := range laterDecisions(t, 1500) {
		second, err := claims.Adjudicate(c.world.claim, c.world.plan, c.evidence)
		if err != nil || !reflect.DeepEqual(second, c.decision) {
			t.Fatalf("claim %d, the second time: %+v, %v", i, second, err)
		}
		if c.decision.Paid == 0 || c.world.approved {
			continue // what a reviewer approves may be a repeat
		}
		again++
		c.world.settleLater(c.decision)
		d, err := claims.Adjudicate(c.world.claim, c.world.plan, c.world.evidence())
		if err != nil {
			t.Fatal(err)
		}
		if d.Paid != 0 {
			t.Errorf("claim %d: paid %s and then %s\n%s", i, c.decision.Paid, d.Paid, c.world)
		}
	}
	if again < 200 {
		t.Errorf("%d claims came again, which tries little", again)
	}
}

// settleLater enters a decision in the books, and which lines it paid.
func (w *world) settleLater(d *claims.Decision) {
	n := len(w.earlier)
	w.settle(w.claim, d)
	for i := range w.earlier[n:] {
		w.earlier[n+i].paid = d.Lines[i].Outcome == claims.Paid
	}
}

// enter adds to accumulators, and takes units from authorizations.
func (w *world) enter(met []claims.Accumulators, draws []claims.Draw) {
	for _, add := range met {
		a := w.met[add.Period]
		a.DeductibleIndividual += add.DeductibleIndividual
		a.DeductibleFamily += add.DeductibleFamily
		a.OutOfPocketPerson += add.OutOfPocketPerson
		a.OutOfPocketFamily += add.OutOfPocketFamily
		w.met[add.Period] = a
	}
	for _, draw := range draws {
		for i := range w.authorizations {
			if w.authorizations[i].handle == draw.Authorization {
				w.authorizations[i].left -= draw.Units
			}
		}
	}
}

// books of a claim as they are compared: what was met, and the units left.
func (w *world) standsAt() string {
	var b strings.Builder
	for _, period := range []string{"2025", "2026", "2027"} {
		a := w.met[period]
		writeMet(&b, period, cents(a.DeductibleIndividual), cents(a.OutOfPocketPerson))
		writeMet(&b, period, cents(a.DeductibleFamily), cents(a.OutOfPocketFamily))
	}
	for _, a := range w.authorizations {
		b.WriteString(" " + a.left.String())
	}
	return b.String()
}

// TestReversalRestores: a decision and the void of it leave accumulators and units
// as they were, to the cent and the thousandth; a replacement by the same claim
// comes to nothing, line by line.
func TestReversalRestores(t *testing.T) {
	paid, drawn := 0, 0
	for i, c := range laterDecisions(t, 2000) {
		d, w := c.decision, c.world
		if d.Outcome == claims.Pended {
			continue
		}
		if len(d.Met) > 0 {
			paid++
		}
		if len(d.Draws) > 0 {
			drawn++
		}
		before := w.standsAt()
		w.enter(d.Adds(), d.Takes())
		original := &claims.OriginalFact{Submission: d.Submission, Document: credentials.Handle{7}, Received: w.received, Decision: *d}

		void := *w.claim
		void.Frequency, void.OriginalReference, void.Number = claims.Void, claims.ControlNumber(d.Submission), "V1"
		v, err := claims.Adjudicate(&void, w.plan, &claims.Evidence{Submission: credentials.Handle{2}, Number: 1, Received: w.received.AddDays(400),
			Plan: w.plan.Ref(), Fees: w.feesRef(), Original: original})
		if err != nil {
			t.Fatal(err)
		}
		w.enter(v.Adds(), v.Takes())
		if after := w.standsAt(); after != before || v.Outcome != claims.Voided || v.NetPaid() != -d.Paid {
			t.Errorf("claim %d: %s, net %s of %s\n%s\nand before\n%s", i, v.Outcome, v.NetPaid(), d.Paid, after, before)
		}

		replacement := *w.claim
		replacement.Frequency, replacement.OriginalReference, replacement.Number = claims.Replacement, claims.ControlNumber(d.Submission), "R1"
		e := elsewhere(t, c.evidence)
		e.Submission, e.Received, e.Original = credentials.Handle{3}, w.received.AddDays(400), original
		if e.Review != nil {
			e.Review.Subject = e.Submission
		}
		r, err := claims.Adjudicate(&replacement, w.plan, e)
		if err != nil {
			t.Fatal(err)
		}
		w.enter(r.Adds(), r.Takes())
		if after := w.standsAt(); after != before || r.NetPaid() != 0 || !netsToNothing(r) {
			t.Errorf("claim %d: net %s\n%s\nand before\n%s\n%+v", i, r.NetPaid(), after, before, r)
		}
	}
	if paid < 200 || drawn < 10 {
		t.Errorf("%d claims met something and %d drew, which tries little", paid, drawn)
	}
}

// netsToNothing says whether every line, and every adjustment of it, is taken back
// to the cent.
func netsToNothing(d *claims.Decision) bool {
	if d.Reversal == nil || len(d.Lines) != len(d.Reversal.Lines) || d.Charge != -d.Reversal.Charge || d.Allowed != -d.Reversal.Allowed || d.Patient != -d.Reversal.Patient {
		return false
	}
	for i, l := range d.Lines {
		back := d.Reversal.Lines[i]
		if l.Line != back.Line || l.Charge != -back.Charge || l.Allowed != -back.Allowed || l.Paid != -back.Paid || l.Patient != -back.Patient ||
			len(l.Adjustments) != len(back.Adjustments) {
			return false
		}
		for j, a := range l.Adjustments {
			if b := back.Adjustments[j]; a.Group != b.Group || a.CARC != b.CARC || a.RARC != b.RARC || a.Amount != -b.Amount {
				return false
			}
		}
	}
	return true
}
