package worker

import (
	sdk "go.temporal.io/sdk/worker"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/workflows"
)

// Errands are the activities of an insurer's worker, wired to real stores.
type Errands struct {
	Receiving activities.Receiving
	Evidence  activities.Evidence
	Signing   activities.Signing
	Settling  activities.Settling
	Recording activities.Recording
	Reaching  activities.Reaching
}

// Register tells a Temporal worker which contracts it serves and with which
// errands.
func Register(w sdk.Registry, e *Errands) {
	w.RegisterWorkflow(workflows.Claim)
	w.RegisterWorkflow(workflows.Authorization)
	w.RegisterWorkflow(workflows.License)
	w.RegisterActivity(&e.Receiving)
	w.RegisterActivity(&e.Evidence)
	w.RegisterActivity(&e.Signing)
	w.RegisterActivity(&e.Settling)
	w.RegisterActivity(&e.Recording)
	w.RegisterActivity(&e.Reaching)
}
