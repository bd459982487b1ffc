package vcalm

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/problem"
)

type ledgerParty = ledger.Party

// Each form that a presentation cannot have, by the check that says so.
func TestPresentationForms(t *testing.T) {
	h := open(t)
	good := jwt(token(t, board, license))
	bare := func(edit func(object)) object {
		o := object{"@context": []string{contextV2}, "type": presentationType, "verifiableCredential": []any{good}}
		edit(o)
		return o
	}
	for name, tt := range map[string]struct {
		vp     any
		status int
		check  credentials.Check
	}{
		"good":             {bare(func(object) {}), 200, ""},
		"our context":      {bare(func(o object) { o["@context"] = []string{contextV2, credentials.ContextID} }), 200, ""},
		"null":             {nil, 400, ""},
		"a text":           {"x", 400, ""},
		"no contexts":      {bare(func(o object) { o["@context"] = []string{} }), 422, credentials.CheckContent},
		"ours alone":       {bare(func(o object) { o["@context"] = []string{credentials.ContextID} }), 422, credentials.CheckContent},
		"a context inside": {bare(func(o object) { o["@context"] = []any{contextV2, object{"x": "y"}} }), 422, credentials.CheckContent},
		"a text in it":     {bare(func(o object) { o["verifiableCredential"] = []any{"x"} }), 422, credentials.CheckForm},
		"thirty-two":       {bare(func(o object) { o["verifiableCredential"] = slices.Repeat([]any{good}, maxPresented) }), 200, ""},
		"thirty-three":     {bare(func(o object) { o["verifiableCredential"] = slices.Repeat([]any{good}, maxPresented+1) }), 422, credentials.CheckContent},
	} {
		if a := h.present(t, tt.vp, "", ""); a.status != tt.status || a.Check != tt.check {
			t.Errorf("%s: %d by %q (%s), want %d by %q", name, a.status, a.Check, a.Detail, tt.status, tt.check)
		}
	}
	for name, tt := range map[string]struct {
		edit  func(object)
		check credentials.Check
	}{
		"enveloped, and more":    {func(o object) { o["name"] = "x" }, credentials.CheckContent},
		"without its media type": {func(o object) { o["id"] = o["id"].(string)[len(dataVP):] }, credentials.CheckForm},
	} {
		c := h.challenge(t)
		vp, err := credentials.Present(holder, []string{token(t, board, license)}, c, here, noon)
		if err != nil {
			t.Fatal(err)
		}
		o := enveloped(dataVP, vp, envelopedPresentation)
		tt.edit(o)
		if a := h.present(t, o, c, here); a.status != 422 || a.Check != tt.check {
			t.Errorf("%s: %d by %q (%s), want it by %q", name, a.status, a.Check, a.Detail, tt.check)
		}
	}
}

// One that is bad is the answer, though more is not known of another.
func TestPresentationBadBeforeUnknown(t *testing.T) {
	h := open(t)
	other := license
	other.Handle = credentials.Handle{8}
	h.License = func(_ context.Context, e *credentials.Envelope, _ credentials.License) (Currently, error) {
		if e.Handle == license.Handle {
			return Currently{}, nil
		}
		return Currently{Standing: credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}}, nil
	}
	unknown, revoked := jwt(token(t, board, license)), jwt(token(t, board, other))
	for name, vcs := range map[string][]any{"the second": {unknown, revoked}, "the first": {revoked, unknown}} {
		vp := object{"@context": []string{contextV2}, "type": presentationType, "verifiableCredential": vcs}
		if a := h.present(t, vp, "", ""); a.status != 422 || a.Check != credentials.CheckStatus {
			t.Errorf("%s is bad: %d by %q", name, a.status, a.Check)
		}
	}
}

// What has taken the place of a document is said of what its issuer calls over,
// and of nothing else.
func TestOver(t *testing.T) {
	h, next := open(t), credentials.Handle{9}
	h.FollowedBy = func(context.Context, *credentials.Envelope, credentials.Digest) (credentials.Handle, error) {
		return next, h.err
	}
	over := credentials.Verdict{Outcome: credentials.Bad, Check: credentials.CheckStatus, Why: "its bit", Message: "superseded"}
	for name, tt := range map[string]struct {
		kind   credentials.Kind
		edit   func(*credentials.Verdict)
		status int
		why    string
		by     credentials.Handle
	}{
		"over":             {credentials.KindClaimDecision, func(*credentials.Verdict) {}, 422, "status: its issuer says that it is superseded: " + next.String() + " has taken its place", next},
		"a license":        {credentials.KindLicense, func(*credentials.Verdict) {}, 422, "status: its bit", credentials.Handle{}},
		"by another check": {credentials.KindClaimDecision, func(v *credentials.Verdict) { v.Check = credentials.CheckDates }, 422, "dates: its bit", credentials.Handle{}},
		"not known":        {credentials.KindClaimDecision, func(v *credentials.Verdict) { v.Outcome = credentials.NotKnown }, 503, "status: its bit", credentials.Handle{}},
		"without a word":   {credentials.KindClaimDecision, func(v *credentials.Verdict) { v.Message = "" }, 422, "status: its bit", credentials.Handle{}},
	} {
		v := over
		tt.edit(&v)
		err := h.over(t.Context(), proved{Envelope: &credentials.Envelope{Kind: tt.kind}}, v)
		var no *Refused
		if !errors.As(err, &no) || no.Status != tt.status || no.Detail != tt.why || no.SupersededBy != tt.by {
			t.Errorf("%s: %+v", name, err)
		}
	}
	h.err = errors.New("the books are away")
	if err := h.over(t.Context(), proved{Envelope: &credentials.Envelope{Kind: credentials.KindClaimDecision}}, over); !errors.Is(err, h.err) {
		t.Errorf("a house in trouble: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line is cut") }

// A request is read to its end, and is what its header says.
func TestReadRefuses(t *testing.T) {
	r := httptest.NewRequest("POST", "/", broken{})
	r.Header.Set("Content-Type", "application/json")
	_, err := read(httptest.NewRecorder(), r)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 400 || !bytes.Contains([]byte(p.Title), []byte("could not be read")) {
		t.Errorf("a request that breaks off: %v", err)
	}
	h := open(t)
	if a := h.send(t, "/vc/credentials/verify", "application/json; =", []byte("{}")); a.status != 415 {
		t.Errorf("a header that cannot be read: %d", a.status)
	}
}

// What a stranger wrote comes back in one line of printable letters.
func TestOneLine(t *testing.T) {
	if got := oneLine("a\nb\x7f\u00e9~"); got != "a?b??~" {
		t.Errorf("got %q", got)
	}
}
