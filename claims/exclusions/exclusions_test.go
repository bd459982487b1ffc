package exclusions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// head are rows as the OIG published them on 2 August 2026: of businesses, three of
// which have no NPI.
const head = `LASTNAME,FIRSTNAME,MIDNAME,BUSNAME,GENERAL,SPECIALTY,UPIN,NPI,DOB,ADDRESS,CITY,STATE,ZIP,EXCLTYPE,EXCLDATE,REINDATE,WAIVERDATE,WVRSTATE
"","","","#1 MARKETING SERVICE, INC","OTHER BUSINESS","SOBER HOME","","0000000000","","239 BRIGHTON BEACH AVENUE","BROOKLYN","NY","11235","1128a1","20200319","00000000","00000000",""
"","","","1 BEST CARE, INC","OTHER BUSINESS","HOME HEALTH AGENCY","","0000000000","","2161 UNIVERSITY AVENUE W, STE","SAINT PAUL","MN","55114","1128b5","20230518","00000000","00000000",""
"","","","101 FIRST CARE PHARMACY INC","OTHER BUSINESS","PHARMACY","","1972902351","","C/O 609 W 191ST STREET, APT D","NEW YORK","NY","10040","1128b8","20220320","00000000","00000000",""
"","","","14 LAWRENCE AVE PHARMACY","PHARMACY","","","0000000000","","14 LAWRENCE AVENUE","SMITHTOWN","NY","11787","1128a1","19880830","00000000","00000000",""
`

// row is one of the OIG's about a person; the name must never come out again.
func row(npi, kind, from, until, waiver, state string) string {
	return fmt.Sprintf("CANARY,CANARY,C,,PHYSICIAN,CANARY,,%s,19700101,1 CANARY ST,CANARY,CA,90001,%s,%s,%s,%s,%s\n", npi, kind, from, until, waiver, state)
}

