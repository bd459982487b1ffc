//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// Steps are what the histories of contracts say of waiting: from when Temporal
// wrote down that something is to be done until a worker took it.
type steps struct {
	contracts int
	waits     []waiting
	again     int // errands that were tried more than once
	timedOut  int // workflow tasks or errands that a worker took and did not end
	failed    int // workflow tasks that failed
}

// Waiting is one thing to do, from when it could be done to when a worker took it.
type waiting struct {
	what     string // firstTask, laterTask, or the name of a normal errand
	from, to time.Time
}

const (
	firstTask = "first workflow task" // through Temporal's transfer queue and matching
	laterTask = "later workflow task"
)

// readHistories reads the histories of all claims that began since. Payloads
// are sealed, and stay so.
func readHistories(ctx context.Context, s *site, since time.Time) (*steps, error) {
	time.Sleep(2 * time.Second) // Temporal's list lags behind
	c, err := client.Dial(client.Options{HostPort: s.Temporal, Namespace: "insurer",
		Logger: sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := &steps{}
	var next []byte
	for {
		page, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: "insurer", PageSize: 500, NextPageToken: next,
			Query: fmt.Sprintf("WorkflowType = 'Claim' AND StartTime >= '%s'", since.UTC().Format(time.RFC3339Nano)),
		})
		if err != nil {
			return nil, fmt.Errorf("list contracts: %w", err)
		}
		for _, e := range page.Executions {
			all.contracts++
			it := c.GetWorkflowHistory(ctx, e.Execution.WorkflowId, e.Execution.RunId, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			var events []*historypb.HistoryEvent
			for it.HasNext() {
				event, err := it.Next()
				if err != nil {
					return nil, fmt.Errorf("read history: %w", err)
				}
				events = append(events, event)
			}
			all.add(events)
		}
		if next = page.NextPageToken; len(next) == 0 {
			return all, nil
		}
	}
}

// add takes in one history. Events are numbered from 1 without gaps.
func (s *steps) add(events []*historypb.HistoryEvent) {
	at := func(id int64) time.Time { return events[id-1].EventTime.AsTime() }
	name := func(scheduled int64) string {
		return events[scheduled-1].GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
	}
	what := firstTask
	for _, e := range events {
		now := e.EventTime.AsTime()
		switch e.EventType {
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			s.waits = append(s.waits, waiting{what, at(e.GetWorkflowTaskStartedEventAttributes().ScheduledEventId), now})
			what = laterTask
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
			s.timedOut++
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
			s.failed++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			a := e.GetActivityTaskStartedEventAttributes()
			s.waits = append(s.waits, waiting{name(a.ScheduledEventId), at(a.ScheduledEventId), now})
			if a.Attempt > 1 {
				s.again++
			}
		}
	}
}

// waited is how long things of a kind waited: normal errands of all names
// where what is empty.
func (s *steps) waited(what string) (all []time.Duration) {
	for _, w := range s.waits {
		if w.what == what || what == "" && w.what != firstTask && w.what != laterTask {
			all = append(all, w.to.Sub(w.from))
		}
	}
	return all
}

// A stall is a wait of half a second or more during which a quarter of the
// machine or more had nothing to do: waiting that no processor would have cut
// short.
const (
	longWait  = 500 * time.Millisecond
	idleShare = 0.25
)

func (s *steps) stalls(m *monitor) (found []waiting) {
	for _, w := range s.waits {
		if w.to.Sub(w.from) >= longWait && m.idle(w.from, w.to) >= idleShare {
			found = append(found, w)
		}
	}
	return found
}

// lost are steps that Temporal had to have done again.
func (s *steps) lost() int { return s.again + s.timedOut + s.failed }
