package aries

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A Version is one key of those that a name has had.
type Version struct {
	KeyID   string              `json:"keyId"` // DID URL
	Created time.Time           `json:"created"`
	Sealed  string              `json:"sealed"`           // aries' id of the sealed key: its file in keys/
	Digest  *credentials.Digest `json:"digest,omitempty"` // of that file
	Retired *time.Time          `json:"retired,omitempty"`
}

// A Key is a named key, without its secret: the version that signs, and those
// that it followed, newest first.
type Key struct {
	Name string `json:"name"`
	Version
	Past []Version `json:"past,omitempty"`
	// Follows is, of a key that does not sign yet, the id of the one that does.
	Follows string `json:"follows,omitempty"`
	// MAC authenticates the record under the master key.
	MAC string `json:"mac,omitempty"`
}

// Key is what the store knows of a name.
func (s *KeyStore) Key(name string) (Key, error) {
	path, err := s.namePath(name)
	if err != nil {
		return Key{}, err
	}
	k, err := s.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("there is no key named %q in %s", name, s.dir)
	}
	return k, err
}

// List names the keys, in order of their names.
func (s *KeyStore) List() ([]Key, error) {
	paths, err := s.paths()
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, p := range paths {
		k, err := s.read(p)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Name < keys[j].Name })
	return keys, nil
}

// Prepare makes the key that is to follow the named one, under the same DID,
// and opens it. It does not sign for the name before Promote. Called again, or
// twice at once, it opens the same key: a handover that was cut off goes on.
func (s *KeyStore) Prepare(name string) (credentials.Signer, error) {
	k, err := s.Key(name)
	if err != nil {
		return nil, err
	}
	next, err := s.next(k)
	if errors.Is(err, fs.ErrNotExist) {
		next, err = s.prepare(k)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare key: %w", err)
	}
	return s.open(name, next.Version)
}

func (s *KeyStore) prepare(k Key) (Key, error) {
	did, _, err := credentials.ParseKeyID(k.KeyID)
	if err != nil {
		return Key{}, err
	}
	v, err := s.generate(func(pub ed25519.PublicKey) string { return credentials.NextKeyID(did, pub) })
	if err != nil {
		return Key{}, err
	}
	next := Key{Name: k.Name, Version: v, Follows: k.KeyID}
	if err := s.write(next, createFile); errors.Is(err, fs.ErrExist) {
		return s.next(k) // another process was first
	} else if err != nil {
		return Key{}, err
	}
	return next, nil
}

// next is the key that was prepared to follow k.
func (s *KeyStore) next(k Key) (Key, error) {
	return s.read(s.path(Key{Name: k.Name, Follows: k.KeyID}))
}

// ErrNotPrepared is Promote's answer to a key that this store did not prepare.
var ErrNotPrepared = errors.New("there is no next key with this id")

// Promote lets the key that Prepare made sign for the name, and keeps the one
// before it. To promote the same key again changes nothing.
func (s *KeyStore) Promote(name, kid string) error {
	k, err := s.Key(name)
	if err != nil {
		return err
	}
	if k.KeyID == kid {
		return s.forgetNext(k) // its last step may have been cut off
	}
	next, err := s.next(k)
	if errors.Is(err, fs.ErrNotExist) || err == nil && next.KeyID != kid {
		return fmt.Errorf("promote key %q: %w", name, ErrNotPrepared)
	}
	if err != nil {
		return fmt.Errorf("promote key: %w", err)
	}
	now, old := time.Now().UTC().Truncate(time.Second), k.Version
	old.Retired = &now
	next.Follows, next.Past = "", append([]Version{old}, k.Past...)
	if err := s.write(next, replaceFile); err != nil {
		return fmt.Errorf("promote key: %w", err)
	}
	return s.forgetNext(next)
}

// forgetNext removes the record of when k was the key to come.
func (s *KeyStore) forgetNext(k Key) error {
	if len(k.Past) == 0 {
		return nil
	}
	err := os.Remove(s.path(Key{Name: k.Name, Follows: k.Past[0].KeyID}))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("promote key: %w", err)
	}
	return nil
}

func (s *KeyStore) paths() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "names", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return paths, nil
}

func (s *KeyStore) read(path string) (Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	var k Key
	if err := credentials.DecodeStrict(b, &k); err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", path, err)
	}
	if s.path(k) != path {
		return Key{}, fmt.Errorf("read key %s: it names the key %q", path, k.Name)
	}
	if !s.sealed && k.MAC == "" {
		return k, nil
	}
	want, err := s.encode(k)
	if err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", path, err)
	}
	if !hmac.Equal(b, want) {
		return Key{}, fmt.Errorf("read key %s: it was changed, or is of another key store", path)
	}
	return k, nil
}

// encode is the one spelling of a record.
func (s *KeyStore) encode(k Key) ([]byte, error) {
	k.MAC = ""
	b, err := credentials.CanonicalJSON(k)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, s.mac)
	mac.Write(b)
	k.MAC = hex.EncodeToString(mac.Sum(nil))
	if b, err = credentials.CanonicalJSON(k); err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// write writes a record, whole or not at all.
func (s *KeyStore) write(k Key, file func(string, []byte) error) error {
	if k.Digest == nil {
		b, err := folder(filepath.Join(s.dir, "keys")).Get(k.Sealed)
		if err != nil {
			return err
		}
		d := credentials.DigestOf(b)
		k.Digest = &d
	}
	b, err := s.encode(k)
	if err != nil {
		return err
	}
	return file(s.path(k), b)
}

// namePath keeps names to what every file system spells alike.
func (s *KeyStore) namePath(name string) (string, error) {
	if name == "" || len(name) > 64 {
		return "", errors.New("a key's name has 1 to 64 characters")
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return "", fmt.Errorf("key name %q: use a-z, 0-9 and -", name)
		}
	}
	return s.path(Key{Name: name}), nil
}

// path is where a record lies: of a key that does not sign yet, beside the
// name and not under it. It tells which key it follows, so that one process
// never takes another's new record for what an old handover left behind.
func (s *KeyStore) path(k Key) string {
	file := k.Name + ".json"
	if k.Follows != "" {
		_, fragment, _ := credentials.ParseKeyID(k.Follows)
		file = k.Name + ".next." + fragment
	}
	return filepath.Join(s.dir, "names", file)
}
