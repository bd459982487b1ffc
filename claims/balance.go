package claims

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// maxUnits and maxFee bound what is multiplied, so that nothing overflows.
const (
	maxUnits Quantity = 100_000_000 // 100,000 units
	maxFee            = maxLimit
)

// belong finds the rules, and refuses a claim, plan edition and evidence that are not about the
// same thing, and facts that no gathering could have found. Such a mistake is
// ours, not the provider's: it must never come out as a denial.
func belong(c *Claim, p *Plan, e *Evidence) (*rules, error) {
	r, err := rulesNamed(p.Rules)
	if err != nil {
		return nil, err
	}
	if err := belongTogether(c, p, e); err != nil {
		return nil, err
	}
	return r, laterBelongs(c, p, e)
}

// laterBelongs judges the facts that rules/1 knows nothing of.
func laterBelongs(c *Claim, p *Plan, e *Evidence) error {
	for i := range e.Lines {
		f := &e.Lines[i]
		if p.Rules == Rules1 && (f.later() || e.Used != nil || e.Priced != nil) {
			return fmt.Errorf("line %d: the evidence has facts that %s does not read", f.Line, p.Rules)
		}
		if err := f.pricesBelong(p); err != nil {
			return fmt.Errorf("line %d: %w", f.Line, err)
		}
	}
	if err := e.stayBelongs(c, p); err != nil {
		return err
	}
	if err := exclusionsBelong(c, p, e); err != nil {
		return err
	}
	for _, l := range p.BenefitLimits {
		for i := range c.Lines {
			if line := &c.Lines[i]; l.Codes.Has(line.Code) && e.used(l.Name, l.Per.Of(line.From)) == nil {
				return fmt.Errorf("line %d: nothing says what was used of %q before", line.Number, l.Name)
			}
		}
	}
	return nil
}

func belongTogether(c *Claim, p *Plan, e *Evidence) error {
	switch {
	case c.Frequency != Original && c.Frequency != Replacement:
		return fmt.Errorf("frequency %q is not decided", c.Frequency)
	case e.Plan != p.Ref():
		return fmt.Errorf("the evidence was gathered for plan edition %q %q, this is another one", e.Plan.Name, e.Plan.Edition)
	case e.Fees.Name != p.FeeSchedule:
		return fmt.Errorf("the evidence was priced by %q, the plan wants %q", e.Fees.Name, p.FeeSchedule)
	case e.Received == "" || e.Number < 1:
		return errors.New("the evidence lacks the day of receipt or the number of the decision")
	case len(c.Lines) == 0 || len(e.Lines) != len(c.Lines):
		return fmt.Errorf("the claim has %d lines, the evidence %d", len(c.Lines), len(e.Lines))
	}
	if err := originalBelongs(c, e); err != nil {
		return err
	}
	if err := e.Review.answers(e.Submission, e.Number); err != nil {
		return err
	}
	if err := e.appealsBelong(c); err != nil {
		return err
	}
	var sum Cents
	for i := range c.Lines {
		l := &c.Lines[i]
		if err := lineBelongs(c, p, l, e); err != nil {
			return fmt.Errorf("line %d: %w", l.Number, err)
		}
		if err := termsBelong(p, e.lineFact(l.Number)); err != nil {
			return fmt.Errorf("line %d: %w", l.Number, err)
		}
		for j := range i {
			if c.Lines[j].Number == l.Number {
				return fmt.Errorf("line %d is there twice", l.Number)
			}
		}
		sum += l.Charge
	}
	if sum != c.Charge {
		return fmt.Errorf("the lines' charges sum up to %s, the claim's is %s", sum, c.Charge)
	}
	return periodsBelong(c, e)
}

func lineBelongs(c *Claim, p *Plan, l *Line, e *Evidence) error {
	f := e.lineFact(l.Number)
	switch {
	case f == nil:
		return errors.New("no facts about it")
	case l.Charge < 0 || l.Charge > maxLimit || l.Units <= 0 || l.Units > maxUnits:
		return errors.New("its charge or units are out of bounds")
	case f.Fee != nil && (*f.Fee < 0 || *f.Fee > maxFee):
		return errors.New("its fee is out of bounds")
	case l.From == "" || l.To < l.From:
		return errors.New("its dates of service are not in order")
	case f.Duplicate != NotDuplicate && f.Duplicate != ExactDuplicate && f.Duplicate != NearDuplicate:
		return fmt.Errorf("its likeness %q is not known", f.Duplicate)
	}
	named := c.AuthorizationOf(l)
	if f.Authorization == nil && named != "" || f.Authorization != nil && f.Authorization.Number != named {
		return errors.New("the facts are about another prior authorization than the line names")
	}
	clinician := p.clinicianOf(c, l, &f.Standing)
	if err := standingBelongs(clinician, l.From, &f.Standing); err != nil {
		return err
	}
	if w := f.StandingWithin; w != nil {
		if w.On <= l.From || w.On >= l.To {
			return fmt.Errorf("the standing is for %s, which is not between its first and last day", w.On)
		}
		if err := standingBelongs(clinician, w.On, w); err != nil {
			return err
		}
	}
	if f.StandingLast == nil {
		return nil
	}
	return standingBelongs(clinician, l.To, f.StandingLast)
}

