package credentials

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// A Signer holds one private key and signs with it. The key fixes the
// algorithm: every signer of this release is Ed25519.
type Signer interface {
	// KeyID is the DID URL of the key: its DID, '#', its fragment.
	KeyID() string
	// Sign returns the 64-byte Ed25519 signature of msg.
	Sign(msg []byte) ([]byte, error)
}

// NewSigner signs with a key that is at hand: in tests, in witnesses, where a
// house keeps its key in a file. An empty kid stands for the key's did:key.
func NewSigner(kid string, key ed25519.PrivateKey) Signer {
	if kid == "" {
		kid = KeyID(key.Public().(ed25519.PublicKey))
	}
	return keySigner{kid, key}
}

type keySigner struct {
	kid string
	key ed25519.PrivateKey
}

func (s keySigner) KeyID() string { return s.kid }

func (s keySigner) Sign(msg []byte) ([]byte, error) {
	if len(s.key) != ed25519.PrivateKeySize {
		return nil, errors.New("sign: the key is not an Ed25519 private key")
	}
	return ed25519.Sign(s.key, msg), nil
}

// SignerDID is the DID under which s signs.
func SignerDID(s Signer) (DID, error) {
	d, _, err := ParseKeyID(s.KeyID())
	if err != nil {
		return "", fmt.Errorf("signer: %w", err)
	}
	return d, nil
}
