package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// Evidence gathers the facts that the rules need, as of the dates of service.
type Evidence struct {
	Books Books
	Now   func() time.Time
	Clock Clock
	// Patience is how old the last word from the board may be before its
	// silence no longer proves that nothing happened.
	Patience time.Duration
	// Insurer is for whom clinicians sign.
	Insurer credentials.DID

	fees     parsedFees
	lists    parsedLists
	compiled sync.Map // digest of a plan edition to its *terms.Conditions
}

// conditions compiles the terms of an edition once: that takes longer than a
// whole claim.
func (g *Evidence) conditions(p *claims.Plan) (*terms.Conditions, error) {
	if c, ok := g.compiled.Load(p.Digest); ok {
		return c.(*terms.Conditions), nil
	}
	c, err := terms.Compile(p)
	if err == nil {
		g.compiled.Store(p.Digest, c)
	}
	return c, err
}

// ClaimGathered is a claim with everything that its decision rests on. Wait
// says that it is too early: an earlier claim of the same family is not decided
// yet (claims of one family are decided in the order in which they came), or
// this house's clock is off.
type ClaimGathered struct {
	Wait     bool            `json:"wait,omitempty"`
	Claim    claims.Claim    `json:"claim"`
	Plan     claims.Plan     `json:"plan"`
	Evidence claims.Evidence `json:"evidence"`
	Fences   []books.Fence   `json:"fences"`
	// Before is the decision that this one may replace, if any: a pended one, or a
	// final one where the claim was opened again.
	Before   *claims.Decision `json:"before,omitempty"`
	Reopened bool             `json:"reopened,omitempty"`
}

// GatherClaim reads the facts in one transaction, with the version of every
// fence that guards them.
func (g *Evidence) GatherClaim(ctx context.Context, submission credentials.Handle) (*ClaimGathered, error) {
	if g.Clock() != nil {
		return &ClaimGathered{Wait: true}, nil
	}
	f, err := g.Books.ClaimFile(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("read claim file: %w", err)
	}
	if f.Wait {
		return &ClaimGathered{Wait: true}, nil
	}
	return g.claim(f)
}

// GatherEstimate reads the facts for a claim that was not received, as if it were
// received on that day with these signatures of clinicians. Nothing guards them: they may have moved already.
func (g *Evidence) GatherEstimate(ctx context.Context, submitter credentials.DID, s *claims.Submission, received credentials.Date, signatures []books.Signature) (*ClaimGathered, error) {
	if err := g.Clock(); err != nil {
		return nil, fmt.Errorf("estimate: %w", err)
	}
	f, err := g.Books.EstimateFile(ctx, submitter, s, received, signatures)
	if err != nil {
		return nil, fmt.Errorf("read for an estimate: %w", err)
	}
	return g.claim(f)
}

// GatherAnew gathers for a decided claim as though it were opened again. Nothing
// is written, and nothing may be settled on it.
func (g *Evidence) GatherAnew(ctx context.Context, submission credentials.Handle) (*ClaimGathered, error) {
	if g.Clock() != nil {
		return &ClaimGathered{Wait: true}, nil
	}
	f, err := g.Books.ClaimFileAnew(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("read claim file: %w", err)
	}
	if f.Wait {
		return &ClaimGathered{Wait: true}, nil
	}
	return g.claim(f)
}

// claim puts the evidence together from what the books hold.
func (g *Evidence) claim(f *books.ClaimFile) (*ClaimGathered, error) {
	plan, err := claims.ParsePlan(f.Plan.Body)
	if err != nil {
		return nil, permanent("read plan edition", err)
	}
	conditions, err := g.conditions(plan)
	if err != nil {
		return nil, permanent("read the terms of the plan edition", err)
	}
	fees, err := g.fees.of(f.Fees)
	if err != nil {
		return nil, permanent("read fee schedule edition", err)
	}
	c := &f.Submission.Claim
	e := claims.Evidence{
		Submission: f.Submission.Handle, Number: f.Number, Received: f.Received,
		Plan: f.Plan.Ref, Fees: f.Fees.Ref, Member: f.Member, Accumulators: f.Accumulators, Review: f.Review, Original: f.Original, Appeals: f.Appeals,
	}
	if c.Frequency == claims.Void { // empty lists: evidence holds no null
		e.Accumulators, e.Lines = []claims.Accumulators{}, []claims.LineFact{}
		return &ClaimGathered{Claim: *c, Plan: *plan, Evidence: e, Fences: f.Fences, Before: f.Before}, nil
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		fact := f.Lines[i]
		known := claims.LineFact{
			Line: l.Number, Duplicate: claims.Likeness(plan.Rules, fact.Key, fact.Earlier), Authorization: fact.Authorization,
			Standing: g.standing(fact.Practitioner, l.From),
			Terms:    conditions.Facts(c, l),
		}
		if l.To != l.From {
			last := g.standing(fact.Practitioner, l.To)
			known.StandingLast = &last
			if day := l.DoubtWithin(fact.Practitioner.Licenses, fact.Practitioner.Orders, fact.Practitioner.State); day != "" {
				within := g.standing(fact.Practitioner, day)
				known.StandingWithin = &within
			}
		}
		e.Lines = append(e.Lines, known)
	}
	if plan.StayRule(c) != nil {
		e.Stay = f.Stay
	}
	if plan.ClinicianSignature != nil {
		if e.Signatures, err = g.signatures(f.Signatures, c.ClinicalContent); err != nil {
			return nil, permanent("read clinicians' signatures", err)
		}
	}
	if plan.Providers.ExclusionList != "" {
		list, err := g.lists.of(f.Exclusions)
		if err != nil {
			return nil, permanent("read the list of excluded providers", err)
		}
		e.ExclusionList = list.Facts(c, &e, credentials.DateOf(g.Now().UTC()))
	}
	look(f, plan, fees, &e)
	if err := fees.Complete(c, plan, &e); err != nil {
		return nil, permanent("price the claim", err)
	}
	return &ClaimGathered{Claim: *c, Plan: *plan, Evidence: e, Fences: f.Fences, Before: f.Before, Reopened: f.Reopened}, nil
}

