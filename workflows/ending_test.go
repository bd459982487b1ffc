package workflows

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// errands are what a contract under test is answered, by the name of the activity.
type errands map[string]any

// environment runs a contract with errands, and keeps what the SDK logs.
func environment(e errands) (*testsuite.TestWorkflowEnvironment, *bytes.Buffer) {
	var suite testsuite.WorkflowTestSuite
	logged := &bytes.Buffer{}
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(logged, nil))))
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // the machine may be busy with other tests
	for name, do := range e {
		env.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name})
	}
	return env, logged
}

func opened(context.Context, activities.Submitted) (activities.Accepted, error) {
	return activities.Accepted{}, nil
}

// TestEndsQuietly: a contract is woken while it takes its last step. What it is
// told cannot change anything, and nobody is warned that it was not heard.
func TestEndsQuietly(t *testing.T) {
	errCannot := temporal.NewNonRetryableApplicationError("books do not fit together", "", nil)
	for name, x := range map[string]struct {
		gathered activities.ClaimGathered
		err      error
		long     bool // history
		again    bool // it starts again
	}{
		"paid":                 {gathered: activities.ClaimGathered{Before: &claims.Decision{Outcome: claims.Paid}}},
		"waits for too long":   {gathered: activities.ClaimGathered{Wait: true}, long: true, again: true},
		"cannot, for too long": {err: errCannot, long: true, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			var env *testsuite.TestWorkflowEnvironment
			tries := 0
			env, logged := environment(errands{"OpenClaim": opened, "GatherClaim": func(context.Context, credentials.Handle) (*activities.ClaimGathered, error) {
				if tries++; tries == 1 {
					env.SignalWorkflow(ReconsiderSignal, Reconsider{})
				}
				return &x.gathered, x.err
			}})
			env.SetContinueAsNewSuggested(x.long)
			env.ExecuteWorkflow(Claim, activities.Submitted{Token: "token"})
			if err := env.GetWorkflowError(); !env.IsWorkflowCompleted() || workflow.IsContinueAsNewError(err) != x.again || !x.again && err != nil {
				t.Errorf("completed %v, got %v, want it to start again: %v", env.IsWorkflowCompleted(), err, x.again)
			}
			if bytes.Contains(logged.Bytes(), []byte("unhandled signals")) {
				t.Errorf("somebody is warned:\n%s", logged)
			}
		})
	}
}

// TestCauses: a decision names what caused it, and not what caused a look
// before it that changed nothing.
func TestCauses(t *testing.T) {
	order, other := credentials.Handle{1}, credentials.Handle{2}
	var caused []credentials.Handle
	tries := 0
	env, _ := environment(errands{
		"OpenAuthorization": opened,
		"GatherAuthorization": func(context.Context, credentials.Handle) (*activities.AuthorizationGathered, error) {
			tries++
			g := pendedFor(tries)
			if tries == 2 { // says the same as before
				d, err := claims.Authorize(&g.Request, &g.Plan, &g.Evidence)
				g.Before = d
				return g, err
			}
			return g, nil
		},
		"SignAuthorization": func(context.Context, activities.AuthorizationToSign) (credentials.Handle, error) {
			return credentials.Handle{9}, nil
		},
		"SettleAuthorization": func(_ context.Context, s books.Settlement) (books.Settled, error) {
			caused = append(caused, s.Cause)
			return books.Settled{}, nil
		},
		"Record":           func(context.Context, credentials.Handle) error { return nil },
		"ClaimsWaitingFor": func(context.Context, credentials.Handle) ([]books.Work, error) { return nil, nil },
	})
	for i, cause := range []credentials.Handle{order, {}, other} {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(ReconsiderSignal, Reconsider{Cause: cause}) }, time.Duration(i+1)*time.Minute)
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	env.ExecuteWorkflow(Authorization, activities.Submitted{Token: "token"})
	if want := []credentials.Handle{{}, {}, other}; !slices.Equal(caused, want) {
		t.Errorf("%d decisions are caused by %v (%v), want %v", len(caused), caused, errors.Unwrap(env.GetWorkflowError()), want)
	}
}

// TestWaitsForHours: a contract that is told for a weekend that it is too early
// (the house's clock is off) asks ever less often, and then decides.
func TestWaitsForHours(t *testing.T) {
	const weekend = 60 * time.Hour
	var env *testsuite.TestWorkflowEnvironment
	var begun time.Time
	asked, signed := 0, 0
	env, _ = environment(errands{
		"OpenAuthorization": opened,
		"GatherAuthorization": func(context.Context, credentials.Handle) (*activities.AuthorizationGathered, error) {
			asked++
			if env.Now().Sub(begun) < weekend {
				return &activities.AuthorizationGathered{Wait: true}, nil
			}
			return pendedFor(1), nil
		},
		"SignAuthorization": func(context.Context, activities.AuthorizationToSign) (credentials.Handle, error) {
			signed++
			return credentials.Handle{9}, nil
		},
		"SettleAuthorization": func(context.Context, books.Settlement) (books.Settled, error) { return books.Settled{}, nil },
		"Record":              func(context.Context, credentials.Handle) error { return nil },
		"ClaimsWaitingFor":    func(context.Context, credentials.Handle) ([]books.Work, error) { return nil, nil },
	})
	begun = env.Now()
	env.RegisterDelayedCallback(func() {
		if signed != 0 {
			t.Error("it was signed too early")
		}
	}, weekend-time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, weekend+time.Hour)
	env.ExecuteWorkflow(Authorization, activities.Submitted{Token: "token"})
	if most := int(weekend/time.Minute) + 30; signed != 1 || asked > most {
		t.Errorf("signed %d times after asking %d times, want once after at most %d (%v)", signed, asked, most, env.GetWorkflowError())
	}
}

