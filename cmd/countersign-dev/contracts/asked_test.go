package contracts

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
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
		outcomes[h.askedThenDecided(s.Claim, s.Source)]++
		if _, err := h.asks(s.Claim, s.Source); err == nil {
			t.Errorf("%s is estimated once more, although it was received", s.Claim.Number)
		}
	}
	if outcomes[claims.Paid] == 0 || outcomes[claims.Denied] == 0 || outcomes[claims.Pended] == 0 {
		t.Errorf("got %v, want some of each outcome", outcomes)
	}
}

// TestAskedSigned: where the plan wants the clinician's signature, a claim is asked
// about with the one that goes with it afterwards; asking uses nothing up.
func TestAskedSigned(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.files["plan.yaml"] = []byte(strings.Replace(string(h.files["plan.yaml"]), "\nmachineDenials:",
		"\nclinicianSignature:\n  claims: [99213]\n  withinDays: 30\n\nmachineDenials:", 1))
	h.begin()
	h.order(amaranth, client.OrderRequest{Action: credentials.OrderRenew, Effective: time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC), Until: "2199-12-31", Reason: "R-1"})
	own := freshKey(t)
	h.bind(amaranth, own, time.Now().Add(-time.Hour))
	template := h.claimsOf("claims.837")[0]
	claim := func(number string, day credentials.Date) claims.Claim {
		c := template.Claim
		c.Number, c.Rendering = number, &claims.Provider{NPI: amaranth, Name: "CLINICIAN"}
		c.Lines = append([]claims.Line{}, c.Lines[:1]...)
		c.Lines[0].Code, c.Lines[0].From, c.Lines[0].To, c.Charge = "99213", day, day, c.Lines[0].Charge
		return c
	}
	signs := func(c claims.Claim, key credentials.Signer) string {
		content, err := c.ClinicalContent()
		h.must(err)
		return h.clinicianSigns(key, amaranth, content)
	}
	first := claim("ASK-1", "2026-10-05")
	good := signs(first, own)
	if e, err := h.asks(first, template.Source); err != nil || e.Outcome != claims.Pended {
		t.Errorf("without a signature: %+v, %v, want it to wait", e, err)
	}
	if got := h.askedThenDecided(first, template.Source, good); got != claims.Paid {
		t.Errorf("signed: %s, want it paid", got)
	}
	second := claim("ASK-2", "2026-10-07")
	if got := h.askedThenDecided(second, template.Source, signs(second, freshKey(t))); got != claims.Pended {
		t.Errorf("signed with a key that is not bound to the license: %s, want it to wait", got)
	}
	var no *api.Refusal
	again := claim("ASK-3", "2026-10-05")
	if _, err := h.asks(again, template.Source, good); !errors.As(err, &no) || no.Status != 409 {
		t.Errorf("with the signature of another claim: %v", err)
	}
}

// asks asks what a claim would come to.
func (h *house) asks(c claims.Claim, from claims.Source, signatures ...string) (e claims.Estimate, err error) {
	h.Helper()
	q := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: c, Source: from}
	question, err := credentials.Issue(h.hospital.Signer, credentials.KindEstimateRequest, q.Handle, time.Now(), nil, q)
	h.must(err)
	got, err := h.hospital.Estimate(h.ctx, question, signatures...)
	if err != nil {
		return e, err
	}
	asked, err := credentials.Open[claims.ClaimEstimate](got.Token, credentials.KindClaimEstimate, credentials.ResolveDIDKey)
	h.must(err)
	h.must(asked.Subject.Answers(&q, credentials.DocumentDigest(question)))
	return asked.Subject.Estimate, nil
}

// askedThenDecided asks about a claim and submits it, and holds the estimate
// against the decision.
func (h *house) askedThenDecided(c claims.Claim, from claims.Source, signatures ...string) claims.Outcome {
	h.Helper()
	e, err := h.asks(c, from, signatures...)
	h.must(err)
	accepted, err := h.hospital.SubmitClaim(h.ctx, h.sign(c, from), signatures...)
	h.must(err)
	decided := h.decided(accepted, 1)
	d, err := credentials.Open[claims.ClaimDecisionDocument](decided.Decisions[0].Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	h.must(err)
	want := claims.EstimateOf(&d.Subject.Decision, e.Received)
	want.Submission = e.Submission
	if !reflect.DeepEqual(e, want) {
		h.Errorf("%s: estimated\n%+v, decided\n%+v", c.Number, e, want)
	}
	return e.Outcome
}
