// Package workflows holds the contracts between the parties. A contract orders
// errands and waits; every judgment in it is one call into the rules of
// claims and credentials. It reads no clock but the workflow's own and reaches
// nothing except through activities.
package workflows

import "github.com/countersign-health/countersign/credentials"

// TaskQueue is where the insurer's workers look for work.
const TaskQueue = "countersign"

// Names of updates and signals; they are part of the contract with the
// gateway and with histories that are already running.
const (
	// AcceptUpdate answers with the names under which a submission was received.
	AcceptUpdate = "accept"
	// ReconsiderSignal says that something moved that the decision rests on;
	// its argument is a Reconsider.
	ReconsiderSignal = "reconsider"
	// OrderSignal brings a board order to a license; its argument is an OrderHeard.
	OrderSignal = "order"
)

// ClaimID is the workflow id of a claim: its business key, which says nothing
// to whoever lacks the insurer's secret.
func ClaimID(businessKey credentials.Digest) string { return "claim/" + businessKey.String() }

// AuthorizationID is the workflow id of an authorization request.
func AuthorizationID(businessKey credentials.Digest) string {
	return "authorization/" + businessKey.String()
}

// LicenseID is the workflow id of a license at the insurer.
func LicenseID(license credentials.Handle) string { return "license/" + license.String() }

// Reconsider asks a contract to gather its evidence again. Cause is the board
// order or the determination that moved it, or zero.
type Reconsider struct {
	Cause credentials.Handle `json:"cause,omitzero"`
}

// OrderHeard tells a license of an order upon it.
type OrderHeard struct {
	Order credentials.Handle `json:"order"`
}
