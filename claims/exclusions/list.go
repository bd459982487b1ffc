// Package exclusions reads lists of providers whom nobody may pay: the file that the
// Office of Inspector General publishes each month (LEIE, UPDATED.csv), and the list
// that an insurer publishes of it as an edition. It writes what such a list says of a
// claim into the evidence, where the rules read it (claims.Adjudicate), and whoever
// has the list finds the same again.
//
// It keeps numbers, kinds and days, and nothing that the file says of a person
// besides. It never decides whether a line is paid, and like the rules it reads no
// clock, file or network.
package exclusions

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Schema begins a published list. Behind it stand its name, its edition and the day of
// which it is.
const Schema = "countersign/exclusions/1"

var columns = []string{"npi", "kind", "excluded", "reinstated", "waiver", "waiver_state"}

// maxFile bounds a published list, as it bounds a fee schedule.
const maxFile = 8 << 20

// A List is who was excluded, as known on a day.
type List struct {
	Digest  credentials.Digest
	Name    string // as plans call it: "oig-leie"
	Edition string // "2026-11"
	AsOf    credentials.Date
	Entries []claims.Exclusion // by NPI, then by day
}

// Ref names the edition by content.
func (l *List) Ref() claims.EditionRef {
	return claims.EditionRef{Name: l.Name, Edition: l.Edition, Digest: l.Digest}
}

func compare(a, b claims.Exclusion) int {
	return cmp.Or(cmp.Compare(a.NPI, b.NPI), cmp.Compare(a.From, b.From), cmp.Compare(a.Kind, b.Kind))
}

// Of are the entries about one provider.
func (l *List) Of(npi credentials.NPI) []claims.Exclusion {
	i, _ := slices.BinarySearchFunc(l.Entries, npi, func(x claims.Exclusion, npi credentials.NPI) int { return cmp.Compare(x.NPI, npi) })
	j := i
	for j < len(l.Entries) && l.Entries[j].NPI == npi {
		j++
	}
	return l.Entries[i:j]
}

// Facts are what a list says of a claim on a day; a nil list is none that is published.
// The roster's answers to who rendered the lines have to be in the evidence already.
func (l *List) Facts(c *claims.Claim, e *claims.Evidence, on credentials.Date) *claims.ExclusionFacts {
	f := &claims.ExclusionFacts{On: on, NPIs: []credentials.NPI{}}
	for i := range c.Lines {
		var rendered credentials.NPI
		if k := slices.IndexFunc(e.Lines, func(f claims.LineFact) bool { return f.Line == c.Lines[i].Number }); k >= 0 {
			rendered = e.Lines[k].Standing.NPI
		}
		f.NPIs = append(f.NPIs, c.Involved(&c.Lines[i], rendered)...)
	}
	slices.Sort(f.NPIs)
	f.NPIs = slices.Compact(f.NPIs)
	if l == nil {
		return f
	}
	ref := l.Ref()
	f.List, f.AsOf = &ref, l.AsOf
	for _, npi := range f.NPIs {
		f.Listed = append(f.Listed, l.Of(npi)...)
	}
	return f
}

// Encode writes a list in the one form that Parse reads, and names it by its content.
func (l *List) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s,%s,%s,%s\n%s\n", Schema, l.Name, l.Edition, l.AsOf, strings.Join(columns, ","))
	for _, x := range l.Entries {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", x.NPI, x.Kind, x.From, x.Reinstated, x.Waived, x.WaiverState)
	}
	l.Digest = credentials.DigestOf(b.Bytes())
	return b.Bytes()
}

var plainPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

// Plain says whether a list may have this name or edition.
func Plain(name string) bool { return plainPattern.MatchString(name) }

// IsList says whether a file is a published list, as against one of the OIG's.
func IsList(file []byte) bool { return bytes.HasPrefix(file, []byte(Schema+",")) }

// Parse reads a published list. There is one way to write one, and any other is
// refused, each problem with its line and column.
func Parse(file []byte) (*List, error) {
	const name = "exclusions.csv"
	if len(file) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	l := &List{Digest: credentials.DigestOf(file)}
	r := &reader{name: name, csv: csv.NewReader(bytes.NewReader(file))}
	first, err := r.next()
	if err != nil || len(first) != 4 || first[0] != Schema {
		return nil, fmt.Errorf("%s line 1: want %s,NAME,EDITION,DAY; countersign exclusions make writes a list from the OIG's file", name, Schema)
	}
	l.Name, l.Edition, l.AsOf = first[1], first[2], r.day(3, first[3], true)
	for i, part := range first[1:3] {
		if !Plain(part) {
			r.problem(i+1, "want a name and an edition of small letters, digits, dots and hyphens")
		}
	}
	if second, err := r.next(); err != nil || !slices.Equal(second, columns) {
		return nil, fmt.Errorf("%s line 2: want the header %s", name, strings.Join(columns, ","))
	}
	if err := r.each(func(row []string) { l.add(r, row) }); err != nil {
		return nil, err
	}
	if !bytes.Equal((&List{Name: l.Name, Edition: l.Edition, AsOf: l.AsOf, Entries: l.Entries}).Encode(), file) {
		return nil, fmt.Errorf("%s: it is not written in the one way that it can be: no quotes, no spaces, a line feed behind each row", name)
	}
	return l, nil
}

func (l *List) add(r *reader, row []string) {
	if len(row) != len(columns) {
		r.problem(0, "%d columns; want %s", len(row), strings.Join(columns, ","))
		return
	}
	x := claims.Exclusion{
		NPI: r.npi(0, row[0]), Kind: r.kind(1, row[1]), From: r.day(2, row[2], true), Reinstated: r.day(3, row[3], false),
		Waived: r.day(4, row[4], false), WaiverState: row[5],
	}
	r.consistent(&x, 3, 5)
	if n := len(l.Entries); n > 0 && compare(l.Entries[n-1], x) >= 0 {
		r.problem(0, "want the entries by npi, excluded and kind, each once")
	}
	l.Entries = append(l.Entries, x)
}
