package dossier

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestAuthorizationOfAStay holds what the evidence says of the days of a stay against
// the signed authorization: its item, its days, and in whose name it was asked for.
func TestAuthorizationOfAStay(t *testing.T) {
	const hospital, other = credentials.NPI("1003000142"), credentials.NPI("1999999984")
	request, granted, claim := credentials.Handle{1}, credentials.Handle{2}, credentials.Handle{3}
	good := claims.AuthorizationFact{Number: "S1", Handle: granted, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
		From: "2026-03-01", Until: "2026-03-31", Left: 4000, Code: "0120"}
	with := func(edit func(*claims.AuthorizationFact)) *claims.AuthorizationFact {
		f := good
		edit(&f)
		return &f
	}
	for _, tt := range []struct {
		name string
		fact *claims.AuthorizationFact
		by   credentials.NPI
		want string
	}{
		{"none", nil, hospital, ""},
		{"as it was signed", &good, hospital, ""},
		{"fewer days, since some were drawn", with(func(f *claims.AuthorizationFact) { f.Left = 1000 }), hospital, ""},
		{"more days", with(func(f *claims.AuthorizationFact) { f.Left = 5000 }), hospital, "has fewer units"},
		{"later", with(func(f *claims.AuthorizationFact) { f.Until = "2026-04-30" }), hospital, "the signed authorization approved from 2026-03-01"},
		{"another room", with(func(f *claims.AuthorizationFact) { f.Code = "0110" }), hospital, "the stay: the authorization has no item for 0110"},
		{"asked for by another hospital", &good, other, "by another hospital"},
		{"by another, and it says so", with(func(f *claims.AuthorizationFact) { f.Matches = false }), other, ""},
		{"another number", with(func(f *claims.AuthorizationFact) { f.Number = "S2" }), hospital, "another number"},
		{"of nobody's", with(func(f *claims.AuthorizationFact) { f.Handle = credentials.Handle{} }), hospital, "says more"},
	} {
		asked := &document[claims.AuthorizationSubmission]{issuer: "did:web:h"}
		asked.subject.Request.Requester.NPI = tt.by
		decided := &document[claims.AuthorizationDecisionDocument]{issuer: "did:web:i"}
		decided.subject.Decision = claims.AuthorizationDecision{Submission: request, Request: "S1", Items: []claims.ItemDecision{
			{Sequence: 1, Outcome: claims.AuthorizationApproved, Code: "0120", Units: 4000, From: "2026-03-01", Until: "2026-03-31"}}}
		v := &verifier{failed: map[string]*finding{}, requests: map[credentials.Handle]*document[claims.AuthorizationSubmission]{request: asked},
			authorizations: map[credentials.Handle]*document[claims.AuthorizationDecisionDocument]{granted: decided},
			submissions:    map[credentials.Handle]*document[claims.Submission]{claim: {issuer: "did:web:h"}}}
		d := &document[claims.ClaimDecisionDocument]{issuer: "did:web:i"}
		d.subject.Decision.Submission = claim
		err := v.checkStay(d, &claims.Claim{Billing: claims.Provider{NPI: hospital}}, tt.fact)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
