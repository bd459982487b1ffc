package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"

	"github.com/countersign-health/countersign/credentials"
)

const admissionPrefix = "countersign admission v1\n" // before what founders sign

func approve(msg []byte, s credentials.Signer) (Approval, error) {
	did, _, err := credentials.ParseKeyID(s.KeyID())
	if err != nil {
		return Approval{}, fmt.Errorf("approve: %w", err)
	}
	sig, err := s.Sign(msg)
	if err != nil {
		return Approval{}, fmt.Errorf("approve: %w", err)
	}
	return Approval{did, base64.StdEncoding.EncodeToString(sig)}, nil
}

func (a Approval) verify(msg []byte, did credentials.DID, pub ed25519.PublicKey) error {
	sig, err := decode64(a.Signature)
	if a.DID != did || err != nil || !ed25519.Verify(pub, msg, sig) {
		return errors.New("its signature is missing or does not hold")
	}
	return nil
}

// An Admission is the payload of a participant entry: who is let in, and the
// founders who approve. The entry itself is signed by the newcomer's key, which
// proves that it holds it.
type Admission struct {
	Party     Party      `json:"party"`
	Approvals []Approval `json:"approvals"`
}

// Approve is one founder's approval of p on the ledger with this genesis.
func Approve(genesis credentials.Digest, p Party, founder credentials.Signer) (Approval, error) {
	msg, err := admissionMessage(genesis, p)
	if err != nil {
		return Approval{}, err
	}
	return approve(msg, founder)
}

func admissionMessage(genesis credentials.Digest, p Party) ([]byte, error) {
	b, err := credentials.CanonicalJSON(p)
	if err != nil {
		return nil, fmt.Errorf("admission: %w", err)
	}
	return append([]byte(admissionPrefix+genesis.String()+"\n"), b...), nil
}

// Entry is the participant entry, to be signed by the newcomer. Set its
// Effective time before.
func (a Admission) Entry() (Entry, error) {
	payload, err := credentials.CanonicalJSON(a)
	if err != nil {
		return Entry{}, fmt.Errorf("admission: %w", err)
	}
	return Entry{Kind: KindParticipant, Subject: ParticipantHandle(a.Party.DID),
		Document: credentials.DigestOf(payload), Payload: payload}, nil
}

// ParticipantHandle is the subject of the entry that admits did.
func ParticipantHandle(did credentials.DID) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("countersign participant v1\n" + string(did))))
}

type member struct {
	party Party
	key   ed25519.PublicKey
	since int64         // index of the entry that let the key in
	until int64         // index of the entry that handed it over, the last it could sign; 0 if none did
	said  []declaration // that it is bad
}

// A Registry knows the participants, the founders and whoever they let in, and
// which of their keys could sign where. It may be used by several goroutines.
type Registry struct {
	genesis *Genesis

	mu      sync.RWMutex
	byKey   map[string]member          // by key id, those handed over too
	current map[credentials.DID]string // key id that signs now
	entries map[int64]credentials.Digest
	highest int64 // index of the newest participant entry admitted
}

// NewRegistry knows the founders. The genesis must come from ParseGenesis.
func NewRegistry(g *Genesis) (*Registry, error) {
	if g.leaf == nil {
		return nil, errors.New("registry: want a genesis that was parsed from leaf 0")
	}
	r := &Registry{genesis: g, byKey: map[string]member{}, current: map[credentials.DID]string{}, entries: map[int64]credentials.Digest{}}
	for _, p := range g.Founders {
		pub, err := p.check()
		if err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
		r.byKey[p.Kid()], r.current[p.DID] = member{party: p, key: pub}, p.Kid()
	}
	return r, nil
}

// Clone is a registry that can be tried out and thrown away.
func (r *Registry) Clone() *Registry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return &Registry{genesis: r.genesis, byKey: maps.Clone(r.byKey), current: maps.Clone(r.current),
		entries: maps.Clone(r.entries), highest: r.highest}
}

// Highest is the index of the newest participant entry admitted.
func (r *Registry) Highest() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.highest
}

