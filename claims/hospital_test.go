package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

const hospitalText = `institutional:
  contracts:
    - {name: stays, bills: ["11"], caseRates: [{drg: "470", amount: 900.00}], lesserOfCharge: true}
    - {name: rest, bills: ["11"], percentOfCharge: 50%}
  benefits:
    - {name: stay, bills: ["11"], copay: 10.00}
`

// TestHospitalTerms replaces a piece of a good section and wants one line about it.
func TestHospitalTerms(t *testing.T) {
	if p, err := ParsePlan([]byte(planText2 + hospitalText)); err != nil || len(p.Hospital.Contracts) != 2 || len(p.Hospital.Benefits) != 1 {
		t.Fatalf("got %+v, %v", p, err)
	}
	if _, err := ParsePlan([]byte(planText + hospitalText)); err == nil || !strings.Contains(err.Error(), `field "institutional": rules/1 does not read it`) {
		t.Errorf("under rules/1: %v", err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"name: stays,", "", `a hospital's contract needs the field "name"`},
		{"name: rest", "name: stays", `two contracts are called "stays"`},
		{"name: stay, bills: [\"11\"], copay: 10.00}", "name: a, bills: [\"11\"]}\n    - {name: a, bills: [\"13\"]}", `two benefits are called "a"`},
		{`bills: ["11"], caseRates`, `bills: [], caseRates`, "want at least one type of bill"},
		{`bills: ["11"], caseRates`, `bills: ["011"], caseRates`, `"011": want the first two digits`},
		{`bills: ["11"], caseRates`, `bills: ["10"], caseRates`, `"10": want the first two digits`},
		{", lesserOfCharge: true", "", "want lesserOfCharge, true or false"},
		{"percentOfCharge: 50%", "percentOfCharge: 50%, lesserOfCharge: true", "want lesserOfCharge, true or false, beside each term but percentOfCharge"},
		{"percentOfCharge: 50%", "percentOfCharge: 150%", "percentOfCharge"},
		{"percentOfCharge: 50%", "percentOfCharge: 50%, perUnit: 1.00", "want one of caseRates, perDiem"},
		{", percentOfCharge: 50%", "", "want one of caseRates, perDiem"},
		{`drg: "470"`, `drg: "47"`, "want a DRG of three digits"},
		{`{drg: "470", amount: 900.00}`, `{drg: "470", amount: 900.00}, {drg: "470", amount: 1.00}`, "there is a rate for this case above"},
		{`{drg: "470", amount: 900.00}`, `{code: KNEE, amount: 900.00}`, "want a CPT or HCPCS code"},
		{`{drg: "470", amount: 900.00}`, ``, "want at least one amount"},
		{`{drg: "470", amount: 900.00}`, `{drg: "470", amount: -1.00}`, "amount"},
		{"copay: 10.00", `revenue: ["45"], copay: 10.00`, `"45": want a revenue code of four digits`},
		{"copay: 10.00", `revenue: ["0459-0450"], copay: 10.00`, "want a revenue code of four digits"},
		{`bills: ["11"], percent`, `bills: ["11"], from: 2026-02-01, to: 2026-01-01, percent`, "the last day comes before the first"},
		{"  contracts:", "  authorization: {bills: [\"11\"]}\n  contracts:", `needs the field "payShort"`},
		{"  contracts:", "  authorization: {bills: [\"13\"], payShort: true}\n  contracts:", "type of bill 13 is not for stays"},
		{"  contracts:", "  authorization: {bills: [\"11\"], drgs: [\"47\"], payShort: true}\n  contracts:", "want a DRG of three digits"},
		{"  contracts:", "  authorization: {bills: [\"11\"], emergency: {types: [\"01\"]}, payShort: true}\n  contracts:", "want a type of admission"},
		{"  contracts:", "  authorization: {bills: [\"11\"], emergency: {types: [\"1\"], days: 0}, payShort: true}\n  contracts:", "days"},
		{"  contracts:", "  authorization: {bills: [\"11\"], approveDays: 0, payShort: true}\n  contracts:", "approveDays"},
		{"percentOfCharge: 50%", "percentOfCharge: 50%, outlier: {threshold: 1.00, percentOfCharge: 1%, firstDollar: true}", "an outlier is for caseRates or perDiem"},
		{"lesserOfCharge: true", "outlier: {threshold: 1.00, percentOfCharge: 1%}, lesserOfCharge: true", `needs the field "firstDollar"`},
		{"lesserOfCharge: true", "outlier: {threshold: 1.00, percentOfCharge: 101%, firstDollar: true}, lesserOfCharge: true", "percentOfCharge"},
		{"lesserOfCharge: true", "transfer: [\"02\"], lesserOfCharge: true", "a transfer is for caseRates, each with its meanStay"},
		{"amount: 900.00}", "amount: 900.00, meanStay: 0}", "want a number of days above 0"},
		{"lesserOfCharge: true", "transfer: [\"30\"], lesserOfCharge: true", "want a patient status"},
		{"  contracts:", "  contract:", `unknown field "contract" in institutional`},
	} {
		text := strings.Replace(hospitalText, tt.old, tt.new, 1)
		if _, err := ParsePlan([]byte(planText2 + text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q for %q: got %v, want %q", tt.new, tt.old, err, tt.want)
		}
	}
}

// TestClinicianOfStay: who rendered a line comes before the attending, and an
// organization that bills is nobody's clinician.
func TestClinicianOfStay(t *testing.T) {
	c := aStay(t)
	l := &c.Lines[0]
	if got := c.Clinician(l); got == nil || got.NPI != drA {
		t.Errorf("got %+v, want the attending", got)
	}
	c.Rendering = &Provider{NPI: "1245319599"}
	if got := c.Clinician(l); got == nil || got.NPI != "1245319599" {
		t.Errorf("got %+v, want who rendered the claim", got)
	}
	c.Rendering, c.Institutional.Attending.NPI = nil, ""
	if got := c.Clinician(l); got != nil {
		t.Errorf("got %+v, want nobody", got)
	}
}

// TestHospitalFactsBelong: evidence that is about another clinician, or lacks what the
// contracts were asked, or has what no contract says, gives no decision.
func TestHospitalFactsBelong(t *testing.T) {
	text := planText2 + hospitalText
	fact := func() *Priced {
		return &Priced{By: "gold 2026-01", Steps: []PricedStep{{Rule: RuleCaseRate, Amount: 90_00, Words: "x"}}}
	}
	for _, tt := range []struct {
		name string
		with func(c *Claim, p *Plan, e *Evidence)
		want string
	}{
		{"as it should be", func(*Claim, *Plan, *Evidence) {}, ""},
		{"not asked", func(_ *Claim, _ *Plan, e *Evidence) { e.Lines[0].Priced = nil }, "line 1: no contract for hospitals was asked"},
		{"another clinician", func(_ *Claim, _ *Plan, e *Evidence) { e.Lines[0].Standing.NPI = "1245319599" }, "another clinician"},
		{"the roster's, though the claim names one", func(_ *Claim, _ *Plan, e *Evidence) { e.Lines[0].Standing.Rostered = true }, "another clinician"},
		{"a case under no terms", func(_ *Claim, p *Plan, e *Evidence) { p.Hospital, e.Lines[0].Priced.Case = nil, "stays" }, "the plan has none"},
		{"beyond the charge under no terms", func(_ *Claim, p *Plan, e *Evidence) { p.Hospital, e.Lines[0].Priced.Above = nil, true }, "the plan has none"},
	} {
		p, err := ParsePlan([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c := aStay(t)
		_, e := case2(p, aLine{code: "73610", charge: 900_00, fee: -1}, aLine{code: "80053", charge: 100_00, fee: -1})
		c.Billing.NPI, e.Used, e.Priced = "1000000004", nil, []int{1, 2}
		e.Lines[0].Priced, e.Lines[1].Priced = fact(), fact()
		tt.with(c, p, e)
		d, err := Adjudicate(c, p, e)
		if tt.want == "" && (err != nil || d.Outcome != Paid) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %+v, %v, want %q", tt.name, d, err, tt.want)
		}
	}
}

// TestStayAboveItsCharge: a contract that pays its amount whatever was charged pays
// more than the charge, which no price of a single service does.
func TestStayAboveItsCharge(t *testing.T) {
	p, err := ParsePlan([]byte(planText2 + hospitalText))
	if err != nil {
		t.Fatal(err)
	}
	c := aStay(t)
	_, e := case2(p, aLine{code: "73610", charge: 900_00, fee: -1}, aLine{code: "80053", charge: 100_00, fee: -1})
	c.Billing.NPI, e.Used, e.Priced = "1000000004", nil, []int{1, 2}
	for i := range e.Lines {
		e.Lines[i].Priced = &Priced{By: "gold 2026-01", Above: true, Steps: []PricedStep{{Rule: RulePerDiem, Amount: 950_00, Words: "x"}}}
	}
	d, err := Adjudicate(c, p, e)
	if err != nil || d.Lines[0].Allowed != 950_00 || !strings.HasPrefix(adjustments(d.Lines[0]), "CO-94 -50.00") {
		t.Errorf("got %+v, %v", d, err)
	}
}

// TestNonCoveredTakesAPerson: where the plan does not let the machine refuse with 96,
// a charge that the hospital holds for not covered waits. An appeal that sets the
// denial aside has the plan asked for the whole charge.
func TestNonCoveredTakesAPerson(t *testing.T) {
	p, err := ParsePlan([]byte(strings.Replace(planText2, " 96,", "", 1) + hospitalText))
	if err != nil {
		t.Fatal(err)
	}
	c := aStay(t)
	c.Lines[0].NonCovered = 100_00
	_, e := case2(p, aLine{code: "73610", charge: 900_00, fee: -1}, aLine{code: "80053", charge: 100_00, fee: -1})
	c.Billing.NPI, e.Used, e.Priced = "1000000004", nil, []int{2}
	e.Lines[1].Priced = &Priced{By: "gold 2026-01", Steps: []PricedStep{{Rule: RuleCaseRate, Amount: 90_00, Words: "x"}}}
	if d, err := Adjudicate(c, p, e); err != nil || pends(d) != "1 denial-needs-person" || d.Pends[0].By != "2026-05-01" {
		t.Errorf("got %+v, %v", d, err)
	}
	if got := e.Covered(&c.Lines[0]); got != 800_00 {
		t.Errorf("covered %s, want 800.00", got)
	}
	appeal := credentials.Handle{5}
	e.Appeals = []Determination{{Subject: e.Submission, Number: 1, Approve: true, Appeal: &appeal, SetsAside: []SetAside{{1, CARCExcluded}}}}
	if got := e.Covered(&c.Lines[0]); got != 900_00 {
		t.Errorf("after the appeal %s, want 900.00", got)
	}
}

// TestDivide: parts that sum up to the whole, none above its weight while the whole is
// not above all of theirs.
func TestDivide(t *testing.T) {
	for _, tt := range []struct {
		amount  Cents
		weights []Cents
		want    []Cents
	}{
		{10, []Cents{1, 1, 1}, []Cents{4, 3, 3}},
		{5, []Cents{0, 0}, []Cents{5, 0}},
		{0, []Cents{3}, []Cents{0}},
		{-1, []Cents{3}, []Cents{0}},
		{7, nil, []Cents{}},
		{1, []Cents{1, 2}, []Cents{0, 1}},
	} {
		got := Divide(tt.amount, tt.weights)
		for i := range got {
			if len(got) != len(tt.want) || got[i] != tt.want[i] {
				t.Errorf("%s among %v: got %v, want %v", tt.amount, tt.weights, got, tt.want)
			}
		}
	}
}
