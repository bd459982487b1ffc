// Package aries is the only place that reaches aries-framework-go. It keeps
// development keys on disk with aries' local KMS, and asks
// aries to resolve DIDs.
//
// It never lets aries decide whether a credential is valid: aries' parser takes
// unsigned, expired and foreign-signed credentials and panics on hostile ones.
// What aries resolves passes our own checks before anyone sees a key. Houses in
// production keep their keys in an HSM or a KMS behind credentials.Signer.
package aries

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/hyperledger/aries-framework-go/pkg/crypto"
	"github.com/hyperledger/aries-framework-go/pkg/crypto/tinkcrypto"
	"github.com/hyperledger/aries-framework-go/pkg/kms"
	"github.com/hyperledger/aries-framework-go/pkg/kms/localkms"
	"github.com/hyperledger/aries-framework-go/pkg/secretlock"
	"github.com/hyperledger/aries-framework-go/pkg/secretlock/local"

	"github.com/countersign-health/countersign/credentials"
)

const (
	masterFile = "master.key"
	masterURI  = "local-lock://countersign"
)

// A KeyStore is a directory of Ed25519 keys, each sealed under the master key
// that lies beside them: good enough to keep a key out of a backup or a screen
// shot, not good enough against who can read the whole directory.
type KeyStore struct {
	dir    string
	kms    *localkms.LocalKMS
	crypto crypto.Crypto
}

// A Key is a named key, without its secret.
type Key struct {
	Name    string    `json:"name"`
	KeyID   string    `json:"keyId"` // DID URL
	Created time.Time `json:"created"`
	Sealed  string    `json:"sealed"` // aries' id of the sealed key: its file in keys/
}

// OpenKeyStore opens the key store in dir and makes it on first use. It refuses
// a master key that others can read, and one that does not open the keys.
func OpenKeyStore(dir string) (*KeyStore, error) {
	for _, d := range []string{dir, filepath.Join(dir, "keys"), filepath.Join(dir, "names")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make key store: %w", err)
		}
	}
	s := &KeyStore{dir: dir}
	keys, err := s.List()
	if err != nil {
		return nil, err
	}
	master, err := masterKey(filepath.Join(dir, masterFile), len(keys) == 0)
	if err != nil {
		return nil, err
	}
	lock, err := local.NewService(bytes.NewReader(master), nil)
	if err != nil {
		return nil, fmt.Errorf("open key store: master key: %w", err)
	}
	if s.kms, err = localkms.New(masterURI, provider{folder(filepath.Join(dir, "keys")), lock}); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	if s.crypto, err = tinkcrypto.New(); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	if len(keys) > 0 {
		if _, err := s.open(keys[0]); err != nil {
			return nil, fmt.Errorf("open key store: %s does not open the keys in %s: %w", masterFile, dir, err)
		}
	}
	return s, nil
}

// masterKey reads the master key, or makes one where there are no keys yet. A
// store whose master key was lost must not get a new one: its keys would look
// broken instead of lost.
func masterKey(path string, fresh bool) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh:
		raw := make([]byte, 32)
		rand.Read(raw) // never fails (crypto/rand)
		key := []byte(base64.URLEncoding.EncodeToString(raw))
		if err := createFile(path, key); errors.Is(err, fs.ErrExist) {
			return masterKey(path, false) // another process was first
		} else if err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		return key, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing, and there are keys that it opens: put it back", path)
	case err != nil:
		return nil, fmt.Errorf("read master key: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it", path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	// aries would take a file in another form for a raw key of odd strength.
	if raw, err := base64.URLEncoding.Strict().DecodeString(string(key)); err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("%s does not hold a master key: want 32 bytes in base64url", path)
	}
	return key, nil
}

// Create makes an Ed25519 key under a name that is still free. Its DID is the
// did:key of its public key.
func (s *KeyStore) Create(name string) (credentials.Signer, error) {
	path, err := s.namePath(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("create key: there is a key named %q already", name)
	}
	sealed, pub, err := s.kms.CreateAndExportPubKeyBytes(kms.ED25519Type)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	if len(pub) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("create key: aries made a key of %d bytes", len(pub))
	}
	k := Key{Name: name, KeyID: credentials.KeyID(pub), Created: time.Now().UTC().Truncate(time.Second), Sealed: sealed}
	b, err := credentials.CanonicalJSON(k)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	// The name is written last, and only once: until then the key does not exist.
	if err := createFile(path, append(b, '\n')); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key: there is a key named %q already", name)
	} else if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return s.open(k)
}

// Signer opens the key with that name.
func (s *KeyStore) Signer(name string) (credentials.Signer, error) {
	path, err := s.namePath(name)
	if err != nil {
		return nil, err
	}
	k, err := readName(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no key named %q in %s", name, s.dir)
	}
	if err != nil {
		return nil, err
	}
	return s.open(k)
}

// List names the keys, in order of their names.
func (s *KeyStore) List() ([]Key, error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "names", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var keys []Key
	for _, p := range paths {
		k, err := readName(p)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Name < keys[j].Name })
	return keys, nil
}

func readName(path string) (Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	var k Key
	if err := credentials.DecodeStrict(b, &k); err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", path, err)
	}
	if k.Name+".json" != filepath.Base(path) {
		return Key{}, fmt.Errorf("read key %s: it names the key %q", path, k.Name)
	}
	return k, nil
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
	return filepath.Join(s.dir, "names", name+".json"), nil
}

// open unseals a key and checks that it is the one that its name promises.
func (s *KeyStore) open(k Key) (credentials.Signer, error) {
	handle, err := s.kms.Get(k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %q: %w", k.Name, err)
	}
	pub, _, err := s.kms.ExportPubKeyBytes(k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %q: %w", k.Name, err)
	}
	if len(pub) != ed25519.PublicKeySize || credentials.KeyID(pub) != k.KeyID {
		return nil, fmt.Errorf("open key %q: the sealed key is another one", k.Name)
	}
	return signer{kid: k.KeyID, handle: handle, crypto: s.crypto}, nil
}

// signer signs through aries' crypto; the private key stays inside of tink.
type signer struct {
	kid    string
	handle any
	crypto crypto.Crypto
}

func (s signer) KeyID() string { return s.kid }

func (s signer) Sign(msg []byte) ([]byte, error) {
	sig, err := s.crypto.Sign(msg, s.handle)
	if err != nil {
		return nil, fmt.Errorf("sign with the key store: %w", err)
	}
	return sig, nil
}

// provider is what aries' KMS is built from.
type provider struct {
	store kms.Store
	lock  secretlock.Service
}

func (p provider) StorageProvider() kms.Store     { return p.store }
func (p provider) SecretLock() secretlock.Service { return p.lock }