// Key answers which participant signs by this key id, or has signed by it. It
// is for documents that may be old; what comes now is for Current.
func (r *Registry) Key(kid string) (credentials.Key, Party, error) {
	m, err := r.member(kid)
	if err != nil {
		return credentials.Key{}, Party{}, err
	}
	k, err := m.dated()
	return k, m.party, err
}

// dated is the member's key with the places on the ledger between which it
// signs.
func (m member) dated() (credentials.Key, error) {
	k, err := credentials.NewKey(m.key)
	k.Since, k.Until = credentials.Position(m.since), credentials.Position(m.until)
	k.BadFrom = credentials.Position(m.badAsOf(math.MaxInt64).from)
	return k, err
}

// Current is Key for whoever wants something now: a key that was handed over
// is ErrRetired.
func (r *Registry) Current(kid string) (credentials.Key, Party, error) {
	k, p, err := r.Key(kid)
	if err == nil && k.Until != 0 {
		return credentials.Key{}, Party{}, ErrRetired
	}
	return k, p, err
}

// PartyOf is a participant with the key that it signs with now.
func (r *Registry) PartyOf(did credentials.DID) (Party, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	kid, ok := r.current[did]
	if !ok {
		return Party{}, ErrUnknownIssuer
	}
	return r.byKey[kid].party, nil
}

// ResolveKey is Key as a credentials.ResolveKey.
func (r *Registry) ResolveKey(kid string) (credentials.Key, error) {
	k, _, err := r.Key(kid)
	return k, err
}

func (r *Registry) member(kid string) (member, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	m, ok := r.byKey[kid]
	if !ok {
		return member{}, ErrUnknownIssuer
	}
	return m, nil
}

// ErrUnknownIssuer is the answer to a key id that is no participant's.
var ErrUnknownIssuer = credentials.Refuse(credentials.CheckKey, "the issuer's key is not a participant's of this ledger")

// Admit lets the newcomer of a participant entry in, hands a party over to its
// next key, or takes note that a key is bad, from that index on. An entry that
// it refuses is void for every reader: it stays in the ledger and means nothing.
// Call it in the order of the ledger.
func (r *Registry) Admit(index int64, e Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if index <= r.highest {
		return errors.New("admit participant: a later entry, or the genesis, stands there already")
	}
	if _, ok := CompromiseOf(e); ok {
		c, err := r.compromise(index, e)
		if err != nil {
			return fmt.Errorf("declare key bad: %w", err)
		}
		r.declare(index, e, c)
	} else if isHandover(e) {
		old, next, err := r.handover(e)
		if err == nil && index <= old.since {
			err = errors.New("its issuer was let in only later")
		}
		if err != nil {
			return fmt.Errorf("hand key over: %w", err)
		}
		old.until, next.since = index, index
		r.byKey[e.KeyID], r.byKey[next.party.Kid()], r.current[next.party.DID] = old, next, next.party.Kid()
	} else {
		p, pub, err := r.admission(e)
		if err != nil {
			return fmt.Errorf("admit participant: %w", err)
		}
		r.byKey[p.Kid()], r.current[p.DID] = member{party: p, key: pub, since: index}, p.Kid()
	}
	r.entries[index], r.highest = credentials.DigestOf(e.Marshal()), index
	return nil
}

// admission checks everything about the entry but its place. The caller holds mu.
func (r *Registry) admission(e Entry) (p Party, pub ed25519.PublicKey, err error) {
	if e.Kind != KindParticipant {
		return p, nil, fmt.Errorf("a %v entry lets nobody in", e.Kind)
	}
	var a Admission
	if err := decodeCanonical(e.Payload, &a); err != nil {
		return p, nil, err
	}
	p = a.Party
	if pub, err = p.check(); err != nil {
		return p, nil, err
	}
	if e.KeyID != p.Kid() || e.Subject != ParticipantHandle(p.DID) || e.Document != credentials.DigestOf(e.Payload) {
		return p, nil, errors.New("entry and payload do not belong together")
	}
	if err := e.Verify(pub); err != nil {
		return p, nil, err
	}
	if r.current[p.DID] != "" || r.knowsKey(p.Key) {
		return p, nil, errors.New("that DID or key is a participant's already")
	}
	msg, err := admissionMessage(r.genesis.Digest(), p)
	if err != nil {
		return p, nil, err
	}
	return p, pub, r.approvedBy(msg, a.Approvals, "")
}