// standingBelongs wants the standing of whom the claim names, on that day.
func standingBelongs(named *Provider, on credentials.Date, s *StandingFact) error {
	switch {
	case named != nil && (s.NPI != named.NPI || s.Rostered):
		return errors.New("the standing is of another clinician than the claim names")
	case named == nil && s.NPI != "" && !s.Rostered:
		return errors.New("the standing is of a clinician whom neither the claim nor the roster names")
	case s.NPI != "" && s.On != on:
		return fmt.Errorf("the standing is for %s, the service was on %s", s.On, on)
	}
	return nil
}

// periodsBelong wants each period once, and all that the lines touch.
func periodsBelong(c *Claim, e *Evidence) error {
	for i, a := range e.Accumulators {
		for _, b := range e.Accumulators[:i] {
			if a.Period == b.Period {
				return fmt.Errorf("period %s is there twice", a.Period)
			}
		}
		for _, v := range []Cents{a.DeductibleIndividual, a.DeductibleFamily, a.OutOfPocketPerson, a.OutOfPocketFamily} {
			if v < 0 || v > 1000*maxLimit {
				return fmt.Errorf("what was met in period %s is out of bounds", a.Period)
			}
		}
	}
	a := adjudication{met: e.Accumulators}
	for i := range c.Lines {
		if e.Member.Found && a.period(c.Lines[i].From) == nil {
			return fmt.Errorf("line %d: nothing says what was met in period %s", c.Lines[i].Number, PeriodOf(c.Lines[i].From))
		}
	}
	return nil
}

// answers wants a determination to be about this submission and about an
// earlier decision on it. None at all is fine.
func (r *Determination) answers(submission credentials.Handle, number int) error {
	if r != nil && (r.Subject != submission || r.Number < 1 || r.Number >= number) {
		return errors.New("the determination is about another submission or decision")
	}
	return nil
}

// balance proves the decision before anybody sees it: every cent of the charge
// is paid, owed by the patient, or adjusted for a reason, once.
func (d *Decision) balance() error {
	var charge, allowed, paid, patient Cents
	for i := range d.Lines {
		l := &d.Lines[i]
		if err := l.balance(); err != nil {
			return fmt.Errorf("line %d does not balance: %w", l.Line, err)
		}
		charge, allowed, paid, patient = charge+l.Charge, allowed+l.Allowed, paid+l.Paid, patient+l.Patient
	}
	if charge != d.Charge || allowed != d.Allowed || paid != d.Paid || patient != d.Patient {
		return errors.New("the claim's amounts are not the sums of its lines'")
	}
	var met Cents
	for _, m := range d.Met {
		met += m.OutOfPocketPerson
		if m.DeductibleIndividual > m.OutOfPocketPerson {
			return errors.New("more goes to the deductible than the patient owes")
		}
	}
	if met != patient {
		return fmt.Errorf("the patient owes %s, the accumulators grow by %s", patient, met)
	}
	return nil
}

func (l *LineDecision) balance() error {
	var adjusted, patient, withheld, above Cents
	for _, a := range l.Adjustments {
		if a.CARC == CARCAboveCharge {
			above -= a.Amount
		}
		if a.Amount == 0 || a.Amount < 0 != (a.CARC == CARCAboveCharge) {
			return fmt.Errorf("adjustment %s-%s of %s", a.Group, a.CARC, a.Amount)
		}
		adjusted += a.Amount
		if a.Group == Patient {
			patient += a.Amount
		}
		if a.CARC == CARCSequestration {
			withheld += a.Amount
		}
	}
	if l.Outcome == Pended {
		if len(l.Adjustments) > 0 || l.Paid != 0 || l.Patient != 0 || l.Allowed != 0 {
			return errors.New("it waits and carries money")
		}
		return nil
	}
	switch {
	case l.Charge-adjusted != l.Paid:
		return fmt.Errorf("charge %s less adjustments %s is not %s", l.Charge, adjusted, l.Paid)
	case patient != l.Patient || l.Paid+l.Patient+withheld != l.Allowed:
		return fmt.Errorf("paid %s, patient %s and withheld %s are not the allowed %s", l.Paid, l.Patient, withheld, l.Allowed)
	case l.Paid < 0 || l.Patient < 0 || l.Allowed > l.Charge+above:
		return errors.New("an amount is below zero or above the charge")
	case l.Outcome == Denied && l.Allowed != 0:
		return errors.New("it is denied and allows something")
	case len(l.Steps) == 0 || l.Steps[len(l.Steps)-1].After != l.Paid:
		return errors.New("its steps do not lead to what is paid")
	}
	return nil
}
