package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// A BenefitLimit is how many units of some services the plan covers.
type BenefitLimit struct {
	Name  string
	Codes CodeSet
	Per   LimitPeriod
	Units Quantity
}

// LimitPeriod is over what a benefit limit counts.
type LimitPeriod string

const (
	PerYear LimitPeriod = "year" // the benefit period
	PerDay  LimitPeriod = "day"
)

// ParseLimitPeriod refuses what this release cannot count.
func ParseLimitPeriod(s string) (LimitPeriod, error) {
	if p := LimitPeriod(s); p == PerYear || p == PerDay {
		return p, nil
	}
	return "", fmt.Errorf("%q: want %s or %s", s, PerYear, PerDay)
}

// Of is the period of a day of service, as facts about a limit name it.
func (p LimitPeriod) Of(day credentials.Date) string {
	if p == PerDay {
		return string(day)
	}
	return PeriodOf(day)
}

// A UsedFact says how many units of a limit were paid for the patient before, in one
// of its periods.
type UsedFact struct {
	Limit  string   `json:"limit"`
	Period string   `json:"period"` // "2026", or a day
	Units  Quantity `json:"units"`
}

// benefitLimits: the line's units are within what is left (CARC 119). Too few
// left refuse the whole line, not the excess.
func (a *adjudication) benefitLimits(w *work) bool {
	const rule = "benefit-limit"
	terms := a.plan.terms()
	for i := range a.plan.BenefitLimits {
		l := &a.plan.BenefitLimits[i]
		if !l.Codes.Has(w.line.Code) {
			continue
		}
		left := l.Units - a.evidence.used(l.Name, l.Per.Of(w.line.From)).Units
		for _, other := range a.decided {
			if !other.stopped && l.Codes.Has(other.line.Code) && l.Per.Of(other.line.From) == l.Per.Of(w.line.From) {
				left -= other.line.Units
			}
		}
		if left < w.line.Units {
			if !a.deny(w, rule, terms, CARCBenefitReached, "", fmt.Sprintf("%s: %s units claimed, %s of %s a %s left", l.Name, w.line.Units, max(left, 0), l.Units, l.Per)) {
				return false
			}
			continue
		}
		w.pass(rule, terms, fmt.Sprintf("%s: %s of %s units a %s were left", l.Name, left, l.Units, l.Per))
	}
	return true
}

// used finds what was used of a limit; nil where the evidence does not say.
func (e *Evidence) used(limit, period string) *UsedFact {
	for i := range e.Used {
		if e.Used[i].Limit == limit && e.Used[i].Period == period {
			return &e.Used[i]
		}
	}
	return nil
}

// A Condition is what some services are covered under. Each that is set has to
// be met; From and Until bound the days of service on which it is in force.
type Condition struct {
	Codes         CodeSet
	From, Until   credentials.Date
	Ages          *Ages
	Sex           string   // F or M
	Diagnoses     []string // beginnings of codes, to one of which the line has to point
	NoDiagnoses   []string // beginnings of codes, to none of which it may point
	Places        []string
	Modifiers     []string // that may stand on the line
	NeedsModifier []string // one of which has to
}

// Ages are completed years on the first day of service, both included.
type Ages struct{ From, To int }

func (c *Condition) applies(l *Line) bool {
	return c.Codes.Has(l.Code) && l.From.Within(c.From, c.Until)
}

