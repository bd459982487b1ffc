//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const emptyQueue = "empty"

// An emptyCost is what a contract costs that has the steps of a claim and does
// nothing in any of them.
type emptyCost struct{ rate, each float64 }

// emptyContract has the steps of workflows.Claim where a claim is decided at
// once: an update that is answered after a local errand, two more local ones
// (gather, sign), a normal one (settle), and a local one (record).
func emptyContract(ctx workflow.Context) error {
	accepted := false
	if err := workflow.SetUpdateHandler(ctx, "accept", func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return accepted })
	}); err != nil {
		return err
	}
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
	for range 3 {
		if err := workflow.ExecuteLocalActivity(local, emptyErrand).Get(ctx, nil); err != nil {
			return err
		}
		accepted = true
	}
	normal := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second})
	if err := workflow.ExecuteActivity(normal, "empty-errand").Get(ctx, nil); err != nil {
		return err
	}
	if err := workflow.ExecuteLocalActivity(local, emptyErrand).Get(ctx, nil); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func emptyErrand(context.Context) error { return nil }

// emptyContracts runs as many of them as a round has claims, at the same load.
// Its worker is in this process, whose time counts therefore.
func (p *plan) emptyContracts(ctx context.Context, s *site) (c emptyCost, err error) {
	t, err := client.Dial(client.Options{HostPort: s.Temporal, Namespace: "insurer",
		Logger: sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))})
	if err != nil {
		return c, err
	}
	defer t.Close()
	w := worker.New(t, emptyQueue, worker.Options{})
	w.RegisterWorkflow(emptyContract)
	w.RegisterActivityWithOptions(emptyErrand, activity.RegisterOptions{Name: "empty-errand"})
	if err := w.Start(); err != nil {
		return c, err
	}
	defer w.Stop()
	one := func(i int) error {
		start := t.NewWithStartWorkflowOperation(client.StartWorkflowOptions{ID: fmt.Sprintf("empty-%d", i), TaskQueue: emptyQueue,
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}, emptyContract)
		update, err := t.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: start,
			UpdateOptions: client.UpdateWorkflowOptions{UpdateID: "accept", UpdateName: "accept", WaitForStage: client.WorkflowUpdateStageCompleted}})
		if err != nil {
			return err
		}
		if err := update.Get(ctx, nil); err != nil {
			return err
		}
		return t.GetWorkflow(ctx, fmt.Sprintf("empty-%d", i), "").Get(ctx, nil)
	}
	run := func(from, to int) error {
		next := make(chan int, to-from)
		for i := from; i < to; i++ {
			next <- i
		}
		close(next)
		return together(p.clerks, func() error {
			for i := range next {
				if err := one(i); err != nil {
					return fmt.Errorf("empty contract: %w", err)
				}
			}
			return nil
		})
	}
	warm := 2 * p.clerks
	if err := run(0, warm); err != nil {
		return c, err
	}
	before, err := s.book()
	if err != nil {
		return c, err
	}
	if err := run(warm, warm+p.claims); err != nil {
		return c, err
	}
	after, err := s.book()
	if err != nil {
		return c, err
	}
	spent := after.since(before)
	return emptyCost{rate: float64(p.claims) / spent.wall.Seconds(), each: spent.ours().Seconds() * 1000 / float64(p.claims)}, nil
}
