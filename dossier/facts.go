package dossier

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/credentials"
)

// maxPatience is the most that a feed may be behind and still be called fresh
// by anyone: an order that was on the ledger for longer had to be heard.
const maxPatience = 24 * time.Hour

// checkPrices prices the claim again by the editions.
func checkPrices(c *claims.Claim, p *claims.Plan, e *claims.Evidence, fees *pricing.Fees) error {
	again := *e
	again.Lines = slices.Clone(e.Lines)
	if err := fees.Complete(c, p, &again); err != nil {
		return found(checkFee, "the editions give no prices: %v", err)
	}
	for i := range e.Lines {
		if same(&again.Lines[i], &e.Lines[i]) != nil {
			return found(checkFee, "line %d: the fee in its evidence is not the schedule's", e.Lines[i].Line)
		}
	}
	if !slices.Equal(again.Priced, e.Priced) {
		return found(checkFee, "other lines of the claim come to be priced than its evidence says")
	}
	return nil
}

// checkLine checks what the evidence says about a line against the claim and the
// documents of the boards.
func (v *verifier) checkLine(d *document[claims.ClaimDecisionDocument], c *claims.Claim, f *claims.LineFact) error {
	i := slices.IndexFunc(c.Lines, func(l claims.Line) bool { return l.Number == f.Line })
	if i < 0 {
		return found(checkEvidence, "it has facts about line %d, which the claim does not have", f.Line)
	}
	l := &c.Lines[i]
	if !slices.Equal(f.Terms, v.conditions[d.subject.Decision.Plan.Digest].Facts(c, l)) {
		return found(checkTerms, "line %d: the answers to the plan's terms in its evidence are not what the claim gives", l.Number)
	}
	standings := []struct {
		fact *claims.StandingFact
		on   credentials.Date
	}{{&f.Standing, l.From}, {f.StandingLast, l.To}, {f.StandingWithin, cmp.Or(v.doubtWithin(l, f), l.From)}}
	for _, s := range standings {
		if s.fact == nil {
			continue
		}
		if s.fact.State != c.StateOf(l) || s.fact.On != s.on {
			return found(checkStanding, "line %d: the standing was asked for %q on %s, the service was in %q on %s", l.Number, s.fact.State, s.fact.On, c.StateOf(l), s.on)
		}
		if err := v.checkStanding(d.entry, d.from, s.fact); err != nil {
			return err
		}
	}
	if day := v.doubtWithin(l, f); day != "" && f.StandingWithin == nil {
		return found(checkStanding, "line %d: its evidence leaves out that the clinician was not simply licensed on %s", l.Number, day)
	}
	return v.checkAuthorizationFact(d, l, f)
}

// doubtWithin computes the day that StandingWithin has to be for.
func (v *verifier) doubtWithin(l *claims.Line, f *claims.LineFact) credentials.Date {
	licenses, orders := v.named(&f.Standing)
	return l.DoubtWithin(licenses, orders, f.Standing.State)
}

// checkItem checks what the evidence says about an item of a request.
func (v *verifier) checkItem(d *document[claims.AuthorizationDecisionDocument], r *claims.AuthorizationRequest, i int, f *claims.ItemStanding) error {
	it := &r.Items[i] // Authorize has matched them
	for _, s := range []struct {
		fact *claims.StandingFact
		on   credentials.Date
	}{{&f.First, it.From}, {&f.Last, it.Until}} {
		if s.fact.NPI != r.Clinician.NPI || s.fact.State != r.State || s.fact.On != s.on {
			return found(checkStanding, "item %d: the standing was asked for another clinician, state or day", it.Sequence)
		}
		if err := v.checkStanding(d.entry, d.from, s.fact); err != nil {
			return err
		}
	}
	licenses, orders := v.named(&f.First)
	again := claims.ItemStanding{First: f.First}
	if again.TakenAway(licenses, orders, it.From, it.Until); again.Revoked != f.Revoked || again.Why != f.Why {
		return found(checkStanding, "item %d: the orders take the license away from %q on, the evidence says %q", it.Sequence, again.Revoked, f.Revoked)
	}
	return nil
}

