package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// files gathers what somebody needs to check a submission's decisions without
// asking anyone: the decisions with evidence and receipts, the editions, and
// the licenses, orders and authorizations that the evidence names.
func (g *Gateway) files(ctx context.Context, s *books.Status) (map[string][]byte, error) {
	f := dossier.Files{}
	f.Token(dossier.Submissions, s.Handle, s.Token)
	if err := g.addDecisions(ctx, f, s); err != nil {
		return nil, err
	}
	if err := g.addSignatures(ctx, f, s.Handle); err != nil {
		return nil, err
	}
	if err := g.addCorrections(ctx, f, s); err != nil {
		return nil, err
	}
	editions, err := g.Books.Editions(ctx)
	if err != nil {
		return nil, err
	}
	lists := listsNamed(f)
	for _, e := range editions {
		if e.Kind == books.ExclusionEdition && !lists[e.Ref.Digest] {
			continue // there is one every month, and what none of these decisions asked tells nothing of them
		}
		f.Edition(string(e.Kind), e.Ref, e.Body)
		if err := g.addReceipt(ctx, f, e.Handle); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// listsNamed are the lists of excluded providers that the evidence of a dossier names.
func listsNamed(f dossier.Files) map[credentials.Digest]bool {
	lists := map[credentials.Digest]bool{}
	for name, file := range f {
		if path.Dir(name) != dossier.Evidence {
			continue
		}
		e, _, err := claims.OpenEvidence[claims.Evidence](file)
		if err == nil && e.ExclusionList != nil && e.ExclusionList.List != nil { // not an authorization's
			lists[e.ExclusionList.List.Digest] = true
		}
	}
	return lists
}

func (g *Gateway) addDecisions(ctx context.Context, f dossier.Files, s *books.Status) error {
	folder := dossier.Decisions
	if s.Kind == books.AuthorizationKind {
		folder = dossier.Authorizations
	}
	for _, d := range s.Decisions {
		if !d.Outbox.Recorded {
			break
		}
		f.Token(folder, d.Document, d.Signed.Token)
		f.Evidence(d.Document, d.Signed.Evidence)
		f.Receipt(d.Document, d.Outbox.Entry, d.Outbox.Receipt)
		if d.Determination != "" {
			_, _, h, err := credentials.Peek(d.Determination)
			if err != nil {
				return fmt.Errorf("read determination: %w", err)
			}
			f.Token(dossier.Determinations, h, d.Determination)
		}
		if err := g.addNamed(ctx, f, s, d.Signed.Evidence); err != nil {
			return err
		}
	}
	return nil
}

// addNamed adds the documents that one decision's evidence names.
func (g *Gateway) addNamed(ctx context.Context, f dossier.Files, s *books.Status, evidence []byte) error {
	var facts []claims.StandingFact
	if s.Kind == books.AuthorizationKind {
		e, _, err := claims.OpenEvidence[claims.AuthorizationEvidence](evidence)
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		for _, it := range e.Standings {
			facts = append(facts, it.First, it.Last)
		}
		if e.Review != nil && e.Review.Standing != nil {
			facts = append(facts, *e.Review.Standing)
		}
		if err := g.addRead(ctx, f, e.Review); err != nil {
			return err
		}
		facts = append(facts, standingsOf(e.Signatures)...)
	} else {
		e, _, err := claims.OpenEvidence[claims.Evidence](evidence)
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		facts = append(facts, standingsOf(e.Signatures)...)
		if err := g.addRead(ctx, f, e.Review); err != nil {
			return err
		}
		if len(e.Appeals) > 0 {
			if err := g.addAppeals(ctx, f, s.Handle); err != nil {
				return err
			}
		}
		if e.Original != nil && e.Original.Submission != s.Handle {
			if err := g.addSubmission(ctx, f, s.Submitter, e.Original.Document); err != nil {
				return err
			}
		}
		if e.Stay != nil && !e.Stay.Handle.IsZero() {
			if err := g.addSubmission(ctx, f, s.Submitter, e.Stay.Handle); err != nil {
				return err
			}
		}
		for _, l := range e.Lines {
			facts = append(facts, l.Standing)
			if l.Authorization != nil && !l.Authorization.Handle.IsZero() {
				if err := g.addSubmission(ctx, f, s.Submitter, l.Authorization.Handle); err != nil {
					return err
				}
			}
		}
	}
	for _, fact := range facts {
		docs, err := g.Books.LicenseDocuments(ctx, fact.Licenses, fact.Orders)
		if err != nil {
			return err
		}
		for _, d := range docs {
			folder := dossier.Licenses
			if d.Order {
				folder = dossier.Orders
			}
			f.Token(folder, d.Handle, d.Token)
			f.Receipt(d.Handle, d.Entry, d.Receipt)
		}
	}
	return nil
}

func standingsOf(signatures []claims.SignatureFact) (facts []claims.StandingFact) {
	for _, s := range signatures {
		facts = append(facts, s.Standing)
	}
	return facts
}

// addCorrections adds the claims by which the submitter has changed this one, one
// after the other: without them nobody could tell why its decision stands no more.
func (g *Gateway) addCorrections(ctx context.Context, f dossier.Files, s *books.Status) error {
	for by := s.ReversedBy; !by.IsZero(); {
		if err := g.addSubmission(ctx, f, s.Submitter, by); err != nil {
			return err
		}
		next, err := g.Books.StatusOfDecision(ctx, by)
		if err != nil {
			return err
		}
		by = next.ReversedBy
	}
	return nil
}

// addSubmission adds all about the submission that a decision answers: an
// authorization or a corrected claim that a claim's evidence names, if it is the
// submitter's own.
func (g *Gateway) addSubmission(ctx context.Context, f dossier.Files, submitter credentials.DID, document credentials.Handle) error {
	s, err := g.Books.StatusOfDecision(ctx, document)
	if err != nil {
		return err
	}
	if s.Submitter != submitter {
		return nil
	}
	f.Token(dossier.Submissions, s.Handle, s.Token)
	if err := g.addSignatures(ctx, f, s.Handle); err != nil {
		return err
	}
	return g.addDecisions(ctx, f, s)
}

// addSignatures adds what clinicians signed upon a submission.
func (g *Gateway) addSignatures(ctx context.Context, f dossier.Files, submission credentials.Handle) error {
	signatures, err := g.Books.Signatures(ctx, submission)
	for _, s := range signatures {
		f.Token(dossier.Signatures, s.Handle, s.Token)
	}
	return err
}

func (g *Gateway) addReceipt(ctx context.Context, f dossier.Files, document credentials.Handle) error {
	row, err := g.Books.Recorded(ctx, document)
	if err != nil {
		return err
	}
	if row.Recorded {
		f.Receipt(document, row.Entry, row.Receipt)
	}
	return nil
}

func (g *Gateway) getEditions(c *call) (any, error) {
	if c.URL.Query().Get("kind") == string(books.CodeEdition) {
		return g.codeEditions(c.Context())
	}
	all, err := g.Books.Editions(c.Context())
	if err != nil {
		return nil, err
	}
	out := []api.Edition{}
	for _, e := range all {
		out = append(out, edition(e))
	}
	return out, nil
}

func edition(e books.Edition) api.Edition {
	return api.Edition{Kind: string(e.Kind), Ref: e.Ref, Handle: e.Handle, Body: e.Body}
}

// editionKinds are what may be published.
var editionKinds = []books.EditionKind{books.PlanEdition, books.FeeEdition, books.CodeEdition, books.ExclusionEdition}

// postEdition publishes an edition; only the insurer itself may.
func (g *Gateway) postEdition(c *call) (any, error) {
	kind := books.EditionKind(c.PathValue("kind"))
	if !slices.Contains(editionKinds, kind) {
		return nil, refuse(http.StatusNotFound, "editions are of one of %q", editionKinds)
	}
	if c.party.DID != g.Insurer {
		return nil, refuse(http.StatusForbidden, "only this insurer publishes its editions")
	}
	q := c.URL.Query()
	e, err := g.Publish(c.Context(), kind, q.Get("name"), q.Get("edition"), c.body)
	if err != nil {
		var bad *EditionError
		if errors.As(err, &bad) {
			return nil, refuse(http.StatusUnprocessableEntity, "%v", bad.Err)
		}
		return nil, err
	}
	if kind == books.CodeEdition {
		g.codes.forget()
	}
	return edition(e), nil
}

// postMembers enrolls the members of a file; only the insurer itself may.
func (g *Gateway) postMembers(c *call) (any, error) {
	plan := c.URL.Query().Get("plan")
	n, err := g.roster(c, "enrolls its members", func() (int, error) { return g.Enroll(c.Context(), plan, c.body) })
	if err != nil {
		return nil, err
	}
	return api.Enrolled{Plan: plan, Members: n}, nil
}

// postCoverage writes down when members are covered.
func (g *Gateway) postCoverage(c *call) (any, error) {
	plan := c.URL.Query().Get("plan")
	n, err := g.roster(c, "says whom it covers", func() (int, error) { return g.Cover(c.Context(), plan, c.body) })
	if err != nil {
		return nil, err
	}
	return api.Rostered{Rows: n}, nil
}

// postProviders writes down who renders the services of billing organizations.
func (g *Gateway) postProviders(c *call) (any, error) {
	n, err := g.roster(c, "says who is on its roster", func() (int, error) { return g.Roster(c.Context(), c.body) })
	if err != nil {
		return nil, err
	}
	return api.Rostered{Rows: n}, nil
}

// roster takes a file from the insurer itself, and refuses one with bad rows.
func (g *Gateway) roster(c *call, what string, write func() (int, error)) (int, error) {
	if c.party.DID != g.Insurer {
		return 0, refuse(http.StatusForbidden, "only this insurer %s", what)
	}
	n, err := write()
	var bad *EditionError
	if errors.As(err, &bad) {
		return 0, refuse(http.StatusUnprocessableEntity, "%v", bad.Err)
	}
	return n, err
}

// waiting reads ?wait=SECONDS (at most 30) and ?after=N.
func waiting(c *call) (after int, wait time.Duration, err error) {
	q := c.URL.Query()
	seconds, after := 0, 0
	for name, n := range map[string]*int{"wait": &seconds, "after": &after} {
		if text := q.Get(name); text != "" {
			if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
				return 0, 0, refuse(http.StatusBadRequest, "%s=%q is not a number", name, text)
			}
		}
	}
	return after, time.Duration(min(seconds, 30)) * time.Second, nil
}
