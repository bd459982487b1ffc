package workflows

import (
	"context"
	"testing"

	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/credentials"
)

// TestLongWaitCutsItsHistory: a claim behind one of its family that cannot be
// decided looks again for as long as it takes; its history must not grow until
// Temporal ends it.
func TestLongWaitCutsItsHistory(t *testing.T) {
	env, _ := environment(errands{
		"OpenClaim": opened,
		"GatherClaim": func(context.Context, credentials.Handle) (*activities.ClaimGathered, error) {
			return &activities.ClaimGathered{Wait: true}, nil
		},
	})
	env.SetContinueAsNewSuggested(true)

	env.ExecuteWorkflow(Claim, activities.Submitted{Token: "token"})
	if err := env.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Errorf("got %v, want the contract to start again with a new history", err)
	}
}
