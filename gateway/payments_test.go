package gateway_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/store"
)

const clinician = "1234567893"

// bill sends a claim of one visit for 100.00 and has it decided: allowed
// 80.00, of which the patient owes 20.00, or denied.
func (h *house) bill(number string, outcome claims.Outcome, edit func(s *claims.Submission)) api.Acceptance {
	h.t.Helper()
	s := aClaim(number)
	s.Claim.Subscriber = claims.Person{MemberID: "M1", Last: "DOE", First: "JANE"}
	s.Claim.Billing = claims.Provider{NPI: "1003000126", Organization: true, Name: "CREEK HOSPITAL", TaxID: "990000001"}
	edit(&s)
	a, err := h.client("hospital").SubmitClaim(ctx, signClaim(h.t, "hospital", s))
	if err != nil {
		h.t.Fatal(err)
	}
	l := s.Claim.Lines[0]
	d := claims.Decision{Submission: a.Handle, Claim: number, Number: 1, Outcome: outcome, Charge: 10000, Plan: h.publishExamples()}
	line := claims.LineDecision{Line: 1, Outcome: outcome, Charge: 10000}
	if outcome == claims.Paid {
		d.Allowed, d.Paid, d.Patient = 8000, 6000, 2000
		line.Allowed, line.Paid, line.Patient = 8000, 6000, 2000
		line.Adjustments = []claims.Adjustment{{Group: claims.Contractual, CARC: "45", Amount: 2000}, {Group: claims.Patient, CARC: "3", Amount: 2000}}
	} else {
		line.Adjustments = []claims.Adjustment{{Group: claims.Contractual, CARC: "197", Amount: 10000}}
	}
	d.Lines = []claims.LineDecision{line}
	e := claims.Evidence{Submission: a.Handle, Number: 1, Accumulators: []claims.Accumulators{}, Lines: []claims.LineFact{{
		Line: 1, Standing: claims.StandingFact{NPI: s.Claim.Rendering.NPI, State: "CA", On: l.From, Fresh: true},
	}}}
	sealed, _, err := claims.SealEvidence(&e, random())
	if err != nil {
		h.t.Fatal(err)
	}
	body, _ := credentials.CanonicalJSON(d)
	kept, err := h.books.KeepSigned(ctx, books.Signed{Key: random().String(), Handle: random(), Submission: a.Handle, Token: "token", Body: body, Evidence: sealed, Entry: []byte("entry")})
	if err != nil {
		h.t.Fatal(err)
	}
	if out, err := h.books.SettleClaim(ctx, books.Settlement{Submission: a.Handle, Document: kept.Handle}); err != nil || out.Moved {
		h.t.Fatal(out, err)
	}
	h.record(kept.Handle)
	return a
}

func as837(s *claims.Submission) {
	s.Source.Sender = claims.Sender{Qualifier: "30", ID: "990000001", Application: "CREEKBILLING"}
}

