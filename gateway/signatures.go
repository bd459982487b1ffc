package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/workflows"
)

// maxSignatures is how many clinicians may have signed one submission: a claim
// has at most fifty lines.
const maxSignatures = 50

// partsOf takes a body apart: the submission, and clinicians' signatures upon
// it, a token a line.
func partsOf(body []byte) ([]string, error) {
	parts := strings.Split(string(body), "\n")
	if len(parts) > 1+maxSignatures {
		return nil, refuse(http.StatusBadRequest, "want a submission and at most %d signatures of clinicians upon it, a token a line", maxSignatures)
	}
	return parts, nil
}

// signatures judges clinicians' signatures as far as it takes no license: that
// each holds, for this insurer and for the very content that came with it. Whose
// they are and whether they are needed is for the contract.
func (g *Gateway) signatures(tokens []string, content func() (credentials.Digest, error)) ([]books.Signature, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	digest, err := content()
	if err != nil {
		return nil, err
	}
	received := g.Now().UTC().Truncate(time.Second)
	var all []books.Signature
	for i, token := range tokens {
		doc, v := claims.SignatureCase{Insurer: g.Insurer, Content: digest, Received: received}.Intake(token)
		switch {
		case v.IsGood():
			all = append(all, books.Signature{Handle: doc.Handle(), Token: token, Received: received})
		case v.Outcome == credentials.Bad:
			return nil, refuse(http.StatusUnprocessableEntity, "clinician's signature %d: %s: %s", i+1, v.Check, v.Why)
		default:
			return nil, fmt.Errorf("judge clinician's signature: %s: %w", v.Check, v.Err())
		}
	}
	return all, nil
}

// again answers for a submission that the books hold, and hands on what
// clinicians have signed since: the contract that waits for it goes on.
func (g *Gateway) again(ctx context.Context, known books.Received, signatures []books.Signature) (any, error) {
	after := 0
	if len(signatures) > 0 {
		before, err := g.Books.StatusOf(ctx, known.Submission)
		if err != nil {
			return nil, fmt.Errorf("find decisions: %w", err)
		}
		work, waits, err := g.Books.AddSignatures(ctx, known.Submission, signatures)
		if errors.Is(err, books.ErrSignatureUsed) || errors.Is(err, books.ErrTooManySignatures) {
			return nil, refuse(http.StatusConflict, "%v", err)
		}
		if err == nil && waits {
			for _, d := range before.Decisions {
				after = d.Number
			}
			err = g.Temporal.SignalWorkflow(ctx, workflows.ContractID(work), "", workflows.ReconsiderSignal, workflows.Reconsider{})
		}
		if err != nil {
			return nil, fmt.Errorf("add clinicians' signatures: %w", err)
		}
	}
	return api.Acceptance{Handle: known.Submission, Control: known.Control, Again: true, After: after}, nil
}
