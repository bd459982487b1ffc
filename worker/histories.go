package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/workflows"
)

// Histories is what Temporal remembers of contracts.
type Histories struct {
	Temporal  client.Client
	Namespace string
}

// Drop deletes every history of the given contracts, so that what they carried
// is not kept until its retention ends, and waits until they are gone. It
// deletes none while one is open.
func (h Histories) Drop(ctx context.Context, work []books.Work) error {
	var all []*workflowpb.WorkflowExecutionInfo
	for _, w := range work {
		id := workflows.ContractID(w)
		runs, err := h.list(ctx, fmt.Sprintf("WorkflowId = '%s'", id))
		if err != nil {
			return fmt.Errorf("list histories: %w", err)
		}
		latest, err := h.Temporal.DescribeWorkflowExecution(ctx, id, "") // the list may lag behind
		var none *serviceerror.NotFound
		switch {
		case err == nil:
			runs = append(runs, latest.WorkflowExecutionInfo)
		case !errors.As(err, &none):
			return fmt.Errorf("look for history: %w", err)
		}
		all = append(all, runs...)
	}
	for _, run := range all {
		if run.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return fmt.Errorf("contract %s is still open: nothing was deleted; try again when it has ended", run.Execution.WorkflowId)
		}
	}
	for _, run := range all {
		_, err := h.Temporal.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: h.Namespace, WorkflowExecution: run.Execution,
		})
		var none *serviceerror.NotFound
		if err != nil && !errors.As(err, &none) {
			return fmt.Errorf("delete history: %w", err)
		}
	}
	for _, run := range all {
		if err := h.awaitGone(ctx, run.Execution); err != nil {
			return fmt.Errorf("wait until Temporal has deleted the history of %s (say it again): %w", run.Execution.WorkflowId, err)
		}
	}
	return nil
}

// awaitGone waits: the server deletes in its own time, half a minute after it
// was told to or so (seen with v1.32.1).
func (h Histories) awaitGone(ctx context.Context, e *commonpb.WorkflowExecution) error {
	for {
		_, err := h.Temporal.GetWorkflowHistory(ctx, e.WorkflowId, e.RunId, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
		var none *serviceerror.NotFound
		if err != nil {
			if errors.As(err, &none) {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (h Histories) list(ctx context.Context, query string) (all []*workflowpb.WorkflowExecutionInfo, err error) {
	var page []byte
	for {
		r, err := h.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: h.Namespace, Query: query, NextPageToken: page})
		if err != nil {
			return nil, err
		}
		all = append(all, r.Executions...)
		if page = r.NextPageToken; len(page) == 0 {
			return all, nil
		}
	}
}

// Use counts contracts that have something sealed under a key.
type Use struct{ Open, Ended int }

// KeysInUse reads every history that Temporal keeps and counts, by payload key,
// those with something under it. It opens nothing, so it needs no key.
func (h Histories) KeysInUse(ctx context.Context) (map[string]Use, error) {
	all, err := h.list(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list histories: %w", err)
	}
	used := map[string]Use{}
	for _, run := range all {
		ids, err := h.keysOf(ctx, run.Execution)
		var none *serviceerror.NotFound
		if errors.As(err, &none) {
			continue // its retention has just ended
		}
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		for id := range ids {
			u := used[id]
			if run.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				u.Open++
			} else {
				u.Ended++
			}
			used[id] = u
		}
	}
	return used, nil
}

func (h Histories) keysOf(ctx context.Context, e *commonpb.WorkflowExecution) (map[string]bool, error) {
	ids := map[string]bool{}
	look := proxy.VisitPayloadsOptions{SkipSearchAttributes: true, Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, x := range p {
			if id, sealed := x.GetMetadata()[metadataKeyID]; sealed {
				ids[string(id)] = true
			}
		}
		return p, nil
	}}
	events := h.Temporal.GetWorkflowHistory(ctx, e.WorkflowId, e.RunId, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		if err := proxy.VisitPayloads(ctx, event, look); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
