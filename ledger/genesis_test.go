package ledger_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func newLeaf(t testing.TB) []byte {
	t.Helper()
	g, founders := ledgertest.Draft()
	leaf, err := ledger.NewGenesis(g, founders...)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func TestGenesis(t *testing.T) {
	leaf := newLeaf(t)
	g, err := ledger.ParseGenesis(leaf)
	if err != nil {
		t.Fatal(err)
	}
	if g.Digest() != credentials.DigestOf(leaf) || !bytes.Equal(g.MarshalLeaf(), leaf) || len(g.Signatures) != 3 {
		t.Errorf("got %+v", g)
	}
}

func TestGenesisRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*ledger.Genesis){
		"quorum 2 of 3":        func(g *ledger.Genesis) { g.Witnesses, g.Quorum = g.Witnesses[:3], 2 },
		"quorum 2 of 4":        func(g *ledger.Genesis) { g.Quorum = 2 },
		"quorum 5 of 4":        func(g *ledger.Genesis) { g.Quorum = 5 },
		"quorum 1 of 1":        func(g *ledger.Genesis) { g.Witnesses, g.Quorum = g.Witnesses[:1], 1 },
		"no witnesses":         func(g *ledger.Genesis) { g.Witnesses, g.Quorum = nil, 0 },
		"witness twice":        func(g *ledger.Genesis) { g.Witnesses = append(g.Witnesses[:3:3], g.Witnesses[0]) },
		"log as witness":       func(g *ledger.Genesis) { g.Witnesses = append(g.Witnesses[:3:3], g.LogKey) },
		"other origin":         func(g *ledger.Genesis) { g.Origin = "ledger.example/other" },
		"no founders":          func(g *ledger.Genesis) { g.Founders = nil },
		"founder twice":        func(g *ledger.Genesis) { g.Founders[2] = g.Founders[0] },
		"unknown role":         func(g *ledger.Genesis) { g.Founders[0].Role = "owner" },
		"key of another":       func(g *ledger.Genesis) { g.Founders[0].Key = g.Founders[1].Key },
		"no name":              func(g *ledger.Genesis) { g.Founders[0].Name = "" },
		"name of two lines":    func(g *ledger.Genesis) { g.Founders[0].Name = "a\nb" },
		"admission by 1 of 3":  func(g *ledger.Genesis) { g.Admission = 1 },
		"admission by 4 of 3":  func(g *ledger.Genesis) { g.Admission = 4 },
		"no time":              func(g *ledger.Genesis) { g.Created = time.Time{} },
		"key id of another":    func(g *ledger.Genesis) { g.Founders[0].KeyID = g.Founders[1].Kid() },
		"founders out of turn": func(g *ledger.Genesis) { g.Founders[0], g.Founders[1] = g.Founders[1], g.Founders[0] },
	} {
		g, founders := ledgertest.Draft()
		spoil(&g)
		if _, err := ledger.NewGenesis(g, founders...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	g, founders := ledgertest.Draft()
	if _, err := ledger.NewGenesis(g, founders[:2]...); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("a founder has not signed: got %v", err)
	}
}

// The same witness key under two names would count twice.
func TestPolicyRefusesOneKeyUnderTwoNames(t *testing.T) {
	l := ledgertest.New(t)
	w := l.Genesis.Witnesses
	// Rename the first: the hash covers the name, so compute it as a vkey does.
	other := renamed(t, "witness.example/other", "w1")
	if _, err := ledger.NewPolicy(l.Genesis.Origin, l.Genesis.LogKey, []string{w[0], w[1], w[2], other}, 3); err == nil {
		t.Error("accepted")
	}
}

func TestGenesisEveryByte(t *testing.T) {
	leaf := newLeaf(t)
	for i := range leaf {
		for _, mask := range []byte{1, 0x80} {
			bad := bytes.Clone(leaf)
			bad[i] ^= mask
			if _, err := ledger.ParseGenesis(bad); err == nil {
				t.Fatalf("byte %d changed: accepted", i)
			}
		}
	}
}

// The payload signed by the first founder's entry key alone is not enough: the
// other founders' signatures must hold for exactly that document.
func TestGenesisFirstFounderCannotChangeIt(t *testing.T) {
	g, err := ledger.ParseGenesis(newLeaf(t))
	if err != nil {
		t.Fatal(err)
	}
	g.Quorum = 4
	if _, err := g.Leaf(ledgertest.Signer("board")); err == nil {
		t.Error("accepted a quorum that nobody else signed")
	}
}

