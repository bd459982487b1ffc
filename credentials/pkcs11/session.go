//go:build pkcs11 && cgo

package pkcs11

import (
	"crypto/ed25519"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	key, kid, pub, err := t.named(s, t.Key)
	switch {
	case err == nil && t.pub == nil:
		t.kid, t.pub = kid, pub // by Open, before anyone else has the token
	case err == nil && t.pub.Equal(pub):
	case t.pub == nil:
		return err
	default: // handed over meanwhile: this process goes on with the key that it began with
		was, no := t.one(s, pkcs11.CKO_PRIVATE_KEY, retired(t.Key, t.pub))
		if no != nil && err == nil {
			err = errors.New("the token holds another key under this label than before")
		}
		if no != nil {
			return err
		}
		key = was
	}
	s.key = key
	return nil
}

// named is the private key with that label, and which key it is. The caller
// has yet to see that it signs as that one.
func (t *token) named(s *session, label string) (key pkcs11.ObjectHandle, kid string, pub ed25519.PublicKey, err error) {
	key, err = t.one(s, pkcs11.CKO_PRIVATE_KEY, label)
	if err != nil {
		if _, no := t.one(s, pkcs11.CKO_PUBLIC_KEY, label); no == nil {
			err = fmt.Errorf("%w, though a public one: where countersign key rotate was cut off, do it again", err)
		}
		return key, "", nil, err
	}
	if kid, pub, err = t.following(s, key); kid != "" || err != nil {
		return key, kid, pub, err
	}
	if _, state, multikey := parseLabel(label); state == Retired {
		pub, err = credentials.ParseMultikey(multikey)
	} else {
		var public pkcs11.ObjectHandle
		if public, err = t.one(s, pkcs11.CKO_PUBLIC_KEY, label); err == nil {
			pub, err = t.publicKey(s, public)
		}
	}
	if err != nil {
		return key, "", nil, err
	}
	return key, credentials.KeyID(pub), pub, nil
}

// following is what Prepare wrote into a key that follows another one: its key
// id. Of all others it is empty, whatever id their maker gave them.
func (t *token) following(s *session, private pkcs11.ObjectHandle) (string, ed25519.PublicKey, error) {
	id, err := t.read(s, private, pkcs11.CKA_ID)
	if err != nil || !strings.HasPrefix(id, "did:") {
		return "", nil, err
	}
	_, multikey, err := credentials.ParseKeyID(id)
	if err != nil {
		return "", nil, fmt.Errorf("the key's CKA_ID: %w", err)
	}
	pub, err := credentials.ParseMultikey(multikey)
	if err != nil {
		return "", nil, fmt.Errorf("the key's CKA_ID: %w", err)
	}
	return id, pub, nil
}

func (t *token) read(s *session, object pkcs11.ObjectHandle, kind uint) (string, error) {
	got, err := t.module.GetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return "", fmt.Errorf("read label or id: %w", err)
	}
	return string(got[0].Value), nil
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

func (t *token) find(s *session, want ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := t.module.FindObjectsInit(s.handle, want); err != nil {
		return nil, fmt.Errorf("find key: %w", err)
	}
	var all []pkcs11.ObjectHandle
	var err error
	for more := []pkcs11.ObjectHandle{0}; err == nil && len(more) > 0; all = append(all, more...) {
		more, _, err = t.module.FindObjects(s.handle, 100)
	}
	if end := t.module.FindObjectsFinal(s.handle); err == nil {
		err = end
	}
	if err != nil {
		return nil, fmt.Errorf("find key: %w", err)
	}
	return all, nil
}

// one is the half of this class of the key with that label.
func (t *token) one(s *session, class uint, label string) (pkcs11.ObjectHandle, error) {
	all, err := t.find(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyTypeEdwards),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
	if err != nil {
		return 0, err
	}
	half := "private"
	if class == pkcs11.CKO_PUBLIC_KEY {
		half = "public"
	}
	switch len(all) {
	case 0:
		return 0, fmt.Errorf("token %q has no %s Ed25519 key with the label %q", t.Token, half, label)
	case 1:
		return all[0], nil
	}
	return 0, fmt.Errorf("token %q has several %s keys with the label %q", t.Token, half, label)
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

// A half is a private or a public key on the token, and its label.
type half struct {
	object pkcs11.ObjectHandle
	label  string
}

// halves are all Ed25519 keys of a class, sorted by their labels.
func (t *token) halves(s *session, class uint) ([]half, error) {
	all, err := t.find(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyTypeEdwards))
	if err != nil {
		return nil, err
	}
	var halves []half
	for _, object := range all {
		label, err := t.read(s, object, pkcs11.CKA_LABEL)
		if err != nil {
			return nil, err
		}
		halves = append(halves, half{object, label})
	}
	slices.SortFunc(halves, func(a, b half) int { return strings.Compare(a.label, b.label) })
	return halves, nil
}
