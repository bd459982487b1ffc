package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// quick is for errands inside the insurer's own house (books, local key): a
// local activity costs a third of the processor time of a normal one. They are
// tried until they succeed or say that no retry can help: a database that is
// away for a weekend must not fail a contract. (Without a
// ScheduleToCloseTimeout the SDK would take StartToCloseTimeout for it.)
func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 30 * 24 * time.Hour,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy:            again(20*time.Millisecond, 2*time.Second),
	})
}

// patient is for errands that write what others see (settlement, ledger): each
// is its own event in the history, so that a worker that dies between two of
// them leaves exactly one to repeat.
func patient(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         again(50*time.Millisecond, 10*time.Second),
	})
}

func again(first, most time.Duration) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: first, BackoffCoefficient: 2, MaximumInterval: most}
}
