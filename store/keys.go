package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// WrappingKey is a key of the insurer that wraps the data keys in its books.
// Its ID stands in clear beside what it wraps; its Secret never enters the
// database.
type WrappingKey struct {
	ID     string
	Secret [32]byte
}

// Format keeps the secret out of logs and error texts, whatever the verb.
func (k WrappingKey) Format(f fmt.State, _ rune) { io.WriteString(f, "wrapping key "+k.ID) }

// Keys are what the books are opened with.
type Keys struct {
	wrapping []WrappingKey // the first wraps, all unwrap
	index    []byte
}

// NewKeys takes the wrapping keys, of which the first wraps and all unwrap,
// and the secret that keys every name that the books look people up by. That
// secret can never be changed: with another one nobody is found again.
func NewKeys(secret []byte, wrapping ...WrappingKey) (Keys, error) {
	if len(secret) < 32 || len(wrapping) == 0 {
		return Keys{}, errors.New("open books: want a secret of 32 bytes and one wrapping key at least")
	}
	seen := map[string]bool{}
	for n, k := range wrapping {
		switch {
		case k.ID == "":
			return Keys{}, fmt.Errorf("open books: wrapping key %d has no id", n+1)
		case k.Secret == [32]byte{}:
			return Keys{}, fmt.Errorf("open books: the secret of wrapping key %q is all zeros", k.ID)
		case seen[k.ID]:
			return Keys{}, fmt.Errorf("open books: two wrapping keys are named %q", k.ID)
		}
		seen[k.ID] = true
	}
	index, err := hkdf.Key(sha256.New, secret, nil, "countersign books index v1", 32)
	return Keys{wrapping, index}, err
}

// name is a keyed hash: it finds what it was made of, and says nothing of it
// to whoever lacks the insurer's secret.
func (k Keys) name(what string, parts ...string) string {
	mac := hmac.New(sha256.New, k.index)
	mac.Write(joined(append([]string{what}, parts...)...))
	return hex.EncodeToString(mac.Sum(nil))
}

// wrap seals a data key for its holder under the first wrapping key.
func (k Keys) wrap(holder string, key []byte) (id string, wrapped []byte, err error) {
	first := k.wrapping[0]
	c, err := newCipher(first.Secret[:])
	if err != nil {
		return "", nil, err
	}
	return first.ID, c.Seal(nil, nil, key, joined("countersign data key v1", first.ID, holder)), nil
}

func (k Keys) unwrap(holder, id string, wrapped []byte) ([]byte, error) {
	for _, w := range k.wrapping {
		if w.ID != id {
			continue
		}
		c, err := newCipher(w.Secret[:])
		if err != nil {
			return nil, err
		}
		key, err := c.Open(nil, nil, wrapped, joined("countersign data key v1", id, holder))
		if err != nil {
			return nil, fmt.Errorf("unwrap data key: it was changed, or the wrapping key %q differs from the one that wrapped it", id)
		}
		return key, nil
	}
	return nil, &MissingKey{ID: id}
}

// MissingKey says that the books need a wrapping key that they were not given.
type MissingKey struct {
	ID   string
	Keys int // data keys under it; 0 where they were not counted
}

func (e *MissingKey) Error() string {
	some := "data keys"
	if e.Keys > 0 {
		some = fmt.Sprintf("%d data keys", e.Keys)
	}
	return fmt.Sprintf("%s are wrapped under the key %q, which is not among insurer.wrapping_keys: put it back at the end of the list, "+
		"and take it out once \"countersignd books rewrap\" has ended", some, e.ID)
}

func newCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// joined puts texts together so that no two lists give the same bytes.
func joined(parts ...string) (b []byte) {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
