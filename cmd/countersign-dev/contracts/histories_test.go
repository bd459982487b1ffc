package contracts

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	sdk "go.temporal.io/sdk/worker"

	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// saveHistories is for when a contract changes on purpose:
//
//	go test ./contracts -run TestHistories -save ../../../workflows/testdata
var saveHistories = flag.String("save", "", "write the histories of TestHistories, into this `folder`")

// testPayloadKey is no secret: it is committed with the histories that it seals.
const testPayloadKey = "../../../workflows/testdata/payload-key.txt"

// TestHistories has contracts run in every way that workflows/testdata keeps a
// history of, and replays what they left.
func TestHistories(t *testing.T) {
	t.Parallel()
	key, err := os.ReadFile(testPayloadKey)
	if err != nil {
		t.Fatal(err)
	}
	key = bytes.TrimSpace(key)
	h := open(t, func(o *parties.Options) {
		path := filepath.Join(o.Dir, parties.Insurer, "payload.key")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, key, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	h.begin()
	a, b, c := h.request("auth-a.json"), h.request("auth-b.json"), h.request("auth-c.json")
	h.decided(a, 1)
	h.decided(c, 1)
	h.decided(b, 1)
	h.approve(b, 1)
	h.decided(b, 2)
	sent := h.bill()
	for _, s := range sent {
		h.decided(s, 1)
	}
	h.reached(h.revoke())
	for name, id := range map[string]string{
		"claim-paid":                            h.contract(sent["DEMO-006"]),
		"claim-drawn":                           h.contract(sent["DEMO-005"]),
		"claim-pended-denied":                   h.contract(sent["DEMO-008"]),
		"authorization-by-rule":                 h.contract(a),
		"authorization-pended-approved-revoked": h.contract(b),
		"authorization-pended-denied":           h.contract(c),
		"license-revoked":                       workflows.LicenseID(h.licenses[ruskin]),
	} {
		h.replay(name, id, [32]byte(key))
	}
}

func (h *house) replay(name, id string, key [32]byte) {
	h.Helper()
	c := h.temporal()
	var past historypb.History
	events := c.GetWorkflowHistory(h.ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		h.must(err)
		past.Events = append(past.Events, e)
	}
	codec, err := worker.NewCodec(worker.Key{ID: "dev-1", Secret: key})
	h.must(err)
	r, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
		DataConverter: worker.DataConverter(codec), FailureConverter: worker.FailureConverter(codec),
	})
	h.must(err)
	r.RegisterWorkflow(workflows.Claim)
	r.RegisterWorkflow(workflows.Authorization)
	r.RegisterWorkflow(workflows.License)
	if err := r.ReplayWorkflowHistory(nil, &past); err != nil {
		h.Errorf("%s: %v", name, err)
	}
	if *saveHistories == "" {
		return
	}
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(&past)
	h.must(err)
	h.must(os.WriteFile(filepath.Join(*saveHistories, name+".json"), append(text, '\n'), 0o644))
	h.T.Logf("%s: %d events, %d bytes", name, len(past.Events), len(text))
}
