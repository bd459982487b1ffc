package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/tracing/tracetest"
)

// typed runs a command as a person of a party does, with traces.
func (h *house) typed(p trace.TracerProvider, party string, args ...string) {
	h.Helper()
	var out, told bytes.Buffer
	args = append(args, "--keys", h.Keys(party), "--passphrase-file", h.PassphraseFile(), "--key", party)
	code := cli.Run(h.ctx, args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &told, Traces: p})
	if code != 0 {
		h.Fatalf("countersign %v: exit %d\n%s%s", args, code, out.String(), told.String())
	}
}

// spans are what has been exported, by span id.
func spans(kept *sdktrace.InMemoryExporter) map[trace.SpanID]sdktrace.SpanStub {
	all := map[trace.SpanID]sdktrace.SpanStub{}
	for _, s := range kept.GetSpans() {
		all[s.SpanContext.SpanID()] = s
	}
	return all
}

// chain is the way from a span up to the command, by name; nil where a parent
// is missing or of another trace.
func chain(all map[trace.SpanID]sdktrace.SpanStub, s sdktrace.SpanStub) (names []string) {
	for {
		names = append(names, s.Name)
		if !s.Parent.IsValid() {
			return names
		}
		parent, ok := all[s.Parent.SpanID()]
		if !ok || parent.SpanContext.TraceID() != s.SpanContext.TraceID() {
			return nil
		}
		s = parent
	}
}

// hasChain waits for a span with a name whose way up is as wanted.
func (h *house) hasChain(kept *sdktrace.InMemoryExporter, want ...string) (found sdktrace.SpanStub) {
	h.Helper()
	got := map[string]bool{}
	h.until("the trace "+strings.Join(want, " < "), func() (bool, error) {
		all := spans(kept)
		for _, s := range all {
			if s.Name == want[0] {
				way := chain(all, s)
				got[strings.Join(way, " < ")] = true
				if slices.Equal(way, want) {
					found = s
					return true, nil
				}
			}
		}
		return false, fmt.Errorf("there are %v", got)
	})
	return found
}

// TestTrace: one trace id follows a claim from the command to the ledger and
// to a witness, and a license from its command through the board's outbox.
func TestTrace(t *testing.T) {
	t.Parallel()
	p, kept := tracetest.New(t, 1)
	h := open(t, func(o *parties.Options) { o.Traces = p })
	h.begin()
	kept.Reset()

	file := filepath.Join(t.TempDir(), "claims.837")
	h.must(os.WriteFile(file, h.files["claims.837"], 0o600))
	h.typed(p, parties.Hospital, "claim", "submit", file, "--wait", "--gateway", h.GatewayURL,
		"--insurer", string(h.DIDs[parties.Insurer]), "--trust", h.TrustFile())
	up := []string{"RunWorkflow:Claim", "UpdateWithStartWorkflow:accept", "POST /claims", "POST gateway", "countersign claim submit"}
	for _, errand := range []string{"OpenClaim", "GatherClaim", "SignClaim", "SettleClaim", "Record"} {
		h.hasChain(kept, append([]string{"RunActivity:" + errand}, up...)...)
	}
	ledger := append([]string{"POST /entries", "POST ledger", "RunActivity:Record"}, up...)
	h.hasChain(kept, ledger...)
	h.hasChain(kept, append([]string{"GET /receipts/{index}", "GET ledger", "RunActivity:Record"}, up...)...)
	h.hasChain(kept, append([]string{"POST /add-checkpoint", "POST witness", "publish checkpoint"}, ledger...)...)
	h.everyAppendIsCovered(kept)
	id := h.oneTrace(kept, "countersign claim submit")
	h.headersHoldTracesOnly(id)

	b := h.Boards["CA"]
	h.typed(p, parties.Clerk, "license", "issue", "--npi", string(amaranth), "--name", "Nadia Amaranth", "--state", "CA", "--profession", "MD",
		"--number", "CA-MD-99999", "--from", "2021-10-01", "--until", "2027-09-30",
		"--board", b.URL, "--board-did", string(b.DID), "--trust", h.TrustFile())
	h.hasChain(kept, "POST /batches", "POST ledger", "POST /licenses", "POST board", "countersign license issue")
	h.hasChain(kept, "POST /receipts", "POST ledger", "POST /licenses", "POST board", "countersign license issue")
	h.oneTrace(kept, "countersign license issue")
}

