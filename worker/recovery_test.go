package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

/*
What fails when a check is taken out (each was tried):

	CheckBooks in Start                     TestRestoredBooksStandStill
	CheckBooks in Remit                     TestRestoredBooksStandStill
	the number in DecisionEvent             TestLedgerRefusesASecondDecision
	the number in RemittanceEvent           TestLedgerRefusesASecondRemittance
	UPDATE decision in takePayment          TestRecover
	the digest in sorted, evidence, token   TestRecoverBelievesOnlyTheLedger
	refuseLost in settle                    TestGiveUp
	holdAfterLoss in ReceiveClaim           TestGiveUp
	the lost in nextRemittance              TestGiveUp
	ledger_index in holdFor                 TestGiveUp
	holdIfPaid in RestoreClaim              TestBroughtBackAfterItsRemittance
	read in Own                             TestRecoverAcrossAHandover
	saysTheSame, comparing bytes instead    TestRecoverAcrossAHandover
	the document in saysTheSame             TestAnotherDocumentUnderTheSameHandle
	entry in foundAgain                     TestRecoverAcrossAHandover
	placeOf in restored decisions           TestRecover
	hearFirst in Start, hearOut's loop      TestBoardsAreHeardFirst
*/

var (
	noon   = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	secret = []byte("secret of the tests, 32 of bytes")
)

const clinician = credentials.NPI("1234567893")

// A house is an insurer with real books on a file, real errands and a real
// ledger. Its contracts are played by decide.
type house struct {
	*Insurer
	t    *testing.T
	ctx  context.Context
	line *LedgerLine
	file string
	db   *sqldb.DB
	key  credentials.Signer // the insurer's

	// By how much clocks are ahead of noon.
	ahead, ledger, board atomic.Int64
	log                  lockedBuffer
}

func (h *house) now() time.Time { return noon.Add(time.Duration(h.ahead.Load())) }

// newHouse is one whose plan edition says more than the example's.
func newHouse(t *testing.T, more ...string) *house {
	t.Helper()
	h := &house{t: t, ctx: context.Background(), file: filepath.Join(t.TempDir(), "books.db"), key: ledgertest.Signer("insurer")}
	l := ledgertest.New(t)
	log := l.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Add(time.Duration(h.ledger.Load())).Format(http.TimeFormat))
		log.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	var err error
	h.line, err = OpenLedger(h.ctx, server.URL, l.Genesis)
	h.must(err)
	h.open()
	t.Cleanup(func() { h.db.Close() })
	for _, file := range []struct {
		name string
		kind books.EditionKind
	}{{"fees.csv", books.FeeEdition}, {"plan.yaml", books.PlanEdition}} {
		body, err := examples.Files.ReadFile(file.name)
		h.must(err)
		for _, line := range more {
			if file.kind == books.PlanEdition {
				body = append(body, line+"\n"...)
			}
		}
		_, err = h.Publish(h.ctx, file.kind, "demo-fees", "2026-01", body)
		h.must(err)
	}
	h.must(h.Books.Enroll(h.ctx, []store.Member{{MemberID: "M1", Family: "M1", Last: "Alder", First: "Ann", Plan: "demo-ppo", From: "2026-01-01"}}))
	license := credentials.License{Handle: name("license"), NPI: clinician, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
	h.must(h.Books.Hear(h.ctx, "did:key:board", "CA", []store.Heard{{Sequence: 1, Index: 1, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &license}}, noon))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// open wires the house on the books as they lie there.
func (h *house) open() {
	h.t.Helper()
	var err error
	h.db, err = sqldb.Open(h.ctx, "sqlite:"+h.file)
	h.must(err)
	b, err := store.Open(h.ctx, h.db, storetest.Keys(h.t), func() time.Time { return noon })
	h.must(err)
	h.Insurer = NewInsurer(Config{
		Insurer: ledgertest.Party("insurer", "").DID, Signer: h.key, Secret: secret, Books: b, Ledger: h.line,
		Payer: x12.Payer{Name: "Plan", ID: "DEMOPPO", TaxID: "123456789", Contact: "Desk", Phone: "8005550100",
			Address: claims.Address{Street: "1 Plan Way", City: "Boston", State: "MA", ZIP: "02108"}},
		URL: "https://insurer.test", Now: h.now, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	})
}

// backup is the books as they are now.
func (h *house) backup() []byte {
	h.t.Helper()
	h.must(h.db.Close())
	b, err := os.ReadFile(h.file)
	h.must(err)
	h.open()
	return b
}

func (h *house) restore(b []byte) {
	h.t.Helper()
	h.must(h.db.Close())
	for _, ext := range []string{"", "-wal", "-shm"} {
		os.Remove(h.file + ext)
	}
	h.must(os.WriteFile(h.file, b, 0o600))
	h.open()
}

func name(s string) credentials.Handle { return credentials.Handle(credentials.DigestOf([]byte(s))) }

func (h *house) receive(number string, day credentials.Date, edits ...func(*claims.Claim)) credentials.Handle {
	h.t.Helper()
	s := claims.Submission{Handle: name(number), Salt: name("salt"), Claim: claims.Claim{
		Number: number, Frequency: claims.Original, Charge: 10000, Place: "11", ServiceState: "CA", Payer: claims.Payer{ID: "P1"},
		Billing: claims.Provider{NPI: "1003000126", Organization: true, Name: "Clinic", TaxID: "123456789",
			Address: claims.Address{Street: "1 Way", City: "Los Angeles", State: "CA", ZIP: "90001"}},
		Rendering: &claims.Provider{NPI: clinician}, Subscriber: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann"}, Diagnoses: []string{"M545"},
		Lines: []claims.Line{{Number: 1, Code: "99213", Charge: 10000, Unit: "UN", Units: 1000, Pointers: []int{1}, From: day, To: day}},
	}}
	for _, edit := range edits {
		edit(&s.Claim)
	}
	token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindClaimSubmission, s.Handle, noon, nil, s)
	h.must(err)
	got, err := h.errands.Receiving.OpenClaim(h.ctx, activities.Submitted{Token: token, Received: "2026-05-06"})
	h.must(err)
	return got.Submission
}

