package ledger_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// next is the key of a name as one that follows the insurer's.
func next(name string) credentials.Signer {
	did, _, _ := credentials.ParseKeyID(ledgertest.Signer("insurer").KeyID())
	key := ledgertest.Key(name)
	_, multikey, _ := credentials.ParseKeyID(credentials.NewSigner("", key).KeyID())
	return credentials.NewSigner(string(did)+"#"+multikey, key)
}

func signed(t *testing.T, e ledger.Entry, err error, s credentials.Signer) ledger.Entry {
	t.Helper()
	if err == nil {
		e, err = e.Sign(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func handover(t *testing.T, l *ledgertest.Ledger, from, to credentials.Signer) ledger.Entry {
	t.Helper()
	h, err := ledger.NewHandover(l.Genesis.Digest(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Entry()
	return signed(t, e, err, from)
}

func decisionBy(t *testing.T, s credentials.Signer) ledger.Entry {
	t.Helper()
	return signed(t, ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{1}, Document: credentials.Digest{1}}, nil, s)
}

func TestHandover(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := ledgertest.Signer("insurer"), next("second"), next("third")
	to := handover(t, l, first, second)
	if err := r.Check(to); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(10, to); err != nil {
		t.Fatal(err)
	}
	onward := handover(t, l, second, third)
	if err := r.Admit(20, onward); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who      string
		s        credentials.Signer
		at       int64
		accepted bool
	}{
		{"first", first, 9, true}, {"first", first, 10, true}, {"first", first, 11, false}, {"first", first, 21, false},
		{"second", second, 9, false}, {"second", second, 10, false}, {"second", second, 11, true}, {"second", second, 20, true}, {"second", second, 21, false},
		{"third", third, 20, false}, {"third", third, 21, true},
	} {
		e := decisionBy(t, tt.s)
		if err := r.CheckAt(tt.at, e); (err == nil) != tt.accepted {
			t.Errorf("the %s key at %d: %v, want accepted=%v", tt.who, tt.at, err, tt.accepted)
		}
		if err := r.MayIssueAt(tt.at, e); (err == nil) != tt.accepted {
			t.Errorf("the %s key at %d: MayIssueAt says %v", tt.who, tt.at, err)
		}
	}
	insurer, _ := credentials.SignerDID(first)
	for i, s := range []credentials.Signer{first, second, third} {
		key, party, err := r.Key(s.KeyID())
		if err != nil || party.DID != insurer || party.Role != ledger.RoleInsurer || party.Name != "insurer" || party.Kid() != s.KeyID() {
			t.Errorf("key %d: %+v, %v", i, party, err)
		}
		if decisionBy(t, s).Verify(key.Ed25519()) != nil {
			t.Errorf("key %d: it is another one", i)
		}
		if _, _, err := r.Current(s.KeyID()); errors.Is(err, ledger.ErrRetired) != (i < 2) {
			t.Errorf("key %d: Current says %v", i, err)
		}
	}
	if p, err := r.PartyOf(insurer); err != nil || p.Kid() != third.KeyID() {
		t.Errorf("PartyOf: %+v, %v", p, err)
	}
	// The entries themselves hold where they stand, and nowhere else.
	for at, e := range map[int64]ledger.Entry{10: to, 20: onward} {
		if err := r.CheckAt(at, e); err != nil {
			t.Errorf("the handover at %d: %v", at, err)
		}
		if r.CheckAt(at+1, e) == nil || r.Admit(at+30, e) == nil {
			t.Errorf("the handover of %d, once more: accepted", at)
		}
	}
	if again := r.Clone(); again.CheckAt(10, to) != nil || again.CheckAt(21, decisionBy(t, second)) == nil {
		t.Error("a clone has forgotten the handovers")
	}
}

// Whoever stole a key that was handed over cannot take the party back, and
// nobody takes over what is not theirs.
func TestHandoverRefused(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	first, second := ledgertest.Signer("insurer"), next("second")
	if err := r.Admit(10, handover(t, l, first, second)); err != nil {
		t.Fatal(err)
	}
	hand := func(from, to credentials.Signer, spoil func(*ledger.Handover)) ledger.Entry {
		h, err := ledger.NewHandover(l.Genesis.Digest(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		spoil(&h)
		e, err := h.Entry()
		return signed(t, e, err, from)
	}
	sound := func(*ledger.Handover) {}
	elsewhere, err := ledger.NewHandover(credentials.Digest{9}, second, next("third"))
	if err != nil {
		t.Fatal(err)
	}
	_, board, _ := credentials.ParseKeyID(ledgertest.Signer("board").KeyID())
	for what, e := range map[string]ledger.Entry{
		"the old key, to one of its own":   hand(first, next("thief"), sound),
		"the old key, once more":           hand(first, second, sound),
		"back to the old key":              hand(second, next("insurer"), sound),
		"to the board's key":               hand(second, next("board"), sound),
		"to the same key":                  hand(second, second, sound),
		"to a key that did not sign":       hand(second, next("third"), func(h *ledger.Handover) { h.New = board }),
		"without a proof":                  hand(second, next("third"), func(h *ledger.Handover) { h.Proof = "" }),
		"of the board":                     hand(second, next("third"), func(h *ledger.Handover) { h.DID, _ = credentials.SignerDID(ledgertest.Signer("board")) }),
		"as if from the first":             hand(second, next("third"), func(h *ledger.Handover) { h.Old = first.KeyID() }),
		"on another ledger":                hand(second, next("third"), func(h *ledger.Handover) { h.Proof = elsewhere.Proof }),
		"of somebody who is not there":     hand(ledgertest.Signer("stranger"), ledgertest.Signer("stranger"), sound),
		"of no key":                        hand(second, next("third"), func(h *ledger.Handover) { h.New = "z" }),
		"a newcomer whose key is retired":  l.Admission(t, "insurer", ledger.RoleInsurer, "board", "hospital"),
		"a newcomer whose key is the next": l.Admission(t, "second", ledger.RoleInsurer, "board", "hospital"),
	} {
		if r.Check(e) == nil || r.CheckAt(30, e) == nil || r.Clone().Admit(30, e) == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	other := hand(second, next("third"), sound)
	other.Signature[0] ^= 1
	if r.Clone().Admit(30, other) == nil {
		t.Error("without the old key's signature: accepted")
	}
	if err := r.Clone().Admit(30, hand(second, next("third"), sound)); err != nil {
		t.Errorf("the same without a fault: %v", err)
	}
}

// A founder's key that was handed over lets nobody in any more.
func TestRetiredFounder(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	newcomer := l.Admission(t, "newcomer", ledger.RoleReviewer, "insurer", "board")
	if err := r.Clone().Admit(11, newcomer); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(10, handover(t, l, ledgertest.Signer("insurer"), next("second"))); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(11, newcomer); err == nil {
		t.Error("let in by a key that was handed over")
	}
	p := ledgertest.Party("newcomer", ledger.RoleReviewer)
	a := ledger.Admission{Party: p}
	for _, s := range []credentials.Signer{next("second"), ledgertest.Signer("board")} {
		ap, err := ledger.Approve(l.Genesis.Digest(), p, s)
		if err != nil {
			t.Fatal(err)
		}
		a.Approvals = append(a.Approvals, ap)
	}
	e, err := a.Entry()
	if err := r.Admit(12, signed(t, e, err, ledgertest.Signer("newcomer"))); err != nil {
		t.Errorf("approved with the next key: %v", err)
	}
}