// approvedBy wants enough founders, each once, and no signature that fails: a
// payload with anything odd in it is refused whole. Except has no voice.
func (r *Registry) approvedBy(msg []byte, approvals []Approval, except credentials.DID) error {
	seen := map[credentials.DID]bool{except: true}
	for i, ap := range approvals {
		pub, err := r.founder(ap.DID)
		if err == nil {
			err = ap.verify(msg, ap.DID, pub)
		}
		if err != nil || seen[ap.DID] {
			return fmt.Errorf("approval %d is not a founder's, is there twice, or does not hold", i)
		}
		seen[ap.DID] = true
	}
	if len(approvals) < r.genesis.Admission {
		return fmt.Errorf("%d founders approve, want %d", len(approvals), r.genesis.Admission)
	}
	return nil
}

// founder is the key that a founder has now: who has handed a key over does not
// want what it approves from then on.
func (r *Registry) founder(did credentials.DID) (ed25519.PublicKey, error) {
	for _, p := range r.genesis.Founders {
		if p.DID == did {
			return r.byKey[r.current[did]].key, nil
		}
	}
	return nil, errors.New("not a founder")
}

// Check says whether the entry could be appended now: signed by a participant
// whose role allows the kind, or a participant entry that would let somebody in.
func (r *Registry) Check(e Entry) error { return r.CheckAt(math.MaxInt64, e) }

// CheckAt is Check for a reader who found the entry at an index: its issuer
// must have been a participant before that, and its key neither handed over nor,
// by all that was declared since, bad there.
func (r *Registry) CheckAt(index int64, e Entry) error {
	if e.Kind == KindParticipant {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if d, ok := r.entries[index]; ok && d == credentials.DigestOf(e.Marshal()) {
			return nil // it is the entry that Admit has accepted
		}
		var err error
		if _, ok := CompromiseOf(e); ok {
			_, err = r.compromise(index, e)
		} else if isHandover(e) {
			_, _, err = r.handover(e)
		} else {
			_, _, err = r.admission(e)
		}
		return err
	}
	key, err := r.mayIssue(index, math.MaxInt64, e)
	if err != nil {
		return err
	}
	return e.Verify(key)
}

// CheckThen is CheckAt by what was on the ledger up to the entry: whether the
// operator might take it. What was declared bad since was rightly taken.
func (r *Registry) CheckThen(index int64, e Entry) error {
	if e.Kind == KindParticipant {
		return r.CheckAt(index, e)
	}
	key, err := r.mayIssue(index, index, e)
	if err != nil {
		return err
	}
	return e.Verify(key)
}

// MayIssueAt is CheckAt without the signature, for the operator, which has
// checked that before and gives the entry its place now.
func (r *Registry) MayIssueAt(index int64, e Entry) error {
	_, err := r.mayIssue(index, math.MaxInt64, e)
	return err
}

// mayIssue goes by what was declared up to the entry asOf.
func (r *Registry) mayIssue(index, asOf int64, e Entry) (ed25519.PublicKey, error) {
	m, err := r.member(e.KeyID)
	switch {
	case err != nil:
		return nil, err
	case index <= m.since:
		return nil, errors.New("its issuer's key was let in only later")
	case m.until != 0 && index > m.until:
		return nil, ErrRetired
	case m.badAt(index, asOf):
		return nil, ErrCompromised
	case !MayIssue(m.party.Role, e.Kind):
		return nil, fmt.Errorf("%w: a participant in the role %s may not record a %v", ErrMayNot, m.party.Role, e.Kind)
	}
	return m.key, nil
}

// ErrMayNot is wrapped where the issuer's role does not allow the kind.
var ErrMayNot = errors.New("not allowed")
