package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
)

// receive writes a submission into the books, answers whoever sent it, and
// goes on with the contract. The answer is an update, so that the caller has it
// at once and a caller who lost it can ask again.
func receive(ctx workflow.Context, open any, in activities.Submitted, run func(workflow.Context, activities.Accepted) error) error {
	answer, setAnswer := workflow.NewFuture(ctx)
	err := workflow.SetUpdateHandler(ctx, AcceptUpdate, func(ctx workflow.Context) (a activities.Accepted, err error) {
		err = answer.Get(ctx, &a)
		return a, err
	})
	if err != nil {
		return err
	}
	var accepted activities.Accepted
	err = workflow.ExecuteLocalActivity(quick(ctx), open, in).Get(ctx, &accepted)
	setAnswer.Set(accepted, err)
	if err == nil {
		err = run(ctx, accepted)
	}
	if err == nil {
		err = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	}
	if err == nil || workflow.IsContinueAsNewError(err) {
		leave(ctx)
	}
	return err
}

// leave takes from a contract that ends what it was still asked to reconsider,
// so that the SDK does not warn of it. Nothing is lost: what is final stays so,
// and one that starts again begins with a decision on what the books then hold.
// A signal that comes even later makes Temporal repeat this step.
func leave(ctx workflow.Context) {
	for moved := workflow.GetSignalChannel(ctx, ReconsiderSignal); moved.ReceiveAsync(nil); {
	}
}
