package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/countersign-health/countersign/workflows"
)

// Deployment is the name of all workers of one insurer, whatever their builds,
// in the insurer's namespace.
const Deployment = "countersign"

// A Build is one build of the worker, as the cluster knows it. Claims and
// authorizations stay with the build that they began on (see Register); new
// ones begin on the current build.
type Build struct {
	ID      string
	Current bool
	// Left is true for one that was current once.
	Left bool
	// Pinned is how many contracts that have not ended stay with it.
	Pinned int64
	// Drained is the cluster's word that no contract needs it any more. It
	// comes some minutes after the last one has ended.
	Drained bool
	// Asked is when a worker of it last asked for work; zero is too long ago
	// for the cluster to know.
	Asked time.Time
}

// workersAsk at least so often: a question for work waits for a minute at most.
const workersAsk = 75 * time.Second

// Served says whether a worker of this build is there.
func (b *Build) Served(now time.Time) bool { return now.Sub(b.Asked) < workersAsk }

// Builds lists the builds that the cluster knows, newest first.
func Builds(ctx context.Context, c client.Client, namespace string) ([]Build, error) {
	d, err := describe(ctx, c)
	if err != nil || d == nil {
		return nil, err
	}
	asked, err := lastAsked(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(d.Info.VersionSummaries, func(a, b client.WorkerDeploymentVersionSummary) int {
		return b.CreateTime.Compare(a.CreateTime)
	})
	var all []Build
	for _, v := range d.Info.VersionSummaries {
		b := Build{ID: v.Version.BuildID, Asked: asked[v.Version.BuildID],
			Left:    v.DrainageStatus != client.WorkerDeploymentVersionDrainageStatusUnspecified,
			Drained: v.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained}
		if now := d.Info.RoutingConfig.CurrentVersion; now != nil && now.BuildID == b.ID {
			b.Current = true
		}
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: pinnedTo(b.ID)})
		if err != nil {
			return nil, fmt.Errorf("count contracts of build %s: %w", b.ID, err)
		}
		b.Pinned = n.Count
		all = append(all, b)
	}
	return all, nil
}

// describe returns nil where no versioned worker ever was.
func describe(ctx context.Context, c client.Client) (*client.WorkerDeploymentDescribeResponse, error) {
	d, err := c.WorkerDeploymentClient().GetHandle(Deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Temporal for the builds: %w", err)
	}
	return &d, nil
}

func lastAsked(ctx context.Context, c client.Client, namespace string) (map[string]time.Time, error) {
	q, err := c.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: workflows.TaskQueue}, TaskQueueType: enumspb.TASK_QUEUE_TYPE_WORKFLOW,
	})
	if err != nil {
		return nil, fmt.Errorf("ask Temporal for the workers: %w", err)
	}
	asked := map[string]time.Time{}
	for _, p := range q.Pollers {
		id, at := p.GetDeploymentOptions().GetBuildId(), p.GetLastAccessTime().AsTime()
		if at.After(asked[id]) {
			asked[id] = at
		}
	}
	return asked, nil
}

// pinnedTo is what the cluster itself asks to find out whether a build is drained.
func pinnedTo(build string) string {
	return fmt.Sprintf("TemporalWorkerDeploymentVersion = '%s:%s' AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'",
		Deployment, strings.ReplaceAll(build, "'", "''"))
}

// PromoteFirst makes a build the current one if no build has ever been, and
// returns the one that is current then: empty where somebody took it back. A
// build that comes later waits to be promoted by a person.
func PromoteFirst(ctx context.Context, c client.Client, build string) (current string, err error) {
	d, err := describe(ctx, c)
	if err != nil {
		return "", err
	}
	if d == nil {
		return "", errors.New("the cluster has not heard of this build yet")
	}
	routing := d.Info.RoutingConfig
	if routing.CurrentVersion != nil {
		return routing.CurrentVersion.BuildID, nil
	}
	if !routing.CurrentVersionChangedTime.IsZero() {
		return "", nil
	}
	// The token makes it fail where another worker is promoted meanwhile.
	return build, promote(ctx, c, build, d.ConflictToken)
}

