package credentials

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mr-tron/base58"
)

// maxKeyID bounds a DID URL. A did:key of Ed25519 takes 105 characters; a
// did:web is a host name and a path.
const maxKeyID = 512

const didKeyPrefix = "did:key:"

// Multicodec of an Ed25519 public key, as an unsigned varint.
var ed25519Codec = [2]byte{0xed, 0x01}

// ResolveKey answers which public key a key id (a DID URL) names. It is called
// with text from unverified documents and has to refuse what it does not know.
//
// An error made with Refuse says that there is no such key; any other, that it
// could not be found out.
type ResolveKey func(kid string) (Key, error)

// KeyDID is the did:key of pub: the DID that is its own key.
func KeyDID(pub ed25519.PublicKey) DID {
	return DID(didKeyPrefix + EncodeMultikey(pub))
}

// KeyID is the DID URL by which the key of a did:key signs.
func KeyID(pub ed25519.PublicKey) string {
	m := EncodeMultikey(pub)
	return didKeyPrefix + m + "#" + m
}

// NextKeyID is the DID URL of a key that follows another one of did. The party
// keeps the DID by which it was admitted, since everything that it has said and
// that was said of it stands under that: decisions, licenses, the names of its
// entries on the ledger. Where the DID is a did:key, no did:key resolver knows
// such a key; the ledger alone says that it is the party's, and from when on.
func NextKeyID(did DID, pub ed25519.PublicKey) string {
	return string(did) + "#" + EncodeMultikey(pub)
}

// ParseKeyID splits a DID URL at its '#'. It wants exactly one '#', a bare DID
// before it and a fragment of URL-safe characters behind it; where the DID is a
// did:key, the fragment has to be a key: its own, or one that followed it.
func ParseKeyID(kid string) (d DID, fragment string, err error) {
	if len(kid) > maxKeyID {
		return "", "", fmt.Errorf("key id has %d bytes: the most is %d", len(kid), maxKeyID)
	}
	id, fragment, _ := strings.Cut(kid, "#")
	if fragment == "" {
		return "", "", errors.New("key id has no fragment: want DID#KEY")
	}
	for i := range len(fragment) {
		if !urlSafe(fragment[i]) {
			return "", "", fmt.Errorf("key id: fragment has the character %q", fragment[i])
		}
	}
	if d, err = ParseDID(id); err != nil {
		return "", "", fmt.Errorf("key id: %w", err)
	}
	if m, ok := strings.CutPrefix(id, didKeyPrefix); ok && m != fragment {
		if _, err := ParseKey(fragment); err != nil {
			return "", "", errors.New("key id: the fragment of a did:key has to repeat its key, or be the key that followed it")
		}
	}
	return d, fragment, nil
}

// urlSafe says whether c is unreserved in a URL (RFC 3986, section 2.3).
func urlSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// KeyFromDIDKey reads the Ed25519 key out of a did:key. Other methods need a
// resolver.
func KeyFromDIDKey(d DID) (ed25519.PublicKey, error) {
	m, ok := strings.CutPrefix(string(d), didKeyPrefix)
	if !ok {
		return nil, errNoDIDKey
	}
	pub, err := ParseMultikey(m)
	if err != nil {
		return nil, fmt.Errorf("did:key: %w", err)
	}
	return pub, nil
}

var errNoDIDKey = errors.New("not a did:key: its key has to be resolved")

// ResolveDIDKey is the ResolveKey that knows did:key and nothing else. It needs
// no network.
func ResolveDIDKey(kid string) (Key, error) {
	d, fragment, err := ParseKeyID(kid)
	if err != nil {
		return Key{}, Refuse(CheckKey, "%w", err)
	}
	m, ok := strings.CutPrefix(string(d), didKeyPrefix)
	if !ok {
		return Key{}, errNoDIDKey
	}
	k, err := ParseKey(m)
	if err != nil {
		return Key{}, Refuse(CheckKey, "did:key: %w", err)
	}
	if m != fragment {
		return Key{}, ErrFollowed
	}
	return k, nil
}

// ErrFollowed is the answer of ResolveDIDKey to a key that followed the first
// one of a did:key: whether it did, only the ledger can say.
var ErrFollowed = errors.New("not the key of its did:key: only the ledger knows what followed that")

// EncodeMultikey writes pub as a W3C Multikey: 'z' and the base58btc of codec
// and key. A key of another length than Ed25519's panics, since it cannot come
// from outside.
func EncodeMultikey(pub ed25519.PublicKey) string {
	if len(pub) != ed25519.PublicKeySize {
		panic(fmt.Sprintf("credentials: Ed25519 public key of %d bytes", len(pub)))
	}
	return "z" + base58.Encode(append(ed25519Codec[:], pub...))
}

// ParseMultikey accepts the one spelling of an Ed25519 Multikey that
// EncodeMultikey writes.
func ParseMultikey(s string) (ed25519.PublicKey, error) {
	const length = 48 // of every Ed25519 multikey; checked first, base58 costs the square
	if len(s) != length {
		return nil, fmt.Errorf("not an Ed25519 multikey: want %d characters", length)
	}
	b, _ := base58.Decode(s[1:])
	if len(b) != 2+ed25519.PublicKeySize {
		return nil, errors.New("not an Ed25519 multikey: it is not base58btc of 34 bytes")
	}
	pub := ed25519.PublicKey(b[2:])
	if EncodeMultikey(pub) != s {
		return nil, errors.New("not the one spelling of an Ed25519 multikey (z, multicodec ed01)")
	}
	if lowOrder(pub) {
		return nil, errors.New("multikey is of a key of low order: anyone can sign for it")
	}
	return pub, nil
}

// lowOrder says whether pub is one of the points of order 1, 2, 4 or 8. Such a
// key verifies signatures that nobody made (RFC 8032, section 8.9 leaves the
// check to the protocol), so a party could later deny whatever it signed.
func lowOrder(pub ed25519.PublicKey) bool {
	y := [32]byte(pub)
	y[31] &= 0x7f // the sign of x changes nothing here
	return slices.Contains(lowOrderPoints, hex.EncodeToString(y[:]))
}

// The y coordinates of these points, in both spellings where y+p fits as well.
var lowOrderPoints = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}
