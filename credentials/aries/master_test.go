package aries

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// unseal turns a store back into what it was before there was a seal.
func unseal(t *testing.T, dir string) {
	t.Helper()
	s := openStore(t, dir)
	keys, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		k.MAC, k.Digest = "", nil
		b, err := credentials.CanonicalJSON(k)
		if err != nil {
			t.Fatal(err)
		}
		if err := replaceFile(s.path(k), append(b, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	if err := createFile(filepath.Join(dir, masterFile), []byte(base64.URLEncoding.EncodeToString(s.master))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, sealedFile)); err != nil {
		t.Fatal(err)
	}
}

func TestLock(t *testing.T) {
	file := func(text string, mode os.FileMode) Lock {
		path := filepath.Join(t.TempDir(), "passphrase")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return FileLock(path)
	}
	dir := t.TempDir()
	if _, err := openStore(t, dir).Create("a"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		lock  Lock
		fresh string // what making a store says
		old   string // what opening one says
	}{
		{"right", quick("a passphrase of tests"), "", ""},
		{"from a file", file("a passphrase of tests\n", 0o600), "", ""},
		{"another", quick("another passphrase"), "", "wrong passphrase"},
		{"none", Lock{}, "a passphrase is needed", "a passphrase is needed"},
		{"short", quick("elevenchars"), "too short", "wrong passphrase"},
		{"empty file", file("", 0o600), "alone on one line", "alone on one line"},
		{"two lines", file("a passphrase of tests\nmore\n", 0o600), "alone on one line", "alone on one line"},
		{"a file for all to read", file("a passphrase of tests\n", 0o644), "chmod 600", "chmod 600"},
		{"a file for the group", file("a passphrase of tests\n", 0o640), "chmod 600", "chmod 600"},
		{"no file", FileLock("nowhere"), "nowhere", "nowhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			says := func(err error, want string) bool {
				return want == "" && err == nil || want != "" && err != nil && strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "\n")
			}
			fresh := filepath.Join(t.TempDir(), "keys")
			if tt.lock.Work != 0 || tt.fresh != "" { // what costs as in life is sealed once, below
				if _, err := OpenKeyStore(fresh, tt.lock); !says(err, tt.fresh) {
					t.Errorf("make: got %v, want %q", err, tt.fresh)
				}
				if _, err := os.Stat(filepath.Join(fresh, sealedFile)); (err == nil) != (tt.fresh == "") {
					t.Errorf("the sealed master key: %v", err)
				}
			}
			if _, err := OpenKeyStore(dir, tt.lock); !says(err, tt.old) {
				t.Errorf("open: got %v, want %q", err, tt.old)
			}
		})
	}
}

// The seal of a store that a person makes costs what it should.
func TestLockCost(t *testing.T) {
	sealed, err := Lock{Passphrase: quick("a passphrase of tests").Passphrase}.seal(make([]byte, masterSize))
	if err != nil {
		t.Fatal(err)
	}
	if head, _, _ := strings.Cut(string(sealed), "\n---"); !strings.HasPrefix(head, "age-encryption.org/v1\n-> scrypt ") || !strings.Contains(head, " 17\n") {
		t.Errorf("sealed as %q", head)
	}
	if strings.Contains(string(sealed), strings.Repeat("\x00", 8)) {
		t.Error("the master key stands there in clear")
	}
}

// Every file of a store, each byte in turn.
func TestKeyStoreEveryByte(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	signer, err := s.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prepare("a"); err != nil {
		t.Fatal(err)
	}
	opens := func() error {
		s, err := OpenKeyStore(dir, quick("a passphrase of tests"))
		if err != nil {
			return err
		}
		got, err := s.Signer("a")
		if err == nil && got.KeyID() != signer.KeyID() {
			t.Error("it opens another key")
		}
		if err == nil {
			_, err = s.Prepare("a")
		}
		return err
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		right, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := range right {
			wrong := []byte(string(right))
			wrong[i] ^= 1
			if err := os.WriteFile(path, wrong, 0o600); err != nil {
				return err
			}
			if opens() == nil {
				t.Errorf("%s: byte %d changed from %q to %q: still opened", path, i, right[i], wrong[i])
			}
		}
		return os.WriteFile(path, right, 0o600)
	})
	if err != nil || files != 5 {
		t.Errorf("%d files, %v", files, err)
	}
	if err := opens(); err != nil {
		t.Error(err)
	}
}

// A store from before the seal opens as it did, and can be sealed, also when
// that was cut off at any of its steps.
func TestSeal(t *testing.T) {
	dir := t.TempDir()
	made, err := openStore(t, dir).Create("a")
	if err != nil {
		t.Fatal(err)
	}
	same := func(s *KeyStore, sealed bool) {
		t.Helper()
		got, err := s.Signer("a")
		if err != nil || got.KeyID() != made.KeyID() || s.Sealed() != sealed {
			t.Errorf("got %v, %v, sealed %v", got, err, s.Sealed())
		}
	}
	unseal(t, dir)
	s, err := OpenKeyStore(dir, Lock{})
	if err != nil {
		t.Fatal(err)
	}
	same(s, false)

	plain, err := os.ReadFile(filepath.Join(dir, masterFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(quick("a passphrase of tests")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, masterFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the unsealed master key is still there: %v", err)
	}
	same(openStore(t, dir), true)

	// Cut off before the unsealed one was removed.
	if err := os.WriteFile(filepath.Join(dir, masterFile), plain, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyStore(dir, Lock{}); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("a sealed store opened without its passphrase: %v", err)
	}
	same(openStore(t, dir), true)
	if _, err := os.Stat(filepath.Join(dir, masterFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the unsealed master key is still there: %v", err)
	}

	// Another passphrase, and the first no more.
	if err := openStore(t, dir).Seal(quick("another passphrase")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyStore(dir, quick("a passphrase of tests")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	s, err = OpenKeyStore(dir, quick("another passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	same(s, true)
}

func TestUnsealedMasterKey(t *testing.T) {
	dir := t.TempDir()
	if _, err := openStore(t, dir).Create("a"); err != nil {
		t.Fatal(err)
	}
	unseal(t, dir)
	master := filepath.Join(dir, masterFile)
	right, err := os.ReadFile(master)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func() error
		want   string
	}{
		{"another", func() error {
			return os.WriteFile(master, []byte(base64.URLEncoding.EncodeToString(make([]byte, 32))), 0o600)
		}, "does not open"},
		{"short", func() error { return os.WriteFile(master, []byte("0123456789abcdef"), 0o600) }, "32 bytes"},
		{"empty", func() error { return os.WriteFile(master, nil, 0o600) }, "32 bytes"},
		{"readable by others", func() error { return os.Chmod(master, 0o644) }, "chmod 600"},
		{"lost", func() error { return os.Remove(master) }, "missing"},
	} {
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeyStore(dir, quick("a passphrase of tests")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want one with %q", tt.name, err, tt.want)
		}
		os.Remove(master)
		if err := os.WriteFile(master, right, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
