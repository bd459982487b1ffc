package mpfs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// house is a schedule of our own at ten dollars a unit, so that amounts can be
// worked in the head: units × 10, all indices 1.
func house() *Schedule {
	s := &Schedule{rows: map[rowKey]*Row{}}
	add := func(code, modifier string, units RVU, r Row) {
		r.Code, r.Modifier, r.Factor = code, modifier, 10_0000
		r.NonFacilityPE, r.FacilityPE = units-r.Work, units-r.Work
		if r.Status == "" {
			r.Status = Active
		}
		s.rows[rowKey{code, modifier}] = &r
	}
	add("V0001", "", 10_00, Row{MultipleProcedure: '0', Bilateral: '0', Assistant: '0', CoSurgeon: '0', Team: '0'})
	add("S0001", "", 80_00, Row{MultipleProcedure: '2', Bilateral: '1', Assistant: '2', CoSurgeon: '2', Team: '1'})
	add("S0002", "", 30_00, Row{MultipleProcedure: '2', Bilateral: '0', Assistant: '1', CoSurgeon: '1', Team: '0'})
	add("E0000", "", 20_00, Row{MultipleProcedure: '2', Bilateral: '0', Assistant: '1', CoSurgeon: '0', Team: '0'})
	add("E0001", "", 25_00, Row{MultipleProcedure: '3', EndoscopicBase: "E0000", Bilateral: '0', Assistant: '1', CoSurgeon: '0', Team: '0'})
	add("E0002", "", 24_00, Row{MultipleProcedure: '3', EndoscopicBase: "E0000", Bilateral: '0', Assistant: '1', CoSurgeon: '0', Team: '0'})
	add("E0009", "", 24_00, Row{MultipleProcedure: '3', EndoscopicBase: "E0008", Bilateral: '0', Assistant: '1', CoSurgeon: '0', Team: '0'})
	image := Row{PCTC: '1', MultipleProcedure: '4', ImagingFamily: "88", Bilateral: '3', Assistant: '9', CoSurgeon: '9', Team: '9'}
	for code, units := range map[string]RVU{"I0001": 30_00, "I0002": 20_00} {
		part := image
		add(code, "", units, part)
		add(code, "26", units/5, part)
		add(code, "TC", units-units/5, part)
	}
	image.ImagingFamily = "99"
	add("I0009", "", 10_00, image)
	image.ImagingFamily = "88"
	capped := image
	capped.Cap = Cap{NonFacilityPE: 10_00, FacilityPE: 10_00}
	add("I0003", "TC", 18_00, capped)
	add("I0003", "26", 2_00, image)
	capped.Cap = Cap{NonFacilityPE: 12_00, FacilityPE: 12_00}
	add("I0003", "", 20_00, capped)
	add("C0001", "", 20_00, Row{PCTC: '4', MultipleProcedure: '6', Bilateral: '0'})
	add("C0004", "", 20_00, Row{PCTC: '1', MultipleProcedure: '6', Bilateral: '0'})
	add("C0004", "26", 4_00, Row{PCTC: '1', MultipleProcedure: '6', Bilateral: '0'})
	add("C0005", "", 20_00, Row{PCTC: '1', MultipleProcedure: '6', Bilateral: '0'})
	add("C0005", "TC", 16_00, Row{PCTC: '1', MultipleProcedure: '6', Bilateral: '0'})
	add("C0002", "", 12_00, Row{PCTC: '3', MultipleProcedure: '6', Bilateral: '0'})
	add("C0003", "", 8_00, Row{PCTC: '3', MultipleProcedure: '6', Bilateral: '0'})
	add("O0001", "", 8_00, Row{PCTC: '3', MultipleProcedure: '7', Bilateral: '0'})
	add("O0002", "", 5_00, Row{PCTC: '3', MultipleProcedure: '7', Bilateral: '0'})
	add("T0001", "", 4_00, Row{Work: 3_00, MultipleProcedure: '5', Bilateral: '0'})
	add("N0001", "", 4_00, Row{Status: CarrierPriced, MultipleProcedure: '0', Bilateral: '0'})
	return s
}

// bill is a line without a limit by its charge: "S0001-50" or "T0001*3".
func bill(line int, code string, modifiers ...string) Billed {
	return Billed{Line: line, Code: code, Modifiers: modifiers, Units: 1000, Charge: 1_000_000_00, Class: claims.NonFacility}
}

func units(b Billed, n claims.Quantity) Billed     { b.Units = n; return b }
func charged(b Billed, charge claims.Cents) Billed { b.Charge = charge; return b }

