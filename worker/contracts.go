package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/workflows"
)

// RestartContracts throws away whatever contracts Temporal has open and starts
// those that are open by the books, which are the record: a contract finds in
// them how far it is. No worker may run meanwhile. Contracts for which the
// books have nothing are ended: whoever sent the submission sends it again.
//
// So Temporal may be restored from whenever, or be empty.
func (i *Insurer) RestartContracts(ctx context.Context, namespace string) (ended, started int, err error) {
	if err := i.CheckBooks(ctx); err != nil {
		return 0, 0, err
	}
	if ended, err = i.endContracts(ctx, namespace); err != nil {
		return ended, 0, err
	}
	open, err := i.Books.OpenContracts(ctx)
	if err != nil {
		return ended, 0, fmt.Errorf("list open contracts: %w", err)
	}
	for _, c := range open {
		contract := any(workflows.Claim)
		if c.Kind == books.AuthorizationKind {
			contract = workflows.Authorization
		}
		err := onceKnown(ctx, func() error {
			_, err := i.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
				ID: workflows.ContractID(c.Work), TaskQueue: workflows.TaskQueue,
				// What the list of open ones did not name yet is ended here.
				WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
				WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			}, contract, activities.Submitted{Token: c.Token, Received: c.Received})
			return err
		})
		if err != nil {
			return ended, started, fmt.Errorf("start contract: %w", err)
		}
		started++
	}
	return ended, started, nil
}

func (i *Insurer) endContracts(ctx context.Context, namespace string) (ended int, err error) {
	var page []byte
	for {
		var list *workflowservice.ListWorkflowExecutionsResponse
		err := onceKnown(ctx, func() (err error) {
			list, err = i.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
				Namespace: namespace, NextPageToken: page,
				Query: fmt.Sprintf("TaskQueue = '%s' AND ExecutionStatus = 'Running'", workflows.TaskQueue),
			})
			return err
		})
		if err != nil {
			return ended, fmt.Errorf("list contracts: %w", err)
		}
		for _, w := range list.Executions {
			err := i.Temporal.TerminateWorkflow(ctx, w.Execution.WorkflowId, w.Execution.RunId, "restored: started again from the books")
			var gone *serviceerror.NotFound
			switch {
			case err == nil:
				ended++
			case !errors.As(err, &gone):
				return ended, fmt.Errorf("end contract: %w", err)
			}
		}
		if page = list.NextPageToken; len(page) == 0 {
			return ended, nil
		}
	}
}

// onceKnown asks again while the cluster does not know the namespace. Temporal's
// services hear of one that was just made only after some seconds, when
// describing it works already.
func onceKnown(ctx context.Context, ask func() error) error {
	for end := time.Now().Add(30 * time.Second); ; {
		err := ask()
		var unknown *serviceerror.NamespaceNotFound
		if !errors.As(err, &unknown) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}
