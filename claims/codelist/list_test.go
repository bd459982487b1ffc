package codelist

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// order writes lines as CMS's order files have them.
func order(rows ...string) string {
	var b strings.Builder
	for i, r := range rows {
		code, flag, _ := strings.Cut(r, " ")
		fmt.Fprintf(&b, "%05d %-7s %s %-60s %s\r\n", i+1, code, flag, "short words", "long words, as the publisher's")
	}
	return b.String()
}

// hcpcs writes lines of 293 columns as CMS's Alpha-Numeric file has them.
func hcpcs(record, code, added, ended string) string {
	b := bytes.Repeat([]byte(" "), 293)
	if record >= "7" {
		copy(b[3:], code)
	} else {
		copy(b, code)
	}
	copy(b[5:], "00100"+record+"Words with an \xe9 of an old encoding")
	copy(b[268:], added)
	copy(b[276:], added)
	copy(b[284:], ended)
	b[292] = 'N'
	return string(b) + "\r\n"
}

// read reads a file as a house does that has it from its publisher.
func read(t *testing.T, name, content string) []*List {
	t.Helper()
	s, known := SourceOf(name)
	if !known {
		t.Fatalf("%s: nobody's file", name)
	}
	lists, err := s.Read(name, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return lists
}

// published are the lists of the tests: two years of ICD-10-CM with an update of
// April between them, of PCS, HCPCS and taxonomy one each.
func published(t *testing.T) *Lists {
	var all []*List
	for _, f := range [][2]string{
		{"icd10cm_order_2025.txt", order("M54 0", "M545 0", "M5450 1", "O26 0", "O2600 1")},
		{"icd10cm-order-April-2025.txt", order("M54 0", "M545 0", "M5450 1", "U07 0", "U071 1")},
		{"icd10cm_order_2026.txt", order("M54 0", "M545 0", "M5451 1", "O26 0", "O2600 1")},
		{"icd10pcs_order_2025.txt", order("0SR 0", "0SR90JZ 1")},
		{"HCPC2025_OCT_ANWEB_10012025.txt", hcpcs("3", "J0120", "19820101", "") + hcpcs("4", "J0120", "", "") + hcpcs("3", "G0001", "19870101", "20251114") +
			hcpcs("3", "A2099", "20251101", "") + hcpcs("7", "RT", "19870101", "") + hcpcs("8", "RT", "", "")},
		{"nucc_taxonomy_251.csv", "\ufeffCode,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n" +
			"207Q00000X,G,C,,\"Words, of theirs\",\"Source: [1/1/2003: new]\",D,Individual\r\n103GC0700X,G,C,S,,\"[9/1/2025: marked inactive, use  103G00000X]\",D,Individual\r\n"},
	} {
		all = append(all, read(t, f[0], f[1])...)
	}
	return Together(all...)
}

var askTests = []struct {
	kind claims.CodeKind
	code string
	day  credentials.Date
	want string
}{
	{claims.KindICD10CM, "M5450", "2024-09-30", "not covered"},
	{claims.KindICD10CM, "M5450", "2024-10-01", "valid in icd-10-cm 2025"},
	{claims.KindICD10CM, "M5450", "2025-09-30", "valid in icd-10-cm 2025-04"},
	{claims.KindICD10CM, "M5450", "2025-10-01", "unknown in icd-10-cm 2026"},
	{claims.KindICD10CM, "M5451", "2025-09-30", "unknown in icd-10-cm 2025-04"},
	{claims.KindICD10CM, "M5451", "2025-10-01", "valid in icd-10-cm 2026"},
	{claims.KindICD10CM, "M545", "2025-10-01", "heading in icd-10-cm 2026"},
	{claims.KindICD10CM, "M54", "2025-10-01", "heading in icd-10-cm 2026"},
	{claims.KindICD10CM, "U071", "2025-03-31", "unknown in icd-10-cm 2025"},
	{claims.KindICD10CM, "U071", "2025-04-01", "valid in icd-10-cm 2025-04"},
	{claims.KindICD10CM, "O2600", "2025-04-01", "unknown in icd-10-cm 2025-04"}, // an update has the whole list
	{claims.KindICD10CM, "M54500000000", "2025-04-01", "unknown in icd-10-cm 2025-04"},
	{claims.KindICD10CM, "M545o", "2025-04-01", "unknown in icd-10-cm 2025-04"},
	{claims.KindICD10CM, "", "2025-04-01", "unknown in icd-10-cm 2025-04"},
	{claims.KindICD10PCS, "0SR90JZ", "2025-09-30", "valid in icd-10-pcs 2025"},
	{claims.KindICD10PCS, "0SR", "2025-09-30", "unknown in icd-10-pcs 2025"},
	{claims.KindHCPCS, "J0120", "2025-09-30", "not covered"},
	{claims.KindHCPCS, "J0120", "2025-12-31", "valid in hcpcs 2025-10"},
	{claims.KindHCPCS, "J0120", "2026-01-01", "not covered"},
	{claims.KindHCPCS, "G0001", "2025-11-14", "valid in hcpcs 2025-10"},
	{claims.KindHCPCS, "G0001", "2025-11-15", "ended in hcpcs 2025-10, 2025-11-14"},
	{claims.KindHCPCS, "A2099", "2025-10-31", "early in hcpcs 2025-10, 2025-11-01"},
	{claims.KindHCPCS, "A2099", "2025-11-01", "valid in hcpcs 2025-10"},
	{claims.KindHCPCSModifier, "RT", "2025-11-01", "valid in hcpcs-modifier 2025-10"},
	{claims.KindHCPCSModifier, "ZZ", "2025-11-01", "unknown in hcpcs-modifier 2025-10"},
	{claims.KindTaxonomy, "207Q00000X", "2025-12-31", "valid in taxonomy 25.1"},
	{claims.KindTaxonomy, "103GC0700X", "2025-08-31", "valid in taxonomy 25.1"},
	{claims.KindTaxonomy, "103GC0700X", "2025-09-01", "ended in taxonomy 25.1, 2025-08-31"},
	{claims.KindCPT, "99213", "2025-12-31", "no list"},
}

var stateWords = map[claims.CodeState]string{claims.CodeNoList: "no list", claims.CodeNotCovered: "not covered", claims.CodeValid: "valid",
	claims.CodeUnknown: "unknown", claims.CodeHeading: "heading", claims.CodeEarly: "early", claims.CodeEnded: "ended"}

func words(a claims.CodeAnswer) string {
	s := stateWords[a.State]
	if a.List != "" {
		s += " in " + a.List
	}
	if a.Bound != "" {
		s += ", " + string(a.Bound)
	}
	return s
}

// TestAsk holds each list to the days around which it changes.
func TestAsk(t *testing.T) {
	lists := published(t)
	for _, tt := range askTests {
		if got := words(lists.Ask(tt.kind, tt.code, tt.day)); got != tt.want {
			t.Errorf("%s %s on %s: got %s, want %s", tt.kind, tt.code, tt.day, got, tt.want)
		}
	}
}

// TestAskAgain: a code that ceased and came back has days between.
func TestAskAgain(t *testing.T) {
	l, err := New(claims.KindHCPCS, "x", "2025-01-01", "2025-12-31", []Row{
		{"J0120", "2025-06-01", "", false}, {"J0120", "2024-01-01", "2025-02-28", false}})
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[credentials.Date]string{
		"2025-02-28": "valid in hcpcs x", "2025-03-01": "ended in hcpcs x, 2025-02-28", "2025-06-01": "valid in hcpcs x",
	} {
		if got := words(l.Ask("J0120", day)); got != want {
			t.Errorf("%s: got %s, want %s", day, got, want)
		}
	}
}

// TestCorrected: of two lists that begin on one day, the one whose name sorts last
// speaks, in whatever order they were read.
func TestCorrected(t *testing.T) {
	list := func(edition, code string) *List {
		l, err := New(claims.KindICD10CM, edition, "2025-10-01", "2026-09-30", []Row{{Code: code}})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first, second := list("2026", "M545"), list("2026-b", "M5450")
	for _, ls := range []*Lists{Together(first, second), Together(second, first)} {
		if got := words(ls.Ask(claims.KindICD10CM, "M5450", "2026-01-01")); got != "valid in icd-10-cm 2026-b" {
			t.Errorf("got %s", got)
		}
	}
}

// TestEdition: what is written is read again, the same bytes each time.
func TestEdition(t *testing.T) {
	for _, of := range published(t).of {
		for _, l := range of {
			var first, second bytes.Buffer
			if err := l.Write(&first); err != nil {
				t.Fatal(err)
			}
			if !IsEdition(first.Bytes()) {
				t.Errorf("%s: not seen as an edition", l.Name())
			}
			again, err := ReadEdition("codes.csv", bytes.NewReader(first.Bytes()))
			if err != nil {
				t.Fatalf("%s: %v", l.Name(), err)
			}
			if err := again.Write(&second); err != nil || first.String() != second.String() || again.Name() != l.Name() || again.Len() != l.Len() {
				t.Errorf("%s: %v\n%s\n%s", l.Name(), err, first.String(), second.String())
			}
			if strings.Contains(strings.ToLower(first.String()), "words") {
				t.Errorf("%s: a description was kept: %s", l.Name(), first.String())
			}
		}
	}
}
