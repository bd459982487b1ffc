package pricing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/contract"
	"github.com/countersign-health/countersign/claims/mpfs"
	"github.com/countersign-health/countersign/credentials"
)

// The rules by which a contract prices, as steps name them.
const (
	RulePercentOfCharge = "percent-of-charge"
	RuleCaseRate        = claims.RuleCaseRate
	RulePerDiem         = claims.RulePerDiem
	RuleList            = "fee-schedule"
)

// A bill is the lines of a claim that come to be priced.
type bill struct {
	fees     *Fees
	claim    *claims.Claim
	plan     *claims.Plan
	evidence *claims.Evidence
	lines    []*claims.Line
}

// price finds each line's fact: by its contract, or by the schedule. Lines of one
// contract for a case or a stay, and lines of one session under payment rules, are
// priced together.
func (b *bill) price() error {
	var bySchedule []*claims.Line
	for i := range b.plan.Contracts {
		t := &b.plan.Contracts[i]
		of := b.of(t)
		var err error
		switch {
		case len(of) == 0:
		case t.PercentOfFees != nil:
			bySchedule = append(bySchedule, of...)
		case t.PercentOfCharge != nil:
			for _, l := range of {
				b.byContract(l, RulePercentOfCharge, contract.PercentOfCharge(l.Charge, *t.PercentOfCharge),
					fmt.Sprintf("%s: %s of the charge", t.Name, t.PercentOfCharge))
			}
		case t.CaseRate != nil:
			b.divide(of, RuleCaseRate, *t.CaseRate, fmt.Sprintf("%s: the line's part of %s for the case", t.Name, *t.CaseRate))
		default:
			err = b.stay(of, t)
		}
		if err != nil {
			return fmt.Errorf("price by contract %q: %w", t.Name, err)
		}
	}
	return b.bySchedule(append(bySchedule, b.of(nil)...))
}

// of are the lines of one contract; of none where it is nil.
func (b *bill) of(t *claims.Contract) (lines []*claims.Line) {
	for _, l := range b.lines {
		if b.plan.ContractFor(b.claim.Billing.NPI, l) == t {
			lines = append(lines, l)
		}
	}
	return lines
}

func (b *bill) byContract(l *claims.Line, rule string, amount claims.Cents, words string) {
	factOf(b.evidence, l.Number).Priced = &claims.Priced{
		By: b.plan.Name + " " + b.plan.Edition, Steps: []claims.PricedStep{{Rule: rule, Amount: amount, Words: words}},
	}
}

// divide gives each line its part of an amount for all of them.
func (b *bill) divide(lines []*claims.Line, rule string, amount claims.Cents, words string) {
	charges := make([]claims.Cents, len(lines))
	for i, l := range lines {
		charges[i] = l.Charge
	}
	for i, part := range contract.CaseRate(amount, charges) {
		b.byContract(lines[i], rule, part, words)
	}
}

func (b *bill) stay(lines []*claims.Line, t *claims.Contract) error {
	first, last := lines[0].From, lines[0].To
	for _, l := range lines {
		first, last = min(first, l.From), max(last, l.To)
	}
	days, err := contract.Days(first, last)
	if err != nil {
		return err
	}
	var tiers []contract.Tier
	for _, d := range t.PerDiem {
		tiers = append(tiers, contract.Tier{FromDay: d.FromDay, Amount: d.Amount})
	}
	amount, err := contract.PerDiem(days, tiers)
	if err != nil {
		return err
	}
	b.divide(lines, RulePerDiem, amount, fmt.Sprintf("%s: the line's part of %s for %d days", t.Name, amount, days))
	return nil
}

// bySchedule prices by the fee edition. A list without a percentage leaves no
// fact: the rules read Fee themselves.
func (b *bill) bySchedule(lines []*claims.Line) error {
	slices.SortFunc(lines, func(x, y *claims.Line) int { return x.Number - y.Number })
	if !b.fees.HasRules() {
		for _, l := range lines {
			b.byList(l)
		}
		return nil
	}
	type session struct {
		npi credentials.NPI
		on  credentials.Date
	}
	var order []session
	sessions := map[session][]*claims.Line{}
	for _, l := range lines {
		key := session{factOf(b.evidence, l.Number).Standing.NPI, l.From}
		if sessions[key] == nil {
			order = append(order, key)
		}
		sessions[key] = append(sessions[key], l)
	}
	for _, key := range order {
		if err := b.session(key.on, sessions[key]); err != nil {
			return err
		}
	}
	return nil
}

