//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
)

// Two processes find no next key and make one each: the ledger says which one
// follows, and whichever that is can be promoted.
func TestPrepareAtOnce(t *testing.T) {
	create(t, "rivals")
	var got []string
	beforeWrite = func() {
		beforeWrite = func() {}
		got = append(got, kidOf(t, Prepare, "rivals"))
	}
	got = append(got, kidOf(t, Prepare, "rivals"))
	next := listed(t, "rivals")[Next]
	if len(next) != 2 || got[0] == got[1] {
		t.Fatalf("prepared %q, %+v", got, next)
	}
	if again := kidOf(t, Prepare, "rivals"); again != next[0].KeyID {
		t.Errorf("prepared %s, want the first, %s", again, next[0].KeyID)
	}
	last := next[len(next)-1].KeyID
	if err := Promote(config("rivals"), last); err != nil {
		t.Fatal(err)
	}
	if now := kidOf(t, Open, "rivals"); now != last {
		t.Errorf("%s signs, want %s", now, last)
	}
	if rest := listed(t, "rivals")[Next]; len(rest) != len(next)-1 {
		t.Errorf("left %+v of %+v", rest, next)
	}
}

// A process that is running goes on with the key that it began with, even on
// sessions that it opens after the handover.
func TestRunningKeepsItsKey(t *testing.T) {
	made := create(t, "running")
	was := made.KeyID()
	check := func(when string) {
		t.Helper()
		pullOut(t, made)
		sig, err := made.Sign([]byte("message"))
		_, multikey, _ := credentials.ParseKeyID(was)
		pub, no := credentials.ParseMultikey(multikey)
		if err != nil || no != nil || made.KeyID() != was || !ed25519.Verify(pub, []byte("message"), sig) {
			t.Errorf("%s: %v, %v", when, err, no)
		}
	}
	next := kidOf(t, Prepare, "running")
	check("prepared")
	eachStep(t, "running", next, func(n int) { check(fmt.Sprintf("promote killed after %d changes", n)) })
	check("promoted")
	if now := kidOf(t, Open, "running"); now != next {
		t.Errorf("started again: %s signs, want %s", now, next)
	}
}

func TestHandoverRefuses(t *testing.T) {
	create(t, "fixed")
	made := create(t, "steady")
	next := kidOf(t, Prepare, "steady")
	for _, tt := range []struct{ key, kid string }{
		{"steady", next + "x"}, {"steady", "did:key:z#z"}, {"nobody", next}, {"fixed", next},
		{"steady", strings.Replace(next, "#", "x#", 1)},
	} {
		if err := Promote(config(tt.key), tt.kid); err == nil {
			t.Errorf("promoted %s under %s", tt.kid, tt.key)
		}
	}
	if now := kidOf(t, Open, "steady"); now != made.KeyID() {
		t.Errorf("%s signs, want %s", now, made.KeyID())
	}
	label := listed(t, "steady")[Next][0].Label
	for _, tt := range []struct {
		name string
		do   func(Config) (Signer, error)
		key  string
		want string
	}{
		{"a key to follow one that does not sign", Prepare, label, "does not sign"},
		{"a key to follow none", Prepare, "nobody", `no private Ed25519 key with the label "nobody"`},
		{"a key with such a label", Create, "x (next 01234567)", "is what countersign key rotate gives to a key"},
	} {
		if s, err := tt.do(config(tt.key)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want %q", tt.name, s, err, tt.want)
		}
	}
}

