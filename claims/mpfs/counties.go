package mpfs

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
)

// An Area is one line of CMS's file of counties: what lies in a locality. A
// locality may have several.
type Area struct {
	ID       LocalityID
	State    string // as written out: "CALIFORNIA"
	Name     string
	Counties string // in CMS's words: "ALL OTHER COUNTIES"
}

// CMS's own spelling.
var countyHeadings = []string{"Medicare Adminstrative Contractor", "Locality Number", "State", "Fee Schedule Area", "Counties"}

// Numbers stand here without the zeros that they begin with.
var (
	shortContractor = regexp.MustCompile(`^[0-9]{4,5}$`)
	shortNumber     = regexp.MustCompile(`^[0-9]{1,2}$`)
)

// ReadCounties reads the file of counties record by record. A state stands on
// its first line only, and holds for those below it.
func ReadCounties(file string, r io.Reader) iter.Seq2[*Area, error] {
	return func(yield func(*Area, error) bool) {
		s := newSheet(file, r)
		var want []func(string) bool
		for _, h := range countyHeadings {
			want = append(want, func(got string) bool { return strings.TrimSpace(got) == h })
		}
		if err := s.heading("Medicare Adminstrative", want...); err != nil {
			yield(nil, err)
			return
		}
		state := ""
		for {
			fields, err := s.csv.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, s.syntax(err))
				return
			}
			for i := range fields {
				fields[i] = strings.TrimSpace(fields[i])
			}
			if !shortContractor.MatchString(fields[0]) && strings.Join(fields[1:], "") == "" {
				continue // empty, or a note
			}
			area, err := s.area(fields, state)
			if err == nil {
				state = area.State
			}
			if !yield(area, err) {
				return
			}
		}
	}
}

func (s *sheet) area(fields []string, state string) (*Area, error) {
	if len(fields) != len(countyHeadings) {
		return nil, s.at(0, "%d columns; want %d", len(fields), len(countyHeadings))
	}
	var problems []error
	if !shortContractor.MatchString(fields[0]) {
		problems = append(problems, s.at(0, "%q: want the contractor's number", fields[0]))
	}
	if !shortNumber.MatchString(fields[1]) {
		problems = append(problems, s.at(1, "%q: want the locality's number", fields[1]))
	}
	if fields[2] != "" {
		state = strings.Clone(fields[2])
	}
	if state == "" {
		problems = append(problems, s.at(2, "no state here or above"))
	}
	if fields[4] == "" {
		problems = append(problems, s.at(4, "no counties"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	id := LocalityID{zeros(5, fields[0]), zeros(2, fields[1])}
	return &Area{ID: id, State: state, Name: strings.Clone(fields[3]), Counties: strings.Clone(fields[4])}, nil
}

// zeros puts back those that a spreadsheet took off.
func zeros(digits int, s string) string { return strings.Repeat("0", digits-len(s)) + s }

// NewAreas reads a file of counties whole, in its order.
func NewAreas(file string, r io.Reader) ([]Area, error) {
	var all []Area
	err := collect(ReadCounties(file, r), func(a *Area) error {
		all = append(all, *a)
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s line 1: headings and no rows", file)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}
