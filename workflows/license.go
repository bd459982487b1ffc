package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
)

// LicenseState is carried over when the history of a License is cut.
type LicenseState struct {
	License credentials.Handle `json:"license"`
}

// License is the insurer's contract with one license: it lives as long as the
// license does, and each board order that comes to it reaches every open
// contract that rests on the license. It decides nothing itself; each of those
// asks for standing on its own dates.
func License(ctx workflow.Context, state LicenseState) error {
	orders := workflow.GetSignalChannel(ctx, OrderSignal)
	for {
		var heard OrderHeard
		orders.Receive(ctx, &heard)
		if err := reach(ctx, state.License, heard.Order); err != nil {
			return err
		}
		if tooLong(ctx) && orders.Len() == 0 {
			return workflow.NewContinueAsNewError(ctx, License, state)
		}
	}
}

func reach(ctx workflow.Context, license, order credentials.Handle) error {
	var open []books.Work
	if err := workflow.ExecuteLocalActivity(quick(ctx), reaching.OpenWork, license).Get(ctx, &open); err != nil {
		return err
	}
	tell(ctx, open, Reconsider{Cause: order})
	return nil
}
