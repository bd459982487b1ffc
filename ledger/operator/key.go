package operator

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// NewKey makes the log's signer out of an Ed25519 key, and the verifier key
// that a genesis names.
func NewKey(origin string, key ed25519.PrivateKey) (note.Signer, string, error) {
	vkey, err := note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, "", fmt.Errorf("log key: %w", err)
	}
	hash, _, _ := strings.Cut(strings.TrimPrefix(vkey, origin+"+"), "+")
	seed := append([]byte{1}, key.Seed()...) // 1 is Ed25519, c2sp.org/signed-note
	signer, err := note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(seed))
	if err != nil {
		return nil, "", fmt.Errorf("log key for the origin %q: %w", origin, err)
	}
	return signer, vkey, nil
}
