package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/statuslist"
)

// Signing makes a decision a credential and signs its ledger entry. Signing
// again would give other bytes (salts, times), so the books keep the first
// ones by (submission, decision number, evidence), and everyone uses those.
type Signing struct {
	Books  Books
	Signer credentials.Signer
	// StatusURL is the address of the insurer's status lists, without a slash at
	// its end. Where it is empty, decisions name no list.
	StatusURL string
	Now       func() time.Time
	Clock     Clock
}

// Clock says why nothing may be dated by the house's clock now; nil where
// nothing is known against it. What is signed ahead of time is refused for good
// by whoever verifies it, and what a clock that is behind calls fresh is not.
type Clock func() error

// ClaimToSign is a decision with the evidence that it rests on.
type ClaimToSign struct {
	Decision claims.Decision `json:"decision"`
	Evidence claims.Evidence `json:"evidence"`
}

// SignClaim signs a claim decision and returns its handle.
func (s *Signing) SignClaim(ctx context.Context, in ClaimToSign) (credentials.Handle, error) {
	return s.sign(ctx, ledger.KindClaimDecision, credentials.KindClaimDecision, in.Decision.Submission, in.Decision.Number, &in.Decision, &in.Evidence,
		func(d drafted) (string, error) {
			return credentials.Issue(s.Signer, credentials.KindClaimDecision, d.handle, d.now, d.status, claims.ClaimDecisionDocument{
				Handle: d.handle, Salt: d.salt, Decision: in.Decision, Evidence: d.evidence, Submission: d.submission, Supersedes: d.supersedes,
			})
		})
}

// AuthorizationToSign is the same for an authorization.
type AuthorizationToSign struct {
	Decision claims.AuthorizationDecision `json:"decision"`
	Evidence claims.AuthorizationEvidence `json:"evidence"`
}

// SignAuthorization signs an authorization decision and returns its handle.
func (s *Signing) SignAuthorization(ctx context.Context, in AuthorizationToSign) (credentials.Handle, error) {
	return s.sign(ctx, ledger.KindAuthorizationDecision, credentials.KindAuthorizationDecision, in.Decision.Submission, in.Decision.Number, &in.Decision, &in.Evidence,
		func(d drafted) (string, error) {
			return credentials.Issue(s.Signer, credentials.KindAuthorizationDecision, d.handle, d.now, d.status, claims.AuthorizationDecisionDocument{
				Handle: d.handle, Salt: d.salt, Decision: in.Decision, Evidence: d.evidence, Submission: d.submission, Supersedes: d.supersedes,
			})
		})
}

// SignedKey is the key under which the books keep the first signed bytes of a
// decision.
func SignedKey(doc credentials.Kind, submission credentials.Handle, number int, evidence any) (string, error) {
	facts, err := credentials.CanonicalJSON(evidence)
	return fmt.Sprintf("%s/%s/%d/%s", doc, submission, number, credentials.DigestOf(facts)), err
}

// A drafted decision is what is signed with it, whatever it is about.
type drafted struct {
	handle, salt         credentials.Handle
	evidence, submission credentials.Digest
	supersedes           *credentials.Handle
	status               []credentials.StatusEntry
	now                  time.Time
}

type issue func(drafted) (string, error)

func (s *Signing) sign(ctx context.Context, kind ledger.Kind, doc credentials.Kind, submission credentials.Handle, number int, decision, evidence any, issue issue) (credentials.Handle, error) {
	key, err := SignedKey(doc, submission, number, evidence)
	if err != nil {
		return credentials.Handle{}, permanent("canonical form of the evidence", err)
	}
	kept, err := s.Books.FindSigned(ctx, key)
	if err == nil {
		return kept.Handle, nil
	}
	if !errors.Is(err, books.ErrNotFound) {
		return credentials.Handle{}, fmt.Errorf("find signed decision: %w", err)
	}

	var handle, salt, seed credentials.Handle
	for _, h := range []*credentials.Handle{&handle, &salt, &seed} {
		rand.Read(h[:])
	}
	file, root, err := claims.SealEvidence(evidence, seed)
	if err != nil {
		return handle, permanent("seal evidence", err)
	}
	answered, err := s.Books.FindSigned(ctx, books.SubmissionKey(submission))
	if err != nil {
		return handle, fmt.Errorf("find submission: %w", err)
	}
	turn, err := s.Books.ToSign(ctx, submission, number)
	if err != nil {
		return handle, fmt.Errorf("sign decision: %w", err)
	}
	if err := s.Clock(); err != nil { // it was right when the evidence was gathered
		return handle, fmt.Errorf("sign decision: %w", err)
	}
	now := s.Now().UTC().Truncate(time.Second)
	d := drafted{handle: handle, salt: salt, evidence: root, submission: credentials.DocumentDigest(answered.Token), now: now}
	if !turn.Before.IsZero() {
		d.supersedes = &turn.Before
	}
	if s.StatusURL == "" {
		turn.Place = books.StatusPlace{}
	} else {
		d.status = s.statusAt(turn.Place)
	}
	token, err := issue(d)
	if err != nil {
		return handle, fmt.Errorf("sign decision: %w", err)
	}
	entry, err := ledger.Entry{
		Kind: kind, Subject: handle, Document: credentials.DocumentDigest(token), Effective: now,
	}.Sign(s.Signer)
	if err != nil {
		return handle, fmt.Errorf("sign ledger entry: %w", err)
	}
	body, err := credentials.CanonicalJSON(decision)
	if err != nil {
		return handle, permanent("canonical form of the decision", err)
	}
	kept, err = s.Books.KeepSigned(ctx, books.Signed{
		Key: key, Handle: handle, Submission: submission, Token: token, Body: body, Evidence: file, Entry: entry.Marshal(), Place: turn.Place,
	})
	if err != nil {
		return handle, fmt.Errorf("keep signed decision: %w", err)
	}
	return kept.Handle, nil
}

// statusAt are the entries of a decision in the insurer's status lists.
func (s *Signing) statusAt(p books.StatusPlace) []credentials.StatusEntry {
	return credentials.DecisionStatus(func(purpose credentials.StatusPurpose) string {
		return statuslist.Name{Purpose: purpose, Number: p.List}.URL(s.StatusURL)
	}, p.At)
}
