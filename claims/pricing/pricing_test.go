package pricing

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// feesText is an edition of our own at ten dollars a relative value unit and
// indices of 1, so that amounts can be worked in the head.
const feesText = `# codes and values of our own
countersign/fee-rules/1,locality,work_gpci,pe_gpci,malpractice_gpci,percent
,01112-05,1.000,1.000,1.000,100%
code,modifier,status,not_medicare,work,nonfacility_pe,facility_pe,malpractice,pc_tc,global,multiple_procedure,bilateral,assistant,co_surgeon,team,endoscopic_base,factor,imaging_family,cap_nonfacility_pe,cap_facility_pe,cap_malpractice,nonfacility_amount,facility_amount
97110,,A,,3.00,1.00,1.00,0.00,0,XXX,5,0,9,9,9,,10.0000,99,0.00,0.00,0.00,40.00,40.00
99213,,A,,6.00,4.00,3.00,0.00,0,XXX,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,100.00,90.00
S0001,,A,,40.00,40.00,30.00,0.00,0,090,2,1,2,2,1,,10.0000,99,0.00,0.00,0.00,800.00,700.00
S0002,,A,,10.00,20.00,20.00,0.00,0,010,2,0,1,1,0,,10.0000,99,0.00,0.00,0.00,300.00,300.00
S0003,,C,,0.00,0.00,0.00,0.00,0,YYY,2,0,1,1,0,,10.0000,99,0.00,0.00,0.00,,
`

// planText shares no cost, so that what is allowed is what is paid.
const planText = `schema: countersign/plan/1
name: gold
edition: 2026-01
rules: rules/2
effective: {from: 2010-01-01, to: 2027-12-31}
timezone: America/Chicago
feeSchedule: fees
timelyFilingDays: 90
deductible: {individual: 0.00, family: 0.00}
outOfPocketMax: {individual: 0.00, family: 0.00}
coinsurance: 0%
exclusions: [99213]
machineDenials: [4, 54, 96, B7]
pendDays: 30
`

func plan(t *testing.T, more string) *claims.Plan {
	t.Helper()
	p, err := claims.ParsePlan([]byte(planText + more))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fees(t *testing.T, text string) *Fees {
	t.Helper()
	f, err := ParseFees([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const drA, drB = credentials.NPI("1234567893"), credentials.NPI("1245319599")

// aLine is one unit of a code: "S0001-50".
type aLine struct {
	code   string
	charge claims.Cents
	units  claims.Quantity
	on     credentials.Date
	by     credentials.NPI
}

func aCase(p *claims.Plan, f *Fees, lines ...aLine) (*claims.Claim, *claims.Evidence) {
	c := &claims.Claim{
		Number: "C1", Frequency: claims.Original, Place: "11", ServiceState: "IL", Billing: claims.Provider{NPI: "1000000004", Organization: true},
		Subscriber: claims.Person{MemberID: "M1"}, Diagnoses: []string{"M545"},
	}
	e := &claims.Evidence{
		Submission: credentials.Handle{1}, Number: 1, Received: "2026-04-01", Plan: p.Ref(), Fees: f.Ref("fees", "2026-01"),
		Member:       claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "2010-01-01"}}},
		Accumulators: []claims.Accumulators{{Period: "2026"}},
	}
	for i, l := range lines {
		code, modifiers, _ := strings.Cut(l.code, "-")
		if l.units == 0 {
			l.units = 1000
		}
		if l.on == "" {
			l.on = "2026-03-02"
		}
		if l.by == "" {
			l.by = drA
		}
		line := claims.Line{Number: i + 1, Code: code, Charge: l.charge, Unit: "UN", Units: l.units, Pointers: []int{1}, From: l.on, To: l.on,
			Rendering: &claims.Provider{NPI: l.by}, Modifiers: strings.FieldsFunc(modifiers, func(r rune) bool { return r == '-' })}
		c.Lines = append(c.Lines, line)
		c.Charge += l.charge
		e.Lines = append(e.Lines, claims.LineFact{Line: i + 1, Standing: claims.StandingFact{
			NPI: l.by, State: "IL", On: l.on, Fresh: true, Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed},
		}})
	}
	return c, e
}

