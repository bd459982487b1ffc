package gateway_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
)

// The insurer verifies a license by its books: what its board ordered counts, and where the feed is stale nothing is known.
func TestVCVerify(t *testing.T) {
	h := newHouse(t)
	board := ledgertest.Signer("board")
	l := credentials.License{Handle: random(), NPI: clinician, Name: canary, Jurisdiction: "CA", Profession: "MD", Number: "1", From: "2020-01-01", Until: "2028-12-31"}
	heard := func(sequence int64, kind credentials.Kind, entered ledger.Kind, subject credentials.Handle, doc any) store.Heard {
		e := store.Heard{Sequence: sequence, Index: 10 * sequence, Receipt: []byte("receipt")}
		var err error
		switch d := doc.(type) {
		case credentials.License:
			e.License = &d
			e.Token, err = credentials.Issue(board, kind, subject, noon.AddDate(-1, 0, 0), nil, d)
		case credentials.Order:
			e.Order = &d
			e.Token, err = credentials.Issue(board, kind, subject, noon, nil, d)
		}
		if err != nil {
			t.Fatal(err)
		}
		entry, err := ledger.Entry{Kind: entered, Subject: subject, Document: credentials.DocumentDigest(e.Token), Effective: noon}.Sign(board)
		if err != nil {
			t.Fatal(err)
		}
		e.Entry = entry.Marshal()
		return e
	}
	hear := func(read time.Time, events ...store.Heard) {
		t.Helper()
		if err := h.books.Hear(ctx, did("board"), "CA", events, read); err != nil {
			t.Fatal(err)
		}
	}
	first := heard(1, credentials.KindLicense, ledger.KindLicense, l.Handle, l)
	draft, err := credentials.Draft(board, credentials.KindLicense, l.Handle, noon.AddDate(-1, 0, 0), time.Time{}, nil, l)
	if err != nil {
		t.Fatal(err)
	}
	linked, err := integrity.Sign(board, integrity.JCS, draft, integrity.Terms{Purpose: integrity.Assertion, Created: noon.AddDate(-1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(name string, want int) {
		t.Helper()
		for form, vc := range map[string]any{"jcs": json.RawMessage(linked), "jwt": map[string]any{"@context": "https://www.w3.org/ns/credentials/v2",
			"id": "data:application/vc+jwt," + first.Token, "type": "EnvelopedVerifiableCredential"}} {
			b, err := json.Marshal(map[string]any{"verifiableCredential": vc})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.Post(h.url+"/vc/credentials/verify", "application/json", bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			var answer map[string]any
			err = json.NewDecoder(resp.Body).Decode(&answer)
			resp.Body.Close()
			if err != nil || resp.StatusCode != want || answer["verified"] != (want == 200) {
				t.Errorf("%s, %s: %d %v, %v; want %d", name, form, resp.StatusCode, answer, err, want)
			}
		}
	}
	verify("nothing was heard", 503)
	hear(noon, first)
	verify("licensed", 200)
	hear(noon.Add(-6 * time.Minute))
	verify("stale", 503)
	revoke := credentials.Order{Handle: random(), License: l.Handle, Action: credentials.OrderRevoke, Effective: noon.AddDate(0, 0, 1), Reason: "R-1"}
	hear(noon, heard(2, credentials.KindBoardOrder, ledger.KindBoardOrder, revoke.Handle, revoke))
	verify("revoked from tomorrow on", 200)
	revoke.Handle, revoke.Effective = random(), noon
	hear(noon, heard(3, credentials.KindBoardOrder, ledger.KindBoardOrder, revoke.Handle, revoke))
	verify("revoked", 422)
	hear(noon.Add(-time.Hour))
	verify("revoked, and stale", 422)
}
