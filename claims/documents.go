package claims

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// A ClaimDecisionDocument is the subject of a signed claim decision: the
// decision, the root of the evidence it rests on, and the submission it
// answers, named by the digest of what the hospital signed. Supersedes is the
// decision on the same claim that it takes the place of, where there was one.
type ClaimDecisionDocument struct {
	Handle     credentials.Handle  `json:"handle"`
	Salt       credentials.Handle  `json:"salt"`
	Decision   Decision            `json:"decision"`
	Evidence   credentials.Digest  `json:"evidence"`
	Submission credentials.Digest  `json:"submission"`
	Supersedes *credentials.Handle `json:"supersedes,omitempty"`
}

// An AuthorizationDecisionDocument is the same for an authorization.
type AuthorizationDecisionDocument struct {
	Handle     credentials.Handle    `json:"handle"`
	Salt       credentials.Handle    `json:"salt"`
	Decision   AuthorizationDecision `json:"decision"`
	Evidence   credentials.Digest    `json:"evidence"`
	Submission credentials.Digest    `json:"submission"`
	Supersedes *credentials.Handle   `json:"supersedes,omitempty"`
}

// BusinessKey names a submission for ever, whoever's retry brings it: the same
// claim of the same submitter has the same key, and a changed one another, so
// that a resubmission with changes is a new claim for the duplicate rule to
// judge. It is keyed with the insurer's secret because claim numbers are easy to
// guess. The salt, the signature and the time of signing do not take part: a
// hospital that signs its file twice has still sent one claim.
func (s *Submission) BusinessKey(secret []byte, submitter credentials.DID) (credentials.Digest, error) {
	body, err := credentials.CanonicalJSON(&s.Claim)
	if err != nil {
		return credentials.Digest{}, fmt.Errorf("canonical form of the claim: %w", err)
	}
	return businessKey(secret, "claim", string(submitter), s.Claim.Number,
		string(s.Claim.Frequency), s.Claim.OriginalReference, string(body)), nil
}

// BusinessKey is the same for an authorization request.
func (s *AuthorizationSubmission) BusinessKey(secret []byte, submitter credentials.DID) (credentials.Digest, error) {
	body, err := credentials.CanonicalJSON(&s.Request)
	if err != nil {
		return credentials.Digest{}, fmt.Errorf("canonical form of the request: %w", err)
	}
	return businessKey(secret, "authorization", string(submitter), s.Request.Number, string(body)), nil
}

// businessKey writes each part behind its length, so that no two lists of
// parts have the same bytes.
func businessKey(secret []byte, parts ...string) (key credentials.Digest) {
	mac := hmac.New(sha256.New, secret)
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		mac.Write(n[:])
		mac.Write([]byte(p))
	}
	copy(key[:], mac.Sum(nil))
	return key
}
