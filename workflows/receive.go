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
	if err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
