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

// A Member is a row of a file of members: who is covered, and on which dates.
type Member struct {
	MemberID    string
	Subscriber  string // member id of the subscriber: the family
	Last, First string
	Birth       credentials.Date
	From        credentials.Date
	Until       credentials.Date // included; empty where the end is open
}

// memberColumns have to be in the file; others (such as the relationship) may
// be, and are not read.
var memberColumns = []string{"member_id", "subscriber_id", "last", "first", "birth", "coverage_from", "coverage_until"}

// ParseMembers reads a CSV file of members. The error has a line for each
// problem and repeats nothing of what stands there, since it is about people.
func ParseMembers(file []byte) (members []Member, err error) {
	switch {
	case len(file) > maxFile:
		return nil, fmt.Errorf("members.csv: larger than %d bytes", maxFile)
	case !utf8.Valid(file):
		return nil, errors.New("members.csv: not UTF-8 text; save it as CSV UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("members.csv line 1: the file is empty or no CSV; want a header with %q", memberColumns)
	}
	for _, name := range memberColumns {
		if !slices.Contains(head, name) {
			return nil, fmt.Errorf("members.csv line 1: the column %s is missing", name)
		}
	}
	var problems []error
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, errors.Join(append(problems, fmt.Errorf("members.csv line %d column %d: %w", bad.Line, bad.Column, bad.Err))...)
		} else if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		m, err := memberOf(func(name string) string { return row[slices.Index(head, name)] })
		if err != nil {
			problems = append(problems, fmt.Errorf("members.csv line %d: %w", line, err))
		}
		members = append(members, m)
	}
	if len(members) == 0 {
		problems = append(problems, errors.New("members.csv: it names no member"))
	}
	return members, errors.Join(problems...)
}

func memberOf(field func(name string) string) (m Member, err error) {
	m = Member{MemberID: field("member_id"), Subscriber: field("subscriber_id"), Last: field("last"), First: field("first"),
		Birth: credentials.Date(field("birth")), From: credentials.Date(field("coverage_from")), Until: credentials.Date(field("coverage_until"))}
	for _, name := range []string{"member_id", "subscriber_id", "last", "first"} {
		if field(name) == "" {
			return m, fmt.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"birth", "coverage_from", "coverage_until"} {
		if _, err := credentials.ParseDate(field(name)); err != nil && !(name == "coverage_until" && field(name) == "") {
			return m, fmt.Errorf("%s: want a date such as 2026-01-31", name)
		}
	}
	if m.Until != "" && m.Until < m.From {
		return m, errors.New("coverage_until lies before coverage_from")
	}
	return m, nil
}
