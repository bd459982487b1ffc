package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

const compromisePrefix = "countersign compromise v1\n" // before what founders sign

// A Compromise is the payload of a participant entry by which a key is declared
// bad: whatever it signs at From or behind is nobody's word. It is of the kind
// of an admission, for the reason that a Handover is.
//
// There are two ways to say it.
//
// The party says it of an earlier key, signed by the key that it signs with
// now. Who stole a key that was handed over cannot say anything, and a key
// cannot be said bad by itself or by one that came before it. What the bad key
// did to the party's keys stays: it handed over to the key that speaks.
//
// The founders say it, as many as admit a party, where who stole the key may
// sign with it still, or has handed it over to a key of their own: then nothing
// that the party's key could sign tells the owner from the thief. Such an entry
// names the key that follows, which signs it. The keys that came of the bad one
// never were the party's, and what they have declared is undone. If the party
// is a founder itself, it has no voice in it.
//
// The first word that is not undone stands: the party may add an earlier place
// later, and of several the earliest counts.
type Compromise struct {
	DID  credentials.DID `json:"did"`
	Key  string          `json:"key"`  // key id of the bad one
	From int64           `json:"from"` // index of the first entry that is not the party's; not behind the declaration
	// Next is the key that follows, a multikey, where the founders say it.
	Next      string     `json:"next,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"` // of the founders
}

// compromisePayload is a Compromise as it stands in an entry.
type compromisePayload struct {
	Compromise Compromise `json:"compromise"`
}

// ApproveCompromise is one founder's approval of a declaration with a Next, on
// the ledger with this genesis.
func ApproveCompromise(genesis credentials.Digest, c Compromise, founder credentials.Signer) (Approval, error) {
	msg, err := c.message(genesis)
	if err != nil {
		return Approval{}, err
	}
	return approve(msg, founder)
}

func (c Compromise) message(genesis credentials.Digest) ([]byte, error) {
	c.Approvals = nil
	b, err := credentials.CanonicalJSON(c)
	if err != nil {
		return nil, fmt.Errorf("declare key bad: %w", err)
	}
	return append([]byte(compromisePrefix+genesis.String()+"\n"), b...), nil
}

// Entry is the participant entry, to be signed by the key that the party signs
// with now, or by Next. Set its Effective time before.
func (c Compromise) Entry() (Entry, error) {
	payload, err := credentials.CanonicalJSON(compromisePayload{c})
	if err != nil {
		return Entry{}, fmt.Errorf("declare key bad: %w", err)
	}
	return Entry{Kind: KindParticipant, Subject: c.Handle(), Document: credentials.DigestOf(payload), Payload: payload}, nil
}

// Handle is the subject of the declaration's entry. No two that stand have the
// same.
func (c Compromise) Handle() credentials.Handle {
	return credentials.Handle(credentials.DigestOf(fmt.Appendf(nil, "countersign compromise v1\n%s\n%d\n%s", c.Key, c.From, c.Next)))
}

// CompromiseOf is the declaration that a participant entry carries, if it does.
// Whether it stands is for Registry.Admit to say.
func CompromiseOf(e Entry) (Compromise, bool) {
	var p compromisePayload
	ok := e.Kind == KindParticipant && decodeCanonical(e.Payload, &p) == nil
	return p.Compromise, ok
}

// A declaration is a Compromise that stands, as its key remembers it.
type declaration struct {
	from, at int64
	by       string // key id of the party; empty where the founders said it
	subject  credentials.Handle
}

// badAsOf is the place from which the key is bad by what was declared up to an
// index; 0 where nothing was.
func (m member) badAsOf(index int64) (first declaration) {
	for _, d := range m.said {
		if d.at <= index && (first.from == 0 || d.from < first.from) {
			first = d
		}
	}
	return first
}

// badAt says whether the key was bad at an index, by what was declared up to
// the entry asOf.
func (m member) badAt(index, asOf int64) bool {
	from := m.badAsOf(asOf).from
	return from != 0 && index >= from
}

// compromise checks everything about the entry. The caller holds mu.
func (r *Registry) compromise(index int64, e Entry) (Compromise, error) {
	c, ok := CompromiseOf(e)
	if !ok {
		return c, errors.New("not a declaration that a key is bad")
	}
	bad, known := r.byKey[c.Key]
	issuer, _, err := credentials.ParseKeyID(e.KeyID)
	switch {
	case err != nil:
		return c, err
	case !known || bad.party.DID != c.DID:
		return c, errors.New("the key that it is about never was the party's")
	case issuer != c.DID || e.Subject != c.Handle() || e.Document != credentials.DigestOf(e.Payload):
		return c, errors.New("entry and payload do not belong together")
	case c.From <= bad.since:
		return c, fmt.Errorf("the key was let in by entry %d: want a later place", bad.since)
	case c.From > index:
		return c, fmt.Errorf("a key is bad from entry %d at the latest, which is this one", index)
	}
	if c.Next != "" {
		return c, r.byFounders(e, c, bad)
	}
	if len(c.Approvals) != 0 {
		return c, errors.New("founders approve a declaration that names the key which follows")
	}
	if first := bad.badAsOf(index).from; first != 0 && c.From >= first {
		return c, fmt.Errorf("the key is bad from entry %d already: only an earlier place can be added", first)
	}
	return c, r.byParty(e, c)
}