// patientConditions: the service goes with the patient's age (CARC 6), sex (7)
// and diagnoses (11, 167). What the claim does not say of the patient waits, and
// the other conditions are asked all the same: a reviewer who lets the one pass
// has not let the others.
func (a *adjudication) patientConditions(w *work) bool {
	const rule = "patient-conditions"
	code, patient, met := w.line.Code, a.claim.PatientPerson(), 0
	var unborn, unsexed bool
	stops := func(carc, note string) bool { return !a.deny(w, rule, a.plan.terms(), carc, "", note) }
	for i := range a.plan.Conditions {
		c := &a.plan.Conditions[i]
		if !c.applies(w.line) {
			continue
		}
		switch {
		case c.Ages == nil:
		case patient.Birth != "":
			age := YearsOn(patient.Birth, w.line.From)
			if (age < c.Ages.From || age > c.Ages.To) && stops(CARCAge, fmt.Sprintf("%s is for ages %d to %d", code, c.Ages.From, c.Ages.To)) {
				return false
			}
			met++
		case !unborn:
			unborn = a.pend(w, rule, a.plan.terms(), PendPatient, "the claim does not say when the patient was born, and "+code+" is for certain ages")
		}
		switch {
		case c.Sex == "":
		case patient.Sex == "F" || patient.Sex == "M":
			if patient.Sex != c.Sex && stops(CARCSex, code+" is for patients of the other sex") {
				return false
			}
			met++
		case !unsexed:
			unsexed = a.pend(w, rule, a.plan.terms(), PendPatient, "the claim does not say the patient's sex, and "+code+" is for one")
		}
		if len(c.NoDiagnoses) > 0 {
			if a.pointsTo(w.line, c.NoDiagnoses) && stops(CARCDiagnosisExcluded, code+" is not covered for a diagnosis that the line points to") {
				return false
			}
			met++
		}
		if len(c.Diagnoses) > 0 {
			if !a.pointsTo(w.line, c.Diagnoses) && stops(CARCDiagnosis, "the line points to no diagnosis for which "+code+" is covered") {
				return false
			}
			met++
		}
	}
	if met == 0 || unborn || unsexed {
		return true
	}
	return w.pass(rule, a.plan.terms(), "age, sex and diagnoses are as the plan wants them")
}

// pointsTo says whether the line points to a diagnosis that begins so.
func (a *adjudication) pointsTo(l *Line, beginnings []string) bool {
	if a.claim.Institutional != nil { // whose lines have no pointers: every diagnosis is of the whole claim
		return slices.ContainsFunc(a.claim.Diagnoses, func(code string) bool {
			return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(code, b) })
		})
	}
	for _, n := range l.Pointers {
		if n < 1 || n > len(a.claim.Diagnoses) {
			continue
		}
		if slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(a.claim.Diagnoses[n-1], b) }) {
			return true
		}
	}
	return false
}

// coding: the service goes with its place (CARC 5) and its modifiers (CARC 4).
func (a *adjudication) coding(w *work) bool {
	const rule = "coding"
	terms, met := a.plan.terms(), 0
	for i := range a.plan.Conditions {
		c := &a.plan.Conditions[i]
		if !c.applies(w.line) || len(c.Places)+len(c.Modifiers)+len(c.NeedsModifier) == 0 {
			continue
		}
		met++
		if place := a.claim.hospitalPlace(w.line); len(c.Places) > 0 && !slices.Contains(c.Places, place) {
			if !a.deny(w, rule, terms, CARCPlace, "", fmt.Sprintf("%s is not covered at place of service %s", w.line.Code, place)) {
				return false
			}
		}
		for _, m := range w.line.Modifiers {
			if len(c.Modifiers) > 0 && !slices.Contains(c.Modifiers, m) {
				if !a.deny(w, rule, terms, CARCModifier, "", fmt.Sprintf("modifier %s does not go with %s", m, w.line.Code)) {
					return false
				}
			}
		}
		if len(c.NeedsModifier) > 0 && !slices.ContainsFunc(w.line.Modifiers, func(m string) bool { return slices.Contains(c.NeedsModifier, m) }) {
			if !a.deny(w, rule, terms, CARCModifier, "", fmt.Sprintf("%s needs one of the modifiers %s", w.line.Code, strings.Join(c.NeedsModifier, ", "))) {
				return false
			}
		}
	}
	if met == 0 {
		return true
	}
	return w.pass(rule, terms, "code, place and modifiers go together")
}

// YearsOn are the completed years of a life on a day. Who was born on a 29th of
// February completes one on the 1st of March where there is no such day.
func YearsOn(birth, day credentials.Date) int {
	if len(birth) != 10 || len(day) != 10 {
		return 0
	}
	years := number(day[:4]) - number(birth[:4])
	if day[5:] < birth[5:] {
		years--
	}
	return years
}

func number(digits credentials.Date) (n int) {
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}
