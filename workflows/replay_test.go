package workflows_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/tracing/tracetest"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// The histories in testdata come from contracts that ran against a real server
// on the examples, with the payload key that lies beside them and guards
// nothing else. Where a contract changes on purpose, and none of the old kind
// runs anywhere, they are made anew in cmd/countersign-dev:
//
//	go test ./contracts -run TestHistories -save ../../../workflows/testdata

// TestReplay has today's contracts retrace what others did before them. A
// contract that orders its errands otherwise would break every one that runs.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d histories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			traces, spans := tracetest.New(t, 1)
			for _, interceptors := range [][]interceptor.WorkerInterceptor{nil, {worker.Tracing(traces)}} { // switched on while contracts run
				r := replayer(t, []worker.Key{payloadKey(t)}, interceptors...)
				r.RegisterWorkflow(workflows.Claim)
				r.RegisterWorkflow(workflows.Authorization)
				r.RegisterWorkflow(workflows.License)
				if err := replay(t, r, file); err != nil {
					t.Error(err)
				}
			}
			if got := spans.GetSpans(); len(got) != 1 || !strings.HasPrefix(got[0].Name, "RunWorkflow:") {
				t.Errorf("a replay made the spans %v, want the contract's alone", got)
			}
		})
	}
}

// TestReplayCatches shows that the histories bind: neither another order of
// errands nor another key gets through.
func TestReplayCatches(t *testing.T) {
	const file = "testdata/claim-paid.json"
	r := replayer(t, []worker.Key{payloadKey(t)})
	var receiving *activities.Receiving
	r.RegisterWorkflowWithOptions(func(ctx workflow.Context, in activities.Submitted) error {
		return workflow.ExecuteActivity(ctx, receiving.OpenClaim, in).Get(ctx, nil)
	}, workflow.RegisterOptions{Name: "Claim"})
	if err := replay(t, r, file); err == nil {
		t.Error("a contract that orders other errands replayed the history of a claim")
	}
	key := payloadKey(t)
	key.Secret[0] ^= 1
	r = replayer(t, []worker.Key{key})
	r.RegisterWorkflow(workflows.Claim)
	if err := replay(t, r, file); err == nil {
		t.Error("a history was read with another key")
	}
}

// TestReplayAfterRotation replays every history once a new payload key seals
// and the old one only opens; without the old one it fails and names it.
func TestReplayAfterRotation(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	next := worker.Key{ID: "next", Secret: [32]byte{1}}
	for _, file := range files {
		for _, x := range []struct {
			keys []worker.Key
			want string
		}{
			{[]worker.Key{payloadKey(t), next}, ""}, // the new one has been rolled out, and seals nothing yet
			{[]worker.Key{next, payloadKey(t)}, ""},
			{[]worker.Key{next}, `key "dev-1" is not among ours: add it to the payload keys of this process`},
		} {
			r := replayer(t, x.keys)
			r.RegisterWorkflow(workflows.Claim)
			r.RegisterWorkflow(workflows.Authorization)
			r.RegisterWorkflow(workflows.License)
			err := replay(t, r, file)
			if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
				t.Errorf("%s with %v: got %v, want %q", file, x.keys, err, x.want)
			}
		}
	}
}

func payloadKey(t *testing.T) worker.Key {
	t.Helper()
	text, err := os.ReadFile("testdata/payload-key.txt")
	if err != nil {
		t.Fatal(err)
	}
	key := worker.Key{ID: "dev-1"}
	if n := copy(key.Secret[:], bytes.TrimSpace(text)); n != len(key.Secret) {
		t.Fatalf("the key has %d bytes, want %d", n, len(key.Secret))
	}
	return key
}

func replayer(t *testing.T, keys []worker.Key, interceptors ...interceptor.WorkerInterceptor) sdk.WorkflowReplayer {
	t.Helper()
	codec, err := worker.NewCodec(keys...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
		DataConverter: worker.DataConverter(codec), FailureConverter: worker.FailureConverter(codec), Interceptors: interceptors,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func replay(t *testing.T, r sdk.WorkflowReplayer, file string) error {
	t.Helper()
	return r.ReplayWorkflowHistory(quiet(), load(t, file))
}

func quiet() sdklog.Logger {
	return sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
}

func load(t *testing.T, file string) *historypb.History {
	t.Helper()
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	history, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return history
}

// TestOrderAsTheTimeEnds: no worker ran when an authorization's time ended, and
// an order came before one did. The order counts: the history of one that was
// revoked in time replays with the end of its time put before the order.
func TestOrderAsTheTimeEnds(t *testing.T) {
	history := load(t, "testdata/authorization-pended-approved-revoked.json")
	events := history.Events
	timer := slices.IndexFunc(events, func(e *historypb.HistoryEvent) bool { return e.GetTimerStartedEventAttributes() != nil })
	order, canceled := timer+1, timer+5
	if timer < 0 || events[order].GetWorkflowExecutionSignaledEventAttributes() == nil || events[canceled].GetTimerCanceledEventAttributes() == nil {
		t.Fatal("the history has changed: say where its timer and its order are now")
	}
	fired := &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_TIMER_FIRED, EventTime: events[order].EventTime,
		Attributes: &historypb.HistoryEvent_TimerFiredEventAttributes{TimerFiredEventAttributes: &historypb.TimerFiredEventAttributes{
			TimerId: events[timer].GetTimerStartedEventAttributes().TimerId, StartedEventId: events[timer].EventId}}}
	for i := canceled; i > order; i-- { // what was one after the other still is, and a timer that ended is not canceled
		events[i] = events[i-1]
	}
	events[order] = fired
	for i, e := range events {
		e.EventId = int64(i + 1)
	}
	task := events[canceled-1].GetWorkflowTaskStartedEventAttributes()
	task.ScheduledEventId++
	completed := events[canceled].GetWorkflowTaskCompletedEventAttributes()
	completed.ScheduledEventId++
	completed.StartedEventId++
	r := replayer(t, []worker.Key{payloadKey(t)})
	r.RegisterWorkflow(workflows.Authorization)
	if err := r.ReplayWorkflowHistory(quiet(), history); err != nil {
		t.Error(err)
	}
}
