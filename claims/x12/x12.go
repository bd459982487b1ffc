// Package x12 reads claims from X12 837 files (005010X222 and X223), answers
// them (TA1, 999, 277CA), and writes and reads remittances, X12 835
// (005010X221). It knows claims; claims does not know it.
//
// It refuses what it does not understand, with the place, the reason and what
// to do about it, and never guesses an amount, a date or a person. It judges
// syntax and the envelope only: whether a claim is plausible or payable is the
// business of package claims. Its messages name segments and elements, and
// never repeat their content, which may be personal.
package x12

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Refusal says which part of a file was not read, and why.
type Refusal struct {
	Scope string // what is refused as a whole: "ISA 1, ST 2", "ISA 1" or "file"
	Where string // "segment 37 (SV1) element 2"
	What  string // what is wrong there
	Do    string // what to do about it

	place fault
}

// Error is the refusal in one line.
func (r *Refusal) Error() string {
	line := fmt.Sprintf("%s: %s", r.Where, r.What)
	if r.Scope != "" {
		line = r.Scope + " refused: " + line
	}
	if r.Do != "" {
		line += "; " + r.Do
	}
	return line
}

// A Note tells of something that was read although it is not as it should be.
type Note struct {
	Where string
	What  string
}

// A segment is one segment of a file. Element 0 is its identifier, so that
// element numbers are those of the guide: SV1 element 2 is SV102.
type segment struct {
	number int // in the file, from 1
	count  int // of its elements
	name   string
	text   string
	// starts are where the elements start in text; each ends before the mark in
	// front of the next. Offsets are cheaper to note than strings: most elements
	// are never asked for.
	starts [maxElements + 2]uint16
	marks  marks
	bad    *Refusal // what is wrong with its characters, if anything
	parts  []string // of the composite that was read last
	dates  *dates
}

// kept is a copy that outlives the scanner's next step, and does not keep the
// text around it.
func (s *segment) kept() *segment {
	k := *s
	k.text, k.parts = strings.Clone(s.text), nil
	k.name = k.at(0)
	return &k
}

// marks are the delimiters that an interchange declares in its ISA segment.
type marks struct{ element, repetition, component, terminator byte }

func (s *segment) id() string { return s.name }

// at is element i, or nothing where the segment ends before it.
func (s *segment) at(i int) string {
	if i >= s.count {
		return ""
	}
	return trimSpaces(s.text[s.starts[i] : s.starts[i+1]-1])
}

// where names an element of the segment; element 0 names the whole of it.
func (s *segment) where(element int) string { return where(s.number, s.id(), element) }

func where(number int, id string, element int) string {
	place := fmt.Sprintf("segment %d", number)
	if id != "" {
		place += " (" + id + ")"
	}
	if element > 0 {
		place += fmt.Sprintf(" element %d", element)
	}
	return place
}

// refuse makes a refusal at an element of the segment; the scope is filled in
// by whoever knows it.
func (s *segment) refuse(element int, what, do string) *Refusal {
	return refuseAt(s.number, s.id(), element, what, do)
}

// refuseAt refuses at a segment that was left behind.
func refuseAt(number int, id string, element int, what, do string) *Refusal {
	return &Refusal{Where: where(number, id, element), What: what, Do: do, place: fault{number: number, id: strings.Clone(id), element: element}}
}

// foreign is the component separator that many senders write whatever their
// ISA declares.
const foreign = '>'

// components splits a composite element. Where the element does not hold the
// declared separator but holds '>', that is taken for it, and foreigner is
// true: in none of the composites that this package reads can '>' stand for
// anything else (four of the thirteen public sample claims are written so).
// The parts hold until the next composite of the segment is read.
func (s *segment) components(i int) (parts []string, foreigner bool) {
	v := s.at(i)
	sep := s.marks.component
	if strings.IndexByte(v, sep) < 0 && strings.IndexByte(v, foreign) >= 0 {
		sep, foreigner = foreign, true
	}
	from := 0
	parts = s.parts[:0]
	for j := range len(v) {
		if v[j] == sep {
			parts = append(parts, strings.TrimSpace(v[from:j]))
			from = j + 1
		}
	}
	s.parts = append(parts, strings.TrimSpace(v[from:]))
	return s.parts, foreigner
}

