package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/activities"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/storetest"
	"github.com/countersign-health/countersign/worker"
)

// canary stands in every name and member id that these tests send: it must
// never come back in a log.
const canary = "CANARY"

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

const estimatesAnHour = 20

var ctx = context.Background()

var roles = map[string]ledger.Role{
	"insurer": ledger.RoleInsurer, "other insurer": ledger.RoleInsurer, "hospital": ledger.RoleHospital, "other hospital": ledger.RoleHospital,
	"reviewer": ledger.RoleReviewer, "foreign reviewer": ledger.RoleReviewer, "auditor": ledger.RoleAuditor, "board": ledger.RoleBoard, "operator": ledger.RoleOperator,
}

var payer = x12.Payer{
	Name: "Plan Demo PPO", ID: "DEMOPPO", TaxID: "123456789", Contact: "Provider services", Phone: "8005550100",
	Address: claims.Address{Street: "1 Plan Way", City: "Boston", State: "MA", ZIP: "02108"},
}

// A house is an insurer with real books, whose Temporal takes submissions in
// and does nothing with them, and whose ledger has receipts for everything.
type house struct {
	t        *testing.T
	db       *sqldb.DB
	books    *store.Books
	temporal *contracts
	url      string
	log      *lockedBuffer
	said     atomic.Pointer[time.Time] // by the operator's clock
	bad      atomic.Int64
	after    atomic.Int64 // noon
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return newHouseOn(t, db)
}

func newHouseOn(t *testing.T, db *sqldb.DB, boards ...*boardclient.Client) *house {
	t.Helper()
	h := &house{t: t, db: db, log: new(lockedBuffer)}
	now := func() time.Time { return noon.Add(time.Duration(h.after.Load())) }
	var err error
	if h.books, err = store.Open(ctx, db, storetest.Keys(t), now); err != nil {
		t.Fatal(err)
	}
	secret := []byte("secret of the tests")
	h.temporal = &contracts{receiving: activities.Receiving{Books: h.books, Insurer: did("insurer"), Secret: secret, Keys: func(kid string) (credentials.Key, error) {
		key, _, err := participants{}.Who(kid)
		return key, err
	}}}
	server := httptest.NewUnstartedServer(nil) // decisions name lists at its address
	h.url = "http://" + server.Listener.Addr().String()
	insurer := worker.NewInsurer(worker.Config{
		URL: h.url, EstimatesAnHour: estimatesAnHour,
		Insurer: did("insurer"), Payer: payer, Reviewers: []credentials.DID{did("reviewer")}, Signer: ledgertest.Signer("insurer"), Secret: secret, Books: h.books,
		Temporal: h.temporal, Ledger: participants{&h.said, &h.bad}, Boards: boards, Now: now, Log: slog.New(slog.NewJSONHandler(h.log, nil)),
	})
	server.Config.Handler = insurer.Handler()
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if strings.Contains(h.log.String(), canary) {
			t.Errorf("the log holds something personal:\n%s", h.log.String())
		}
	})
	return h
}

func did(name string) credentials.DID { return ledgertest.Party(name, "").DID }

// client asks on behalf of a name.
func (h *house) client(name string) *api.Client {
	return &api.Client{URL: h.url, Insurer: did("insurer"), Signer: ledgertest.Signer(name), Now: func() time.Time { return noon.Add(time.Duration(h.after.Load())) }, HTTP: http.DefaultClient}
}