// TestRemittanceFile: two payees of one submitter are paid and a third claim is
// held. The golden file was read by hand against the guide (005010X221A1): one
// ISA, GS and IEA; ISA07, ISA08 (padded to 15) and GS03 are what the newest 837
// said in ISA05, ISA06 and GS02; each ST has its own BPR, TRN and payee; SE
// counts its segments, ST and SE included (27 and 21); CLP 100.00 - CO 20.00 - PR 20.00
// is 60.00, so the first payment is 60.00 (its second claim is denied, 0.00), the
// second 60.00; GE counts two sets. C-HELD stands nowhere in it.
func TestRemittanceFile(t *testing.T) {
	h := newHouse(t)
	h.license(clinician)
	h.bill("C1", claims.Paid, func(s *claims.Submission) {})
	h.bill("C2", claims.Paid, func(s *claims.Submission) {
		s.Claim.Billing = claims.Provider{NPI: "1003000126", Organization: true, Name: "CREEK LABORATORY", TaxID: "990000002"}
	})
	h.bill("C3", claims.Denied, as837)
	held := h.bill("C-HELD", claims.Paid, func(s *claims.Submission) {})
	if a, err := h.client("insurer").Hold(ctx, held.Control, []byte(`{"code":"fraud-review"}`)); err != nil || !a.Held || a.Handle != held.Handle {
		t.Fatalf("hold: got %+v, %v", a, err)
	}
	run, err := h.client("insurer").RunPayments(ctx, "2026-05-07")
	if err != nil || len(run.Remittances) != 1 || len(run.Held) != 1 {
		t.Fatalf("got %+v, %v", run, err)
	}
	if p := run.Held[0]; p.Claim != "C-HELD" || p.Hold.Reason != claims.HoldStaff || p.Hold.Code != "fraud-review" || p.Hold.By == "" || p.Amount != 6000 || p.Words == "" {
		t.Errorf("held: got %+v %+v", p, p.Hold)
	}
	got := string(run.Remittances[0].Body)
	got = strings.ReplaceAll(got, run.Remittances[0].Trace, "TRACE")
	for i, control := range controls(t, run.Remittances[0].Body) {
		got = strings.ReplaceAll(got, control, "CONTROL"+string(rune('1'+i)))
	}
	want, err := os.ReadFile("testdata/two-payees.835")
	if err != nil || got != string(want) {
		t.Errorf("%v: got\n%swant\n%s", err, got, want)
	}
	all, err := h.client("insurer").Payments(ctx, "")
	if err != nil || len(all) != 4 || all[0].State != claims.PaymentPaid || all[3].State != claims.PaymentHeld {
		t.Errorf("payments: got %+v, %v", all, err)
	}
}

// controls are the payer's claim numbers, which are random.
func controls(t *testing.T, body []byte) (all []string) {
	t.Helper()
	sets, err := x12.ReadRemittance(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		for _, p := range s.Payments {
			all = append(all, p.Control)
		}
	}
	return all
}

// A submitter's odd name in its envelope does not keep it from being paid.
func TestOddSender(t *testing.T) {
	for _, sender := range []claims.Sender{{}, {ID: "A*B"}, {ID: "LONGER THAN FIFTEEN"}, {Qualifier: "1", ID: "A"}, {ID: "A", Application: "x~y"}, {ID: " "}} {
		h := newHouse(t)
		h.license(clinician)
		h.bill("C1", claims.Paid, func(s *claims.Submission) { s.Source.Sender = sender })
		run, err := h.client("insurer").RunPayments(ctx, "2026-05-07")
		if err != nil || len(run.Remittances) != 1 || !strings.Contains(string(run.Remittances[0].Body), "*ZZ*1003000126     *260507*") {
			t.Errorf("%+v: got %+v, %v, want it sent to the payee's NPI", sender, run, err)
		}
	}
}

func TestRunsAtOnceOverHTTP(t *testing.T) {
	h := newHouse(t)
	h.license(clinician)
	for _, number := range []string{"C1", "C2", "C3"} {
		h.bill(number, claims.Paid, as837)
	}
	var wait sync.WaitGroup
	var released, nothing atomic.Int64
	for range 6 {
		wait.Go(func() {
			run, err := h.client("insurer").RunPayments(ctx, "2026-05-07")
			if err != nil {
				t.Error(err)
			}
			if len(run.Remittances) == 0 {
				nothing.Add(1)
			}
			released.Add(int64(len(run.Remittances)))
		})
	}
	wait.Wait()
	if released.Load() != 1 || nothing.Load() != 5 {
		t.Errorf("%d remittances, %d runs with nothing to pay; want 1 and 5", released.Load(), nothing.Load())
	}
}

// A house whose clock is off tells its own people so, and pays nothing.
func TestNoPaymentByAWrongClock(t *testing.T) {
	h := newHouse(t)
	h.license(clinician)
	h.bill("C1", claims.Paid, as837)
	said := noon.Add(time.Hour)
	h.said.Store(&said)
	run, err := h.client("insurer").RunPayments(ctx, "2026-05-07")
	if status(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "clock is at least 1h0m0s behind the ledger") {
		t.Errorf("got %+v, %v, want 503 and a word about the clock", run, err)
	}
	h.said.Store(nil)
	if run, err := h.client("insurer").RunPayments(ctx, "2026-05-07"); err != nil || len(run.Remittances) != 1 {
		t.Errorf("once it is right: got %+v, %v", run, err)
	}
}

