package codelist

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// maxProblems bounds what is said of a file that is wrong throughout.
const maxProblems = 20

// A table reads a CSV file record by record.
type table struct {
	file string // how problems name it
	csv  *csv.Reader
}

func newTable(file string, r io.Reader) *table {
	t := &table{file, csv.NewReader(r)}
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
	return t
}

func (t *table) read() ([]string, error) {
	fields, err := t.csv.Read()
	var p *csv.ParseError
	switch {
	case errors.As(err, &p):
		return nil, fmt.Errorf("%s line %d column %d: %w", t.file, p.Line, p.Column, p.Err)
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("%s: %w", t.file, err)
	case err == nil && t.csv.InputOffset() > 0:
		fields[0] = strings.TrimPrefix(fields[0], "\ufeff")
	}
	return fields, err
}

// at names a field's place.
func (t *table) at(field int, format string, args ...any) error {
	line, column := t.csv.FieldPos(field)
	return fmt.Errorf("%s line %d column %d: %s", t.file, line, column, fmt.Sprintf(format, args...))
}

// rows reads "code,from,until" and, as a fourth field of an edition, "heading".
func (t *table) rows(facts claims.CodeKindFacts, last int) (all []Row, err error) {
	var problems []error
	for len(problems) < maxProblems && len(all) <= MaxRows {
		fields, err := t.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			problems = append(problems, err)
			break
		}
		row, err := t.row(facts, fields, last)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, row)
	}
	return all, errors.Join(problems...)
}

func (t *table) row(facts claims.CodeKindFacts, fields []string, last int) (r Row, err error) {
	if len(fields) > last+1 {
		return r, t.at(last+1, "%d columns; want at most %d", len(fields), last+1)
	}
	r.Code = strings.Clone(fields[0]) // the reader hands out one string for the whole line
	if !facts.Fits(r.Code) {
		return r, t.at(0, "%q does not have the form of a code of %s", r.Code, facts.Kind)
	}
	for i, day := range []*credentials.Date{&r.From, &r.Until} {
		if len(fields) <= i+1 || fields[i+1] == "" {
			continue
		}
		if *day, err = credentials.ParseDate(fields[i+1]); err != nil {
			return r, t.at(i+1, "%q: want a day such as 2025-10-01, or nothing", fields[i+1])
		}
	}
	if r.Until != "" && r.Until < r.From {
		return r, t.at(2, "it ends before it begins")
	}
	if len(fields) > 3 {
		if fields[3] != "" && fields[3] != "heading" {
			return r, t.at(3, "%q: want heading, or nothing", fields[3])
		}
		r.Heading = fields[3] == "heading"
	}
	return r, nil
}