// token signs a request on behalf of a name.
func token(t *testing.T, name, method, path string, body []byte) string {
	t.Helper()
	s, err := credentials.SignRequest(ledgertest.Signer(name), method, path, string(did("insurer")), body, random(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends a request as it is and returns the status with the error, if the
// answer holds one.
func (h *house) send(method, path, token string, body []byte) (int, api.Refusal) {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer w.Body.Close()
	text, _ := io.ReadAll(w.Body)
	var no api.Refusal
	json.Unmarshal(text, &no) // other answers are not refusals
	return w.StatusCode, no
}

// as sends a request on behalf of a name.
func (h *house) as(name, method, path string, body []byte) (int, api.Refusal) {
	h.t.Helper()
	return h.send(method, path, token(h.t, name, method, path, body), body)
}

// status is the HTTP status of a client's error.
func status(err error) int {
	var no *api.Refusal
	if errors.As(err, &no) {
		return no.Status
	}
	if err == nil {
		return http.StatusOK
	}
	return 0
}

func random() (h credentials.Handle) {
	rand.Read(h[:])
	return h
}

// aClaim is a claim that passes every edit.
func aClaim(number string) claims.Submission {
	return claims.Submission{Handle: random(), Salt: random(), Claim: claims.Claim{
		Number: number, Frequency: claims.Original, Charge: 10000, Place: "11", ServiceState: "CA", Payer: claims.Payer{ID: "P1"},
		Billing: claims.Provider{NPI: "1003000126", Organization: true}, Rendering: &claims.Provider{NPI: "1234567893"},
		Subscriber: claims.Person{MemberID: canary + "1", Last: canary, First: canary}, Diagnoses: []string{"M545"},
		Lines: []claims.Line{{Number: 1, Code: "99213", Charge: 10000, Unit: "UN", Units: 1000, Pointers: []int{1}, From: "2026-05-01", To: "2026-05-01"}},
	}}
}

func aRequest(number string) claims.AuthorizationSubmission {
	return claims.AuthorizationSubmission{Handle: random(), Salt: random(), Request: claims.AuthorizationRequest{
		Number: number, State: "CA", Requester: claims.Provider{NPI: "1003000126", Organization: true}, Clinician: claims.Provider{NPI: "1234567893"},
		Patient: claims.Person{MemberID: canary + "1", Last: canary, First: canary}, Payer: claims.Payer{ID: "P1"},
		Items: []claims.RequestItem{{Sequence: 1, Code: "97110", Units: 1000, From: "2026-06-01", Until: "2026-07-01"}},
	}}
}

// sign signs a document on behalf of a name.
func sign[T any](t *testing.T, name string, kind credentials.Kind, h credentials.Handle, subject T) string {
	t.Helper()
	s, err := credentials.Issue(ledgertest.Signer(name), kind, h, noon, nil, subject)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signClaim(t *testing.T, name string, s claims.Submission) string {
	return sign(t, name, credentials.KindClaimSubmission, s.Handle, s)
}

func (h *house) submit(number string) api.Acceptance {
	h.t.Helper()
	a, err := h.client("hospital").SubmitClaim(ctx, signClaim(h.t, "hospital", aClaim(number)))
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	b, err := examples.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// participants are a ledger on which everyone in roles is admitted.
type participants struct {
	said *atomic.Pointer[time.Time] // by the operator's clock
	bad  *atomic.Int64              // from where on the keys were declared bad
}

func (participants) Who(kid string) (credentials.Key, ledger.Party, error) {
	if kid == ledgertest.Signer("newcomer").KeyID() {
		return credentials.Key{}, ledger.Party{}, errors.New("the ledger is away")
	}
	for name, role := range roles {
		if ledgertest.Signer(name).KeyID() == kid {
			key, err := credentials.NewKey(ledgertest.Key(name).Public())
			return key, ledgertest.Party(name, role), err
		}
	}
	return credentials.Key{}, ledger.Party{}, ledger.ErrUnknownIssuer
}

// Whose key it was is who has it: nobody hands over here.
func (p participants) Whose(kid string) (credentials.Key, ledger.Party, error) { return p.Who(kid) }

func (p participants) PartyKeys(credentials.DID) ([]ledger.PartyKey, error) {
	k, err := credentials.NewKey(ledgertest.Key("insurer").Public())
	if p.bad != nil {
		k.BadFrom = credentials.Position(p.bad.Load())
	}
	return []ledger.PartyKey{{KeyID: ledgertest.Signer("insurer").KeyID(), Key: k}}, err
}

func (participants) Bad() []ledger.PartyKey                          { return nil }
func (participants) ReadParticipants(context.Context) (int64, error) { return 0, nil }

func (participants) Append(context.Context, string, ledger.Entry) (int64, error) { return 1, nil }

func (participants) AwaitFinal(context.Context, int64, ledger.Entry) ([]byte, error) {
	return []byte("receipt"), nil
}

func (participants) Proofs(context.Context) dossier.Files {
	return dossier.Files{dossier.GenesisFile: []byte("leaf 0")}
}

func (participants) Own(context.Context, credentials.DID, int64) ([]books.OwnEntry, int64, error) {
	return nil, 0, nil
}

func (participants) Find(context.Context, credentials.DID, string) (int64, bool, error) {
	return 0, false, nil
}

func (p participants) Date() (d ledgerclient.Date) {
	if said := p.said.Load(); said != nil {
		d = ledgerclient.Date{Said: *said, Asked: time.Now(), Answered: time.Now()}
	}
	return d
}

func (participants) Check(context.Context, int64, []byte) ([]byte, ledger.Entry, error) {
	return nil, ledger.Entry{}, errors.New("not asked here")
}

// contracts stand in for a Temporal cluster: a started contract receives its
// submission and stays as it is.
type contracts struct {
	client.Client // nil: whatever else is called fails the test
	receiving     activities.Receiving

	mu      sync.Mutex
	started []string
	woken   []string
	fail    error
	runs    *activities.Submitted // the contract that runs already, which a second copy joins
	// ended is called where Temporal remembers that this contract has ended, if it does.
	ended func(activities.Submitted)
}

type starting struct {
	client.WithStartWorkflowOperation
	id    string
	in    activities.Submitted
	reuse enumspb.WorkflowIdReusePolicy
}

func (c *contracts) NewWithStartWorkflowOperation(o client.StartWorkflowOptions, _ any, args ...any) client.WithStartWorkflowOperation {
	return &starting{id: o.ID, in: args[0].(activities.Submitted), reuse: o.WorkflowIDReusePolicy}
}

func (c *contracts) UpdateWithStartWorkflow(ctx context.Context, o client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := o.StartWorkflowOperation.(*starting)
	c.started = append(c.started, s.id)
	if c.fail != nil {
		return nil, c.fail
	}
	if c.ended != nil && s.reuse != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
		c.ended(s.in)
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("ended", "", "")
	}
	open := c.receiving.OpenClaim
	if strings.HasPrefix(s.id, "authorization/") {
		open = c.receiving.OpenAuthorization
	}
	in := s.in
	if c.runs != nil {
		in = *c.runs
	}
	a, err := open(ctx, in)
	return received{accepted: a, err: err}, nil
}

// failing has every later call fail, or none.
func (c *contracts) failing(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

type received struct {
	client.WorkflowUpdateHandle
	accepted activities.Accepted
	err      error
}

func (r received) Get(_ context.Context, into any) error {
	*into.(*activities.Accepted) = r.accepted
	return r.err
}

func (c *contracts) SignalWithStartWorkflow(_ context.Context, id, _ string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail == nil {
		c.woken = append(c.woken, id)
	}
	return nil, c.fail
}

func (c *contracts) SignalWorkflow(_ context.Context, id, _, _ string, _ any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woken = append(c.woken, id)
	return c.fail
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
