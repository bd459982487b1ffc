// Package faults breaks workers on purpose, for the tests of the contracts: replies that get lost, and processes that are
// killed. It is never part of a running product.
//
// Both faults ask the same of a contract: whatever an errand did before the fault, doing it again changes nothing.
//
// To lose replies, give the worker LoseReplies as an interceptor, run the contract, and compare what it left behind with a
// run that lost none. To kill a worker between two errands:
//
//	func TestMain(m *testing.M) { faults.Main(m, work) } // work runs the real worker until ctx ends
//
//	func work(ctx context.Context, j faults.Job) error { ... Interceptors: j.Interceptors() ... }
//
//	doomed := faults.Job{FrontendAddress: s.FrontendAddress, DieAt: faults.After("Settle"), ...}.Start(t)
//	// start the contract
//	doomed.AwaitKilled()
//	faults.Job{FrontendAddress: s.FrontendAddress, ...}.Start(t)
//	// the contract ends as if nothing had happened
//
// A killed worker is missed only when a timeout ends: the workflow task's for local activities (10 s unless
// temporalserver.Options.WorkflowTaskTimeout is shorter), the activity's own StartToCloseTimeout for normal ones.
package faults

import (
	"context"
	"slices"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
)

// Replies is a worker interceptor that loses them.
type Replies struct {
	interceptor.WorkerInterceptorBase
	of []string

	mu   sync.Mutex
	lost map[string]int
}

// LoseReplies lets each of the named activities, or all where none is named, normal and local, run to its end, and then
// reports a retryable error in place of its result, at the first attempt of each execution. An activity that may not be
// retried fails for good by it.
func LoseReplies(activities ...string) *Replies {
	return &Replies{of: activities, lost: map[string]int{}}
}

// Lost says how many replies of the activity were lost. A test that lost none proved nothing.
func (r *Replies) Lost(activity string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost[activity]
}

// InterceptActivity is called by the SDK for every attempt.
func (r *Replies) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return around(next, func(ctx context.Context, run func() (any, error)) (any, error) {
		result, err := run()
		info := activity.GetInfo(ctx)
		name := info.ActivityType.Name
		if err != nil || info.Attempt > 1 || (len(r.of) > 0 && !slices.Contains(r.of, name)) {
			return result, err
		}
		r.mu.Lock()
		r.lost[name]++
		r.mu.Unlock()
		return nil, temporal.NewApplicationError("the reply of "+name+" was lost", "LostReply")
	})
}

// around makes an interceptor of a function that decides what happens before and after an activity.
func around(next interceptor.ActivityInboundInterceptor, call func(context.Context, func() (any, error)) (any, error)) interceptor.ActivityInboundInterceptor {
	return &inbound{interceptor.ActivityInboundInterceptorBase{Next: next}, call}
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	call func(context.Context, func() (any, error)) (any, error)
}

func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	return i.call(ctx, func() (any, error) { return i.Next.ExecuteActivity(ctx, in) })
}
