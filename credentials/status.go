package credentials

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// StatusListSize is the number of entries of a list: the least that W3C
// Bitstring Status List 1.0, section 3.3, allows, so that a credential hides
// among many.
const StatusListSize = 131072

// maxStatusSize bounds the bits of an entry, and so what is unpacked of a list.
const maxStatusSize = 4

const statusEntryType = "BitstringStatusListEntry"

// A StatusPurpose is what an entry of a status list is about (W3C Bitstring
// Status List 1.0, section 2.1). Another one is refused: nobody could say what
// follows from it.
type StatusPurpose string

const (
	// PurposeRevocation cancels a credential for good.
	PurposeRevocation StatusPurpose = "revocation"
	// PurposeSuspension withholds it for a while.
	PurposeSuspension StatusPurpose = "suspension"
	// PurposeMessage says something of it that leaves it valid, or says more.
	PurposeMessage StatusPurpose = "message"
)

// A StatusEntry is a credential's place in the list of one purpose. The index
// is text in the standard, so it is here.
type StatusEntry struct {
	Type       string          `json:"type"`
	Purpose    StatusPurpose   `json:"statusPurpose"`
	Index      string          `json:"statusListIndex"`
	Credential string          `json:"statusListCredential"` // URL of the list
	Size       int             `json:"statusSize,omitempty"` // bits of an entry; one where 0
	Messages   []StatusMessage `json:"statusMessage,omitempty"`
}

// A StatusMessage says what a value of an entry of several bits means.
type StatusMessage struct {
	Status  string `json:"status"` // such as 0x1
	Message string `json:"message"`
}

// NewStatusEntry is the entry for place index in the list at listURL.
func NewStatusEntry(p StatusPurpose, listURL string, index int) StatusEntry {
	return StatusEntry{Type: statusEntryType, Purpose: p, Index: strconv.Itoa(index), Credential: listURL}
}

// NewMessageEntry is an entry that can say one of four messages, the first for
// as long as there is nothing to say.
func NewMessageEntry(listURL string, index int, messages [4]string) StatusEntry {
	e := NewStatusEntry(PurposeMessage, listURL, index)
	e.Size = MessageSize
	for i, m := range messages {
		e.Messages = append(e.Messages, StatusMessage{statusValues[i], m})
	}
	return e
}

// MessageSize is the number of bits of our own messages: four of them.
const MessageSize = 2

// statusValues are the values that an entry can have, as it writes them.
var statusValues = func() (all [1 << maxStatusSize]string) {
	for i := range all {
		all[i] = fmt.Sprintf("0x%x", i)
	}
	return all
}()

// Place is the entry's index as a number.
func (e *StatusEntry) Place() (int, error) {
	i, err := strconv.Atoi(e.Index)
	if err != nil || i < 0 || i >= StatusListSize || strconv.Itoa(i) != e.Index {
		return 0, fmt.Errorf("statusListIndex is not a number from 0 to %d", StatusListSize-1)
	}
	return i, nil
}

// bits is how many bits of its list the entry has.
func (e *StatusEntry) bits() int { return max(e.Size, 1) }

// checkStatus wants one entry for a purpose, so that none can contradict
// another. Its error begins with the place.
func checkStatus(entries []StatusEntry) error {
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return fmt.Errorf("/%d: %w", i, err)
		}
		for j := range i {
			if entries[j].Purpose == entries[i].Purpose {
				return fmt.Errorf("/%d: a second entry for %s", i, entries[i].Purpose)
			}
		}
	}
	return nil
}

func (e *StatusEntry) check() error {
	if e.Type != statusEntryType {
		return fmt.Errorf("want a %s", statusEntryType)
	}
	switch e.Purpose {
	case PurposeRevocation, PurposeSuspension:
		if e.Size != 0 || len(e.Messages) > 0 {
			return fmt.Errorf("an entry for %s has one bit and no messages", e.Purpose)
		}
	case PurposeMessage:
		if err := e.checkMessages(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("statusPurpose is none of %s, %s and %s", PurposeRevocation, PurposeSuspension, PurposeMessage)
	}
	if u, err := url.Parse(e.Credential); err != nil || u.Scheme == "" || u.Host == "" {
		return errors.New("statusListCredential is not an absolute URL")
	}
	_, err := e.Place()
	return err
}

// checkMessages wants a message for each value that the bits can have, in their
// order (section 2.1: "the length of which MUST equal the number of possible
// status messages").
func (e *StatusEntry) checkMessages() error {
	if e.Size < 1 || e.Size > maxStatusSize {
		return fmt.Errorf("statusSize is not from 1 to %d", maxStatusSize)
	}
	if len(e.Messages) != 1<<e.Size {
		return fmt.Errorf("statusMessage does not have %d messages", 1<<e.Size)
	}
	for i, m := range e.Messages {
		if m.Status != statusValues[i] || !plainMessage(m.Message) {
			return fmt.Errorf("statusMessage: want %s and up to %d plain letters", statusValues[i], maxMessage)
		}
	}
	return nil
}

// maxMessage bounds what is shown to people.
const maxMessage = 60

func plainMessage(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxMessage
}

// statusWanted are the purposes that a credential of ours has to have an entry
// for before its status counts as read. Of a kind that we do not issue with a
// status, one entry of any purpose is enough.
var statusWanted = map[Kind][]StatusPurpose{
	KindLicense:               {PurposeRevocation, PurposeSuspension, PurposeMessage},
	KindClaimDecision:         {PurposeRevocation, PurposeMessage},
	KindAuthorizationDecision: {PurposeRevocation, PurposeMessage},
}

// unlisted is a purpose for which an entry is missing, empty where there is none.
func (e *Envelope) unlisted() StatusPurpose {
	for _, p := range statusWanted[e.Kind] {
		if !hasPurpose(e.Status, p) {
			return p
		}
	}
	return ""
}

func hasPurpose(entries []StatusEntry, p StatusPurpose) bool {
	for i := range entries {
		if entries[i].Purpose == p {
			return true
		}
	}
	return false
}
