package worker

import (
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

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

// A claim or an authorization is decided to its end by the build that took it
// in. A license lives for years, so its contract goes over to each new build,
// which must replay it: a change of it needs workflow.GetVersion.
var (
	pinned    = workflow.RegisterOptions{VersioningBehavior: workflow.VersioningBehaviorPinned}
	upgrading = workflow.RegisterOptions{VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade}
)

// Register tells a Temporal worker which contracts it serves and with which
// errands.
func Register(w sdk.Registry, e *Errands) {
	w.RegisterWorkflowWithOptions(workflows.Claim, pinned)
	w.RegisterWorkflowWithOptions(workflows.Authorization, pinned)
	w.RegisterWorkflowWithOptions(workflows.License, upgrading)
	w.RegisterActivity(&e.Receiving)
	w.RegisterActivity(&e.Evidence)
	w.RegisterActivity(&e.Signing)
	w.RegisterActivity(&e.Settling)
	w.RegisterActivity(&e.Recording)
	w.RegisterActivity(&e.Reaching)
}
