package mpfs

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A Billed line is one service as it was billed.
type Billed struct {
	Line      int
	Code      string
	Modifiers []string
	Units     claims.Quantity
	Charge    claims.Cents
	Class     string // of place, see claims.PlaceClass
}

// An Allowed line is what the schedule and the payment rules make of it. Where
// the verdict is not Pays, the amount is zero and means nothing.
type Allowed struct {
	Line   int
	Ruling Ruling
	Amount claims.Cents
	Steps  []Step
}

// A Step is one rule that was applied, in order.
type Step struct {
	Rule          string
	CARC          string // of what it takes off; empty where it takes nothing
	Before, After claims.Cents
	Words         string
}

// The rules, in the order in which Session applies them.
const (
	RuleSchedule  = "fee-schedule"
	RuleBilateral = "both-sides"
	RuleMultiple  = "multiple-procedures"
	RuleAssistant = "assistant-at-surgery"
	RuleCoSurgeon = "co-surgeon"
	RuleCap       = "outpatient-cap"
	RuleCharge    = "lesser-of-charge"
)

// byReport are modifiers that change what a service is worth in a way that the
// schedule does not say; a person does.
var byReport = []string{"22", "52", "54", "55", "56", "73", "74", "78"}

// maxUnits bounds the units that are ranked one by one.
const maxUnits = 100

// Session prices what one clinician did for one patient on one day and in one
// session, in Medicare's order: the schedule's amount, both sides, several
// procedures, second persons, the outpatient cap, and the charge if it is less.
// Each step rounds to the cent, since each is shown. A line that waits for a
// person may have a rank among the others: whoever pays must wait for it too.
func (s *Schedule) Session(p Policy, w Weights, lines []Billed) []Allowed {
	all := make([]*priced, len(lines))
	for i := range lines {
		all[i] = s.begin(p, w, &lines[i])
	}
	s.surgeries(p, w, all)
	s.tests(w, all, '4', p.ImagingTechnical, p.ImagingProfessional)
	s.tests(w, all, '6', p.Cardiovascular, wholePE)
	s.tests(w, all, '7', p.Ophthalmology, wholePE)
	therapies(p, w, all)
	out := make([]Allowed, len(all))
	for i, l := range all {
		l.finish(p, w)
		out[i] = Allowed{Line: l.billed.Line, Ruling: l.ruling, Amount: l.amount, Steps: l.steps}
		if l.ruling.Verdict != Pays {
			out[i].Amount = 0
		}
	}
	return out
}

// priced is a line on its way.
type priced struct {
	billed *Billed
	row    *Row
	ruling Ruling
	units  int
	sides  claims.Rate  // shares of one side's amount
	one    claims.Cents // a unit, both sides where it was done on both
	amount claims.Cents
	steps  []Step
}

// begin finds the row, and the amount before any other line is looked at.
func (s *Schedule) begin(p Policy, w Weights, b *Billed) *priced {
	l := &priced{billed: b, sides: wholePE}
	l.row, l.ruling = Component(s, b.Code, b.Modifiers)
	switch {
	case l.ruling.Verdict != Pays:
		return l
	case b.Units <= 0 || b.Units%1000 != 0 || b.Units > maxUnits*1000:
		l.ruling = review(fmt.Sprintf("%s units are not priced by rule", b.Units))
		return l
	}
	for _, m := range b.Modifiers {
		if slices.Contains(byReport, m) {
			l.ruling = review("a service with modifier " + m + " is priced by report")
			return l
		}
	}
	l.units = int(b.Units / 1000)
	side := l.row.Price(w).Schedule.In(b.Class)
	l.one, l.amount = side, side*claims.Cents(l.units)
	l.step(RuleSchedule, "", 0, l.amount, l.row.Name()+" by the fee schedule")
	if slices.Contains(b.Modifiers, "50") {
		if l.ruling = Bilateral(p, l.row); l.ruling.Verdict != Pays {
			return l
		}
		l.sides = l.ruling.Rate
		l.one = l.sides.Of(side)
		l.to(RuleBilateral, "", l.one*claims.Cents(l.units), l.ruling.Words)
	}
	// Who is never paid for helping must not take a rank from who is.
	if r := l.helps(p); r.Verdict == Refused {
		l.ruling = r
	}
	return l
}

// helps is the first ruling against a second person who helped, if there is one.
func (l *priced) helps(p Policy) (r Ruling) {
	for _, m := range l.billed.Modifiers {
		switch {
		case slices.Contains(assistants, m):
			r = Assistant(p, l.row, m)
		case m == "62":
			r = CoSurgeon(p, l.row)
		case m == "66":
			r = Team(l.row)
		default:
			continue
		}
		if r.Verdict != Pays {
			return r
		}
	}
	return pays(wholePE, "")
}

func (l *priced) step(rule, carc string, before, after claims.Cents, words string) {
	l.steps = append(l.steps, Step{rule, carc, before, after, words})
}

// to moves the amount, and tells of it where it moves.
func (l *priced) to(rule, carc string, amount claims.Cents, words string) {
	if amount != l.amount {
		l.step(rule, carc, l.amount, amount, words)
		l.amount = amount
	}
}

// those are the lines that a rule on several procedures looks at.
func those(all []*priced, want func(*Row) bool) (found []*priced) {
	for _, l := range all {
		if l.ruling.Verdict == Pays && want(l.row) {
			found = append(found, l)
		}
	}
	return found
}

