//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
)

// beforeWrite is called before each change of the token. Tests end the process
// there.
var beforeWrite = func() {}

// A key gives way to the next in these steps. A process may be killed between
// any two; each finds what those before it have left.
//
//	Prepare  1 both halves are made            NAME (next RANDOM)
//	         2 private half, public half       CKA_ID is DID#KEY
//	Promote  3 old private half                NAME (was OLD)
//	         4 next private half               NAME
//	         5 next public half                NAME
//	         6 old public half                 NAME (was OLD)
//
// From 4 on the next key signs. Between 3 and 4 none does, and the old one may
// not: by then it has been handed over. As long as the old public half has the
// name, the handover has not ended, and Replaced finds the old key by it.

// Replaced opens the key that a handover replaces: the one that signs under the
// label or, where a Promote was cut off, the one that did before.
func Replaced(c Config) (Signer, error) {
	t, s, err := change(c)
	if err == nil {
		defer t.drop(s)
		c.Key, err = t.replaced(s)
	}
	if err != nil {
		return nil, fmt.Errorf("open PKCS #11 key: %w", err)
	}
	return Open(c)
}

// Prepare makes the key that is to follow the one under the label, of the same
// party, and opens it. It does not sign under the label before Promote. Called
// again, it opens the same key.
func Prepare(c Config) (Signer, error) {
	t, s, err := change(c)
	if err == nil {
		defer t.drop(s)
		c.Key, err = t.prepare(s)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare PKCS #11 key: %w", err)
	}
	return Open(c)
}

// Promote lets the key with this id sign under the label, and keeps the one
// before it under another label. To promote the same key again changes nothing.
func Promote(c Config, kid string) error {
	t, s, err := change(c)
	if err == nil {
		defer t.drop(s)
		err = t.promote(s, kid)
	}
	if err != nil {
		return fmt.Errorf("promote PKCS #11 key: %w", err)
	}
	return nil
}

// change opens a session that may change the token.
func change(c Config) (*token, *session, error) {
	t, err := open(c)
	if err != nil {
		return nil, nil, err
	}
	s := &session{}
	return t, s, t.login(s, pkcs11.CKF_RW_SESSION)
}

// replaced is the label of the old key's private half.
func (t *token) replaced(s *session) (string, error) {
	public, err := t.halves(s, pkcs11.CKO_PUBLIC_KEY)
	if err != nil {
		return "", err
	}
	private, err := t.halves(s, pkcs11.CKO_PRIVATE_KEY)
	if err != nil {
		return "", err
	}
	given := map[string]bool{}
	for _, p := range private {
		given[p.label] = true
	}
	for _, p := range public {
		if p.label != t.Key {
			continue
		}
		if pub, err := t.publicKey(s, p.object); err == nil && given[retired(t.Key, pub)] {
			return retired(t.Key, pub), nil
		}
	}
	return t.Key, nil
}

// prepare finds or makes the next key, and returns the label of its private
// half.
func (t *token) prepare(s *session) (string, error) {
	if _, state, _ := parseLabel(t.Key); state != Signs {
		return "", fmt.Errorf("the key under %q does not sign, so that none can follow it", t.Key)
	}
	was, err := t.replaced(s)
	if err != nil {
		return "", err
	}
	_, kid, _, err := t.named(s, was)
	if err != nil {
		return "", err
	}
	did, _, err := credentials.ParseKeyID(kid)
	if err != nil {
		return "", err
	}
	label, err := t.prepared(s, was, did)
	if err != nil || label != "" {
		return label, err
	}
	if err := t.changeable(s); err != nil {
		return "", err
	}
	random := make([]byte, 4)
	rand.Read(random)
	label = fmt.Sprintf("%s (next %s)", t.Key, hex.EncodeToString(random))
	if err := t.generate(s, label); err != nil {
		return "", err
	}
	if ok, err := t.identify(s, label, did); err != nil || !ok {
		return "", errors.Join(err, errors.New("the module does not show the key that it made"))
	}
	return label, nil
}

