package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// furnish publishes the example's editions, enrolls a member and has the board
// say that the clinician is licensed.
func (h *house) furnish() {
	h.t.Helper()
	h.publishExamples()
	err := h.books.Enroll(ctx, []store.Member{{MemberID: canary + "1", Family: canary + "1", Last: canary, First: canary, Plan: "demo-ppo", From: "2026-01-01"}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.license(clinician)
}

// publishExamples publishes the example's plan, whose name it returns, and fees.
func (h *house) publishExamples() (plan claims.EditionRef) {
	h.t.Helper()
	for _, e := range []books.Edition{
		{Kind: books.PlanEdition, Ref: claims.EditionRef{Name: "demo-ppo"}, Fees: "demo-fees", From: "2026-01-01", Until: "2027-12-31", Body: example(h.t, "plan.yaml")},
		{Kind: books.FeeEdition, Ref: claims.EditionRef{Name: "demo-fees"}, Body: example(h.t, "fees.csv")},
	} {
		e.Ref.Edition, e.Ref.Digest, e.Handle = "2026-01", credentials.DigestOf(e.Body), random()
		if _, err := h.books.PublishEdition(ctx, e, []byte("entry")); err != nil {
			h.t.Fatal(err)
		}
		if e.Kind == books.PlanEdition {
			plan = e.Ref
		}
	}
	return plan
}

// rows is everything in the books, as it is stored.
func (h *house) rows() string {
	h.t.Helper()
	names, err := h.db.Query(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		h.t.Fatal(err)
	}
	var tables []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			h.t.Fatal(err)
		}
		tables = append(tables, name)
	}
	names.Close()
	var all []string
	for _, table := range tables {
		rs, err := h.db.Query(ctx, "SELECT * FROM "+table)
		if err != nil {
			h.t.Fatal(err)
		}
		columns, _ := rs.Columns()
		for rs.Next() {
			row := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rs.Scan(into...); err != nil {
				h.t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%s %v", table, row))
		}
		rs.Close()
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func question(t *testing.T, name string, s claims.Submission) string {
	return sign(t, name, credentials.KindEstimateRequest, s.Handle, s)
}

// An estimate says what the claim would come to, signed as an estimate and for a
// day; it leaves no row in the books and starts no contract. Its signed question
// is no claim, and it is no decision.
func TestEstimate(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	before := h.rows()
	asked := aClaim("C1")
	token := question(t, "hospital", asked)
	got, err := h.client("hospital").Estimate(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if h.rows() != before || len(h.temporal.started) != 0 {
		t.Error("asking has changed the books or started a contract")
	}
	doc, v := credentials.Judge[claims.ClaimEstimate](got.Token, credentials.KindClaimEstimate, credentials.Policy{
		Now: noon.Add(claims.EstimateLife), Position: credentials.Latest, Keys: credentials.ResolveDIDKey, Status: credentials.StatusIfNamed,
		Issuer: func(who credentials.DID, _ credentials.Kind, _ string) error {
			if who != did("insurer") {
				return credentials.Refuse(credentials.CheckIssuer, "not the insurer")
			}
			return nil
		},
	})
	if !v.IsGood() {
		t.Fatalf("got %+v", v)
	}
	if err := doc.ValidAt(noon.Add(claims.EstimateLife + time.Second)); err == nil {
		t.Error("it is good for more than a day")
	}
	e := doc.Subject
	if err := e.Answers(&asked, credentials.DocumentDigest(token)); err != nil {
		t.Error(err)
	}
	// An office visit: 90.00 by the schedule, the copay is 25.00.
	if d := e.Estimate; d.Outcome != claims.Paid || d.Allowed != 9000 || d.Paid != 6500 || d.Patient != 2500 || d.Received != "2026-05-06" || d.Rules != "rules/1" || d.Plan.Name != "demo-ppo" {
		t.Errorf("got %+v", d)
	}
	if _, err := credentials.Open[claims.ClaimDecisionDocument](got.Token, credentials.KindClaimDecision, credentials.ResolveDIDKey); err == nil {
		t.Error("the estimate opens as a decision")
	}
	if _, err := h.client("hospital").SubmitClaim(ctx, token); status(err) != http.StatusBadRequest {
		t.Errorf("the question as a claim: %v", err)
	}
	if _, err := h.client("hospital").Estimate(ctx, signClaim(t, "hospital", asked)); status(err) != http.StatusBadRequest {
		t.Errorf("a claim as the question: %v", err)
	}
}

// What clinicians signed comes with the question, is judged as it is with a claim,
// and is not used up by it.
func TestEstimateSigned(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	hospital, asked := h.client("hospital"), aClaim("C1")
	token, good := question(t, "hospital", asked), clinicianSigns(t, asked.Claim, nil)
	before := h.rows()
	if _, err := hospital.Estimate(ctx, token, good); err != nil || h.rows() != before {
		t.Errorf("with a signature: %v, or the books have changed", err)
	}
	other := clinicianSigns(t, asked.Claim, func(s *claims.ClinicianSignature) { s.Content[0] ^= 1 })
	if _, err := hospital.Estimate(ctx, token, good, other); status(err) != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), "signature 2: ") {
		t.Errorf("with a signature upon something else: %v", err)
	}
	if _, err := hospital.Estimate(ctx, token, slices.Repeat([]string{good}, 51)...); status(err) != http.StatusBadRequest {
		t.Errorf("with 51 signatures: %v", err)
	}
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", asked), good); err != nil {
		t.Fatal(err)
	}
	next := aClaim("C2")
	if _, err := hospital.Estimate(ctx, question(t, "hospital", next), good); status(err) != http.StatusConflict || !strings.Contains(err.Error(), "another submission") {
		t.Errorf("with the signature of another claim: %v", err)
	}
}

func TestRefusedEstimates(t *testing.T) {
	h := newHouse(t)
	if _, err := h.client("hospital").Estimate(ctx, question(t, "hospital", aClaim("C0"))); status(err) != 422 || !strings.Contains(err.Error(), "published") {
		t.Errorf("without editions: %v", err)
	}
	h.furnish()
	h.submit("HAVE")
	have := aClaim("HAVE")
	with := func(edit func(c *claims.Claim)) string {
		s := aClaim("C1")
		edit(&s.Claim)
		return question(t, "hospital", s)
	}
	for _, tt := range []struct {
		name, token string
		want        int
		says        string
	}{
		{"received already", question(t, "hospital", have), 409, "received before"},
		{"a replacement", with(func(c *claims.Claim) { c.Frequency, c.OriginalReference = claims.Replacement, "X" }), 422, "replacement"},
		{"a void", with(func(c *claims.Claim) { c.Frequency, c.OriginalReference = claims.Void, "X" }), 422, "void"},
		{"the sum is wrong", with(func(c *claims.Claim) { c.Charge++ }), 422, "CLM02"},
		{"another's question", question(t, "other hospital", aClaim("C1")), 400, "another party's key"},
		{"a stranger's question", question(t, "stranger", aClaim("C1")), 400, "estimate request"},
		{"the insurer's own", sign(t, "insurer", credentials.KindEstimateRequest, random(), aClaim("C1")), 400, "another party's key"},
		{"nothing", "", 400, "estimate request"},
	} {
		if _, err := h.client("hospital").Estimate(ctx, tt.token); status(err) != tt.want || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %d that says %q", tt.name, err, tt.want, tt.says)
		}
	}
	for _, role := range []string{"insurer", "reviewer", "auditor", "board"} {
		if _, err := h.client(role).Estimate(ctx, question(t, role, aClaim("C1"))); status(err) != http.StatusForbidden {
			t.Errorf("asked by a %s: %v", role, err)
		}
	}
	if _, err := h.client("other hospital").Estimate(ctx, question(t, "other hospital", have)); err != nil {
		t.Errorf("another hospital learns that a claim like its own was received: %v", err)
	}
	h.bad.Store(1) // the ledger says that the insurer's key is bad
	if _, err := h.client("hospital").Estimate(ctx, question(t, "hospital", aClaim("C1"))); status(err) != 503 {
		t.Errorf("signed by a key that is bad: %v", err)
	}
	h.bad.Store(0)
	h.said.Store(new(noon.Add(-time.Hour)))
	if _, err := h.client("hospital").Estimate(ctx, question(t, "hospital", aClaim("C1"))); status(err) != 503 || !strings.Contains(err.Error(), "clock") {
		t.Errorf("by a clock that is off: %v", err)
	}
}

// A party that has asked for an hour's estimates waits, and no other party with it.
func TestEstimatesAnHour(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	ask := func(name string) error {
		_, err := h.client(name).Estimate(ctx, question(t, name, aClaim("C1")))
		return err
	}
	for range estimatesAnHour {
		if err := ask("hospital"); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask("hospital"); status(err) != http.StatusTooManyRequests {
		t.Errorf("one more: %v", err)
	}
	if err := ask("other hospital"); err != nil {
		t.Errorf("another hospital: %v", err)
	}
}
