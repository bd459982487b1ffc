package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func insurer() credentials.DID {
	did, _ := credentials.SignerDID(ledgertest.Signer("insurer"))
	return did
}

// bad is the insurer's own declaration, signed by s.
func bad(t *testing.T, s credentials.Signer, about credentials.Signer, from int64) ledger.Entry {
	t.Helper()
	e, err := ledger.Compromise{DID: insurer(), Key: about.KeyID(), From: from}.Entry()
	return signed(t, e, err, s)
}

// badByFounders is that of the founders named, with the key that follows.
func badByFounders(t *testing.T, l *ledgertest.Ledger, about credentials.Signer, from int64, to credentials.Signer, founders ...credentials.Signer) ledger.Entry {
	t.Helper()
	_, multikey, _ := credentials.ParseKeyID(to.KeyID())
	c := ledger.Compromise{DID: insurer(), Key: about.KeyID(), From: from, Next: multikey}
	for _, f := range founders {
		ap, err := ledger.ApproveCompromise(l.Genesis.Digest(), c, f)
		if err != nil {
			t.Fatal(err)
		}
		c.Approvals = append(c.Approvals, ap)
	}
	e, err := c.Entry()
	return signed(t, e, err, to)
}

// rotated is a registry in which the insurer has handed over at 10 and at 20.
func rotated(t *testing.T) (*ledgertest.Ledger, *ledger.Registry, []credentials.Signer) {
	t.Helper()
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	keys := []credentials.Signer{ledgertest.Signer("insurer"), next("second"), next("third")}
	for i := range 2 {
		if err := r.Admit(int64(10*(i+1)), handover(t, l, keys[i], keys[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	return l, r, keys
}

func wantBadFrom(t *testing.T, r *ledger.Registry, s credentials.Signer, want credentials.Position) {
	t.Helper()
	k, _, err := r.Key(s.KeyID())
	if err != nil || k.BadFrom != want {
		t.Errorf("%s is bad from %d, %v; want %d", s.KeyID(), k.BadFrom, err, want)
	}
}

// What a key signed before the place holds, what it signed at the place or
// behind does not, and the party goes on with the key that said so.
func TestCompromise(t *testing.T) {
	_, r, keys := rotated(t)
	said := bad(t, keys[2], keys[0], 7)
	if err := r.Check(said); err != nil {
		t.Fatal(err)
	}
	if err := r.CheckAt(30, decisionBy(t, keys[2])); err != nil {
		t.Fatal(err)
	}
	if err := r.Admit(25, said); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who  credentials.Signer
		at   int64
		now  error // by all that is known
		then error // by what was known there
	}{
		{keys[0], 6, nil, nil}, {keys[0], 7, ledger.ErrCompromised, nil}, {keys[0], 10, ledger.ErrCompromised, nil}, {keys[0], 11, ledger.ErrRetired, ledger.ErrRetired},
		{keys[1], 11, nil, nil}, {keys[1], 20, nil, nil}, {keys[2], 21, nil, nil}, {keys[2], 26, nil, nil},
	} {
		e := decisionBy(t, tt.who)
		if err := r.CheckAt(tt.at, e); !errors.Is(err, tt.now) || (err == nil) != (tt.now == nil) {
			t.Errorf("%s at %d: %v, want %v", tt.who.KeyID(), tt.at, err, tt.now)
		}
		if err := r.CheckThen(tt.at, e); !errors.Is(err, tt.then) || (err == nil) != (tt.then == nil) {
			t.Errorf("%s at %d, as was known then: %v, want %v", tt.who.KeyID(), tt.at, err, tt.then)
		}
	}
	if err := r.CheckThen(26, decisionBy(t, keys[0])); !errors.Is(err, ledger.ErrRetired) {
		t.Errorf("behind the declaration: %v", err)
	}
	if err := r.CheckAt(25, said); err != nil {
		t.Errorf("the declaration where it stands: %v", err)
	}
	if r.CheckAt(26, said) == nil || r.Admit(30, said) == nil {
		t.Error("the declaration, once more: accepted")
	}
	wantBadFrom(t, r, keys[0], 7)
	wantBadFrom(t, r, keys[1], 0)
	wantBadFrom(t, r, keys[2], 0)
	all, err := r.Keys(insurer())
	if err != nil || len(all) != 3 {
		t.Fatalf("Keys: %+v, %v", all, err)
	}
	for i, want := range []ledger.PartyKey{
		{KeyID: keys[0].KeyID(), Key: credentials.Key{Until: 10, BadFrom: 7}, Declared: 25},
		{KeyID: keys[1].KeyID(), Key: credentials.Key{Since: 10, Until: 20}},
		{KeyID: keys[2].KeyID(), Key: credentials.Key{Since: 20}},
	} {
		got := all[i]
		if got.KeyID != want.KeyID || got.Key.Since != want.Key.Since || got.Key.Until != want.Key.Until || got.Key.BadFrom != want.Key.BadFrom ||
			got.Declared != want.Declared || got.Founders || got.Key.Algorithm() != credentials.EdDSA {
			t.Errorf("key %d: %+v, want %+v", i, got, want)
		}
	}
	if got := r.Bad(); len(got) != 1 || got[0].KeyID != keys[0].KeyID() || got[0].Key.BadFrom != 7 {
		t.Errorf("Bad: %+v", got)
	}
	if _, err := r.Keys("did:web:nobody.example"); !errors.Is(err, ledger.ErrUnknownIssuer) {
		t.Errorf("the keys of a stranger: %v", err)
	}
}

// Who stole a key cannot say that another is bad, and nobody takes a word back.
func TestCompromiseRefused(t *testing.T) {
	l, r, keys := rotated(t)
	if err := r.Admit(25, bad(t, keys[2], keys[0], 7)); err != nil {
		t.Fatal(err)
	}
	board, hospital := ledgertest.Signer("board"), ledgertest.Signer("hospital")
	spoiled := func(spoil func(*ledger.Compromise)) ledger.Entry {
		c := ledger.Compromise{DID: insurer(), Key: keys[1].KeyID(), From: 12}
		spoil(&c)
		e, err := c.Entry()
		return signed(t, e, err, keys[2])
	}
	unsigned := bad(t, keys[2], keys[1], 12)
	unsigned.Signature[0] ^= 1
	bySecond := bad(t, next("fourth"), keys[1], 12)
	renamed := bad(t, keys[2], keys[1], 12)
	renamed.Subject[0] ^= 1
	renamed = signed(t, renamed, nil, keys[2])
	for what, e := range map[string]ledger.Entry{
		"a stolen key, of the honest one":         bad(t, keys[0], keys[2], 22),
		"a retired key, of the honest one":        bad(t, keys[1], keys[2], 22),
		"a retired key, of one before it":         bad(t, keys[1], keys[0], 3),
		"a key, of itself":                        bad(t, keys[2], keys[2], 22),
		"a key that never was the party's":        bySecond,
		"another party":                           bad(t, board, keys[1], 12),
		"a later place":                           bad(t, keys[2], keys[0], 8),
		"the same place":                          bad(t, keys[2], keys[0], 7),
		"from behind the entry":                   bad(t, keys[2], keys[1], 31),
		"from where the key was let in":           bad(t, keys[2], keys[1], 10),
		"from the genesis":                        bad(t, keys[2], keys[0], 0),
		"from before the genesis":                 bad(t, keys[2], keys[0], -1),
		"of another party's key":                  bad(t, keys[2], board, 12),
		"of a key that nobody has":                bad(t, keys[2], next("nobody"), 12),
		"in another party's name":                 spoiled(func(c *ledger.Compromise) { c.DID, _ = credentials.SignerDID(board) }),
		"with approvals and no key that follows":  spoiled(func(c *ledger.Compromise) { c.Approvals = []ledger.Approval{{DID: insurer(), Signature: "AA=="}} }),
		"under another handle":                    renamed,
		"without its signature":                   unsigned,
		"the founders, of a key that was retired": badByFounders(t, l, keys[1], 21, next("fourth"), board, hospital),
		"too few founders":                        badByFounders(t, l, keys[2], 22, next("fourth"), board),
		"the party among the founders":            badByFounders(t, l, keys[2], 22, next("fourth"), board, keys[2]),
		"one founder twice":                       badByFounders(t, l, keys[2], 22, next("fourth"), board, board),
		"somebody who is no founder":              badByFounders(t, l, keys[2], 22, next("fourth"), board, ledgertest.Signer("stranger")),
		"the founders, to a key that is known":    badByFounders(t, l, keys[2], 22, next("insurer"), board, hospital),
		"the founders, of another party's key":    badByFounders(t, l, board, 22, next("fourth"), board, hospital),
	} {
		if r.CheckAt(30, e) == nil || r.Clone().Admit(30, e) == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	moved := badByFounders(t, l, keys[2], 22, next("fourth"), board, hospital)
	if err := r.CheckAt(30, moved); err != nil {
		t.Fatal(err)
	}
	c, _ := ledger.CompromiseOf(moved)
	for what, spoil := range map[string]func(*ledger.Compromise){
		"another place than the founders approve": func(c *ledger.Compromise) { c.From = 21 },
		"another key than the founders approve":   func(c *ledger.Compromise) { c.Key = keys[1].KeyID(); c.From = 12 },
		"another next key":                        func(c *ledger.Compromise) { _, c.Next, _ = credentials.ParseKeyID(next("thief").KeyID()) },
		"no key":                                  func(c *ledger.Compromise) { c.Next = "z" },
		"signed by another than the next key":     func(*ledger.Compromise) {},
	} {
		other := c
		spoil(&other)
		e, err := other.Entry()
		s := next("fourth")
		switch what {
		case "another next key", "signed by another than the next key":
			s = next("thief")
		}
		if e := signed(t, e, err, s); r.CheckAt(30, e) == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	// The next key, under the name of the one before: it would take its place.
	posing := moved
	posing = signed(t, posing, nil, credentials.NewSigner(keys[2].KeyID(), ledgertest.Key("fourth")))
	if r.CheckAt(30, posing) == nil {
		t.Error("signed by the next key under another's name: accepted")
	}
	other := bad(t, keys[2], keys[1], 12)
	other.Document[0] ^= 1
	if r.CheckAt(30, signed(t, other, nil, keys[2])) == nil {
		t.Error("of another document: accepted")
	}
	forged := signed(t, moved, nil, next("fourth"))
	forged.Signature[0] ^= 1
	if r.CheckAt(30, forged) == nil {
		t.Error("without the next key's signature: accepted")
	}
	elsewhere, err := ledger.ApproveCompromise(credentials.Digest{9}, ledger.Compromise{DID: c.DID, Key: c.Key, From: c.From, Next: c.Next}, board)
	if err != nil {
		t.Fatal(err)
	}
	c.Approvals = []ledger.Approval{elsewhere, c.Approvals[1]}
	e, err := c.Entry()
	if r.CheckAt(30, signed(t, e, err, next("fourth"))) == nil {
		t.Error("approved on another ledger: accepted")
	}
	// An earlier place can be added, and the first word stands in a clone's clone.
	before := r.Clone()
	if err := r.Admit(30, bad(t, keys[2], keys[0], 3)); err != nil {
		t.Errorf("an earlier place: %v", err)
	}
	wantBadFrom(t, r, keys[0], 3)
	wantBadFrom(t, before, keys[0], 7)
	if err := r.Admit(31, bad(t, keys[2], keys[1], 20)); err != nil {
		t.Errorf("another key: %v", err)
	}
	if err := r.Clone().Admit(32, bad(t, keys[2], keys[1], 32)); err == nil {
		t.Error("a later place: accepted")
	}
}

// Who stole the only key hands the party over to a key of their own and
// declares the owner's past bad. The founders undo it all.
func TestCompromiseByFounders(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	owner, thief, again, fresh := ledgertest.Signer("insurer"), next("thief"), next("thief again"), next("fresh")
	for i, e := range []ledger.Entry{
		handover(t, l, owner, thief), bad(t, thief, owner, 1), handover(t, l, thief, again), bad(t, again, thief, 11),
	} {
		if err := r.Admit(int64(10+i), e); err != nil {
			t.Fatal(err)
		}
	}
	wantBadFrom(t, r, owner, 1)
	e := decisionBy(t, owner)
	if r.CheckAt(5, e) == nil {
		t.Fatal("the thief's word has no effect, so nothing is undone here")
	}
	// What one of the thief's keys says meanwhile, the others cannot take back.
	if err := r.Admit(20, badByFounders(t, l, owner, 8, fresh, ledgertest.Signer("board"), ledgertest.Signer("hospital"))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who      string
		s        credentials.Signer
		at       int64
		accepted bool
	}{
		{"owner", owner, 5, true}, {"owner", owner, 7, true}, {"owner", owner, 8, false}, {"owner", owner, 10, false}, {"owner", owner, 21, false},
		{"thief", thief, 11, false}, {"thief", thief, 12, false}, {"thief again", again, 13, false}, {"thief again", again, 20, false}, {"thief again", again, 21, false},
		{"fresh", fresh, 20, false}, {"fresh", fresh, 21, true},
	} {
		if err := r.CheckAt(tt.at, decisionBy(t, tt.s)); (err == nil) != tt.accepted {
			t.Errorf("the %s key at %d: %v, want accepted=%v", tt.who, tt.at, err, tt.accepted)
		}
	}
	wantBadFrom(t, r, owner, 8)
	wantBadFrom(t, r, thief, 11)
	wantBadFrom(t, r, again, 13)
	if p, err := r.PartyOf(insurer()); err != nil || p.Kid() != fresh.KeyID() || p.Role != ledger.RoleInsurer || p.Name != "insurer" {
		t.Errorf("PartyOf: %+v, %v", p, err)
	}
	keys, err := r.Keys(insurer())
	if err != nil || len(keys) != 4 || !keys[0].Founders || keys[0].Declared != 20 || keys[3].Founders || keys[2].Key.Until != 20 {
		t.Errorf("Keys: %+v, %v", keys, err)
	}
	// The thief's keys have no voice any more, neither as the party nor as a founder.
	for what, e := range map[string]ledger.Entry{
		"a handover":           handover(t, l, again, next("thief's third")),
		"a declaration":        bad(t, again, fresh, 21),
		"the owner's, by then": bad(t, owner, again, 14),
		"as a founder":         l.Admission(t, "newcomer", ledger.RoleReviewer, "board", "insurer"),
	} {
		if r.CheckAt(30, e) == nil || r.Clone().Admit(30, e) == nil {
			t.Errorf("%s by what was stolen: accepted", what)
		}
	}
	// The party goes on, and can say more of what the founders did not.
	if err := r.Admit(21, bad(t, fresh, owner, 6)); err != nil {
		t.Errorf("an earlier place: %v", err)
	}
	wantBadFrom(t, r, owner, 6)
	if err := r.Clone().Admit(22, bad(t, fresh, owner, 7)); err == nil {
		t.Error("a later place: accepted")
	}
	// Founders who speak later and of a later place do not move the earlier word.
	if err := r.Admit(23, badByFounders(t, l, owner, 9, next("fresher"), ledgertest.Signer("board"), ledgertest.Signer("hospital"))); err != nil {
		t.Fatal(err)
	}
	wantBadFrom(t, r, fresh, 21)
	wantBadFrom(t, r, owner, 8) // what the fresh key said went with it
}

// What was said before the place, by a key that was the party's then, stays.
func TestCompromiseByFoundersKeepsWhatWasSaidBefore(t *testing.T) {
	l, r, keys := rotated(t)
	for i, e := range []ledger.Entry{
		bad(t, keys[2], keys[0], 7),
		badByFounders(t, l, keys[2], 26, next("fourth"), ledgertest.Signer("board"), ledgertest.Signer("hospital")),
	} {
		if err := r.Admit(int64(25+5*i), e); err != nil {
			t.Fatal(err)
		}
	}
	wantBadFrom(t, r, keys[0], 7)
	wantBadFrom(t, r, keys[1], 0)
	wantBadFrom(t, r, keys[2], 26)
	if err := r.CheckAt(31, decisionBy(t, next("fourth"))); err != nil {
		t.Error(err)
	}
	k, _, err := r.Key(keys[2].KeyID())
	if err != nil || k.Until != 30 {
		t.Errorf("the stolen key is let go at %d, %v; want 30", k.Until, err)
	}
}

// A founder alone on its ledger has nobody who could speak for it.
func TestCompromiseOfTheOnlyFounder(t *testing.T) {
	g, signers := ledgertest.Draft()
	g.Founders, g.Admission = g.Founders[1:2], 1
	leaf, err := ledger.NewGenesis(g, signers[1])
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ledger.ParseGenesis(leaf)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ledger.NewRegistry(parsed)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledgertest.Ledger{Genesis: parsed}
	for what, e := range map[string]ledger.Entry{
		"its own approval": badByFounders(t, l, signers[1], 5, next("second"), signers[1]),
		"no approval":      badByFounders(t, l, signers[1], 5, next("second")),
	} {
		if r.Admit(9, e) == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// What a party signs today counts by the key that it has: not by one that was
// declared bad or handed over, whatever its other keys are.
func TestStandsNowAfterCompromise(t *testing.T) {
	bad := ledger.PartyKey{KeyID: "did:x#1", Key: credentials.Key{BadFrom: 4, Until: 5}}
	past := ledger.PartyKey{KeyID: "did:x#2", Key: credentials.Key{Since: 5, Until: 9}}
	now := ledger.PartyKey{KeyID: "did:x#3", Key: credentials.Key{Since: 9}}
	for kid, want := range map[string]string{bad.KeyID: "declared bad from entry 4 on", past.KeyID: "at entry 9 the key has been handed over", now.KeyID: "", "did:x#4": ""} {
		err := ledger.StandsNow([]ledger.PartyKey{bad, past, now}, kid)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kid, err, want)
		}
		if errors.Is(err, ledger.ErrRetired) != (kid == past.KeyID) {
			t.Errorf("%s: %v", kid, err)
		}
	}
}