// surgeries ranks indicators 2 and 3.
func (s *Schedule) surgeries(p Policy, w Weights, all []*priced) {
	lines := those(all, func(r *Row) bool { return r.MultipleProcedure == '2' || r.MultipleProcedure == '3' })
	var units []Procedure
	for _, l := range lines {
		u := Procedure{Code: l.row.Code, EndoscopicBase: l.row.EndoscopicBase, Amount: l.one}
		if u.EndoscopicBase != "" {
			base := s.Row(u.EndoscopicBase, "")
			if base == nil || !base.Priced() {
				l.ruling = review("the schedule has no price for the base code " + u.EndoscopicBase)
			} else {
				u.Base = l.sides.Of(base.Price(w).Schedule.In(l.billed.Class))
			}
		}
		for range l.units {
			units = append(units, u)
		}
	}
	reduced := Surgeries(p, units)
	for _, l := range lines {
		var sum claims.Cents
		first := reduced[0]
		for _, u := range reduced[:l.units] {
			sum += u.Amount
			if u.Review {
				l.ruling = review("behind the fifth procedure of a day, the price is by report")
			}
		}
		reduced = reduced[l.units:]
		l.to(RuleMultiple, CARCConcurrent, sum, fmt.Sprintf("rank %d among the procedures of the day", first.Rank))
	}
}

// tests applies one indicator's rule on diagnostic tests.
func (s *Schedule) tests(w Weights, all []*priced, indicator Indicator, technical, professional claims.Rate) {
	lines := those(all, func(r *Row) bool {
		return r.MultipleProcedure == indicator && (indicator != '4' || r.ImagingFamily == "88")
	})
	var units []Test
	for _, l := range lines {
		t, ok := s.parts(w, l)
		if !ok && (len(lines) > 1 || l.units > 1) {
			l.ruling = review("its technical part is another code's; a person reduces it")
		}
		for range l.units {
			units = append(units, t)
		}
	}
	amounts := Tests(technical, professional, units)
	for _, l := range lines {
		var reduced, capped claims.Cents
		for _, a := range amounts[:l.units] {
			reduced, capped = reduced+a.Reduced, capped+a.Amount
		}
		amounts = amounts[l.units:]
		l.to(RuleMultiple, CARCConcurrent, reduced, "with another test of its kind in the session")
		l.to(RuleCap, claims.CARCContractual, capped, "the technical part as in a hospital's outpatient department")
	}
}

// parts divides a unit into technical and professional part; not ok where the
// parts are codes of their own (PC/TC indicator 4).
func (s *Schedule) parts(w Weights, l *priced) (t Test, ok bool) {
	in := func(r *Row) (amount claims.Cents, bound *claims.Cents) {
		p := r.Price(w)
		if p.Cap != nil {
			c := l.sides.Of(p.Cap.In(l.billed.Class))
			bound = &c
		}
		return l.sides.Of(p.Schedule.In(l.billed.Class)), bound
	}
	t.Whole = l.one
	_, t.Cap = in(l.row)
	switch {
	case l.row.Modifier == "26" || l.row.PCTC == '2':
		t.Professional = t.Whole
	case l.row.Modifier == "TC" || l.row.PCTC == '3':
		t.Technical, t.TechnicalCap = in(l.row)
	default:
		pc, tc := s.Row(l.row.Code, "26"), s.Row(l.row.Code, "TC")
		if pc == nil || tc == nil {
			return t, false
		}
		t.Professional, _ = in(pc)
		t.Technical, t.TechnicalCap = in(tc)
	}
	return t, true
}

// therapies applies indicator 5.
func therapies(p Policy, w Weights, all []*priced) {
	lines := those(all, func(r *Row) bool { return r.MultipleProcedure == '5' })
	var units []Therapy
	for _, l := range lines {
		for range l.units {
			units = append(units, Therapy{l.row, l.billed.Class})
		}
	}
	amounts := Therapies(p, w, units)
	for _, l := range lines {
		var sum claims.Cents
		for _, a := range amounts[:l.units] {
			sum += l.sides.Of(a)
		}
		amounts = amounts[l.units:]
		l.to(RuleMultiple, CARCConcurrent, sum, "practice expense of therapy is paid whole once a day")
	}
}

// finish applies what concerns the line alone.
func (l *priced) finish(p Policy, w Weights) {
	for _, m := range l.billed.Modifiers {
		switch {
		case l.ruling.Verdict != Pays:
			return
		case slices.Contains(assistants, m):
			l.share(RuleAssistant, Assistant(p, l.row, m))
		case m == "62":
			l.share(RuleCoSurgeon, CoSurgeon(p, l.row))
		case m == "66":
			l.ruling = Team(l.row)
		}
	}
	if l.ruling.Verdict != Pays {
		return
	}
	if c := l.row.Price(w).Cap; c != nil {
		most := l.sides.Of(c.In(l.billed.Class)) * claims.Cents(l.units)
		l.to(RuleCap, claims.CARCContractual, Lesser(l.amount, most), "as in a hospital's outpatient department")
	}
	l.to(RuleCharge, "", Lesser(l.billed.Charge, l.amount), "no more than was charged")
	l.ruling = pays(wholePE, "by the fee schedule and its payment rules")
}

func (l *priced) share(rule string, r Ruling) {
	if l.ruling = r; r.Verdict == Pays {
		l.to(rule, CARCConcurrent, r.Rate.Of(l.amount), r.Words)
	}
}
