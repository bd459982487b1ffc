package credentials

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// A Signer holds one private key and signs with it. The key fixes the
// algorithm.
type Signer interface {
	// KeyID is the DID URL of the key: its DID, '#', its fragment.
	KeyID() string
	// Algorithm is the key's. Whatever stands on the ledger wants EdDSA.
	Algorithm() Algorithm
	// Sign returns the 64 bytes of the signature of msg.
	Sign(msg []byte) ([]byte, error)
}

// NewSigner signs with a key that is at hand: in tests, in witnesses, where a
// house keeps its key in a file. An empty kid stands for the key's did:key.
func NewSigner(kid string, key ed25519.PrivateKey) Signer {
	if kid == "" {
		kid = KeyID(key.Public().(ed25519.PublicKey))
	}
	return Salting(keySigner{kid, key})
}

type keySigner struct {
	kid string
	key ed25519.PrivateKey
}

func (s keySigner) KeyID() string { return s.kid }

func (s keySigner) Algorithm() Algorithm { return EdDSA }

func (s keySigner) Sign(msg []byte) ([]byte, error) {
	if len(s.key) != ed25519.PrivateKeySize {
		return nil, errors.New("sign: the key is not an Ed25519 private key")
	}
	return ed25519.Sign(s.key, msg), nil
}

// NewES256Signer is NewSigner for a P-256 key. Its signatures repeat (RFC 6979),
// as Ed25519's do.
func NewES256Signer(kid string, key *ecdsa.PrivateKey) (Signer, error) {
	pub, err := NewKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	if kid == "" {
		m := pub.Multikey()
		kid = didKeyPrefix + m + "#" + m
	}
	return Salting(p256Signer{kid, key}), nil
}

type p256Signer struct {
	kid string
	key *ecdsa.PrivateKey
}

func (s p256Signer) KeyID() string { return s.kid }

func (s p256Signer) Algorithm() Algorithm { return ES256 }

// Sign writes R and S at their full width (RFC 7518, section 3.4), not as DER.
func (s p256Signer) Sign(msg []byte) ([]byte, error) {
	sum := sha256.Sum256(msg)
	der, err := s.key.Sign(nil, sum[:], crypto.SHA256) // without a source of randomness: RFC 6979
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("sign: crypto/ecdsa gave no signature")
	}
	b := make([]byte, signatureSize)
	sig.R.FillBytes(b[:32])
	sig.S.FillBytes(b[32:])
	return b, nil
}

// SignerDID is the DID under which s signs.
func SignerDID(s Signer) (DID, error) {
	d, _, err := ParseKeyID(s.KeyID())
	if err != nil {
		return "", fmt.Errorf("signer: %w", err)
	}
	return d, nil
}