// decide prices and adjudicates, and writes down what comes off each line, and
// what is paid.
func decide(t *testing.T, p *claims.Plan, f *Fees, c *claims.Claim, e *claims.Evidence) string {
	t.Helper()
	if err := f.Complete(c, p, e); err != nil {
		t.Fatal(err)
	}
	file, _, err := claims.SealEvidence(e, credentials.Handle{9})
	if err != nil {
		t.Fatal(err)
	}
	read, _, err := claims.OpenEvidence[claims.Evidence](file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := claims.Adjudicate(c, p, read)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range d.Lines {
		s := ""
		for _, a := range l.Adjustments {
			s += fmt.Sprintf("%s-%s %s ", a.Group, a.CARC, a.Amount)
		}
		all = append(all, s+l.Paid.String())
	}
	if d.Outcome == claims.Pended {
		all = nil
		for _, w := range d.Pends {
			all = append(all, fmt.Sprintf("%d %s", w.Line, w.Reason))
		}
	}
	return strings.Join(all, "; ")
}

// TestDecisions are golden: calculated by hand from the amounts above.
func TestDecisions(t *testing.T) {
	surgery, lesser := aLine{code: "S0001", charge: 1000_00}, aLine{code: "S0002", charge: 500_00}
	contract := func(terms string) string { return "contracts: [{name: C, " + terms + "}]\n" }
	tests := []struct {
		name, plan string
		lines      []aLine
		with       func(c *claims.Claim, e *claims.Evidence)
		want       string
	}{
		{"one surgery", "", []aLine{surgery}, nil, "CO-45 200.00 800.00"},
		{"in a hospital", "", []aLine{surgery}, func(c *claims.Claim, e *claims.Evidence) { c.Place = "22" }, "CO-45 300.00 700.00"},
		// 300 ranks second: half of it. 500-300 is written off, 150 is reduced.
		{"two surgeries", "", []aLine{lesser, surgery}, nil, "CO-45 200.00 CO-59 150.00 150.00; CO-45 200.00 800.00"},
		{"on two days", "", []aLine{lesser, {code: "S0001", charge: 1000_00, on: "2026-03-03"}}, nil, "CO-45 200.00 300.00; CO-45 200.00 800.00"},
		{"by two clinicians", "", []aLine{lesser, {code: "S0001", charge: 1000_00, by: drB}}, nil, "CO-45 200.00 300.00; CO-45 200.00 800.00"},
		// What is refused takes no rank.
		{"the dearer one refused", "", []aLine{lesser, surgery}, func(c *claims.Claim, e *claims.Evidence) {
			e.Lines[1].Standing.Standing.Answer = credentials.MayNot
		}, "CO-45 200.00 300.00; CO-B7 1000.00 0.00"},
		// 150% of 800.
		{"both sides", "", []aLine{{code: "S0001-50", charge: 1500_00}}, nil, "CO-45 300.00 1200.00"},
		{"both sides, charged less", "", []aLine{{code: "S0001-50", charge: 1000_00}}, nil, "1000.00"},
		// 1200 ranks first; 150% is before ranking.
		{"both sides of one of two", "", []aLine{{code: "S0001-50", charge: 1200_00}, lesser}, nil, "1200.00; CO-45 200.00 CO-59 150.00 150.00"},
		// 16% of 800 is 128: 672 less.
		{"assistant", "", []aLine{{code: "S0001-80", charge: 1000_00}}, nil, "CO-45 200.00 CO-59 672.00 128.00"},
		// 13.6% of 800 is 108.80.
		{"assistant who is no physician", "", []aLine{{code: "S0001-AS", charge: 1000_00}}, nil, "CO-45 200.00 CO-59 691.20 108.80"},
		{"assistant, charged little", "", []aLine{{code: "S0001-80", charge: 100_00}}, nil, "100.00"},
		{"no assistant is paid", "", []aLine{{code: "S0002-80", charge: 500_00}}, nil, "CO-54 500.00 0.00"},
		// 62.5% of 800 is 500.
		{"one of two surgeons", "", []aLine{{code: "S0001-62", charge: 1000_00}}, nil, "CO-45 200.00 CO-59 300.00 500.00"},
		{"two surgeons on documents", "", []aLine{{code: "S0002-62", charge: 500_00}}, nil, "1 price-unknown"},
		{"a modifier that does not go with it", "", []aLine{{code: "S0001-TC", charge: 10_00}}, nil, "CO-4 10.00 0.00"},
		// 40 for one unit, 35 for the other: half of 10 practice expense.
		{"two units of therapy", "", []aLine{{code: "97110", charge: 100_00, units: 2000}}, nil, "CO-45 20.00 CO-59 5.00 75.00"},
		{"a code without a price", "", []aLine{{code: "S0003", charge: 10_00}}, nil, "1 price-unknown"},
		{"a code that the schedule does not have", "", []aLine{{code: "S0009", charge: 10_00}}, nil, "1 price-unknown"},
		{"excluded is not priced", "", []aLine{{code: "99213", charge: 10_00}, lesser}, nil, "OA-96 10.00 0.00; CO-45 200.00 300.00"},
		{"ranked with what was paid before", "", []aLine{lesser}, func(c *claims.Claim, e *claims.Evidence) { e.Lines[0].Ranked = []string{"S0001"} }, "1 price-unknown"},
		{"minutes", "", []aLine{{code: "S0001", charge: 10_00}}, func(c *claims.Claim, e *claims.Evidence) { c.Lines[0].Unit = "MJ" }, "1 price-unknown"},

		// 2% of 800.
		{"sequestration", "sequestration: true\n", []aLine{surgery}, nil, "CO-45 200.00 CO-253 16.00 784.00"},
		// The CARES Act had suspended it (sequestration.csv).
		{"sequestration suspended", "sequestration: true\n", []aLine{{code: "S0001", charge: 1000_00, on: "2021-03-02"}},
			func(c *claims.Claim, e *claims.Evidence) { e.Received, e.Accumulators[0].Period = "2021-04-01", "2021" }, "CO-45 200.00 800.00"},

		{"percent of charge", contract("percentOfCharge: 60%"), []aLine{surgery, lesser}, nil, "CO-45 400.00 600.00; CO-45 200.00 300.00"},
		{"percent of charge of one code", contract("codes: [S0001], percentOfCharge: 60%"), []aLine{surgery, lesser}, nil, "CO-45 400.00 600.00; CO-45 200.00 300.00"},
		{"another's contract", contract("providers: [1234567893], percentOfCharge: 60%"), []aLine{surgery}, nil, "CO-45 200.00 800.00"},
		{"a contract that is over", contract("to: 2026-03-01, percentOfCharge: 60%"), []aLine{surgery}, nil, "CO-45 200.00 800.00"},
		// 120% of 800 and of half of 300. 1000-960; 500-360 and 180 for the rank.
		{"percent of the schedule", contract("percentOfFees: 120%"), []aLine{surgery, lesser}, nil, "CO-45 40.00 960.00; CO-45 140.00 CO-59 180.00 180.00"},
		// 900 in the proportion of 1000 to 500.
		{"case rate", contract("caseRate: 900.00"), []aLine{surgery, lesser}, nil, "CO-45 400.00 600.00; CO-45 200.00 300.00"},
		{"case rate, one line refused", contract("caseRate: 900.00"), []aLine{surgery, {code: "99213", charge: 500_00}}, nil, "CO-45 100.00 900.00; OA-96 500.00 0.00"},
		{"case rate above the charges", contract("caseRate: 9000.00"), []aLine{surgery, lesser}, nil, "1000.00; 500.00"},
		// From 2 to 5 March are three days: 200 + 200 + 100 = 500, of charges of 1000 and 500: 333.33 and 166.67.
		{"by the day", contract("perDiem: [{fromDay: 1, amount: 200.00}, {fromDay: 3, amount: 100.00}]"),
			[]aLine{surgery, {code: "S0002", charge: 500_00, on: "2026-03-05"}}, nil, "CO-45 666.67 333.33; CO-45 333.33 166.67"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, f := plan(t, tt.plan), fees(t, feesText)
			c, e := aCase(p, f, tt.lines...)
			if tt.with != nil {
				tt.with(c, e)
			}
			if got := decide(t, p, f, c, e); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The percentage of the edition is of every step: 110% of 800, and of half of 300.
func TestPercentOfEdition(t *testing.T) {
	text := strings.NewReplacer("1.000,100%", "1.000,110%", "800.00,700.00", "880.00,770.00", "300.00,300.00", "330.00,330.00",
		"100.00,90.00", "110.00,99.00", "40.00,40.00\n", "44.00,44.00\n").Replace(feesText)
	p, f := plan(t, ""), fees(t, text)
	c, e := aCase(p, f, aLine{code: "S0001", charge: 1000_00}, aLine{code: "S0002", charge: 500_00})
	if got, want := decide(t, p, f, c, e), "CO-45 120.00 880.00; CO-45 170.00 CO-59 165.00 165.00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A list of prices is read as before, by either edition of the rules.
func TestList(t *testing.T) {
	f := fees(t, "code,modifier,place_class,amount\nS0001,,,800.00\n")
	for _, tt := range []struct{ plan, want string }{
		{"", "CO-45 200.00 800.00"},
		{"contracts: [{name: C, percentOfFees: 90%}]\n", "CO-45 280.00 720.00"},
	} {
		p := plan(t, tt.plan)
		c, e := aCase(p, f, aLine{code: "S0001", charge: 1000_00})
		if got := decide(t, p, f, c, e); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	p := plan(t, "contracts: [{name: C, percentOfFees: 90%}]\n")
	c, e := aCase(p, f, aLine{code: "S0002", charge: 1000_00})
	if got := decide(t, p, f, c, e); got != "1 price-unknown" {
		t.Errorf("not in the list: got %q", got)
	}
}

// rules/1 reads no payment rules: it has no price rather than half of one.
func TestRules1HasNoPrice(t *testing.T) {
	p, err := claims.ParsePlan([]byte(strings.NewReplacer("rules: rules/2\n", "", "pendDays: 30\n", "", "[4, 54, ", "[").Replace(planText)))
	if err != nil || p.Rules != claims.Rules1 {
		t.Fatal(p, err)
	}
	f := fees(t, feesText)
	c, e := aCase(p, f, aLine{code: "S0001", charge: 1000_00})
	if got := decide(t, p, f, c, e); got != "1 price-unknown" || !reflect.DeepEqual(e.Lines[0], claims.LineFact{Line: 1, Standing: e.Lines[0].Standing}) {
		t.Errorf("got %q, %+v", got, e.Lines[0])
	}
}

func TestRankTogether(t *testing.T) {
	f := fees(t, feesText)
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"S0001", "S0002", true}, {"S0001", "S0001", true}, {"S0001", "97110", false}, {"99213", "99213", false}, {"S0001", "S0009", false}, {"97110", "97110", true}} {
		if got := f.RankTogether(tt.a, tt.b); got != tt.want {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
	if fees(t, "code,modifier,place_class,amount\nS0001,,,800.00\n").RankTogether("S0001", "S0001") {
		t.Error("a list has no ranks")
	}
}

// Completing twice is completing once, and a day without rates has no price.
func TestComplete(t *testing.T) {
	p, f := plan(t, ""), fees(t, feesText)
	c, e := aCase(p, f, aLine{code: "S0002", charge: 500_00}, aLine{code: "S0001", charge: 1000_00})
	once := decide(t, p, f, c, e)
	before := fmt.Sprintf("%+v %+v", *e.Lines[0].Priced, e.Priced)
	if decide(t, p, f, c, e) != once || fmt.Sprintf("%+v %+v", *e.Lines[0].Priced, e.Priced) != before || e.Lines[1].Global != "090" {
		t.Errorf("got %+v", e)
	}
	c, e = aCase(p, f, aLine{code: "S0001", charge: 1000_00, on: "2012-03-02"})
	e.Accumulators[0].Period = "2012"
	e.Received = "2012-04-01"
	if err := f.Complete(c, p, e); err == nil || !strings.Contains(err.Error(), "no rate") {
		t.Errorf("a day without rates: %v", err)
	}
	e.Lines = nil
	if err := f.Complete(c, p, e); err == nil {
		t.Error("a line without facts was priced")
	}
}

// What cannot be priced is an error and leaves nothing to decide on: a stay of more
// than ten years, facts that are not the plan's, a file that is no edition.
func TestNoPrice(t *testing.T) {
	f := fees(t, feesText)
	p := plan(t, "contracts: [{name: stay, perDiem: [{fromDay: 1, amount: 100.00}]}]\n")
	c, e := aCase(p, f, aLine{code: "S0002", charge: 500_00})
	c.Lines[0].From, e.Lines[0].Standing.On = "2015-03-01", "2015-03-01"
	last := e.Lines[0].Standing
	last.On = c.Lines[0].To
	e.Lines[0].StandingLast, e.Accumulators[0].Period = &last, "2015"
	if err := f.Complete(c, p, e); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a stay of ten years: %v", err)
	}
	c, e = aCase(p, f, aLine{code: "S0002", charge: 500_00})
	e.Plan.Edition = "2025-01"
	if err := f.Complete(c, p, e); err == nil || e.Lines[0].Priced != nil {
		t.Errorf("facts of another edition: %v", err)
	}
	p = plan(t, "sequestration: true\n")
	c, e = aCase(p, f, aLine{code: "S0002", charge: 500_00, on: "1960-03-02"})
	if err := f.Complete(c, p, e); err == nil || !strings.Contains(err.Error(), "sequestration") {
		t.Errorf("a day before the law: %v", err)
	}
	if _, err := ParseFees([]byte(strings.Replace(feesText, "800.00", "800.01", 1))); err == nil {
		t.Error("an amount that its row does not come to was read")
	}
	if _, err := ParseFees([]byte(feesText + strings.Repeat("# nothing\n", maxFile/10))); err == nil || !strings.Contains(err.Error(), "large") {
		t.Errorf("a file that is too large: %v", err)
	}
	if got := f.Global("99213"); got != "" {
		t.Errorf("a visit has global days %q", got)
	}
}
