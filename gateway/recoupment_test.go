package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// overpaid is a claim that was paid, decided anew and denied, which the books have
// as owed: what pays it is played.
func (h *house) overpaid(number string) api.Acceptance {
	h.t.Helper()
	h.license(clinician)
	a := h.bill(number, claims.Paid, func(*claims.Submission) {})
	_, err := h.db.Exec(ctx, `
		INSERT INTO overpayment (document, submission, control, submitter, payee, tax_id, trace, demanded, due, owed)
		SELECT d.document, s.handle, s.control, s.submitter, '1003000126', '990000001', 'T1-1', '2026-05-07', '2026-06-17', 6000
		FROM submission s JOIN decision d ON d.document = s.latest WHERE s.handle = $1`, a.Handle.String())
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// TestRefundOverHTTP registers a refund once, in the name of the key that asks, and
// refuses in words what is not owed; a submitter sees what is its own.
func TestRefundOverHTTP(t *testing.T) {
	h := newHouse(t)
	a := h.overpaid("C1")
	insurer := h.client("insurer")
	for body, want := range map[string]struct {
		status int
		words  string
	}{
		`{`:                   {http.StatusBadRequest, "the reference has to be"},
		`{"amountCents":100}`: {http.StatusBadRequest, "the reference has to be"},
		`{"amountCents":100,"reference":"Jane Doe"}`: {http.StatusBadRequest, "nothing personal"},
		`{"amountCents":0,"reference":"r1"}`:         {http.StatusBadRequest, "more than nothing"},
		`{"amountCents":-100,"reference":"r1"}`:      {http.StatusBadRequest, "more than nothing"},
		`{"amountCents":6001,"reference":"r1"}`:      {http.StatusConflict, "more than is owed: 60.00"},
	} {
		if _, err := insurer.Refund(ctx, a.Control, []byte(body)); status(err) != want.status || !strings.Contains(err.Error(), want.words) {
			t.Errorf("%s: got %v, want %d %s", body, err, want.status, want.words)
		}
	}
	for i, name := range []string{a.Control, a.Handle.String()} {
		got, err := insurer.Refund(ctx, name, []byte(`{"amountCents":2500,"reference":"r1"}`))
		if err != nil || got.Again != (i == 1) || got.Control != a.Control || got.Amount != 2500 || got.Trace != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, err := insurer.Refund(ctx, a.Control, []byte(`{"amountCents":100,"reference":"r1"}`)); status(err) != http.StatusConflict {
		t.Errorf("another amount: got %v, want 409", err)
	}
	if _, err := insurer.Refund(ctx, "CSNONE", []byte(`{"amountCents":100,"reference":"r2"}`)); status(err) != http.StatusNotFound {
		t.Errorf("got %v, want 404", err)
	}
	var by, token string
	if err := h.db.QueryRow(ctx, `SELECT registered_by, token FROM refund`).Scan(&by, &token); err != nil || by == "" || strings.Count(token, ".") != 2 {
		t.Errorf("by %q, %d bytes of token, %v", by, len(token), err)
	}
	for name, want := range map[string]int{"insurer": 1, "hospital": 1, "other hospital": 0} {
		o, err := h.client(name).Owed(ctx)
		if err != nil || len(o.Overpayments) != want || len(o.Refunds) != want {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
		if want == 1 && (o.Overpayments[0].Owed != 3500 || o.Overpayments[0].From != "2026-06-17" || o.Overpayments[0].Stayed) {
			t.Errorf("%s: got %+v", name, o.Overpayments[0])
		}
	}
	appeal := books.AppealFile{Appeal: claims.Appeal{Handle: random(), Subject: a.Handle, Number: 1, Words: "why"}, Due: credentials.Date("2026-07-01"), Token: "token"}
	if _, _, err := h.books.KeepAppeal(ctx, appeal); err != nil {
		t.Fatal(err)
	}
	if o, err := insurer.Owed(ctx); err != nil || !o.Overpayments[0].Stayed {
		t.Errorf("appealed: got %+v, %v", o, err)
	}
}
