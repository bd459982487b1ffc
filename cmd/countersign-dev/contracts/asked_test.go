package contracts

import (
	"reflect"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestAsked: what the insurer says of a claim that is asked about is what it
// decides when the claim comes right after, to the cent and to the last word.
// Paid, denied and pended ones are among the example's claims.
func TestAsked(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	h.decided(h.request("auth-a.json"), 1)
	h.decided(h.request("auth-c.json"), 1)
	outcomes := map[claims.Outcome]int{}
	for _, s := range h.claimsOf("claims.837") {
		q := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: s.Claim, Source: s.Source}
		question, err := credentials.Issue(h.hospital.Signer, credentials.KindEstimateRequest, q.Handle, time.Now(), nil, q)
		h.must(err)
		got, err := h.hospital.Estimate(h.ctx, question)
		h.must(err)
		asked, err := credentials.Open[claims.ClaimEstimate](got.Token, credentials.KindClaimEstimate, credentials.ResolveDIDKey)
		h.must(err)
		h.must(asked.Subject.Answers(&q, credentials.DocumentDigest(question)))

		decided := h.decided(h.submit(h.sign(s.Claim, s.Source)), 1)
		d, err := credentials.Open[claims.ClaimDecisionDocument](decided.Decisions[0].Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
		h.must(err)
		e := asked.Subject.Estimate
		want := claims.EstimateOf(&d.Subject.Decision, e.Received)
		want.Submission = e.Submission
		if !reflect.DeepEqual(e, want) {
			t.Errorf("%s: estimated\n%+v, decided\n%+v", s.Claim.Number, e, want)
		}
		outcomes[e.Outcome]++
		if _, err := h.hospital.Estimate(h.ctx, question); err == nil {
			t.Errorf("%s is estimated once more, although it was received", s.Claim.Number)
		}
	}
	if outcomes[claims.Paid] == 0 || outcomes[claims.Denied] == 0 || outcomes[claims.Pended] == 0 {
		t.Errorf("got %v, want some of each outcome", outcomes)
	}
}
