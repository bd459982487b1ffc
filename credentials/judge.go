package credentials

import (
	"errors"
	"fmt"
	"time"
)

// Judge is the one answer to "may I act on this token?": good, bad by the first
// check that fails, or unknown for want of something. The credential is there
// whenever its proof held, so that a person can be told what was judged; nobody
// may act on it unless the verdict is good.
func Judge[T any](token string, kind Kind, p Policy) (*Credential[T], Verdict) {
	if p.Keys == nil {
		return nil, VerdictOf(Lack(CheckKey, "nothing was given to find keys with"))
	}
	c, e, err := Prove[T](token, kind, p.Keys)
	if err != nil {
		return nil, VerdictOf(err)
	}
	return c, p.Judge(e)
}

// A Policy is what a verifier wants of a credential. What it leaves out is not
// waived: the zero Policy finds nothing good.
type Policy struct {
	Now    time.Time     // by which dates and lists are judged
	Leeway time.Duration // by which clocks may differ
	// Position is where on the ledger the document stands: its key is judged
	// there, never at a date that it names itself.
	Position Position
	Keys     ResolveKey
	// Issuer accepts who may issue a kind for a jurisdiction ("" where the
	// credential names none). An error made with Refuse is a no; any other says
	// that it is not known.
	Issuer func(who DID, kind Kind, jurisdiction string) error
	Status StatusRule
	// List finds the list of a status entry. It may be an old one: then the
	// answer is unknown.
	List func(issuer DID, entry StatusEntry) (*SignedList, error)
	// ListsSince is when the verifier last learned that the issuer has done
	// something to the credential: a list that was signed before then is old,
	// however long it says that it is valid.
	ListsSince time.Time
	// Presented is what the holder's own proof has to be bound to, where the
	// credential has to be presented by its holder.
	Presented *Presentation
	// Replayed says whether the document was used before. It is asked last and
	// only of what is good in all else, so it may take note of the answer. Nil
	// where a document may be shown again and again.
	Replayed func(Handle) bool
}

// A StatusRule says what is to be read before a credential is good.
type StatusRule int

const (
	// StatusRequired wants an entry and its list, which says that it holds.
	StatusRequired StatusRule = iota
	// StatusIfNamed wants the list of each entry that there is.
	StatusIfNamed
	// StatusElsewhere does not look: something else, such as the board's orders
	// on the ledger, says whether the credential still holds.
	StatusElsewhere
)

// A Presentation is to what a holder's proof is bound.
type Presentation struct {
	Holder    DID    // whose proof it is; in a Policy "" for whoever the issuer bound it to
	Challenge string // the verifier's nonce, used once
	Domain    string // the verifier's name
}

// An Envelope is what a format has proved of a document: these words are the
// signer's. What follows from them is the same for every format.
type Envelope struct {
	Kind         Kind
	Handle       Handle
	Issuer       DID
	KeyID        string
	Key          Key
	From         time.Time
	Until        *time.Time
	Status       []StatusEntry
	Jurisdiction string
	// Presented is set where the holder to whom the issuer bound the credential
	// has signed it as well; the format has checked both.
	Presented *Presentation
}

// A licensed thing knows for which jurisdiction it is said.
type placed interface{ jurisdiction() string }

func (l License) jurisdiction() string { return l.Jurisdiction }

// JurisdictionOf is where a subject has effect, or "" where it does not say.
func JurisdictionOf(subject any) string {
	if s, ok := subject.(placed); ok {
		return s.jurisdiction()
	}
	return ""
}

// Judge makes the checks from CheckIssuer on. One that fails is the answer,
// even where something is missing for an earlier one: nothing that comes later
// could make the document good.
func (p Policy) Judge(e *Envelope) Verdict {
	message, unread := p.status(e)
	open := Verdict{Outcome: Good}
	for _, err := range []error{p.issuer(e), p.period(e), p.dates(e), unread, p.binding(e)} {
		v := VerdictOf(err)
		v.Message = message
		switch {
		case v.Outcome == Bad:
			return v
		case v.Outcome != Good && open.Outcome == Good:
			open = v
		}
	}
	if open.Outcome == Good && p.Replayed != nil && p.Replayed(e.Handle) {
		open = VerdictOf(Refuse(CheckReplay, "it was used before"))
		open.Message = message
		return open
	}
	open.Message = message
	return open
}

