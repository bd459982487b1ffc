package exclusions

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// maxProblems bounds what is listed of a file that is wrong throughout.
const maxProblems = 100

// A reader walks the rows of a file and collects what is wrong with them. Problems
// name the place and never repeat what stands there: the OIG's file is about people.
type reader struct {
	name     string
	csv      *csv.Reader
	problems []error
}

// next is a row; its error has the place.
func (r *reader) next() ([]string, error) {
	r.csv.FieldsPerRecord = -1
	row, err := r.csv.Read()
	var p *csv.ParseError
	if errors.As(err, &p) {
		return nil, fmt.Errorf("%s line %d column %d: %w", r.name, p.Line, p.Column, p.Err)
	}
	return row, err
}

// each hands on every row that is left, and answers with all that was wrong, up to
// the first that cannot be read.
func (r *reader) each(do func(row []string)) error {
	for len(r.problems) < maxProblems {
		row, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			r.problems = append(r.problems, err)
			break
		}
		do(row)
	}
	return errors.Join(r.problems...)
}

func (r *reader) problem(field int, format string, args ...any) {
	line, column := r.csv.FieldPos(field)
	r.problems = append(r.problems, fmt.Errorf("%s line %d column %d: %s", r.name, line, column, fmt.Sprintf(format, args...)))
}

func (r *reader) npi(field int, v string) credentials.NPI {
	n := credentials.NPI(v)
	if !n.Valid() {
		r.problem(field, "want an NPI of ten digits whose check digit holds")
	}
	return n
}

// kindPattern are the paragraphs of the Social Security Act, and the breaches of
// settlements that the OIG lists as "BRCH SA" and "BRCH CIA".
var kindPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z ]{2,15}$`)

func (r *reader) kind(field int, v string) string {
	if !kindPattern.MatchString(v) {
		r.problem(field, "want the kind of exclusion, such as 1128a1")
	}
	return v
}

func (r *reader) day(field int, v string, wanted bool) credentials.Date {
	d, err := credentials.ParseDate(v)
	if err != nil && (wanted || v != "") {
		r.problem(field, "want a date such as 2026-01-31")
	}
	return d
}

var statePattern = regexp.MustCompile(`^[A-Z]{2}$`)

// consistent checks what takes two fields to see; the places are those of the day of
// reinstatement and of the waiver's state.
func (r *reader) consistent(x *claims.Exclusion, reinstated, state int) {
	if x.Reinstated != "" && x.Reinstated < x.From {
		r.problem(reinstated, "they are reinstated before they were excluded")
	}
	switch {
	case x.WaiverState != "" && !statePattern.MatchString(x.WaiverState):
		r.problem(state, "want the two letters of a state")
	case (x.WaiverState == "") != (x.Waived == ""):
		r.problem(state, "want a waiver with its day and its state, or neither")
	}
}