func read(t *testing.T, text string) *Read {
	t.Helper()
	got, err := ReadLEIE("UPDATED.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadLEIE(t *testing.T) {
	got := read(t, "\ufeff"+head+row("1003000126", "1128a1", "20200101", "20230704", "20210101", "NV"))
	want := []claims.Exclusion{
		{NPI: "1972902351", Kind: "1128b8", From: "2022-03-20"},
		{NPI: "1003000126", Kind: "1128a1", From: "2020-01-01", Reinstated: "2023-07-04", Waived: "2021-01-01", WaiverState: "NV"},
	}
	if got.Rows != 5 || got.WithoutNPI != 3 || !slices.Equal(got.Entries, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestReadLEIERefuses: one bad row, and nothing is read; the error has the place and
// nothing of what stands there.
func TestReadLEIERefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "line 1: want the columns",
		strings.Replace(head, "NPI", "N", 1): "line 1: want the columns",
		head + row("1003000127", "1128a1", "20200101", "00000000", "00000000", ""):    "line 6 column 36: want an NPI",
		head + row("100300012", "1128a1", "20200101", "00000000", "00000000", ""):     "line 6 column 36: want an NPI",
		head + row("1003000126", "", "20200101", "00000000", "00000000", ""):          "want the kind of exclusion",
		head + row("1003000126", "1128a1", "00000000", "00000000", "00000000", ""):    "the day of the exclusion is missing",
		head + row("1003000126", "1128a1", "20200230", "00000000", "00000000", ""):    "want a date such as 20260131",
		head + row("1003000126", "1128a1", "20200101", "20191231", "00000000", ""):    "reinstated before they were excluded",
		head + row("1003000126", "1128a1", "20200101", "00000000", "20210101", ""):    "a waiver with its day and its state",
		head + row("1003000126", "1128a1", "20200101", "00000000", "00000000", "NV"):  "a waiver with its day and its state",
		head + row("1003000126", "1128a1", "20200101", "00000000", "20210101", "Nev"): "two letters",
		head + "a,b\n":     "line 6 column 1: 2 columns; want 18",
		head + "\"CANARY,": "UPDATED.csv line",
	} {
		_, err := ReadLEIE("UPDATED.csv", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := ReadLEIE("UPDATED.csv", strings.NewReader(head+strings.Repeat("a,b\n", 200))); strings.Count(err.Error(), "\n") != maxProblems-1 {
		t.Errorf("%d problems are listed, want %d", strings.Count(err.Error(), "\n")+1, maxProblems)
	}
}

// TestMake: a list has numbers, kinds and days, and is read as it was written.
func TestMake(t *testing.T) {
	m, err := Make("oig-leie", "2026-08", "2026-08-10", nil, read(t, head+row("1003000126", "1128a1", "20200101", "00000000", "00000000", "")))
	if err != nil {
		t.Fatal(err)
	}
	const want = `countersign/exclusions/1,oig-leie,2026-08,2026-08-10
npi,kind,excluded,reinstated,waiver,waiver_state
1003000126,1128a1,2020-01-01,,,
1972902351,1128b8,2022-03-20,,,
`
	if got := string(m.Encode()); got != want {
		t.Errorf("got\n%s", got)
	}
	l, err := Parse([]byte(want))
	if err != nil || l.Ref() != m.Ref() || l.AsOf != "2026-08-10" || len(l.Of("1003000126")) != 1 || l.Of("1003000134") != nil && len(l.Of("1003000134")) != 0 {
		t.Errorf("got %+v, %v", l, err)
	}
	for name, text := range map[string]string{
		"an earlier one behind a later": strings.Replace(want, "1003000126", "1992999825", 1),
		"twice":                         want + "1972902351,1128b8,2022-03-20,,,\n",
		"no end of line":                strings.TrimSuffix(want, "\n"),
		"quotes":                        strings.Replace(want, "1128b8", `"1128b8"`, 1),
		"another schema":                strings.Replace(want, "exclusions/1", "exclusions/2", 1),
		"no day":                        strings.Replace(want, "2026-08-10", "", 1),
		"a name with a slash":           strings.Replace(want, "oig-leie", "../x", 1),
		"another header":                strings.Replace(want, "waiver_state", "state", 1),
		"a column more":                 want + "1972902351,1128b8,2024-03-20,,,,\n",
		"a bad day":                     want + "1972902351,1128b8,2024-03-40,,,\n",
		"a bad number":                  want + "1972902352,1128b8,2024-03-20,,,\n",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "exclusions.csv") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestMakeFollows: who is gone from the OIG's file was excluded all the same before,
// until the day that a supplement says, else until the day of the new list.
func TestMakeFollows(t *testing.T) {
	first, err := Make("oig-leie", "2026-08", "2026-08-10", nil, read(t, head+row("1003000126", "1128a1", "20200101", "00000000", "00000000", "")+
		row("1003000134", "1128a1", "20200101", "00000000", "00000000", "")+row("1003000142", "1128a1", "20200101", "00000000", "00000000", "")))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Make("oig-leie", "2026-09", "2026-09-10", &first.List,
		read(t, head+row("1003000142", "1128a1", "20200101", "00000000", "00000000", "")),
		read(t, head[:strings.Index(head, "\n")+1]+row("1003000134", "1128a1", "20200101", "20260820", "00000000", "")))
	if err != nil || second.Carried != 1 {
		t.Fatalf("%+v, %v", second, err)
	}
	want := "1003000126,1128a1,2020-01-01,2026-09-10,,\n1003000134,1128a1,2020-01-01,2026-08-20,,\n1003000142,1128a1,2020-01-01,,,\n1972902351,1128b8,2022-03-20,,,\n"
	if got := string(second.Encode()); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
	// A month later the two stay as they are.
	third, err := Make("oig-leie", "2026-10", "2026-10-10", &second.List, read(t, head+row("1003000142", "1128a1", "20200101", "00000000", "00000000", "")))
	if err != nil || third.Carried != 2 || !strings.HasSuffix(string(third.Encode()), want) {
		t.Errorf("got\n%s, %v", third.Encode(), err)
	}
	if _, err := Make("oig-leie", "2026-07", "2026-07-10", &first.List); err == nil {
		t.Error("a list before a later one")
	}
	if _, err := Make("sam", "2026-09", "2026-09-10", &first.List); err == nil {
		t.Error("a list behind one of another name")
	}
	two := row("1003000126", "1128a1", "20200101", "20260820", "00000000", "") + row("1003000126", "1128a1", "20200101", "20260821", "00000000", "")
	if _, err := Make("oig-leie", "2026-09", "2026-09-10", nil, read(t, head+two)); err == nil {
		t.Error("two ends of one exclusion")
	}
}

func TestChanges(t *testing.T) {
	list := func(entries ...claims.Exclusion) *List { return &List{Entries: entries} }
	x := func(from, until credentials.Date) claims.Exclusion {
		return claims.Exclusion{NPI: "1003000126", Kind: "1128a1", From: from, Reinstated: until}
	}
	waived := func(day credentials.Date) claims.Exclusion {
		e := x("2020-01-01", "")
		e.Waived, e.WaiverState = day, "NV"
		return e
	}
	for _, tt := range []struct {
		name          string
		before, after *List
		want          string
	}{
		{"the same", list(x("2020-01-01", "")), list(x("2020-01-01", "")), "[]"},
		{"new", list(), list(x("2020-01-01", "")), "[{1003000126 2020-01-01 }]"},
		{"new and over", list(), list(x("2020-01-01", "2020-02-01")), "[{1003000126 2020-01-01 2020-01-31}]"},
		{"gone", list(x("2020-01-01", "")), list(), "[{1003000126 2020-01-01 }]"},
		{"reinstated", list(x("2020-01-01", "")), list(x("2020-01-01", "2026-08-20")), "[{1003000126 2026-08-20 }]"},
		{"not any more", list(x("2020-01-01", "2026-08-20")), list(x("2020-01-01", "")), "[{1003000126 2026-08-20 }]"},
		{"on an earlier day", list(x("2020-01-01", "2026-08-20")), list(x("2020-01-01", "2026-08-10")), "[{1003000126 2026-08-10 2026-08-19}]"},
		{"waived", list(x("2020-01-01", "")), list(waived("2021-01-01")), "[{1003000126 2020-01-01 }]"},
	} {
		if got := fmt.Sprint(tt.after.Changes(tt.before)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestFacts: everybody on the claim is looked up, and all that the list says of them.
func TestFacts(t *testing.T) {
	m, err := Make("oig-leie", "2026-08", "2026-08-10", nil, read(t, head+row("1003000134", "1128a1", "20200101", "20210101", "00000000", "")+
		row("1003000134", "1128a1", "20220101", "00000000", "00000000", "")))
	if err != nil {
		t.Fatal(err)
	}
	c := &claims.Claim{Billing: claims.Provider{NPI: "1972902351", Organization: true}, Lines: []claims.Line{{Number: 1}}}
	e := &claims.Evidence{Lines: []claims.LineFact{{Line: 1, Standing: claims.StandingFact{NPI: "1003000134"}}}}
	f := m.Facts(c, e, "2026-09-01")
	if !slices.Equal(f.NPIs, []credentials.NPI{"1003000134", "1972902351"}) || len(f.Listed) != 3 || *f.List != m.Ref() || f.AsOf != "2026-08-10" || f.On != "2026-09-01" {
		t.Errorf("got %+v", f)
	}
	if f = (*List)(nil).Facts(c, e, "2026-09-01"); f.List != nil || len(f.NPIs) != 2 || f.Listed != nil {
		t.Errorf("without a list: got %+v", f)
	}
}

// TestEveryNPI reads a list of all numbers that the OIG had on record, where they are
// at hand, and finds each.
func TestEveryNPI(t *testing.T) {
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the public sample files are not read")
	}
	file, err := os.ReadFile(filepath.Join(root, "oig/oig_exclusions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		NPIs []credentials.NPI `json:"excluded_npis"`
	}
	if err := json.Unmarshal(file, &all); err != nil || len(all.NPIs) < 8000 {
		t.Fatalf("%d numbers, %v", len(all.NPIs), err)
	}
	var rows strings.Builder
	rows.WriteString(head)
	for _, npi := range all.NPIs {
		rows.WriteString(row(string(npi), "1128a1", "20200101", "00000000", "00000000", ""))
	}
	m, err := Make("oig-leie", "2026-08", "2026-08-10", nil, read(t, rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	l, err := Parse(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries in %d bytes, parsed in %s", len(l.Entries), len(m.Encode()), time.Since(start))
	for _, npi := range all.NPIs {
		if len(l.Of(npi)) == 0 {
			t.Errorf("%s is not found", npi)
		}
	}
}
