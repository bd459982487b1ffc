package claims

import (
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// An Exclusion is one entry of a list of excluded providers: nobody pays for what
// they furnish, order or prescribe (42 CFR 1001.1901(b)). They are excluded from From
// on, and not any more on the day on which they were reinstated.
type Exclusion struct {
	NPI        credentials.NPI  `json:"npi"`
	Kind       string           `json:"kind"` // of section 1128 of the Social Security Act: "1128a1"
	From       credentials.Date `json:"from"`
	Reinstated credentials.Date `json:"reinstated,omitempty"`
	// Waived is the day from which on the exclusion is waived in one state, for what
	// the list does not say (42 CFR 1001.1801).
	Waived      credentials.Date `json:"waived,omitempty"`
	WaiverState string           `json:"waiverState,omitempty"`
}

// on is the first day of a line on which the exclusion is in force, "" where there is none.
func (x *Exclusion) on(l *Line) credentials.Date {
	first := max(l.From, x.From)
	if first > l.To || x.Reinstated != "" && first >= x.Reinstated {
		return ""
	}
	return first
}

// waived says whether the exclusion is waived from that day on, in a state.
func (x *Exclusion) waived(state string, day credentials.Date) bool {
	return x.Waived != "" && x.Waived <= day && x.WaiverState != "" && x.WaiverState == state
}

// ExclusionFacts are what the edition of the exclusion list says of a claim that was
// the newest on the day of the decision. Who publishes a list does so every month: a
// decision rests on what is known then about the days of service.
type ExclusionFacts struct {
	On   credentials.Date  `json:"on"`             // the day on which it was asked
	List *EditionRef       `json:"list,omitempty"` // nil where none is published
	AsOf credentials.Date  `json:"asOf,omitempty"` // the day of which the list is
	NPIs []credentials.NPI `json:"npis"`           // who was looked up
	// Listed are all entries about them.
	Listed []Exclusion `json:"listed,omitempty"`
}

// Involved are all who had a part in a line that the claim or the roster names: who
// bills, who rendered it (a roster says so where the claim does not), and a hospital's
// attending and operating physicians, at whose direction it was furnished.
func (c *Claim) Involved(l *Line, rendered credentials.NPI) (all []credentials.NPI) {
	add := func(npi credentials.NPI) {
		if npi != "" && !slices.Contains(all, npi) {
			all = append(all, npi)
		}
	}
	add(c.Billing.NPI)
	add(rendered)
	if p := c.Renderer(l); p != nil {
		add(p.NPI)
	}
	if i := c.Institutional; i != nil {
		for _, p := range []*Provider{i.Attending, i.Operating} {
			if p != nil {
				add(p.NPI)
			}
		}
	}
	return all
}

// excluded: nobody who had a part in the line stands on the exclusion list that the
// plan names, on any of its days (CARC B7). Without a list that is recent enough,
// the line waits: silence of an old one proves nothing. So does one under a waiver,
// since the list does not say for which services and programs it was granted.
func (a *adjudication) excluded(w *work) bool {
	const rule = "exclusion-list"
	name, f := a.plan.Providers.ExclusionList, a.evidence.ExclusionList
	if name == "" {
		return true // no step either: editions without a list decide as they did before
	}
	switch most := a.plan.Providers.ExclusionListMaxAge; {
	case f.List == nil:
		return a.pend(w, rule, a.plan.terms(), PendExclusionList, "no edition of "+name+" is published")
	case f.AsOf.AddDays(most) < f.On:
		return a.pend(w, rule, a.plan.terms(), PendExclusionList,
			fmt.Sprintf("the newest edition of %s, %s, is of %s, more than %d days ago", name, f.List.Edition, f.AsOf, most))
	}
	edition := name + " " + f.List.Edition
	var waived []*Exclusion
	for _, npi := range a.claim.Involved(w.line, w.fact.Standing.NPI) {
		for i := range f.Listed {
			x := &f.Listed[i]
			day := x.on(w.line)
			switch {
			case x.NPI != npi || day == "":
			case x.waived(a.claim.StateOf(w.line), day):
				waived = append(waived, x)
			default:
				return a.deny(w, rule, edition, CARCNotLicensed, "", fmt.Sprintf("NPI %s is excluded from %s on (%s)", npi, x.From, x.Kind))
			}
		}
	}
	for _, x := range waived {
		a.pend(w, rule, edition, PendWaiver, fmt.Sprintf("NPI %s is excluded from %s on (%s), with a waiver for %s from %s on", x.NPI, x.From, x.Kind, x.WaiverState, x.Waived))
	}
	if waived != nil {
		return true
	}
	return w.pass(rule, edition, fmt.Sprintf("nobody who had a part in it stands on the list of %s", f.AsOf))
}

// exclusionsBelong judges the facts about excluded providers.
func exclusionsBelong(c *Claim, p *Plan, e *Evidence) error {
	f := e.ExclusionList
	switch {
	case p.Providers.ExclusionList == "" && f == nil:
		return nil
	case p.Providers.ExclusionList == "":
		return errors.New("the evidence asks an exclusion list, the plan edition names none")
	case f == nil || f.On == "":
		return errors.New("the evidence does not say whether anybody is excluded")
	case f.List == nil && (f.AsOf != "" || f.Listed != nil):
		return errors.New("the evidence has entries of no exclusion list")
	case f.List != nil && (f.List.Name != p.Providers.ExclusionList || f.AsOf == ""):
		return fmt.Errorf("the evidence asks the exclusion list %q, the plan wants %q", f.List.Name, p.Providers.ExclusionList)
	}
	for i := range c.Lines {
		for _, npi := range c.Involved(&c.Lines[i], e.lineFact(c.Lines[i].Number).Standing.NPI) {
			if !slices.Contains(f.NPIs, npi) {
				return fmt.Errorf("line %d: nobody asked whether NPI %s is excluded", c.Lines[i].Number, npi)
			}
		}
	}
	for _, x := range f.Listed {
		if !slices.Contains(f.NPIs, x.NPI) || x.From == "" {
			return errors.New("the evidence has an entry of the exclusion list that nobody asked for")
		}
	}
	return nil
}
