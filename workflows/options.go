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
//
// As long as the pause is shorter than a workflow task (10 s), the worker waits
// and says every 8 s that it still does, which is three events in the history:
// in 38 hours they would fill it, and Temporal would end the contract. A longer
// pause is a timer of the server's, which is six events however long it is.
func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 30 * 24 * time.Hour,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy:            again(20*time.Millisecond, 10*time.Minute),
	})
}

// Settling is a normal activity: its own event in the history, before recording
// begins. So a worker that dies while it settles or records leaves exactly that
// to repeat. Its death is missed only when StartToCloseTimeout ends, so that is
// kept short. An errand that was slow and not dead is done twice at the same
// time then, which changes nothing: every errand may be repeated.

// brief is for settlement, one transaction of some milliseconds.
func brief(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Second,
		RetryPolicy:         again(50*time.Millisecond, 5*time.Second),
	})
}

// prompt is for the first attempt to record, and the last one of this kind: a
// local activity, a fifth of a contract's processor time cheaper than a normal
// one. A worker that dies in it is missed when the workflow task ends (10 s), and
// the settlement stands in the history.
//
// A quorum takes some hundredths of a second. Where there is none, the errand
// gives up before the worker has to say that it still waits (8 s, see quick), and
// before those that wait take the places of all other local errands: a ledger
// that is away must not keep claims from being accepted.
func prompt(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 3 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// patient is for recording what could not be recorded promptly: however long
// the ledger is away, it is one event in the history. It asks for a receipt in
// long polls of 10 s: one of them fits. Without a quorum of witnesses it starts
// over until there is one.
func patient(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Second,
		RetryPolicy:         again(50*time.Millisecond, 10*time.Second),
	})
}

func again(first, most time.Duration) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: first, BackoffCoefficient: 2, MaximumInterval: most}
}
