package claims

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

// A CoverageSpan is a row of a file of coverage: days on which a member who is
// on record is covered, both included.
type CoverageSpan struct {
	Line     int // of the file, for who looks the member up
	MemberID string
	First    string
	Birth    credentials.Date
	From     credentials.Date
	Until    credentials.Date // empty where the end is open
}

// A RosterEntry is a row of a file of providers: a clinician who renders the
// services of a billing organization whose claims name nobody, from one day to
// another, and the network to which they belong there.
type RosterEntry struct {
	Billing, NPI credentials.NPI
	Network      string
	From         credentials.Date
	Until        credentials.Date // empty where the end is open
}

// ParseCoverage reads a CSV file of coverage. Like the other rosters it says of
// every bad row the line and the column, and repeats nothing of what stands there.
func ParseCoverage(file []byte) (spans []CoverageSpan, err error) {
	columns := []string{"member_id", "first", "birth", "coverage_from", "coverage_until"}
	err = readRoster("coverage.csv", file, columns, func(r *rosterRow) {
		s := CoverageSpan{Line: r.line, MemberID: r.text("member_id"), First: r.text("first"), Birth: r.date("birth", true),
			From: r.date("coverage_from", true), Until: r.date("coverage_until", false)}
		if r.good() && s.Until != "" && s.Until < s.From {
			r.problem("coverage_until", "lies before coverage_from")
		}
		spans = append(spans, s)
	})
	if err == nil && len(spans) == 0 {
		err = errors.New("coverage.csv: it names no member")
	}
	return spans, err
}

// ParseProviders reads a CSV file of providers.
func ParseProviders(file []byte) (all []RosterEntry, err error) {
	columns := []string{"billing_npi", "npi", "network", "from", "until"}
	seen := map[[2]credentials.NPI]int{}
	err = readRoster("providers.csv", file, columns, func(r *rosterRow) {
		e := RosterEntry{Billing: r.npi("billing_npi"), NPI: r.npi("npi"), Network: r.field("network"), From: r.date("from", true), Until: r.date("until", false)}
		switch key := [2]credentials.NPI{e.Billing, e.NPI}; {
		case !r.good():
		case e.Until != "" && e.Until < e.From:
			r.problem("until", "lies before from")
		case seen[key] > 0:
			r.problem("npi", fmt.Sprintf("stands in line %d under the same billing_npi", seen[key]))
		default:
			seen[key] = r.line
		}
		if len(e.Network) > 50 {
			r.problem("network", "want at most 50 characters")
		}
		all = append(all, e)
	})
	if err == nil && len(all) == 0 {
		err = errors.New("providers.csv: it names no provider")
	}
	return all, err
}

// A rosterRow is one row on its way to be read.
type rosterRow struct {
	name     string
	head     []string
	fields   []string
	line     int
	places   *csv.Reader
	problems []error
}

func (r *rosterRow) good() bool { return len(r.problems) == 0 }

func (r *rosterRow) problem(column, what string) {
	line, at := r.places.FieldPos(slices.Index(r.head, column))
	r.problems = append(r.problems, fmt.Errorf("%s line %d column %d: %s: %s", r.name, line, at, column, what))
}

func (r *rosterRow) field(column string) string { return r.fields[slices.Index(r.head, column)] }

func (r *rosterRow) text(column string) string {
	v := r.field(column)
	if v == "" {
		r.problem(column, "is missing")
	}
	return v
}

func (r *rosterRow) date(column string, wanted bool) credentials.Date {
	v := r.field(column)
	if _, err := credentials.ParseDate(v); err != nil && (wanted || v != "") {
		r.problem(column, "want a date such as 2026-01-31")
	}
	return credentials.Date(v)
}

func (r *rosterRow) npi(column string) credentials.NPI {
	n := credentials.NPI(r.field(column))
	if !n.Valid() {
		r.problem(column, "want an NPI: ten digits, the first 1 or 2, whose check digit holds")
	}
	return n
}

// maxRosterProblems bounds what is listed of a file that is wrong throughout.
const maxRosterProblems = 100

// readRoster hands every row of a CSV file to each. The columns have to be there;
// others may be, and are not read.
func readRoster(name string, file []byte, columns []string, each func(*rosterRow)) error {
	switch {
	case len(file) > maxFile:
		return fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	case !utf8.Valid(file):
		return fmt.Errorf("%s: not UTF-8 text; save it as CSV UTF-8", name)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s line 1: the file is empty or no CSV; want a header with %q", name, columns)
	}
	for _, column := range columns {
		if !slices.Contains(head, column) {
			return fmt.Errorf("%s line 1: the column %s is missing", name, column)
		}
	}
	var problems []error
	for len(problems) < maxRosterProblems {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return errors.Join(append(problems, fmt.Errorf("%s line %d column %d: %w", name, bad.Line, bad.Column, bad.Err))...)
		} else if err != nil {
			return err
		}
		row := &rosterRow{name: name, head: head, fields: fields, places: r}
		row.line, _ = r.FieldPos(0)
		each(row)
		problems = append(problems, row.problems...)
	}
	return errors.Join(problems...)
}