func (p Policy) issuer(e *Envelope) error {
	if err := e.ownKey(); err != nil {
		return err
	}
	if p.Issuer == nil {
		return Lack(CheckIssuer, "nothing was given by which to accept an issuer")
	}
	if err := p.Issuer(e.Issuer, e.Kind, e.Jurisdiction); err != nil {
		return at(CheckIssuer, "accept its issuer", err)
	}
	return nil
}

// ownKey says whether the key is one of the issuer's.
func (e *Envelope) ownKey() error {
	if d, _, err := ParseKeyID(e.KeyID); err != nil || d != e.Issuer {
		return Refuse(CheckIssuer, "its key is not its issuer's")
	}
	return nil
}

func (p Policy) period(e *Envelope) error { return e.Key.heldAt(p.Position) }

func (p Policy) dates(e *Envelope) error {
	switch {
	case p.Now.IsZero() || p.Leeway < 0:
		return Lack(CheckDates, "no time was given to judge it by")
	case p.Now.Add(p.Leeway).Before(e.From):
		return Refuse(CheckDates, "it is valid from %s", e.From.Format(time.RFC3339))
	case e.Until != nil && p.Now.Add(-p.Leeway).After(*e.Until):
		return Refuse(CheckDates, "it was valid until %s", e.Until.Format(time.RFC3339))
	}
	return nil
}

// status reads every entry, since one that is set beats one that was not read.
func (p Policy) status(e *Envelope) (message string, err error) {
	switch {
	case p.Status == StatusElsewhere:
		return "", nil
	case p.Status != StatusIfNamed && len(e.Status) == 0:
		return "", Refuse(CheckStatus, "it names no status list")
	case p.Status != StatusIfNamed && e.unlisted() != "":
		return "", Refuse(CheckStatus, "it names no status list for %s", e.unlisted())
	case p.List == nil && len(e.Status) > 0:
		return "", Lack(CheckStatus, "its status was not read")
	}
	var set, open error
	for i := range e.Status {
		said, err := p.entry(e.Issuer, &e.Status[i])
		if said != "" {
			message = said
		}
		switch {
		case VerdictOf(err).Outcome == Bad && set == nil:
			set = err
		case err != nil && open == nil:
			open = err
		}
	}
	if set != nil {
		return message, set
	}
	return message, open
}

// entry reads one status entry, and the message of one that has it. Trouble with
// the list, whatever it is, says nothing of the credential.
func (p Policy) entry(issuer DID, entry *StatusEntry) (message string, err error) {
	list, err := p.List(issuer, *entry)
	if err == nil && list == nil {
		err = errors.New("there is none")
	}
	if err == nil {
		err = list.covers(issuer, entry, p.Now, p.Leeway)
	}
	if err == nil && list.from.Before(p.ListsSince.Truncate(time.Second)) {
		err = fmt.Errorf("it was signed on %s, and more is known since", list.from.Format(time.RFC3339))
	}
	if err == nil {
		err = list.key.heldAt(Latest) // it speaks of now, whatever the document's age
	}
	if err != nil {
		return "", Lack(CheckStatus, "read its status list for %s: %w", entry.Purpose, err)
	}
	place, err := entry.Place()
	if err != nil {
		return "", Refuse(CheckStatus, "%w", err)
	}
	value, _ := list.bits.Get(place) // Place is never outside
	switch {
	case value == 0:
		return "", nil
	case entry.Purpose == PurposeMessage && value < len(entry.Messages):
		return entry.Messages[value].Message, nil
	}
	return "", Refuse(CheckStatus, "its issuer has set its bit for %s", entry.Purpose)
}

func (p Policy) binding(e *Envelope) error {
	switch want, got := p.Presented, e.Presented; {
	case want == nil && got == nil:
		return nil
	case want == nil || want.Challenge == "" || want.Domain == "":
		return Lack(CheckBinding, "no challenge and domain were given to hold its presentation against")
	case got == nil:
		return Refuse(CheckBinding, "its holder does not present it")
	case want.Holder != "" && got.Holder != want.Holder:
		return Refuse(CheckBinding, "another presents it than its holder")
	case got.Challenge != want.Challenge:
		return Refuse(CheckBinding, "it was presented for another challenge")
	case got.Domain != want.Domain:
		return Refuse(CheckBinding, "it was presented to another verifier")
	}
	return nil
}
