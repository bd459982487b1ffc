package contracts

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace/tracetest"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/tracing/tracetest"
	"github.com/countersign-health/countersign/worker"
)

// canary stands in every personal field that can hold a word.
const canary = "ZQXCANARY"

// personal is what the examples say of people: members and clinicians, their
// names, ids and streets, the numbers of claims, requests and licenses.
var personal = regexp.MustCompile(`(?i)HALVORSEN|INGRID|LEIF|BELLWETHER|MARCUS|CASTELLAN|PRIYA|DUNMORE|TESSA|` +
	`ORCHARD|QUARRY|MILLRACE|LANTERN|DP[ABCD][0-9]00001|DEMO-0|AMARANTH|NADIA|ELLERY|JONAS|RUSKIN|PETRA|AUTH-[ABC]|CA-MD-`)

// alsoPersonal cannot hold the canary, and is looked for as it is.
var alsoPersonal = []string{
	"1984-03-17", "19840317", "1971-09-22", "19710922", "1990-11-05", "19901105", "1966-02-28", "19660228", "2014-06-09", "20140609",
	"S91011A", "2999002019", "2999002183",
}

// needles are the canary in every spelling in which bytes are handed around.
func needles() (all [][]byte) {
	all = append(all, []byte(canary), []byte(strings.ToLower(canary)), []byte(hex.EncodeToString([]byte(canary))), []byte(strings.ToUpper(hex.EncodeToString([]byte(canary)))))
	for shift := range 3 { // base64 depends on where in its three bytes a word starts
		text := base64.RawStdEncoding.EncodeToString(append(bytes.Repeat([]byte{' '}, shift), canary...))
		all = append(all, []byte(text[(shift*8+5)/6:(shift+len(canary))*8/6]))
	}
	for _, s := range alsoPersonal {
		all = append(all, []byte(s))
	}
	return all
}

// find names the needles in some bytes.
func find(in []byte) (found []string) {
	for _, n := range needles() {
		if bytes.Contains(in, n) {
			found = append(found, string(n))
		}
	}
	return found
}

// TestCanary tells the story of people whose every field sings, with refusals,
// lost replies and a contract that fails, and listens where nothing personal
// may be: Temporal, ledger, witnesses, logs, ids, requests, traces.
func TestCanary(t *testing.T) {
	t.Parallel()
	requests := &requestLog{}
	traces, spans := tracetest.New(t, 1)
	h := open(t, func(o *parties.Options) {
		o.Traces = traces
		o.Seen = requests.add
		o.Interceptors = []interceptor.WorkerInterceptor{faults.LoseReplies()}
	})
	for name, text := range h.files {
		if name != "plan.yaml" && name != "fees.csv" {
			h.files[name] = personal.ReplaceAll(text, []byte(canary+"$0"))
		}
	}
	h.tell()
	h.refusals()

	if got := find(h.contents(parties.Insurer, "books.db")); len(got) < 3 {
		t.Fatalf("the books hold %v only: the search finds nothing, or nothing was told", got)
	}
	h.listen(requests)
	h.listenToSpans(spans.GetSpans())
	h.listenToFiles()        // with the journals
	h.must(h.Network.Stop()) // and what closing writes
	h.listenToFiles()
}

// refusals are what is refused at the door, by the rules and by the books.
func (h *house) refusals() {
	h.Helper()
	s := h.claimsOf("claims.837")[5]
	taken := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: s.Claim, Source: s.Source}
	refused := func(what string, c claims.Claim, change func(*claims.Submission), by credentials.Signer) {
		h.Helper()
		sub := taken
		sub.Claim = c
		change(&sub)
		token, err := credentials.Issue(by, credentials.KindClaimSubmission, sub.Handle, time.Now(), nil, sub)
		h.must(err)
		if _, err := h.hospital.SubmitClaim(h.ctx, token); err == nil {
			h.Errorf("%s: not refused", what)
		}
	}
	keep := func(*claims.Submission) {}
	first := s.Claim
	first.Number = canary + "-FIRST"
	token, err := credentials.Issue(h.hospital.Signer, credentials.KindClaimSubmission, taken.Handle, time.Now(), nil,
		claims.Submission{Handle: taken.Handle, Salt: taken.Salt, Claim: first, Source: s.Source})
	h.must(err)
	h.decided(h.submit(token), 1)
	other := s.Claim
	other.Number = canary + "-OTHER"
	refused("another claim under a handle that is taken", other, keep, h.hospital.Signer)
	other.Charge++
	refused("lines that do not add up", other, keep, h.hospital.Signer)
	refused("another party's signature", s.Claim, keep, h.key(parties.Auditor))
	if _, err := h.hospital.SubmitClaim(h.ctx, "x"+canary); err == nil {
		h.Error("no token: not refused")
	}
}

