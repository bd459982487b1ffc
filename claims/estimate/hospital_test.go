package estimate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestHospitalPlan works claims out under the example's plan for hospitals, by hand.
// Nothing is met of the deductible of 250.00.
func TestHospitalPlan(t *testing.T) {
	var files [2][]byte
	for i, name := range []string{"hospital-plan.yaml", "fees.csv"} {
		var err error
		if files[i], err = os.ReadFile("../../examples/" + name); err != nil {
			t.Fatal(err)
		}
	}
	e, err := ParseEdition(files[0], files[1])
	if err != nil || !e.Hospitals() {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, facility, drg string
		through             credentials.Date
		lines               []claims.Line
		allowed, paid       claims.Cents
		whole               bool
	}{
		// 15,000 - 300 - 250 - 10% of 14,450.
		{"joint", "11", "470", "2026-10-05", []claims.Line{{Revenue: "0120", Charge: 12000_00}, {Revenue: "0360", Charge: 8000_00}}, 15000_00, 13005_00, true},
		// Half of 4,000 beside it: 300 + 250 + 145 of it, and 1,500 of the case. 2,000 - 695 + 13,500.
		{"joint with an implant", "11", "470", "2026-10-05", []claims.Line{{Revenue: "0278", Charge: 4000_00}, {Revenue: "0120", Charge: 20000_00}}, 17000_00, 14805_00, false},
		// 3 × 2,400 + 1,800 = 9,000; - 300 - 250 - 845.
		{"four days", "11", "", "2026-10-05", []claims.Line{{Revenue: "0120", Charge: 10000_00}}, 9000_00, 7605_00, true},
		// 62.5% of 1,000, and 75% of 40.00 all deductible.
		{"visit", "13", "", "2026-10-01", []claims.Line{{Revenue: "0450", Code: "99284", Charge: 1000_00}, {Revenue: "0305", Code: "85025", Charge: 40_00}}, 655_00, 475_00, false},
	} {
		c := &claims.Claim{Number: "H", Frequency: claims.Original, ServiceState: "CA", Billing: claims.Provider{NPI: "2999001003", Organization: true},
			Subscriber: claims.Person{MemberID: "M", Last: "X"}, Diagnoses: []string{"M1611"},
			Institutional: &claims.Institutional{Facility: tt.facility, DRG: tt.drg, From: "2026-10-01", Through: tt.through, PatientStatus: "01", Attending: &claims.Provider{NPI: "2999002019"}}}
		for i, l := range tt.lines {
			l.Number, l.Unit, l.Units, l.From, l.To = i+1, "UN", 1000, "2026-10-01", tt.through
			c.Lines, c.Charge = append(c.Lines, l), c.Charge+l.Charge
		}
		d, assumed, err := e.Of(c, "2026-11-01")
		if err != nil || d.Outcome != claims.Paid || d.Allowed != tt.allowed || d.Paid != tt.paid || d.Whole != tt.whole {
			t.Errorf("%s: got %+v, %v", tt.name, d, err)
			continue
		}
		licensed := false
		for _, a := range assumed {
			licensed = licensed || a.Fact == Licensed && len(a.Lines) == len(c.Lines)
		}
		if !licensed {
			t.Errorf("%s: it does not say that the attending is taken for licensed: %+v", tt.name, assumed)
		}
	}
	plain, err := os.ReadFile("../../examples/plan.yaml")
	if err != nil || strings.Contains(string(plain), "institutional:") {
		t.Errorf("%v: the published edition has got terms for hospitals", err)
	}
}

// TestStayEstimate: an authorization that the claim names is taken to cover the stay,
// and without one it is denied.
func TestStayEstimate(t *testing.T) {
	plan, err := os.ReadFile("../../examples/hospital-plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fees, err := os.ReadFile("../../examples/fees.csv")
	if err != nil {
		t.Fatal(err)
	}
	plan = []byte(strings.Replace(string(plan), "institutional:\n", "institutional:\n  authorization: {bills: [\"11\"], payShort: false}\n", 1))
	e, err := ParseEdition(plan, fees)
	if err != nil {
		t.Fatal(err)
	}
	c := &claims.Claim{Number: "H", Frequency: claims.Original, ServiceState: "CA", Billing: claims.Provider{NPI: "2999001003", Organization: true},
		Subscriber: claims.Person{MemberID: "M", Last: "X"}, Diagnoses: []string{"M1611"}, Charge: 10000_00,
		Institutional: &claims.Institutional{Facility: "11", From: "2026-10-01", Through: "2026-10-05", Admitted: "2026-10-01", PatientStatus: "01", Attending: &claims.Provider{NPI: "2999002019"}},
		Lines:         []claims.Line{{Number: 1, Revenue: "0120", Charge: 10000_00, Unit: "DA", Units: 4000, From: "2026-10-01", To: "2026-10-05"}}}
	if d, _, err := e.Of(c, "2026-11-01"); err != nil || d.Outcome != claims.Denied || d.Lines[0].Adjustments[0].CARC != "197" {
		t.Errorf("without an authorization: got %+v, %v", d, err)
	}
	c.Authorization = "A1"
	d, assumed, err := e.Of(c, "2026-11-01")
	if err != nil || d.Outcome != claims.Paid || d.Allowed != 9000_00 || len(d.Draws) != 1 || d.Draws[0].Units != 4000 {
		t.Fatalf("with one: got %+v, %v", d, err)
	}
	if said := slices.ContainsFunc(assumed, func(a Assumption) bool { return a.Fact == Authorized }); !said {
		t.Errorf("it does not say that it takes the stay for authorized: %+v", assumed)
	}
}