func TestSession(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []Billed
		want  string // amounts, or the verdict
	}{
		{"a visit", []Billed{bill(1, "V0001")}, "100.00"},
		{"three units", []Billed{units(bill(1, "V0001"), 3000)}, "300.00"},
		{"charged less", []Billed{charged(bill(1, "V0001"), 99_99)}, "99.99"},
		{"charged as much", []Billed{charged(bill(1, "V0001"), 100_00)}, "100.00"},
		{"no unit", []Billed{units(bill(1, "V0001"), 0)}, "review"},
		{"half a unit", []Billed{units(bill(1, "V0001"), 500)}, "review"},
		{"a hundred units", []Billed{units(bill(1, "V0001"), 100_000)}, "10000.00"},
		{"more than can be ranked", []Billed{units(bill(1, "V0001"), 101_000)}, "review"},
		{"no such code", []Billed{bill(1, "X0001")}, "review"},
		{"no price", []Billed{bill(1, "N0001")}, "review"},
		{"harder than usual", []Billed{bill(1, "V0001", "22")}, "review"},
		{"a modifier that prices nothing", []Billed{bill(1, "V0001", "25")}, "100.00"},

		{"two surgeries, a visit beside them", []Billed{bill(1, "S0002"), bill(2, "V0001"), bill(3, "S0001")}, "150.00 100.00 800.00"},
		{"two units are two procedures", []Billed{units(bill(1, "S0002"), 2000)}, "450.00"},
		// 150% of 800.00 first, and that ranks.
		{"both sides, then rank", []Billed{bill(1, "S0001", "50"), bill(2, "S0002")}, "1200.00 150.00"},
		{"both sides rank before", []Billed{bill(1, "S0002"), bill(2, "E0000"), bill(3, "S0001", "50")}, "150.00 100.00 1200.00"},
		{"both sides of what has none", []Billed{bill(1, "S0002", "50")}, "300.00"},
		{"six surgeries", []Billed{units(bill(1, "S0001"), 5000), bill(2, "S0002")}, "2400.00 review"},
		// E0002 is worth 240.00-200.00 beyond the base, and the base nothing more.
		{"endoscopies", []Billed{bill(1, "E0001"), bill(2, "E0002"), bill(3, "E0000")}, "250.00 40.00 0.00"},
		{"endoscopies behind a surgery", []Billed{bill(1, "E0001"), bill(2, "E0002"), bill(3, "S0002")}, "125.00 20.00 300.00"},
		{"endoscopy without base price", []Billed{bill(1, "E0009")}, "review"},

		// 16% and 13.6% of 800.00, and of half of 800.00 behind both sides of another.
		{"assistant", []Billed{bill(1, "S0001", "80")}, "128.00"},
		{"assistant who is no physician", []Billed{bill(1, "S0001", "AS")}, "108.80"},
		{"assistant at both sides", []Billed{bill(1, "S0001", "82", "50")}, "192.00"},
		{"assistant where none is paid", []Billed{bill(1, "S0002", "80")}, "refused 54"},
		{"assistant on documents", []Billed{bill(1, "V0001", "81")}, "review"},
		{"co-surgeon", []Billed{bill(1, "S0001", "62")}, "500.00"},
		{"co-surgeon on documents", []Billed{bill(1, "S0002", "62")}, "review"},
		{"team", []Billed{bill(1, "S0001", "66")}, "review"},
		{"no team", []Billed{bill(1, "S0002", "66")}, "refused 54"},
		{"refused as assistant, whatever else", []Billed{bill(1, "S0002", "80", "62")}, "refused 54"},
		{"assistant at an unknown code", []Billed{bill(1, "X0001", "80")}, "review"},
		{"charge is held against what is left", []Billed{charged(bill(1, "S0001", "80"), 127_99)}, "127.99"},

		// I0001 is 240.00 technical and 60.00 professional, I0002 160.00 and 40.00: 200.00-80.00-2.00.
		{"two images", []Billed{bill(1, "I0002"), bill(2, "I0001")}, "118.00 300.00"},
		{"technical part and a whole", []Billed{bill(1, "I0001", "TC"), bill(2, "I0002")}, "240.00 120.00"},
		{"professional parts", []Billed{bill(1, "I0001", "26"), bill(2, "I0002", "26")}, "60.00 38.00"},
		{"images of no family", []Billed{bill(1, "I0009"), bill(2, "I0009")}, "100.00 100.00"},
		{"an image of each side", []Billed{bill(1, "I0001", "50")}, "600.00"},
		{"parts exclude each other", []Billed{bill(1, "I0001", "26", "TC")}, "refused 4"},
		{"no such part", []Billed{bill(1, "V0001", "TC")}, "refused 4"},
		{"given up", []Billed{bill(1, "V0001", "53")}, "review"},
		// I0003 is 200.00, and 120.00 in a hospital; its technical part 180.00 and 100.00.
		{"cap", []Billed{bill(1, "I0003")}, "120.00"},
		{"cap on the part", []Billed{bill(1, "I0003", "TC")}, "100.00"},
		// Behind I0001 its parts are 90.00, which is below the cap, and 19.00.
		{"cap of what is reduced", []Billed{bill(1, "I0003"), bill(2, "I0001")}, "109.00 300.00"},
		// 120.00 and 90.00+19.00.
		{"cap on the dearer of two", []Billed{units(bill(1, "I0003"), 2000)}, "229.00"},

		{"cardiovascular", []Billed{bill(1, "C0002"), bill(2, "C0003")}, "120.00 60.00"},
		{"whole test alone", []Billed{bill(1, "C0001")}, "200.00"},
		{"whole test without a technical part", []Billed{bill(1, "C0004"), bill(2, "C0003")}, "review 80.00"},
		{"whole test without a professional part", []Billed{bill(1, "C0005"), bill(2, "C0003")}, "review 80.00"},
		{"whole test whose parts are other codes", []Billed{bill(1, "C0001"), bill(2, "C0003")}, "review 80.00"},
		{"ophthalmology", []Billed{bill(1, "O0002"), bill(2, "O0001")}, "40.00 80.00"},
		{"kinds do not mix", []Billed{bill(1, "O0001"), bill(2, "C0003")}, "80.00 80.00"},
		// 40.00 whole; with half of 1.00 practice expense 35.00.
		{"therapy", []Billed{units(bill(1, "T0001"), 3000)}, "110.00"},
		{"therapy on two lines", []Billed{bill(1, "T0001"), bill(2, "T0001")}, "40.00 35.00"},
	} {
		got := ""
		for i, a := range house().Session(in2025(t), Weights{1000, 1000, 1000}, test.lines) {
			if i > 0 {
				got += " "
			}
			switch a.Ruling.Verdict {
			case Pays:
				got += a.Amount.String()
			case Refused:
				got += "refused " + a.Ruling.CARC
			default:
				got += string(a.Ruling.Verdict)
			}
			if a.Line != test.lines[i].Line {
				t.Errorf("%s: line %d is told of as %d", test.name, test.lines[i].Line, a.Line)
			}
			checkSteps(t, test.name, a)
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// checkSteps holds the trail together: each step begins where the last ended,
// and the last one ends at the amount.
func checkSteps(t *testing.T, name string, a Allowed) {
	t.Helper()
	var at claims.Cents
	for _, s := range a.Steps {
		if s.Before != at || s.Words == "" || s.Rule == "" {
			t.Errorf("%s: step %+v begins at %s, want %s", name, s, s.Before, at)
		}
		at = s.After
	}
	if a.Ruling.Verdict == Pays && at != a.Amount {
		t.Errorf("%s: the steps end at %s, want %s", name, at, a.Amount)
	}
	if a.Ruling.Words == "" || a.Ruling.Verdict != Pays && a.Amount != 0 {
		t.Errorf("%s: got %+v", name, a)
	}
}

// What is told of a line that every rule touches.
func TestSteps(t *testing.T) {
	lines := []Billed{charged(bill(1, "S0001", "50", "AS"), 50_00), bill(2, "S0001", "50")}
	lines[1].Units = 2000
	var got []string
	for _, s := range house().Session(in2025(t), Weights{1000, 1000, 1000}, lines)[0].Steps {
		got = append(got, fmt.Sprintf("%s %s %s %s", s.Rule, s.CARC, s.Before, s.After))
	}
	want := []string{
		"fee-schedule  0.00 800.00",
		"both-sides  800.00 1200.00",
		"assistant-at-surgery 59 1200.00 163.20",
		"lesser-of-charge  163.20 50.00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever is billed alone once comes to what the schedule says, capped.
func TestSessionOfOne(t *testing.T) {
	s, localities := year2025(t)
	p, l := in2025(t), localities[LocalityID{"01112", "05"}]
	for _, r := range s.rows {
		if !r.Priced() {
			continue
		}
		for _, class := range []string{claims.Facility, claims.NonFacility} {
			b := Billed{Line: 1, Code: r.Code, Units: 1000, Charge: 1_000_000_00, Class: class}
			if r.Modifier != "" {
				b.Modifiers = []string{r.Modifier}
			}
			got := s.Session(p, l.Weights, []Billed{b})[0]
			if want := r.Price(l.Weights).Payable().In(class); got.Ruling.Verdict != Pays || got.Amount != want {
				t.Errorf("%s, %s: got %+v, want %s", r.Name(), class, got, want)
			}
		}
	}
}

func BenchmarkSession(b *testing.B) {
	s, p := house(), in2025(b)
	lines := []Billed{bill(1, "S0001", "50"), bill(2, "S0002"), bill(3, "E0001"), bill(4, "E0002"), bill(5, "I0001"), bill(6, "I0003"), units(bill(7, "T0001"), 4000), bill(8, "V0001")}
	for b.Loop() {
		s.Session(p, Weights{1088, 1419, 445}, lines)
	}
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "lines/s")
}
