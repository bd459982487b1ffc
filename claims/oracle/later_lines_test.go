package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// payer: a claim addressed to somebody else.
func (w *world) payer(*claims.Line) finding {
	if len(w.plan.PayerIDs) > 0 && !slices.Contains(w.plan.PayerIDs, w.claim.Payer.ID) {
		return finding{carc: "109"}
	}
	return finding{}
}

// resembling is the duplicate rule with its further likely repeats: the same
// code, modifiers and day with other units or charge, or by a colleague of the
// same biller, or by the same clinician for another biller.
func (w *world) resembling(l *claims.Line) finding {
	f := w.duplicate(l)
	if f.carc != "" || f.wait != "" {
		return f
	}
	for _, e := range w.before(l) {
		if e.line.From != l.From || e.line.Code != l.Code || e.line.Revenue != l.Revenue || !slices.Equal(sorted(l.Modifiers), sorted(e.line.Modifiers)) ||
			e.renderer != w.npi(l) && e.billing != w.claim.Billing.NPI {
			continue
		}
		switch {
		case w.refused:
			return finding{carc: "18"}
		case !w.approved:
			return finding{wait: claims.PendNearDuplicate}
		}
	}
	return finding{}
}

// before are the lines that a line may repeat: of earlier claims that stand, and
// of this one where they were decided before it.
func (w *world) before(l *claims.Line) (all []earlierLine) {
	for _, e := range w.earlier {
		if !e.reversed && !e.otherMember {
			all = append(all, e)
		}
	}
	for _, o := range w.claim.Lines {
		if o.From == l.From && o.Number < l.Number && !w.sumOfDepartment(l) {
			all = append(all, earlierLine{line: o, billing: w.claim.Billing.NPI, renderer: w.npi(&o)})
		}
	}
	return all
}

// filingLater counts from the day on which coverage was recorded, if that is
// later than the line's last; a time that was extended has its own end.
func (w *world) filingLater(l *claims.Line) finding {
	last := max(l.To, w.books.recorded[l.Number])
	for range w.plan.TimelyFilingDays {
		last = next(last)
	}
	for _, x := range w.plan.FilingExtensions {
		if x.From <= l.From && l.From <= x.To {
			last = max(last, x.Until)
		}
	}
	if w.received > last {
		return finding{carc: "29"}
	}
	return finding{}
}

func listed(list []claims.ProviderSpan, npi credentials.NPI, day credentials.Date) bool {
	return slices.ContainsFunc(list, func(s claims.ProviderSpan) bool {
		return s.NPI == npi && s.From <= day && (s.Until == "" || day <= s.Until)
	})
}

// excluded from all payment, whether they bill or render, on any day.
func (w *world) excluded(l *claims.Line) finding {
	for _, day := range days(l) {
		if listed(w.plan.Providers.Excluded, w.claim.Billing.NPI, day) || listed(w.plan.Providers.Excluded, w.npi(l), day) {
			return finding{carc: "B7"}
		}
	}
	return finding{}
}

// contracted is who bills, on every day.
func (w *world) contracted(l *claims.Line) finding {
	if len(w.plan.Providers.Contracted) == 0 {
		return finding{}
	}
	for _, day := range days(l) {
		if !listed(w.plan.Providers.Contracted, w.claim.Billing.NPI, day) {
			return finding{carc: "242"}
		}
	}
	return finding{}
}

// asked says whether a line needs an authorization, by its code or by a term.
func (w *world) asked(l *claims.Line) bool {
	if required(w.plan, l.Code) {
		return true
	}
	for _, t := range w.plan.Terms {
		if t.Then == claims.TermAuthorizes && w.answers(t.Name, l) == claims.TermYes {
			return true
		}
	}
	return false
}

func (w *world) authorizationLater(l *claims.Line, drawn map[string]claims.Quantity) finding {
	if r := w.stayRule(); r != nil {
		return w.stayFinding(l, r)
	}
	if !w.asked(l) {
		return finding{}
	}
	return w.authorizedBy(l, drawn)
}

// terms that the insurer wrote: what does not say enough waits for a person.
func (w *world) terms(l *claims.Line) (f finding) {
	for _, t := range w.plan.Terms {
		switch answer := w.answers(t.Name, l); {
		case answer == claims.TermYes && t.Then == claims.TermExcludes:
			return finding{carc: "96", wait: f.wait}
		case answer == claims.TermYes && t.Then == claims.TermReviews, answer == claims.TermUnknown:
			if !w.approved {
				f.wait = claims.PendTerm
			}
		}
	}
	return f
}