func (b *bill) byList(l *claims.Line) {
	t := b.plan.ContractFor(b.claim.Billing.NPI, l)
	fact := factOf(b.evidence, l.Number)
	if t == nil {
		return
	}
	p := &claims.Priced{By: b.schedule()}
	if fact.Fee == nil || l.Unit == "MJ" {
		p.Review = "the fee schedule has no price for " + l.Code
	} else {
		amount := fact.Fee.Times(l.Units)
		words := fmt.Sprintf("%s a unit, %s units, at %s (%s)", fact.Fee, l.Units, t.PercentOfFees, t.Name)
		p.Steps = []claims.PricedStep{{Rule: RuleList, Amount: t.PercentOfFees.Of(amount), Words: words}}
	}
	fact.Priced = p
}

func (b *bill) schedule() string { return b.evidence.Fees.Name + " " + b.evidence.Fees.Edition }

// unlimited is a charge above every amount: the rules hold the worth against the
// charge, and show what each of the two takes off.
const unlimited claims.Cents = 1 << 50

// session prices what one clinician did on one day by the payment rules of that day.
func (b *bill) session(day credentials.Date, lines []*claims.Line) error {
	policy, err := mpfs.PolicyOn(day)
	if err != nil {
		return fmt.Errorf("price services on %s: %w", day, err)
	}
	var billed []mpfs.Billed
	for _, l := range lines {
		fact := factOf(b.evidence, l.Number)
		switch {
		case l.Unit == "MJ":
			fact.Priced = &claims.Priced{By: b.schedule(), Review: "minutes of anesthesia are not priced by this schedule"}
			continue
		case len(fact.Ranked) > 0:
			// What was paid whole may have to be reduced, and an earlier claim is final.
			fact.Priced = &claims.Priced{By: b.schedule(), Review: fmt.Sprintf("%s was paid on an earlier claim of this day, and the two are ranked together", strings.Join(fact.Ranked, ", "))}
			continue
		}
		billed = append(billed, mpfs.Billed{
			Line: l.Number, Code: l.Code, Modifiers: l.Modifiers, Units: l.Units, Charge: unlimited, Class: claims.PlaceClass(b.claim.PlaceOf(l)),
		})
	}
	for _, a := range b.fees.rules.Schedule.Session(policy, b.fees.rules.Weights, billed) {
		i := slices.IndexFunc(lines, func(l *claims.Line) bool { return l.Number == a.Line })
		factOf(b.evidence, a.Line).Priced = b.priced(lines[i], a)
	}
	return nil
}

// priced writes down what the payment rules say, every step at the edition's
// percentage and the contract's, so that each shows what it takes off.
func (b *bill) priced(l *claims.Line, a mpfs.Allowed) *claims.Priced {
	p := &claims.Priced{By: b.schedule()}
	switch a.Ruling.Verdict {
	case mpfs.Review:
		p.Review = a.Ruling.Words
		return p
	case mpfs.Refused:
		p.Refused, p.Words = a.Ruling.CARC, a.Ruling.Words
		return p
	}
	t, at := b.plan.ContractFor(b.claim.Billing.NPI, l), ""
	if percent := b.fees.rules.Percent; percent != 100_00 {
		at += ", at " + percent.String()
	}
	if t != nil {
		at += fmt.Sprintf(", at %s (%s)", t.PercentOfFees, t.Name)
	}
	for i, s := range a.Steps {
		amount, words := b.fees.rules.Percent.Of(s.After), s.Words
		if t != nil {
			amount = t.PercentOfFees.Of(amount)
		}
		if i == 0 {
			words += at
		}
		p.Steps = append(p.Steps, claims.PricedStep{Rule: s.Rule, CARC: s.CARC, Amount: amount, Words: words})
	}
	return p
}
