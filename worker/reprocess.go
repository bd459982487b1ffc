package worker

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/workflows"
)

// Reprocess lists the decided claims that a board order, the directory or the
// taking back of an earlier claim touches since, with what each would come to if
// it were decided now. One that would come to the same is left out, unless an
// order holds its payment. Nothing is written and nothing signed.
func (i *Insurer) Reprocess(ctx context.Context) ([]books.Reprocess, error) {
	ordered, err := i.Books.Reprocess(ctx)
	if err != nil {
		return nil, fmt.Errorf("list what orders cover: %w", err)
	}
	touched, err := i.Books.Touched(ctx)
	if err != nil {
		return nil, fmt.Errorf("list what was touched: %w", err)
	}
	known := map[credentials.Handle]*outlook{}
	var list []books.Reprocess
	for _, r := range append(ordered, touched...) {
		o := known[r.Submission]
		if o == nil {
			if o, err = i.wouldCome(ctx, r.Submission); err != nil {
				return nil, err
			}
			known[r.Submission] = o
		}
		r.Before, r.After, r.Why = o.before, o.after, o.why
		if !o.same || r.Cause.Kind == books.CauseOrder || r.Hold != nil || r.Open != "" {
			list = append(list, r)
		}
	}
	return list, nil
}

// An outlook is what a claim comes to, and what it would come to now.
type outlook struct {
	before, after *books.Figures
	why           string // nobody can say what it would come to
	same          bool
}

// wouldCome decides a claim as though it were opened again, and throws the
// decision away.
func (i *Insurer) wouldCome(ctx context.Context, submission credentials.Handle) (*outlook, error) {
	g, err := i.errands.Evidence.GatherAnew(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", submission, err)
	}
	if g.Wait {
		return &outlook{why: "an earlier claim of the family is not decided yet, or this house's clock is off"}, nil
	}
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	if err != nil {
		return &outlook{why: err.Error()}, nil
	}
	return &outlook{before: books.FiguresOf(g.Before), after: books.FiguresOf(d), same: d.SameResult(g.Before)}, nil
}

// Restart has the contract of a claim go on that was opened again: it starts,
// where it has ended, and is told, where it waits.
func (i *Insurer) Restart(ctx context.Context, submission credentials.Handle, work books.Work) error {
	c, err := i.Books.Contract(ctx, submission)
	if err != nil {
		return fmt.Errorf("read contract: %w", err)
	}
	id := workflows.ContractID(work)
	_, err = i.Temporal.SignalWithStartWorkflow(ctx, id, workflows.ReconsiderSignal, workflows.Reconsider{},
		client.StartWorkflowOptions{
			ID: id, TaskQueue: workflows.TaskQueue,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}, workflows.Claim, activities.Submitted{Token: c.Token, Received: c.Received})
	if err != nil {
		return fmt.Errorf("start contract: %w", err)
	}
	return nil
}

// forgottenAfter is how long a claim that was opened again may lack a decision
// before its contract is started once more: whoever opened it may have died in
// between.
const forgottenAfter = time.Minute

// restartForgotten starts the contracts of claims that were opened again and
// that nobody started.
func (i *Insurer) restartForgotten(ctx context.Context) error {
	open, err := i.Books.ReopenedBefore(ctx, i.Now().Add(-forgottenAfter))
	if err != nil {
		return fmt.Errorf("list reopened claims: %w", err)
	}
	for _, h := range open {
		c, err := i.Books.Contract(ctx, h)
		if err == nil {
			err = i.Restart(ctx, h, c.Work)
		}
		if err != nil {
			return fmt.Errorf("claim %s: %w", h, err)
		}
	}
	return nil
}
