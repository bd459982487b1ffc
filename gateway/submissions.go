package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/workflows"
)

// postClaim takes a signed claim: intake edits first, then the contract, whose
// first answer ("accepted") is the caller's.
func (g *Gateway) postClaim(c *call) (any, error) {
	parts, err := partsOf(c.body)
	if err != nil {
		return nil, err
	}
	doc, err := judged[claims.Submission](g, c, parts[0], credentials.KindClaimSubmission, "claim submission")
	if err != nil {
		return nil, err
	}
	received := g.receivedOn(doc.Subject.Source.Created)
	edits, unread := g.edits(c.Context())
	if found := claims.Check(&doc.Subject.Claim, edits, received); len(found) > 0 {
		return nil, refusedFor("claim", found)
	}
	if unread != nil {
		return nil, unread
	}
	key, err := doc.Subject.BusinessKey(g.Secret, doc.Issuer)
	if err != nil {
		return nil, err
	}
	if err := g.mayChange(c.Context(), key, doc); err != nil {
		return nil, err
	}
	signatures, err := g.signatures(parts[1:], doc.Subject.Claim.ClinicalContent)
	if err != nil {
		return nil, err
	}
	return g.accept(c.Context(), key, doc.Subject.Handle, workflows.ClaimID(key), workflows.Claim,
		activities.Submitted{Token: parts[0], Received: received, Signatures: signatures})
}

// mayChange asks whether a replacement or a void names a claim that it may
// change. One that is known already is answered as it was: what it names may by
// now have been taken back by itself.
func (g *Gateway) mayChange(ctx context.Context, key credentials.Digest, doc *credentials.Credential[claims.Submission]) error {
	claim := &doc.Subject.Claim
	if !claim.Changes() {
		return nil
	}
	if _, err := g.Books.FindSubmission(ctx, key); !errors.Is(err, books.ErrNotFound) {
		return err // nil: it is known
	}
	change, err := g.Books.Change(ctx, doc.Issuer, claim.OriginalReference)
	if err != nil {
		return fmt.Errorf("find the claim that it changes: %w", err)
	}
	if found := change.Check(claim, g.Edits); len(found) > 0 {
		return refusedFor("claim", found)
	}
	return nil
}

// refusedFor says which intake edits a submission did not pass.
func refusedFor(what string, found []claims.Problem) error {
	no := &api.Refusal{Status: http.StatusUnprocessableEntity, Message: what + " is refused: " + found[0].String()}
	for _, p := range found {
		no.Problems = append(no.Problems, api.Problem{
			Segment: p.Segment, Element: p.Element, Loop: p.Loop, Line: p.Line, Code: p.Code, Message: p.Message, Edit: p.Edit, Qualifier: p.Qualifier,
		})
	}
	return no
}

// postAuthorization takes a signed prior-authorization request.
func (g *Gateway) postAuthorization(c *call) (any, error) {
	parts, err := partsOf(c.body)
	if err != nil {
		return nil, err
	}
	doc, err := judged[claims.AuthorizationSubmission](g, c, parts[0], credentials.KindAuthorizationSubmission, "authorization request")
	if err != nil {
		return nil, err
	}
	edits, unread := g.edits(c.Context())
	if found := claims.CheckRequest(&doc.Subject.Request, edits); len(found) > 0 {
		return nil, refusedFor("authorization request", found)
	}
	if unread != nil {
		return nil, unread
	}
	key, err := doc.Subject.BusinessKey(g.Secret, doc.Issuer)
	if err != nil {
		return nil, err
	}
	signatures, err := g.signatures(parts[1:], doc.Subject.Request.ClinicalContent)
	if err != nil {
		return nil, err
	}
	return g.accept(c.Context(), key, doc.Subject.Handle, workflows.AuthorizationID(key), workflows.Authorization,
		activities.Submitted{Token: parts[0], Received: g.receivedOn(doc.Subject.Source.Created), Signatures: signatures})
}

// judged is a signed document from a request's body, if it is good: said now,
// by the caller, in a role that may say it. It may come again, which the books
// know (see accept).
func judged[T any](g *Gateway, c *call, token string, kind credentials.Kind, what string) (*credentials.Credential[T], error) {
	doc, v := credentials.Judge[T](token, kind, credentials.Policy{
		Now: g.Now(), Leeway: books.ClockSkew, Position: credentials.Latest, Keys: g.keysOf(c), Status: credentials.StatusIfNamed,
		Issuer: func(_ credentials.DID, kind credentials.Kind, jurisdiction string) error {
			return ledger.MaySign(c.party, kind, jurisdiction)
		},
	})
	switch {
	case v.IsGood():
		return doc, nil
	case v.Outcome == credentials.Bad:
		return nil, refuse(http.StatusBadRequest, "%s: %s: %s", what, v.Check, v.Why)
	}
	return nil, fmt.Errorf("judge %s: %s: %w", what, v.Check, v.Err())
}

// keysOf accepts only keys of the caller's own party: nobody submits what
// somebody else signed.
func (g *Gateway) keysOf(c *call) credentials.ResolveKey {
	return func(kid string) (credentials.Key, error) {
		key, party, err := g.Who(kid)
		if err == nil && party.DID != c.party.DID {
			return credentials.Key{}, credentials.Refuse(credentials.CheckKey, "signed with another party's key than the request")
		}
		return key, err
	}
}

// receivedOn is today, or the file's own date for demonstrations.
func (g *Gateway) receivedOn(created credentials.Date) credentials.Date {
	if g.ReceiptFromFile && created != "" {
		return created
	}
	return credentials.DateOf(g.Now())
}

