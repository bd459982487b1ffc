package mpfs

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// whole fills the fields that CMS's file always has and the house leaves empty.
func whole(s *Schedule) *Schedule {
	for _, r := range s.rows {
		for _, i := range []*Indicator{&r.PCTC, &r.MultipleProcedure, &r.Bilateral, &r.Assistant, &r.CoSurgeon, &r.Team} {
			if *i == 0 {
				*i = '9'
			}
		}
		if r.Global == "" {
			r.Global = "XXX"
		}
		if r.ImagingFamily == "" {
			r.ImagingFamily = "99"
		}
	}
	return s
}

func editionText(t testing.TB, e *Edition) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# a comment, which readers pass over\n")
	if err := e.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func houseEdition() *Edition {
	return &Edition{whole(house()), LocalityID{"01112", "05"}, Weights{1088, 1419, 445}, 110_00}
}

// An edition reads back as what was written, and every session comes to the same.
func TestEditionReadsBack(t *testing.T) {
	e := houseEdition()
	text := editionText(t, e)
	got, err := ReadEdition("fees.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, e) {
		t.Errorf("got %+v, want %+v", got, e)
	}
	if !IsEdition([]byte(text)) || IsEdition([]byte("# countersign/fee-rules/1\ncode,modifier,place_class,amount\n")) {
		t.Error("which files are editions with payment rules")
	}
	lines := []Billed{bill(1, "E0001"), bill(2, "S0001", "50"), bill(3, "I0002"), bill(4, "I0001"), bill(5, "T0001")}
	p := in2025(t)
	if a, b := got.Schedule.Session(p, got.Weights, lines), e.Schedule.Session(p, e.Weights, lines); !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v, want %+v", a, b)
	}
}

func TestEditionRefused(t *testing.T) {
	text := editionText(t, houseEdition())
	for _, tt := range []struct{ old, new, want string }{
		{"countersign/fee-rules/1", "countersign/fee-rules/2", "want the heading countersign/fee-rules/1"},
		{"01112-05", "1112-5", "line 3 column 2: locality"},
		{"1.419", "0.000", "line 3 column 17"},
		{"110%", "110", "line 3 column 29: rate"},
		{"code,modifier", "code,mod", "want the heading code,modifier"},
		{"S0001,,A", "S0001,,Q", `status "Q" is not known`},
		{"S0002,,A", "S0001,,A", "S0001 is there twice"},
		{"E0001,,A,,0.00,25.00", "E0001,,A,,0.00,25.01", "but its row comes to"},
		{",3,0,1,0,0,E0000", ",3,0,1,0,0,", "indicator 3 has one"},
	} {
		changed := strings.Replace(text, tt.old, tt.new, 1)
		if changed == text {
			t.Errorf("%q is not in the file", tt.old)
			continue
		}
		if _, err := ReadEdition("fees.csv", strings.NewReader(changed)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.new, err, tt.want)
		}
	}
	if _, err := ReadEdition("fees.csv", strings.NewReader(text[:strings.Index(text, "C0001")])); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Errorf("no rows: %v", err)
	}
	if _, err := ReadEdition("fees.csv", strings.NewReader("countersign/fee-rules/1")); err == nil {
		t.Error("a file that ends in its heading was read")
	}
}

// TestEditionOfTheYear writes and reads CMS's own schedule.
func TestEditionOfTheYear(t *testing.T) {
	s, localities := year2025(t)
	l := localities[LocalityID{"01112", "05"}]
	text := editionText(t, &Edition{s, l.ID, l.Weights, 100_00})
	got, err := ReadEdition("fees.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Schedule.rows) != len(s.rows) || len(text) > 8<<20 {
		t.Errorf("%d rows of %d, %d bytes", len(got.Schedule.rows), len(s.rows), len(text))
	}
	for key, row := range s.rows {
		if a, b := row.Price(l.Weights).Payable(), got.Schedule.rows[key].Price(got.Weights).Payable(); a != b {
			t.Fatalf("%s: %v and %v", row.Name(), a, b)
		}
	}
	t.Logf("%d rows, %d bytes", len(s.rows), len(text))
}

func FuzzReadEdition(f *testing.F) {
	f.Add(editionText(f, houseEdition()))
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ReadEdition("fees.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := e.Write(&b); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadEdition("fees.csv", &b); err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("it does not read back: %v", err)
		}
	})
}
