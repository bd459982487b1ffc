package claims

import "github.com/countersign-health/countersign/credentials"

// An AuthorizationRequest asks, before the service, whether it will be covered
// (FHIR Claim with use=preauthorization; X12 278).
type AuthorizationRequest struct {
	Number    string   `json:"number"` // the requester's own identifier
	Requester Provider `json:"requester"`
	// Clinician is who is to render the service.
	Clinician Provider `json:"clinician"`
	// Ordering is who ordered it, where that is somebody else.
	Ordering  *Provider     `json:"ordering,omitempty"`
	Patient   Person        `json:"patient"`
	Payer     Payer         `json:"payer"`
	State     string        `json:"state"` // where the patient will be
	Diagnoses []string      `json:"diagnoses,omitempty"`
	Items     []RequestItem `json:"items"`
}

// A RequestItem is one service that is asked for, or days of a stay: then its code is
// a revenue code of four digits (0120, a room for two), and its units are days.
type RequestItem struct {
	Sequence  int              `json:"sequence"`
	Code      string           `json:"code"`
	Modifiers []string         `json:"modifiers,omitempty"`
	Units     Quantity         `json:"units"`
	From      credentials.Date `json:"from"`
	Until     credentials.Date `json:"until"`
}

// An AuthorizationSubmission is a request as the hospital signs it.
type AuthorizationSubmission struct {
	Handle  credentials.Handle   `json:"handle"`
	Salt    credentials.Handle   `json:"salt"`
	Request AuthorizationRequest `json:"request"`
	Source  Source               `json:"source"` // the PAS bundle
}

// AuthorizationOutcome is the state of an item or of a whole authorization.
type AuthorizationOutcome string

const (
	AuthorizationApproved AuthorizationOutcome = "approved"
	AuthorizationPended   AuthorizationOutcome = "pended"
	AuthorizationDenied   AuthorizationOutcome = "denied"
	AuthorizationRevoked  AuthorizationOutcome = "revoked"
	// AuthorizationNotRequired answers a request that need not have been made
	// (X12 306 code NA).
	AuthorizationNotRequired AuthorizationOutcome = "not-required"
)

// AuthorizationEvidence is every fact that Authorize reads besides the request
// and the plan edition.
type AuthorizationEvidence struct {
	Submission credentials.Handle `json:"submission"`
	Number     int                `json:"number"` // of the decision that rests on it, from 1
	Received   credentials.Date   `json:"received"`
	Plan       EditionRef         `json:"plan"`
	Member     MemberFact         `json:"member"`
	// Standings answer for the clinician on the first and last day of each
	// item, in item order.
	Standings []ItemStanding `json:"standings"`
	Review    *Determination `json:"review,omitempty"`
	// Before is what the last decision said; empty on the first.
	Before AuthorizationOutcome `json:"before,omitempty"`
	// BeforeUnits are what it approved of a request for one service, where a
	// reviewer approved fewer than were asked for.
	BeforeUnits Quantity `json:"beforeUnits,omitempty"`
	// Signatures are the clinicians' own upon the request, where the plan's
	// edition wants any.
	Signatures []SignatureFact `json:"signatures,omitempty"`
}

// An ItemStanding is the clinician's standing over an item's dates. Revoked is
// the effective date of the first order that binds inside them, empty if none.
type ItemStanding struct {
	Sequence int              `json:"sequence"`
	First    StandingFact     `json:"first"`
	Last     StandingFact     `json:"last"`
	Revoked  credentials.Date `json:"revoked,omitempty"`
	// Why of Revoked, where an order other than a revocation takes it away.
	Why credentials.Reason `json:"why,omitempty"`
}

// TakenAway finds the first day inside [from, until] on which an order leaves
// the clinician no license, for the state that First was asked for.
func (s *ItemStanding) TakenAway(licenses []credentials.License, orders []credentials.Order, from, until credentials.Date) {
	s.Revoked, s.Why = credentials.TakenAway(licenses, orders, s.First.State, from, until)
	if s.Why == credentials.ReasonRevoked {
		s.Why = ""
	}
}

// A Determination is a human reviewer's signed word on a pended request or
// claim. A clinical denial needs a reviewer with an NPI whose license stands
// (42 CFR 422.566(d)).
type Determination struct {
	Handle   credentials.Handle `json:"handle"`
	Subject  credentials.Handle `json:"subject"` // submission under review
	Number   int                `json:"number"`  // the pended decision it answers, or the one appealed
	Approve  bool               `json:"approve"`
	Reason   string             `json:"reason"` // code or short words, nothing personal
	Reviewer credentials.DID    `json:"reviewer"`
	NPI      credentials.NPI    `json:"npi,omitempty"`
	// Units, on the approval of a request for one service, are how many of what was
	// asked for are approved, where they are fewer (X12 306 action A6).
	Units    Quantity      `json:"units,omitempty"`
	Standing *StandingFact `json:"standing,omitempty"` // of the reviewer, on a denial
	// Letters are those that had come when the reviewer signed, in their order.
	Letters []credentials.Handle `json:"letters,omitempty"`
	// What follows answers an appeal of a final decision: which one, in plain words,
	// and the denials that it sets aside, where it does not uphold them all.
	Appeal    *credentials.Handle `json:"appeal,omitempty"`
	Words     string              `json:"words,omitempty"`
	SetsAside []SetAside          `json:"setsAside,omitempty"`
}

// An AuthorizationDecision is the insurer's answer to a request.
type AuthorizationDecision struct {
	Submission credentials.Handle   `json:"submission"`
	Request    string               `json:"request"`
	Number     int                  `json:"number"`
	Outcome    AuthorizationOutcome `json:"outcome"`
	Rules      string               `json:"rules"`
	Plan       EditionRef           `json:"plan"`
	NPI        credentials.NPI      `json:"npi"` // the clinician
	Items      []ItemDecision       `json:"items"`
	Pends      []Pend               `json:"pends,omitempty"`
}

// An ItemDecision answers one item with the X12 306 review action: A1
// certified, A3 not certified, A4 pended, A6 modified, C cancelled, NA.
type ItemDecision struct {
	Sequence int                  `json:"sequence"`
	Outcome  AuthorizationOutcome `json:"outcome"`
	Action   string               `json:"action"`
	Code     string               `json:"code"`
	Units    Quantity             `json:"units"`
	From     credentials.Date     `json:"from"`
	Until    credentials.Date     `json:"until"`
	Reason   string               `json:"reason"` // our own code: "license-revoked"
	Rule     string               `json:"rule"`
}
