package claims

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// Adjudicate decides a claim under one edition of a plan, from the facts in
// the evidence and nothing else: whoever has the three computes the same
// decision. A denial or a pend is a decision; an error means that the three do
// not belong together, or that the sums would not balance, and that nothing
// was decided. The rules are those of the released edition that the plan names.
//
// Lines are decided by date of service, then line number, since the first to
// come meets the deductible; they are reported in the claim's order. A line that
// waits for something makes the whole claim wait: nothing of it is paid.
func Adjudicate(c *Claim, p *Plan, e *Evidence) (*Decision, error) {
	if c.Frequency == Void {
		d, err := voided(c, p, e)
		if err != nil {
			return nil, fmt.Errorf("adjudicate: %w", err)
		}
		return d, nil
	}
	a, err := begin(c, p, e)
	if err != nil {
		return nil, fmt.Errorf("adjudicate: %w", err)
	}
	if err := a.pricedAmong(); err != nil {
		return nil, fmt.Errorf("adjudicate: %w", err)
	}
	for _, stage := range a.money() {
		a.run(stage)
	}
	d := a.decision()
	if err := d.balance(); err != nil {
		return nil, fmt.Errorf("adjudicate: %w", err)
	}
	return d, nil
}

// begin takes a claim through all stages before the money.
func begin(c *Claim, p *Plan, e *Evidence) (*adjudication, error) {
	r, err := belong(c, p, e)
	if err != nil {
		return nil, err
	}
	a := &adjudication{rules: r, claim: c, plan: p, evidence: e, met: slices.Clone(e.Accumulators), copaid: map[string]Cents{}}
	for i := range c.Lines {
		l := &c.Lines[i]
		a.lines = append(a.lines, work{line: l, fact: e.lineFact(l.Number), payable: l.Charge, trail: r.trail})
	}
	a.order = a.inServiceOrder()
	if c.Frequency == Replacement && e.Original == nil {
		a.run([]check{(*adjudication).replaces})
	}
	stages := r.stages
	switch {
	case a.hospital():
		stages = r.hospital
	case c.Institutional != nil:
		a.run([]check{(*adjudication).institutional})
	}
	for _, stage := range stages {
		a.run(stage)
	}
	return a, nil
}

// money are the stages in which the lines that nothing stopped are paid.
func (a *adjudication) money() [][]check {
	if a.hospital() {
		return a.rules.hospitalMoney
	}
	return [][]check{a.rules.money}
}

// An adjudication is one claim on its way through the rules.
type adjudication struct {
	rules    *rules
	claim    *Claim
	plan     *Plan
	evidence *Evidence
	lines    []work           // in the claim's order
	order    []*work          // in the order of service
	decided  []*work          // in the order of decision, as far as the stage has come
	met      []Accumulators   // with what this claim's lines have added so far
	copaid   map[string]Cents // of a hospital's benefit, so far
}

// work is one line on its way through the rules. Payable starts at the charge
// and ends at what the plan pays.
type work struct {
	line        *Line
	fact        *LineFact
	payable     Cents
	allowed     Cents
	denied      bool
	stopped     bool // by a check: it goes through no other
	trail       bool // steps carry codes
	adjustments []Adjustment
	steps       []Step
	pends       []Pend
	draw        *Draw
	share       Share
}

func (a *adjudication) inServiceOrder() []*work {
	var order []*work
	for i := range a.lines {
		order = append(order, &a.lines[i])
	}
	slices.SortFunc(order, func(x, y *work) int {
		return cmp.Or(cmp.Compare(x.line.From, y.line.From), cmp.Compare(x.line.Number, y.line.Number))
	})
	return order
}

// run takes the lines through one stage, each check of which says whether to go
// on. A line with a pend goes on, so that everything it waits for is known at
// once; but it is neither denied nor paid any more.
func (a *adjudication) run(stage []check) {
	a.decided = nil
	for _, w := range a.order {
		for _, check := range stage {
			if w.stopped {
				break
			}
			w.stopped = !check(a, w)
		}
		a.decided = append(a.decided, w)
	}
}

// pass names a rule that left the line as it was.
func (w *work) pass(rule, edition, note string) bool {
	w.step(rule, edition, w.payable, note, "", "")
	return true
}

// step names a rule that leads from one amount to what is payable now.
func (w *work) step(rule, edition string, before Cents, note, carc, rarc string) {
	s := Step{Rule: rule, Edition: edition, Before: before, After: w.payable, Note: note}
	if w.trail && carc != "" {
		s.Group, _ = GroupOf(carc)
		s.CARC, s.RARC = carc, rarc
	}
	w.steps = append(w.steps, s)
}

// adjust takes an amount off what is payable. Nothing is written for zero.
func (w *work) adjust(carc string, amount Cents) {
	if amount == 0 {
		return
	}
	group, _ := GroupOf(carc)
	w.adjustments = append(w.adjustments, Adjustment{Group: group, CARC: carc, Amount: amount})
	w.payable -= amount
}