// checkStanding asks the rules again from the licenses and orders in the
// dossier. The decision stands on the ledger as r and was signed at a time.
// What was heard before is seen by places on the ledger, which no witness's
// clock can skew: an entry below another was final no later.
func (v *verifier) checkStanding(r *recorded, signed time.Time, f *claims.StandingFact) error {
	if f.Feed > r.proof.Index {
		return found(checkStanding, "its evidence rests on the board's feed up to entry %d, and it is entry %d itself", f.Feed, r.proof.Index)
	}
	for _, h := range f.Licenses {
		l := v.licenses[h]
		if l == nil {
			return v.need("a license that its evidence names", fileOf(Licenses, h))
		}
		if l.subject.NPI != f.NPI || l.subject.Jurisdiction != f.State || l.entry.proof.Index >= f.Feed {
			return found(checkStanding, "%s is another clinician's or state's, or comes later than the feed had been read", l.name)
		}
	}
	for _, h := range f.Orders {
		o := v.orders[h]
		if o == nil {
			return v.need("an order that its evidence names", fileOf(Orders, h))
		}
		if !slices.Contains(f.Licenses, o.subject.License) || o.entry.proof.Index >= f.Feed {
			return found(checkStanding, "%s is upon another license, or comes later than the feed had been read", o.name)
		}
	}
	if repeats(f.Licenses) || repeats(f.Orders) {
		return found(checkStanding, "its evidence names a license or an order twice")
	}
	if err := v.withheld(signed, f); err != nil {
		return err
	}
	licenses, orders := v.named(f)
	if again := credentials.StandingOn(licenses, orders, f.State, f.On, f.Fresh); again != f.Standing {
		return found(checkStanding, "by the licenses and orders in the dossier, the answer for %s on %s is %s (%s); the evidence says %s (%s)",
			f.State, f.On, again.Answer, again.Reason, f.Standing.Answer, f.Standing.Reason)
	}
	return nil
}

// withheld looks for licenses and orders that the insurer must have heard and
// does not name: those below the place up to which it says that it has read,
// and, where it calls the feed fresh, those that were known a long time before.
func (v *verifier) withheld(signed time.Time, f *claims.StandingFact) error {
	heard := func(r *recorded) bool {
		return r.proof.Index < f.Feed || f.Fresh && r.proof.Known.Add(maxPatience).Before(signed)
	}
	for _, l := range sortedByName(v.licenses) {
		if f.NPI != "" && l.subject.NPI == f.NPI && l.subject.Jurisdiction == f.State && heard(l.entry) && !slices.Contains(f.Licenses, l.subject.Handle) {
			return found(checkStanding, "its evidence leaves out %s, which the insurer had heard", l.name)
		}
	}
	for _, o := range sortedByName(v.orders) {
		if slices.Contains(f.Licenses, o.subject.License) && heard(o.entry) && !slices.Contains(f.Orders, o.subject.Handle) {
			return found(checkStanding, "its evidence leaves out %s, which the insurer had heard", o.name)
		}
	}
	return nil
}

// named are the licenses and orders that a fact names.
func (v *verifier) named(f *claims.StandingFact) (licenses []credentials.License, orders []credentials.Order) {
	for _, h := range f.Licenses {
		if l := v.licenses[h]; l != nil { // checkStanding wants them all
			licenses = append(licenses, l.subject)
		}
	}
	for _, h := range f.Orders {
		if o := v.orders[h]; o != nil {
			orders = append(orders, o.subject)
		}
	}
	return licenses, orders
}

func repeats(hs []credentials.Handle) bool {
	for i, h := range hs {
		if slices.Contains(hs[:i], h) {
			return true
		}
	}
	return false
}

// checkAuthorizationFact compares the authorization that a line draws on with
// the signed decision on it. The order of the two on the ledger says nothing:
// the insurer's books are ahead of it.
func (v *verifier) checkAuthorizationFact(d *document[claims.ClaimDecisionDocument], l *claims.Line, f *claims.LineFact) error {
	decision, err := v.checkAuthorized(d, fmt.Sprintf("line %d", l.Number), l.Code, f.Authorization)
	if err == nil && decision != nil && f.Authorization.Matches && decision.NPI != f.Standing.NPI {
		return found(checkAuth, "line %d: the authorization is for another clinician", l.Number)
	}
	return err
}

// checkStay is the same for the days of a stay, which a hospital asks for in its own name.
func (v *verifier) checkStay(d *document[claims.ClaimDecisionDocument], c *claims.Claim, a *claims.AuthorizationFact) error {
	if a == nil {
		return nil
	}
	decision, err := v.checkAuthorized(d, "the stay", a.Code, a)
	if err != nil || decision == nil || !a.Matches {
		return err
	}
	request := v.requests[decision.Submission]
	if request == nil {
		return v.need("the request of the authorization that its evidence names", fileOf(Submissions, decision.Submission))
	}
	if request.subject.Request.Requester.NPI != c.Billing.NPI {
		return found(checkAuth, "the stay: the authorization was asked for by another hospital")
	}
	return nil
}

