package codelist

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestSourceOf holds the days of which a file speaks to its name.
func TestSourceOf(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"icd10cm_order_2026.txt", "icd-10-cm 2026 2025-10-01 2026-09-30"},
		{"icd10cm-order-April-2026.txt", "icd-10-cm 2026-04 2026-04-01 2026-09-30"},
		{"icd10pcs_order_2026.txt", "icd-10-pcs 2026 2025-10-01 2026-09-30"},
		{"HCPC2026_JAN_ANWEB.txt", "hcpcs 2026-01 2026-01-01 2026-03-31"},
		{"HCPC2026_APR_ANWEB_v2.txt", "hcpcs 2026-04 2026-04-01 2026-06-30"},
		{"HCPC2026_JUL_ANWEB_06172026.txt", "hcpcs 2026-07 2026-07-01 2026-09-30"},
		{"hcpc2026_oct_anweb.TXT", "hcpcs 2026-10 2026-10-01 2026-12-31"},
		{"PPRRVU2025_Oct.csv", "cpt 2025-10 2025-10-01 2025-12-31"},
		{"nucc_taxonomy_260.csv", "taxonomy 26.0 2026-01-01 2026-06-30"},
		{"nucc_taxonomy_261.csv", "taxonomy 26.1 2026-07-01 2026-12-31"},
		{"icd10cm_order_addenda_2026.txt", ""},
		{"icd10cm_codes_2026.txt", ""},
		{"HCPC2026_MAY_ANWEB.txt", ""},
		{"HCPC2026_JUL_TRANS_ALL.txt", ""},
		{"nucc_taxonomy_262.csv", ""},
		{"fees.csv", ""},
	} {
		s, known := SourceOf(tt.name)
		got := strings.TrimSpace(fmt.Sprint(s.Kind, " ", s.Edition, " ", s.From, " ", s.Until))
		if got != tt.want || known != (tt.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, known, tt.want)
		}
	}
}

// badFiles have one thing wrong each, and the line says where.
var badFiles = []struct{ name, content, want string }{
	{"icd10cm_order_2026.txt", "", "the list has no codes"},
	{"icd10cm_order_2026.txt", "00001 A000    1\r\n00002 A001 1\r\n", "line 2: want an order file's line"},
	{"icd10cm_order_2026.txt", order("A000 2"), `line 1: column 15 is "2"`},
	{"icd10cm_order_2026.txt", order("A00.0 1"), `line 1: "A00.0" does not have the form`},
	{"icd10cm_order_2026.txt", order("a000 1"), `line 1: "a000" does not have the form`},
	{"icd10cm_order_2026.txt", order("A000 1", "A001 1", "A000 1"), "code A000 is there twice for the same day"},
	{"icd10cm_order_2026.txt", order("0SR90JZ 1"), `line 1: "0SR90JZ" does not have the form`},
	{"icd10pcs_order_2026.txt", order("0SR90J 1"), `line 1: "0SR90J" does not have the form`},
	{"icd10pcs_order_2026.txt", order("0SR 0"), "the list has no codes"},
	{"icd10cm_order_2026.txt", strings.Repeat("x", 100_000), "token too long"},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A0001", "20240101", "")[:270] + "\r\n", "line 1: want a record"},
	{"HCPC2026_JAN_ANWEB.txt", strings.TrimSpace(hcpcs("3", "A0001", "20240101", "")), "line 1: the last line has no end: the file may be cut"},
	{"icd10cm_order_2026.txt", order("A000 1", "A001 1")[:120], "line 2: the last line has no end: the file may be cut"},
	{"nucc_taxonomy_260.csv", "Code,Name,Notes\n207Q00000X,a,b\n208D00000X,a", "line 3"}, // cut too
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("9", "A0001", "20240101", ""), "line 1: want a record"},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A0001", "20240199", ""), `line 1: columns 269 to 276: "20240199" is no day`},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A0001", "20240101", "2025"), `line 1: columns 285 to 292: "2025" is no day`},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A0001", "20240101", "20231231"), "line 1: A0001 ends before it begins"},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A001", "20240101", ""), `line 1: "A001" does not have the form`},
	{"HCPC2026_JAN_ANWEB.txt", hcpcs("3", "A0001", "20240101", ""), "the list has no codes"}, // of modifiers
	{"nucc_taxonomy_260.csv", "Grouping,Code\n", "line 1: want the headings"},
	{"nucc_taxonomy_260.csv", "", "line 1: want the headings"},
	{"nucc_taxonomy_260.csv", "Code,Notes\n207Q00000,x\n", `line 2 column 1: "207Q00000" does not have the form`},
	{"nucc_taxonomy_260.csv", "Code,Notes\n207Q00000X,13/1/2025: marked inactive\n", `line 2 column 12: "13/1/2025" is no day`},
	{"PPRRVU2025_Oct.csv", "a,b\n", "no column headings"},
}

