package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func TestSubmitClaim(t *testing.T) {
	h := newHouse(t)
	claim := aClaim("C1")
	first, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", claim))
	if err != nil || first.Handle != claim.Handle || first.Control == "" || first.Again {
		t.Fatalf("got %+v, %v", first, err)
	}
	claim.Handle, claim.Salt = random(), random() // the same file, signed once more
	again, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", claim))
	if err != nil || again.Handle != first.Handle || again.Control != first.Control || !again.Again {
		t.Errorf("again: got %+v, %v", again, err)
	}
	if len(h.temporal.started) != 1 {
		t.Errorf("%d contracts were started, want 1", len(h.temporal.started))
	}
	s, err := h.client("hospital").Status(ctx, first.Handle, 0, 0, true)
	if err != nil || s.State != "received" || s.Number != "C1" || len(s.Files) != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestJoinsWhatRuns: two clerks send one file at once, and the second copy
// comes before the books know the first. It was signed under a handle of its
// own, so its sender has to hear that the first one counts.
func TestJoinsWhatRuns(t *testing.T) {
	h := newHouse(t)
	claim, request := aClaim("C1"), aRequest("A1")
	asRequest := func(s claims.AuthorizationSubmission) string {
		return sign(t, "hospital", credentials.KindAuthorizationSubmission, s.Handle, s)
	}
	h.temporal.runs = &activities.Submitted{Token: signClaim(t, "hospital", claim), Received: "2026-05-06"}
	second := claim
	second.Handle, second.Salt = random(), random()
	a, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", second))
	if err != nil || a.Handle != claim.Handle || a.Control == "" || !a.Again {
		t.Errorf("claim: got %+v, %v, want %s again", a, err, claim.Handle)
	}
	h.temporal.runs = &activities.Submitted{Token: asRequest(request), Received: "2026-05-06"}
	other := request
	other.Handle, other.Salt = random(), random()
	a, err = h.client("hospital").SubmitAuthorization(ctx, asRequest(other))
	if err != nil || a.Handle != request.Handle || a.Control == "" || !a.Again {
		t.Errorf("request: got %+v, %v, want %s again", a, err, request.Handle)
	}
}

func TestRefusedClaims(t *testing.T) {
	h := newHouse(t)
	taken := h.submit("C0").Handle
	with := func(edit func(s *claims.Submission)) string {
		s := aClaim("C1")
		edit(&s)
		return signClaim(t, "hospital", s)
	}
	dated := func(from time.Time, entries []credentials.StatusEntry) string {
		s := aClaim("C1")
		token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindClaimSubmission, s.Handle, from, entries, s)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, test := range []struct {
		name, token string
		want        int
		says        string
	}{
		{"the sum is wrong", with(func(s *claims.Submission) { s.Claim.Charge++ }), 422, "CLM02"},
		{"a service tomorrow", with(func(s *claims.Submission) { s.Claim.Lines[0].From, s.Claim.Lines[0].To = "2026-05-07", "2026-05-07" }), 422, "day of receipt"},
		{"signed by another hospital", signClaim(t, "other hospital", aClaim("C1")), 400, "another party's key"},
		{"signed by a stranger", signClaim(t, "stranger", aClaim("C1")), 400, "claim submission"},
		{"of another kind", sign(t, "hospital", credentials.KindAuthorizationSubmission, random(), aRequest("A1")), 400, "claim submission"},
		{"not signed at all", "{}", 400, "claim submission"},
		{"dated tomorrow", dated(noon.AddDate(0, 0, 1), nil), 400, "dates: it is valid from"},
		{"with a status that was not read", dated(noon, []credentials.StatusEntry{credentials.NewStatusEntry(credentials.PurposeRevocation, "https://hospital.example/1", 1)}), 503, "send it again"},
		{"signed by somebody of whom the ledger cannot be asked", signClaim(t, "newcomer", aClaim("C1")), 503, "send it again"},
		{"under a handle that is used", with(func(s *claims.Submission) { s.Handle = taken }), 409, "sign it again"},
	} {
		_, err := h.client("hospital").SubmitClaim(ctx, test.token)
		if status(err) != test.want || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %d that says %q", test.name, err, test.want, test.says)
		}
	}
	_, err := h.client("hospital").SubmitClaim(ctx, with(func(s *claims.Submission) { s.Claim.Charge++; s.Claim.Diagnoses = nil }))
	if no, ok := err.(*api.Refusal); !ok || len(no.Problems) != 3 || no.Problems[0].Element != "HI01" || no.Problems[1].Line != 1 {
		t.Errorf("got %+v, want all three problems with their places", err)
	}
	all, err := h.client("hospital").Submissions(ctx, "")
	if err != nil || len(all) != 1 {
		t.Errorf("got %d submissions, %v, want only the one that was taken in", len(all), err)
	}
}

