//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/miekg/pkcs11"
)

// Names of PKCS #11 3.0, which the binding does not have yet.
const (
	keyTypeEdwards    = 0x40   // CKK_EC_EDWARDS
	mechanismGenerate = 0x1055 // CKM_EC_EDWARDS_KEY_PAIR_GEN
	mechanismSign     = 0x1057 // CKM_EDDSA
)

// edwards25519 is the curve as CKA_EC_PARAMS names it: its OID, RFC 8410.
var edwards25519 = []byte{0x06, 0x03, 0x2b, 0x65, 0x70}

// modules are loaded once in a process and stay: to finalize one would end the
// sessions of every signer in it.
var modules = struct {
	sync.Mutex
	loaded map[string]*pkcs11.Ctx
}{loaded: map[string]*pkcs11.Ctx{}}

func load(path string) (*pkcs11.Ctx, error) {
	modules.Lock()
	defer modules.Unlock()
	if m := modules.loaded[path]; m != nil {
		return m, nil
	}
	m := pkcs11.New(path)
	if m == nil {
		return nil, fmt.Errorf("%s is no PKCS #11 module, or does not load", path)
	}
	if err := m.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		m.Destroy()
		return nil, fmt.Errorf("initialize %s: %w", path, err)
	}
	modules.loaded[path] = m
	return m, nil
}

func is(err error, codes ...pkcs11.Error) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && slices.Contains(codes, e)
}
