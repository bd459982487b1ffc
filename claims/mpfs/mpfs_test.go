package mpfs

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// A file of our own in CMS's form, with codes that nobody bills.
const headings = "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT\n"

const good = "Q0001,,,A,,1.00,2.00,,1.50,NA,0.10,3.10,2.60,0,090,0.10,0.69,0.21,2,1,2,1,0,,32.3465,09,0,99,0.00,0.00,0.00\n"

func TestReadRVU(t *testing.T) {
	s, err := NewSchedule("rvu.csv", strings.NewReader("2025 Relative Value File\n\"notes, and more\"\n"+headings+good))
	if err != nil {
		t.Fatal(err)
	}
	want := Row{
		Code: "Q0001", Status: Active, Work: 100, NonFacilityPE: 200, FacilityPE: 150, Malpractice: 10, SeldomFacility: true,
		Factor: 32_3465, PCTC: '0', Global: "090", Pre: 10_00, Intra: 69_00, Post: 21_00, MultipleProcedure: '2', Bilateral: '1',
		Assistant: '2', CoSurgeon: '1', Team: '0', Supervision: "09", CalculationFlag: "0", ImagingFamily: "99", line: 4,
	}
	if got := s.Row("Q0001", ""); got == nil || *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s.Row("Q0001", "26") != nil {
		t.Error("a row was found for a modifier that has none")
	}
}

