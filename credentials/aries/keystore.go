// Package aries is the only place that reaches aries-framework-go. It keeps
// development keys on disk with aries' local KMS, and asks
// aries to resolve DIDs.
//
// The keys lie sealed under a master key, and that under a passphrase (Lock).
// It never lets aries decide whether a credential is valid: aries' parser takes
// unsigned, expired and foreign-signed credentials and panics on hostile ones.
// What aries resolves passes our own checks before anyone sees a key. Houses in
// production keep their keys in an HSM or a KMS behind credentials.Signer.
package aries

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hyperledger/aries-framework-go/pkg/crypto"
	"github.com/hyperledger/aries-framework-go/pkg/crypto/tinkcrypto"
	"github.com/hyperledger/aries-framework-go/pkg/kms"
	"github.com/hyperledger/aries-framework-go/pkg/kms/localkms"
	"github.com/hyperledger/aries-framework-go/pkg/secretlock"
	"github.com/hyperledger/aries-framework-go/pkg/secretlock/local"

	"github.com/countersign-health/countersign/credentials"
)

const masterURI = "local-lock://countersign"

// A KeyStore is a directory of Ed25519 keys, each sealed by aries under the
// master key, which is sealed under a passphrase. While a process has it open
// the keys are in that process's memory; where that is too much, use an HSM.
type KeyStore struct {
	dir    string
	master []byte
	mac    []byte
	sealed bool
	kms    *localkms.LocalKMS
	crypto crypto.Crypto
}

// OpenKeyStore opens the key store in dir, and makes it on first use, sealed by
// lock. Stores made before there was a seal open without; Sealed tells.
func OpenKeyStore(dir string, lock Lock) (*KeyStore, error) {
	s := &KeyStore{dir: dir}
	keys, err := s.paths()
	if err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Join(dir, "keys"), filepath.Join(dir, "names")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make key store: %w", err)
		}
	}
	if s.master, s.sealed, err = readMaster(dir, lock, len(keys) == 0); err != nil {
		return nil, fmt.Errorf("open key store %s: %w", dir, err)
	}
	if s.mac, err = macKey(s.master); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	lockText := base64.URLEncoding.EncodeToString(s.master)
	service, err := local.NewService(strings.NewReader(lockText), nil)
	if err != nil {
		return nil, fmt.Errorf("open key store: master key: %w", err)
	}
	if s.kms, err = localkms.New(masterURI, provider{folder(filepath.Join(dir, "keys")), service}); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	if s.crypto, err = tinkcrypto.New(); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		if _, err := s.open(all[0].Name, all[0].Version); err != nil {
			return nil, fmt.Errorf("open key store: the master key does not open the keys in %s: %w", dir, err)
		}
	}
	return s, nil
}

// Sealed says whether the master key lies under a passphrase.
func (s *KeyStore) Sealed() bool { return s.sealed }

// Create makes an Ed25519 key under a name that is still free. Its DID is the
// did:key of its public key.
func (s *KeyStore) Create(name string) (credentials.Signer, error) {
	return s.create(name, credentials.KeyID)
}

// CreateUnder is Create for a party that goes by another DID than its key's own,
// a did:web: who its keys are, nobody can tell from that, so the ledger says it.
func (s *KeyStore) CreateUnder(name string, did credentials.DID) (credentials.Signer, error) {
	if _, err := credentials.WebDocument(did, true); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return s.create(name, func(pub ed25519.PublicKey) string { return credentials.NextKeyID(did, pub) })
}

func (s *KeyStore) create(name string, kid func(ed25519.PublicKey) string) (credentials.Signer, error) {
	path, err := s.namePath(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("create key: there is a key named %q already", name)
	}
	v, err := s.generate(kid)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	// The name is written last, and only once: until then the key does not exist.
	if err := s.write(Key{Name: name, Version: v}, createFile); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key: there is a key named %q already", name)
	} else if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return s.open(name, v)
}

// generate makes a key in keys/, where nothing names it yet.
func (s *KeyStore) generate(kid func(ed25519.PublicKey) string) (Version, error) {
	sealed, pub, err := s.kms.CreateAndExportPubKeyBytes(kms.ED25519Type)
	if err != nil {
		return Version{}, err
	}
	if len(pub) != ed25519.PublicKeySize {
		return Version{}, fmt.Errorf("aries made a key of %d bytes", len(pub))
	}
	b, err := folder(filepath.Join(s.dir, "keys")).Get(sealed)
	if err != nil {
		return Version{}, err
	}
	digest := credentials.DigestOf(b)
	return Version{KeyID: kid(pub), Created: time.Now().UTC().Truncate(time.Second), Sealed: sealed, Digest: &digest}, nil
}

// Signer opens the key that goes by that name now.
func (s *KeyStore) Signer(name string) (credentials.Signer, error) {
	k, err := s.Key(name)
	if err != nil {
		return nil, err
	}
	return s.open(k.Name, k.Version)
}

// open unseals a key and checks that it is the one that its name promises.
func (s *KeyStore) open(name string, k Version) (credentials.Signer, error) {
	if err := s.intact(k); err != nil {
		return nil, fmt.Errorf("open key %q: %w", name, err)
	}
	handle, err := s.kms.Get(k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %q: %w", name, err)
	}
	pub, _, err := s.kms.ExportPubKeyBytes(k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %q: %w", name, err)
	}
	_, fragment, err := credentials.ParseKeyID(k.KeyID)
	if err != nil || len(pub) != ed25519.PublicKeySize || credentials.EncodeMultikey(pub) != fragment {
		return nil, fmt.Errorf("open key %q: the sealed key is another one", name)
	}
	return credentials.Salting(signer{kid: k.KeyID, handle: handle, crypto: s.crypto}), nil
}

// intact looks that the sealed key's file is, byte for byte, what was written:
// tink would pass over a change in what it keeps in clear.
func (s *KeyStore) intact(k Version) error {
	if k.Digest == nil {
		return nil // of a store that was never sealed
	}
	b, err := folder(filepath.Join(s.dir, "keys")).Get(k.Sealed)
	if err != nil {
		return err
	}
	if credentials.DigestOf(b) != *k.Digest {
		return errors.New("its file was changed")
	}
	return nil
}

// signer signs through aries' crypto; the private key stays inside of tink.
type signer struct {
	kid    string
	handle any
	crypto crypto.Crypto
}

func (s signer) KeyID() string { return s.kid }

func (s signer) Algorithm() credentials.Algorithm { return credentials.EdDSA }

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
