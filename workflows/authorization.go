package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// openFor is how long an approved authorization stays open to be revoked after
// its last day: claims for it may still come, and a board order may be late.
const openFor = books.AuthorizationOpenDays * 24 * time.Hour

// Authorization is the contract for one prior-authorization request. It is
// answered at once where the rules allow, or pended to a reviewer; approved or
// pended, it is decided anew whenever what it rests on moves.
func Authorization(ctx workflow.Context, in activities.Submitted) error {
	return receive(ctx, receiving.OpenAuthorization, in, func(ctx workflow.Context, accepted activities.Accepted) error {
		return (&authorization{in, accepted}).run(ctx)
	})
}

type authorization struct {
	in       activities.Submitted
	accepted activities.Accepted
}

func (a *authorization) run(ctx workflow.Context) error {
	moved := workflow.GetSignalChannel(ctx, ReconsiderSignal)
	for why := (Reconsider{}); ; {
		d, err := a.decide(ctx, why.Cause)
		if err = survive(ctx, err); err != nil {
			return err
		}
		if d != nil && d.Outcome.Ended() {
			return nil
		}
		if tooLong(ctx) && moved.Len() == 0 {
			return workflow.NewContinueAsNewError(ctx, Authorization, a.in)
		}
		why = Reconsider{}
		if d == nil || d.Outcome != claims.AuthorizationApproved {
			moved.Receive(ctx, &why)
		} else if !movedInTime(ctx, moved, &why, d.LastDay()) {
			return nil
		}
	}
}

// movedInTime waits until an approved authorization is to be decided anew, and
// answers false once it has been open for long enough. The worker may have been
// away when that time ended: what came before anybody noticed still counts.
func movedInTime(ctx workflow.Context, moved workflow.ReceiveChannel, why *Reconsider, last credentials.Date) (open bool) {
	timing, cancel := workflow.WithCancel(ctx)
	defer cancel()
	wait := workflow.NewSelector(ctx)
	wait.AddReceive(moved, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, why); open = true })
	wait.AddFuture(workflow.NewTimer(timing, untilClosed(workflow.Now(ctx), last)), func(f workflow.Future) {
		open = f.Get(ctx, nil) != nil || moved.ReceiveAsync(why)
	})
	wait.Select(ctx)
	return open
}

// untilClosed counts from the later of now and the last authorized day, since
// requests about the past are answered too.
func untilClosed(now time.Time, last credentials.Date) time.Duration {
	days := max(0, credentials.DateOf(now.UTC()).DaysUntil(last))
	return time.Duration(days)*24*time.Hour + openFor
}

func (a *authorization) decide(ctx workflow.Context, cause credentials.Handle) (*claims.AuthorizationDecision, error) {
	for {
		g, err := a.gather(ctx)
		if err != nil {
			return nil, err
		}
		if g.Before != nil && g.Before.Outcome.Ended() {
			return g.Before, nil
		}
		decision, err := claims.Authorize(&g.Request, &g.Plan, &g.Evidence)
		if err != nil {
			return nil, err
		}
		if decision.Restates(g.Before) {
			return decision, nil
		}
		settle := books.Settlement{Submission: a.accepted.Submission, Fences: g.Fences, Cause: cause}
		sign := activities.AuthorizationToSign{Decision: *decision, Evidence: g.Evidence}
		if err := workflow.ExecuteLocalActivity(quick(ctx), signing.SignAuthorization, sign).Get(ctx, &settle.Document); err != nil {
			return nil, err
		}
		done, err := settleAndRecord(ctx, settling.SettleAuthorization, settle)
		if err != nil {
			return nil, err
		}
		if !done {
			continue
		}
		return decision, a.tellClaims(ctx, cause)
	}
}

// gather waits for as long as the house's clock is off.
func (a *authorization) gather(ctx workflow.Context) (*activities.AuthorizationGathered, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Minute) {
		var g activities.AuthorizationGathered
		err := workflow.ExecuteLocalActivity(quick(ctx), gathering.GatherAuthorization, a.accepted.Submission).Get(ctx, &g)
		if err != nil || !g.Wait {
			return &g, err
		}
		if tooLong(ctx) {
			return nil, workflow.NewContinueAsNewError(ctx, Authorization, a.in)
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// tellClaims wakes the claims that pended because this authorization was open.
func (a *authorization) tellClaims(ctx workflow.Context, cause credentials.Handle) error {
	var waiting []books.Work
	err := workflow.ExecuteLocalActivity(quick(ctx), reaching.ClaimsWaitingFor, a.accepted.Submission).Get(ctx, &waiting)
	if err != nil {
		return err
	}
	tell(ctx, waiting, Reconsider{Cause: cause})
	return nil
}
