package mpfs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A sheet reads one of CMS's CSV files record by record, holding one at a time.
// Excel writes them: a title and notes stand before the column headings.
type sheet struct {
	file string // how problems name it
	csv  *csv.Reader
}

// maxPreface bounds the lines before the headings.
const maxPreface = 20

func newSheet(file string, r io.Reader) *sheet {
	s := &sheet{file, csv.NewReader(r)}
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true
	return s
}

// heading finds the column headings, which are the first record that begins
// like this, and wants all of them.
func (s *sheet) heading(first string, want ...func(string) bool) error {
	for range maxPreface {
		row, err := s.csv.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return s.syntax(err)
		}
		if row[0] = strings.TrimPrefix(row[0], "\ufeff"); !strings.HasPrefix(row[0], first) {
			continue
		}
		if len(row) != len(want) {
			return s.at(0, "%d columns; want %d", len(row), len(want))
		}
		for i := range row {
			if !want[i](row[i]) {
				return s.at(i, "heading %q is not the one expected here", row[i])
			}
		}
		return nil
	}
	return fmt.Errorf("%s line 1: no column headings in the first %d lines; want a line that begins with %q", s.file, maxPreface, first)
}

// at names a field's place.
func (s *sheet) at(field int, format string, args ...any) error {
	line, column := s.csv.FieldPos(field)
	return fmt.Errorf("%s line %d column %d: %s", s.file, line, column, fmt.Sprintf(format, args...))
}

func (s *sheet) syntax(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("%s line %d column %d: %w", s.file, p.Line, p.Column, p.Err)
	}
	return fmt.Errorf("%s: %w", s.file, err)
}

// is wants exactly one of these headings.
func is(known ...string) func(string) bool {
	return func(got string) bool {
		for _, want := range known {
			if got == want {
				return true
			}
		}
		return false
	}
}
