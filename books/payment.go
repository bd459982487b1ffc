package books

import (
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Payment is a final decision on a claim with where its money stands.
type Payment struct {
	Document   credentials.Handle
	Submission credentials.Handle
	Submitter  credentials.DID
	Claim      string // the provider's number
	Control    string // ours
	Number     int    // of the decision
	Outcome    claims.Outcome
	Settled    time.Time
	Payee      claims.Payee
	Amount     claims.Cents
	State      claims.PaymentState
	Hold       *claims.Hold // where the state is held
	Trace      string       // of the remittance that took it
}

// A PaymentRun is what one run did. What it did not pay, and why, is in Held.
type PaymentRun struct {
	Released []Remittance
	Held     []Payment
	// Unaccounted decisions were settled before the books kept what a payment
	// rests on; no run pays them.
	Unaccounted int
}

// A StaffHold places or lifts a hold upon a claim. Code is the insurer's own
// reason code; By is the key of the person, Token the request that it signed.
type StaffHold struct {
	Submission credentials.Handle
	Code       string
	By         string
	Token      string
	Lift       bool
}
