package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// claimNamed finds a claim by its handle or by our control number.
func (g *Gateway) claimNamed(ctx context.Context, name string) (*books.Status, error) {
	h, err := credentials.ParseHandle(name)
	if err != nil {
		if h, err = g.Books.ClaimByControl(ctx, name); err != nil {
			return nil, err
		}
	}
	return g.Books.StatusOf(ctx, h)
}

// postAppeal takes a hospital's signed appeal of the latest decision on a claim of
// its own. It starts nothing: a reviewer answers it.
func (g *Gateway) postAppeal(c *call) (any, error) {
	doc, err := judged[claims.Appeal](g, c, string(c.body), credentials.KindClaimAppeal, "appeal")
	if err != nil {
		return nil, err
	}
	a := doc.Subject
	s, err := g.claimNamed(c.Context(), c.PathValue("claim"))
	if err != nil {
		return nil, err
	}
	if s.Submitter != c.party.DID || s.Kind != books.ClaimKind {
		return nil, books.ErrNotFound // somebody else's claim is none
	}
	if a.Subject != s.Handle || a.Handle != doc.Handle() {
		return nil, refuse(http.StatusBadRequest, "the appeal is about another claim, or has another handle than its document")
	}
	if err := a.Check(); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "appeal: %v", err)
	}
	due, err := g.mayAppeal(c.Context(), s, &a)
	if err != nil {
		return nil, err
	}
	kept, again, err := g.Books.KeepAppeal(c.Context(), books.AppealFile{Appeal: a, Due: due, Token: string(c.body)})
	switch {
	case errors.Is(err, books.ErrAppealed), errors.Is(err, books.ErrNotFinal):
		return nil, refuse(http.StatusConflict, "%v", err)
	case err != nil:
		return nil, fmt.Errorf("keep appeal: %w", err)
	}
	return api.Appealed{Handle: kept.Handle, Claim: s.Handle, Number: kept.Number, Due: kept.Due, State: string(kept.State), Again: again}, nil
}

// mayAppeal asks whether the decision may still be appealed, by the edition of
// the plan under which it was made, and by when the answer is due.
func (g *Gateway) mayAppeal(ctx context.Context, s *books.Status, a *claims.Appeal) (due credentials.Date, err error) {
	latest := s.Latest()
	if latest == nil || latest.Number != a.Number || s.State != latest.Outcome {
		return "", refuse(http.StatusConflict, "decision %d is not the latest one in force on the claim: look at it again (countersign claim status)", a.Number)
	}
	d, err := decisionIn(latest)
	if err != nil {
		return "", err
	}
	if err := a.Against(d); err != nil {
		return "", refuse(http.StatusConflict, "%v", err)
	}
	plan, err := g.planEdition(ctx, d.Plan)
	if err != nil {
		return "", err
	}
	today := credentials.DateOf(g.Now().UTC())
	if last := plan.AppealUntil(credentials.DateOf(latest.Settled.UTC())); today > last {
		if kept, err := g.Books.Appeal(ctx, a.Handle); err == nil { // it came in time, and asks again
			return kept.Due, nil
		}
		return "", refuse(http.StatusUnprocessableEntity, "too late: the decision could be appealed until %s", last)
	}
	return plan.AppealDue(today), nil
}

// decisionIn reads what a decision on a claim says.
func decisionIn(row *books.DecisionRow) (*claims.Decision, error) {
	d := new(claims.Decision)
	if err := json.Unmarshal(row.Signed.Body, d); err != nil {
		return nil, fmt.Errorf("read decision: %w", err)
	}
	return d, nil
}

func (g *Gateway) planEdition(ctx context.Context, ref claims.EditionRef) (*claims.Plan, error) {
	all, err := g.Books.Editions(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(e books.Edition) bool { return e.Kind == books.PlanEdition && e.Ref == ref })
	if i < 0 {
		return nil, fmt.Errorf("plan edition %q %q is not in the books", ref.Name, ref.Edition)
	}
	return claims.ParsePlan(all[i].Body)
}

// listAppeals lists for the reviewers what waits for an answer, the first due
// first.
func (g *Gateway) listAppeals(c *call) (any, error) {
	all, err := g.Books.Appeals(c.Context(), credentials.Handle{})
	if err != nil {
		return nil, err
	}
	out := []api.AppealUnderReview{}
	for i := range all {
		a, err := g.underReview(c, &all[i])
		if err != nil {
			return nil, err
		}
		out = append(out, *a)
	}
	return out, nil
}

// getAppeal shows a reviewer one appeal, named by its handle.
func (g *Gateway) getAppeal(c *call) (any, error) {
	a, err := g.appealNamed(c)
	if err != nil {
		return nil, err
	}
	return g.underReview(c, a)
}

func (g *Gateway) appealNamed(c *call) (*books.AppealFile, error) {
	h, err := credentials.ParseHandle(c.PathValue("handle"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "handle: %v", err)
	}
	a, err := g.Books.Appeal(c.Context(), h)
	return &a, err
}

