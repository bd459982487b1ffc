package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// postEstimate says, signed, what a claim would come to if it were received now.
// No contract starts and nothing is written down. The question is signed as one: it
// is no claim, and nobody can bill with it. What clinicians signed comes behind it
// as it comes behind a claim: they sign a content and no submission, so that the
// same signatures, which are not used up here, go with the claim. The answer says
// what a decision would say, and brings none of the facts behind it.
func (g *Gateway) postEstimate(c *call) (any, error) {
	if wait := g.pace.wait(c.party.DID, g.Now()); wait > 0 {
		g.Log.WarnContext(c.Context(), "estimates: a party asks too often", "party", string(c.party.DID))
		return nil, refuse(http.StatusTooManyRequests, "more than %d estimates were asked for within an hour: ask again in %s", g.EstimatesAnHour, wait.Round(time.Second)+time.Second)
	}
	select {
	case g.estimating <- struct{}{}:
		defer func() { <-g.estimating }()
	default:
		return nil, refuse(http.StatusServiceUnavailable, "too many ask for estimates at once: ask again")
	}
	parts, err := partsOf(c.body)
	if err != nil {
		return nil, err
	}
	token := parts[0]
	doc, err := judged[claims.Submission](g, c, token, credentials.KindEstimateRequest, "estimate request")
	if err != nil {
		return nil, err
	}
	s := &doc.Subject
	received := g.receivedOn(s.Source.Created)
	if s.Claim.Changes() {
		return nil, refuse(http.StatusUnprocessableEntity, "a replacement or a void is not estimated: what it takes back is known once it has been received")
	}
	edits, unread := g.edits(c.Context())
	if found := claims.Check(&s.Claim, edits, received); len(found) > 0 {
		return nil, refusedFor("claim", found)
	}
	if unread != nil {
		return nil, unread
	}
	if err := g.refuseReceived(c, s, doc.Issuer); err != nil {
		return nil, err
	}
	signatures, err := g.signatures(parts[1:], s.Claim.ClinicalContent)
	if err != nil {
		return nil, err
	}
	d, err := g.estimated(c, s, received, signatures)
	if err != nil {
		return nil, err
	}
	return g.signEstimate(token, d, received)
}

// refuseReceived refuses to estimate what has been received: it would look like a
// duplicate of itself, and its decision says more.
func (g *Gateway) refuseReceived(c *call, s *claims.Submission, submitter credentials.DID) error {
	key, err := s.BusinessKey(g.Secret, submitter)
	if err != nil {
		return err
	}
	known, err := g.Books.FindSubmission(c.Context(), key)
	switch {
	case errors.Is(err, books.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find submission: %w", err)
	}
	return refuse(http.StatusConflict, "the claim has been received before, under %s: ask where it stands", known.Control)
}

// estimated asks the rules, on what the books say now.
func (g *Gateway) estimated(c *call, s *claims.Submission, received credentials.Date, signatures []books.Signature) (*claims.Decision, error) {
	found, err := g.Gather(c.Context(), c.party.DID, s, received, signatures)
	if errors.Is(err, books.ErrSignatureUsed) {
		return nil, refuse(http.StatusConflict, "%v", books.ErrSignatureUsed)
	}
	if errors.Is(err, books.ErrNotFound) {
		return nil, refuse(http.StatusUnprocessableEntity, "no plan with its fees is published by which the claim could be estimated")
	}
	if err != nil {
		return nil, err
	}
	d, err := claims.Adjudicate(&found.Claim, &found.Plan, &found.Evidence)
	if err != nil {
		g.Log.WarnContext(c.Context(), "estimates: the rules give no decision", "error", err.Error())
		return nil, refuse(http.StatusUnprocessableEntity, "the rules give no decision on this claim: ask the insurer")
	}
	return d, nil
}

func (g *Gateway) signEstimate(question string, d *claims.Decision, received credentials.Date) (any, error) {
	if err := g.keyStands(); err != nil {
		return nil, fmt.Errorf("sign estimate: %w", err)
	}
	e := claims.ClaimEstimate{Notice: claims.EstimateNotice, Submission: credentials.DocumentDigest(question), Estimate: claims.EstimateOf(d, received)}
	rand.Read(e.Handle[:]) // never fails (crypto/rand)
	rand.Read(e.Salt[:])
	now := g.Now()
	token, err := credentials.IssueUntil(g.Signer, credentials.KindClaimEstimate, e.Handle, now, now.Add(claims.EstimateLife), e)
	if err != nil {
		return nil, fmt.Errorf("sign estimate: %w", err)
	}
	return api.Estimate{Token: token}, nil
}

// estimatesAtOnce bounds how many are worked out side by side, so that contracts
// have the books to themselves.
const estimatesAtOnce = 16

// defaultEstimatesAnHour lets a large file through and makes guessing member
// ids slow.
const defaultEstimatesAnHour = 3000

// A pace lets each party ask so often an hour. It remembers parties that asked
// within the last hour, and nothing of what they asked.
type pace struct {
	anHour int

	mu   sync.Mutex
	left map[credentials.DID]allowance
}

// An allowance is what was left of an hour's at a moment.
type allowance struct {
	left float64
	at   time.Time
}

func newPace(anHour int) *pace { return &pace{anHour: anHour, left: map[credentials.DID]allowance{}} }

// wait is how long a party has to wait before it may ask; 0 counts as asked.
func (p *pace) wait(who credentials.DID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, known := p.left[who]
	if !known {
		a = allowance{float64(p.anHour), now}
	}
	a.left = min(float64(p.anHour), a.left+max(0, now.Sub(a.at)).Hours()*float64(p.anHour))
	if now.After(a.at) {
		a.at = now
	}
	if a.left < 1 {
		p.left[who] = a
		return time.Duration((1 - a.left) / float64(p.anHour) * float64(time.Hour))
	}
	a.left--
	p.left[who] = a
	return 0
}
