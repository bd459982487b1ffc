package dossier

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

// wholeWords say what to do where a remittance rests on one that is missing.
const wholeWords = "gather every remittance (remit fetch --all)"

// checkTakenBack holds what a remittance takes back against what earlier ones
// have told: a decision that stands in one is taken back where the decision is
// told that takes its place, before it and under its own number; one that stands
// in none is told nowhere.
func (v *verifier) checkTakenBack(r *remitted) error {
	here := func(p *Payment) bool { return p != nil && p.index == r.index }
	for _, d := range sortedByName(v.decisions) {
		back := d.subject.Decision.Reversal
		if back == nil {
			continue
		}
		first, taken, instead := v.paid[back.Document], v.takenBack[d.subject.Handle], v.inPlaceOf(d, r)
		told := v.paid[instead.subject.Handle]
		earlier := first != nil && first.index < r.index
		switch void := instead.subject.Decision.Outcome == claims.Voided; {
		case !here(taken) && !here(told):
		case here(taken) && !earlier:
			return found(checkRests, "it takes back claim %s, which no earlier remittance in the dossier has told: %s", back.Claim, wholeWords)
		case here(taken) && taken.control != first.control:
			return found(checkReversal, "it takes back claim %s under another control number than it was told under", back.Claim)
		case here(told) && earlier && taken == nil:
			return found(checkReversal, "it corrects claim %s, and does not take back what an earlier remittance has told of it", back.Claim)
		case here(taken) && !void && !here(told):
			return found(checkReversal, "it takes back claim %s, and does not tell the correction", back.Claim)
		case here(taken) && !void && taken.set == told.set && taken.place > told.place:
			return found(checkReversal, "it corrects claim %s before it takes it back", back.Claim)
		}
	}
	return nil
}

// inPlaceOf is the decision that stands in the place of what d takes back when a
// remittance is released: d, or where that was taken back in its turn before any
// remittance could tell of it, the one that did so.
func (v *verifier) inPlaceOf(d *document[claims.ClaimDecisionDocument], r *remitted) *document[claims.ClaimDecisionDocument] {
	for range len(v.decisions) {
		next := v.reversedBy(d.subject.Handle)
		if v.paid[d.subject.Handle] != nil || next == nil || next.entry.proof.Index > r.index {
			break
		}
		d = next
	}
	return d
}

// An account is what a payee is paid by way of a submitter.
type account struct {
	submitter credentials.DID
	npi       credentials.NPI
	taxID     string
}

// checkAdjustments works out what a payment adds or takes beside its claims:
// interest by the law that a plan edition names, what is owed on claims, and
// balances brought from the payee's last payment and forwarded to its next.
// Nothing else may stand there.
func (v *verifier) checkAdjustments(r *remitted, set *x12.Remittance, told []*document[claims.ClaimDecisionDocument]) error {
	want := *set
	want.Adjustments, want.Payments = nil, slices.Clone(set.Payments)
	var to account
	for j, d := range told {
		to = account{v.submissions[d.subject.Decision.Submission].issuer, set.Payee.NPI, set.Payee.TaxID}
		interest, err := v.interestOf(set, j, d)
		if err != nil {
			return err
		}
		if set.Payments[j].Interest != interest {
			return found(checkInterest, "payment %d says interest of %s; by the law that the plan edition names it is %s", j+1, set.Payments[j].Interest, interest)
		}
		want.AddInterest(j, interest)
	}
	owed, err := v.checkRecoupment(set, &want, told, to)
	if err != nil {
		return err
	}
	if err := v.checkBrought(set, v.accounts[to]); err != nil {
		return err
	}
	left := want.Settle(v.accounts[to])
	same := func(a, b x12.ProviderAdjustment) bool { return a == b }
	for _, a := range beyond(set.Adjustments, want.Adjustments, same) {
		return found(adjustmentCheck(a), "payment %s adjusts %s for %s %q, which does not follow from the claims and the payments before", set.Trace, a.Amount, a.Reason, a.Reference)
	}
	for _, a := range beyond(want.Adjustments, set.Adjustments, same) {
		return found(adjustmentCheck(a), "payment %s lacks the adjustment of %s for %s %q", set.Trace, a.Amount, a.Reason, a.Reference)
	}
	if v.accounts[to] = left; left.Owed == 0 {
		delete(v.accounts, to)
	}
	v.owing[to] = owed
	return nil
}

// interestOf is what the law that the plan edition names adds to one payment.
func (v *verifier) interestOf(set *x12.Remittance, j int, d *document[claims.ClaimDecisionDocument]) (claims.Cents, error) {
	doc := &d.subject
	plan, err := v.planOf(doc.Decision.Plan, d.issuer)
	if err != nil {
		return 0, err
	}
	if plan.PromptPay == "" || doc.Decision.Outcome != claims.Paid || set.Payments[j].Status == x12.StatusReversed {
		return 0, nil
	}
	e := v.evidence[doc.Handle]
	if e == nil {
		return 0, v.need("the evidence of a decision that it pays", fileOf(Evidence, doc.Handle))
	}
	clock, _, err := promptpay.Owed(plan.PromptPay, e.Received, &doc.Decision, set.Date)
	if err != nil {
		return 0, found(checkInterest, "payment %d: %v", j+1, err)
	}
	return clock.Interest, nil
}

// checkBrought says so where a balance comes from a payment that is missing.
func (v *verifier) checkBrought(set *x12.Remittance, open x12.Balance) error {
	for _, a := range set.Adjustments {
		if a.Reason != x12.ReasonForward || a.Amount < 0 || a.Reference == open.Trace {
			continue
		}
		known := slices.ContainsFunc(v.remitted, func(r *remitted) bool {
			return slices.ContainsFunc(r.sets, func(s x12.Remittance) bool { return s.Trace == a.Reference })
		})
		if !known {
			return found(checkRests, "payment %s brings back a balance from payment %s, which is not in the dossier: %s", set.Trace, a.Reference, wholeWords)
		}
	}
	return nil
}

// adjustmentCheck names the check that an adjustment fails.
func adjustmentCheck(a x12.ProviderAdjustment) string {
	switch a.Reason {
	case x12.ReasonInterest:
		return checkInterest
	case x12.ReasonForward:
		return checkForward
	case x12.ReasonRecovery, x12.ReasonReturn:
		return checkRecoupment
	}
	return checkPayment
}