// AuthorizationGathered is the same for an authorization request, which waits
// for a clock alone.
type AuthorizationGathered struct {
	Wait     bool                          `json:"wait,omitempty"`
	Request  claims.AuthorizationRequest   `json:"request"`
	Plan     claims.Plan                   `json:"plan"`
	Evidence claims.AuthorizationEvidence  `json:"evidence"`
	Fences   []books.Fence                 `json:"fences"`
	Before   *claims.AuthorizationDecision `json:"before,omitempty"`
}

// GatherAuthorization reads the facts for an authorization request.
func (g *Evidence) GatherAuthorization(ctx context.Context, submission credentials.Handle) (*AuthorizationGathered, error) {
	if g.Clock() != nil {
		return &AuthorizationGathered{Wait: true}, nil
	}
	f, err := g.Books.AuthorizationFile(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("read authorization file: %w", err)
	}
	plan, err := claims.ParsePlan(f.Plan.Body)
	if err != nil {
		return nil, permanent("read plan edition", err)
	}
	r := &f.Submission.Request
	e := claims.AuthorizationEvidence{
		Submission: submission, Number: f.Number, Received: f.Received,
		Plan: f.Plan.Ref, Member: f.Member, Review: f.Review,
	}
	if f.Before != nil {
		e.Before = f.Before.Outcome
		if len(r.Items) == 1 && e.Before == claims.AuthorizationApproved && f.Before.Items[0].Units < r.Items[0].Units {
			e.BeforeUnits = f.Before.Items[0].Units
		}
	}
	for _, it := range r.Items {
		s := claims.ItemStanding{
			Sequence: it.Sequence,
			First:    g.standing(f.Practitioner, it.From),
			Last:     g.standing(f.Practitioner, it.Until),
		}
		s.TakenAway(f.Practitioner.Licenses, f.Practitioner.Orders, it.From, it.Until)
		e.Standings = append(e.Standings, s)
	}
	if plan.ClinicianSignature != nil {
		if e.Signatures, err = g.signatures(f.Signatures, r.ClinicalContent); err != nil {
			return nil, permanent("read clinicians' signatures", err)
		}
	}
	if e.Review != nil && f.Reviewer != nil {
		s := g.standing(*f.Reviewer, credentials.DateOf(g.Now().UTC()))
		e.Review.Standing = &s
		switch {
		case e.Review.Approve:
		case s.Standing.Answer == credentials.Unknown:
			return nil, fmt.Errorf("the board's feed is too old to say whether the reviewer of %s may deny", submission)
		case s.Standing.Answer != credentials.May:
			// A denial is a licensed clinician's (42 CFR 422.566(d)). The gateway
			// refuses others; if the license went since, the request goes on waiting.
			e.Review = nil
		}
	}
	return &AuthorizationGathered{Request: *r, Plan: *plan, Evidence: e, Fences: f.Fences, Before: f.Before}, nil
}

// signatures writes down what each clinician's signature comes to.
func (g *Evidence) signatures(files []books.SignatureFile, content func() (credentials.Digest, error)) (facts []claims.SignatureFact, err error) {
	digest, err := content()
	if err != nil {
		return nil, err
	}
	for _, s := range files {
		_, signed, err := claims.PeekSignature(s.Token)
		if err != nil {
			return nil, err
		}
		standing := claims.StandingFact{Standing: credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonNoLicense}}
		if s.License != nil {
			standing = g.standing(s.Practitioner, credentials.DateOf(signed.UTC()))
		}
		held := claims.SignatureCase{Insurer: g.Insurer, Content: digest, Received: s.Received, License: s.License, Orders: s.Practitioner.Orders}
		fact, err := held.Fact(s.Token, standing)
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// standing asks the rules about one practitioner and day, and writes down what
// the answer rests on.
func (g *Evidence) standing(p books.Practitioner, on credentials.Date) claims.StandingFact {
	standing, _, fresh := p.Standing(on, books.Fresh(p.FeedRead, g.Now(), g.Patience))
	fact := claims.StandingFact{
		NPI: p.NPI, State: p.State, On: on, Rostered: p.Rostered, Feed: p.Feed, Fresh: fresh, Standing: standing,
	}
	for _, l := range p.Licenses {
		fact.Licenses = append(fact.Licenses, l.Handle)
	}
	for _, o := range p.Orders {
		fact.Orders = append(fact.Orders, o.Handle)
	}
	return fact
}
