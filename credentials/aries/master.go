package aries

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
)

// The master key is an age file, sealed under a passphrase by scrypt and
// ChaCha20-Poly1305: a format with a specification and other readers
// (c2sp.org/age), of which every byte is authenticated. aries' own master
// locks stretch with PBKDF2 or not at all, and mark neither salt nor cost.
const (
	sealedFile = "master.age"
	masterFile = "master.key" // unsealed, of stores made before there was a seal
	masterSize = 32
)

const (
	// defaultWork makes scrypt take 2^17 rounds, 128 MiB and a third of a second:
	// the least that OWASP's password storage cheat sheet recommends.
	defaultWork = 17
	// maxWork bounds what a damaged or foreign file can make us spend.
	maxWork = 20
	// minPassphrase is what a person has to type at least.
	minPassphrase = 12
)

var (
	// ErrPassphrase is wrapped where the passphrase does not open the store.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrNoPassphrase is wrapped where a passphrase is needed and none was offered.
	ErrNoPassphrase = errors.New("a passphrase is needed")
)

// A Lock seals and opens the master key of a store.
type Lock struct {
	// Passphrase answers the passphrase. It is asked only where one is needed;
	// fresh says that it will seal something, so that a person may be asked twice.
	Passphrase func(fresh bool) (string, error)
	// Work is the exponent of scrypt's cost for what is sealed anew, 17 where it
	// is 0. Less is for passphrases that are random keys, which nobody guesses.
	Work int
}

// FileLock is the lock whose passphrase is the one line of a file, which must
// be its owner's alone.
func FileLock(path string) Lock {
	return Lock{Passphrase: func(bool) (string, error) { return readPassphrase(path) }}
}

func readPassphrase(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others: chmod 600 it", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, 4097))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if line == "" || len(b) > 4096 || strings.ContainsAny(line, "\r\n\x00") || !utf8.ValidString(line) {
		return "", fmt.Errorf("%s: want the secret alone on one line", path)
	}
	return line, nil
}

func (l Lock) ask(fresh bool) (string, error) {
	if l.Passphrase == nil {
		return "", ErrNoPassphrase
	}
	p, err := l.Passphrase(fresh)
	if err != nil {
		return "", err
	}
	if fresh && utf8.RuneCountInString(p) < minPassphrase {
		return "", fmt.Errorf("the passphrase is too short: want %d characters or more", minPassphrase)
	}
	return p, nil
}

func (l Lock) seal(master []byte) ([]byte, error) {
	p, err := l.ask(true)
	if err != nil {
		return nil, err
	}
	r, err := age.NewScryptRecipient(p)
	if err != nil {
		return nil, fmt.Errorf("seal master key: %w", err)
	}
	r.SetWorkFactor(defaultWork)
	if l.Work != 0 {
		r.SetWorkFactor(l.Work)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, r)
	if err == nil {
		_, err = w.Write(master)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal master key: %w", err)
	}
	return sealed.Bytes(), nil
}

func (l Lock) open(sealed []byte) ([]byte, error) {
	p, err := l.ask(false)
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(p)
	if err != nil {
		return nil, fmt.Errorf("open master key: %w", err)
	}
	id.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
		return nil, fmt.Errorf("%w, or %s is damaged", ErrPassphrase, sealedFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", sealedFile, err)
	}
	master, err := io.ReadAll(io.LimitReader(r, masterSize+1))
	if err != nil || len(master) != masterSize {
		return nil, fmt.Errorf("%s is damaged: it does not hold a master key", sealedFile)
	}
	return master, nil
}

// readMaster reads the master key and says whether it was sealed. A store
// whose master key was lost must not get a new one: its keys would look broken
// instead of lost.
func readMaster(dir string, lock Lock, fresh bool) (master []byte, sealed bool, err error) {
	path := filepath.Join(dir, sealedFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if master, err = lock.open(b); err != nil {
			return nil, true, err
		}
		// Sealing was cut off before its last step.
		if err := os.Remove(filepath.Join(dir, masterFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, true, fmt.Errorf("the key store is sealed, and an unsealed master key still lies in it: %w", err)
		}
		return master, true, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, fmt.Errorf("read master key: %w", err)
	}
	if master, err = readUnsealed(filepath.Join(dir, masterFile)); !errors.Is(err, fs.ErrNotExist) {
		return master, false, err
	}
	if !fresh {
		return nil, false, fmt.Errorf("%s is missing, and there are keys that it opens: put it back", path)
	}
	master = make([]byte, masterSize)
	rand.Read(master) // never fails (crypto/rand)
	if b, err = lock.seal(master); err != nil {
		return nil, true, err
	}
	if err := createFile(path, b); errors.Is(err, fs.ErrExist) {
		return readMaster(dir, lock, false) // another process was first
	} else if err != nil {
		return nil, true, fmt.Errorf("make master key: %w", err)
	}
	return master, true, nil
}

func readUnsealed(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	// aries would take a file in another form for a raw key of odd strength.
	master, err := base64.URLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(master) != masterSize {
		return nil, fmt.Errorf("%s does not hold a master key: want 32 bytes in base64url", path)
	}
	return master, nil
}

// macKey keeps records from being edited by whoever can write to the folder
// and does not have the master key.
func macKey(master []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "countersign key record v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("key of the records: %w", err)
	}
	return key, nil
}

// Seal seals the store under the passphrase of lock, for the first time or
// instead of another. The master key stays the same: who has read it before,
// or has both an old copy of the folder and the old passphrase, still has it.
func (s *KeyStore) Seal(lock Lock) error {
	b, err := lock.seal(s.master)
	if err != nil {
		return err
	}
	keys, err := s.List()
	if err != nil {
		return err
	}
	// The records first: a sealed store wants every one of them signed.
	for _, k := range keys {
		if err := s.write(k, replaceFile); err != nil {
			return fmt.Errorf("seal key store: %w", err)
		}
	}
	if err := replaceFile(filepath.Join(s.dir, sealedFile), b); err != nil {
		return fmt.Errorf("seal key store: %w", err)
	}
	s.sealed = true
	if err := os.Remove(filepath.Join(s.dir, masterFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seal key store: %w", err)
	}
	return syncFolder(s.dir)
}
