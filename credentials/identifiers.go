package credentials

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A DID names a party or a key holder: did:key for development and holders,
// did:web for organizations.
type DID string

// ParseDID refuses anything that is not a bare DID: no path, query or
// fragment, no white space. It does not resolve it.
func ParseDID(s string) (DID, error) {
	rest, ok := strings.CutPrefix(s, "did:")
	method, id, found := strings.Cut(rest, ":")
	if !ok || !found || method == "" || id == "" {
		return "", fmt.Errorf("%q is not a DID: it needs did:METHOD:ID", s)
	}
	for _, r := range s {
		if r <= ' ' || r > '~' || r == '/' || r == '?' || r == '#' || r == '"' || r == '\\' {
			return "", fmt.Errorf("DID has the character %q, which a bare DID cannot hold", r)
		}
	}
	return DID(s), nil
}

// A Digest is a SHA-256, in lower-case hexadecimal where it is written down.
type Digest [32]byte

// DigestOf is the SHA-256 of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// String is the digest in 64 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero says whether the digest was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes the digest in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// AppendText is MarshalText into what is there.
func (d Digest) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, d[:]), nil }

// UnmarshalText accepts exactly 64 lower-case hexadecimal digits.
func (d *Digest) UnmarshalText(b []byte) error {
	v, err := parseHex32(b)
	*d = Digest(v)
	return err
}

// ParseDigest accepts exactly 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	v, err := parseHex32([]byte(s))
	return Digest(v), err
}

// A Handle is a random 256-bit name for a document or a subject. It stands on
// the public ledger in place of anything that could be traced to a person.
type Handle [32]byte

// String is the handle in 64 hexadecimal digits.
func (h Handle) String() string { return hex.EncodeToString(h[:]) }

// IsZero says whether the handle was never set.
func (h Handle) IsZero() bool { return h == Handle{} }

// MarshalText writes the handle in hexadecimal.
func (h Handle) MarshalText() ([]byte, error) { return h.AppendText(nil) }

// AppendText is MarshalText into what is there.
func (h Handle) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, h[:]), nil }

// UnmarshalText accepts exactly 64 lower-case hexadecimal digits.
func (h *Handle) UnmarshalText(b []byte) error {
	v, err := parseHex32(b)
	*h = Handle(v)
	return err
}

// ParseHandle accepts exactly 64 lower-case hexadecimal digits.
func ParseHandle(s string) (Handle, error) {
	v, err := parseHex32([]byte(s))
	return Handle(v), err
}

// parseHex32 is strict so that two spellings never name the same thing.
func parseHex32(s []byte) (v [32]byte, err error) {
	if len(s) != hex.EncodedLen(len(v)) || bytes.ContainsAny(s, "ABCDEF") {
		return v, errors.New("want 64 lower-case hexadecimal digits")
	}
	_, err = hex.Decode(v[:], s)
	return v, err
}

// An NPI is a National Provider Identifier: ten digits, the first 1 or 2. It
// does not say whether it is a person's or an organization's.
type NPI string

// Valid says whether the NPI can have been given to anyone: ten digits, the
// first 1 or 2, and a check digit that holds (Luhn over "80840" and the first
// nine digits, 45 CFR 162.406).
func (n NPI) Valid() bool {
	if !n.WellFormed() || n[0] != '1' && n[0] != '2' {
		return false
	}
	sum := 24 // what the prefix 80840 adds
	for i := 0; i < 9; i++ {
		d := int(n[i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10-sum%10)%10 == int(n[9]-'0')
}

// WellFormed says whether the NPI has ten digits. Most public sample files
// hold NPIs that are well formed and not valid.
func (n NPI) WellFormed() bool {
	if len(n) != 10 {
		return false
	}
	for i := range n {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
	}
	return true
}

// A Date is a civil date, YYYY-MM-DD, without a time zone. Dates compare as
// strings do; the empty Date means "not given".
type Date string

const dateLayout = "2006-01-02"

// ParseDate refuses dates that no calendar has, such as 2026-02-30.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(dateLayout, s); err != nil || len(s) != len(dateLayout) {
		return "", fmt.Errorf("%q is not a date: want YYYY-MM-DD", s)
	}
	return Date(s), nil
}

// DateOf is the civil date of t in t's own location.
func DateOf(t time.Time) Date { return Date(t.Format(dateLayout)) }

// UnmarshalText parses strictly and keeps the empty Date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = ""
		return nil
	}
	v, err := ParseDate(string(b))
	*d = v
	return err
}

// AddDays is the date n days later.
func (d Date) AddDays(n int) Date {
	t, err := time.Parse(dateLayout, string(d))
	if err != nil {
		return d
	}
	return DateOf(t.AddDate(0, 0, n))
}

// DaysUntil counts the days from d to e; it is negative where e comes first.
func (d Date) DaysUntil(e Date) int {
	a, errA := time.Parse(dateLayout, string(d))
	b, errB := time.Parse(dateLayout, string(e))
	if errA != nil || errB != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}

// Within says whether d lies in [from, to], both included. An empty to means
// that the period has no end yet.
func (d Date) Within(from, to Date) bool { return from <= d && (to == "" || d <= to) }