// decide is what the contract does once; false where it has a final decision.
func (h *house) decide(submission credentials.Handle) (bool, error) {
	h.t.Helper()
	g, err := h.errands.Evidence.GatherClaim(h.ctx, submission)
	if err != nil || g.Before.Final() {
		return false, err
	}
	document := h.sign(g)
	out, err := h.errands.Settling.SettleClaim(h.ctx, books.Settlement{Submission: submission, Document: document, Fences: g.Fences})
	if err != nil || out.Moved {
		return false, errors.Join(err)
	}
	return true, h.errands.Recording.Record(h.ctx, document)
}

func (h *house) sign(g *activities.ClaimGathered) credentials.Handle {
	h.t.Helper()
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	h.must(err)
	document, err := h.errands.Signing.SignClaim(h.ctx, activities.ClaimToSign{Decision: *d, Evidence: g.Evidence})
	h.must(err)
	return document
}

func (h *house) claim(number string, day credentials.Date, edits ...func(*claims.Claim)) credentials.Handle {
	h.t.Helper()
	c := h.receive(number, day, edits...)
	if ok, err := h.decide(c); err != nil || !ok {
		h.t.Fatalf("%s: %v, %v", number, ok, err)
	}
	return c
}

func (h *house) remit() books.PaymentRun {
	h.t.Helper()
	run, err := h.Remit(h.ctx, "2026-05-07")
	h.must(err)
	if len(run.Held) > 0 {
		h.t.Fatalf("held: %+v", run.Held[0].Hold)
	}
	return run
}

// kept is what hospitals have of these claims and remittances.
func (h *house) kept(submissions ...credentials.Handle) dossier.Files {
	h.t.Helper()
	f := dossier.Files{}
	for _, s := range submissions {
		status, err := h.Books.StatusOf(h.ctx, s)
		h.must(err)
		f.Token(dossier.Submissions, s, status.Token)
		for _, d := range status.Decisions {
			f.Token(dossier.Decisions, d.Document, d.Signed.Token)
			f.Evidence(d.Document, d.Signed.Evidence)
		}
	}
	return f
}

func (h *house) remittances(f dossier.Files) dossier.Files {
	h.t.Helper()
	all, err := h.Books.Remittances(h.ctx, "")
	h.must(err)
	for _, r := range all {
		f["remittances/"+r.Trace+".835"] = r.Body
	}
	return f
}

// standing is where every claim's money stands, and what the member has met.
func (h *house) standing() (out []string) {
	h.t.Helper()
	all, err := h.Books.Payments(h.ctx, noon)
	h.must(err)
	for _, p := range all {
		out = append(out, p.Claim+" "+p.Document.String()+" "+string(p.State)+" "+p.Amount.String()+" "+p.Trace)
	}
	slices.Sort(out) // claims that were lost came back in another order
	var deductible, met string
	h.must(h.db.QueryRow(h.ctx, `SELECT group_concat(deductible), group_concat(out_of_pocket) FROM (SELECT * FROM accumulator ORDER BY holder)`).Scan(&deductible, &met))
	var places string // in the status lists
	h.must(h.db.QueryRow(h.ctx, `
		SELECT group_concat(document || ' ' || list || ' ' || revocation_place || ' ' || message_place || ' ' || followed_by)
		FROM (SELECT * FROM status_place WHERE document IN (SELECT document FROM decision) ORDER BY document)`).Scan(&places))
	return append(out, deductible, met, places)
}

func (h *house) entries() int64 {
	h.t.Helper()
	head, _, err := h.line.Client().Head(h.ctx)
	h.must(err)
	return head.Size
}

