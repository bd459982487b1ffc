package aries

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

func openStore(t *testing.T, dir string) *KeyStore {
	t.Helper()
	s, err := OpenKeyStore(dir, quick("a passphrase of tests"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quick is a lock that costs a test no time.
func quick(passphrase string) Lock {
	return Lock{func(bool) (string, error) { return passphrase, nil }, 5}
}

// This test fails without aries: the key is made, sealed, opened and used by
// aries' KMS, and its DID is resolved by aries' resolver.
func TestKeyStoreSigns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	made, err := openStore(t, dir).Create("hospital")
	if err != nil {
		t.Fatal(err)
	}
	again, err := openStore(t, dir).Signer("hospital")
	if err != nil {
		t.Fatal(err)
	}
	if made.KeyID() != again.KeyID() {
		t.Errorf("key id was %s, is %s", made.KeyID(), again.KeyID())
	}
	pub, err := NewResolver().ResolveKey(again.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := again.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if !pub.Verify([]byte("message"), sig) {
		t.Error("the signature does not verify with the key that the DID resolves to")
	}

	token, err := credentials.Issue(again, credentials.KindClaimSubmission, credentials.Handle{1}, time.Now(), nil, "subject")
	if err != nil {
		t.Fatal(err)
	}
	c, err := credentials.Open[string](token, credentials.KindClaimSubmission, NewResolver().ResolveKey)
	if err != nil || c.Subject != "subject" {
		t.Errorf("open what the key store signed: %+v, %v", c, err)
	}
}

func TestKeyStoreList(t *testing.T) {
	s := openStore(t, t.TempDir())
	for _, name := range []string{"b", "a", "board-2"} {
		if _, err := s.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
		signer, err := s.Signer(k.Name)
		if err != nil || signer.KeyID() != k.KeyID || k.Created.IsZero() {
			t.Errorf("key %+v: %v", k, err)
		}
	}
	if got := strings.Join(names, " "); got != "a b board-2" {
		t.Errorf("List = %s", got)
	}
}

func TestKeyStoreRefusesNames(t *testing.T) {
	s := openStore(t, t.TempDir())
	if _, err := s.Create("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create("a"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second key of the same name: %v", err)
	}
	for _, name := range []string{"", "../a", "a/b", "A", ".", "a.json", "ä", strings.Repeat("a", 65)} {
		if _, err := s.Create(name); err == nil {
			t.Errorf("created a key named %q", name)
		}
	}
	if _, err := s.Signer("b"); err == nil || !strings.Contains(err.Error(), "no key named") {
		t.Errorf("a key that is not there: %v", err)
	}
}

func TestKeyStoreSealsItsKeys(t *testing.T) {
	dir := t.TempDir()
	signer, err := openStore(t, dir).Create("a")
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := credentials.ParseKeyID(signer.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	pub, err := credentials.KeyFromDIDKey(d)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("sealed keys: %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, pub) || bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString(pub))) {
		t.Error("the key's file is not sealed")
	}
	// A sealed key under another name is found out.
	other, err := openStore(t, dir).Create("b")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "names", "a.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(text, []byte(signer.KeyID()), []byte(other.KeyID())), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyStore(dir, quick("a passphrase of tests")); err == nil {
		t.Error("a key opened under another key's DID")
	}
}