func TestBadFiles(t *testing.T) {
	for _, tt := range badFiles {
		s, _ := SourceOf(tt.name)
		lists, err := s.Read(tt.name, strings.NewReader(tt.content))
		if err == nil || lists != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), tt.name) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

const editionStart = "countersign/codes/1,kind,edition,from,until\n"

var badEditions = []struct{ content, want string }{
	{"", "ends before its heading does"},
	{editionStart, "ends before its heading does"},
	{"code,from,until\n", "want the heading countersign/codes/1"},
	{editionStart + ",snomed,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000\n", `no list of the kind "snomed"`},
	{editionStart + ",icd-10-cm,../x,2025-01-01,2025-12-31\ncode,from,until,heading\nA000\n", "want the edition's name of letters"},
	{editionStart + ",icd-10-cm,1,2025-12-31,2025-01-01\ncode,from,until,heading\nA000\n", "want the first and the last day"},
	{editionStart + ",icd-10-cm,1,2025-12-31,\ncode,from,until,heading\nA000\n", "want the first and the last day"},
	{editionStart + "icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000\n", "want a record of 5 columns"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until\nA000\n", "want the heading code,from,until,heading"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\n", "the list has no codes"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000,,,,Cholera\n", "line 4 column 9: 5 columns; want at most 4"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000,,,header\n", `"header": want heading, or nothing`},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000,2025-02-01,2025-01-31\n", "it ends before it begins"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\nA000,,2025-01-31\nA000,2025-01-31\n", "A000 is there twice for the same day"},
	{editionStart + ",icd-10-cm,1,2025-01-01,2025-12-31\ncode,from,until,heading\n\"A000\n", "extraneous or missing"},
}

func TestBadEditions(t *testing.T) {
	for _, tt := range badEditions {
		if l, err := ReadEdition("codes.csv", strings.NewReader(tt.content)); err == nil || l != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.content, err, tt.want)
		}
	}
	if _, err := ReadPlain("x.csv", claims.KindRevenue, strings.NewReader("code,from,until,words\n0120,,,Room\n")); err == nil {
		t.Error("a column of descriptions was read")
	}
}

// TestWrongThroughout: a file that is no such file is not complained of for ever.
func TestWrongThroughout(t *testing.T) {
	_, err := ReadICD10("x.txt", claims.KindICD10CM, strings.NewReader(strings.Repeat("wrong\n", 10_000)))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxProblems {
		t.Errorf("got %d lines, want %d", n, maxProblems)
	}
}

// aYear is a list as long as CMS's, made up.
func aYear(n int) *bytes.Reader {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%05d %c%02d%03d  %d %-60s %s\n", i%100_000, 'A'+i/26%26, i%100, i/676, min(i%4, 1), "short", "long")
	}
	return bytes.NewReader(b.Bytes())
}

