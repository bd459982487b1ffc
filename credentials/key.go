package credentials

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/go-jose/go-jose/v4"
	"github.com/mr-tron/base58"
)

// An Algorithm is how a key signs, as JOSE names it (RFC 7518, RFC 8037).
type Algorithm string

// The algorithms of this release. A key has one of them, and no document can
// choose another.
const (
	EdDSA Algorithm = Algorithm(jose.EdDSA) // Ed25519
	ES256 Algorithm = Algorithm(jose.ES256) // P-256 and SHA-256, for hardware without Ed25519
)

// signatureSize is of both: R and S, 32 bytes each.
const signatureSize = 64

// A Position is a place on the ledger, the index of an entry, at which a key
// is judged.
type Position int64

const (
	// Unplaced is a document of which nothing says where on the ledger it
	// belongs (leaf 0 is nobody's document). It is good only under a key that
	// nothing ever happened to.
	Unplaced Position = 0
	// Latest is the end of the ledger: for what is said now.
	Latest Position = math.MaxInt64
	// Whenever is any place at which its issuer had the key: for what does not
	// stand on the ledger and is held by what does.
	Whenever Position = -Latest
)

// OrBefore is p or any place before it at which the issuer had the key: for
// what is held by an entry at p, and so was signed no later.
func (p Position) OrBefore() Position { return -p }

// A Key is a public key, which fixes its algorithm, with what is known of its
// life. The zero Key verifies nothing.
type Key struct {
	ed   ed25519.PublicKey
	p256 *ecdsa.PublicKey

	// Since is the entry that made it its owner's, 0 if it was from the first.
	Since Position
	// Until is the entry that handed it over, the last that it could sign; 0 if none did.
	Until Position
	// BadFrom is the first entry from which somebody else may have signed with
	// it; 0 if that never was reported.
	BadFrom Position
}

// NewKey takes an ed25519.PublicKey, or an *ecdsa.PublicKey on P-256.
func NewKey(pub any) (Key, error) {
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("an Ed25519 key has %d bytes, this one %d", ed25519.PublicKeySize, len(pub))
		}
		if lowOrder(pub) {
			return Key{}, errors.New("the key is of low order: anyone can sign for it")
		}
		return Key{ed: pub}, nil
	case *ecdsa.PublicKey:
		if pub == nil || pub.Curve != elliptic.P256() || pub.X == nil || pub.Y == nil {
			return Key{}, errors.New("the key is not on P-256")
		}
		if _, err := pub.ECDH(); err != nil { // is it a point of the curve?
			return Key{}, errors.New("the key is not on P-256")
		}
		return Key{p256: pub}, nil
	}
	return Key{}, errors.New("neither an Ed25519 nor a P-256 key")
}

// Algorithm is how the key signs.
func (k Key) Algorithm() Algorithm {
	switch {
	case k.ed != nil:
		return EdDSA
	case k.p256 != nil:
		return ES256
	}
	return ""
}

// Public is the key as crypto/ed25519 or crypto/ecdsa has it.
func (k Key) Public() any {
	switch {
	case k.ed != nil:
		return k.ed
	case k.p256 != nil:
		return k.p256
	}
	return nil
}

// Ed25519 is the key of whatever only Ed25519 signs, such as ledger entries;
// nil where it is another.
func (k Key) Ed25519() ed25519.PublicKey { return k.ed }

// Equal compares keys, not their lives.
func (k Key) Equal(other Key) bool {
	switch {
	case k.ed != nil:
		return k.ed.Equal(other.ed)
	case k.p256 != nil:
		return other.p256 != nil && k.p256.Equal(other.p256)
	}
	return false
}

// Verify says whether the key has signed msg. Of a P-256 signature (R, S) the
// twin (R, -S) holds as well: name documents by DocumentDigest, never by a
// digest of the token.
func (k Key) Verify(msg, sig []byte) bool {
	switch {
	case len(sig) != signatureSize:
		return false
	case k.ed != nil:
		return ed25519.Verify(k.ed, msg, sig)
	case k.p256 != nil:
		sum := sha256.Sum256(msg)
		return ecdsa.Verify(k.p256, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}

// Multikey writes the key as a W3C Multikey, or nothing for the zero Key.
func (k Key) Multikey() string {
	switch {
	case k.ed != nil:
		return EncodeMultikey(k.ed)
	case k.p256 != nil:
		return "z" + base58.Encode(append(p256Codec[:], elliptic.MarshalCompressed(elliptic.P256(), k.p256.X, k.p256.Y)...))
	}
	return ""
}

// String is the key as a Multikey.
func (k Key) String() string { return k.Multikey() }

// Multicodec of a compressed P-256 public key (0x1200), as an unsigned varint.
var p256Codec = [2]byte{0x80, 0x24}

// ParseKey accepts the one spelling of a Multikey that Key.Multikey writes, of
// either algorithm.
func ParseKey(multikey string) (Key, error) {
	const length = 49 // of every P-256 multikey
	if len(multikey) != length {
		pub, err := ParseMultikey(multikey)
		return Key{ed: pub}, err
	}
	b, err := base58.Decode(multikey[1:])
	if err != nil {
		return Key{}, errors.New("multikey is not base58btc")
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), b[2:]) // 48 digits make 35 bytes or more
	if x == nil {
		return Key{}, errors.New("multikey is not of a point on P-256")
	}
	k := Key{p256: &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}}
	if k.Multikey() != multikey {
		return Key{}, errors.New("multikey is not of a P-256 key (multicodec 8024) in its one spelling")
	}
	return k, nil
}

// FindKey asks keys for the key that a document names, which has to be a key of
// owner: its issuer, or the holder who presents it.
func FindKey(kid string, owner DID, keys ResolveKey) (Key, error) {
	d, _, err := ParseKeyID(kid)
	if err != nil {
		return Key{}, Refuse(CheckHeader, "%w", err)
	}
	if d != owner {
		return Key{}, Refuse(CheckIssuer, "its key is not its issuer's or holder's")
	}
	return findKey(kid, keys)
}

func findKey(kid string, keys ResolveKey) (Key, error) {
	key, err := keys(kid)
	if err != nil {
		return Key{}, at(CheckKey, "find its key", err)
	}
	if key.Algorithm() == "" {
		return Key{}, Lack(CheckKey, "find its key: there is none")
	}
	return key, nil
}

// heldAt says whether the key was its owner's at p.
func (k Key) heldAt(p Position) error {
	held := p < 0
	if held {
		p = -p
	}
	switch {
	case p < 0:
		return Lack(CheckPeriod, "%d is no place on the ledger", p)
	case p == Unplaced && (k.Until != 0 || k.BadFrom != 0), held && k.BadFrom != 0 && p >= k.BadFrom:
		return Lack(CheckPeriod, "its key was given up, and nothing says where on the ledger it belongs")
	case p == Unplaced:
		return nil
	case p <= k.Since:
		return Refuse(CheckPeriod, "its key was let in only later")
	case held:
		return nil
	case k.BadFrom != 0 && p >= k.BadFrom:
		return Refuse(CheckPeriod, "its key was no longer its issuer's alone")
	case k.Until != 0 && p > k.Until:
		return Refuse(CheckPeriod, "its key was handed over before")
	}
	return nil
}
