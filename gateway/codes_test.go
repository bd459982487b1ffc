package gateway_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// aList writes an edition.
func aList(t *testing.T, kind claims.CodeKind, edition string, from, until credentials.Date, rows ...codelist.Row) []byte {
	t.Helper()
	l, err := codelist.New(kind, edition, from, until, rows)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPublishedCodes: what the insurer publishes is asked of the next claim, by the
// day of service; what was taken in before stays so.
func TestPublishedCodes(t *testing.T) {
	h := newHouse(t)
	insurer, hospital := h.client("insurer"), h.client("hospital")
	submit := func(number string) (says string, code int) {
		_, err := hospital.SubmitClaim(ctx, signClaim(t, "hospital", aClaim(number)))
		if err != nil {
			says = err.Error()
		}
		return says, status(err)
	}
	if says, code := submit("C1"); code != http.StatusOK {
		t.Fatalf("without lists: %s", says)
	}
	// The claims are of 2026-05-01, with diagnosis M545 and procedure 99213.
	year := aList(t, claims.KindICD10CM, "2026", "2025-10-01", "2026-09-30", codelist.Row{Code: "M545"}, codelist.Row{Code: "M54", Heading: true})
	april := aList(t, claims.KindICD10CM, "2026-04", "2026-04-01", "2026-09-30", codelist.Row{Code: "M545", Heading: true}, codelist.Row{Code: "M5450"})
	cpt := aList(t, claims.KindCPT, "2026", "2026-01-01", "2026-12-31", codelist.Row{Code: "99213", Until: "2026-04-30"})
	for i, step := range []struct {
		publish []byte
		says    string // of the next claim
	}{
		{year, ""},
		{april, "needs more digits: in icd-10-cm 2026-04 on 2026-05-01 it is a heading"},
	} {
		e, err := insurer.PublishCodes(ctx, step.publish)
		if err != nil || e.Kind != "codes" || e.Ref.Name != "icd-10-cm" || e.Ref.Digest != credentials.DigestOf(step.publish) {
			t.Fatalf("publish: %+v, %v", e, err)
		}
		says, code := submit("C" + string(rune('2'+i)))
		if want := map[bool]int{true: http.StatusOK, false: http.StatusUnprocessableEntity}[step.says == ""]; code != want || !strings.Contains(says, step.says) {
			t.Errorf("%d: got %d %s, want %q", i, code, says, step.says)
		}
	}
	if _, err := insurer.PublishCodes(ctx, cpt); err != nil {
		t.Fatal(err)
	}
	_, no := h.as("hospital", "POST", "/claims", []byte(signClaim(t, "hospital", aClaim("C9"))))
	if len(no.Problems) != 2 || no.Problems[0].Edit != "diagnosis-list" || no.Problems[0].Code != "A7:772" || no.Problems[0].Segment != "HI" || no.Problems[0].Loop != "2300" ||
		no.Problems[1].Edit != "procedure-list" || no.Problems[1].Code != "A7:796" || no.Problems[1].Message != "procedure 99213 is not valid on 2026-05-01: in cpt 2026 it is so until 2026-04-30" {
		t.Errorf("got %+v", no.Problems)
	}
	// What is asked about goes the same way as what is billed.
	if _, err := hospital.Estimate(ctx, question(t, "hospital", aClaim("C10"))); status(err) != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), "needs more digits") {
		t.Errorf("estimate: %v", err)
	}
	all, err := hospital.CodeLists(ctx)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, e := range all {
		if public := e.Ref.Name == "icd-10-cm"; (e.Body != nil) != public || public && credentials.DigestOf(e.Body) != e.Ref.Digest {
			t.Errorf("%s %s: a body of %d bytes", e.Ref.Name, e.Ref.Edition, len(e.Body))
		}
	}
	if plans, err := hospital.Editions(ctx); err != nil || len(plans) != 0 {
		t.Errorf("among plans and fees: %+v, %v", plans, err)
	}
	if entry, err := h.books.Recorded(ctx, all[0].Handle); err != nil {
		t.Error(err)
	} else if e, err := ledger.ParseEntry(entry.Entry); err != nil || e.Kind != ledger.KindCodeEdition || e.Document != all[0].Ref.Digest {
		t.Errorf("ledger: %+v, %v", e, err)
	}
}

func TestRefusedCodes(t *testing.T) {
	h := newHouse(t)
	list := aList(t, claims.KindICD10CM, "2026", "2025-10-01", "2026-09-30", codelist.Row{Code: "M545"})
	if _, err := h.client("insurer").PublishCodes(ctx, list); err != nil {
		t.Fatal(err)
	}
	other := aList(t, claims.KindICD10CM, "2026", "2025-10-01", "2026-09-30", codelist.Row{Code: "M5450"})
	for _, tt := range []struct {
		who, says string
		body      []byte
		want      int
	}{
		{"insurer", "published already with other content", other, http.StatusUnprocessableEntity},
		{"insurer", `"m5" does not have the form`, append(bytes.Clone(list), []byte("m5\n")...), http.StatusUnprocessableEntity},
		{"insurer", "ends before its heading", nil, http.StatusUnprocessableEntity},
		{"hospital", "", list, http.StatusForbidden},
		{"other insurer", "only this insurer", list, http.StatusForbidden},
	} {
		if code, no := h.as(tt.who, "POST", "/editions/codes", tt.body); code != tt.want || !strings.Contains(no.Message, tt.says) {
			t.Errorf("%s: got %d %s, want %d %s", tt.who, code, no.Message, tt.want, tt.says)
		}
	}
}

// TestUnreadCodes: by a list that cannot be read nothing is taken; what is wrong
// without it is said.
func TestUnreadCodes(t *testing.T) {
	h := newHouse(t)
	rubbish := []byte("no list")
	e := books.Edition{Kind: books.CodeEdition, Ref: claims.EditionRef{Name: "icd-10-cm", Edition: "1", Digest: credentials.DigestOf(rubbish)}, Handle: random(), Body: rubbish}
	if _, err := h.books.PublishEdition(ctx, e, []byte("entry")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", aClaim("C1"))); status(err) != http.StatusServiceUnavailable || len(h.temporal.started) != 0 {
		t.Errorf("got %v and %d contracts, want 503 and none", err, len(h.temporal.started))
	}
	if _, err := h.client("hospital").Estimate(ctx, question(t, "hospital", aClaim("C2"))); status(err) != http.StatusServiceUnavailable {
		t.Errorf("estimate: got %v, want 503", err)
	}
	bad := aClaim("C3")
	bad.Claim.Charge++
	if _, err := h.client("hospital").SubmitClaim(ctx, signClaim(t, "hospital", bad)); status(err) != http.StatusUnprocessableEntity {
		t.Errorf("wrong without any list: got %v, want 422", err)
	}
}