// checkAuthorized compares a fact with the signed decision, which it returns where
// the two speak of the same item.
func (v *verifier) checkAuthorized(d *document[claims.ClaimDecisionDocument], where, code string, a *claims.AuthorizationFact) (*claims.AuthorizationDecision, error) {
	switch {
	case a == nil:
		return nil, nil
	case a.Handle.IsZero():
		if a.Matches && a.Outcome != claims.AuthorizationPended || !a.Found && (a.Matches || a.Outcome != "") {
			return nil, found(checkAuth, "%s: it says more about its authorization than a signed decision does", where)
		}
		return nil, nil
	}
	doc := v.authorizations[a.Handle]
	if doc == nil {
		return nil, v.need("the authorization that its evidence names", fileOf(Authorizations, a.Handle))
	}
	if v.failed[doc.name] != nil {
		return nil, v.need("the authorization that its evidence names", doc.name)
	}
	decision := &doc.subject.Decision
	request, submission := v.requests[decision.Submission], v.submissions[d.subject.Decision.Submission]
	own := request != nil && request.issuer == submission.issuer && a.Number == decision.Request
	if !own && a.Number != claims.ControlNumber(decision.Submission) {
		return nil, found(checkAuth, "%s: authorization %s has another number than the line names", where, a.Handle)
	}
	if doc.issuer != d.issuer {
		return nil, found(checkAuth, "%s: another insurer has decided its authorization", where)
	}
	i := slices.IndexFunc(decision.Items, func(it claims.ItemDecision) bool { return it.Code == code })
	if i < 0 {
		if a.Matches {
			return nil, found(checkAuth, "%s: the authorization has no item for %s", where, code)
		}
		return nil, nil
	}
	it := &decision.Items[i]
	if a.Outcome != it.Outcome || a.From != it.From || a.Until != it.Until || a.Left > it.Units {
		return nil, found(checkAuth, "%s: the evidence says %s from %s to %s, the signed authorization %s from %s to %s, or has fewer units",
			where, a.Outcome, a.From, a.Until, it.Outcome, it.From, it.Until)
	}
	return decision, nil
}

// checkDraws wants the claims in the dossier to take no more units from an
// authorization than it was ever given.
func (v *verifier) checkDraws(d *document[claims.ClaimDecisionDocument]) error {
	for _, draw := range d.subject.Decision.Draws {
		a := v.authorizations[draw.Authorization]
		if a == nil {
			return v.need("the authorization that it draws on", fileOf(Authorizations, draw.Authorization))
		}
		request := a.subject.Decision.Submission
		var given, drawn claims.Quantity
		for _, other := range v.authorizations {
			if other.subject.Decision.Submission != request {
				continue
			}
			for _, it := range other.subject.Decision.Items {
				if it.Code == draw.Code && it.Outcome == claims.AuthorizationApproved {
					given = max(given, it.Units)
				}
			}
		}
		for _, other := range v.decisions {
			for _, o := range other.subject.Decision.Takes() {
				from := v.authorizations[o.Authorization]
				if from != nil && from.subject.Decision.Submission == request && o.Code == draw.Code {
					drawn += o.Units
				}
			}
		}
		if drawn > given {
			return found(checkAuth, "line %d: the claims here draw %s units of an authorization for %s", draw.Line, drawn, given)
		}
	}
	return nil
}

// checkReviewFact wants a reviewer's signed word to say what the evidence says.
// The reviewer's standing is the insurer's own finding, and is checked like
// any other.
func (v *verifier) checkReviewFact(entry *recorded, signed time.Time, r *claims.Determination) error {
	if r == nil {
		return nil
	}
	d := v.determinations[r.Handle]
	if d == nil {
		return v.need("the determination that its evidence names", fileOf(Determinations, r.Handle))
	}
	said := *r
	said.Standing = nil
	if !said.Same(&d.subject) {
		return found(checkReview, "the reviewer signed something else: %s", d.name)
	}
	if r.Standing == nil {
		return nil
	}
	if r.Standing.NPI != r.NPI {
		return found(checkReview, "its evidence looks up the standing of another person than the reviewer")
	}
	return v.checkStanding(entry, signed, r.Standing)
}

func sortedByName[T any](m map[credentials.Handle]*document[T]) []*document[T] {
	all := make([]*document[T], 0, len(m))
	for _, d := range m {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *document[T]) int { return cmp.Compare(a.name, b.name) })
	return all
}
