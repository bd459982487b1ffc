package oracle

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// goldPlanLater is what the claims in golden_later_*_test.go are calculated under,
// by the prices of testdata/gold.csv: ten dollars a relative value unit.
const goldPlanLater = `schema: countersign/plan/1
name: gold
edition: 2026-01
rules: rules/2
pendDays: 30
effective: {from: 2022-01-01, to: 2027-12-31}
timezone: America/Chicago
feeSchedule: fees
timelyFilingDays: 90
deductible: {individual: 100.00, family: 150.00}
outOfPocketMax: {individual: 300.00, family: 500.00}
coinsurance: 20%
machineDenials: [4, 5, 6, 7, 11, 15, 18, 26, 27, 29, 31, 54, 96, 97, 107, 109, 119, 167, 197, 198, 200, 242, B7]
payerIds: [P]
filingExtensions:
  - {from: 2026-01-10, to: 2026-01-20, until: 2026-09-30, source: flood}
providers:
  excluded: [{npi: 1234567893, from: 2026-05-10, to: 2026-05-12}, {npi: 2234567891, from: 2026-06-10, to: 2026-06-10}]
  contracted: [{npi: 2234567891, from: 2022-01-01, to: 2026-11-30}]
benefitLimits:
  - {name: therapy, codes: [97110-97140], per: year, units: 4}
  - {name: chest, codes: [71046], per: day, units: 2}
conditions:
  - {codes: [70551], ages: {from: 18, to: 65}}
  - {codes: [93970], ages: {to: 65}, sex: M, from: 2026-03-01, to: 2026-03-31}
  - {codes: [92134], diagnoses: [G47]}
  - {codes: [92250], noDiagnoses: [R06]}
  - {codes: [99231], places: ["21"]}
  - {codes: [64483], modifiers: [RT, LT, "80"], needsModifier: [RT, LT]}
addOns:
  - {codes: [64484], primary: [64483]}
globalSurgery: {included: [99213], before: ["57"], sameDay: ["25", "57"], after: ["24"]}
contracts:
  - {name: laboratory, codes: [80053], percentOfCharge: 62.5%}
  - {name: case, codes: [20610-20611], from: 2026-02-01, to: 2026-03-31, caseRate: 100.00}
  - {name: stay, codes: [99221-99223], perDiem: [{fromDay: 1, amount: 90.00}, {fromDay: 3, amount: 70.01}]}
  - {name: reading, codes: [74170], percentOfFees: 110%}
terms:
  - {name: dear, when: 'line.cents > 60000', then: authorize, note: dear}
  - {name: child, when: 'line.code == "72148" && member.age < 18', then: review, note: child}
  - {name: back, when: 'line.code.startsWith("971") && !line.diagnoses.exists(d, d.startsWith("M54"))', then: exclude, note: back}
`

// TestGoldenLater holds rules/2 to claims that were calculated by hand and checked
// by hand: one below, at and above the turn of each rule. The working stands above
// each. The ordinary case is that of TestGolden, for a patient born in 1986, with
// doctor B licensed too.
func TestGoldenLater(t *testing.T) {
	all := slices.Concat(goldenLaterDays, goldenLaterRepeats, goldenLaterConditions, goldenLaterLimits, goldenLaterSurgery, goldenLaterContracts,
		goldenLaterRanks, goldenLaterTests, goldenLaterPersons, goldenWithheld)
	t.Logf("%d golden claims", len(all))
	var answers strings.Builder
	for _, g := range all {
		answers.WriteString(strings.Join(g.want, " ") + " ")
	}
	for _, what := range slices.Concat(slices.Collect(maps.Values(groupsLater)), []string{"CO-18", "CO-29", "CO-45", "CO-59", "CO-253", "CO-B7", "CO-197",
		"OA-96/N130", "PR-1", "PR-2", "near-duplicate", "plan-term", "patient-unknown", "price-unknown"}) {
		if !strings.Contains(answers.String(), what+" ") {
			t.Errorf("no golden claim has %s", what)
		}
	}
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			w := goldLaterWorld(t, g)
			d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := inShort(d), strings.Join(g.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if got, want := ofOracle(w, decideLater(w)), ofEngine(d); got != want {
				t.Errorf("the oracle disagrees: got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func goldLaterWorld(t *testing.T, g golden) *world {
	w := goldWorld(t, g.lines...)
	var err error
	if w.plan, err = claims.ParsePlan([]byte(goldPlanLater)); err != nil {
		t.Fatal(err)
	}
	w.fees, w.books = nil, medicare(t, "testdata/gold.csv", 100)
	w.books.recorded = map[int]credentials.Date{}
	w.claim.Subscriber.Birth, w.claim.Subscriber.Sex = "1986-03-02", "F"
	w.claim.Diagnoses = []string{"M545", "R0683", "G4733"}
	w.licenses = append(w.licenses, credentials.License{Handle: credentials.Handle{2}, NPI: doctorB, Jurisdiction: "CA", Profession: "MD",
		From: "2021-03-01", Until: "2026-12-31"})
	if g.with != nil {
		g.with(w)
	}
	if w.books.written, err = terms.Compile(w.plan); err != nil {
		t.Fatal(err)
	}
	return w
}

// What may differ from the ordinary case.

// nothingOwed: the patient has reached every limit, so that what is allowed is paid.
func nothingOwed(w *world) {
	for _, year := range []string{"2022", "2026"} {
		w.met[year] = claims.Accumulators{DeductibleIndividual: 100_00, DeductibleFamily: 150_00, OutOfPocketPerson: 300_00, OutOfPocketFamily: 500_00}
	}
}

// recorded: coverage of the first line was written down on a day.
func recorded(day credentials.Date) func(*world) {
	return func(w *world) { w.books.recorded[1] = day }
}

// paidFor is billed, and paid.
func paidFor(line string, edit func(*earlierLine)) func(*world) {
	return billed(line, func(e *earlierLine) {
		if e.paid = true; edit != nil {
			edit(e)
		}
	})
}

func patient(birth credentials.Date, sex string) func(*world) {
	return func(w *world) { w.claim.Subscriber.Birth, w.claim.Subscriber.Sex = birth, sex }
}

func refusedBy(w *world) { w.refused = true }

// withheld has sequestration taken off, for services of 2022 on.
func withheld(w *world) {
	w.plan.Sequestration = true
	w.covered = []claims.Coverage{{From: "2020-01-01"}}
	for i := range w.licenses {
		w.licenses[i].From = "2020-01-01"
	}
}

// aList prices by a list instead of by values.
func aList(rows string) func(*world) {
	return func(w *world) {
		f, err := pricing.ParseFees([]byte("code,modifier,place_class,amount\n" + rows))
		if err != nil {
			panic(err)
		}
		w.books.edition, w.books.values = f, nil
		for _, row := range strings.Fields(rows) {
			c := strings.Split(row, ",")
			w.fees = append(w.fees, feeRow{c[0], c[1], c[2], money(c[3])})
		}
	}
}
