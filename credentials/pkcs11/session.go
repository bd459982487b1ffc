//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto/ed25519"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
)

// A session is one line to the token, for one caller at a time.
type session struct {
	handle pkcs11.SessionHandle
	key    pkcs11.ObjectHandle
	open   bool
}

// connect opens a session and finds the key in it.
func (t *token) connect(s *session) (err error) {
	if err := t.login(s, 0); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.drop(s)
		}
	}()
	private, err := t.one(s, pkcs11.CKO_PRIVATE_KEY)
	if err != nil {
		return err
	}
	public, err := t.one(s, pkcs11.CKO_PUBLIC_KEY)
	if err != nil {
		return err
	}
	pub, err := t.publicKey(s, public)
	if err != nil {
		return err
	}
	if t.pub == nil {
		t.pub = pub // by Open, before anyone else has the token
	} else if !t.pub.Equal(pub) {
		return errors.New("the token holds another key under this label than before")
	}
	s.key = private
	return nil
}

// login opens a session of a user. The login is of the whole process.
func (t *token) login(s *session, flags uint) error {
	t.door.Lock()
	defer t.door.Unlock()
	if t.refused != nil {
		return t.refused
	}
	slot, err := t.slot()
	if err != nil {
		return err
	}
	if s.handle, err = t.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|flags); err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	s.open = true
	pin, err := t.PIN()
	if err == nil {
		if err = t.module.Login(s.handle, pkcs11.CKU_USER, pin); is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
			err = nil
		}
	}
	if err == nil {
		return nil
	}
	t.drop(s)
	if is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED) {
		t.refused = fmt.Errorf("log in to token %q: %w; this PIN is not tried again", t.Token, err)
		return t.refused
	}
	return fmt.Errorf("log in to token %q: %w", t.Token, err)
}

func (t *token) drop(s *session) {
	if s.open {
		t.module.CloseSession(s.handle) // it may be gone already
	}
	*s = session{}
}

func (t *token) slot() (uint, error) {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("list tokens: %w", err)
	}
	var found []uint
	for _, slot := range slots {
		if info, err := t.module.GetTokenInfo(slot); err == nil && info.Label == t.Token {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%d tokens have the label %q: want one", len(found), t.Token)
	}
	return found[0], nil
}

// find finds the first hundred objects.
func (t *token) find(s *session, want ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := t.module.FindObjectsInit(s.handle, want); err != nil {
		return nil, fmt.Errorf("find key: %w", err)
	}
	all, _, err := t.module.FindObjects(s.handle, 100)
	if end := t.module.FindObjectsFinal(s.handle); err == nil {
		err = end
	}
	if err != nil {
		return nil, fmt.Errorf("find key: %w", err)
	}
	return all, nil
}

// one is the half of the key that is of this class.
func (t *token) one(s *session, class uint) (pkcs11.ObjectHandle, error) {
	all, err := t.find(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyTypeEdwards),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, t.Key))
	if err != nil {
		return 0, err
	}
	half := "private"
	if class == pkcs11.CKO_PUBLIC_KEY {
		half = "public"
	}
	switch len(all) {
	case 0:
		return 0, fmt.Errorf("token %q has no %s Ed25519 key with the label %q", t.Token, half, t.Key)
	case 1:
		return all[0], nil
	}
	return 0, fmt.Errorf("token %q has several %s keys with the label %q", t.Token, half, t.Key)
}

func (t *token) publicKey(s *session, object pkcs11.ObjectHandle) (ed25519.PublicKey, error) {
	got, err := t.module.GetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)})
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	point := got[0].Value
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
		point = inner // most modules wrap it, as for other curves
	}
	if len(point) != ed25519.PublicKeySize {
		return nil, errors.New("the key is not an Ed25519 key")
	}
	return credentials.ParseMultikey(credentials.EncodeMultikey(point)) // refuses weak ones
}

// labels are those of all private Ed25519 keys, sorted, each once.
func (t *token) labels() ([]string, error) {
	s := &session{}
	if err := t.login(s, 0); err != nil {
		return nil, err
	}
	defer t.drop(s)
	all, err := t.find(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyTypeEdwards))
	if err != nil {
		return nil, err
	}
	var labels []string
	for _, object := range all {
		got, err := t.module.GetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil)})
		if err != nil {
			return nil, fmt.Errorf("read label: %w", err)
		}
		labels = append(labels, string(got[0].Value))
	}
	slices.Sort(labels)
	return slices.Compact(labels), nil
}
