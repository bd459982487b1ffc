package claims

import (
	"os"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func TestExamplePlanAndFees(t *testing.T) {
	file, err := os.ReadFile("../examples/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePlan(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.Ref() != (EditionRef{"demo-ppo", "2026-01", credentials.DigestOf(file)}) || len(p.MachineDenials) != 11 {
		t.Errorf("got %+v", p)
	}
	if !p.Exclusions.Has("15824") || !p.Authorization.Required.Has("72148") || !p.Authorization.Required.Has("97110") ||
		p.Authorization.byRule("72148").MaxUnits != 2000 || p.Authorization.byRule("97110") != nil {
		t.Errorf("got %+v", p)
	}
	if got := p.TermsFor("99213"); got != (Terms{Copay: 25_00, DeductibleWaived: true}) {
		t.Errorf("terms of 99213: %+v", got)
	}
	file, err = os.ReadFile("../examples/fees.csv")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFees(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"99213", "72148", "12001", "73610", "97110", "80053"} {
		if f.Price(code, nil, "11") == nil {
			t.Errorf("%s has no price", code)
		}
	}
	if f.Price("99499", nil, "11") != nil {
		t.Error("99499 has a price")
	}
}

// TestPlanProblems replaces a piece of a good plan and wants one line about it.
func TestPlanProblems(t *testing.T) {
	tests := []struct{ old, new, want string }{
		{"name: gold", "nmae: gold", `line 2: unknown field "nmae" in the plan; want one of addOns, appealAnswerDays, appealDays, authorization,`},
		{"name: gold", "name: gold\nname: silver", `line 3: field "name" is given twice, first on line 2`},
		{"name: gold", "", `the plan needs the field "name"`},
		{"name: gold", "name: Gold Plan", `line 2: name: "Gold Plan": want small letters`},
		{"name: gold", "name: [gold]", "line 2: name: want a value"},
		{"name: gold", "name: &x gold", "line 2: name: want a value"},
		{"plan/1", "plan/2", `line 1: schema: "countersign/plan/2" is not known to this release`},
		{"rules/1", "rules/9", `line 4: rules: "rules/9" is not known to this release; want rules/1 or rules/2`},
		{"from: 2025-01-01", "from: 2025-02-30", `line 5: from: "2025-02-30" is not a date`},
		{"to: 2027-12-31", "to: 2024-12-31", "line 5: effective: the last day comes before the first"},
		{"America/Chicago", "Central", `line 6: timezone: "Central": want a time zone`},
		{"timelyFilingDays: 90", "timelyFilingDays: ninety", `line 8: timelyFilingDays: "ninety": want a number of days`},
		{"individual: 100.00", "individual: 100.005", `line 9: individual: amount "100.005": want a number with at most 2 decimals`},
		{"individual: 100.00", "individual: -1", "line 9: individual: amount \"-1\": want from 0.00"},
		{"family: 150.00", "family: 50.00", "line 9: deductible: the family's limit is below one member's"},
		{"individual: 300.00", "individual: 90.00", "outOfPocketMax is below the deductible"},
		{"coinsurance: 20%", "coinsurance: 0.2", `line 11: coinsurance: rate "0.2": want a percentage`},
		{"codes: [80053]", "codes: [80053, 97110-97112]", `code 97110 is under "therapy" and under "laboratory"`},
		{"codes: [80053]", "codes: [800]", `line 15: codes: code "800": want five characters`},
		{"codes: [80053]", "codes: [80053-80050]", `line 15: codes: range "80053-80050"`},
		{"codes: [80053]", "codes: [J0120-80050]", "want both ends alike"},
		{"codes: [80053]", "codes: 80053", "line 15: codes: want a list"},
		{"deductibleWaived: true", "deductibleWaived: maybe", "deductibleWaived: want true or false"},
		{"maxUnits: 2", "maxUnits: 0", "maxUnits must be more than 0"},
		{"codes: [72148], max", "codes: [99999], max", "approveByRule has 99999"},
		{"15, 18", "50, 18", "line 20: machineDenials: 50 is a denial for medical necessity"},
		{"15, 18", "55, 18", "55 is a denial for medical necessity"},
		{"15, 18", "56, 18", "56 is a denial for medical necessity"},
		{"15, 18", "45, 18", "machineDenials: 45 is not a denial"},
		{"machineDenials: [", "machineDenials: {", "line 20"},
		{"name: gold", "name: gold\n---\nname: two", "a second document"},
	}
	for _, tt := range tests {
		_, err := ParsePlan([]byte(strings.Replace(planText, tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.new, err, tt.want)
			continue
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, "plan.yaml line ") {
				t.Errorf("%q: %q does not say where", tt.new, line)
			}
		}
	}
	for _, bad := range []string{"", "# nothing", "- a", "text", "{", "a: b: c", "\xff\xfe", "x: *y", "? {a: b}\n: c"} {
		if _, err := ParsePlan([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a plan", bad)
		}
	}
}

// One run shows the author every mistake.
func TestPlanProblemsTogether(t *testing.T) {
	_, err := ParsePlan([]byte(strings.NewReplacer("gold", "Gold", "20%", "20", "90", "0").Replace(planText)))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three lines", err)
	}
}

func TestCodeRange(t *testing.T) {
	tests := []struct {
		set, code string
		want      bool
	}{
		{"97110-97546", "97110", true}, {"97110-97546", "97546", true}, {"97110-97546", "97547", false},
		{"97110-97546", "9711F", false}, {"97110-97546", "", false}, {"97110-97546", "97110-97546", false},
		{"J0120-J3590", "J1000", true}, {"J0120-J3590", "K1000", false}, {"0001T-0042T", "0010T", true}, {"0001T-0042T", "0010U", false},
		{"99213", "99213", true}, {"99213", "99214", false},
	}
	for _, tt := range tests {
		r, err := ParseCodeRange(tt.set)
		if err != nil || r.Has(tt.code) != tt.want || r.String() != tt.set {
			t.Errorf("%s has %s: %v, %v", tt.set, tt.code, r.Has(tt.code), err)
		}
	}
}

const feesText = `# made up
code,modifier,place_class,amount
99213,,non-facility,90.00
99213,,facility,65.00
72148,,,260.00
72148,26,,75.5
12001,,non-facility,95.00
`

func TestPrice(t *testing.T) {
	f, err := ParseFees([]byte("\ufeff" + strings.ReplaceAll(feesText, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		code, modifiers, place, want string
	}{
		{"99213", "", "11", "90.00"}, {"99213", "", "10", "90.00"}, {"99213", "", "22", "65.00"}, {"99213", "25", "11", "90.00"},
		{"72148", "", "22", "260.00"}, {"72148", "26", "22", "75.50"}, {"72148", "LT 26", "22", "75.50"},
		{"72148", "TC", "22", ""}, {"99213", "50", "11", ""}, {"12001", "", "23", ""}, {"15824", "", "11", ""},
	}
	for _, tt := range tests {
		got := ""
		if c := f.Price(tt.code, strings.Fields(tt.modifiers), tt.place); c != nil {
			got = c.String()
		}
		if got != tt.want {
			t.Errorf("%s %q at %s: got %q, want %q", tt.code, tt.modifiers, tt.place, got, tt.want)
		}
	}
}

func TestFeeProblems(t *testing.T) {
	tests := []struct{ old, new, want string }{
		{"code,modifier", "Code,Modifier", "fees.csv line 2 column 1: want the header"},
		{"99213,,non-facility,90.00", "9921,,non-facility,90.00", `line 3 column 1: code "9921"`},
		{"99213,,non-facility,90.00", "99213,2,non-facility,90.00", `line 3 column 7: modifier "2"`},
		{"99213,,non-facility,90.00", "99213,,office,90.00", `line 3 column 8: place_class "office"`},
		{"99213,,non-facility,90.00", "99213,,non-facility,$90", `line 3 column 21: amount "$90"`},
		{"99213,,non-facility,90.00", "99213,,non-facility,-90", `line 3 column 21: amount "-90"`},
		{"99213,,non-facility,90.00", "99213,,facility,90.00", "line 4 column 1: code 99213 is priced twice"},
		{"99213,,non-facility,90.00", "99213,90.00", "line 3 column 1: 2 columns"},
		{"99213,,non-facility,90.00", `99213,"",non"facility,90.00`, "fees.csv line 3 column"},
		{feesText, "", "fees.csv line 1: the file is empty"},
		{"made up", "made up \xff", "not UTF-8"},
	}
	for _, tt := range tests {
		if _, err := ParseFees([]byte(strings.Replace(feesText, tt.old, tt.new, 1))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.new, err, tt.want)
		}
	}
}
