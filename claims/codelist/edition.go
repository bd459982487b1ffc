package codelist

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// EditionSchema begins the first record of an edition as it is published.
const EditionSchema = "countersign/codes/1"

// The first record names what holds for the whole list, and a row its code and,
// where they are not the list's, its days.
const (
	editionHead = EditionSchema + ",kind,edition,from,until"
	editionRows = "code,from,until,heading"
)

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$`)

// GoodName says whether an edition may be called so: its name becomes a file's.
func GoodName(edition string) bool { return goodName.MatchString(edition) }

// IsEdition says whether a file begins as an edition of codes does.
func IsEdition(file []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(file, []byte("\ufeff")), []byte(EditionSchema+","))
}

// Write writes the edition in order of code. What two houses make of one file of
// its publisher is the same, byte for byte, and so has the same digest.
func (l *List) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n,%s,%s,%s,%s\n%s\n", editionHead, l.Kind, l.Edition, l.From, l.Until, editionRows)
	for i, n := range l.codes {
		s, heading := &l.days[l.which[i]], ""
		if s.heading {
			heading = "heading"
		}
		b.WriteString(strings.TrimRight(strings.Join([]string{unpack(n), string(s.from), string(s.until), heading}, ","), ","))
		b.WriteByte('\n')
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write code edition: %w", err)
	}
	return nil
}

// ReadEdition reads what Write writes. Nothing is taken of a file with a bad row.
func ReadEdition(file string, r io.Reader) (*List, error) {
	t := newTable(file, r)
	var head []string
	for i, want := range []string{editionHead, "", editionRows} {
		fields, err := t.read()
		switch {
		case err == io.EOF:
			return nil, fmt.Errorf("%s: ends before its heading does", file)
		case err != nil:
			return nil, err
		case i != 1 && strings.Join(fields, ",") != want:
			return nil, t.at(0, "want the heading %s", want)
		case i == 1 && (len(fields) != 5 || fields[0] != ""):
			return nil, t.at(0, "want a record of 5 columns, the first of which is empty")
		case i == 1:
			head = slices.Clone(fields)
		}
	}
	kind, edition := claims.CodeKind(head[1]), head[2]
	facts, known := kind.Facts()
	from, err := credentials.ParseDate(head[3])
	until, err2 := credentials.ParseDate(head[4])
	switch {
	case !known:
		return nil, fmt.Errorf("%s line 2: there is no list of the kind %q", file, head[1])
	case err != nil || err2 != nil || until < from:
		return nil, fmt.Errorf("%s line 2: want the first and the last day of which the list speaks, as 2025-10-01", file)
	case !GoodName(edition):
		return nil, fmt.Errorf("%s line 2: want the edition's name of letters, digits, dots and hyphens", file)
	}
	rows, err := t.rows(facts, 3)
	if err != nil {
		return nil, err
	}
	l, err := New(kind, edition, from, until, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}
