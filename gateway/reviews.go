package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/workflows"
)

// own lets only the insurer's own reviewers in.
func (g *Gateway) own(handle func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if !slices.Contains(g.Reviewers, c.party.DID) {
			return nil, refuse(http.StatusForbidden, "you are no reviewer of this insurer")
		}
		return handle(c)
	}
}

func (g *Gateway) listReviews(c *call) (any, error) {
	pended, err := g.Books.Pended(c.Context())
	if err != nil {
		return nil, err
	}
	return g.describeAll(c, pended)
}

func (g *Gateway) getReview(c *call) (any, error) {
	h, err := credentials.ParseHandle(c.PathValue("handle"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "handle: %v", err)
	}
	s, err := g.Books.StatusOf(c.Context(), h)
	if err != nil {
		return nil, err
	}
	d, err := g.describe(c, s)
	if err != nil {
		return nil, err
	}
	return api.Review{Submission: *d, Token: s.Token}, nil
}

// postReview takes a reviewer's signed determination, writes it into the books
// and wakes the contract.
func (g *Gateway) postReview(c *call) (any, error) {
	doc, err := judged[claims.Determination](g, c, string(c.body), credentials.KindReviewDetermination, "determination")
	if err != nil {
		return nil, err
	}
	d := doc.Subject
	switch {
	case d.Subject.String() != c.PathValue("handle"):
		return nil, refuse(http.StatusBadRequest, "the determination is about another submission")
	case d.Reviewer != doc.Issuer:
		return nil, refuse(http.StatusBadRequest, "the determination names another reviewer than the one who signed it")
	case d.Standing != nil:
		return nil, refuse(http.StatusBadRequest, "the reviewer's standing is for the insurer to find: leave it out")
	case !d.Approve && !d.NPI.Valid():
		return nil, refuse(http.StatusUnprocessableEntity, "a denial needs the NPI of a licensed reviewer (42 CFR 422.566(d)): give it with --npi")
	}
	if d.Units != 0 {
		if err := g.mayCut(c.Context(), d); err != nil {
			return nil, err
		}
	}
	if !d.Approve {
		if err := g.mayDeny(c.Context(), d); err != nil {
			return nil, err
		}
	}
	if err := g.mayRest(c.Context(), &d); err != nil {
		return nil, err
	}
	work, err := g.Books.Determine(c.Context(), d, string(c.body))
	if errors.Is(err, books.ErrDetermined) {
		return nil, refuse(http.StatusConflict, "%v, or it is not pended any more: look at it again", err)
	}
	if err != nil {
		return nil, err
	}
	err = g.Temporal.SignalWorkflow(c.Context(), workflows.ContractID(work), "", workflows.ReconsiderSignal, workflows.Reconsider{Cause: d.Handle})
	if err != nil {
		return nil, err
	}
	return api.Acceptance{Handle: d.Handle}, nil
}

// mayCut refuses units that cannot be approved: the rules would have no decision.
func (g *Gateway) mayCut(ctx context.Context, d claims.Determination) error {
	s, err := g.Books.StatusOf(ctx, d.Subject)
	if err != nil {
		return err
	}
	var request *claims.AuthorizationRequest
	if s.Kind == books.AuthorizationKind {
		doc, err := credentials.Open[claims.AuthorizationSubmission](s.Token, credentials.KindAuthorizationSubmission, g.Keys)
		if err != nil {
			return err
		}
		request = &doc.Subject.Request
	}
	if why := d.Cuts(request); why != "" {
		return refuse(http.StatusUnprocessableEntity, "units: %s", why)
	}
	return nil
}

// mayDeny asks whether the reviewer's license stands today where the patient
// is: an adverse decision is a licensed clinician's (42 CFR 422.566(d)).
func (g *Gateway) mayDeny(ctx context.Context, d claims.Determination) error {
	s, err := g.Books.StatusOf(ctx, d.Subject)
	if err != nil {
		return err
	}
	if s.Kind != books.AuthorizationKind {
		return nil // what a reviewer denies on a claim is administrative
	}
	doc, err := credentials.Open[claims.AuthorizationSubmission](s.Token, credentials.KindAuthorizationSubmission, g.Keys)
	if err != nil {
		return err
	}
	state := doc.Subject.Request.State
	p, err := g.Books.PractitionerIn(ctx, d.NPI, state)
	if err != nil {
		return err
	}
	standing, _, _ := p.Standing(credentials.DateOf(g.Now().UTC()), books.Fresh(p.FeedRead, g.Now(), g.Patience))
	if standing.Answer != credentials.May {
		return refuse(http.StatusForbidden, "you may not deny this: %s in %s; a denial needs a clinician whose license stands there", standing.Reason, state)
	}
	return nil
}

// An EditionError is an edition, or a file of members, that is the sender's to mend.
type EditionError struct{ Err error }

func (e *EditionError) Error() string { return e.Err.Error() }
