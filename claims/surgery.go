package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// An AddOn names services that are paid only beside another one.
type AddOn struct{ Codes, Primary CodeSet }

// GlobalSurgery says which services are part of a surgery's amount during its
// global days, and by which modifiers a line says that it is not.
type GlobalSurgery struct {
	Included CodeSet
	// Before, SameDay and After are the modifiers that take a line out on the
	// day before the surgery, on its day and behind it.
	Before, SameDay, After []string
}

// A SurgeryFact is a surgery by the same clinician, paid on an earlier claim, in whose
// global days a line lies.
type SurgeryFact struct {
	Code   string           `json:"code"`
	On     credentials.Date `json:"on"`
	Global string           `json:"global"` // "010"
}

// GlobalDays are the days on which a surgery's amount covers what belongs to
// it, by its global indicator (CMS: 000 is the day itself, 010 ten days more, 090
// ninety days more and the day before). Not ok: there are none.
func GlobalDays(indicator string, on credentials.Date) (from, until credentials.Date, ok bool) {
	switch indicator {
	case "000":
		return on, on, true
	case "010":
		return on, on.AddDays(10), true
	case "090":
		return on.AddDays(-1), on.AddDays(90), true
	}
	return "", "", false
}

// globalDays: the service is not part of a surgery's amount, on this claim or on an
// earlier one of the same clinician (CARC 97).
func (a *adjudication) globalDays(w *work) bool {
	const rule = "global-days"
	terms, g := a.plan.terms(), a.plan.GlobalSurgery
	if g == nil || !g.Included.Has(w.line.Code) {
		return true
	}
	surgeries := []SurgeryFact{}
	if w.fact.Surgery != nil {
		surgeries = append(surgeries, *w.fact.Surgery)
	}
	for _, o := range a.order {
		if o != w && !o.stopped && o.fact.Standing.NPI == w.fact.Standing.NPI && !g.Included.Has(o.line.Code) {
			surgeries = append(surgeries, SurgeryFact{o.line.Code, o.line.From, o.fact.Global})
		}
	}
	for _, s := range surgeries {
		from, until, ok := GlobalDays(s.Global, s.On)
		if !ok || !w.line.From.Within(from, until) || g.TakenOut(w.line, s.On) {
			continue
		}
		if !a.deny(w, rule, terms, CARCIncluded, "", fmt.Sprintf("part of the amount for %s on %s, from %s to %s", s.Code, s.On, from, until)) {
			return false
		}
	}
	return w.pass(rule, terms, "no surgery's amount covers it")
}

// TakenOut says whether a modifier on the line takes it out of the amount.
func (g *GlobalSurgery) TakenOut(l *Line, surgery credentials.Date) bool {
	modifiers := g.After
	switch {
	case l.From < surgery:
		modifiers = g.Before
	case l.From == surgery:
		modifiers = g.SameDay
	}
	return slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(modifiers, m) })
}

// addOn: an add-on stands beside a primary service of the same day and clinician
// that is not refused itself, on this claim or paid on an earlier one (CARC 107).
func (a *adjudication) addOn(w *work) bool {
	const rule = "add-on"
	terms := a.plan.terms()
	for _, add := range a.plan.AddOns {
		if !add.Codes.Has(w.line.Code) {
			continue
		}
		primary := ""
		for _, code := range w.fact.Primaries {
			if add.Primary.Has(code) {
				primary = code + " on an earlier claim"
			}
		}
		for _, o := range a.order {
			if o != w && !o.stopped && o.line.From == w.line.From && o.fact.Standing.NPI == w.fact.Standing.NPI && add.Primary.Has(o.line.Code) {
				primary = fmt.Sprintf("%s on line %d", o.line.Code, o.line.Number)
				break
			}
		}
		if primary == "" {
			if !a.deny(w, rule, terms, CARCNoPrimary, "", fmt.Sprintf("%s is paid only beside %s", w.line.Code, add.Primary)) {
				return false
			}
			continue
		}
		w.pass(rule, terms, "beside "+primary)
	}
	return true
}

// String lists the ranges.
func (s CodeSet) String() string {
	var all []string
	for _, r := range s {
		all = append(all, r.String())
	}
	return strings.Join(all, ", ")
}
