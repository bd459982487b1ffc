package claims

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// Review actions of X12 code list 306, as items carry them.
const (
	ActionCertified    = "A1"
	ActionNotCertified = "A3"
	ActionPended       = "A4"
	ActionModified     = "A6"
	ActionCancelled    = "C"
	ActionNotRequired  = "NA"
)

// Authorize decides a request item by item under one edition of a plan. The
// machine approves by rule, waits for a reviewer, or denies for administrative
// reasons; what takes clinical judgment is denied only by a reviewer whose
// own license stands. It is asked again when facts move: an approval that the
// facts no longer bear becomes a revocation, or is cut short. As with
// Adjudicate, an error means that nothing was decided.
func Authorize(r *AuthorizationRequest, p *Plan, e *AuthorizationEvidence) (*AuthorizationDecision, error) {
	if err := requestBelongs(r, p, e); err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	d := &AuthorizationDecision{
		Submission: e.Submission, Request: r.Number, Number: e.Number,
		Rules: p.Rules, Plan: e.Plan, NPI: r.Clinician.NPI,
	}
	for i := range r.Items {
		a := &itemAsked{RequestItem: &r.Items[i], plan: p, evidence: e, standing: &e.Standings[i], ordering: r.Ordering, alone: len(r.Items) == 1}
		item, pend := a.decide()
		d.Items = append(d.Items, item)
		if pend != nil {
			d.Pends = append(d.Pends, *pend)
		}
	}
	d.Outcome = rollUp(d.Items)
	return d, nil
}

// itemAsked is one item on its way through the rules.
type itemAsked struct {
	*RequestItem
	plan     *Plan
	evidence *AuthorizationEvidence
	standing *ItemStanding
	ordering *Provider // of the request
	alone    bool      // the request has no other item
}

// decide asks in this order: who, covered when, by whom, needed at all, by rule,
// by a person.
func (a *itemAsked) decide() (ItemDecision, *Pend) {
	m := a.evidence.Member
	if !m.Found || !m.Matches {
		return a.deny("member", CARCNotMember, "not-a-member")
	}
	uncovered := firstUncovered(m.Coverage, a.From, a.Until)
	if uncovered == a.From {
		return a.deny("coverage", uncoveredReason(m.Coverage, uncovered), "not-covered")
	}
	if !a.From.Within(a.plan.From, a.plan.Until) {
		return a.pend("coverage", PendPlanEdition)
	}
	first := a.standing.First
	switch {
	case first.NPI == "":
		return a.pend("license", PendNobodyNamed)
	case !first.Fresh, !first.Standing.Answer.Certain():
		return a.pend("license", PendStanding)
	case first.Standing.Answer == credentials.MayNot:
		return a.deny("license", CARCNotLicensed, string(first.Standing.Reason))
	}
	return a.needed(uncovered)
}

// needed decides for a covered member and a clinician who may practice. A
// restricted license is approved by no rule, nor by an approval from before: a
// reviewer holds the service against the restrictions each time they are asked.
func (a *itemAsked) needed(uncovered credentials.Date) (ItemDecision, *Pend) {
	if !a.plan.required(a.Code) {
		return a.item(AuthorizationNotRequired, ActionNotRequired, "authorization", "not-required"), nil
	}
	if item, pend, ok := a.signature(); !ok {
		return item, pend
	}
	rule := a.plan.approvedByRule(a.Code)
	review := a.evidence.Review
	restricted := a.standing.First.Standing.Answer == credentials.MayRestricted
	switch {
	case restricted && review == nil:
		item, pend := a.pend("license", PendRestriction)
		pend.Note += " (" + a.standing.First.Standing.Restrictions + ")"
		return item, pend
	case rule != nil && a.Units <= rule.MaxUnits && !restricted:
		return a.approve("approve-by-rule", "within-rule", uncovered), nil
	case review == nil && a.alone && a.evidence.Before == AuthorizationApproved:
		// Facts have moved since a reviewer approved; the approval itself has not.
		return a.cut(a.approve("review", "approved-before", uncovered), a.evidence.BeforeUnits), nil
	case review == nil:
		return a.pend("review", PendReview)
	case review.Approve:
		return a.cut(a.approve("review", "reviewer-approved", uncovered), review.Units), nil
	}
	return a.item(AuthorizationDenied, ActionNotCertified, "review", review.Reason), nil
}

// approve the item, for as long as the clinician may practice and the patient
// is covered.
func (a *itemAsked) approve(rule, reason string, uncovered credentials.Date) ItemDecision {
	d := a.item(AuthorizationApproved, ActionCertified, rule, reason)
	if uncovered != "" {
		d.Until, d.Action, d.Reason = uncovered.AddDays(-1), ActionModified, "coverage-ends"
	}
	if day := a.standing.Revoked; day != "" && day <= d.Until {
		d.Until, d.Action, d.Reason = day.AddDays(-1), ActionModified, string(cmp.Or(a.standing.Why, credentials.ReasonRevoked))
	}
	return d
}

// cut an approval to the units that a reviewer named, where they did. Claims draw
// on those.
func (a *itemAsked) cut(d ItemDecision, units Quantity) ItemDecision {
	if units != 0 {
		d.Units, d.Action = units, ActionModified
		if d.Reason == "reviewer-approved" {
			d.Reason = "fewer-units"
		}
	}
	return d
}

