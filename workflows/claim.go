package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Activity structs are named here only for their methods; the worker registers
// the real ones.
var (
	receiving *activities.Receiving
	gathering *activities.Evidence
	signing   *activities.Signing
	settling  *activities.Settling
	recording *activities.Recording
	reaching  *activities.Reaching
)

// Claim is the contract for one claim: received once, decided on its evidence,
// signed, settled, recorded. A pended claim stays open and is decided anew
// whenever something that it rests on moves.
func Claim(ctx workflow.Context, in activities.Submitted) error {
	return receive(ctx, receiving.OpenClaim, in, func(ctx workflow.Context, accepted activities.Accepted) error {
		return (&claim{in, accepted}).run(ctx)
	})
}

type claim struct {
	in       activities.Submitted
	accepted activities.Accepted
}

func (c *claim) run(ctx workflow.Context) error {
	moved := workflow.GetSignalChannel(ctx, ReconsiderSignal)
	for why := (Reconsider{}); ; {
		outcome, err := c.decide(ctx, why.Cause)
		if err = survive(ctx, err); err != nil {
			return err
		}
		if outcome == claims.Paid || outcome == claims.Denied || outcome == claims.Voided {
			return nil
		}
		if tooLong(ctx) && moved.Len() == 0 { // before it is told why: the next one begins with a decision and would not know
			return workflow.NewContinueAsNewError(ctx, Claim, c.in)
		}
		why = Reconsider{} // a signal that names no cause leaves the last one's in place
		moved.Receive(ctx, &why)
	}
}

// decide takes the claim through one decision. It gathers again as long as the
// books refuse to settle because the evidence has moved. A claim that is paid
// or denied stays so, whoever starts its contract again or wakes it, unless the
// books say that it was opened again.
func (c *claim) decide(ctx workflow.Context, cause credentials.Handle) (claims.Outcome, error) {
	for {
		g, err := c.gather(ctx)
		if err != nil {
			return "", err
		}
		if g.Before.Final() && !g.Reopened {
			return g.Before.Outcome, nil
		}
		decision, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
		if err != nil {
			return "", err
		}
		if decision.Restates(g.Before) {
			return decision.Outcome, nil
		}
		if g.Reopened && (decision.Outcome == claims.Pended || decision.SameResult(g.Before)) {
			done, err := c.leaveAsDecided(ctx, g, decision)
			if err != nil || done {
				return decision.Outcome, err
			}
			continue
		}
		settle := books.Settlement{Submission: c.accepted.Submission, Fences: g.Fences, Cause: cause}
		sign := activities.ClaimToSign{Decision: *decision, Evidence: g.Evidence}
		if err := workflow.ExecuteLocalActivity(quick(ctx), signing.SignClaim, sign).Get(ctx, &settle.Document); err != nil {
			return "", err
		}
		done, err := settleAndRecord(ctx, settling.SettleClaim, settle)
		if err != nil || done {
			return decision.Outcome, err
		}
	}
}

// leaveAsDecided answers a reopening that changes nothing: the decision stands, or
// it has to wait until the claim can be decided whole. Nothing is signed, and
// nothing is taken back. It answers false where the evidence has moved.
func (c *claim) leaveAsDecided(ctx workflow.Context, g *activities.ClaimGathered, d *claims.Decision) (bool, error) {
	answer := books.ReopeningAnswer{Submission: c.accepted.Submission, Number: g.Before.Number, State: books.ReopeningUpheld, Fences: g.Fences}
	if d.Outcome == claims.Pended {
		answer.State, answer.Waits = books.ReopeningWaiting, d.WaitsFor()
	}
	var out books.Settled
	err := workflow.ExecuteActivity(brief(ctx), settling.AnswerReopening, answer).Get(ctx, &out)
	return err == nil && !out.Moved, err
}

// gather waits for its turn in the family first, and for as long as the house's
// clock is off. The waiting is short as a rule (another claim's decision), so it
// looks again soon and then less often.
func (c *claim) gather(ctx workflow.Context) (*activities.ClaimGathered, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Minute) {
		var g activities.ClaimGathered
		err := workflow.ExecuteLocalActivity(quick(ctx), gathering.GatherClaim, c.accepted.Submission).Get(ctx, &g)
		if err != nil || !g.Wait {
			return &g, err
		}
		if tooLong(ctx) { // an earlier claim of the family cannot be decided, or the clock is off for days
			return nil, workflow.NewContinueAsNewError(ctx, Claim, c.in)
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}
