package cli

import (
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/estimate"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// postEstimate knows what a hospital takes for granted, but that the coverage of
// claims named -GONE has ended; other names have it lie or refuse.
func (g *gate) postEstimate(_ *http.Request, body []byte) (any, error) {
	token, signatures, _ := strings.Cut(string(body), "\n")
	doc, err := credentials.Open[claims.Submission](token, credentials.KindEstimateRequest, credentials.ResolveDIDKey)
	if err == nil {
		err = signedUpon(signatures, doc.Subject.Claim.ClinicalContent)
	}
	if err != nil {
		return nil, &api.Refusal{Status: 400, Message: err.Error()}
	}
	c := &doc.Subject.Claim
	named := func(suffix string) bool { return strings.HasSuffix(c.Number, suffix) }
	switch {
	case c.Number == "SIGNED-001" && signatures == "":
		return nil, &api.Refusal{Status: 422, Message: "no clinician has signed for it"}
	case named("-HAVE"):
		return nil, &api.Refusal{Status: 409, Message: "the claim has been received before, under CS1: ask where it stands"}
	case named("-TWICE"):
		return nil, &api.Refusal{Status: 422, Message: "claim is refused", Problems: []api.Problem{
			{Segment: "CLM", Element: "CLM02", Loop: "2300", Code: "A8:400", Message: "the gateway found another total"}}}
	case named("-OFTEN"):
		return nil, &api.Refusal{Status: 429, Message: "more than 3 estimates were asked for within an hour: ask again in 1s"}
	}
	e, err := editionOfExamples()
	if err != nil {
		return nil, err
	}
	d, _, err := e.Of(c, doc.Subject.Source.Created)
	if err != nil {
		return nil, err
	}
	d.Submission = doc.Subject.Handle
	if named("-GONE") {
		l := &d.Lines[0]
		d.Outcome, d.Allowed, d.Paid, d.Patient = claims.Denied, 0, 0, 0
		*l = claims.LineDecision{Line: 1, Outcome: claims.Denied, Charge: l.Charge,
			Adjustments: []claims.Adjustment{{Group: claims.OtherAdjust, CARC: claims.CARCAfterCoverage, Amount: l.Charge}},
			Steps:       append(l.Steps[:1:1], claims.Step{Rule: "coverage", Edition: "rules/1", Before: l.Charge, Note: "not covered on 2026-10-05"})}
	}
	digest, now, life, signer := credentials.DocumentDigest(token), time.Now(), claims.EstimateLife, "insurer"
	switch {
	case named("-FORGED"):
		signer = "stranger"
	case named("-BOARD"):
		signer = "board"
	case named("-RIVAL"):
		signer = "rival"
	case named("-OTHER"):
		digest[0] ^= 1
	case named("-OLD"):
		now = now.Add(-2 * life)
	case named("-LONG"):
		life = 2 * life
	case named("-MORE"):
		d.Paid++
	}
	subject := claims.ClaimEstimate{Handle: newHandle(), Salt: newHandle(), Notice: claims.EstimateNotice, Submission: digest,
		Estimate: claims.EstimateOf(d, doc.Subject.Source.Created)}
	handle := subject.Handle
	if named("-NAME") {
		handle = newHandle()
	}
	signed, err := credentials.IssueUntil(ledgertest.Signer(signer), credentials.KindClaimEstimate, handle, now, now.Add(life), subject)
	return api.Estimate{Token: signed}, err
}

func editionOfExamples() (*estimate.Edition, error) {
	plan, err := examples.Files.ReadFile("plan.yaml")
	if err != nil {
		return nil, err
	}
	fees, err := examples.Files.ReadFile("fees.csv")
	if err != nil {
		return nil, err
	}
	return estimate.ParseEdition(plan, fees)
}