// byParty wants the key that the party signs with now, and that it speaks of
// another one.
func (r *Registry) byParty(e Entry, c Compromise) error {
	own, ok := r.byKey[e.KeyID]
	switch {
	case !ok:
		return ErrUnknownIssuer
	case own.until != 0:
		return ErrRetired
	case e.KeyID == c.Key:
		return errors.New("a key does not declare itself bad: hand it over first, or ask the founders")
	}
	return e.Verify(own.key)
}

// byFounders wants the key to be the one that the party signs with now, or one
// that led to it from behind the place on, and the signature of the key that
// follows.
func (r *Registry) byFounders(e Entry, c Compromise, bad member) error {
	next, err := credentials.ParseMultikey(c.Next)
	switch {
	case err != nil:
		return err
	case e.KeyID != string(c.DID)+"#"+c.Next:
		return errors.New("it is not signed by the key that follows")
	case r.knowsKey(c.Next):
		return errors.New("the key that follows is, or was, a participant's already")
	case bad.until != 0 && c.From > bad.until:
		return fmt.Errorf("the key was handed over by entry %d, before that place: its party can say so by the key that followed", bad.until)
	}
	if err := e.Verify(next); err != nil {
		return err
	}
	msg, err := c.message(r.genesis.Digest())
	if err != nil {
		return err
	}
	return r.approvedBy(msg, c.Approvals, c.DID)
}

// declare notes a declaration that compromise has accepted. The caller holds mu.
func (r *Registry) declare(index int64, e Entry, c Compromise) {
	d := declaration{from: c.From, at: index, by: e.KeyID, subject: e.Subject}
	if c.Next != "" {
		r.undo(index, c)
		next := member{party: r.byKey[c.Key].party, since: index}
		next.party.Key, next.party.KeyID = c.Next, ""
		next.key, _ = credentials.ParseMultikey(c.Next) // byFounders has read it
		r.byKey[e.KeyID], r.current[c.DID] = next, e.KeyID
		d.by = ""
	}
	r.say(c.Key, d)
}

func (r *Registry) say(kid string, d declaration) {
	m := r.byKey[kid]
	m.said = append(slices.Clip(m.said), d) // a clone may share it
	r.byKey[kid] = m
}

// undo takes back what followed from a key that the founders declare bad: the
// keys that it led to, and the declarations that it and they have made.
func (r *Registry) undo(index int64, c Compromise) {
	now := r.byKey[r.current[c.DID]]
	now.until = index
	r.byKey[r.current[c.DID]] = now
	keys := r.keysOf(c.DID)
	taken := map[string]bool{c.Key: true}
	for _, kid := range keys {
		if m := r.byKey[kid]; m.since > r.byKey[c.Key].since {
			taken[kid] = true
			r.say(kid, declaration{from: m.since + 1, at: index, subject: c.Handle()})
		}
	}
	for _, kid := range keys {
		m := r.byKey[kid]
		m.said = slices.DeleteFunc(slices.Clone(m.said), func(d declaration) bool { return taken[d.by] && d.at >= c.From })
		r.byKey[kid] = m
	}
}

// keysOf are the ids of a party's keys in the order in which it had them. The
// caller holds mu.
func (r *Registry) keysOf(did credentials.DID) (kids []string) {
	for kid, m := range r.byKey {
		if m.party.DID == did {
			kids = append(kids, kid)
		}
	}
	slices.SortFunc(kids, func(a, b string) int { return cmp.Compare(r.byKey[a].since, r.byKey[b].since) })
	return kids
}

// A PartyKey is a key that a participant has or had.
type PartyKey struct {
	KeyID string
	Key   credentials.Key // with its life
	// Declared is the entry that says Key.BadFrom, if one does, Declaration its
	// subject, and Founders who said it: the founders, or the party.
	Declared    int64
	Declaration credentials.Handle
	Founders    bool
}

// StandsNow says why nobody believes what a party signs with a key today and
// records nowhere: it was declared bad, or given up. A key that is not among the
// party's is the caller's to find.
func StandsNow(keys []PartyKey, kid string) error {
	for _, k := range keys {
		switch {
		case k.KeyID != kid:
		case k.Key.BadFrom != 0:
			return fmt.Errorf("its signing key is declared bad from entry %d on", k.Key.BadFrom)
		case k.Key.Until != 0:
			return fmt.Errorf("at entry %d %w", k.Key.Until, ErrRetired)
		}
	}
	return nil
}

// Keys are the keys of a participant in the order in which it had them.
func (r *Registry) Keys(did credentials.DID) (keys []PartyKey, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, kid := range r.keysOf(did) {
		k, err := r.keyOf(kid)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if keys == nil {
		return nil, ErrUnknownIssuer
	}
	return keys, nil
}

func (r *Registry) keyOf(kid string) (PartyKey, error) {
	m := r.byKey[kid]
	k, err := m.dated()
	bad := m.badAsOf(r.highest)
	return PartyKey{kid, k, bad.at, bad.subject, bad.from != 0 && bad.by == ""}, err
}

// Bad are the keys that were declared bad, whosever they are, as of the newest
// participant entry, whose index is Highest.
func (r *Registry) Bad() (keys []PartyKey) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for kid, m := range r.byKey {
		if len(m.said) == 0 {
			continue
		}
		if k, err := r.keyOf(kid); err == nil { // the registry has admitted the key
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b PartyKey) int { return cmp.Compare(a.KeyID, b.KeyID) })
	return keys
}

// ErrCompromised is the answer to what a key signed behind the place from which
// it was declared bad.
var ErrCompromised = credentials.Refuse(credentials.CheckPeriod, "the key was declared bad from an earlier place on")
