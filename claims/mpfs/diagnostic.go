package mpfs

import "github.com/countersign-health/countersign/claims"

// A Test is one unit of a diagnostic test as the rules on several tests of one
// session see it (indicator 4 with an imaging family, 6 or 7). A part that was
// not billed is zero.
type Test struct {
	Whole                   claims.Cents // as billed: both parts, or the one
	Technical, Professional claims.Cents // of Whole, by the schedule
	// Cap bounds Whole and TechnicalCap the technical part in it (OPPS); nil
	// where nothing does.
	Cap, TechnicalCap *claims.Cents
}

// A TestAmount is what is paid of a test.
type TestAmount struct {
	Reduced claims.Cents // after the rule on several tests
	Amount  claims.Cents // after the cap too
}

// Tests pays the dearest technical part whole and the others at one rate, and
// the professional parts likewise by their own rank. What is taken off comes off
// the whole, so that the dearest keeps the amount that CMS lists. The cap comes
// afterwards: a technical part that is reduced below it is not cut twice.
func Tests(technical, professional claims.Rate, all []Test) []TestAmount {
	out := make([]TestAmount, len(all))
	dearestT := dearest(all, func(t *Test) claims.Cents { return t.Technical })
	dearestP := dearest(all, func(t *Test) claims.Cents { return t.Professional })
	for i := range all {
		t := &all[i]
		partT, partP := t.Technical, t.Professional
		if i != dearestT {
			partT = technical.Of(partT)
		}
		if i != dearestP {
			partP = professional.Of(partP)
		}
		a := t.Whole - (t.Technical - partT) - (t.Professional - partP)
		out[i] = TestAmount{Reduced: a, Amount: a}
		switch {
		case a == t.Whole && t.Cap != nil:
			out[i].Amount = min(a, *t.Cap)
		case t.TechnicalCap != nil:
			out[i].Amount -= max(0, partT-*t.TechnicalCap)
		}
	}
	return out
}

// dearest is the first of those of the greatest amount.
func dearest[T any](all []T, amount func(*T) claims.Cents) int {
	best := 0
	for i := range all {
		if amount(&all[i]) > amount(&all[best]) {
			best = i
		}
	}
	return best
}

// A Therapy is one unit of a therapy service (indicator 5): several units of one
// code are several of them.
type Therapy struct {
	Row   *Row
	Class string // of place, see claims.PlaceClass
}

// Therapies pays the practice expense of the unit that has most of it whole,
// and of every other unit at the policy's rate; work and malpractice are paid
// whole. Units that have as much count in the order given.
func Therapies(p Policy, w Weights, all []Therapy) []claims.Cents {
	out := make([]claims.Cents, len(all))
	whole := dearest(all, func(t *Therapy) claims.Cents {
		return cents(t.Row.Factor, w, 0, t.Row.practiceExpense(t.Class), 0)
	})
	for i, t := range all {
		share := p.Therapy
		if i == whole {
			share = wholePE
		}
		out[i] = centsOfPE(t.Row.Factor, w, t.Row.Work, t.Row.practiceExpense(t.Class), t.Row.Malpractice, share)
	}
	return out
}

func (r *Row) practiceExpense(class string) RVU {
	if class == claims.Facility {
		return r.FacilityPE
	}
	return r.NonFacilityPE
}
