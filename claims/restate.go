package claims

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// Restates says whether d says nothing that before did not: then no new
// decision is signed. Only a pend can be restated; everything else is final.
func (d *Decision) Restates(before *Decision) bool {
	return before != nil && before.Outcome == Pended && d.Outcome == Pended && slices.Equal(d.Pends, before.Pends)
}

// Final says whether a claim with this decision is never decided again. No
// decision at all (nil) is not final.
func (d *Decision) Final() bool { return d != nil && d.Outcome != Pended }

// Restates is the same for an authorization, which can also stay approved.
func (d *AuthorizationDecision) Restates(before *AuthorizationDecision) bool {
	return before != nil && d.Outcome == before.Outcome &&
		slices.Equal(d.Items, before.Items) && slices.Equal(d.Pends, before.Pends)
}

// Ended says whether nothing can change an authorization any more.
func (o AuthorizationOutcome) Ended() bool {
	return o != AuthorizationApproved && o != AuthorizationPended
}

// LastDay is the last day on which any item may be rendered.
func (d *AuthorizationDecision) LastDay() credentials.Date {
	last := credentials.Date("")
	for _, it := range d.Items {
		last = max(last, it.Until)
	}
	return last
}