// part is component i of a composite, from 0.
func part(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return ""
}

// wholeDigits bounds every amount, so that sums over a file cannot overflow.
// The guides allow eight digits before the point.
const wholeDigits = 10

// cents reads an amount. Its errors do not repeat the element.
func (s *segment) cents(i int) (claims.Cents, error) {
	v := s.at(i)
	if n, ok := plainAmount(v); ok {
		return n, nil
	}
	whole, _, _ := strings.Cut(strings.TrimPrefix(v, "-"), ".")
	n, err := claims.ParseCents(v)
	if err != nil || len(whole) > wholeDigits {
		return 0, s.refuse(i, "is not an amount of money", "write dollars and cents such as 125.50, without a currency sign or thousands separators").with(badCharacter)
	}
	return n, nil
}

// plainAmount reads an amount in its usual spelling, at most eight digits and
// two decimals behind a point: nearly every line has one. Any other spelling is
// for ParseCents.
func plainAmount(v string) (n claims.Cents, ok bool) {
	point := len(v) - 3
	if point <= 0 || v[point] != '.' {
		point = len(v)
	}
	if point == 0 || point > 8 {
		return 0, false
	}
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + claims.Cents(c-'0')
		case i != point:
			return 0, false
		}
	}
	if point == len(v) {
		n *= 100
	}
	return n, true
}

// quantity reads a count of units that is above zero.
func (s *segment) quantity(i int) (claims.Quantity, error) {
	if v := s.at(i); len(v) == 1 && v[0] >= '1' && v[0] <= '9' {
		return claims.Quantity(v[0]-'0') * 1000, nil
	}
	q, err := claims.ParseQuantity(s.at(i))
	if err != nil || q <= 0 || len(s.at(i)) > 15 {
		return 0, s.refuse(i, "is not a number of units above zero", "write a number such as 1 or 1.5").with(badCharacter)
	}
	return q, nil
}

// date reads a date written CCYYMMDD (format D8).
func (s *segment) date(i int) (credentials.Date, error) {
	d, ok := s.dates.parse(s.at(i))
	if !ok {
		return "", s.refuse(i, "is not a date of the calendar", "write it as CCYYMMDD, such as 20261102").with(badDate)
	}
	return d, nil
}

// dates are some of those that were read before: the dates of service of a file
// are few, and it has one for nearly every other segment.
type dates [64]credentials.Date

// parse is parseD8, of a date that stood in the file before without an allocation.
func (ds *dates) parse(v string) (credentials.Date, bool) {
	if ds == nil || len(v) != 8 {
		return parseD8(v)
	}
	known := &ds[(10*v[6]+v[7]+31*v[5])%64]
	if d := string(*known); len(d) == 10 && d[:4] == v[:4] && d[5:7] == v[4:6] && d[8:] == v[6:] {
		return *known, true
	}
	d, ok := parseD8(v)
	if ok {
		*known = d
	}
	return d, ok
}

// parseD8 reads a date written CCYYMMDD.
func parseD8(v string) (credentials.Date, bool) {
	if len(v) != 8 || v[0] == '0' {
		return "", false
	}
	var n int
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return "", false
		}
		n = n*10 + int(v[i]-'0')
	}
	year, month, day := n/10000, time.Month(n/100%100), n%100
	if month < 1 || month > 12 || day < 1 || day > 28 && time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Month() != month {
		return "", false
	}
	b := [10]byte{v[0], v[1], v[2], v[3], '-', v[4], v[5], '-', v[6], v[7]}
	return credentials.Date(b[:]), true
}

// d8 writes a date as CCYYMMDD.
func d8(d credentials.Date) string { return strings.ReplaceAll(string(d), "-", "") }

// kept is a copy of a list in memory that such lists share, a few dozen at a time.
func kept[T any](memory *[]T, list []T) []T {
	if len(list) == 0 {
		return nil
	}
	if cap(*memory)-len(*memory) < len(list) {
		*memory = make([]T, 0, max(64, len(list)))
	}
	from := len(*memory)
	*memory = append(*memory, list...)
	return (*memory)[from:len(*memory):len(*memory)]
}

func oneOf(v string, allowed ...string) bool { return slices.Contains(allowed, v) }