// What is not as CMS defines it is refused with its place.
func TestReadRVURefuses(t *testing.T) {
	change := func(old, new string) string { return headings + strings.Replace(good, old, new, 1) }
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", `rvu.csv line 1: no column headings in the first 20 lines; want a line that begins with "HCPCS"`},
		{"another file", strings.Repeat("a,b\n", 30), "no column headings"},
		{"heading", strings.Replace(headings, "FACTOR", "CF", 1), `rvu.csv line 1 column 138: heading "CF" is not the one expected here`},
		{"headings alone", headings, "rvu.csv line 1: headings and no rows"},
		{"too few columns", change(",0.00,0.00,0.00\n", "\n"), "rvu.csv line 2 column 1: 28 columns; want 31"},
		{"code of nobody", change("Q0001", "Z0001"), `"Z0001": want a code`},
		{"code", change("Q0001", "Q001"), `line 2 column 1: "Q001": want a code such as 99213 or G0105`},
		{"modifier", change("Q0001,", "Q0001,50"), `line 2 column 7: "50": want one of nothing, 26, TC, 53`},
		{"status", change(",A,", ",Q,"), `line 2 column 9: status "Q" is not known`},
		{"negative", change("1.00", "-1.00"), `line 2 column 12: "-1.00": out of bounds`},
		{"no number", change("1.00", "one"), `line 2 column 12: "one": want a number with at most 2 decimals`},
		{"three decimals", change("1.00", "1.005"), "want a number with at most 2 decimals"},
		{"too large", change("1.00", "10000.01"), "out of bounds"},
		{"total", change("3.10", "3.11"), "line 2 column 36: total 3.11, but its parts sum up to 3.10"},
		{"facility total", change("2.60", "2.59"), "total 2.59, but its parts sum up to 2.60"},
		{"global days", change("090", "030"), `"030": want one of 000, 010, 090`},
		{"share", change("0.69", "1.69"), "out of bounds"},
		{"multiple procedure", change(",2,1,2,1,0,", ",8,1,2,1,0,"), `indicator "8": want one of the digits 02345679`},
		{"bilateral", change(",2,1,2,1,0,", ",2,4,2,1,0,"), `indicator "4": want one of the digits 01239`},
		{"endoscopy without base", change(",2,1,2,1,0,", ",3,1,2,1,0,"), "multiple procedure indicator 3 with the base code"},
		{"base without endoscopy", change("1,0,,32", "1,0,Q0002,32"), `multiple procedure indicator 2 with the base code "Q0002"`},
		{"factor", change("32.3465", "32.34655"), "want a number with at most 4 decimals"},
		{"twice", headings + good + good, "rvu.csv line 3: Q0001 is there twice"},
		{"quotes", headings + "\"Q0001\"x,", `rvu.csv line 2 column 7: extraneous or missing " in quoted-field`},
	} {
		_, err := NewSchedule("rvu.csv", strings.NewReader(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// Every bad row is told, up to a bound.
func TestProblems(t *testing.T) {
	_, err := NewSchedule("rvu.csv", strings.NewReader(headings+strings.Repeat("x\n", 100)))
	if got, want := strings.Count(err.Error(), "\n"), maxProblems; got != want || !strings.HasSuffix(err.Error(), "and more") {
		t.Errorf("got %d lines that end in %q, want %d", got+1, err.Error()[len(err.Error())-20:], want+1)
	}
}

const gpci = "A TITLE,,,,,,\n,,,,,,\nMedicare Administrative Contractor (MAC),State,Locality Number,Locality Name,2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI\n"

func TestReadGPCI(t *testing.T) {
	file := gpci + "01112,CA,05,\"SAN FRANCISCO, AND MORE\",1.088,1.419,0.445\nMAC Assignments as of today,,,,,,\n,,,,,,\n"
	all, err := NewLocalities("gpci.csv", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := Locality{ID: LocalityID{"01112", "05"}, State: "CA", Name: "SAN FRANCISCO, AND MORE", Weights: Weights{1088, 1419, 445}, line: 4}
	if got := all[want.ID]; len(all) != 1 || got == nil || *got != want {
		t.Errorf("got %+v of %d, want %+v", got, len(all), want)
	}
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "gpci.csv line 1: no column headings"},
		{"old headings", strings.Replace(gpci, "2025 PE GPCI", "PE GPCI", 1), `line 3 column 108: heading "PE GPCI" is not the one expected here`},
		{"nothing", gpci, "headings and no rows"},
		{"contractor", gpci + "1112,CA,05,X,1,1,1\n", `line 4 column 1: "1112": want the contractor's five digits`},
		{"locality", gpci + "01112,CA,5,X,1,1,1\n", `line 4 column 10: "5": want the locality's two digits`},
		{"state", gpci + "01112,California,05,X,1,1,1\n", "want a state's two letters"},
		{"zero", gpci + "01112,CA,05,X,0,1,1\n", `line 4 column 15: "0": out of bounds`},
		{"four decimals", gpci + "01112,CA,05,X,1,1.4195,1\n", "want a number with at most 3 decimals"},
		{"cut short", gpci + "01112,,,,,,\n", "want a state's two letters"},
		{"columns", gpci + "01112,CA,05,X,1,1\n", "line 4 column 1: 6 columns; want 7"},
		{"twice", gpci + "01112,CA,05,X,1,1,1\n01112,CA,05,Y,1,1,1\n", "gpci.csv line 5: locality 01112-05 is there twice"},
	} {
		_, err := NewLocalities("gpci.csv", strings.NewReader(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

func TestParseLocality(t *testing.T) {
	if got, err := ParseLocality("01112-05"); err != nil || got != (LocalityID{"01112", "05"}) || got.String() != "01112-05" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "01112", "1112-05", "01112-5", "01112-055", "01112 05"} {
		if got, err := ParseLocality(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

// The working: units are 10^-9 dollars, a cent is 10^7 of them.
func TestPrice(t *testing.T) {
	one := Weights{1000, 1000, 1000}
	for _, test := range []struct {
		name string
		row  Row
		w    Weights
		want Price
	}{
		// (1.00×1.5 + 2.00×0.9 + 0.10×0.5) × 32.3465 = 3.35 × 32.3465 = 108.360775;
		// facility (1.50 + 1.35 + 0.05) × 32.3465 = 2.90 × 32.3465 = 93.80485.
		{"both places", Row{Work: 100, NonFacilityPE: 200, FacilityPE: 150, Malpractice: 10, Factor: 32_3465},
			Weights{1500, 900, 500}, Price{Schedule: Amounts{10836, 9380}}},
		// A tie goes up: 0.05 × 0.1 = 0.005 -> 0.01; and below it down: 0.04 × 0.1 = 0.004.
		{"tie", Row{Work: 5, Factor: 1000}, one, Price{Schedule: Amounts{1, 1}}},
		{"below a tie", Row{Work: 4, Factor: 1000}, one, Price{Schedule: Amounts{0, 0}}},
		{"nothing", Row{Factor: 32_3465}, one, Price{}},
		// The largest file there may be: 3 × 10,000 × 10 × 1,000 = 300,000,000.00.
		{"bounds", Row{Work: maxRVU, NonFacilityPE: maxRVU, FacilityPE: maxRVU, Malpractice: maxRVU, Factor: maxFactor},
			Weights{maxGPCI, maxGPCI, maxGPCI}, Price{Schedule: Amounts{300_000_000_00, 300_000_000_00}}},
		// Work stays in the capped amount: (1 + 3 + 0) × 10 = 40 against (1 + 5 + 0) × 10 = 60.
		{"capped", Row{Work: 100, NonFacilityPE: 500, FacilityPE: 200, Factor: 10_0000, Cap: Cap{NonFacilityPE: 300, FacilityPE: 300}},
			one, Price{Schedule: Amounts{6000, 3000}, Cap: &Amounts{4000, 4000}}},
	} {
		got := test.row.Price(test.w)
		if got.Schedule != test.want.Schedule || (got.Cap == nil) != (test.want.Cap == nil) || got.Cap != nil && *got.Cap != *test.want.Cap {
			t.Errorf("%s: got %v %v, want %v %v", test.name, got.Schedule, got.Cap, test.want.Schedule, test.want.Cap)
		}
	}
	if got, want := (Price{Amounts{6000, 3000}, &Amounts{4000, 4000}}).Payable(), (Amounts{4000, 3000}); got != want {
		t.Errorf("capped: got %v, want %v", got, want)
	}
	if a := (Amounts{2, 1}); a.In(claims.Facility) != 1 || a.In(claims.NonFacility) != 2 {
		t.Error("an amount is taken for the other class of place")
	}
}

func TestPriced(t *testing.T) {
	for status := range statuses {
		want := strings.Contains("ART", string(status))
		if got := (&Row{Status: status, Work: 1}).Priced(); got != want {
			t.Errorf("status %s: got %v, want %v", status, got, want)
		}
		if status.Words() == "" {
			t.Errorf("status %s has no words", status)
		}
	}
	for _, r := range []Row{{Status: Active, NotForMedicare: true, Work: 1}, {Status: Restricted}} {
		if r.Priced() || r.Words() == r.Status.Words() {
			t.Errorf("%+v is paid, or is not told why not", r)
		}
	}
}

func FuzzReadRVU(f *testing.F) {
	f.Add(headings + good)
	f.Add("\xef\xbb\xbf" + headings + strings.Replace(good, ",2,1,", ",3,1,", 1))
	f.Fuzz(func(t *testing.T, file string) {
		for row, err := range ReadRVU("rvu.csv", strings.NewReader(file)) {
			if (row == nil) == (err == nil) {
				t.Fatalf("got %v and %v", row, err)
			}
			if err == nil {
				if p := row.Price(Weights{maxGPCI, maxGPCI, maxGPCI}).Payable(); p.NonFacility < 0 || p.Facility < 0 {
					t.Fatalf("%+v is worth %v", row, p)
				}
			}
		}
	})
}

func FuzzReadGPCI(f *testing.F) {
	f.Add(gpci + "01112,CA,05,X,1,1,1\n")
	f.Fuzz(func(t *testing.T, file string) {
		for l, err := range ReadGPCI("gpci.csv", strings.NewReader(file)) {
			if (l == nil) == (err == nil) {
				t.Fatalf("got %v and %v", l, err)
			}
		}
	})
}

// What is made of the schedule is an edition that claims reads, and that prices
// as the schedule does, at the contract's percentage.
func TestFeeList(t *testing.T) {
	s := house()
	s.rows[rowKey{"R0001", ""}] = &Row{Code: "R0001", Status: Restricted, Factor: 10_0000}
	s.Row("V0001", "").FacilityPE -= 1_01 // 100.00 outside, 89.90 in a facility
	var b strings.Builder
	list := s.FeeList(Weights{1000, 1000, 1000}, 112_50)
	if err := WriteFees(&b, list); err != nil {
		t.Fatal(err)
	}
	fees, err := claims.ParseFees([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		code, modifier, place string
		want                  string
	}{
		{"V0001", "", "11", "112.50"},
		{"V0001", "", "21", "101.14"}, // 101.1375
		{"I0001", "26", "21", "67.50"},
		{"I0003", "", "11", "135.00"}, // 112.5% of the capped 120.00
		{"N0001", "", "11", ""},
		{"R0001", "", "11", ""},
		{"S0001", "50", "11", ""}, // left to a person
	} {
		var modifiers []string
		if test.modifier != "" {
			modifiers = []string{test.modifier}
		}
		got := ""
		if c := fees.Price(test.code, modifiers, test.place); c != nil {
			got = c.String()
		}
		if got != test.want {
			t.Errorf("%s-%s in %s: got %q, want %q", test.code, test.modifier, test.place, got, test.want)
		}
	}
	if again := s.FeeList(Weights{1000, 1000, 1000}, 112_50); !slices.Equal(list, again) {
		t.Error("the same schedule makes another list")
	}
}