// listen looks at what Temporal says while it runs, and at the requests.
func (h *house) listen(requests *requestLog) {
	h.Helper()
	for _, r := range requests.all() {
		if found := find([]byte(r)); len(found) > 0 {
			h.Errorf("request %s: %v", r, found)
		}
	}
	c := h.temporal()
	failures := 0
	h.eachContract(c, func(id string, info []byte) {
		if found := find(append(info, id...)); len(found) > 0 {
			h.Errorf("contract %s says %v in the open", id, found)
		}
		events := c.GetWorkflowHistory(h.ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			h.must(err)
			text, err := protojson.Marshal(e)
			h.must(err)
			wire, err := proto.Marshal(e)
			h.must(err)
			if found := find(append(text, wire...)); len(found) > 0 {
				h.Errorf("contract %s, event %d (%s): %v", id, e.EventId, e.EventType, found)
			}
			failures += h.checkFailure(e)
		}
	})
	if failures == 0 {
		h.Error("nothing failed, so nothing is known about failures")
	}
}

// listenToSpans looks at every word of what a collector would get.
func (h *house) listenToSpans(spans sdktrace.SpanStubs) {
	h.Helper()
	failed := 0
	for _, s := range spans {
		if found := find(fmt.Appendf(nil, "%+v %+v %+v", s, s.Attributes, s.Events)); len(found) > 0 || personal.MatchString(s.Name) {
			h.Errorf("span %s tells %v: %+v", s.Name, found, s)
		}
		if s.Status.Code == codes.Error {
			failed++
		}
	}
	if failed == 0 || len(spans) == failed {
		h.Errorf("%d of %d spans failed, so that nothing is known of the others", failed, len(spans))
	}
	h.T.Logf("spans read: %d, of which %d failed", len(spans), failed)
}

// eachContract visits every contract that Temporal lists.
func (h *house) eachContract(c client.Client, visit func(id string, info []byte)) {
	h.Helper()
	var all []string
	infos := map[string][]byte{}
	h.until("the list of contracts", func() (bool, error) {
		list, err := c.ListWorkflow(h.ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000})
		if err != nil {
			return false, err
		}
		all = nil
		for _, e := range list.Executions {
			text, err := protojson.Marshal(e)
			if err != nil {
				return false, err
			}
			all = append(all, e.Execution.WorkflowId)
			infos[e.Execution.WorkflowId] = text
		}
		return len(all) >= 9+3+1+2, nil // claims, requests, a license, two of refusals
	})
	for _, id := range all {
		visit(id, infos[id])
	}
}

// checkFailure opens what an event says of a failure, which only the insurer
// can, and wants nothing personal even there: people copy errors into tickets.
func (h *house) checkFailure(e *historypb.HistoryEvent) int {
	h.Helper()
	var f *failurepb.Failure
	for _, holder := range []interface{ GetFailure() *failurepb.Failure }{
		e.GetMarkerRecordedEventAttributes(), e.GetActivityTaskFailedEventAttributes(),
		e.GetWorkflowExecutionFailedEventAttributes(), e.GetWorkflowTaskFailedEventAttributes(),
	} {
		if f == nil {
			f = holder.GetFailure()
		}
	}
	if f == nil {
		return 0
	}
	secret, err := os.ReadFile(filepath.Join(h.Dir, parties.Insurer, "payload.key"))
	h.must(err)
	codec, err := worker.NewCodec(worker.Key{ID: "dev-1", Secret: [32]byte(secret)})
	h.must(err)
	if f.Message != "Encoded failure" {
		h.Errorf("event %d (%s) says in the open: %s", e.EventId, e.EventType, f.Message)
	}
	f = proto.Clone(f).(*failurepb.Failure)
	converter.DecodeCommonFailureAttributes(worker.DataConverter(codec), f)
	if found := find([]byte(worker.FailureConverter(codec).FailureToError(f).Error() + f.Message + f.StackTrace)); len(found) > 0 {
		h.Errorf("event %d (%s) fails with %v: %s", e.EventId, e.EventType, found, f.Message)
	}
	return 1
}

// listenToFiles reads every byte that Temporal, the ledger, the witnesses and
// the logs left on the disk.
func (h *house) listenToFiles() {
	h.Helper()
	read := map[string]int{}
	err := filepath.WalkDir(h.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(h.Dir, path)
		if strings.HasPrefix(name, filepath.Join(parties.Insurer, "books.db")) || strings.HasPrefix(name, filepath.Join(parties.Board, "register.db")) {
			return nil // the insurer's own books and the board's own register
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read[filepath.Base(name)] += len(b)
		if found := find(b); len(found) > 0 {
			h.Errorf("%s: %v", name, found)
		}
		return nil
	})
	h.must(err)
	for _, name := range []string{"temporal.db", "ledger.db", "witness.db", "countersign.log"} {
		if read[name] == 0 {
			h.Errorf("%s is empty or not there: %v", name, read)
		}
	}
	h.T.Logf("bytes read: temporal %d, ledger %d, witnesses %d, logs %d",
		read["temporal.db"], read["ledger.db"], read["witness.db"], read["countersign.log"]+read["temporal.log"])
}

// contents is a database with its journal, as it lies on the disk.
func (h *house) contents(party, file string) (all []byte) {
	h.Helper()
	files, err := filepath.Glob(filepath.Join(h.Dir, party, file+"*"))
	h.must(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		h.must(err)
		all = append(all, b...)
	}
	return all
}

// requestLog remembers the requests to all parties.
type requestLog struct {
	mu   sync.Mutex
	seen []string
}

func (l *requestLog) add(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header))
}

func (l *requestLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.seen...)
}
