package claims

import (
	"reflect"
	"strings"
	"testing"
)

const membersHead = "member_id,family,subscriber_id,last,first,birth,coverage_from,coverage_until\n"

func TestParseMembers(t *testing.T) {
	got, err := ParseMembers([]byte("\ufeff" + membersHead + "M-2,F,M-1,DOE,LEIF,2014-06-09,2026-01-01,2026-06-30\n\"M-1\",F,M-1,DOE,INGRID,1984-03-17,2026-01-01,\n"))
	want := []Member{
		{"M-2", "M-1", "DOE", "LEIF", "2014-06-09", "2026-01-01", "2026-06-30"},
		{"M-1", "M-1", "DOE", "INGRID", "1984-03-17", "2026-01-01", ""},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// What is refused is named by its place, never by what stands there.
func TestBadMembers(t *testing.T) {
	const good = "M-1,F,M-1,SECRET,SECRET,1984-03-17,2026-01-01,\n"
	for _, x := range []struct{ file, want string }{
		{"", "members.csv line 1: the file is empty"},
		{membersHead, "it names no member"},
		{strings.Replace(membersHead, "birth", "born", 1) + good, "members.csv line 1: the column birth is missing"},
		{membersHead + good + "M-2,F,M-1,SECRET,,1984-03-17,2026-01-01,\n", "members.csv line 3 column 18: first: is missing"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,SECRET,2026-01-01,\n", "members.csv line 2 column 25: birth: want a date"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,1984-03-17,2026-13-01,\n", "members.csv line 2 column 36: coverage_from: want a date"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,1984-03-17,2026-02-01,2026-01-31\n", "members.csv line 2 column 47: coverage_until: lies before coverage_from"},
		{membersHead + good + "SECRET,F\n", "members.csv line 3 column 1: wrong number of fields"},
		{membersHead + "\xff", "not UTF-8"},
		{strings.Repeat("x", maxFile+1), "larger than"},
	} {
		_, err := ParseMembers([]byte(x.file))
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("got %v, want %q", err, x.want)
		}
	}
}

func TestParseCoverage(t *testing.T) {
	const head = "member_id,first,birth,coverage_from,coverage_until\n"
	got, err := ParseCoverage([]byte(head + "M-1,INGRID,1984-03-17,2026-01-01,2026-06-30\nM-1,INGRID,1984-03-17,2026-09-01,\n"))
	want := []CoverageSpan{{2, "M-1", "INGRID", "1984-03-17", "2026-01-01", "2026-06-30"}, {3, "M-1", "INGRID", "1984-03-17", "2026-09-01", ""}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, x := range []struct{ file, want string }{
		{head, "it names no member"},
		{"member_id,first\n", "coverage.csv line 1: the column birth is missing"},
		{head + ",SECRET,1984-03-17,2026-01-01,\n", "coverage.csv line 2 column 1: member_id: is missing"},
		{head + "M-1,SECRET,1984-03-17,SECRET,\n", "coverage.csv line 2 column 23: coverage_from: want a date"},
		{head + "M-1,SECRET,1984-03-17,2026-01-01,2025-12-31\n", "coverage.csv line 2 column 34: coverage_until: lies before"},
	} {
		if _, err := ParseCoverage([]byte(x.file)); err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("got %v, want %q", err, x.want)
		}
	}
}

func TestParseProviders(t *testing.T) {
	const head = "billing_npi,npi,network,from,until\n"
	got, err := ParseProviders([]byte(head + "2999001003,2999002019,PPO,2026-01-01,\n2999001003,2999002183,,2026-01-01,2026-06-30\n"))
	want := []RosterEntry{{"2999001003", "2999002019", "PPO", "2026-01-01", ""}, {"2999001003", "2999002183", "", "2026-01-01", "2026-06-30"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	good := "2999001003,2999002019,PPO,2026-01-01,\n"
	for _, x := range []struct{ file, want string }{
		{head, "it names no provider"},
		{head + "2999001004,2999002019,PPO,2026-01-01,\n", "providers.csv line 2 column 1: billing_npi: want an NPI"},
		{head + "2999001003,29990020199,PPO,2026-01-01,\n", "providers.csv line 2 column 12: npi: want an NPI"},
		{head + "2999001003,2999002019,PPO,,\n", "providers.csv line 2 column 27: from: want a date"},
		{head + "2999001003,2999002019,PPO,2026-01-01,2025-01-01\n", "providers.csv line 2 column 38: until: lies before from"},
		{head + good + good, "providers.csv line 3 column 12: npi: stands in line 2"},
		{head + "2999001003,2999002019," + strings.Repeat("N", 51) + ",2026-01-01,\n", "column 23: network: want at most"},
	} {
		if _, err := ParseProviders([]byte(x.file)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("got %v, want %q", err, x.want)
		}
	}
	wrong := head + strings.Repeat("x,x,,x,x\n", 1000)
	if _, err := ParseProviders([]byte(wrong)); strings.Count(err.Error(), "\n") > 2*maxRosterProblems {
		t.Errorf("%d lines of problems", strings.Count(err.Error(), "\n"))
	}
}

// FuzzRosters wants every file read or refused, and what is read to be whole.
func FuzzRosters(f *testing.F) {
	f.Add([]byte(membersHead + "M-2,F,M-1,DOE,LEIF,2014-06-09,2026-01-01,2026-06-30\n"))
	f.Add([]byte("member_id,first,birth,coverage_from,coverage_until\nM-1,INGRID,1984-03-17,2026-01-01,\n"))
	f.Add([]byte("billing_npi,npi,network,from,until\n2999001003,2999002019,PPO,2026-01-01,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if all, err := ParseMembers(b); err == nil {
			for _, m := range all {
				if m.MemberID == "" || m.Last == "" || m.Birth == "" || m.From == "" || m.Until != "" && m.Until < m.From {
					t.Errorf("half a member: %+v", m)
				}
			}
		}
		if all, err := ParseCoverage(b); err == nil {
			for _, s := range all {
				if s.MemberID == "" || s.Line < 2 || s.From == "" || s.Until != "" && s.Until < s.From {
					t.Errorf("half a span: %+v", s)
				}
			}
		}
		if all, err := ParseProviders(b); err == nil {
			for _, e := range all {
				if !e.NPI.Valid() || !e.Billing.Valid() || e.From == "" {
					t.Errorf("half a provider: %+v", e)
				}
			}
		}
	})
}