// Promote has new contracts begin on a build, and those that upgrade
// themselves go over to it. It is refused where no worker of it is there.
func Promote(ctx context.Context, c client.Client, build string) error {
	return promote(ctx, c, build, nil)
}

func promote(ctx context.Context, c client.Client, build string, token []byte) error {
	_, err := c.WorkerDeploymentClient().GetHandle(Deployment).SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
		BuildID: build, ConflictToken: token,
	})
	if err != nil {
		return fmt.Errorf("promote build %s: %w", build, err)
	}
	return nil
}

// Move begins the contracts that stay with a build anew on the current one,
// for a build that nobody wants to run as long as its last contract is open.
// They are not replayed, so the two builds may differ in any way: as after a
// cut history, the books know what was decided, and nothing is decided twice.
// What was signaled is kept. It may be called again after a failure.
func Move(ctx context.Context, c client.Client, namespace, from string) (moved int, err error) {
	d, err := describe(ctx, c)
	if err != nil {
		return 0, err
	}
	switch {
	case d == nil || d.Info.RoutingConfig.CurrentVersion == nil:
		return 0, errors.New("no build is current: promote one first")
	case d.Info.RoutingConfig.CurrentVersion.BuildID == from:
		return 0, fmt.Errorf("build %s is the current one: promote another first", from)
	}
	to := d.Info.RoutingConfig.CurrentVersion.BuildID
	done := map[string]bool{} // the list follows some moments later
	for {
		page, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, Query: pinnedTo(from), PageSize: 1000})
		if err != nil {
			return moved, fmt.Errorf("list contracts of build %s: %w", from, err)
		}
		before := moved
		for _, e := range page.Executions {
			run := e.GetExecution()
			if done[run.GetRunId()] {
				continue
			}
			ok, err := moveOne(ctx, c, namespace, run, to)
			if err != nil {
				return moved, fmt.Errorf("move %s: %w", run.GetWorkflowId(), err)
			}
			if done[run.GetRunId()] = true; ok {
				moved++
			}
		}
		if len(page.Executions) == 0 {
			return moved, nil
		}
		if moved == before {
			select {
			case <-ctx.Done():
				return moved, ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

// moveOne answers false for a contract that has ended meanwhile.
func moveOne(ctx context.Context, c client.Client, namespace string, run *commonpb.WorkflowExecution, to string) (bool, error) {
	first, err := firstTask(ctx, c, run)
	if err != nil {
		return false, err
	}
	_, err = c.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: namespace, WorkflowExecution: run, Reason: "moved to build " + to,
		WorkflowTaskFinishEventId: first, RequestId: run.GetRunId() + "/" + to,
		ResetReapplyType: enumspb.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
		PostResetOperations: []*workflowpb.PostResetOperation{{
			Variant: &workflowpb.PostResetOperation_UpdateWorkflowOptions_{UpdateWorkflowOptions: pinTo(to)},
		}},
	})
	var ended *serviceerror.NotFound
	if errors.As(err, &ended) {
		return false, nil
	}
	return err == nil, err
}

func pinTo(build string) *workflowpb.PostResetOperation_UpdateWorkflowOptions {
	return &workflowpb.PostResetOperation_UpdateWorkflowOptions{
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{VersioningOverride: &workflowpb.VersioningOverride{
			Override: &workflowpb.VersioningOverride_Pinned{Pinned: &workflowpb.VersioningOverride_PinnedOverride{
				Behavior: workflowpb.VersioningOverride_PINNED_OVERRIDE_BEHAVIOR_PINNED,
				Version:  &deploymentpb.WorkerDeploymentVersion{DeploymentName: Deployment, BuildId: build},
			}},
		}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"versioning_override"}},
	}
}

// firstTask is the first moment to which a history can be set back.
func firstTask(ctx context.Context, c client.Client, run *commonpb.WorkflowExecution) (int64, error) {
	events := c.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return 0, err
		}
		if e.EventType == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
			return e.EventId, nil
		}
	}
	return 0, errors.New("no worker has begun it yet")
}
