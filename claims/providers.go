package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A ProviderSpan names a provider on the days from From to Until, both
// included; an empty Until is open.
type ProviderSpan struct {
	NPI         credentials.NPI
	From, Until credentials.Date
}

// Providers are an edition's lists of whom it pays and whom it must not.
type Providers struct {
	// Excluded may not be paid by anyone on those days (42 CFR 1001.1901).
	Excluded []ProviderSpan
	// Contracted may bill under the plan; anyone where there are none.
	Contracted []ProviderSpan
	// ExclusionList names a published list of excluded providers, of which the newest
	// edition may be ExclusionListMaxAge days old.
	ExclusionList       string `json:",omitempty"`
	ExclusionListMaxAge int    `json:",omitempty"`
}

// during finds the span in which a provider stands on any day of a line.
func during(spans []ProviderSpan, npi credentials.NPI, l *Line) *ProviderSpan {
	for i := range spans {
		s := &spans[i]
		if npi != "" && s.NPI == npi && s.From <= l.To && (s.Until == "" || l.From <= s.Until) {
			return s
		}
	}
	return nil
}

// firstOutside is the first day of a line on which a provider stands in no span,
// "" where there is none.
func firstOutside(spans []ProviderSpan, npi credentials.NPI, l *Line) credentials.Date {
	var periods []Coverage
	for _, s := range spans {
		if s.NPI == npi {
			periods = append(periods, Coverage{From: s.From, Until: s.Until})
		}
	}
	return firstUncovered(periods, l.From, l.To)
}

// payer: the claim names this plan's payer (CARC 109). An edition that lists no
// payer's number has no such step.
func (a *adjudication) payer(w *work) bool {
	if len(a.plan.PayerIDs) == 0 {
		return true
	}
	if !slices.Contains(a.plan.PayerIDs, a.claim.Payer.ID) {
		return a.deny(w, "payer", a.plan.terms(), CARCOtherPayer, "", "the claim is addressed to another payer")
	}
	return w.pass("payer", a.plan.terms(), "addressed to this payer")
}

// provider: neither who bills nor who rendered the line is excluded on any of
// its days (CARC B7), and who bills is under contract on all of them (CARC 242).
func (a *adjudication) provider(w *work) bool {
	const rule = "provider"
	terms, lists := a.plan.terms(), &a.plan.Providers
	if len(lists.Excluded)+len(lists.Contracted) == 0 {
		return true
	}
	for _, npi := range []credentials.NPI{a.claim.Billing.NPI, w.fact.Standing.NPI} {
		if s := during(lists.Excluded, npi, w.line); s != nil {
			return a.deny(w, rule, terms, CARCNotLicensed, "", fmt.Sprintf("NPI %s is excluded from %s on", npi, s.From))
		}
	}
	if len(lists.Contracted) > 0 {
		if day := firstOutside(lists.Contracted, a.claim.Billing.NPI, w.line); day != "" {
			return a.deny(w, rule, terms, CARCNotContracted, "", fmt.Sprintf("NPI %s has no contract on %s", a.claim.Billing.NPI, day))
		}
	}
	return w.pass(rule, terms, "nobody who bills or rendered it is excluded, and who bills may")
}
