package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Receiving turns signed bytes into a checked submission, once, and writes it
// into the books.
type Receiving struct {
	Books Books
	// Insurer is for whom clinicians sign.
	Insurer credentials.DID
	Keys    credentials.ResolveKey
	// Secret keys the business keys; see claims.Submission.BusinessKey.
	Secret []byte
}

// Submitted is a signed submission as the gateway accepted it.
type Submitted struct {
	Token    string           `json:"token"`
	Received credentials.Date `json:"received"`
	// Signatures are clinicians' own upon it.
	Signatures []books.Signature `json:"signatures,omitempty"`
}

// Accepted says under which names a submission stands in the books.
type Accepted struct {
	Submission credentials.Handle `json:"submission"`
	Control    string             `json:"control"` // the insurer's control number
}

// OpenClaim opens a claim submission. The token was verified at the gateway;
// it is verified again here because a contract trusts no caller.
func (r *Receiving) OpenClaim(ctx context.Context, s Submitted) (Accepted, error) {
	doc, err := credentials.Open[claims.Submission](s.Token, credentials.KindClaimSubmission, r.Keys)
	if err != nil {
		return Accepted{}, permanent("open claim submission", err)
	}
	key, err := doc.Subject.BusinessKey(r.Secret, doc.Issuer)
	if err != nil {
		return Accepted{}, permanent("name claim", err)
	}
	if err := r.signed(s.Signatures, doc.Subject.Claim.ClinicalContent); err != nil {
		return Accepted{}, permanent("open claim submission", err)
	}
	got, err := r.Books.ReceiveClaim(ctx, books.NewClaim{
		Key: key, Submitter: doc.Issuer, Submission: doc.Subject, Token: s.Token, Received: s.Received, Signatures: s.Signatures,
	})
	if err != nil {
		return Accepted{}, notReceived("receive claim", err)
	}
	return Accepted{got.Submission, got.Control}, nil
}

// OpenAuthorization is the same for an authorization request.
func (r *Receiving) OpenAuthorization(ctx context.Context, s Submitted) (Accepted, error) {
	doc, err := credentials.Open[claims.AuthorizationSubmission](s.Token, credentials.KindAuthorizationSubmission, r.Keys)
	if err != nil {
		return Accepted{}, permanent("open authorization request", err)
	}
	key, err := doc.Subject.BusinessKey(r.Secret, doc.Issuer)
	if err != nil {
		return Accepted{}, permanent("name authorization", err)
	}
	if err := r.signed(s.Signatures, doc.Subject.Request.ClinicalContent); err != nil {
		return Accepted{}, permanent("open authorization request", err)
	}
	got, err := r.Books.ReceiveAuthorization(ctx, books.NewAuthorization{
		Key: key, Submitter: doc.Issuer, Submission: doc.Subject, Token: s.Token, Received: s.Received, Signatures: s.Signatures,
	})
	if err != nil {
		return Accepted{}, notReceived("receive authorization request", err)
	}
	return Accepted{got.Submission, got.Control}, nil
}

// signed checks again what the gateway has checked of clinicians' signatures.
func (r *Receiving) signed(signatures []books.Signature, content func() (credentials.Digest, error)) error {
	if len(signatures) == 0 {
		return nil
	}
	digest, err := content()
	if err != nil {
		return err
	}
	for _, s := range signatures {
		doc, v := claims.SignatureCase{Insurer: r.Insurer, Content: digest, Received: s.Received}.Intake(s.Token)
		if v.IsGood() && doc.Handle() != s.Handle {
			v = credentials.VerdictOf(credentials.Refuse(credentials.CheckContent, "it has another handle"))
		}
		if !v.IsGood() {
			return fmt.Errorf("clinician's signature: %w", v.Err())
		}
	}
	return nil
}

func notReceived(doing string, err error) error {
	if errors.Is(err, books.ErrHandleTaken) || errors.Is(err, books.ErrSignatureUsed) || errors.Is(err, books.ErrTooManySignatures) {
		return permanent(doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// permanent marks an error that no retry can mend.
func permanent(doing string, err error) error {
	return temporal.NewNonRetryableApplicationError(doing+": "+err.Error(), "permanent", err)
}