// everyAppendIsCovered wants an append of each contract to be the parent of a
// round or linked by one, whichever claims went into one checkpoint. Where an
// errand was run again, the repeat found its entry there, perhaps final. So it
// is for a contract whose entry the outbox's drain sent before its own errand
// did, on a busy machine: that append belongs to no contract.
func (h *house) everyAppendIsCovered(kept *sdktrace.InMemoryExporter) {
	h.Helper()
	h.until("rounds that cover every contract's append", func() (bool, error) {
		all := spans(kept)
		rounds := map[trace.SpanID]bool{}
		for _, s := range all {
			if s.Name == "publish checkpoint" {
				rounds[s.Parent.SpanID()] = true
				for _, l := range s.Links {
					rounds[l.SpanContext.SpanID()] = true
				}
			}
		}
		covered, drained := map[trace.SpanID]bool{}, 0
		for id, s := range all {
			if s.Name != "POST /entries" {
				continue
			}
			if contract := above(all, s, "RunWorkflow:Claim"); contract.IsValid() {
				covered[contract] = covered[contract] || rounds[id]
			} else {
				drained++
			}
		}
		left := len(covered)
		for _, is := range covered {
			if is {
				left--
			}
		}
		if left > drained || len(covered) == 0 {
			return false, fmt.Errorf("of %d contracts %d are not, and the drain sent %d", len(covered), left, drained)
		}
		return true, nil
	})
}

// above is the id of the span of a name on the way up from another.
func above(all map[trace.SpanID]sdktrace.SpanStub, s sdktrace.SpanStub, name string) trace.SpanID {
	for ok := true; ok; s, ok = all[s.Parent.SpanID()] {
		if s.Name == name {
			return s.SpanContext.SpanID()
		}
	}
	return trace.SpanID{}
}

// oneTrace wants one command of a name, and every append beneath it in its
// trace; it returns the trace's id.
func (h *house) oneTrace(kept *sdktrace.InMemoryExporter, command string) trace.TraceID {
	h.Helper()
	var ids []trace.TraceID
	for _, s := range kept.GetSpans() {
		if s.Name == command {
			ids = append(ids, s.SpanContext.TraceID())
		}
	}
	if len(ids) != 1 {
		h.Fatalf("%s: got %d spans, want 1", command, len(ids))
	}
	return ids[0]
}

// headersHoldTracesOnly reads what Temporal has in clear beside the sealed
// payloads, and replays each claim's history without the tracing that wrote it.
func (h *house) headersHoldTracesOnly(id trace.TraceID) {
	h.Helper()
	key, err := os.ReadFile(filepath.Join(h.Dir, parties.Insurer, "payload.key"))
	h.must(err)
	c := h.temporal()
	var list *workflowservice.ListWorkflowExecutionsResponse
	h.until("the list of contracts", func() (bool, error) {
		list, err = c.ListWorkflow(h.ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 100})
		return len(list.GetExecutions()) >= len(h.claimsOf("claims.837")), err
	})
	headers := 0
	for _, e := range list.Executions {
		contract := e.Execution.WorkflowId
		if !strings.HasPrefix(contract, "claim/") {
			continue
		}
		h.replay("traced", contract, [32]byte(key))
		events := c.GetWorkflowHistory(h.ctx, contract, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			h.must(err)
			for _, holder := range []interface{ GetHeader() *commonpb.Header }{
				e.GetWorkflowExecutionStartedEventAttributes(), e.GetActivityTaskScheduledEventAttributes(),
				e.GetMarkerRecordedEventAttributes(), e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput(),
			} {
				for name, payload := range holder.GetHeader().GetFields() {
					headers++
					var data map[string]string
					if name != "_tracer-data" || json.Unmarshal(payload.Data, &data) != nil || len(data) != 1 || len(data["traceparent"]) != 55 ||
						!strings.HasPrefix(data["traceparent"], "00-"+id.String()) {
						h.Errorf("%s, event %d: got header %s %s, want trace %s alone", contract, e.EventId, name, payload.Data, id)
					}
				}
			}
		}
	}
	if headers == 0 {
		h.Error("no header: Temporal carried no trace")
	}
}
