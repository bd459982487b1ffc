package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// signed signs the next decision on a claim as contracts do, and settles it.
func (h *house) signed(submission credentials.Handle, outcome claims.Outcome) (document credentials.Handle, token string) {
	h.t.Helper()
	s, err := h.books.StatusOf(ctx, submission)
	if err != nil {
		h.t.Fatal(err)
	}
	number := len(s.Decisions) + 1
	signing := activities.Signing{Books: h.books, Signer: ledgertest.Signer("insurer"), StatusURL: h.url,
		Now: func() time.Time { return noon }, Clock: func() error { return nil }}
	document, err = signing.SignClaim(ctx, activities.ClaimToSign{
		Decision: claims.Decision{Submission: submission, Number: number, Outcome: outcome, Lines: []claims.LineDecision{}},
		Evidence: claims.Evidence{Submission: submission, Number: number, Accumulators: []claims.Accumulators{}, Lines: []claims.LineFact{}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if out, err := h.books.SettleClaim(ctx, books.Settlement{Submission: submission, Document: document}); err != nil || out.Moved {
		h.t.Fatal(out, err)
	}
	if s, err = h.books.StatusOf(ctx, submission); err != nil {
		h.t.Fatal(err)
	}
	return document, s.Decisions[number-1].Signed.Token
}

// public fetches what the door shows to anybody.
func (h *house) public(path string) (status int, body string, header http.Header) {
	h.t.Helper()
	resp, err := http.Get(h.url + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// examine hands a token to the VC API.
func (h *house) examine(token string) (status int, answer map[string]any) {
	h.t.Helper()
	b, err := json.Marshal(map[string]any{"verifiableCredential": map[string]any{"@context": "https://www.w3.org/ns/credentials/v2",
		"id": "data:application/vc+jwt," + token, "type": "EnvelopedVerifiableCredential"}})
	if err != nil {
		h.t.Fatal(err)
	}
	resp, err := http.Post(h.url+"/vc/credentials/verify", "application/json", bytes.NewReader(b))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// listed reads what the lists say of a decision, for anybody and without a token.
func (h *house) listed(token string) (values []int) {
	h.t.Helper()
	keys := func(kid string) (credentials.Key, error) {
		key, _, err := participants{}.Who(kid)
		return key, err
	}
	doc, err := credentials.Open[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, keys)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(doc.Status) != len(credentials.DecisionPurposes) {
		h.t.Fatalf("got %d entries, want one for each of %v", len(doc.Status), credentials.DecisionPurposes)
	}
	for i := range doc.Status {
		e := &doc.Status[i]
		status, list, header := h.public(strings.TrimPrefix(e.Credential, h.url))
		if status != http.StatusOK || header.Get("Content-Type") != "application/vc+jwt" || !strings.HasPrefix(header.Get("Cache-Control"), "public, max-age=") {
			h.t.Fatalf("%s: %d %v %s", e.Credential, status, header, list)
		}
		bits, err := credentials.OpenStatusList(list, doc.Issuer, e, noon, keys)
		if err != nil {
			h.t.Fatal(err)
		}
		place, err := e.Place()
		if err != nil {
			h.t.Fatal(err)
		}
		value, err := bits.Get(place)
		if err != nil {
			h.t.Fatal(err)
		}
		values = append(values, value)
	}
	return values
}

// A decision is good until the one that follows it has its receipt, and from
// then on superseded, by whom the insurer says to those who have it.
func TestDecisionIsSuperseded(t *testing.T) {
	h := newHouse(t)
	claim := h.submit("C1").Handle
	first, token := h.signed(claim, claims.Pended)
	h.record(first)
	stands := func(when, token string) {
		t.Helper()
		if status, answer := h.examine(token); status != http.StatusOK || answer["verified"] != true {
			t.Errorf("%s: %d %v, want verified", when, status, answer)
		}
		if got := h.listed(token); got[0] != 0 || got[1] != credentials.DecisionStands {
			t.Errorf("%s: the lists say %v", when, got)
		}
	}
	stands("alone", token)

	second, next := h.signed(claim, claims.Denied)
	stands("followed by one without a receipt", token)
	h.record(second)
	h.record(second) // again: the receipt's keeping may be repeated
	status, answer := h.examine(token)
	if status != http.StatusUnprocessableEntity || answer["verified"] != false || answer["check"] != "status" || answer["supersededBy"] != second.String() {
		t.Errorf("followed: %d %v, want superseded by %s", status, answer, second)
	}
	if got := h.listed(token); got[0] != 1 || got[1] != credentials.DecisionSuperseded {
		t.Errorf("followed: the lists say %v", got)
	}
	stands("the one that follows", next)
	doc, err := credentials.Open[claims.ClaimDecisionDocument](next, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	if err != nil || doc.Subject.Supersedes == nil || *doc.Subject.Supersedes != first {
		t.Errorf("got %+v, %v, want it to name what it supersedes", doc, err)
	}
}

// A list that cannot be given out leaves the status unknown.
func TestDecisionStatusUnknown(t *testing.T) {
	h := newHouse(t)
	document, token := h.signed(h.submit("C1").Handle, claims.Denied)
	h.record(document)
	said := noon.Add(-time.Hour) // everybody says that this house's clock is ahead
	h.said.Store(&said)
	if status, answer := h.examine(token); status != http.StatusServiceUnavailable || answer["verified"] != false || answer["check"] != "status" {
		t.Errorf("by a clock that is off: %d %v", status, answer)
	}
	if status, body, _ := h.public("/status/revocation/1"); status != http.StatusServiceUnavailable {
		t.Errorf("by a clock that is off: %d %s", status, body)
	}
	h.said.Store(nil)
	if status, answer := h.examine(token); status != http.StatusOK {
		t.Errorf("by a clock that is right: %d %v", status, answer)
	}
	if _, err := h.db.Exec(ctx, `ALTER TABLE status_place RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if status, answer := h.examine(token); status != http.StatusServiceUnavailable || answer["check"] != "status" {
		t.Errorf("without the books: %d %v", status, answer)
	}
}

func TestStatusLists(t *testing.T) {
	h := newHouse(t)
	if status, _, _ := h.public("/status/revocation/1"); status != http.StatusNotFound {
		t.Errorf("before any decision: %d", status)
	}
	document, _ := h.signed(h.submit("C1").Handle, claims.Denied)
	h.record(document)
	for path, want := range map[string]int{
		"/status/revocation/1": 200, "/status/message/1": 200, "/status/suspension/1": 404, "/status/nonsense/1": 404,
		"/status/revocation/2": 404, "/status/revocation/0": 400, "/status/revocation/x": 400, "/status/revocation/99999999999": 400,
	} {
		if status, body, _ := h.public(path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	_, one, _ := h.public("/status/revocation/1")
	if _, two, _ := h.public("/status/revocation/1"); one != two {
		t.Error("signed again for nothing")
	}
}