// prepared is the label of a next key that an attempt before has left, whole or
// not yet with its id. Where several processes made one at once, all take the
// first.
func (t *token) prepared(s *session, was string, did credentials.DID) (string, error) {
	private, err := t.halves(s, pkcs11.CKO_PRIVATE_KEY)
	if err != nil {
		return "", err
	}
	for _, p := range private {
		name, state, _ := parseLabel(p.label)
		promoted := p.label == t.Key && was != t.Key // by a Promote that was cut off
		if name != t.Key || state != Next && !promoted {
			continue
		}
		if ok, err := t.identify(s, p.label, did); ok || err != nil {
			return p.label, err
		}
	}
	return "", nil
}

// identify gives a next key its id, and says no where it cannot be one: half
// of a key, whose making was cut off, or one of another party.
func (t *token) identify(s *session, label string, did credentials.DID) (bool, error) {
	private, kid, pub, err := t.named(s, label)
	if err != nil {
		return false, nil
	}
	want := credentials.NextKeyID(did, pub)
	if kid != want && kid != credentials.KeyID(pub) {
		return false, nil
	}
	if kid != want {
		if err := t.set(s, private, pkcs11.CKA_ID, want); err != nil {
			return false, err
		}
	}
	public, err := t.one(s, pkcs11.CKO_PUBLIC_KEY, label)
	if err != nil {
		return true, nil // the private half says all that is needed
	}
	if id, err := t.read(s, public, pkcs11.CKA_ID); err != nil || id == want {
		return true, err
	}
	return true, t.set(s, public, pkcs11.CKA_ID, want)
}

// changeable tries whether the module lets the old key's label be changed,
// before anything rests on it: CKA_MODIFIABLE may be false.
func (t *token) changeable(s *session) error {
	for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		object, err := t.one(s, class, t.Key)
		if err == nil {
			err = t.write(s, object, pkcs11.CKA_LABEL, t.Key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *token) promote(s *session, kid string) error {
	_, multikey, err := credentials.ParseKeyID(kid)
	if err != nil {
		return err
	}
	next, err := credentials.ParseMultikey(multikey)
	if err != nil {
		return err
	}
	private, err := t.halves(s, pkcs11.CKO_PRIVATE_KEY)
	if err != nil {
		return err
	}
	var to, from *half // to sign, signing
	for _, p := range private {
		if name, state, _ := parseLabel(p.label); name != t.Key || state == Retired {
			continue
		}
		if _, is, _, err := t.named(s, p.label); err == nil && is == kid {
			to = &p
		} else if p.label == t.Key {
			from = &p
		}
	}
	if to == nil {
		return ErrNotPrepared
	}
	if from != nil {
		_, _, pub, err := t.named(s, t.Key)
		if err != nil {
			return err
		}
		if err := t.set(s, from.object, pkcs11.CKA_LABEL, retired(t.Key, pub)); err != nil {
			return err
		}
	}
	if to.label != t.Key {
		if err := t.set(s, to.object, pkcs11.CKA_LABEL, t.Key); err != nil {
			return err
		}
	}
	return t.promotePublic(s, next)
}

// promotePublic lets the public halves follow, the old one last.
func (t *token) promotePublic(s *session, next ed25519.PublicKey) error {
	public, err := t.halves(s, pkcs11.CKO_PUBLIC_KEY)
	if err != nil {
		return err
	}
	var old []half
	for _, p := range public {
		name, state, _ := parseLabel(p.label)
		pub, err := t.publicKey(s, p.object)
		if name != t.Key || state == Retired || err != nil {
			continue
		}
		switch {
		case !next.Equal(pub) && state == Signs:
			old = append(old, half{p.object, retired(t.Key, pub)})
		case next.Equal(pub) && state == Next:
			if err := t.set(s, p.object, pkcs11.CKA_LABEL, t.Key); err != nil {
				return err
			}
		}
	}
	for _, p := range old {
		if err := t.set(s, p.object, pkcs11.CKA_LABEL, p.label); err != nil {
			return err
		}
	}
	return nil
}

// set changes a label or an id.
func (t *token) set(s *session, object pkcs11.ObjectHandle, kind uint, value string) error {
	beforeWrite()
	return t.write(s, object, kind, value)
}

func (t *token) write(s *session, object pkcs11.ObjectHandle, kind uint, value string) error {
	if err := t.module.SetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, value)}); err != nil {
		what := "label"
		if kind == pkcs11.CKA_ID {
			what = "id"
		}
		return fmt.Errorf("the module does not let the %s of a key under %q be changed: %w", what, t.Key, err)
	}
	return nil
}