func TestRefusedRequests(t *testing.T) {
	h := newHouse(t)
	submit := func(name string, s claims.AuthorizationSubmission) error {
		_, err := h.client("hospital").SubmitAuthorization(ctx, sign(t, name, credentials.KindAuthorizationSubmission, s.Handle, s))
		return err
	}
	if err := submit("hospital", aRequest("A1")); err != nil {
		t.Fatal(err)
	}
	if err := submit("other hospital", aRequest("A2")); status(err) != 400 {
		t.Errorf("signed by another: got %v, want 400", err)
	}
	for name, edit := range map[string]func(*claims.AuthorizationRequest){
		"asks for nothing": func(r *claims.AuthorizationRequest) { r.Items = nil },
		"no units":         func(r *claims.AuthorizationRequest) { r.Items[0].Units = 0 },
		"ends first":       func(r *claims.AuthorizationRequest) { r.Items[0].Until = "2026-05-01" },
		"one number twice": func(r *claims.AuthorizationRequest) { r.Items = append(r.Items, r.Items[0]) },
	} {
		s := aRequest("A3")
		edit(&s.Request)
		if err := submit("hospital", s); status(err) != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %v, want 422", name, err)
		}
	}
}

// A handle that is unknown and one that is somebody else's answer alike.
func TestWhoseSubmission(t *testing.T) {
	h := newHouse(t)
	handle := h.submit("C1").Handle
	document := h.decide(handle, claims.Paid)
	for _, test := range []struct {
		name   string
		handle credentials.Handle
		want   int
	}{
		{"hospital", handle, 200},
		{"insurer", handle, 200},
		{"other hospital", handle, 404},
		{"other insurer", handle, 404},
		{"hospital", random(), 404},
		{"hospital", document, 404},
	} {
		_, err := h.client(test.name).Status(ctx, test.handle, 0, 0, true)
		if status(err) != test.want || err != nil && err.Error() != "nothing of yours has this handle" {
			t.Errorf("%s: got %v, want %d", test.name, err, test.want)
		}
	}
	if all, err := h.client("other hospital").Submissions(ctx, ""); err != nil || len(all) != 0 {
		t.Errorf("another hospital's list: got %d, %v, want none", len(all), err)
	}
	for path, want := range map[string]int{"/submissions/xyz": 400, "/submissions/" + handle.String() + "?wait=soon": 400, "/submissions/" + handle.String() + "?after=-1": 400} {
		if got, _ := h.as("hospital", "GET", path, nil); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

// A decision without its receipt is none.
func TestDecisionsNeedReceipts(t *testing.T) {
	h := newHouse(t)
	handle := h.submit("C1").Handle
	document := h.decide(handle, claims.Paid)
	s, err := h.client("hospital").Status(ctx, handle, 0, 1e9, true)
	if err != nil || s.State != "received" || len(s.Decisions) != 0 {
		t.Errorf("before the receipt: got %+v, %v", s, err)
	}
	if run, err := h.client("insurer").RunPayments(ctx, "2026-05-07"); err != nil || len(run.Remittances)+len(run.Held) != 0 {
		t.Errorf("paid a decision that has no receipt: %+v, %v", run, err)
	}
	h.record(document)
	s, err = h.client("hospital").Status(ctx, handle, 0, 1e9, false)
	if err != nil || s.State != "paid" || len(s.Decisions) != 1 || s.Decisions[0].Handle != document || s.Files != nil {
		t.Errorf("after it: got %+v, %v", s, err)
	}
}

// What Temporal remembers as ended is what the books say it is. Books that were
// restored may know nothing of it: what is sent again begins again.
func TestContractThatHasEnded(t *testing.T) {
	for _, test := range []struct {
		name   string
		ended  func(*house, activities.Submitted)
		status int
		starts int
	}{
		{"it ended just now", func(h *house, in activities.Submitted) { h.temporal.receiving.OpenClaim(ctx, in) }, 200, 1},
		{"the books do not know it", func(*house, activities.Submitted) {}, 200, 2},
		{"the books do not answer", func(h *house, _ activities.Submitted) { h.db.Close() }, 503, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.temporal.ended = func(in activities.Submitted) { test.ended(h, in) }
			got, _ := h.as("hospital", "POST", "/claims", []byte(signClaim(t, "hospital", aClaim("C1"))))
			if starts := len(h.temporal.started); got != test.status || starts != test.starts {
				t.Errorf("got %d and %d starts, want %d and %d", got, starts, test.status, test.starts)
			}
		})
	}
}