func TestTrust(t *testing.T) {
	leaf := newLeaf(t)
	trust := ledger.Trust{Origin: ledgertest.Origin, Genesis: credentials.DigestOf(leaf)}
	file, err := trust.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ledger.ParseTrust(file); err != nil || got != trust {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := trust.Check(leaf); err != nil {
		t.Error(err)
	}
	for i := range file {
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[i] ^= 1 << bit
			if got, err := ledger.ParseTrust(bad); err == nil {
				if _, err := got.Check(leaf); err == nil {
					t.Fatalf("byte %d bit %d flipped: accepted", i, bit)
				}
			}
		}
	}
	var loose map[string]any
	json.Unmarshal(file, &loose)
	spaced, _ := json.MarshalIndent(loose, "", " ")
	for name, b := range map[string][]byte{"spaced": append(spaced, '\n'), "no line feed": file[:len(file)-1],
		"two line feeds": append(bytes.Clone(file), '\n'), "empty": nil} {
		if _, err := ledger.ParseTrust(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRegistry(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	order := ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, "d")
	if err := r.Check(order); err == nil {
		t.Error("a stranger's entry: accepted")
	}
	refused := map[string]ledger.Entry{
		"one founder":          l.Admission(t, "reviewer", ledger.RoleReviewer, "board"),
		"one founder twice":    l.Admission(t, "reviewer", ledger.RoleReviewer, "board", "board"),
		"a stranger approves":  l.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer", "stranger"),
		"a founder once again": l.Admission(t, "board", ledger.RoleBoard, "insurer", "hospital"),
		"not an admission":     ledgertest.Entry(t, "x"),
	}
	forged := l.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer")
	forged.Signature[0] ^= 1
	refused["not signed by the newcomer"] = forged
	for name, e := range refused {
		if err := r.Clone().Admit(5, e); err == nil {
			t.Errorf("%s: admitted", name)
		}
	}
	e := l.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer")
	if err := r.Check(e); err != nil {
		t.Errorf("before: %v", err)
	}
	if err := r.Admit(5, e); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(6, e); err == nil {
		t.Error("admitted twice")
	}
	if err := r.Check(order); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := r.CheckAt(4, order); err == nil {
		t.Error("an entry from before the admission: accepted")
	}
	if err := r.CheckAt(6, order); err != nil {
		t.Error(err)
	}
	if err := r.CheckAt(5, e); err != nil {
		t.Errorf("the admission itself: %v", err)
	}
	if err := r.Check(ledgertest.EntryBy(t, "reviewer", ledger.KindLicense, "l")); err == nil {
		t.Error("a reviewer's license: accepted")
	}
	key, party, err := r.Key(order.KeyID)
	if err != nil || party.Role != ledger.RoleReviewer || order.Verify(key.Ed25519()) != nil || r.Highest() != 5 {
		t.Errorf("got %v, %+v, %v", key, party, err)
	}
}

// An approval is for one ledger only.
func TestApprovalBelongsToOneLedger(t *testing.T) {
	l := ledgertest.New(t)
	a := ledger.Admission{Party: ledgertest.Party("reviewer", ledger.RoleReviewer)}
	for _, f := range []string{"board", "insurer"} {
		ap, err := ledger.Approve(credentials.Digest{9}, a.Party, ledgertest.Signer(f))
		if err != nil {
			t.Fatal(err)
		}
		a.Approvals = append(a.Approvals, ap)
	}
	e, err := a.Entry()
	if err != nil {
		t.Fatal(err)
	}
	if e, err = e.Sign(ledgertest.Signer("reviewer")); err != nil {
		t.Fatal(err)
	}
	r, _ := ledger.NewRegistry(l.Genesis)
	if err := r.Admit(5, e); err == nil {
		t.Error("admitted with the approvals of another ledger")
	}
}

func FuzzParseGenesis(f *testing.F) {
	f.Add(newLeaf(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ledger.ParseGenesis(b)
		if err == nil && !bytes.Equal(g.MarshalLeaf(), b) {
			t.Error("parsed, and marshals to other bytes")
		}
	})
}

func FuzzParseTrust(f *testing.F) {
	b, _ := ledger.Trust{Origin: "a", Genesis: credentials.Digest{1}}.Marshal()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		trust, err := ledger.ParseTrust(b)
		if err != nil {
			return
		}
		if again, err := trust.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("parsed, and marshals to %q (%v)", again, err)
		}
	})
}
