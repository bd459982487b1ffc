package exclusions

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// leieColumns are the OIG's, in UPDATED.csv and in the monthly supplements of
// exclusions and reinstatements alike (oig.hhs.gov/exclusions, record layout).
var leieColumns = strings.Split("LASTNAME,FIRSTNAME,MIDNAME,BUSNAME,GENERAL,SPECIALTY,UPIN,NPI,DOB,ADDRESS,CITY,STATE,ZIP,EXCLTYPE,EXCLDATE,REINDATE,WAIVERDATE,WVRSTATE", ",")

// Places of what is read of a row. Nothing else is looked at.
const (
	leieNPI, leieKind, leieExcluded, leieReinstated, leieWaiver, leieState = 7, 13, 14, 15, 16, 17

	noNPI  = "0000000000"
	noDate = "00000000"
)

// Read is what a file of the OIG's came to.
type Read struct {
	Rows       int // all
	WithoutNPI int // which nobody can be found by
	Entries    []claims.Exclusion
}

// ReadLEIE reads one of the OIG's files under the name by which errors call it. One
// bad row, and nothing of the file is read: a list that lacks somebody pays them.
func ReadLEIE(name string, file io.Reader) (*Read, error) {
	in := bufio.NewReader(file)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	r := &reader{name: name, csv: csv.NewReader(in)}
	r.csv.ReuseRecord = true
	if head, err := r.next(); err != nil || !slices.EqualFunc(head, leieColumns, func(a, b string) bool { return strings.TrimSpace(a) == b }) {
		return nil, fmt.Errorf("%s line 1: want the columns of the OIG's list of excluded individuals and entities: %s", name, strings.Join(leieColumns, ","))
	}
	out := &Read{}
	if err := r.each(func(row []string) { out.row(r, row) }); err != nil {
		return nil, err
	}
	return out, nil
}

func (out *Read) row(r *reader, row []string) {
	if len(row) != len(leieColumns) {
		r.problem(0, "%d columns; want %d", len(row), len(leieColumns))
		return
	}
	text := func(i int) string { return strings.TrimSpace(row[i]) }
	out.Rows++
	if npi := text(leieNPI); npi == noNPI || npi == "" {
		out.WithoutNPI++
		return
	}
	x := claims.Exclusion{
		NPI: r.npi(leieNPI, strings.Clone(text(leieNPI))), Kind: r.kind(leieKind, strings.Clone(text(leieKind))),
		From: r.leieDay(leieExcluded, text(leieExcluded)), Reinstated: r.leieDay(leieReinstated, text(leieReinstated)),
		Waived: r.leieDay(leieWaiver, text(leieWaiver)), WaiverState: strings.Clone(text(leieState)),
	}
	if v := text(leieExcluded); v == noDate || v == "" {
		r.problem(leieExcluded, "the day of the exclusion is missing")
	}
	r.consistent(&x, leieReinstated, leieState)
	out.Entries = append(out.Entries, x)
}

// leieDay reads YYYYMMDD; nought is none.
func (r *reader) leieDay(field int, v string) credentials.Date {
	if v == noDate || v == "" {
		return ""
	}
	if len(v) == 8 {
		if d, err := credentials.ParseDate(v[:4] + "-" + v[4:6] + "-" + v[6:]); err == nil {
			return d
		}
	}
	r.problem(field, "want a date such as 20260131, or 00000000 for none")
	return ""
}

// A Made is a list with what it was made of.
type Made struct {
	List
	Rows, WithoutNPI int
	// Carried are entries of the list before that the files have no more: their
	// exclusion ended at some time in between, and their days before count still.
	Carried int
}

// Make puts the list of a day together from the OIG's files: UPDATED.csv, which has
// whoever is excluded today, and any supplements of reinstatements, which say when an
// exclusion ended. Who is gone from the files without a word stays with the day of
// the new list as the end: earlier days may not be paid because a list was replaced.
func Make(name, edition string, asOf credentials.Date, before *List, files ...*Read) (*Made, error) {
	m := &Made{List: List{Name: name, Edition: edition, AsOf: asOf}}
	for _, f := range files {
		m.Rows, m.WithoutNPI = m.Rows+f.Rows, m.WithoutNPI+f.WithoutNPI
		m.Entries = append(m.Entries, f.Entries...)
	}
	if before != nil {
		if before.AsOf > asOf || before.Name != name {
			return nil, fmt.Errorf("the list before is %s of %s; want one of %s that is no later than %s", before.Name, before.AsOf, name, asOf)
		}
		m.carry(before)
	}
	slices.SortStableFunc(m.Entries, func(a, b claims.Exclusion) int { return compare(a, b) })
	m.Entries = slices.CompactFunc(m.Entries, func(a, b claims.Exclusion) bool { return a == b })
	if err := m.merge(); err != nil {
		return nil, err
	}
	m.Encode()
	return m, nil
}

func (m *Made) carry(before *List) {
	known := map[claims.Exclusion]bool{}
	for _, x := range m.Entries {
		known[keyOf(x)] = true
	}
	for _, x := range before.Entries {
		if known[keyOf(x)] || x.From >= m.AsOf {
			continue
		}
		if x.Reinstated == "" {
			x.Reinstated = m.AsOf
		}
		m.Carried++
		m.Entries = append(m.Entries, x)
	}
}

func keyOf(x claims.Exclusion) claims.Exclusion {
	return claims.Exclusion{NPI: x.NPI, Kind: x.Kind, From: x.From}
}

// merge leaves one of several rows about one exclusion: the one that says more. Two
// that say different things are refused, since either could be the one that is right.
func (m *Made) merge() error {
	var all []claims.Exclusion
	for _, x := range m.Entries {
		n := len(all)
		if n == 0 || keyOf(all[n-1]) != keyOf(x) {
			all = append(all, x)
			continue
		}
		last := &all[n-1]
		for _, two := range [][2]string{{string(last.Reinstated), string(x.Reinstated)}, {string(last.Waived), string(x.Waived)}, {last.WaiverState, x.WaiverState}} {
			if two[0] != "" && two[1] != "" && two[0] != two[1] {
				return fmt.Errorf("the files say two different things of the exclusion of NPI %s from %s on", x.NPI, x.From)
			}
		}
		if x.Reinstated != "" {
			last.Reinstated = x.Reinstated
		}
		if x.Waived != "" {
			last.Waived, last.WaiverState = x.Waived, x.WaiverState
		}
	}
	m.Entries = all
	return nil
}