func (g *Gateway) underReview(c *call, a *books.AppealFile) (*api.AppealUnderReview, error) {
	s, err := g.Books.StatusOf(c.Context(), a.Subject)
	if err != nil {
		return nil, err
	}
	d, err := g.describe(c, s)
	if err != nil {
		return nil, err
	}
	return &api.AppealUnderReview{Appeal: appeal(a), Token: a.Token, Submission: *d, Claim: s.Token}, nil
}

func appeal(a *books.AppealFile) api.Appeal {
	out := api.Appeal{Handle: a.Handle, Number: a.Number, Lines: a.Lines, Filed: a.Filed, Due: a.Due, State: string(a.State)}
	if a.Answer != nil {
		out.Determination = a.AnswerToken
	}
	return out
}

// postAppealAnswer takes a reviewer's signed answer. One that overturns opens the
// claim again; its contract decides it anew.
func (g *Gateway) postAppealAnswer(c *call) (any, error) {
	doc, err := judged[claims.Determination](g, c, string(c.body), credentials.KindReviewDetermination, "determination")
	if err != nil {
		return nil, err
	}
	r := doc.Subject
	a, err := g.appealNamed(c)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Handle != doc.Handle() || r.Reviewer != doc.Issuer:
		return nil, refuse(http.StatusBadRequest, "the determination names another reviewer than the one who signed it, or another handle")
	case r.Standing != nil:
		return nil, refuse(http.StatusBadRequest, "the reviewer's standing is for the insurer to find: leave it out")
	}
	if err := g.mayAnswer(c.Context(), a, &r); err != nil {
		return nil, err
	}
	work, err := g.Books.AnswerAppeal(c.Context(), r, string(c.body), c.keyID, c.token)
	if errors.Is(err, books.ErrAnswered) {
		return nil, refuse(http.StatusConflict, "%v: look at it again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("answer appeal: %w", err)
	}
	if r.Approve {
		if err := g.Restart(c.Context(), r.Subject, work); err != nil {
			return nil, fmt.Errorf("open the claim again: %w", err)
		}
	}
	return api.Acceptance{Handle: r.Handle}, nil
}

// mayAnswer wants an answer to this very appeal, from somebody who has not
// decided the claim before (29 CFR 2560.503-1(h)(3)(ii)).
func (g *Gateway) mayAnswer(ctx context.Context, a *books.AppealFile, r *claims.Determination) error {
	s, err := g.Books.StatusOf(ctx, a.Subject)
	if err != nil {
		return err
	}
	for i := range s.Decisions {
		row := &s.Decisions[i]
		if row.Number != a.Number {
			continue
		}
		d, err := decisionIn(row)
		if err != nil {
			return err
		}
		if err := r.Answers(&a.Appeal, d); err != nil {
			return refuse(http.StatusUnprocessableEntity, "%v", err)
		}
		if row.Determination == "" {
			return nil
		}
		before, err := credentials.Open[claims.Determination](row.Determination, credentials.KindReviewDetermination, g.Keys)
		if err != nil {
			return fmt.Errorf("read the determination before: %w", err)
		}
		if before.Issuer == r.Reviewer {
			return refuse(http.StatusForbidden, "you have decided this claim before: an appeal is answered by another reviewer (29 CFR 2560.503-1(h)(3)(ii))")
		}
		return nil
	}
	return fmt.Errorf("decision %d, which was appealed, is not in the books", a.Number)
}

// addOpen says how a claim's appeals stand, and whether it is open again.
func (g *Gateway) addOpen(c *call, out *api.Submission, s *books.Status) error {
	if s.Kind != books.ClaimKind || len(s.Decisions) == 0 {
		return nil
	}
	appeals, err := g.Books.Appeals(c.Context(), s.Handle)
	if err != nil {
		return fmt.Errorf("read appeals: %w", err)
	}
	for i := range appeals {
		out.Appeals = append(out.Appeals, appeal(&appeals[i]))
	}
	all, err := g.Books.Reopenings(c.Context(), s.Handle)
	if err != nil {
		return fmt.Errorf("read reopenings: %w", err)
	}
	for _, r := range all {
		if r.State == books.ReopeningOpen || r.State == books.ReopeningWaiting {
			out.Reopening = &api.Reopening{Number: r.Number, Kind: string(r.Kind), State: string(r.State), Waits: r.Waits, Opened: r.Opened}
		}
	}
	return nil
}

// addAppeals adds to a dossier what was answered: the appeal and the reviewer's
// word.
func (g *Gateway) addAppeals(ctx context.Context, f dossier.Files, submission credentials.Handle) error {
	all, err := g.Books.Appeals(ctx, submission)
	if err != nil {
		return fmt.Errorf("read appeals: %w", err)
	}
	for _, a := range all {
		if a.Answer != nil {
			f.Token(dossier.Appeals, a.Handle, a.Token)
			f.Token(dossier.Determinations, a.Answer.Handle, a.AnswerToken)
		}
	}
	return nil
}
