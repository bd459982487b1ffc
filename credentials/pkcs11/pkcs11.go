// Package pkcs11 is a credentials.Signer whose key lies in a hardware security
// module, or in whatever else speaks PKCS #11 with Ed25519 (CKM_EDDSA, PKCS #11
// 3.0). The module makes the key and never hands it out.
//
// It needs cgo and the build tag pkcs11. A program that was built without
// refuses in one line. It reads no environment and no PIN but what it is given.
package pkcs11

import (
	"errors"
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

// A Key is what may be seen of a key on a token.
type Key struct {
	Label string
	KeyID string
	Fault error // why it cannot be used, then without KeyID
}
