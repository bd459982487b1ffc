package gateway_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func TestDoor(t *testing.T) {
	h := newHouse(t)
	body := []byte("body")
	good := token(t, "hospital", "GET", "/submissions", nil)
	for _, test := range []struct {
		name, method, path, token string
		body                      []byte
		want                      int
		says                      string
	}{
		{"no token", "GET", "/submissions", "", nil, 401, "no request token"},
		{"no token of ours", "GET", "/submissions", "x.y.z", nil, 401, "request token"},
		{"a stranger's key", "GET", "/submissions", token(t, "stranger", "GET", "/submissions", nil), nil, 401, "request token"},
		{"the first time", "GET", "/submissions", good, nil, 200, ""},
		{"replayed", "GET", "/submissions", good, nil, 401, "used before"},
		{"for another path", "GET", "/remittances", token(t, "hospital", "GET", "/submissions", nil), nil, 401, "another request"},
		{"for another question", "GET", "/submissions?state=paid", token(t, "hospital", "GET", "/submissions", nil), nil, 401, "another request"},
		{"for another method", "POST", "/claims", token(t, "hospital", "GET", "/claims", nil), nil, 401, "another request"},
		{"for another body", "POST", "/claims", token(t, "hospital", "POST", "/claims", body), []byte("other"), 401, "another body"},
		{"too large", "POST", "/claims", token(t, "hospital", "POST", "/claims", nil), bytes.Repeat([]byte("x"), 8<<20+1), 413, "one submission a request"},
		{"no such door", "GET", "/nothing", good, nil, 404, ""},
		{"alive", "GET", "/healthz", "", nil, 204, ""},
		{"which ledger", "GET", "/ledger", "", nil, 200, ""},
	} {
		if got, no := h.send(test.method, test.path, test.token, test.body); got != test.want || !strings.Contains(no.Message, test.says) {
			t.Errorf("%s: got %d %q, want %d %q", test.name, got, no.Message, test.want, test.says)
		}
	}
	other, err := credentials.SignRequest(ledgertest.Signer("hospital"), "GET", "/submissions", "did:key:another", nil, random(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if got, no := h.send("GET", "/submissions", other, nil); got != 401 || !strings.Contains(no.Message, "another server") {
		t.Errorf("for another insurer: got %d %q", got, no.Message)
	}
}

// Every door against every role: who is not named may not.
func TestRoles(t *testing.T) {
	h := newHouse(t)
	handle := random().String()
	for _, door := range []struct {
		method, path string
		may          []string
	}{
		{"POST", "/claims", []string{"hospital"}},
		{"POST", "/authorizations", []string{"hospital"}},
		{"GET", "/submissions", []string{"hospital"}},
		{"GET", "/submissions/" + handle, []string{"hospital", "insurer"}},
		{"GET", "/remittances", []string{"hospital", "insurer"}},
		{"POST", "/remittances", []string{"insurer"}},
		{"GET", "/payments", []string{"insurer"}},
		{"GET", "/reprocess", []string{"insurer"}},
		{"GET", "/owed", []string{"hospital", "insurer"}},
		{"POST", "/claims/C1/refund", []string{"insurer"}},
		{"POST", "/claims/C1/hold", []string{"insurer"}},
		{"POST", "/claims/C1/release", []string{"insurer"}},
		{"POST", "/reprocess", []string{"insurer"}},
		{"POST", "/claims/C1/appeal", []string{"hospital"}},
		{"GET", "/submissions/" + handle + "/letters", []string{"hospital", "reviewer"}},
		{"POST", "/submissions/" + handle + "/letters", []string{"hospital", "reviewer"}},
		{"GET", "/appeals", []string{"reviewer"}},
		{"GET", "/appeals/" + handle, []string{"reviewer"}},
		{"POST", "/appeals/" + handle, []string{"reviewer"}},
		{"GET", "/reviews", []string{"reviewer"}},
		{"GET", "/reviews/" + handle, []string{"reviewer"}},
		{"POST", "/reviews/" + handle, []string{"reviewer"}},
		{"POST", "/editions/plan", []string{"insurer"}},
		{"POST", "/editions/fees", []string{"insurer"}},
		{"POST", "/members?plan=demo-ppo", []string{"insurer"}},
		{"POST", "/coverage?plan=demo-ppo", []string{"insurer"}},
		{"POST", "/providers", []string{"insurer"}},
		{"GET", "/editions", []string{"hospital", "insurer", "auditor", "reviewer", "foreign reviewer"}}, // who is another insurer's
	} {
		for _, name := range []string{"hospital", "insurer", "reviewer", "foreign reviewer", "auditor", "board", "operator"} {
			got, no := h.as(name, door.method, door.path, nil)
			if may := slices.Contains(door.may, name); may == (got == http.StatusForbidden) {
				t.Errorf("%s %s by a %s: got %d %q, want may = %v", door.method, door.path, name, got, no.Message, may)
			}
		}
	}
	for path, method := range map[string]string{
		"/editions/plan": "POST", "/members?plan=demo-ppo": "POST", "/coverage?plan=demo-ppo": "POST", "/providers": "POST", "/remittances?on=2026-05-06": "POST", "/payments": "GET", "/reprocess": "GET", "/claims/C1/hold": "POST", "/claims/C1/refund": "POST", "/claims/C1/release": "POST",
	} {
		if got, _ := h.as("other insurer", method, path, nil); got != http.StatusForbidden {
			t.Errorf("%s %s by another insurer: got %d, want 403", method, path, got)
		}
	}
}

// What is ours to mend is logged, told to the caller as nothing in particular,
// and holds nothing personal. (Every house looks for the canary when it closes.)
func TestFaultsOfOurs(t *testing.T) {
	h := newHouse(t)
	h.submit("C1")
	h.temporal.failing(errors.New("the cluster is away"))
	_, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", aClaim("C2")))
	if status(err) != http.StatusServiceUnavailable || strings.Contains(err.Error(), "cluster") {
		t.Errorf("got %v, want 503 and no particulars", err)
	}
	h.db.Close()
	for _, path := range []string{"/submissions", "/submissions/" + random().String(), "/remittances", "/editions"} {
		if got, no := h.as("hospital", "GET", path, nil); got != http.StatusServiceUnavailable || strings.Contains(no.Message, "database") {
			t.Errorf("%s: got %d %q, want 503", path, got, no.Message)
		}
	}
	if got, no := h.as("newcomer", "GET", "/submissions", nil); got != http.StatusServiceUnavailable || strings.Contains(no.Message, "ledger") {
		t.Errorf("nobody can say who calls: got %d %q, want 503", got, no.Message)
	}
	bad := aClaim("C3")
	bad.Claim.Charge++
	h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", bad))
	h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", aClaim("C4")))
	if n := strings.Count(h.log.String(), "\n"); n != 7 {
		t.Errorf("got %d lines of log, want 7:\n%s", n, h.log.String())
	}
}

func TestEditions(t *testing.T) {
	h := newHouse(t)
	insurer := h.client("insurer")
	plan, fees := example(t, "plan.yaml"), example(t, "fees.csv")
	if _, err := insurer.PublishPlan(ctx, plan); status(err) != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), `fee schedule "demo-fees"`) {
		t.Errorf("a plan without its fees: got %v, want 422 that names them", err)
	}
	if _, err := insurer.PublishFees(ctx, "demo-fees", "2026-01", fees); err != nil {
		t.Fatal(err)
	}
	first, err := insurer.PublishPlan(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := insurer.PublishPlan(ctx, plan); err != nil || again.Handle != first.Handle {
		t.Errorf("again: got %v, %v, want the edition that stands", again.Handle, err)
	}
	for _, test := range []struct {
		name    string
		publish func() error
		says    string
	}{
		{"a plan with a bad line", func() error {
			_, err := insurer.PublishPlan(ctx, bytes.Replace(plan, []byte("coinsurance: 20%"), []byte("coinsurance: much"), 1))
			return err
		}, "line 29"},
		{"a plan that changed", func() error {
			_, err := insurer.PublishPlan(ctx, bytes.Replace(plan, []byte("coinsurance: 20%"), []byte("coinsurance: 30%"), 1))
			return err
		}, "already"},
		{"a plan for other rules", func() error {
			_, err := insurer.PublishPlan(ctx, bytes.Replace(plan, []byte("rules/1"), []byte("rules/9"), 1))
			return err
		}, "rules/9"},
		{"fees without a name", func() error { _, err := insurer.PublishFees(ctx, "", "", fees); return err }, "--name"},
		{"fees whose name is a path", func() error { _, err := insurer.PublishFees(ctx, "../x", "1", fees); return err }, "letters"},
		{"fees under another name", func() error { _, err := insurer.PublishFees(ctx, "demo-fees", "2026-02", fees); return err }, "another name"},
		{"no fees", func() error { _, err := insurer.PublishFees(ctx, "f", "1", []byte("a,b\n")); return err }, "1"},
	} {
		if err := test.publish(); status(err) != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want 422 that says %q", test.name, err, test.says)
		}
	}
	if got, _ := h.as("insurer", "POST", "/editions/menu", plan); got != http.StatusNotFound {
		t.Errorf("another kind: got %d, want 404", got)
	}
	all, err := h.client("auditor").Editions(ctx)
	want := claims.EditionRef{Name: "demo-ppo", Edition: "2026-01", Digest: credentials.DigestOf(plan)}
	if err != nil || len(all) != 2 || !slices.ContainsFunc(all, func(e api.Edition) bool { return e.Ref == want && bytes.Equal(e.Body, plan) }) {
		t.Errorf("got %d editions, %v, want the plan and the fees", len(all), err)
	}
}
