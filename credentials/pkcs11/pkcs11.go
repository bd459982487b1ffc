// Package pkcs11 is a credentials.Signer whose key lies in a hardware security
// module, or in whatever else speaks PKCS #11 with Ed25519 (CKM_EDDSA, PKCS #11
// 3.0). The module makes the key and never hands it out.
//
// A key's name is its label. A key that follows another one says in the CKA_ID
// of its private half which key of which party it is; it has another label
// until it is promoted, and so has from then on the key that it followed, which
// is never deleted. Labels and ids are what PKCS #11 lets be changed of an
// object that is there (2.40, sections 4.4 and 4.7).
//
// It needs cgo and the build tag pkcs11. A program that was built without
// refuses in one line. It reads no environment and no PIN but what it is given.
package pkcs11

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/countersign-health/countersign/credentials"
)

// Config says where a key is.
type Config struct {
	Module string                 // path of the module's shared library
	Token  string                 // label of the token in it
	Key    string                 // label of the key on the token
	PIN    func() (string, error) // of the token's user; asked whenever it logs in
}

func (c Config) check() error {
	switch {
	case c.Module == "":
		return errors.New("the path of the PKCS #11 module is missing")
	case c.Token == "":
		return errors.New("the label of the token is missing")
	case c.Key == "":
		return errors.New("the label of the key is missing")
	case c.PIN == nil:
		return errors.New("the token's PIN is missing")
	case strings.ContainsFunc(c.Token+c.Key, unicode.IsControl):
		return errors.New("a label is one line of text")
	}
	return nil
}

// ErrWithout is the answer of a program that was built without the tag.
var ErrWithout = errors.New("this program was built without PKCS #11: build it with CGO_ENABLED=1 and -tags pkcs11")

// A Signer signs with the key in the module, from several goroutines at once.
type Signer interface {
	credentials.Signer
	Close() error
}

// A State is what a key is to the name that it goes by.
type State string

const (
	Signs   State = "signs"
	Next    State = "next"    // made by Prepare, and signs once it is promoted
	Retired State = "retired" // signed until another one was promoted
)

// A Key is what may be seen of a key on a token.
type Key struct {
	Label string
	Name  string // under which it signs, is to sign or did sign
	State State
	KeyID string
	Fault error // why it cannot be used, then without KeyID
}

// ErrNotPrepared is Promote's answer to a key that this token does not have.
var ErrNotPrepared = errors.New("the token has no next key with this id")

// Labels of the keys that go by a name but do not sign under it. What is in
// the brackets of a next key is random: keys that are made at once stay apart.
var (
	nextLabel    = regexp.MustCompile(`^(.+) \(next [0-9a-f]{8}\)$`)
	retiredLabel = regexp.MustCompile(`^(.+) \(was (z[0-9A-Za-z]+)\)$`)
)

// parseLabel is the name that a label belongs to, what the key is to it, and of
// a retired one the key itself.
func parseLabel(label string) (name string, state State, multikey string) {
	if m := nextLabel.FindStringSubmatch(label); m != nil {
		return m[1], Next, ""
	}
	if m := retiredLabel.FindStringSubmatch(label); m != nil {
		return m[1], Retired, m[2]
	}
	return label, Signs, ""
}

func retired(name string, pub ed25519.PublicKey) string {
	return fmt.Sprintf("%s (was %s)", name, credentials.EncodeMultikey(pub))
}

// follows says whether the key with this id followed another one.
func follows(kid string) bool {
	did, multikey, _ := credentials.ParseKeyID(kid)
	return string(did) != "did:key:"+multikey
}
