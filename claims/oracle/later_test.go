package oracle

import (
	"slices"
	"sort"

	"github.com/countersign-health/countersign/claims"
)

// What rules/2 does otherwise than rules/1, in the words of docs/adjudication.md:
// all lines go through a stage before the next begins. What concerns a line
// alone; global days; add-ons; then the money, for the lines that nothing has
// stopped.

// A course is a claim on its way through the stages.
type course struct {
	*world
	order   []int    // by date of service, then number
	carc    []string // what a line is refused for, by its place in the claim
	stopped []bool
	waits   [][]claims.PendReason
}

// open says whether nothing has stopped a line. One that waits goes on, so that
// whoever settles it hears at once of all that there is to settle.
func (c *course) open(i int) bool { return !c.stopped[i] }

// deny refuses a line, or has a person do it where the plan leaves that code to
// one. What waits already is not refused: that can be done afterwards. Either way
// nothing more is asked of it.
func (c *course) deny(i int, carc string) {
	c.stopped[i] = true
	switch {
	case len(c.waits[i]) > 0:
	case c.refused || slices.Contains(c.plan.MachineDenials, carc):
		c.carc[i] = carc
	default:
		c.waits[i] = append(c.waits[i], claims.PendDenial)
	}
}

func decideLater(w *world) answer {
	n := len(w.claim.Lines)
	c := &course{world: w, order: make([]int, n), carc: make([]string, n), stopped: make([]bool, n), waits: make([][]claims.PendReason, n)}
	for i := range c.order {
		c.order[i] = i
	}
	sort.SliceStable(c.order, func(i, j int) bool {
		x, y := w.claim.Lines[c.order[i]], w.claim.Lines[c.order[j]]
		return x.From < y.From || x.From == y.From && x.Number < y.Number
	})
	c.alone()
	c.global()
	c.addOns()
	worths := c.price()

	a := answer{outcome: claims.Denied, lines: make([]lineAnswer, n), met: map[string]shares{}}
	for _, i := range c.order {
		l := &w.claim.Lines[i]
		for _, reason := range c.waits[i] {
			a.pends = append(a.pends, pend{l.Number, reason})
		}
		switch {
		case c.carc[i] != "":
			a.lines[i] = denied(l, c.carc[i])
		case len(c.waits[i]) == 0:
			a.outcome = claims.Paid
			a.lines[i] = c.share(&a, l, worths[i].allowed)
			c.finish(&a.lines[i], l, worths[i])
			if c.asked(l) {
				a.draws = append(a.draws, draw{w.claim.AuthorizationOf(l), l.Number, l.Units})
			}
		}
	}
	if len(a.pends) > 0 {
		return answer{outcome: claims.Pended, pends: a.pends}
	}
	return a
}

// alone asks of each line what concerns it alone. What is refused uses up neither
// units of an authorization nor of a benefit limit.
func (c *course) alone() {
	drawn, used := map[string]claims.Quantity{}, map[string]claims.Quantity{}
	const asksAuthorization = 10 // its place among the checks
	checks := []func(*claims.Line) finding{c.member, c.coverage, c.edition, c.payer, c.resembling, c.filingLater, c.onTheList, c.excluded, c.contracted,
		c.provider, func(l *claims.Line) finding { return c.authorizationLater(l, drawn) }, c.exclusion, c.terms, c.suited, c.coded,
		func(l *claims.Line) finding { return c.limit(l, used) }, c.uncovered}
	for _, i := range c.order {
		l, authorized := &c.claim.Lines[i], false
		for n, check := range checks {
			f := check(l)
			authorized = authorized || n == asksAuthorization && c.stayRule() == nil && c.asked(l) && f == finding{}
			if f.wait != "" {
				c.waits[i] = append(c.waits[i], f.wait)
			}
			if f.carc != "" {
				c.deny(i, f.carc)
				break
			}
		}
		if authorized && c.carc[i] == "" {
			drawn[c.claim.AuthorizationOf(l)+l.Code] += l.Units
		}
		if c.open(i) {
			for _, limit := range c.plan.BenefitLimits {
				if in(limit.Codes, l.Code) {
					used[limit.Name+period(limit, l)] += l.Units
				}
			}
		}
	}
}

// global refuses what belongs to a surgery of the same clinician, of this claim
// or of an earlier one that was paid.
func (c *course) global() {
	if c.plan.GlobalSurgery == nil {
		return
	}
	type operation struct {
		by   string
		line *claims.Line
	}
	var all []operation
	for i := range c.claim.Lines {
		if c.open(i) {
			all = append(all, operation{string(c.npi(&c.claim.Lines[i])), &c.claim.Lines[i]})
		}
	}
	for i := range c.earlier {
		if e := &c.earlier[i]; e.paid && !e.reversed && !e.otherMember {
			all = append(all, operation{string(e.renderer), &e.line})
		}
	}
	for _, i := range c.order {
		l := &c.claim.Lines[i]
		if !c.open(i) || !in(c.plan.GlobalSurgery.Included, l.Code) {
			continue
		}
		for _, o := range all {
			if o.line != l && o.by == string(c.npi(l)) && c.belongs(l, o.line) {
				c.deny(i, "97")
				break
			}
		}
	}
}

// belongs says whether a line lies in another's global days and no modifier
// takes it out: 57 the day before, 25 or 57 on the day, 24 behind it, as the
// plan lists them.
func (c *course) belongs(l, surgery *claims.Line) bool {
	before, after := 0, 0
	switch c.books.global(surgery.Code) {
	case "000":
	case "010":
		after = 10
	case "090":
		before, after = 1, 90
	default:
		return false
	}
	modifiers := c.plan.GlobalSurgery.SameDay
	switch {
	case l.From < surgery.From.AddDays(-before), l.From > surgery.From.AddDays(after):
		return false
	case l.From < surgery.From:
		modifiers = c.plan.GlobalSurgery.Before
	case l.From > surgery.From:
		modifiers = c.plan.GlobalSurgery.After
	}
	return !slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(modifiers, m) })
}

// addOns fall where the service beside which they stand is not there, or fell.
func (c *course) addOns() {
	for _, i := range c.order {
		l := &c.claim.Lines[i]
		if !c.open(i) {
			continue
		}
		isAddOn, beside := false, false
		for _, a := range c.plan.AddOns {
			if !in(a.Codes, l.Code) {
				continue
			}
			isAddOn = true
			for j := range c.claim.Lines {
				o := &c.claim.Lines[j]
				beside = beside || c.carc[j] == "" && o.From == l.From && c.npi(o) == c.npi(l) && in(a.Primary, o.Code)
			}
			for _, e := range c.earlier {
				beside = beside || e.paid && !e.reversed && !e.otherMember && e.line.From == l.From && e.renderer == c.npi(l) && in(a.Primary, e.line.Code)
			}
		}
		if isAddOn && !beside {
			c.deny(i, "107")
		}
	}
}
