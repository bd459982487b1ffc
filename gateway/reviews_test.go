package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/workflows"
)

// decide settles the next decision on a claim, as a contract would.
func (h *house) decide(submission credentials.Handle, outcome claims.Outcome, edits ...func(*claims.Decision)) credentials.Handle {
	h.t.Helper()
	s, err := h.books.StatusOf(ctx, submission)
	if err != nil {
		h.t.Fatal(err)
	}
	number := len(s.Decisions) + 1
	decision := claims.Decision{Submission: submission, Number: number, Outcome: outcome}
	for _, edit := range edits {
		edit(&decision)
	}
	evidence := claims.Evidence{Submission: submission, Number: number, Accumulators: []claims.Accumulators{}, Lines: []claims.LineFact{}}
	sealed, _, err := claims.SealEvidence(&evidence, random())
	if err != nil {
		h.t.Fatal(err)
	}
	var settle = h.books.SettleClaim
	body, _ := credentials.CanonicalJSON(decision)
	if s.Kind == books.AuthorizationKind {
		settle = h.books.SettleAuthorization
		body, _ = credentials.CanonicalJSON(claims.AuthorizationDecision{Submission: submission, Number: number, Outcome: claims.AuthorizationOutcome(outcome)})
	}
	kept, err := h.books.KeepSigned(ctx, books.Signed{Key: random().String(), Handle: random(), Submission: submission, Token: "token", Body: body, Evidence: sealed, Entry: []byte("entry")})
	if err != nil {
		h.t.Fatal(err)
	}
	if out, err := settle(ctx, books.Settlement{Submission: submission, Document: kept.Handle}); err != nil || out.Moved {
		h.t.Fatal(out, err)
	}
	return kept.Handle
}

func (h *house) record(document credentials.Handle) {
	h.t.Helper()
	if err := h.books.KeepReceipt(ctx, document, 1, []byte("receipt")); err != nil {
		h.t.Fatal(err)
	}
}

// license has the board of California say, at noon, that a clinician is licensed.
func (h *house) license(npi credentials.NPI) {
	h.t.Helper()
	l := credentials.License{Handle: random(), NPI: npi, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
	err := h.books.Hear(ctx, did("board"), "CA", []store.Heard{{Sequence: 1, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &l}}, noon)
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestReview(t *testing.T) {
	h := newHouse(t)
	request := aRequest("A1")
	a, err := h.client("hospital").SubmitAuthorization(ctx, sign(t, "hospital", credentials.KindAuthorizationSubmission, request.Handle, request))
	if err != nil {
		t.Fatal(err)
	}
	determine := func(edit func(d *claims.Determination), signer string) error {
		d := claims.Determination{Handle: random(), Subject: a.Handle, Number: 1, Approve: true, Reason: "met", Reviewer: did("reviewer")}
		edit(&d)
		_, err := h.client("reviewer").Determine(ctx, a.Handle, sign(t, signer, credentials.KindReviewDetermination, d.Handle, d))
		return err
	}
	if err := determine(func(*claims.Determination) {}, "reviewer"); status(err) != 409 {
		t.Errorf("before it is pended: got %v, want 409", err)
	}
	h.record(h.decide(a.Handle, claims.Pended))
	waiting, err := h.client("reviewer").Reviews(ctx)
	if err != nil || len(waiting) != 1 || waiting[0].Handle != a.Handle {
		t.Errorf("got %+v, %v, want the one request", waiting, err)
	}
	if r, err := h.client("reviewer").Review(ctx, a.Handle); err != nil || r.Token == "" || r.Submission.State != "pended" {
		t.Errorf("got %+v, %v", r.Submission, err)
	}
	h.license("1003000134")
	for _, test := range []struct {
		name   string
		edit   func(d *claims.Determination)
		signer string
		want   int
		says   string
	}{
		{"signed by somebody else", func(*claims.Determination) {}, "auditor", 400, "another party's key"},
		{"in another's name", func(d *claims.Determination) { d.Reviewer = did("auditor") }, "reviewer", 400, "another reviewer"},
		{"about something else", func(d *claims.Determination) { d.Subject = random() }, "reviewer", 400, "another submission"},
		{"with a standing of its own", func(d *claims.Determination) { d.Standing = &claims.StandingFact{} }, "reviewer", 400, "standing"},
		{"a denial without an NPI", func(d *claims.Determination) { d.Approve = false }, "reviewer", 422, "NPI"},
		{"a denial with an NPI that is none", func(d *claims.Determination) { d.Approve, d.NPI = false, "1003000135" }, "reviewer", 422, "NPI"},
		{"a denial by someone without a license", func(d *claims.Determination) { d.Approve, d.NPI = false, "1003000142" }, "reviewer", 403, "license"},
		{"as many units as were asked for", func(d *claims.Determination) { d.Units = request.Request.Items[0].Units }, "reviewer", 422, "fewer units"},
		{"a denial of some units", func(d *claims.Determination) { d.Approve, d.NPI, d.Units = false, "1003000134", 1 }, "reviewer", 422, "names no units"},
		{"on another decision", func(d *claims.Determination) { d.Number = 2 }, "reviewer", 409, "look at it again"},
	} {
		if err := determine(test.edit, test.signer); status(err) != test.want || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %d that says %q", test.name, err, test.want, test.says)
		}
	}
	if len(h.temporal.woken) != 0 {
		t.Errorf("refused determinations woke %v", h.temporal.woken)
	}
	word := random()
	denial := func(d *claims.Determination) { d.Handle, d.Approve, d.NPI = word, false, "1003000134" }
	h.temporal.failing(errors.New("the cluster is away"))
	if err := determine(denial, "reviewer"); status(err) != 503 {
		t.Errorf("a contract that cannot be woken: got %v, want 503", err)
	}
	h.temporal.failing(nil)
	if err := determine(denial, "reviewer"); err != nil { // the same once more wakes it
		t.Errorf("a denial by a licensed clinician: %v", err)
	}
	if err := determine(func(*claims.Determination) {}, "reviewer"); status(err) != 409 {
		t.Errorf("a second determination: got %v, want 409", err)
	}
	key, _ := request.BusinessKey([]byte("secret of the tests"), did("hospital"))
	if want := workflows.AuthorizationID(key); len(h.temporal.woken) != 2 || h.temporal.woken[0] != want || h.temporal.woken[1] != want {
		t.Errorf("woke %v, want %s", h.temporal.woken, want)
	}
}