// lived is a house that was backed up in the middle of its life: C1 was
// decided before and paid after, C2 received before and decided and paid
// after, C3 and C4 are wholly after, C4 not paid yet.
func lived(t *testing.T) (h *house, before []byte, all []credentials.Handle) {
	h = newHouse(t)
	c1 := h.claim("C1", "2026-05-01")
	c2 := h.receive("C2", "2026-05-02")
	before = h.backup()
	if ok, err := h.decide(c2); err != nil || !ok {
		t.Fatal(ok, err)
	}
	c3 := h.claim("C3", "2026-05-03")
	if run := h.remit(); len(run.Released) != 1 {
		t.Fatalf("got %+v, want one remittance", run)
	}
	return h, before, []credentials.Handle{c1, c2, c3, h.claim("C4", "2026-05-04")}
}

func TestRestoredBooksStandStill(t *testing.T) {
	h, before, _ := lived(t)
	if err := h.CheckBooks(h.ctx); err != nil {
		t.Fatalf("books that are whole: %v", err)
	}
	size := h.entries()
	h.restore(before)
	var behind *books.BehindError
	if err := h.Start(); !errors.As(err, &behind) || len(behind.Missing) != 4 {
		t.Errorf("start: got %v, want it refused for 3 decisions and a remittance", err)
	}
	if run, err := h.Remit(h.ctx, "2026-05-08"); !errors.As(err, &behind) || len(run.Released) > 0 {
		t.Errorf("remit: got %+v, %v, want it refused", run, err)
	}
	all, err := h.Books.Remittances(h.ctx, "")
	if err != nil || len(all) != 0 || h.entries() != size {
		t.Errorf("got %d remittances, %v, %d entries after %d: want nothing done", len(all), err, h.entries(), size)
	}
}

func TestRecover(t *testing.T) {
	h, before, all := lived(t)
	want, size := h.standing(), h.entries()
	whole := h.remittances(h.kept(all...))
	some := h.kept(all[1], all[3])
	h.remittances(some)
	h.restore(before)

	got, err := h.Recover(h.ctx, some)
	if err != nil || len(got.Restored) != 2 || len(got.Missing) != 2 {
		t.Fatalf("without C3: got %+v, %v, want two back and two missing", got, err)
	}
	if !errors.Is(got.Missing[0].Why, errNoDocument) || !errors.Is(got.Missing[1].Why, books.ErrPaysUndecided) {
		t.Errorf("got %v and %v", got.Missing[0].Why, got.Missing[1].Why)
	}
	if err := h.CheckBooks(h.ctx); !behind(err) {
		t.Errorf("got %v, want the books behind still", err)
	}
	got, err = h.Recover(h.ctx, whole)
	if err != nil || len(got.Restored) != 2 || len(got.Missing) != 0 {
		t.Fatalf("with all: got %+v, %v", got, err)
	}
	h.must(h.CheckBooks(h.ctx))
	if again, err := h.Recover(h.ctx, whole); err != nil || len(again.Restored)+len(again.Missing) != 0 {
		t.Errorf("once more: got %+v, %v, want nothing to do", again, err)
	}
	now := h.standing()
	for i := range want {
		if i >= len(now) || now[i] != want[i] {
			t.Errorf("got\n%v\nwant\n%v", now, want)
			break
		}
	}
	for _, c := range all {
		if ok, err := h.decide(c); err != nil || ok {
			t.Errorf("decided again: %v, %v", ok, err)
		}
	}
	if h.entries() != size {
		t.Errorf("the ledger has %d entries, want %d: nothing is said twice", h.entries(), size)
	}
	run := h.remit()
	if len(run.Released) != 1 || run.Released[0].Number != 2 || run.Released[0].Count != 1 {
		t.Errorf("got %+v, want C4 alone, in the second remittance", run.Released)
	}
	h.claim("C5", "2026-05-05") // life goes on
}

// Should a house ever go on with such books, the ledger has no place for a
// second decision under a number that was given.
func TestLedgerRefusesASecondDecision(t *testing.T) {
	h, before, all := lived(t)
	size := h.entries()
	h.restore(before)
	if ok, err := h.decide(all[1]); !ok || err == nil || !refused(err) {
		t.Errorf("got %v, %v, want the ledger to refuse", ok, err)
	}
	s, err := h.Books.StatusOf(h.ctx, all[1])
	if err != nil || s.Latest() != nil || h.entries() != size {
		t.Errorf("got %+v, %v, %d entries: a decision without its receipt is none", s.Latest(), err, h.entries())
	}
}

func TestLedgerRefusesASecondRemittance(t *testing.T) {
	h, before, _ := lived(t)
	size := h.entries()
	h.restore(before)
	run, err := h.Books.Pay(h.ctx, noon, func(number int, _ credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
		return h.write835(number, "2026-05-08", due, open)
	})
	if err != nil || len(run.Released) != 1 {
		t.Fatalf("got %+v, %v", run, err)
	}
	if err := h.errands.Recording.Record(h.ctx, run.Released[0].Handle); !refused(err) {
		t.Errorf("got %v, want the ledger to refuse", err)
	}
	if row, err := h.Books.Recorded(h.ctx, run.Released[0].Handle); err != nil || row.Recorded || h.entries() != size {
		t.Errorf("got %+v, %v: want C1 not paid a second time", row, err)
	}
}

func refused(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}
