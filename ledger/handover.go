package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

const handoverPrefix = "countersign handover v1\n" // before what the new key signs

// A Handover is the payload of a participant entry by which a party's key gives
// way to another. It is of the kind of an admission, so that whoever lists the
// participants cannot miss it and go on believing a key that was given up.
//
// The entry is signed by the old key and its payload by the new one. The old
// key may sign nothing that stands behind the entry, least of all a handover:
// who stole it cannot take the party back. What stands before the entry holds
// for ever. The party keeps its DID (credentials.NextKeyID says why).
type Handover struct {
	DID credentials.DID `json:"did"`
	Old string          `json:"old"` // key id
	New string          `json:"new"` // multikey; its key id is DID#New
	// Proof is the new key's signature over the rest, in padded standard base64:
	// nobody takes over a key that is not theirs.
	Proof string `json:"proof"`
}

// handoverPayload is a Handover as it stands in an entry, told from an
// Admission by its one name.
type handoverPayload struct {
	Handover Handover `json:"handover"`
}

// NewHandover is the handover from one key of a party to the next, on the
// ledger with this genesis. Its entry is to be signed by the old one.
func NewHandover(genesis credentials.Digest, from, to credentials.Signer) (h Handover, err error) {
	did, _, err := credentials.ParseKeyID(from.KeyID())
	if err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	next, key, err := credentials.ParseKeyID(to.KeyID())
	if err != nil || next != did {
		return h, errors.New("handover: the new key is of another party")
	}
	h = Handover{DID: did, Old: from.KeyID(), New: key}
	msg, err := h.message(genesis)
	if err != nil {
		return h, err
	}
	sig, err := to.Sign(msg)
	if err != nil {
		return h, fmt.Errorf("handover: %w", err)
	}
	h.Proof = base64.StdEncoding.EncodeToString(sig)
	return h, nil
}

func (h Handover) message(genesis credentials.Digest) ([]byte, error) {
	h.Proof = ""
	b, err := credentials.CanonicalJSON(h)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	return append([]byte(handoverPrefix+genesis.String()+"\n"), b...), nil
}

// Entry is the participant entry, to be signed by the old key. Set its
// Effective time before.
func (h Handover) Entry() (Entry, error) {
	payload, err := credentials.CanonicalJSON(handoverPayload{h})
	if err != nil {
		return Entry{}, fmt.Errorf("handover: %w", err)
	}
	return Entry{Kind: KindParticipant, Subject: HandoverHandle(h.DID, h.New),
		Document: credentials.DigestOf(payload), Payload: payload}, nil
}

// HandoverHandle is the subject of the entry that hands did over to a key.
func HandoverHandle(did credentials.DID, multikey string) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("countersign handover v1\n" + string(did) + "\n" + multikey)))
}

// isHandover says which of the two payloads a participant entry carries. What
// is neither is refused by whoever reads it.
func isHandover(e Entry) bool {
	var p handoverPayload
	return e.Kind == KindParticipant && decodeCanonical(e.Payload, &p) == nil
}

// handover checks everything about the entry but its place. The caller holds mu.
func (r *Registry) handover(e Entry) (old, next member, err error) {
	var p handoverPayload
	if err := decodeCanonical(e.Payload, &p); err != nil {
		return old, next, err
	}
	h := p.Handover
	old, ok := r.byKey[e.KeyID]
	switch {
	case !ok:
		return old, next, ErrUnknownIssuer
	case old.until != 0:
		return old, next, ErrRetired
	case h.Old != e.KeyID || h.DID != old.party.DID || e.Subject != HandoverHandle(h.DID, h.New) || e.Document != credentials.DigestOf(e.Payload):
		return old, next, errors.New("entry and payload do not belong together")
	}
	pub, err := credentials.ParseMultikey(h.New)
	if err != nil {
		return old, next, err
	}
	if r.knowsKey(h.New) {
		return old, next, errors.New("the new key is, or was, a participant's already")
	}
	msg, err := h.message(r.genesis.Digest())
	if err != nil {
		return old, next, err
	}
	if proof, err := decode64(h.Proof); err != nil || !ed25519.Verify(pub, msg, proof) {
		return old, next, errors.New("the new key has not signed it")
	}
	if err := e.Verify(old.key); err != nil {
		return old, next, err
	}
	next = member{party: old.party, key: pub}
	next.party.Key, next.party.KeyID = h.New, ""
	return old, next, nil
}

func (r *Registry) knowsKey(multikey string) bool {
	for _, m := range r.byKey {
		if m.party.Key == multikey {
			return true
		}
	}
	return false
}

// ErrRetired is the answer to a key that has handed over to another.
var ErrRetired = credentials.Refuse(credentials.CheckPeriod, "the key has been handed over to another one of its party")
