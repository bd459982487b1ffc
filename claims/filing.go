package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A FilingExtension lets claims for services from From to To come until Until,
// whatever the limit: a disaster, or a time in which the insurer could take
// none. Source says where that was decided.
type FilingExtension struct {
	From, To, Until credentials.Date
	Source          string
}

// delayReasons are the codes of X12's element 1514, as the 837 takes them.
var delayReasons = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "15"}

// filing: the claim arrived within the plan's limit (CARC 29). It is counted
// from the line's last day, or from the day on which the insurer recorded the
// coverage, where that came later: nobody can bill before they can know whom.
// The last day of the limit, and of an extension, is in time. A later claim that
// gives a reason for its delay waits for a person, where the edition names the reason.
func (a *adjudication) filing(w *work) bool {
	const rule = "timely-filing"
	terms, received, limit := a.plan.terms(), a.evidence.received(), a.plan.TimelyFilingDays
	start, since := w.line.To, "the service"
	if w.fact.Recorded > start {
		start, since = w.fact.Recorded, "the coverage was recorded"
	}
	took := start.DaysUntil(received)
	if took <= limit {
		return w.pass(rule, terms, fmt.Sprintf("received %d days after %s, within %d", took, since, limit))
	}
	for _, x := range a.plan.FilingExtensions {
		if w.line.From.Within(x.From, x.To) && received <= x.Until {
			return w.pass(rule, terms, fmt.Sprintf("received %d days after %s; taken until %s (%s)", took, since, x.Until, x.Source))
		}
	}
	late := fmt.Sprintf("received %d days after %s; the limit is %d", took, since, limit)
	if reason := a.claim.DelayReason; slices.Contains(a.plan.DelayReasons, reason) && !a.refused() {
		return a.pend(w, rule, terms, PendLate, late+"; the claim gives the delay reason "+reason)
	}
	return a.deny(w, rule, terms, CARCLateFiling, "", late)
}