// The house dies at the worst moment: before the commit nothing is kept; after
// it, before the ledger has heard, the remittance is nobody's to see, no second
// run pays, and it is paid once its receipt is there.
func TestKilledRun(t *testing.T) {
	h := newHouse(t)
	h.license(clinician)
	h.bill("C1", claims.Paid, as837)
	dead := errors.New("killed")
	var after atomic.Bool
	h.db.WrapCommit(func(commit func() error) error {
		if after.Load() {
			commit()
		}
		return dead
	})
	run := func() (api.PaymentRun, error) { return h.client("insurer").RunPayments(ctx, "2026-05-07") }
	if _, err := run(); status(err) != http.StatusServiceUnavailable {
		t.Errorf("before the commit: got %v, want 503", err)
	}
	after.Store(true)
	if _, err := run(); status(err) != http.StatusServiceUnavailable {
		t.Errorf("after the commit: got %v, want 503", err)
	}
	h.db.WrapCommit(func(commit func() error) error { return commit() })
	if again, err := run(); err != nil || len(again.Remittances)+len(again.Held) != 0 {
		t.Errorf("again: got %+v, %v, want nothing paid twice", again, err)
	}
	seen := func(name string, state claims.PaymentState, want int) {
		t.Helper()
		all, err := h.client(name).Remittances(ctx)
		if err != nil || len(all) != want || want > 0 && all[0].State != state {
			t.Errorf("%s sees %+v, %v; want %d, %s", name, all, err, want, state)
		}
	}
	seen("insurer", claims.PaymentReleased, 1)
	seen("hospital", "", 0)
	seen("other hospital", "", 0)
	all, err := h.books.Remittances(ctx, "")
	if err != nil || len(all) != 1 {
		t.Fatalf("got %+v, %v, want one remittance", all, err)
	}
	h.record(all[0].Handle)
	seen("insurer", claims.PaymentPaid, 1)
	seen("hospital", claims.PaymentPaid, 1)
	seen("other hospital", "", 0)
	seen("other insurer", "", 0)
}

func TestReprocessList(t *testing.T) {
	h := newHouse(t)
	h.license(clinician)
	h.bill("C1", claims.Paid, as837)
	if _, err := h.client("insurer").RunPayments(ctx, "2026-05-07"); err != nil {
		t.Fatal(err)
	}
	held := h.bill("C2", claims.Paid, as837)
	licenses, err := h.books.PractitionerIn(ctx, clinician, "CA")
	if err != nil {
		t.Fatal(err)
	}
	o := credentials.Order{Handle: random(), License: licenses.Licenses[0].Handle, Action: credentials.OrderRevoke, Effective: noon.AddDate(0, 0, -20)}
	if err := h.books.Hear(ctx, did("board"), "CA", []store.Heard{{Sequence: 2, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), Order: &o}}, noon); err != nil {
		t.Fatal(err)
	}
	list, err := h.client("insurer").Reprocess(ctx)
	if err != nil || len(list) != 2 || list[0].Claim != "C1" || list[0].State != claims.PaymentPaid || list[1].State != claims.PaymentHeld || list[0].Order != o.Handle {
		t.Errorf("got %+v, %v", list, err)
	}
	insurer := h.client("insurer")
	for code, want := range map[string]int{`{"code":"ok"}`: 200, `{"code":"Jane Doe"}`: 400, `{"code":""}`: 400, `x`: 400} {
		if _, err := insurer.Hold(ctx, held.Handle.String(), []byte(code)); status(err) != want {
			t.Errorf("hold %s: got %v, want %d", code, err, want)
		}
	}
	if _, err := insurer.LiftHold(ctx, held.Control, []byte(`{"code":"done"}`)); err != nil {
		t.Error(err)
	}
	if _, err := insurer.LiftHold(ctx, held.Control, []byte(`{"code":"other"}`)); status(err) != 409 {
		t.Errorf("nothing to lift: got %v, want 409", err)
	}
	if _, err := insurer.Hold(ctx, "CSNOBODY", []byte(`{"code":"ok"}`)); status(err) != 404 {
		t.Errorf("an unknown claim: got %v, want 404", err)
	}
	if _, err := insurer.Payments(ctx, "paying"); status(err) != 400 {
		t.Errorf("an unknown state: got %v, want 400", err)
	}
}
