package credentials

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// StatusListSize is the number of entries of a list: the least that W3C
// Bitstring Status List 1.0, section 3.3, allows, so that a credential hides
// among many.
const StatusListSize = 131072

// maxEncodedList bounds what is unpacked: random bits do not compress, so a
// full list takes about 22,000 characters.
const maxEncodedList = 32 << 10

const (
	statusEntryType = "BitstringStatusListEntry"
	statusListType  = "BitstringStatusList"
	purposeRevoked  = "revocation"
)

// A StatusEntry is a credential's place in a status list (W3C Bitstring Status
// List 1.0, section 2.1). The index is text there, so it is here.
type StatusEntry struct {
	Type       string `json:"type"`
	Purpose    string `json:"statusPurpose"`
	Index      string `json:"statusListIndex"`
	Credential string `json:"statusListCredential"` // URL of the list
}

// NewStatusEntry is the entry for place index in the list at listURL.
func NewStatusEntry(listURL string, index int) *StatusEntry {
	return &StatusEntry{Type: statusEntryType, Purpose: purposeRevoked, Index: strconv.Itoa(index), Credential: listURL}
}

// Place is the entry's index as a number.
func (e *StatusEntry) Place() (int, error) {
	i, err := strconv.Atoi(e.Index)
	if err != nil || i < 0 || i >= StatusListSize || strconv.Itoa(i) != e.Index {
		return 0, fmt.Errorf("statusListIndex is not a number from 0 to %d", StatusListSize-1)
	}
	return i, nil
}

func (e *StatusEntry) check() error {
	if e.Type != statusEntryType || e.Purpose != purposeRevoked {
		return fmt.Errorf("want a %s for %s", statusEntryType, purposeRevoked)
	}
	if u, err := url.Parse(e.Credential); err != nil || u.Scheme == "" || u.Host == "" {
		return errors.New("statusListCredential is not an absolute URL")
	}
	_, err := e.Place()
	return err
}

// A StatusList holds one bit for each of 131,072 credentials; a set bit means
// revoked. The bit says that it happened; the ledger says when.
type StatusList struct{ bits [StatusListSize / 8]byte }

// Set marks place i as revoked. Bits are never cleared again.
func (l *StatusList) Set(i int) error {
	if i < 0 || i >= StatusListSize {
		return fmt.Errorf("place %d is not in a list of %d", i, StatusListSize)
	}
	l.bits[i/8] |= 0x80 >> (i % 8) // index 0 is the left-most bit
	return nil
}

// Get says whether place i is revoked. A place outside of the list is an error,
// never a "no".
func (l *StatusList) Get(i int) (bool, error) {
	if i < 0 || i >= StatusListSize {
		return false, fmt.Errorf("place %d is not in a list of %d", i, StatusListSize)
	}
	return l.bits[i/8]&(0x80>>(i%8)) != 0, nil
}

// Encode writes the list as W3C wants it: 'u' (multibase), base64url, gzip.
func (l *StatusList) Encode() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // no name, no time: the same bits give the same text
	w.Write(l.bits[:])      // a bytes.Buffer does not fail
	w.Close()
	return "u" + b64.EncodeToString(b.Bytes())
}

// DecodeStatusList unpacks a list of exactly 131,072 entries. It never unpacks
// more than that, whatever the text claims.
func DecodeStatusList(s string) (*StatusList, error) {
	if len(s) > maxEncodedList {
		return nil, fmt.Errorf("status list has %d characters: the most is %d", len(s), maxEncodedList)
	}
	packed, ok := strings.CutPrefix(s, "u")
	if !ok {
		return nil, errors.New("status list does not start with u (multibase base64url)")
	}
	b, err := decodeSegment(packed)
	if err != nil {
		return nil, fmt.Errorf("status list: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, errors.New("status list is not gzip")
	}
	var l StatusList
	bits, err := io.ReadAll(io.LimitReader(r, int64(len(l.bits))+1))
	if err != nil {
		return nil, errors.New("status list does not unpack")
	}
	if len(bits) != len(l.bits) {
		return nil, fmt.Errorf("status list does not have %d entries", StatusListSize)
	}
	copy(l.bits[:], bits)
	return &l, nil
}

// A StatusListSubject is what a status list credential says.
type StatusListSubject struct {
	ID      string `json:"id"` // URL of the list, "#list"
	Type    string `json:"type"`
	Purpose string `json:"statusPurpose"`
	Encoded string `json:"encodedList"`
}

// IssueStatusList signs the list that is published at listURL. It is short-lived
// on purpose: an old list must not be able to pass as the current one.
func IssueStatusList(s Signer, handle Handle, listURL string, l *StatusList, from, until time.Time) (string, error) {
	return issue(s, KindStatusList, handle, from, &until, nil, StatusListSubject{
		ID: listURL + "#list", Type: statusListType, Purpose: purposeRevoked, Encoded: l.Encode(),
	})
}

// OpenStatusList verifies a status list for the credential that entry and
// issuer come from: signed by the same issuer, published at the URL that the
// entry names, in force at t. Whatever fails here leaves the status unknown.
func OpenStatusList(token string, issuer DID, entry *StatusEntry, t time.Time, keys ResolveKey) (*StatusList, error) {
	l, err := ReadStatusList(token, keys)
	if err == nil {
		err = l.covers(issuer, entry, t, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("open status list: %w", err)
	}
	return l.bits, nil
}

// A SignedList is a status list whose signature held. It may be kept and asked
// again until it ends.
type SignedList struct {
	issuer  DID
	key     Key
	id      string // URL, "#list"
	purpose string
	from    time.Time
	until   time.Time
	bits    *StatusList
}

// ReadStatusList verifies and unpacks a status list. Whether it is the one that
// a credential names, and still in force, is asked with each credential.
func ReadStatusList(token string, keys ResolveKey) (*SignedList, error) {
	c, e, err := Prove[StatusListSubject](token, KindStatusList, keys)
	if err == nil {
		err = e.ownKey()
	}
	if err != nil {
		return nil, err
	}
	if c.ValidUntil == nil {
		return nil, errors.New("it has no end of validity")
	}
	s := c.Subject
	if s.Type != statusListType {
		return nil, fmt.Errorf("it is not a %s", statusListType)
	}
	bits, err := DecodeStatusList(s.Encoded)
	if err != nil {
		return nil, err
	}
	return &SignedList{issuer: c.Issuer, key: e.Key, id: s.ID, purpose: s.Purpose, from: c.ValidFrom, until: *c.ValidUntil, bits: bits}, nil
}

// covers says whether the list is the one that entry means, at t.
func (l *SignedList) covers(issuer DID, entry *StatusEntry, t time.Time, leeway time.Duration) error {
	switch {
	case l.issuer != issuer:
		return errors.New("it is another issuer's")
	case l.id != entry.Credential+"#list" || l.purpose != entry.Purpose:
		return errors.New("it is not the list that the credential names")
	case t.Add(leeway).Before(l.from):
		return fmt.Errorf("it is valid from %s", l.from.Format(time.RFC3339))
	case t.Add(-leeway).After(l.until):
		return fmt.Errorf("it was valid until %s", l.until.Format(time.RFC3339))
	}
	return nil
}
