// Package estimate is what a hospital can work out of a claim by itself: the
// decision under an edition that the insurer has published, by the same rules, on
// facts that are taken for granted where only the insurer or a board knows them.
// It says which those are. An estimate is no decision: nobody has signed it.
package estimate

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// An Assumption is a fact that was taken for granted. Lines are those that rest on
// it; none where the whole claim does.
type Assumption struct {
	Fact  Fact  `json:"fact"`
	Lines []int `json:"lines,omitempty"`
}

// A Fact is what only the insurer or a board knows.
type Fact string

const (
	Covered      Fact = "covered"       // the patient is a member, by this name and birthday, covered on every day
	NothingMet   Fact = "nothing-met"   // of deductible and out-of-pocket maximum, by the patient and the family
	FirstOfKind  Fact = "first-of-kind" // no earlier claim has the same or nearly the same line
	Licensed     Fact = "licensed"      // the clinician was licensed there, without restriction, on every day
	Authorized   Fact = "authorized"    // the prior authorization covers the line, with enough units left
	LimitsUnused Fact = "limits-unused" // nothing was used of the plan's benefit limits
	NoSurgery    Fact = "no-surgery"    // no earlier surgery's amount covers the line
	NotRostered  Fact = "not-rostered"  // the insurer's roster does not name who gave the service
	Unsigned     Fact = "unsigned"      // no clinician's signature comes with the claim
	NotExcluded  Fact = "not-excluded"  // nobody who had a part in it stands on the plan's list of excluded providers
	TakenBack    Fact = "taken-back"    // the claim that it names stands, and is taken back as though it had never been
)

// Words are the fact in plain words.
func (f Fact) Words() string {
	return map[Fact]string{
		Covered:      "the patient is a member, by this name and birthday, and covered on every day of service",
		NothingMet:   "patient and family have met nothing yet of the deductible and the out-of-pocket maximum",
		FirstOfKind:  "no earlier claim has the same line, or nearly the same",
		Licensed:     "the clinician was licensed there, without restriction, on every day of service",
		Authorized:   "the prior authorization covers the line and has enough units left",
		LimitsUnused: "nothing was used yet of the plan's benefit limits",
		NoSurgery:    "no earlier surgery's amount covers the line, and no earlier claim has the service that it adds to",
		NotRostered:  "the insurer's roster does not name who gave the service either",
		Unsigned:     "no clinician's signature is sent with the claim",
		NotExcluded:  "nobody who had a part in it is excluded from payment, by the list that the plan names",
		TakenBack:    "the claim that it names stands; what was paid on it is taken back besides",
	}[f]
}

// An Edition is a published plan with the fee schedule that prices it.
type Edition struct {
	plan       *claims.Plan
	fees       *pricing.Fees
	conditions *terms.Conditions
	list       *exclusions.List
}

// ParseEdition reads the two files as they were published.
func ParseEdition(plan, fees []byte) (*Edition, error) {
	p, err := claims.ParsePlan(plan)
	if err != nil {
		return nil, err
	}
	conditions, err := terms.Compile(p)
	if err != nil {
		return nil, err
	}
	f, err := pricing.ParseFees(fees)
	if err != nil {
		return nil, err
	}
	return &Edition{plan: p, fees: f, conditions: conditions}, nil
}

// Name is of the plan and its edition.
func (e *Edition) Name() string { return e.plan.Name + " " + e.plan.Edition }

// ExclusionList is the list of excluded providers that the plan names, "" where it
// names none.
func (e *Edition) ExclusionList() string { return e.plan.Providers.ExclusionList }

// Exclude has claims worked out by a list of excluded providers.
func (e *Edition) Exclude(l *exclusions.List) error {
	if l.Name != e.ExclusionList() {
		return fmt.Errorf("the list is %q, the plan names %q", l.Name, e.ExclusionList())
	}
	e.list = l
	return nil
}

// Hospitals says whether the plan has terms for institutional claims.
func (e *Edition) Hospitals() bool { return e.plan.Hospital != nil }

// Of estimates a claim as if received on that day. An error means that the rules
// give no decision on it, whatever the facts.
func (e *Edition) Of(c *claims.Claim, received credentials.Date) (*claims.Decision, []Assumption, error) {
	if c.Changes() {
		return e.ofChange(c, received)
	}
	ev, err := e.evidence(c, received)
	if err != nil {
		return nil, nil, fmt.Errorf("estimate: %w", err)
	}
	d, err := claims.Adjudicate(c, e.plan, ev)
	if err != nil {
		return nil, nil, fmt.Errorf("estimate: %w", err)
	}
	return d, e.assumed(c), nil
}

