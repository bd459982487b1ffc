//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
)

// Built says whether this program can reach modules.
const Built = true

// sessions are how many signatures may be under way at once.
const sessions = 4

// trial is what a key signs before it is relied on. It is no token, entry or
// checkpoint, so that its signature is worth nothing.
const trial = "countersign tries whether this key signs\n"

// A token signs with one key. Its sessions are opened when they are needed and
// opened anew when they are lost; the key is the one that it was opened with.
type token struct {
	Config
	module *pkcs11.Ctx
	kid    string
	pub    ed25519.PublicKey
	free   chan *session

	door    sync.Mutex
	refused error // the PIN was: another try would bring the token nearer to locking itself
}

// Open finds the key and lets it sign once, so that a key that cannot is found
// before anything rests on it.
func Open(c Config) (Signer, error) {
	t, err := open(c)
	if err == nil {
		err = t.try()
	}
	if err != nil {
		return nil, fmt.Errorf("open PKCS #11 key: %w", err)
	}
	return t, nil
}

// Create makes the key on the token: Ed25519, sensitive and not extractable,
// under a label that is still free.
func Create(c Config) (Signer, error) {
	t, err := open(c)
	if err == nil {
		err = t.create()
	}
	if err == nil {
		err = t.try()
	}
	if err != nil {
		return nil, fmt.Errorf("create PKCS #11 key: %w", err)
	}
	return t, nil
}

// List lists the token's Ed25519 keys by their labels. Config.Key says nothing
// to it.
func List(c Config) ([]Key, error) {
	c.Key = "every key" // check wants one
	t, err := open(c)
	s := &session{}
	var private []half
	if err == nil {
		err = t.login(s, 0)
	}
	if err == nil {
		defer t.drop(s)
		private, err = t.halves(s, pkcs11.CKO_PRIVATE_KEY)
	}
	if err != nil {
		return nil, fmt.Errorf("list PKCS #11 keys: %w", err)
	}
	var all []Key
	for i, p := range private {
		if i > 0 && p.label == private[i-1].label {
			continue // two are one fault
		}
		k := Key{Label: p.label}
		k.Name, k.State, _ = parseLabel(p.label)
		c.Key = p.label
		s, err := Open(c)
		if err == nil {
			s.Close()
			if k.KeyID = s.KeyID(); k.State == Next && !follows(k.KeyID) {
				k.KeyID, err = "", errors.New("its making was cut off: countersign key rotate goes on with it")
			}
		}
		k.Fault = err
		all = append(all, k)
	}
	return all, nil
}

func open(c Config) (*token, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	m, err := load(c.Module)
	if err != nil {
		return nil, err
	}
	t := &token{Config: c, module: m, free: make(chan *session, sessions)}
	for range sessions {
		t.free <- &session{}
	}
	return t, nil
}

// try signs something worthless.
func (t *token) try() error {
	s := <-t.free
	_, err := t.sign(s, []byte(trial))
	t.free <- s
	if err != nil {
		t.Close()
	}
	return err
}

func (t *token) create() error {
	if _, state, _ := parseLabel(t.Key); state != Signs {
		return fmt.Errorf("the label %q is what countersign key rotate gives to a key", t.Key)
	}
	s := &session{}
	defer t.drop(s)
	if err := t.login(s, pkcs11.CKF_RW_SESSION); err != nil {
		return err
	}
	for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		all, err := t.halves(s, class)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(h half) bool { return h.label == t.Key }) {
			return fmt.Errorf("there is a key with the label %q already", t.Key)
		}
	}
	return t.generate(s, t.Key)
}

// generate makes both halves of a key.
func (t *token) generate(s *session, name string) error {
	label := pkcs11.NewAttribute(pkcs11.CKA_LABEL, name)
	yes := func(kind uint) *pkcs11.Attribute { return pkcs11.NewAttribute(kind, true) }
	beforeWrite()
	_, _, err := t.module.GenerateKeyPair(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanismGenerate, nil)},
		[]*pkcs11.Attribute{label, yes(pkcs11.CKA_TOKEN), yes(pkcs11.CKA_VERIFY), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, edwards25519)},
		[]*pkcs11.Attribute{label, yes(pkcs11.CKA_TOKEN), yes(pkcs11.CKA_PRIVATE), yes(pkcs11.CKA_SIGN), yes(pkcs11.CKA_SENSITIVE),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false)})
	return err
}

// KeyID is the did:key of the key, or the id that Prepare gave it.
func (t *token) KeyID() string { return t.kid }

// Algorithm is what generate makes, and open accepts.
func (t *token) Algorithm() credentials.Algorithm { return credentials.EdDSA }

// Sign signs in the module. Where the session is lost, or the token was away,
// it opens another one, once.
func (t *token) Sign(msg []byte) ([]byte, error) {
	s := <-t.free
	defer func() { t.free <- s }()
	sig, err := t.sign(s, msg)
	if err != nil {
		t.drop(s)
		if sig, err = t.sign(s, msg); err != nil {
			t.drop(s)
			return nil, fmt.Errorf("sign with PKCS #11: %w", err)
		}
	}
	return sig, nil
}

func (t *token) sign(s *session, msg []byte) ([]byte, error) {
	if !s.open {
		if err := t.connect(s); err != nil {
			return nil, err
		}
	}
	if err := t.module.SignInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanismSign, nil)}, s.key); err != nil {
		return nil, err
	}
	sig, err := t.module.Sign(s.handle, msg)
	if err != nil {
		return nil, err
	}
	// What a faulty module signs must not leave the house.
	if !ed25519.Verify(t.pub, msg, sig) {
		return nil, errors.New("the signature does not hold: the module is faulty, or the public key under this label is of another key")
	}
	return sig, nil
}

// Close closes the sessions.
func (t *token) Close() error {
	for range sessions {
		s := <-t.free
		t.drop(s)
		t.free <- s
	}
	return nil
}
