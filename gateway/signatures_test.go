package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// clinicianSigns is a clinician's signature upon a claim.
func clinicianSigns(t *testing.T, c claims.Claim, change func(*claims.ClinicianSignature)) string {
	t.Helper()
	content, err := c.ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	s := claims.ClinicianSignature{Handle: random(), License: credentials.Handle{1}, Insurer: did("insurer"), Content: content}
	if change != nil {
		change(&s)
	}
	token, err := s.Sign(ledgertest.Signer("clinician"), noon.Add(-time.Hour), noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A clinician's signature comes with what it is upon, or later: then the contract
// is woken. It is given back to the submitter.
func TestSignaturesComeWithClaims(t *testing.T) {
	h := newHouse(t)
	hospital := h.client("hospital")
	with := aClaim("C1")
	if a, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", with), clinicianSigns(t, with.Claim, nil)); err != nil || a.Again {
		t.Fatalf("with a signature: %+v, %v", a, err)
	}
	if kept, err := h.books.Signatures(ctx, with.Handle); err != nil || len(kept) != 1 || !kept[0].Received.Equal(noon) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	without := aClaim("C2")
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", without)); err != nil {
		t.Fatal(err)
	}
	later := clinicianSigns(t, without.Claim, nil)
	if a, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", without)); err != nil || a.After != 0 {
		t.Errorf("again, without a signature: %+v, %v", a, err)
	}
	for i, woken := range []int{1, 2} { // whoever could not wake it the first time does so the second
		a, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", without), later)
		if err != nil || !a.Again || a.Handle != without.Handle {
			t.Errorf("time %d: %+v, %v", i+1, a, err)
		}
		if len(h.temporal.woken) != woken {
			t.Errorf("time %d: woken %v", i+1, h.temporal.woken)
		}
	}
	s, err := hospital.Status(ctx, without.Handle, 0, 0, true)
	_, _, handle, _ := credentials.Peek(later)
	if err != nil || string(s.Files[dossier.Signatures+"/"+handle.String()+".jwt"]) != later+"\n" {
		t.Errorf("given back: %v, %v", err, len(s.Files))
	}
	request := aRequest("A1")
	content, err := request.Request.ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	upon := clinicianSigns(t, with.Claim, func(s *claims.ClinicianSignature) { s.Content = content })
	token := sign(t, "hospital", credentials.KindAuthorizationSubmission, request.Handle, request)
	if a, err := hospital.SubmitAuthorization(ctx, token, upon); err != nil || a.Again {
		t.Errorf("a request with a signature: %+v, %v", a, err)
	}
	if kept, err := h.books.Signatures(ctx, request.Handle); err != nil || len(kept) != 1 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// Whoever brings a signature late is told up to which decision it was not there;
// not where nothing waits for it.
func TestSignatureComesAfterADecision(t *testing.T) {
	h := newHouse(t)
	hospital := h.client("hospital")
	c := aClaim("C1")
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		outcome claims.Outcome
		want    int
	}{{claims.Pended, 1}, {claims.Pended, 2}, {claims.Paid, 0}} {
		h.decide(c.Handle, tt.outcome) // not recorded yet
		a, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), clinicianSigns(t, c.Claim, nil))
		if err != nil || !a.Again || a.After != tt.want {
			t.Errorf("%s: %+v, %v; want after %d", tt.outcome, a, err, tt.want)
		}
	}
}

// A signature is kept once it is known which decisions came before it, so that
// nobody waits for one that is there already.
func TestSignatureComesWhenDecisionsCannotBeRead(t *testing.T) {
	h := newHouse(t)
	hospital := h.client("hospital")
	c := aClaim("C1")
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.Exec(ctx, `ALTER TABLE decision RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if a, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), clinicianSigns(t, c.Claim, nil)); err == nil {
		t.Errorf("taken: %+v", a)
	}
	if kept, err := h.books.Signatures(ctx, c.Handle); err != nil || len(kept) != 0 {
		t.Errorf("%d signatures are kept, %v", len(kept), err)
	}
}

// What a door can see of a signature is said at once, and nothing is taken in.
func TestRefusedSignatures(t *testing.T) {
	h := newHouse(t)
	hospital := h.client("hospital")
	c := aClaim("C1")
	moved := c.Claim
	moved.Lines = append([]claims.Line{}, moved.Lines...)
	moved.Lines[0].Units += 1000
	used := clinicianSigns(t, c.Claim, nil)
	first := aClaim("C0")
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", first), used); err != nil {
		t.Fatal(err)
	}
	in := func(from, until time.Duration) string {
		content, _ := c.Claim.ClinicalContent()
		s := claims.ClinicianSignature{Handle: random(), License: credentials.Handle{1}, Insurer: did("insurer"), Content: content}
		token, err := s.Sign(ledgertest.Signer("clinician"), noon.Add(from), noon.Add(until))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, tt := range []struct {
		name, signature string
		status          int
		says            string
	}{
		{"for a unit more", clinicianSigns(t, moved, nil), 422, "clinician's signature 1: binding: the clinician signed something else"},
		{"for another insurer", clinicianSigns(t, c.Claim, func(s *claims.ClinicianSignature) { s.Insurer = did("other insurer") }), 422, "binding: it was signed for another insurer"},
		{"from tomorrow", in(24*time.Hour, 48*time.Hour), 422, "dates: it is valid from"},
		{"past its last day", in(-48*time.Hour, -24*time.Hour), 422, "dates: it was valid until"},
		{"no token", "x", 422, "form: token does not have three parts"},
		{"an empty line", "", 422, "form"},
		{"a claim", signClaim(t, "hospital", c), 422, "kind: this is a ClaimSubmission"},
		{"used for another claim", used, 409, "was used for another submission"},
		{"fifty-one", strings.Repeat("x\n", 50) + "x", 400, "at most 50 signatures"},
	} {
		_, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), tt.signature)
		if status(err) != tt.status || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %d, %q", tt.name, err, tt.status, tt.says)
		}
	}
	if all, err := hospital.Submissions(ctx, ""); err != nil || len(all) != 1 {
		t.Errorf("%d submissions, %v; want the first alone", len(all), err)
	}
	// A claim that is there is not given another's signature either.
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c)); err != nil {
		t.Fatal(err)
	}
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), used); status(err) != http.StatusConflict {
		t.Errorf("used for another claim: %v", err)
	}
	if len(h.temporal.woken) != 0 {
		t.Errorf("woken: %v", h.temporal.woken)
	}
	var many []string
	for range 50 {
		many = append(many, clinicianSigns(t, c.Claim, nil))
	}
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), many...); err != nil {
		t.Fatal(err)
	}
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", c), clinicianSigns(t, c.Claim, nil)); status(err) != http.StatusConflict || !strings.Contains(err.Error(), "more clinicians have signed") {
		t.Errorf("the fifty-first: %v", err)
	}
	another := aClaim("C3")
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", another)); err != nil {
		t.Fatal(err)
	}
	h.temporal.failing(errors.New("Temporal is away"))
	if _, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", another), clinicianSigns(t, another.Claim, nil)); status(err) != http.StatusServiceUnavailable {
		t.Errorf("a contract that could not be woken: %v", err)
	}
}
