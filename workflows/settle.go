package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/books"
)

// settleAndRecord makes a signed decision count and puts it on the ledger. It
// answers false where the books refused because the evidence has moved.
//
// Recording is tried at once, in the task that follows the settlement, and where
// that fails (no quorum, no ledger) ordered as an errand that may wait for days.
// What no retry can help says so again there. A signal that comes meanwhile is
// heard afterwards, as it is with either kind: what an order stops is settled
// money, and payment runs ask for orders themselves.
func settleAndRecord(ctx workflow.Context, settle any, in books.Settlement) (bool, error) {
	var out books.Settled
	if err := workflow.ExecuteActivity(brief(ctx), settle, in).Get(ctx, &out); err != nil {
		return false, err
	}
	if out.Moved {
		return false, nil
	}
	if workflow.ExecuteLocalActivity(prompt(ctx), recording.Record, in.Document).Get(ctx, nil) == nil {
		return true, nil
	}
	return true, workflow.ExecuteActivity(patient(ctx), recording.Record, in.Document).Get(ctx, nil)
}

// survive keeps a contract open that could not decide (books that do not fit
// together, a plan that cannot be read): it says so and waits to be asked to
// reconsider, for a claim that ended in an error would be neither paid nor
// denied and nobody would hear of it. Only its cancellation ends it.
func survive(ctx workflow.Context, err error) error {
	if err == nil || ctx.Err() != nil || temporal.IsCanceledError(err) || workflow.IsContinueAsNewError(err) {
		return err
	}
	workflow.GetLogger(ctx).Error("could not decide; waiting to be asked again", "error", err.Error())
	return nil
}

// tooLong says that a history should be cut. The contract then starts again
// with what it was given: the books know the rest, and what is settled is
// never settled again.
func tooLong(ctx workflow.Context) bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() }

// tell signals other contracts that something they rest on moved. A contract
// that has ended meanwhile needs no telling: what it settled was guarded by
// the same fence that moved.
func tell(ctx workflow.Context, work []books.Work, why Reconsider) {
	told := make([]workflow.Future, len(work))
	for i, w := range work {
		told[i] = workflow.SignalExternalWorkflow(ctx, ContractID(w), "", ReconsiderSignal, why)
	}
	for i, f := range told {
		if err := f.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Info("contract had ended", "workflow", ContractID(work[i]))
		}
	}
}

// ContractID is the workflow id of a piece of open work.
func ContractID(w books.Work) string {
	if w.Kind == books.AuthorizationKind {
		return AuthorizationID(w.Key)
	}
	return ClaimID(w.Key)
}