// evidence is what is known of a claim, and what is taken for granted.
func (e *Edition) evidence(c *claims.Claim, received credentials.Date) (*claims.Evidence, error) {
	ev := &claims.Evidence{
		Number: 1, Received: received, Plan: e.plan.Ref(), Fees: e.fees.Ref(e.plan.FeeSchedule, "as given"),
		Member: claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "0001-01-01"}}},
	}
	for _, period := range c.Periods() {
		ev.Accumulators = append(ev.Accumulators, claims.Accumulators{Period: period})
	}
	for i := range c.Lines {
		ev.Lines = append(ev.Lines, e.line(c, &c.Lines[i], ev))
	}
	if in := c.Institutional; e.plan.StayRule(c) != nil && c.Authorization != "" {
		days := max(in.From, in.Begins()).DaysUntil(in.Through) + 1
		ev.Stay = &claims.AuthorizationFact{Number: c.Authorization, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: min(in.From, in.Begins()), Until: in.Through, Left: claims.Quantity(days) * 1000, Code: "0100"}
	}
	if name := e.ExclusionList(); name != "" {
		list := e.list
		if list == nil {
			list = &exclusions.List{Name: name, Edition: "not given", AsOf: received}
		}
		ev.ExclusionList = list.Facts(c, ev, received)
	}
	return ev, e.fees.Complete(c, e.plan, ev)
}

// ofChange estimates what takes the place of the claim that this one names: the
// insurer alone knows what was decided on that one. A void puts nothing there.
func (e *Edition) ofChange(c *claims.Claim, received credentials.Date) (*claims.Decision, []Assumption, error) {
	if c.Frequency == claims.Void {
		d, err := claims.Adjudicate(c, e.plan, &claims.Evidence{
			Number: 1, Received: received, Plan: e.plan.Ref(), Fees: e.fees.Ref(e.plan.FeeSchedule, "as given"),
		})
		return d, []Assumption{{Fact: TakenBack}}, err
	}
	alone := *c
	alone.Frequency, alone.OriginalReference = claims.Original, ""
	d, assumed, err := e.Of(&alone, received)
	return d, append([]Assumption{{Fact: TakenBack}}, assumed...), err
}

// line takes for granted what speaks for a line.
func (e *Edition) line(c *claims.Claim, l *claims.Line, ev *claims.Evidence) claims.LineFact {
	f := claims.LineFact{Line: l.Number, Standing: licensed(c, l, l.From), Terms: e.conditions.Facts(c, l)}
	if l.To != l.From {
		last := licensed(c, l, l.To)
		f.StandingLast = &last
	}
	if number := c.AuthorizationOf(l); number != "" {
		f.Authorization = &claims.AuthorizationFact{
			Number: number, Found: true, Outcome: claims.AuthorizationApproved, Matches: true, From: l.From, Until: l.To, Left: unitsOf(c, l),
		}
	}
	for _, limit := range e.plan.BenefitLimits {
		used := claims.UsedFact{Limit: limit.Name, Period: limit.Per.Of(l.From)}
		if limit.Codes.Has(l.Code) && !slices.Contains(ev.Used, used) {
			ev.Used = append(ev.Used, used)
		}
	}
	return f
}

// licensed is the standing of whom the claim names; nobody's where it names none.
func licensed(c *claims.Claim, l *claims.Line, on credentials.Date) claims.StandingFact {
	r := c.Clinician(l)
	if r == nil {
		return claims.StandingFact{}
	}
	return claims.StandingFact{NPI: r.NPI, State: c.StateOf(l), On: on, Fresh: true,
		Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}}
}

// unitsOf are those of all lines that draw on the same authorization for the same
// code, so that none is short because of another.
func unitsOf(c *claims.Claim, l *claims.Line) (units claims.Quantity) {
	for i := range c.Lines {
		if o := &c.Lines[i]; c.AuthorizationOf(o) == c.AuthorizationOf(l) && o.Code == l.Code {
			units += o.Units
		}
	}
	return units
}

// assumed lists what was taken for granted, where it could matter.
func (e *Edition) assumed(c *claims.Claim) []Assumption {
	all := []Assumption{{Fact: Covered}, {Fact: NothingMet}, {Fact: FirstOfKind}}
	for _, fact := range []struct {
		of Fact
		in func(*claims.Line) bool
	}{
		{Licensed, func(l *claims.Line) bool { return c.Clinician(l) != nil }},
		{NotRostered, func(l *claims.Line) bool { return c.Clinician(l) == nil }},
		{Authorized, func(l *claims.Line) bool { return c.AuthorizationOf(l) != "" }},
		{LimitsUnused, func(l *claims.Line) bool {
			return slices.ContainsFunc(e.plan.BenefitLimits, func(b claims.BenefitLimit) bool { return b.Codes.Has(l.Code) })
		}},
		{NoSurgery, func(l *claims.Line) bool {
			return e.plan.GlobalSurgery != nil && e.plan.GlobalSurgery.Included.Has(l.Code) ||
				slices.ContainsFunc(e.plan.AddOns, func(a claims.AddOn) bool { return a.Codes.Has(l.Code) })
		}},
		{NotExcluded, func(*claims.Line) bool { return e.ExclusionList() != "" && e.list == nil }},
		{Unsigned, func(l *claims.Line) bool {
			return e.plan.ClinicianSignature != nil && e.plan.ClinicianSignature.Claims.Has(l.Code)
		}},
	} {
		var lines []int
		for i := range c.Lines {
			if fact.in(&c.Lines[i]) {
				lines = append(lines, c.Lines[i].Number)
			}
		}
		if lines != nil {
			all = append(all, Assumption{fact.of, lines})
		}
	}
	return all
}
