//go:build pkcs11 && cgo

package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/pkcs11/softhsm"
)

const pin = softhsm.PIN

var module string

// SoftHSM reads its configuration once in a process, so that all tests share a
// token.
func TestMain(m *testing.M) {
	if os.Getenv("COUNTERSIGN_TEST_KILLED") != "" {
		beKilled()
	}
	dir, err := os.MkdirTemp("", "softhsm")
	if err == nil {
		module, err = softhsm.Start(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func config(key string) Config {
	return Config{Module: module, Token: softhsm.Token, Key: key, PIN: func() (string, error) { return pin, nil }}
}

func create(t *testing.T, key string) *token {
	t.Helper()
	s, err := Create(config(key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*token)
}

// What the module signs, everybody else verifies, and it is the same key the
// next time.
func TestSigns(t *testing.T) {
	made := create(t, "signs")
	again, err := Open(config("signs"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.KeyID() != made.KeyID() || !strings.HasPrefix(made.KeyID(), "did:key:z6Mk") {
		t.Errorf("made %s, opened %s", made.KeyID(), again.KeyID())
	}
	token, err := credentials.Issue(again, credentials.KindClaimSubmission, credentials.Handle{1}, time.Now(), nil, "subject")
	if err != nil {
		t.Fatal(err)
	}
	c, err := credentials.Open[string](token, credentials.KindClaimSubmission, credentials.ResolveDIDKey)
	if err != nil || c.Subject != "subject" {
		t.Errorf("open: %+v, %v", c, err)
	}
}

// The private key is made in the module and does not come out.
func TestKeyStaysInside(t *testing.T) {
	made := create(t, "stays")
	s := <-made.free
	defer func() { made.free <- s }()
	if err := made.connect(s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		kind  uint
		value byte
	}{{pkcs11.CKA_EXTRACTABLE, 0}, {pkcs11.CKA_NEVER_EXTRACTABLE, 1}, {pkcs11.CKA_SENSITIVE, 1}, {pkcs11.CKA_ALWAYS_SENSITIVE, 1}, {pkcs11.CKA_LOCAL, 1}} {
		got, err := made.module.GetAttributeValue(s.handle, s.key, []*pkcs11.Attribute{pkcs11.NewAttribute(want.kind, nil)})
		if err != nil || !bytes.Equal(got[0].Value, []byte{want.value}) {
			t.Errorf("attribute %#x: got %v, %v", want.kind, got, err)
		}
	}
	if got, err := made.module.GetAttributeValue(s.handle, s.key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)}); err == nil {
		t.Errorf("the module hands out %d bytes of the private key", len(got[0].Value))
	}
}

// pullOut ends every session and the login between two signatures, as a token
// does that is pulled out and put back. (In the middle of one, SoftHSM crashes.)
var pulling sync.Mutex

func pullOut(t *testing.T, made *token) {
	pulling.Lock()
	defer pulling.Unlock()
	var all []*session
	for range sessions {
		all = append(all, <-made.free)
	}
	slot, err := made.slot()
	if err == nil {
		err = made.module.CloseAllSessions(slot)
	}
	if err != nil {
		t.Error(err)
	}
	for _, s := range all {
		made.free <- s
	}
}

// More callers than sessions, while sessions are lost under them.
func TestAtOnce(t *testing.T) {
	made := create(t, "at-once")
	var wait sync.WaitGroup
	for n := range 40 {
		wait.Go(func() {
			if n%10 == 5 {
				pullOut(t, made)
				return
			}
			if _, err := made.Sign(fmt.Appendf(nil, "message %d", n)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	pullOut(t, made)
	if _, err := made.Sign([]byte("afterwards")); err != nil {
		t.Errorf("after the sessions were lost: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	create(t, "refuses").Close()
	for _, tt := range []struct {
		name string
		do   func(Config) (Signer, error)
		c    func(*Config)
		want string
	}{
		{"the label once more", Create, func(*Config) {}, "already"},
		{"no such key", Open, func(c *Config) { c.Key = "nobody" }, `no private Ed25519 key with the label "nobody"`},
		{"no such token", Open, func(c *Config) { c.Token = "elsewhere" }, "0 tokens have the label"},
		{"no such module", Open, func(c *Config) { c.Module = "/nowhere.so" }, "does not load"},
		{"no PIN at hand", Open, func(c *Config) { c.PIN = func() (string, error) { return "", errors.New("no PIN file") } }, "no PIN file"},
		{"nothing said of a PIN", Open, func(c *Config) { c.PIN = nil }, "PIN is missing"},
		{"two lines", Create, func(c *Config) { c.Key = "a\nb" }, "one line of text"},
		{"no label", Open, func(c *Config) { c.Key = "" }, "label of the key is missing"},
	} {
		c := config("refuses")
		tt.c(&c)
		s, err := tt.do(c)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), pin) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// alone ends every session in the process, and so the login, which is of the
// process.
func alone(t *testing.T, made *token) {
	t.Helper()
	slot, err := made.slot()
	if err != nil {
		t.Fatal(err)
	}
	made.Close()
	if err := made.module.CloseAllSessions(slot); err != nil {
		t.Fatal(err)
	}
}

func TestWrongPIN(t *testing.T) {
	alone(t, create(t, "wrong-pin"))
	c := config("wrong-pin")
	c.PIN = func() (string, error) { return "guessed", nil }
	if s, err := Open(c); err == nil {
		s.Close()
		t.Error("opened with a wrong PIN")
	} else if !strings.Contains(err.Error(), "CKR_PIN_INCORRECT") || strings.Contains(err.Error(), "guessed") {
		t.Error(err)
	}
}

// A token locks itself after a few wrong PINs: a daemon that goes on asking it
// to sign must not bring that about.
func TestRefusedPINIsTriedOnce(t *testing.T) {
	tries, said := 0, pin
	create(t, "once")
	c := config("once")
	c.PIN = func() (string, error) { tries++; return said, nil }
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	alone(t, s.(*token))
	said, tries = "changed meanwhile", 0
	for range 5 {
		if _, err := s.Sign([]byte("message")); err == nil || !strings.Contains(err.Error(), "not tried again") {
			t.Errorf("got %v", err)
		}
	}
	if tries != 1 {
		t.Errorf("the PIN was tried %d times, want once", tries)
	}
}

// Halves that do not belong together, and labels that name two keys: found when
// the key is opened, not by whoever gets its signatures.
func TestHalves(t *testing.T) {
	create(t, "left")
	made := create(t, "right")
	s := &session{}
	if err := made.login(s, pkcs11.CKF_RW_SESSION); err != nil {
		t.Fatal(err)
	}
	defer made.drop(s)
	half := func(label string, class uint) pkcs11.ObjectHandle {
		t.Helper()
		all, err := made.find(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0]
	}
	call := func(object pkcs11.ObjectHandle, label string) {
		t.Helper()
		if err := made.module.SetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string) {
		t.Helper()
		if s, err := Open(config("left")); err == nil {
			s.Close()
			t.Errorf("opened, want %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	left, right := half("left", pkcs11.CKO_PUBLIC_KEY), half("right", pkcs11.CKO_PUBLIC_KEY)
	call(right, "left")
	refused(`several public keys with the label "left"`)
	call(left, "elsewhere")
	refused("the signature does not hold")
	made.Close()
	if _, err := made.Sign([]byte("message")); err == nil || !strings.Contains(err.Error(), `no public Ed25519 key with the label "right"`) {
		t.Errorf("another session: got %v", err)
	}
	call(left, "right")
	if _, err := made.Sign([]byte("message")); err == nil || !strings.Contains(err.Error(), "another key under this label than before") {
		t.Errorf("another key: got %v", err)
	}
	all, err := List(config(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if (k.Label == "left" || k.Label == "right") != (k.Fault != nil) || (k.Fault == nil) == (k.KeyID == "") {
			t.Errorf("listed %+v", k)
		}
	}
}

func TestList(t *testing.T) {
	made := create(t, "listed")
	all, err := List(config(""))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(k Key) bool { return k == Key{Label: "listed", Name: "listed", State: Signs, KeyID: made.KeyID()} }) {
		t.Errorf("got %+v, want listed, %s", all, made.KeyID())
	}
}

func BenchmarkSign(b *testing.B) {
	s, err := Create(config(fmt.Sprint("bench ", b.N)))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if _, err := s.Sign([]byte(trial)); err != nil {
			b.Fatal(err)
		}
	}
}
