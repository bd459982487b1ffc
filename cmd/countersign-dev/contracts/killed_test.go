package contracts

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// doors is what a worker process has to know besides the keys, which lie in
// the job's folder.
type doors struct {
	Ledger  string                       `json:"ledger"`
	Genesis []byte                       `json:"genesis"`
	Boards  map[string]parties.BoardDoor `json:"boards"`
}

const doorsFile = "doors.json"

// work is an insurer's worker in a process of its own, over the same books.
func work(ctx context.Context, j faults.Job) error {
	o := parties.Options{Dir: j.Dir, Jurisdictions: []string{"CA"}, Interceptors: j.Interceptors()}
	if j.DieAt == betweenAppendAndReceipt {
		o.WrapLedger = func(l worker.Ledger) worker.Ledger { return mortalLedger{l} }
	}
	n, err := parties.Prepare(o)
	if err != nil {
		return err
	}
	defer n.Stop()
	text, err := os.ReadFile(filepath.Join(j.Dir, doorsFile))
	if err != nil {
		return err
	}
	var d doors
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	n.LedgerURL, n.Genesis, n.Boards = d.Ledger, d.Genesis, d.Boards
	if err := n.OpenHouse(ctx, j.FrontendAddress); err != nil {
		return err
	}
	if err := n.House.Start(); err != nil {
		return err
	}
	defer n.House.Stop()
	<-ctx.Done()
	return nil
}

// betweenAppendAndReceipt is a point inside an errand, which the interceptor
// cannot see.
const betweenAppendAndReceipt faults.Point = "between append and receipt"

type mortalLedger struct{ worker.Ledger }

func (l mortalLedger) Append(ctx context.Context, key string, e ledger.Entry) (int64, error) {
	l.Ledger.Append(ctx, key, e)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// TestKilledWorker kills the worker at each point between signing and the end
// of recording, and has another one go on.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	claim := func(h *house) api.Acceptance { return h.bill("DEMO-006")["DEMO-006"] }
	request := func(h *house) api.Acceptance { return h.request("auth-a.json") }
	for _, test := range []struct {
		at   faults.Point
		send func(*house) api.Acceptance
		then string // what the books and the ledger held when the worker was dead
	}{
		{faults.After("SignClaim"), claim, "signed"},
		{faults.Before("SettleClaim"), claim, "signed"},
		{faults.After("SettleClaim"), claim, "settled"},
		{faults.Before("Record"), claim, "settled"},
		{betweenAppendAndReceipt, claim, "appended"},
		{faults.After("Record"), claim, "recorded"},
		{faults.After("SettleAuthorization"), request, "settled"},
	} {
		t.Run(string(test.at), func(t *testing.T) {
			t.Parallel() // each waits for a timeout most of its time
			h := open(t, func(o *parties.Options) { o.WithoutWorker = true })
			h.begin()
			job := h.job()
			job.DieAt = test.at
			doomed := job.Start(t)
			h.heard(3)
			sent := make(chan api.Acceptance, 1)
			go func() { defer close(sent); sent <- test.send(h) }()
			doomed.AwaitKilled()
			if got := h.came(); got != test.then {
				t.Errorf("when the worker was dead it was %s, want %s", got, test.then)
			}
			job.DieAt = ""
			job.Start(t)
			a, ok := <-sent
			if !ok {
				t.Fatal("not sent")
			}
			h.decided(a, 1)
			h.idle(a)
			h.recorded()
			h.checkOnce(a)
		})
	}
}

// job is a worker process of this house.
func (h *house) job() faults.Job {
	h.Helper()
	text, err := json.Marshal(doors{h.LedgerURL, h.Genesis, h.Boards})
	h.must(err)
	h.must(os.WriteFile(filepath.Join(h.Dir, doorsFile), text, 0o600))
	return faults.Job{FrontendAddress: h.TemporalAddress, Dir: h.Dir}
}

// idle waits until a contract has ended, or waits for others and no errand.
func (h *house) idle(a api.Acceptance) {
	h.Helper()
	c := h.temporal()
	id := h.contract(a)
	h.until("the contract to go on", func() (bool, error) {
		d, err := c.DescribeWorkflowExecution(h.ctx, id, "")
		if err != nil {
			return false, err
		}
		running := d.WorkflowExecutionInfo.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		return !running || len(d.PendingActivities) == 0 && d.PendingWorkflowTask == nil, nil
	})
}

// contract is the workflow id of a submission.
func (h *house) contract(a api.Acceptance) string {
	h.Helper()
	s, err := h.House.Books.StatusOf(h.ctx, a.Handle)
	h.must(err)
	return workflows.ContractID(s.Work)
}

func (h *house) temporal() client.Client {
	h.Helper()
	c, err := h.DialTemporal(h.TemporalAddress)
	h.must(err)
	h.Cleanup(c.Close)
	return c
}

// came says how far the one decision has come.
func (h *house) came() string {
	h.Helper()
	b := h.db(parties.Insurer, "books.db")
	signed := h.query(b, `SELECT handle FROM signed WHERE handle <> submission`)
	settled := h.query(b, `SELECT document FROM decision`)
	recorded := h.query(b, `SELECT o.document FROM outbox o JOIN decision d ON d.document = o.document WHERE o.recorded <> 0`)
	l := h.query(h.db("ledger", "ledger.db"), `SELECT idx FROM ledger_entry WHERE kind IN ($1, $2)`,
		int64(ledger.KindClaimDecision), int64(ledger.KindAuthorizationDecision))
	switch {
	case len(recorded) > 0:
		return "recorded"
	case len(l) > 0:
		return "appended"
	case len(settled) > 0:
		return "settled"
	case len(signed) > 0:
		return "signed"
	}
	return "nothing"
}

// checkOnce wants one decision, signed once and recorded once, and the money
// counted once: DEMO-006 is 145.00 + 210.00, of which the deductible is 250.00
// and the coinsurance 20% of the rest.
func (h *house) checkOnce(a api.Acceptance) {
	h.Helper()
	l := h.left()
	s, err := h.House.Books.StatusOf(h.ctx, a.Handle)
	h.must(err)
	if len(l.decisions) != 1 || l.signed != 1 {
		h.Errorf("%d decisions settled, %d signed, want 1", len(l.decisions), l.signed)
	}
	if s.Kind == books.AuthorizationKind {
		if got := string(claims.AuthorizationApproved); s.State != got {
			h.Errorf("it is %s, want %s", s.State, got)
		}
		return
	}
	db := h.db(parties.Insurer, "books.db")
	got := h.query(db, `SELECT deductible || ' ' || out_of_pocket FROM accumulator WHERE holder LIKE 'person/%'`)
	if len(got) != 1 || got[0] != "25000 27100" {
		h.Errorf("accumulators %v, want one of 25000 27100", got)
	}
	var d claims.Decision
	h.must(credentials.DecodeStrict(s.Decisions[0].Signed.Body, &d))
	if d.Paid != 84_00 {
		h.Errorf("paid %s, want 84.00", d.Paid)
	}
}