// Where the maker's tool has made labels fast, that is found before a next key
// is made, let alone before the ledger hears of it.
func TestLabelsThatAreFast(t *testing.T) {
	for _, fast := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		name := fmt.Sprint("fast ", fast)
		made := create(t, "beside "+name)
		template := func(class uint, more ...*pkcs11.Attribute) []*pkcs11.Attribute {
			return append(more, pkcs11.NewAttribute(pkcs11.CKA_LABEL, name), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, class != fast))
		}
		s := &session{}
		if err := made.login(s, pkcs11.CKF_RW_SESSION); err != nil {
			t.Fatal(err)
		}
		_, _, err := made.module.GenerateKeyPair(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanismGenerate, nil)},
			template(pkcs11.CKO_PUBLIC_KEY, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, edwards25519)),
			template(pkcs11.CKO_PRIVATE_KEY, pkcs11.NewAttribute(pkcs11.CKA_SIGN, true)))
		made.drop(s)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := Prepare(config(name)); err == nil || !strings.Contains(err.Error(), "does not let the label") {
			t.Errorf("got %v, %v", s, err)
		}
		if got := listed(t, name); len(got[Next]) != 0 || len(got[Signs]) != 1 || got[Signs][0].Fault != nil {
			t.Errorf("got %+v", got)
		}
	}
}

// Half a key, whose making was cut off inside of the module, is passed over.
func TestHalfANextKey(t *testing.T) {
	made := create(t, "half")
	next := kidOf(t, Prepare, "half")
	label := listed(t, "half")[Next][0].Label
	s := &session{}
	if err := made.login(s, pkcs11.CKF_RW_SESSION); err != nil {
		t.Fatal(err)
	}
	defer made.drop(s)
	private, err := made.one(s, pkcs11.CKO_PRIVATE_KEY, label)
	if err != nil {
		t.Fatal(err)
	}
	public, err := made.one(s, pkcs11.CKO_PUBLIC_KEY, label)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.module.DestroyObject(s.handle, public); err != nil {
		t.Fatal(err)
	}
	if again := kidOf(t, Prepare, "half"); again != next { // its id was written already
		t.Errorf("prepared %s, want %s", again, next)
	}
	pub, _ := credentials.ParseMultikey(strings.SplitAfter(next, "#")[1])
	stranger := credentials.NextKeyID(credentials.KeyDID(pub), made.pub)
	if err := made.set(s, private, pkcs11.CKA_ID, stranger); err != nil {
		t.Fatal(err)
	}
	if again := kidOf(t, Prepare, "half"); again == stranger {
		t.Error("a key of another party is prepared")
	}
	if err := made.set(s, private, pkcs11.CKA_ID, ""); err != nil {
		t.Fatal(err)
	}
	another := kidOf(t, Prepare, "half")
	if another == next {
		t.Error("half a key is prepared")
	}
	if err := Promote(config("half"), another); err != nil {
		t.Fatal(err)
	}
	if left := listed(t, "half")[Next]; len(left) != 1 || left[0].Fault == nil {
		t.Errorf("left %+v, want the half that is at fault", left)
	}
	if err := made.module.DestroyObject(s.handle, private); err != nil { // other tests list what is there
		t.Error(err)
	}
}

// What is written into a key is not believed: the key has to sign as that one.
func TestIDOfAnotherKey(t *testing.T) {
	made := create(t, "liar")
	other := create(t, "other")
	s := &session{}
	if err := made.login(s, pkcs11.CKF_RW_SESSION); err != nil {
		t.Fatal(err)
	}
	defer made.drop(s)
	private, err := made.one(s, pkcs11.CKO_PRIVATE_KEY, "liar")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ id, want string }{
		{credentials.NextKeyID("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", other.pub), "the signature does not hold"},
		{"did:key:z6Mk", "the key's CKA_ID"},
	} {
		if err := made.set(s, private, pkcs11.CKA_ID, tt.id); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(config("liar")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want %q", tt.id, s, err, tt.want)
		}
	}
	for _, id := range []string{"01", "\x00\x01", ""} { // as their makers give them
		if err := made.set(s, private, pkcs11.CKA_ID, id); err != nil {
			t.Fatal(err)
		}
		if got := kidOf(t, Open, "liar"); got != made.KeyID() {
			t.Errorf("id %q: opened %s, want %s", id, got, made.KeyID())
		}
	}
}
