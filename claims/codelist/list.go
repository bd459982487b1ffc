// Package codelist reads the lists of codes as their publishers give them, and
// answers whether a code was valid on a day. It keeps codes and days alone: many
// descriptions are somebody's property. It ships no list and fetches none.
package codelist

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Row is a code with the days on which it is valid, both included. An empty day
// is that of the list itself.
type Row struct {
	Code        string
	From, Until credentials.Date
	Heading     bool // it has codes below it and cannot be billed
}

// A List is an edition of a list: what it says holds from From until Until, and of
// no other day does it say anything. Its rows lie sorted in two arrays, ten bytes
// a code.
type List struct {
	Kind        claims.CodeKind
	Edition     string
	From, Until credentials.Date

	name  string
	codes []uint64
	which []uint16 // into days
	days  []span
}

// A span is what a row says beside its code. A list has few different ones.
type span struct {
	from, until credentials.Date
	heading     bool
}

// MaxRows bounds a list; the longest published one has some 100,000.
const MaxRows = 1 << 20

// New makes a list of rows in any order. What is wrong with a row has been said by
// its reader, with its line; here it is what is wrong between them.
func New(kind claims.CodeKind, edition string, from, until credentials.Date, rows []Row) (*List, error) {
	facts, known := kind.Facts()
	switch {
	case !known:
		return nil, fmt.Errorf("there is no list of the kind %q; want %s", kind, KindNames())
	case edition == "":
		return nil, errors.New("the edition's name is missing")
	case from == "" || until == "" || until < from:
		return nil, fmt.Errorf("want a first day and a last one that is not before it, of which the list speaks")
	case len(rows) == 0:
		return nil, errors.New("the list has no codes")
	case len(rows) > MaxRows:
		return nil, fmt.Errorf("the list has %d rows; want at most %d", len(rows), MaxRows)
	}
	l := &List{Kind: kind, Edition: edition, From: from, Until: until, name: string(kind) + " " + edition, codes: make([]uint64, 0, len(rows)), which: make([]uint16, 0, len(rows))}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.From, b.From)) })
	number := map[span]uint16{}
	for i, r := range rows {
		if !facts.Fits(r.Code) {
			return nil, fmt.Errorf("%q does not have the form of a code of %s", r.Code, kind)
		}
		if r.Until != "" && r.Until < r.From {
			return nil, fmt.Errorf("code %s: it ends before it begins", r.Code)
		}
		if i > 0 && rows[i-1].Code == r.Code && (rows[i-1].Until == "" || rows[i-1].Until >= r.From) {
			return nil, fmt.Errorf("code %s is there twice for the same day", r.Code)
		}
		s := span{r.From, r.Until, r.Heading}
		n, seen := number[s]
		if !seen {
			if len(l.days) > math.MaxUint16 {
				return nil, errors.New("the list has too many different days")
			}
			n = uint16(len(l.days))
			number[s] = n
			l.days = append(l.days, s)
		}
		l.codes, l.which = append(l.codes, pack(r.Code)), append(l.which, n)
	}
	return l, nil
}

// Name is what messages call the list, "icd-10-cm 2026".
func (l *List) Name() string { return l.name }

// Len is how many rows the list has.
func (l *List) Len() int { return len(l.codes) }

// Covers says whether the list speaks of a day.
func (l *List) Covers(day credentials.Date) bool { return day.Within(l.From, l.Until) }

// Ask says what the list has of a code on a day that it covers.
func (l *List) Ask(code string, day credentials.Date) claims.CodeAnswer {
	a := claims.CodeAnswer{State: claims.CodeUnknown, List: l.name}
	key := pack(code)
	i, found := slices.BinarySearch(l.codes, key)
	for ; found && i < len(l.codes) && l.codes[i] == key; i++ {
		s := &l.days[l.which[i]]
		switch {
		case day < s.from:
			if a.State != claims.CodeEnded { // it was, is not, and will be again: it has ended
				a.State, a.Bound = claims.CodeEarly, s.from
			}
			return a
		case s.until != "" && day > s.until:
			a.State, a.Bound = claims.CodeEnded, s.until
		case s.heading:
			a.State, a.Bound = claims.CodeHeading, ""
			return a
		default:
			a.State, a.Bound = claims.CodeValid, ""
			return a
		}
	}
	return a
}

// pack puts up to ten capitals and digits into a number that sorts as they do; what
// holds anything else is no code, and 0.
func pack(code string) (n uint64) {
	if len(code) > 10 {
		return 0
	}
	for i := range 10 {
		n <<= 6
		if i >= len(code) {
			continue
		}
		switch c := code[i]; {
		case '0' <= c && c <= '9':
			n |= uint64(c-'0') + 1
		case 'A' <= c && c <= 'Z':
			n |= uint64(c-'A') + 11
		default:
			return 0
		}
	}
	return n
}

// unpack is the code of a number.
func unpack(n uint64) string {
	var b [10]byte
	length := 0
	for i := range 10 {
		c := byte(n >> (6 * (9 - i)) & 63)
		switch {
		case c == 0:
			return string(b[:length])
		case c <= 10:
			b[i] = '0' + c - 1
		default:
			b[i] = 'A' + c - 11
		}
		length++
	}
	return string(b[:length])
}

// KindNames are the kinds, for messages.
func KindNames() string {
	names := ""
	for _, f := range claims.CodeKinds {
		if names != "" {
			names += ", "
		}
		names += string(f.Kind)
	}
	return names
}