// accept starts the contract, or finds the one that runs, and returns its
// acceptance. Whatever retention has forgotten, the books still know. A
// submission that was signed as another than the one accepted has joined the
// contract of an earlier copy.
func (g *Gateway) accept(ctx context.Context, key credentials.Digest, signed credentials.Handle, id string, contract any, in activities.Submitted) (any, error) {
	known, err := g.Books.FindSubmission(ctx, key)
	if err == nil {
		return g.again(ctx, known, in.Signatures)
	}
	if !errors.Is(err, books.ErrNotFound) {
		return nil, fmt.Errorf("find submission: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	// Refused once, it may come again mended.
	accepted, err := g.start(ctx, id, contract, in, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY)
	var ended *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &ended) {
		known, lookup := g.Books.FindSubmission(ctx, key)
		switch {
		case lookup == nil: // it ended between the look-up and the start
			return g.again(ctx, known, in.Signatures)
		case !errors.Is(lookup, books.ErrNotFound):
			return nil, fmt.Errorf("find submission: %w", lookup)
		}
		// Temporal remembers a contract of which the books know nothing: they were
		// restored from before it. They are the record.
		accepted, err = g.start(ctx, id, contract, in, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
	}
	var no *temporal.ApplicationError
	switch {
	case err == nil && accepted.Submission != signed:
		return g.again(ctx, books.Received{Submission: accepted.Submission, Control: accepted.Control}, in.Signatures)
	case err == nil:
		return api.Acceptance{Handle: accepted.Submission, Control: accepted.Control}, nil
	case errors.As(err, &no) && no.NonRetryable():
		return nil, refuse(http.StatusConflict, "%s", no.Message())
	}
	return nil, fmt.Errorf("start contract: %w", err)
}

// start starts a contract, or joins the one that runs, and waits for its first answer.
func (g *Gateway) start(ctx context.Context, id string, contract any, in activities.Submitted, reuse enumspb.WorkflowIdReusePolicy) (accepted activities.Accepted, err error) {
	start := g.Temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    reuse,
	}, contract, in)
	update, err := g.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: "accept", UpdateName: workflows.AcceptUpdate, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = update.Get(ctx, &accepted)
	}
	return accepted, err
}

// getSubmission answers at once, or with ?wait=SECONDS once there is a decision
// numbered higher than ?after=N, whichever comes first.
func (g *Gateway) getSubmission(c *call) (any, error) {
	h, err := credentials.ParseHandle(c.PathValue("handle"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "handle: %v", err)
	}
	after, wait, err := waiting(c)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(wait)
	for {
		s, err := g.Books.StatusOf(c.Context(), h)
		if err != nil {
			return nil, err
		}
		if c.party.DID != s.Submitter && c.party.DID != g.Insurer {
			return nil, books.ErrNotFound // somebody else's, or another insurer's question
		}
		latest := s.Latest()
		if latest != nil && latest.Number > after || !time.Now().Before(deadline) {
			return g.describe(c, s)
		}
		g.eye.await(c.Context(), h, after, time.Until(deadline))
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
	}
}

func (g *Gateway) describe(c *call, s *books.Status) (*api.Submission, error) {
	out := &api.Submission{Handle: s.Handle, Kind: string(s.Kind), Number: s.Number, Control: s.Control, State: "received", Decisions: []api.Decision{}}
	for _, d := range s.Decisions {
		if !d.Outbox.Recorded {
			break // a decision without its receipt is none
		}
		out.State = d.Outcome
		out.Decisions = append(out.Decisions, decision(&d))
	}
	var err error
	if !s.ReversedBy.IsZero() {
		if out.Correction, err = g.correction(c.Context(), s.ReversedBy); err != nil {
			return nil, err
		}
		out.State = api.StateReversed
	}
	if err := g.addOpen(c, out, s); err != nil {
		return nil, err
	}
	if err := g.addLetters(c.Context(), out, s); err != nil {
		return nil, err
	}
	if c.URL.Query().Get("files") == "" {
		return out, nil
	}
	out.Files, err = g.files(c.Context(), s)
	return out, err
}

func decision(d *books.DecisionRow) api.Decision {
	return api.Decision{
		Handle: d.Document, Number: d.Number, Outcome: d.Outcome, Settled: d.Settled, Cause: d.Cause, Token: d.Signed.Token,
		Entry: d.Outbox.Entry, Receipt: d.Outbox.Receipt,
	}
}

// correction is the decision that has taken back the latest one on another claim.
func (g *Gateway) correction(ctx context.Context, document credentials.Handle) (*api.Decision, error) {
	by, err := g.Books.StatusOfDecision(ctx, document)
	if err != nil {
		return nil, fmt.Errorf("find what took it back: %w", err)
	}
	for i := range by.Decisions {
		if by.Decisions[i].Document == document {
			d := decision(&by.Decisions[i])
			return &d, nil
		}
	}
	return nil, fmt.Errorf("decision %s is not among those on its claim", document)
}

func (g *Gateway) listSubmissions(c *call) (any, error) {
	handles, err := g.Books.Submissions(c.Context(), c.party.DID, c.URL.Query().Get("state"))
	if err != nil {
		return nil, err
	}
	return g.describeAll(c, handles)
}

func (g *Gateway) describeAll(c *call, handles []credentials.Handle) (any, error) {
	all := []*api.Submission{}
	for _, h := range handles {
		s, err := g.Books.StatusOf(c.Context(), h)
		if err != nil {
			return nil, err
		}
		d, err := g.describe(c, s)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