// refuse denies the whole line, where the plan lets the machine do so or a
// reviewer has said so. It always ends the line. Rules ask deny, which hears
// appeals first; refuse is for what no appeal can mend.
func (a *adjudication) refuse(w *work, rule, edition, carc, rarc, note string) bool {
	switch {
	case len(w.pends) > 0:
		// What it waits for comes first: the denial can be given afterwards.
	case !a.plan.MayDeny(carc) && !a.refused():
		a.pend(w, rule, edition, PendDenial, note)
	default:
		before := w.payable
		w.adjust(carc, w.payable)
		if n := len(w.adjustments); n > 1 && w.adjustments[n-2].CARC == carc {
			w.adjustments[n-2].Amount += w.adjustments[n-1].Amount // a hospital's own non-covered charge, and now the rest
			w.adjustments = w.adjustments[:n-1]
		}
		if n := len(w.adjustments); n > 0 {
			w.adjustments[n-1].RARC = rarc
		}
		w.denied = true
		w.step(rule, edition, before, note, carc, rarc)
	}
	return false
}

// pend makes the line wait, unless a reviewer has settled what it waits for.
// It always goes on.
func (a *adjudication) pend(w *work, rule, edition string, reason PendReason, note string) bool {
	if a.approved() && reason.ClearedByReview() {
		return w.pass(rule, edition, note+"; a reviewer approved it")
	}
	p := Pend{Line: w.line.Number, Reason: reason, Note: note}
	if a.rules.trail {
		p.By = a.evidence.Received.AddDays(a.plan.PendDays)
	}
	w.pends = append(w.pends, p)
	return w.pass(rule, edition, note)
}

func (a *adjudication) approved() bool { return a.evidence.Review != nil && a.evidence.Review.Approve }
func (a *adjudication) refused() bool  { return a.evidence.Review != nil && !a.evidence.Review.Approve }

// terms names the plan edition as a step does.
func (p *Plan) terms() string { return p.Name + " " + p.Edition }

// lineFact finds the facts of a line, nil where there are none.
func (e *Evidence) lineFact(number int) *LineFact {
	for i := range e.Lines {
		if e.Lines[i].Line == number {
			return &e.Lines[i]
		}
	}
	return nil
}

// period finds what has been met so far in the benefit period of a day.
func (a *adjudication) period(day credentials.Date) *Accumulators {
	for i := range a.met {
		if a.met[i].Period == PeriodOf(day) {
			return &a.met[i]
		}
	}
	return nil
}

// decision writes up what became of the lines.
func (a *adjudication) decision() *Decision {
	e := a.evidence
	d := &Decision{
		Submission: e.Submission, Claim: a.claim.Number, Number: e.Number,
		Rules: a.rules.name, Plan: e.Plan, Fees: e.Fees, Charge: a.claim.Charge,
	}
	if e.ExclusionList != nil {
		d.ExclusionList = e.ExclusionList.List
	}
	for i := range a.lines {
		d.Pends = append(d.Pends, a.lines[i].pends...)
	}
	d.Outcome = Denied
	for i := range a.lines {
		w := &a.lines[i]
		l := w.decision(len(d.Pends) > 0)
		d.Lines = append(d.Lines, l)
		d.Allowed += l.Allowed
		d.Paid += l.Paid
		d.Patient += l.Patient
		if l.Outcome == Paid {
			d.Outcome = Paid
			if w.draw != nil {
				d.Draws = append(d.Draws, *w.draw)
			}
		}
	}
	if len(d.Pends) > 0 {
		d.Outcome = Pended
		return d
	}
	if draw := a.stayDraw(); draw != nil {
		d.Draws = append(d.Draws, *draw)
	}
	d.Met = a.added()
	d.Whole = a.whole()
	if e.Original != nil {
		d.Reversal = e.Original.Reverse()
	}
	return d
}

// decision of a line. Where the claim pends, no line of it carries money: its
// steps say how far it came.
func (w *work) decision(pended bool) LineDecision {
	d := LineDecision{Line: w.line.Number, Outcome: Paid, Charge: w.line.Charge, Steps: w.steps}
	switch {
	case pended:
		d.Outcome = Pended
		return d
	case w.denied:
		d.Outcome = Denied
	}
	d.Allowed, d.Paid, d.Patient, d.Adjustments = w.allowed, w.payable, w.share.Total(), w.adjustments
	return d
}

// added is what this claim's paid lines add to each period that they touch, in
// order of period. Periods to which nothing is added are left out.
func (a *adjudication) added() []Accumulators {
	var all []Accumulators
	for i, now := range a.met {
		was := a.evidence.Accumulators[i]
		add := Accumulators{
			Period:               now.Period,
			DeductibleIndividual: now.DeductibleIndividual - was.DeductibleIndividual,
			DeductibleFamily:     now.DeductibleFamily - was.DeductibleFamily,
			OutOfPocketPerson:    now.OutOfPocketPerson - was.OutOfPocketPerson,
			OutOfPocketFamily:    now.OutOfPocketFamily - was.OutOfPocketFamily,
		}
		if add != (Accumulators{Period: now.Period}) {
			all = append(all, add)
		}
	}
	slices.SortFunc(all, func(x, y Accumulators) int { return cmp.Compare(x.Period, y.Period) })
	return all
}
