package mpfs

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// A LocalityID names a payment locality: the contractor and its own number for
// the area, as in "01112-05". The number alone is not enough.
type LocalityID struct{ Contractor, Number string }

// String is "01112-05".
func (l LocalityID) String() string { return l.Contractor + "-" + l.Number }

var localityPattern = regexp.MustCompile(`^([0-9]{5})-([0-9]{2})$`)

// ParseLocality reads "01112-05".
func ParseLocality(s string) (LocalityID, error) {
	m := localityPattern.FindStringSubmatch(s)
	if m == nil {
		return LocalityID{}, fmt.Errorf("locality %q: want contractor and number, such as 01112-05", s)
	}
	return LocalityID{m[1], m[2]}, nil
}

// A Locality is one line of the GPCI file.
type Locality struct {
	ID      LocalityID
	State   string // "CA"
	Name    string // as CMS writes it, with stars that its notes explain
	Weights Weights

	line int // in the file
}

// The GPCI file has the year in three of its headings.
var gpciHeadings = []func(string) bool{
	is("Medicare Administrative Contractor (MAC)"), is("State"), is("Locality Number"), is("Locality Name"),
	regexp.MustCompile(`^[0-9]{4} PW GPCI( \(with 1\.0 Floor\))?$`).MatchString,
	regexp.MustCompile(`^[0-9]{4} PE GPCI$`).MatchString,
	regexp.MustCompile(`^[0-9]{4} MP GPCI$`).MatchString,
}

var (
	contractorPattern = regexp.MustCompile(`^[0-9]{5}$`)
	numberPattern     = regexp.MustCompile(`^[0-9]{2}$`)
	statePattern      = regexp.MustCompile(`^[A-Z]{2}$`)
)

// ReadGPCI reads the file of geographic indices record by record. Records that
// fill no column but the first are CMS's notes.
func ReadGPCI(file string, r io.Reader) iter.Seq2[*Locality, error] {
	return func(yield func(*Locality, error) bool) {
		s := newSheet(file, r)
		if err := s.heading("Medicare Administrative Contractor", gpciHeadings...); err != nil {
			yield(nil, err)
			return
		}
		for {
			fields, err := s.csv.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, s.syntax(err))
				return
			}
			if note(fields) {
				continue
			}
			if !yield(s.locality(fields)) {
				return
			}
		}
	}
}

// note says whether a record is a footnote or empty. One that begins with a
// contractor is none, however little follows.
func note(fields []string) bool {
	return !contractorPattern.MatchString(fields[0]) && strings.TrimSpace(strings.Join(fields[1:], "")) == ""
}

func (s *sheet) locality(fields []string) (*Locality, error) {
	if len(fields) != len(gpciHeadings) {
		return nil, s.at(0, "%d columns; want %d", len(fields), len(gpciHeadings))
	}
	var problems []error
	match := func(i int, p *regexp.Regexp, want string) string {
		if !p.MatchString(fields[i]) {
			problems = append(problems, s.at(i, "%q: want %s", fields[i], want))
		}
		return strings.Clone(fields[i])
	}
	index := func(i int) GPCI {
		n, err := claims.ParseDecimal(fields[i], 3)
		if err == nil && (n <= 0 || n > int64(maxGPCI)) {
			err = errors.New("out of bounds")
		}
		if err != nil {
			problems = append(problems, s.at(i, "%q: %v", fields[i], err))
		}
		return GPCI(n)
	}
	l := &Locality{
		ID:      LocalityID{match(0, contractorPattern, "the contractor's five digits"), match(2, numberPattern, "the locality's two digits")},
		State:   match(1, statePattern, "a state's two letters"),
		Name:    strings.TrimSpace(strings.Clone(fields[3])),
		Weights: Weights{Work: index(4), PE: index(5), Malpractice: index(6)},
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	l.line, _ = s.csv.FieldPos(0)
	return l, nil
}
