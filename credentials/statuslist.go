package credentials

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const statusListType = "BitstringStatusList"

// maxEncodedList bounds what is unpacked: random bits do not compress, so a
// full list takes about 22,000 characters for each bit of an entry.
const maxEncodedList = maxStatusSize * (32 << 10)

// A StatusList holds the same number of bits for each of 131,072 credentials.
// It says what is so now; the ledger says since when.
type StatusList struct {
	size int
	bits []byte
}

// NewStatusList is a list of entries of size bits, all of them 0.
func NewStatusList(size int) *StatusList {
	if size < 1 || size > maxStatusSize {
		panic("credentials: no status list has entries of that size") // a constant of the caller's
	}
	return &StatusList{size, make([]byte, StatusListSize/8*size)}
}

func (l *StatusList) at(i int) error {
	if i < 0 || i >= StatusListSize {
		return fmt.Errorf("place %d is not in a list of %d", i, StatusListSize)
	}
	return nil
}

// Set gives place i a value.
func (l *StatusList) Set(i, value int) error {
	if err := l.at(i); err != nil {
		return err
	}
	if value < 0 || value >= 1<<l.size {
		return fmt.Errorf("value %d does not fit into %d bits", value, l.size)
	}
	for b := range l.size { // index 0 and the highest bit are the left-most
		at := i*l.size + b
		mask := byte(0x80 >> (at % 8))
		l.bits[at/8] &^= mask
		if value>>(l.size-1-b)&1 == 1 {
			l.bits[at/8] |= mask
		}
	}
	return nil
}

// Get is the value of place i. A place outside of the list is an error, never
// a "no".
func (l *StatusList) Get(i int) (value int, err error) {
	if err := l.at(i); err != nil {
		return 0, err
	}
	for b := range l.size {
		at := i*l.size + b
		value = value<<1 | int(l.bits[at/8]>>(7-at%8)&1)
	}
	return value, nil
}

// Equal says whether two lists say the same.
func (l *StatusList) Equal(o *StatusList) bool {
	return l.size == o.size && bytes.Equal(l.bits, o.bits)
}

// Encode writes the list as W3C wants it: 'u' (multibase), base64url, gzip.
func (l *StatusList) Encode() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // no name, no time: the same bits give the same text
	w.Write(l.bits)         // a bytes.Buffer does not fail
	w.Close()
	return "u" + b64.EncodeToString(b.Bytes())
}

// DecodeStatusList unpacks a list of exactly 131,072 entries of one to four
// bits. It never unpacks more than that, whatever the text claims. How many bits
// an entry has, the list itself does not say: its length does, and the
// credential that names it has to say the same.
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
	const one = StatusListSize / 8
	bits, err := io.ReadAll(io.LimitReader(r, maxStatusSize*one+1))
	if err != nil {
		return nil, errors.New("status list does not unpack")
	}
	if len(bits) == 0 || len(bits)%one != 0 || len(bits)/one > maxStatusSize {
		return nil, fmt.Errorf("status list does not have %d entries of 1 to %d bits", StatusListSize, maxStatusSize)
	}
	return &StatusList{len(bits) / one, bits}, nil
}

// A StatusListSubject is what a status list credential says.
type StatusListSubject struct {
	ID      string        `json:"id"` // URL of the list, "#list"
	Type    string        `json:"type"`
	Purpose StatusPurpose `json:"statusPurpose"`
	Encoded string        `json:"encodedList"`
	// TTL is for how many milliseconds a copy may be used before it is asked for
	// again. It lengthens nothing: validUntil is the end in any case.
	TTL int64 `json:"ttl,omitempty"`
}

// IssueStatusList signs the list of a purpose that is published at listURL. It
// is short-lived on purpose: an old list must not be able to pass as the current
// one. Half of its life is what a copy may be used for without asking again.
func IssueStatusList(s Signer, handle Handle, p StatusPurpose, listURL string, l *StatusList, from, until time.Time) (string, error) {
	return issue(s, KindStatusList, handle, from, &until, nil, StatusListSubject{
		ID: listURL + "#list", Type: statusListType, Purpose: p, Encoded: l.Encode(), TTL: until.Sub(from).Milliseconds() / 2,
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
	url     string
	purpose StatusPurpose
	from    time.Time
	until   time.Time
	ttl     time.Duration
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
	url, ok := strings.CutSuffix(s.ID, "#list")
	if s.Type != statusListType || !ok {
		return nil, fmt.Errorf("it is not a %s", statusListType)
	}
	if s.TTL < 0 {
		return nil, errors.New("its ttl is less than nothing")
	}
	bits, err := DecodeStatusList(s.Encoded)
	if err != nil {
		return nil, err
	}
	return &SignedList{issuer: c.Issuer, key: e.Key, url: url, purpose: s.Purpose, from: c.ValidFrom, until: *c.ValidUntil,
		ttl: time.Duration(min(s.TTL, int64(time.Hour/time.Millisecond))) * time.Millisecond, bits: bits}, nil
}

// KeepUntil is how long a copy of the list may be used without asking again,
// given when it was fetched: its ttl, and never past the end of its validity.
// A list without a ttl is asked for each time.
func (l *SignedList) KeepUntil(fetched time.Time) time.Time {
	if until := fetched.Add(l.ttl); until.Before(l.until) {
		return until
	}
	return l.until
}

// covers says whether the list is the one that entry means, at t.
func (l *SignedList) covers(issuer DID, entry *StatusEntry, t time.Time, leeway time.Duration) error {
	switch {
	case l.issuer != issuer:
		return errors.New("it is another issuer's")
	case l.url != entry.Credential || l.purpose != entry.Purpose || l.bits.size != entry.bits():
		return errors.New("it is not the list that the credential names")
	case t.Add(leeway).Before(l.from):
		return fmt.Errorf("it is valid from %s", l.from.Format(time.RFC3339))
	case t.Add(-leeway).After(l.until):
		return fmt.Errorf("it was valid until %s", l.until.Format(time.RFC3339))
	}
	return nil
}