// Cuts says why a determination cannot approve fewer units of a request than were
// asked for, "" where it can, or names none.
func (r *Determination) Cuts(request *AuthorizationRequest) string {
	switch {
	case r == nil || r.Units == 0:
		return ""
	case !r.Approve:
		return "a denial names no units"
	case request == nil:
		return "units are approved of an authorization request, not of a claim"
	case len(request.Items) != 1:
		return "units are approved of a request for one service; this one has several"
	case r.Units < 0 || r.Units >= request.Items[0].Units:
		return fmt.Sprintf("want fewer units than the %s that were asked for", request.Items[0].Units)
	}
	return ""
}

// deny for an administrative reason, where the plan lets the machine do so.
// What was approved before is revoked.
func (a *itemAsked) deny(rule, carc, reason string) (ItemDecision, *Pend) {
	switch {
	case !a.plan.MayDeny(carc):
		return a.pend(rule, PendDenial)
	case a.evidence.Before == AuthorizationApproved || a.evidence.Before == AuthorizationRevoked:
		return a.item(AuthorizationRevoked, ActionCancelled, rule, reason), nil
	}
	return a.item(AuthorizationDenied, ActionNotCertified, rule, reason), nil
}

func (a *itemAsked) pend(rule string, reason PendReason) (ItemDecision, *Pend) {
	return a.item(AuthorizationPended, ActionPended, rule, string(reason)),
		&Pend{Line: a.Sequence, Reason: reason, Note: reason.Words()}
}

func (a *itemAsked) item(o AuthorizationOutcome, action, rule, reason string) ItemDecision {
	return ItemDecision{
		Sequence: a.Sequence, Outcome: o, Action: action, Code: a.Code, Units: a.Units,
		From: a.From, Until: a.Until, Reason: reason, Rule: rule,
	}
}

// rollUp is the outcome of the whole: it waits as long as any item does, and
// is approved if any item is.
func rollUp(items []ItemDecision) AuthorizationOutcome {
	for _, o := range []AuthorizationOutcome{
		AuthorizationPended, AuthorizationApproved, AuthorizationRevoked, AuthorizationDenied,
	} {
		for _, it := range items {
			if it.Outcome == o {
				return o
			}
		}
	}
	return AuthorizationNotRequired
}

// requestBelongs refuses a request, plan edition and evidence that are not
// about the same thing, and a clinical denial without a licensed reviewer.
func requestBelongs(r *AuthorizationRequest, p *Plan, e *AuthorizationEvidence) error {
	if _, err := rulesNamed(p.Rules); err != nil {
		return err
	}
	switch {
	case e.Plan != p.Ref():
		return fmt.Errorf("the evidence was gathered for plan edition %q %q, this is another one", e.Plan.Name, e.Plan.Edition)
	case e.Number < 1:
		return errors.New("the evidence lacks the number of the decision")
	case len(r.Items) == 0 || len(e.Standings) != len(r.Items):
		return fmt.Errorf("the request has %d items, the evidence %d", len(r.Items), len(e.Standings))
	}
	for i := range r.Items {
		if err := itemBelongs(r, &r.Items[i], &e.Standings[i]); err != nil {
			return fmt.Errorf("item %d: %w", r.Items[i].Sequence, err)
		}
		for j := range i {
			if r.Items[j].Sequence == r.Items[i].Sequence {
				return fmt.Errorf("item %d is there twice", r.Items[i].Sequence)
			}
		}
	}
	if err := e.Review.answers(e.Submission, e.Number); err != nil {
		return err
	}
	if why := e.Review.Cuts(r); why != "" {
		return errors.New(why)
	}
	if e.BeforeUnits < 0 || e.BeforeUnits > 0 && (len(r.Items) != 1 || e.Before != AuthorizationApproved || e.BeforeUnits >= r.Items[0].Units) {
		return errors.New("the units that were approved before are not fewer than those of one service that were asked for")
	}
	return e.Review.mayDeny()
}

func itemBelongs(r *AuthorizationRequest, it *RequestItem, s *ItemStanding) error {
	first := s.First
	switch {
	case it.Units <= 0 || it.Units > maxUnits:
		return errors.New("its units are out of bounds")
	case it.From == "" || it.Until < it.From:
		return errors.New("its dates are not in order")
	case s.Sequence != it.Sequence:
		return fmt.Errorf("the standing is for item %d", s.Sequence)
	case r.Clinician.NPI != "" && first.NPI != r.Clinician.NPI:
		return errors.New("the standing is of another clinician than the request names")
	case first.NPI != "" && (first.On != it.From || first.State != r.State):
		return errors.New("the standing is for another day or state")
	case s.Revoked != "" && !s.Revoked.Within(it.From, it.Until):
		return errors.New("the revocation lies outside its dates")
	case s.Revoked == it.From && (first.Standing.Answer == credentials.May || first.Standing.Answer == credentials.MayRestricted):
		return errors.New("the clinician may practice on the day of the revocation")
	}
	return nil
}

// mayDeny wants a denying reviewer to be named and licensed: no adverse
// clinical decision without a clinician (42 CFR 422.566(d)).
func (r *Determination) mayDeny() error {
	if r == nil || r.Approve {
		return nil
	}
	if s := r.Standing; r.NPI == "" || s == nil || s.NPI != r.NPI || !s.Fresh || s.Standing.Answer != credentials.May {
		return errors.New("a denial needs a reviewer with an NPI who is licensed to practice")
	}
	if r.Reason == "" {
		return errors.New("a denial needs its reason")
	}
	return nil
}
