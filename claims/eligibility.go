package claims

import (
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// member: the insurer knows the patient (CARC 31).
func (a *adjudication) member(w *work) bool {
	m := a.evidence.Member
	switch {
	case !m.Found:
		return a.deny(w, "member", a.rules.name, CARCNotMember, "", "no member has this member id")
	case !m.Matches:
		return a.deny(w, "member", a.rules.name, CARCNotMember, "", "the member on record has another name or date of birth")
	}
	return w.pass("member", a.rules.name, "the patient is a member")
}

// coverage: every day of the line is covered (CARC 26, 27, 200), and by the
// edition that is in force.
func (a *adjudication) coverage(w *work) bool {
	const rule = "coverage"
	if day := firstUncovered(a.evidence.Member.Coverage, w.line.From, w.line.To); day != "" {
		carc := uncoveredReason(a.evidence.Member.Coverage, day)
		return a.deny(w, rule, a.rules.name, carc, "", fmt.Sprintf("not covered on %s: %s", day, Words(carc)))
	}
	if !w.line.From.Within(a.plan.From, a.plan.Until) || !w.line.To.Within(a.plan.From, a.plan.Until) {
		return a.pend(w, rule, a.plan.terms(), PendPlanEdition, PendPlanEdition.Words())
	}
	return w.pass(rule, a.rules.name, "covered on "+span(w.line.From, w.line.To))
}

// firstUncovered is the first day from first to last on which no period of
// coverage lies, "" where all are covered. Periods may come in any order and
// may overlap.
func firstUncovered(periods []Coverage, first, last credentials.Date) credentials.Date {
	for day := first; day <= last; {
		until, covered := coveredUntil(periods, day)
		switch {
		case !covered:
			return day
		case until == "" || until >= last:
			return ""
		}
		day = until.AddDays(1)
	}
	return ""
}

// coveredUntil is the last day of a period that covers day, "" where it is open.
func coveredUntil(periods []Coverage, day credentials.Date) (credentials.Date, bool) {
	for _, c := range periods {
		if day.Within(c.From, c.Until) {
			return c.Until, true
		}
	}
	return "", false
}

// uncoveredReason says whether an uncovered day came before all coverage, after
// all of it, or in between.
func uncoveredReason(periods []Coverage, day credentials.Date) string {
	earlier, later := false, false
	for _, c := range periods {
		earlier = earlier || c.From < day
		later = later || c.From > day
	}
	switch {
	case later && !earlier:
		return CARCBeforeCoverage
	case earlier && !later:
		return CARCAfterCoverage
	}
	return CARCCoverageGap
}

// duplicate: the service was not claimed before, neither on an earlier claim
// nor on an earlier line of this one (CARC 18). A likely repeat waits.
func (a *adjudication) duplicate(w *work) bool {
	const rule = "duplicate"
	alike, where := w.fact.Duplicate, "on an earlier claim"
	for _, other := range a.decided {
		if a.claim.Institutional != nil && w.line.Code == "" {
			break // sums by department, which may be alike
		}
		// As Likeness has it, the most alike counts: what is nearly an earlier claim's
		// may be this claim's exactly.
		found := a.rules.alike(a.key(w), a.key(other))
		if alike == NotDuplicate && found != NotDuplicate || alike == NearDuplicate && found == ExactDuplicate {
			alike, where = found, fmt.Sprintf("on line %d of this claim", other.line.Number)
		}
	}
	switch alike {
	case ExactDuplicate:
		return a.deny(w, rule, a.rules.name, CARCDuplicate, "", "the same service is "+where)
	case NearDuplicate:
		if a.refused() {
			return a.deny(w, rule, a.rules.name, CARCDuplicate, "", "a reviewer found the same service "+where)
		}
		return a.pend(w, rule, a.rules.name, PendNearDuplicate, "a very similar service is "+where)
	}
	return w.pass(rule, a.rules.name, "not claimed before")
}

func (a *adjudication) key(w *work) LineKey {
	return LineKey{
		Billing: a.claim.Billing.NPI, Rendering: w.fact.Standing.NPI, On: w.line.From, Code: w.line.Key(),
		Modifiers: w.line.Modifiers, Units: w.line.Units, Charge: w.line.Charge,
	}
}

// timelyFiling: the claim arrived within the plan's limit, counted from the
// line's last day (CARC 29). The last day of the limit is still in time.
func (a *adjudication) timelyFiling(w *work) bool {
	const rule = "timely-filing"
	took, limit := w.line.To.DaysUntil(a.evidence.received()), a.plan.TimelyFilingDays
	if took > limit {
		return a.deny(w, rule, a.plan.terms(), CARCLateFiling, "",
			fmt.Sprintf("received %d days after the service; the limit is %d", took, limit))
	}
	return w.pass(rule, a.plan.terms(), fmt.Sprintf("received %d days after the service, within %d", took, limit))
}

// exclusion: the plan covers the service at all (CARC 96).
func (a *adjudication) exclusion(w *work) bool {
	const rule = "exclusion"
	if a.plan.Exclusions.Has(w.line.Code) {
		return a.deny(w, rule, a.plan.terms(), CARCExcluded, RARCPlanExcludes, "the plan excludes "+w.line.named())
	}
	return w.pass(rule, a.plan.terms(), "not excluded")
}

// span writes one day or two.
func span(from, to credentials.Date) string {
	if from == to {
		return string(from)
	}
	return string(from) + " to " + string(to)
}
