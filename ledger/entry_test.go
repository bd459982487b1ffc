package ledger_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// The encoding is for ever: this vector must never change.
func TestEntryGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/entry.hex")
	if err != nil {
		t.Fatal(err)
	}
	got := ledgertest.Entry(t, "golden").Marshal()
	if hex.EncodeToString(got) != strings.TrimSpace(string(want)) {
		t.Errorf("got  %x\nwant %s", got, want)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	e := ledgertest.Entry(t, "a")
	got, err := ledger.ParseEntry(e.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != e.Kind || got.Subject != e.Subject || got.Document != e.Document || !got.Effective.Equal(e.Effective) ||
		got.KeyID != e.KeyID || got.Signature != e.Signature || len(got.Payload) != 0 {
		t.Errorf("got %+v, want %+v", got, e)
	}
	if got.Issuer() != ledgertest.Party("insurer", ledger.RoleInsurer).DID {
		t.Errorf("got issuer %s", got.Issuer())
	}
	pub, _ := credentials.ResolveDIDKey(e.KeyID)
	if err := got.Verify(pub.Ed25519()); err != nil {
		t.Error(err)
	}
}

// Every bit of an entry matters: the key id is signed over, too.
func TestEntryEveryBit(t *testing.T) {
	leaf := ledgertest.Entry(t, "a").Marshal()
	pub, _ := credentials.ResolveDIDKey(ledgertest.Signer("insurer").KeyID())
	for i := range leaf {
		for bit := range 8 {
			bad := bytes.Clone(leaf)
			bad[i] ^= 1 << bit
			if e, err := ledger.ParseEntry(bad); err == nil && e.Verify(pub.Ed25519()) == nil {
				t.Fatalf("byte %d bit %d flipped: accepted", i, bit)
			}
		}
		if _, err := ledger.ParseEntry(leaf[:i]); err == nil {
			t.Fatalf("cut at %d: accepted", i)
		}
	}
	if _, err := ledger.ParseEntry(append(bytes.Clone(leaf), 0)); err == nil {
		t.Error("a byte behind it: accepted")
	}
}

func TestSignRefuses(t *testing.T) {
	whole := ledger.Entry{Kind: ledger.KindLicense, Subject: credentials.Handle{1}, Document: credentials.Digest{1}, Effective: time.Unix(0, 0)}
	for name, spoil := range map[string]func(*ledger.Entry){
		"unknown kind":        func(e *ledger.Entry) { e.Kind = 99 },
		"no kind":             func(e *ledger.Entry) { e.Kind = 0 },
		"no subject":          func(e *ledger.Entry) { e.Subject = credentials.Handle{} },
		"no document":         func(e *ledger.Entry) { e.Document = credentials.Digest{} },
		"payload":             func(e *ledger.Entry) { e.Payload = []byte("x") },
		"no payload":          func(e *ledger.Entry) { e.Kind = ledger.KindParticipant },
		"far future":          func(e *ledger.Entry) { e.Effective = time.Unix(1<<40, 0) },
		"too large":           func(e *ledger.Entry) { e.Kind, e.Payload = ledger.KindParticipant, make([]byte, 65500) },
		"genesis and subject": func(e *ledger.Entry) { e.Kind, e.Payload = ledger.KindGenesis, []byte("{}") },
	} {
		e := whole
		spoil(&e)
		if _, err := e.Sign(ledgertest.Signer("board")); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := whole.Sign(ledgertest.Signer("board")); err != nil {
		t.Errorf("the whole one: %v", err)
	}
}

func TestKinds(t *testing.T) {
	for k := ledger.KindGenesis; k <= ledger.KindDetermination; k++ {
		if got, err := ledger.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v: got %v, %v", k, got, err)
		}
	}
	for _, s := range []string{"", "Genesis", "kind 1", "claim"} {
		if _, err := ledger.ParseKind(s); err == nil {
			t.Errorf("%q: accepted", s)
		}
	}
}

func TestMayIssue(t *testing.T) {
	for _, c := range []struct {
		role ledger.Role
		kind ledger.Kind
		want bool
	}{
		{ledger.RoleBoard, ledger.KindLicense, true},
		{ledger.RoleBoard, ledger.KindBoardOrder, true},
		{ledger.RoleBoard, ledger.KindStatusList, true},
		{ledger.RoleBoard, ledger.KindClaimDecision, false},
		{ledger.RoleInsurer, ledger.KindPlanEdition, true},
		{ledger.RoleInsurer, ledger.KindFeeEdition, true},
		{ledger.RoleInsurer, ledger.KindClaimDecision, true},
		{ledger.RoleInsurer, ledger.KindAuthorizationDecision, true},
		{ledger.RoleInsurer, ledger.KindRemittance, true},
		{ledger.RoleInsurer, ledger.KindLicense, false},
		{ledger.RoleInsurer, ledger.KindBoardOrder, false},
		{ledger.RoleReviewer, ledger.KindDetermination, true},
		{ledger.RoleReviewer, ledger.KindClaimDecision, false},
		{ledger.RoleHospital, ledger.KindClaimDecision, false},
		{ledger.RoleAuditor, ledger.KindRemittance, false},
		{ledger.RoleOperator, ledger.KindGenesis, false},
		{ledger.RoleInsurer, ledger.KindParticipant, false}, // the founders' approvals decide
		{"", ledger.KindLicense, false},
	} {
		if got := ledger.MayIssue(c.role, c.kind); got != c.want {
			t.Errorf("%s, %v: got %v, want %v", c.role, c.kind, got, c.want)
		}
	}
}

// No two fields may run into each other.
func TestEntryKeyIsInjective(t *testing.T) {
	b := credentials.Digest{1}
	keys := map[credentials.Digest]bool{
		ledger.EntryKey("a", "did:x:bc", b):                      true,
		ledger.EntryKey("ad", "id:x:bc", b):                      true,
		ledger.EntryKey("a", "did:x:b", b):                       true,
		ledger.EntryKey("b", "did:x:bc", b):                      true,
		ledger.EntryKey("a", "did:x:bc", credentials.Digest{2}):  true,
		ledger.EntryKey("", "did:x:bc", credentials.Digest{1}):   true,
		ledger.EntryKey("a", "did:x:bc", credentials.Digest{31}): true,
	}
	if len(keys) != 7 {
		t.Errorf("got %d keys, want 7", len(keys))
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(ledgertest.Entry(f, "seed").Marshal())
	g, founders := ledgertest.Draft()
	leaf, err := ledger.NewGenesis(g, founders...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(leaf)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ledger.ParseEntry(b)
		if err == nil && !bytes.Equal(e.Marshal(), b) {
			t.Errorf("parsed, and marshals to other bytes")
		}
	})
}