// TestLong: a year of ICD-10-CM is asked without a byte of memory more, and lies in
// ten bytes a code.
func TestLong(t *testing.T) {
	rows, err := ReadICD10("x.txt", claims.KindICD10CM, aYear(74_000))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	unique := rows[:0]
	for _, r := range rows {
		if !seen[r.Code] {
			seen[r.Code] = true
			unique = append(unique, r)
		}
	}
	l, err := New(claims.KindICD10CM, "x", "2025-10-01", "2026-09-30", unique)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.days) > 2 || cap(l.codes)*8+cap(l.which)*2 > 10*l.Len()+1000 || l.Len() != len(seen) {
		t.Errorf("%d codes with %d days in %d and %d", l.Len(), len(l.days), cap(l.codes), cap(l.which))
	}
	ls := Together(l)
	for _, r := range unique {
		want := map[bool]claims.CodeState{true: claims.CodeHeading, false: claims.CodeValid}[r.Heading]
		if got := ls.Ask(claims.KindICD10CM, r.Code, "2026-01-01"); got.State != want {
			t.Fatalf("%s: got %v, want %v", r.Code, got.State, want)
		}
	}
	code := unique[len(unique)/2].Code
	if n := testing.AllocsPerRun(100, func() { ls.Ask(claims.KindICD10CM, code, "2026-01-01") }); n > 0 {
		t.Errorf("%v allocations to ask once", n)
	}
}

// TestPublished reads Medicare's file of October 2025 as it was published.
func TestPublished(t *testing.T) {
	corpus := os.Getenv("COUNTERSIGN_CORPUS")
	if corpus == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set")
	}
	name := "PPRRVU2025_Oct.nodesc.csv"
	f, err := os.Open(filepath.Join(corpus, "mpfs-2025", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, _ := SourceOf(name)
	lists, err := s.Read(name, f)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]claims.CodeState{"99213": claims.CodeValid, "80053": claims.CodeValid, "90658": claims.CodeValid, "00142": claims.CodeValid, "99201": claims.CodeUnknown} {
		if got := lists[0].Ask(code, "2025-12-31"); got.State != want {
			t.Errorf("%s: got %v, want %v", code, got.State, want)
		}
	}
	t.Logf("%d codes", lists[0].Len())
}

func FuzzRead(f *testing.F) {
	for i, tt := range badFiles {
		f.Add(i%8, []byte(tt.content))
	}
	for _, tt := range badEditions {
		f.Add(7, []byte(tt.content))
	}
	f.Add(0, []byte(order("A00 0", "A000 1")))
	f.Add(2, []byte(hcpcs("3", "J0120", "19820101", "20250101")+hcpcs("7", "RT", "19820101", "")))
	f.Add(3, []byte("Code,Notes\n207Q00000X,[1/1/2025: marked inactive]\n"))
	f.Add(4, []byte("code,from,until\n0120,2025-01-01,\n"))
	f.Fuzz(func(t *testing.T, which int, content []byte) {
		names := []string{"icd10cm_order_2026.txt", "icd10pcs_order_2026.txt", "HCPC2026_JAN_ANWEB.txt", "nucc_taxonomy_260.csv", "revenue.csv", "place.csv", "PPRRVU2025_Oct.csv"}
		var lists []*List
		var err error
		if which = which & 7; which == 7 {
			var l *List
			l, err = ReadEdition("codes.csv", bytes.NewReader(content))
			lists = []*List{l}
		} else {
			s, known := SourceOf(names[which])
			if !known {
				s = Source{Kind: claims.CodeKind(strings.TrimSuffix(names[which], ".csv")), Edition: "x", From: "2026-01-01", Until: "2026-12-31"}
			}
			lists, err = s.Read(names[which], bytes.NewReader(content))
		}
		if err != nil {
			return
		}
		for _, l := range lists {
			var b, again bytes.Buffer
			if err := l.Write(&b); err != nil {
				t.Fatal(err)
			}
			l2, err := ReadEdition("codes.csv", bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatalf("what was read cannot be read again: %v\n%s", err, b.String())
			}
			if err := l2.Write(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Fatalf("%v: %q, then %q", err, b.String(), again.String())
			}
			for i, n := range l.codes {
				code := unpack(n)
				if pack(code) != n || i > 0 && l.codes[i-1] > n {
					t.Fatalf("%q at %d", code, i)
				}
				for _, day := range []credentials.Date{l.From, l.Until} {
					if a, b := l.Ask(code, day), l2.Ask(code, day); a != b || a.State < claims.CodeValid || a.State == claims.CodeUnknown {
						t.Fatalf("%s on %s: %+v, %+v", code, day, a, b)
					}
				}
			}
		}
	})
}