// answers are the terms of the generator, worked out without their text.
func (w *world) answers(name string, l *claims.Line) claims.TermAnswer {
	said := func(yes bool) claims.TermAnswer {
		if yes {
			return claims.TermYes
		}
		return claims.TermNo
	}
	switch name {
	case "dear":
		return said(l.Charge > 600_00)
	case "child":
		if l.Code != "72148" {
			return claims.TermNo
		}
		if w.claim.PatientPerson().Birth == "" {
			return claims.TermUnknown
		}
		return said(w.age(l) < 18)
	case "back":
		return said(strings.HasPrefix(l.Code, "971") && !w.pointsTo(l, []string{"M54"}))
	}
	panic(name)
}

// age in completed years on the line's first day: birthdays counted one by one.
func (w *world) age(l *claims.Line) int {
	birth, err := time.Parse(time.DateOnly, string(w.claim.PatientPerson().Birth))
	if err != nil {
		panic(err)
	}
	years := 0
	for birth.AddDate(years+1, 0, 0).Format(time.DateOnly) <= string(l.From) {
		years++
	}
	return years
}

func (w *world) pointsTo(l *claims.Line, beginnings []string) bool {
	for _, d := range w.diagnoses(l) {
		for _, b := range beginnings {
			if strings.HasPrefix(d, b) {
				return true
			}
		}
	}
	return false
}

// conditions in force on the line's first day.
func (w *world) conditions(l *claims.Line) (all []claims.Condition) {
	for _, c := range w.plan.Conditions {
		if in(c.Codes, l.Code) && (c.From == "" || c.From <= l.From) && (c.Until == "" || l.From <= c.Until) {
			all = append(all, c)
		}
	}
	return all
}

// suited asks whom and what for: age, sex, diagnosis.
func (w *world) suited(l *claims.Line) (f finding) {
	person := w.claim.PatientPerson()
	for _, c := range w.conditions(l) {
		switch {
		case c.Ages != nil && person.Birth == "":
			f.wait = w.unknown()
		case c.Ages != nil && (w.age(l) < c.Ages.From || w.age(l) > c.Ages.To):
			return finding{carc: "6", wait: f.wait}
		}
		switch {
		case c.Sex != "" && person.Sex != "F" && person.Sex != "M":
			f.wait = max(f.wait, w.unknown())
		case c.Sex != "" && person.Sex != c.Sex:
			return finding{carc: "7", wait: f.wait}
		}
		if len(c.Diagnoses) > 0 && !w.pointsTo(l, c.Diagnoses) {
			return finding{carc: "11", wait: f.wait}
		}
		if len(c.NoDiagnoses) > 0 && w.pointsTo(l, c.NoDiagnoses) {
			return finding{carc: "167", wait: f.wait}
		}
	}
	return f
}

// unknown is what the claim does not say of the patient. A reviewer may let it pass.
func (w *world) unknown() claims.PendReason {
	if w.approved {
		return ""
	}
	return claims.PendPatient
}

// coded asks where, and with which modifiers.
func (w *world) coded(l *claims.Line) finding {
	for _, c := range w.conditions(l) {
		if len(c.Places) > 0 && !slices.Contains(c.Places, w.place(l)) {
			return finding{carc: "5"}
		}
	}
	for _, c := range w.conditions(l) {
		isNot := func(list []string) func(string) bool {
			return func(m string) bool { return !slices.Contains(list, m) }
		}
		if len(c.Modifiers) > 0 && slices.ContainsFunc(l.Modifiers, isNot(c.Modifiers)) ||
			len(c.NeedsModifier) > 0 && !slices.ContainsFunc(c.NeedsModifier, func(m string) bool { return slices.Contains(l.Modifiers, m) }) {
			return finding{carc: "4"}
		}
	}
	return finding{}
}

func period(limit claims.BenefitLimit, l *claims.Line) string {
	if limit.Per == claims.PerDay {
		return string(l.From)
	}
	return string(l.From[:4])
}

// limit: what was paid before in the period, what earlier lines of this claim
// take, and this line, all of it.
func (w *world) limit(l *claims.Line, used map[string]claims.Quantity) finding {
	for _, limit := range w.plan.BenefitLimits {
		if in(limit.Codes, l.Code) && w.usedBefore(limit, period(limit, l))+used[limit.Name+period(limit, l)]+l.Units > limit.Units {
			return finding{carc: "119"}
		}
	}
	return finding{}
}

func (w *world) usedBefore(limit claims.BenefitLimit, of string) (units claims.Quantity) {
	for i := range w.earlier {
		e := &w.earlier[i]
		if e.paid && !e.reversed && !e.otherMember && in(limit.Codes, e.line.Code) && period(limit, &e.line) == of {
			units += e.line.Units
		}
	}
	return units
}