// TestRecordsAtOnceThenPatiently: recording is tried once beside the contract,
// and where that fails ordered as an errand that is tried until it succeeds, or
// until no retry can help; then the contract stays open.
func TestRecordsAtOnceThenPatiently(t *testing.T) {
	refused := temporal.NewNonRetryableApplicationError("refused", "", nil)
	for name, x := range map[string]struct {
		fails int // so many attempts
		with  error
		want  []bool // attempts, whether beside the contract
		told  int    // of the decision
	}{
		"at once":         {0, nil, []bool{true}, 1},
		"later":           {1, errors.New("no quorum"), []bool{true, false}, 1},
		"much later":      {4, errors.New("no quorum"), []bool{true, false, false, false, false}, 1},
		"refused by rule": {9, refused, []bool{true, false}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts []bool
			told := 0
			env, _ := environment(errands{
				"OpenAuthorization": opened,
				"GatherAuthorization": func(context.Context, credentials.Handle) (*activities.AuthorizationGathered, error) {
					return pendedFor(1), nil
				},
				"SignAuthorization": func(context.Context, activities.AuthorizationToSign) (credentials.Handle, error) {
					return credentials.Handle{9}, nil
				},
				"SettleAuthorization": func(context.Context, books.Settlement) (books.Settled, error) { return books.Settled{}, nil },
				"Record": func(ctx context.Context, _ credentials.Handle) error {
					if attempts = append(attempts, activity.GetInfo(ctx).IsLocalActivity); len(attempts) <= x.fails {
						return x.with
					}
					return nil
				},
				"ClaimsWaitingFor": func(context.Context, credentials.Handle) ([]books.Work, error) { told++; return nil, nil },
			})
			env.ExecuteWorkflow(Authorization, activities.Submitted{Token: "token"})
			if err := env.GetWorkflowError(); !slices.Equal(attempts, x.want) || told != x.told || !temporal.IsTimeoutError(err) {
				t.Errorf("attempts %v, told %d (%v), want %v and %d, and to stay open", attempts, told, err, x.want, x.told)
			}
		})
	}
}

// TestErrandsFitIntoAHistory: one that fails for as long as it is tried does not
// fill the history, at which Temporal would end the contract.
func TestErrandsFitIntoAHistory(t *testing.T) {
	const (
		task   = 10 * time.Second // until then the worker waits, and says so when 8 s are over: 3 events
		most   = 51_200           // history.maxCount, Temporal's default
		beats  = 3
		timers = 6
	)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		o := workflow.GetLocalActivityOptions(quick(ctx))
		events, waited, pause := 0.0, time.Duration(0), o.RetryPolicy.InitialInterval
		for ; waited < o.ScheduleToCloseTimeout; pause = min(time.Duration(float64(pause)*o.RetryPolicy.BackoffCoefficient), o.RetryPolicy.MaximumInterval) {
			waited += pause
			if pause <= task {
				events += beats * pause.Seconds() / (0.8 * task.Seconds())
			} else {
				events += timers
			}
		}
		if events > most {
			t.Errorf("in %s: %.0f events, and there is room for %d", waited, events, most)
		}
		if o := workflow.GetLocalActivityOptions(prompt(ctx)); o.StartToCloseTimeout >= task*8/10 || o.RetryPolicy.MaximumAttempts != 1 {
			t.Errorf("recording at once may take %s, %d times: the worker would say that it still waits", o.StartToCloseTimeout, o.RetryPolicy.MaximumAttempts)
		}
		return nil
	})
	if err := env.GetWorkflowError(); err != nil {
		t.Error(err)
	}
}

// pendedFor is a request whose dates no plan edition covers.
func pendedFor(number int) *activities.AuthorizationGathered {
	const day = credentials.Date("2026-10-01")
	return &activities.AuthorizationGathered{
		Request: claims.AuthorizationRequest{Items: []claims.RequestItem{{Sequence: 1, Code: "72148", Units: 1, From: day, Until: day}}},
		Plan:    claims.Plan{Rules: claims.RulesEdition, From: "2027-01-01"},
		Evidence: claims.AuthorizationEvidence{
			Number: number, Member: claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: day}}},
			Standings: []claims.ItemStanding{{Sequence: 1}},
		},
	}
}
