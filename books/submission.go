package books

import (
	"fmt"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// SubmissionKind says what a submission asks for.
type SubmissionKind string

// The kinds of submissions.
const (
	ClaimKind         SubmissionKind = "claim"
	AuthorizationKind SubmissionKind = "authorization"
)

// NewClaim is a claim submission, verified.
type NewClaim struct {
	Key        credentials.Digest
	Submitter  credentials.DID
	Submission claims.Submission
	Token      string
	Received   credentials.Date
	Signatures []Signature
}

// A Signature is a clinician's own upon a submission, verified as far as a door
// can, and when it came in.
type Signature struct {
	Handle   credentials.Handle `json:"handle"`
	Token    string             `json:"token"`
	Received time.Time          `json:"received"` // whole seconds, UTC
}

// SignatureKey is the key under which the nth signature upon a submission is kept.
func SignatureKey(submission credentials.Handle, n int) string {
	return fmt.Sprintf("clinician-signature/%s/%d", submission, n)
}

// NewAuthorization is an authorization request, verified.
type NewAuthorization struct {
	Key        credentials.Digest
	Submitter  credentials.DID
	Submission claims.AuthorizationSubmission
	Token      string
	Received   credentials.Date
	Signatures []Signature
}

// Received says under which names a submission stands. Again is set where it
// stood there before.
type Received struct {
	Submission credentials.Handle
	Control    string
	Again      bool
}

// SubmissionKey is the key under which a submission's signed bytes are kept.
func SubmissionKey(h credentials.Handle) string { return "submission/" + h.String() }

// A Work names a contract that is still open.
type Work struct {
	Kind SubmissionKind     `json:"kind"`
	Key  credentials.Digest `json:"key"`
}

// A Status is where a submission stands, with every decision on it.
type Status struct {
	Handle    credentials.Handle
	Kind      SubmissionKind
	Submitter credentials.DID
	Number    string
	Control   string
	State     string
	Work      Work
	Token     string // of the submission
	Decisions []DecisionRow
	// ReversedBy is another claim's decision, recorded, that has taken back the
	// latest one on this claim.
	ReversedBy credentials.Handle
}

// A DecisionRow is one signed decision. While its outbox row is not recorded
// its receipt is still to come, and it is no decision to anyone outside.
type DecisionRow struct {
	Document credentials.Handle
	Number   int
	Outcome  string
	Settled  time.Time
	Cause    credentials.Handle
	Signed   Signed
	Outbox   OutboxRow
	// Determination is the reviewer's signed word that the decision rests on.
	Determination string
}

// Latest is the newest decision that has its receipt, or nil.
func (s *Status) Latest() *DecisionRow {
	for i := len(s.Decisions) - 1; i >= 0; i-- {
		if s.Decisions[i].Outbox.Recorded {
			return &s.Decisions[i]
		}
	}
	return nil
}
