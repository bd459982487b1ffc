package claims

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// planText is the edition that the golden cases are calculated under.
const planText = `schema: countersign/plan/1
name: gold
edition: 2026-01
rules: rules/1
effective: {from: 2025-01-01, to: 2027-12-31}
timezone: America/Chicago
feeSchedule: fees
timelyFilingDays: 90
deductible: {individual: 100.00, family: 150.00}
outOfPocketMax: {individual: 300.00, family: 500.00}
coinsurance: 20%
services:
  - {name: visits, codes: [99213], copay: 25.00, deductibleWaived: true, coinsurance: 0%}
  - {name: therapy, codes: [97110], copay: 20.00}
  - {name: laboratory, codes: [80053], deductibleWaived: true, coinsurance: 12.5%}
exclusions: [15824]
authorization:
  required: [72148, 97110]
  approveByRule: [{codes: [72148], maxUnits: 2}]
machineDenials: [15, 18, 26, 27, 29, 31, 96, 197, 198, 200, B7]
`

// goldPlan is planText, with some of its text replaced.
func goldPlan(t testing.TB, oldNew ...string) *Plan {
	t.Helper()
	p, err := ParsePlan([]byte(strings.NewReplacer(oldNew...).Replace(planText)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// planText2 is planText under rules/2, with each of its terms. Golden cases take
// away or change what they are not about.
var planText2 = strings.NewReplacer("rules: rules/1", "rules: rules/2", "31, 96,", "4, 5, 6, 7, 11, 31, 54, 96, 97, 107, 109, 119, 167, 242,").Replace(planText) + `pendDays: 30
payerIds: [P]
filingExtensions:
  - {from: 2026-01-01, to: 2026-01-31, until: 2026-09-30, source: flood}
providers:
  excluded: [{npi: 1234567893, from: 2026-05-01, to: 2026-05-31}]
  contracted: [{npi: 1000000004, from: 2026-01-01}]
benefitLimits:
  - {name: therapy, codes: [97110], per: year, units: 20}
  - {name: ankle images, codes: [73610], per: day, units: 2}
conditions:
  - {codes: [99381], ages: {to: 0}}
  - {codes: [77067], sex: F, to: 2026-06-30}
  - {codes: [95810], diagnoses: [G47]}
  - {codes: [95811], noDiagnoses: [R06]}
  - {codes: [99284], places: ["23"]}
  - {codes: [64483], modifiers: [RT, LT], needsModifier: [RT, LT]}
addOns:
  - {codes: [99417], primary: [99205, 99215]}
globalSurgery: {included: [99202-99215, 99284], before: ["57"], sameDay: ["25", "57"], after: ["24"]}
`

// plan2 is planText2, with some of its text replaced.
func plan2(t testing.TB, oldNew ...string) *Plan {
	t.Helper()
	p, err := ParsePlan([]byte(strings.NewReplacer(oldNew...).Replace(planText2)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// case2 is aCase under planText2: nothing used of any limit, billed by who has a
// contract.
func case2(p *Plan, lines ...aLine) (*Claim, *Evidence) {
	c, e := aCase(p, lines...)
	c.Billing.NPI = "1000000004"
	use(c, p, e)
	return c, e
}

// use says that nothing was used of the limits that the lines count in.
func use(c *Claim, p *Plan, e *Evidence) {
	for _, l := range p.BenefitLimits {
		for i := range c.Lines {
			period := l.Per.Of(c.Lines[i].From)
			if l.Codes.Has(c.Lines[i].Code) && e.used(l.Name, period) == nil {
				e.Used = append(e.Used, UsedFact{Limit: l.Name, Period: period})
			}
		}
	}
}

const drA = credentials.NPI("1234567893")

var licensed = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}

// aLine is one unit of a code that costs charge, with the schedule's fee.
type aLine struct {
	code   string
	charge Cents
	fee    Cents // below zero: the schedule has none
	units  Quantity
	on     credentials.Date
}

// aCase is a claim of the lines and evidence of a known, covered member who has
// met nothing, seen by a licensed clinician in Illinois.
func aCase(p *Plan, lines ...aLine) (*Claim, *Evidence) {
	c := &Claim{
		Number: "C1", Frequency: Original, Place: "11", ServiceState: "IL", Payer: Payer{ID: "P"},
		Billing: Provider{NPI: "2234567891", Organization: true}, Rendering: &Provider{NPI: drA, Name: "A"},
		Subscriber: Person{MemberID: "M1", Last: "X"}, Diagnoses: []string{"M545"},
	}
	e := &Evidence{
		Submission: credentials.Handle{1}, Number: 1, Received: "2026-04-01", Plan: p.Ref(),
		Fees:         EditionRef{Name: p.FeeSchedule, Edition: "2026-01"},
		Member:       MemberFact{Found: true, Matches: true, Coverage: []Coverage{{From: "2025-01-01"}}},
		Accumulators: []Accumulators{{Period: "2026"}},
	}
	for i, l := range lines {
		if l.units == 0 {
			l.units = 1000
		}
		if l.on == "" {
			l.on = "2026-03-02"
		}
		c.Lines = append(c.Lines, Line{
			Number: i + 1, Code: l.code, Charge: l.charge, Unit: "UN", Units: l.units, Pointers: []int{1}, From: l.on, To: l.on,
		})
		f := LineFact{Line: i + 1, Standing: StandingFact{NPI: drA, State: "IL", On: l.on, Standing: licensed, Fresh: true}}
		if l.fee >= 0 {
			f.Fee = &l.fee
		}
		e.Lines = append(e.Lines, f)
		c.Charge += l.charge
	}
	return c, e
}

// authorize gives a line an approved authorization.
func authorize(c *Claim, e *Evidence, line int, left Quantity) *AuthorizationFact {
	c.Lines[line].Authorization = "AUTH-1"
	e.Lines[line].Authorization = &AuthorizationFact{
		Number: "AUTH-1", Handle: credentials.Handle{7}, Found: true, Outcome: AuthorizationApproved, Matches: true,
		From: "2026-01-01", Until: "2026-12-31", Left: left,
	}
	return e.Lines[line].Authorization
}

// adjustments of a line as text: "CO-45 10.00, PR-1 90.00".
func adjustments(l LineDecision) string {
	var all []string
	for _, a := range l.Adjustments {
		carc := a.CARC
		if a.RARC != "" {
			carc += "/" + a.RARC
		}
		all = append(all, fmt.Sprintf("%s-%s %s", a.Group, carc, a.Amount))
	}
	return strings.Join(all, ", ")
}

// pends of a decision as text: "1 standing-unknown".
func pends(d *Decision) string {
	var all []string
	for _, p := range d.Pends {
		all = append(all, fmt.Sprintf("%d %s", p.Line, p.Reason))
	}
	return strings.Join(all, ", ")
}
