package parties

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/store"
)

// Everyone lists the parties that hold a key of their own.
var Everyone = []string{Board, Clerk, Insurer, Hospital, Auditor, Reviewer}

// founders sign leaf 0, and each of them runs a witness.
var founders = []string{Board, Insurer, Hospital, Auditor}

func (n *Network) openKeys() error {
	n.keys.party = map[string]credentials.Signer{}
	if err := makePassphrase(n.PassphraseFile()); err != nil {
		return err
	}
	for _, party := range append(n.otherBoards(), Everyone...) {
		s, err := n.openKey(party)
		if err != nil {
			return fmt.Errorf("%s: %w", party, err)
		}
		did, _, err := credentials.ParseKeyID(s.KeyID())
		if err != nil {
			return fmt.Errorf("%s: %w", party, err)
		}
		n.keys.party[party], n.DIDs[party] = s, did
	}
	for _, party := range founders {
		seed, err := openSecret(filepath.Join(n.Dir, "witness-"+party, "key"))
		if err != nil {
			return err
		}
		n.keys.witnesses = append(n.keys.witnesses, ed25519.NewKeyFromSeed(seed))
	}
	seed, err := openSecret(filepath.Join(n.Dir, "ledger", "key"))
	if err != nil {
		return err
	}
	n.keys.log = ed25519.NewKeyFromSeed(seed)
	if n.keys.secret, err = openSecret(filepath.Join(n.Dir, Insurer, "business.key")); err != nil {
		return err
	}
	if n.keys.payload, err = openSecret(filepath.Join(n.Dir, Insurer, "payload.key")); err != nil {
		return err
	}
	wrapping, err := openSecret(filepath.Join(n.Dir, Insurer, "wrapping.key"))
	if err != nil {
		return err
	}
	n.keys.books, err = store.NewKeys(n.keys.secret, store.WrappingKey{ID: "dev-1", Secret: [32]byte(wrapping)})
	return err
}

// otherBoards are the boards of the jurisdictions after the first.
func (n *Network) otherBoards() (names []string) {
	for _, state := range n.Jurisdictions[1:] {
		names = append(names, boardOf(state))
	}
	return names
}

func boardOf(state string) string { return Board + "-" + strings.ToLower(state) }

// openKey opens a party's key in its own key store, or makes it there.
func (n *Network) openKey(name string) (credentials.Signer, error) {
	ks, err := n.KeyStore(name)
	if err != nil {
		return nil, err
	}
	have, err := ks.List()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(have, func(k aries.Key) bool { return k.Name == name }) {
		return ks.Signer(name)
	}
	return ks.Create(name)
}

// KeyStore opens the key store of a party. All are sealed under one passphrase,
// since one person plays them all; it is a random key, so there is nothing that
// a slow seal would keep anybody from guessing.
func (n *Network) KeyStore(party string) (*aries.KeyStore, error) {
	lock := aries.FileLock(n.PassphraseFile())
	lock.Work = 10
	return aries.OpenKeyStore(n.Keys(party), lock)
}

// openSecret reads 32 random bytes, or makes them, readable by the owner only.
func openSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) != 32 {
		return nil, fmt.Errorf("%s: want 32 bytes", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	b = make([]byte, 32)
	rand.Read(b)
	return b, os.WriteFile(path, b, 0o600)
}

func makePassphrase(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(rand.Text() + "\n")
	return errors.Join(err, f.Close())
}
