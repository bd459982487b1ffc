package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// goldPlan is what the claims in golden_*_test.go are calculated under.
const goldPlan = `schema: countersign/plan/1
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
authorization: {required: [72148, 97110]}
machineDenials: [15, 18, 26, 27, 29, 31, 96, 197, 198, 200, B7]
`

// goldFees: a visit is dearer in the office; 26 is the reading of a picture.
const goldFees = `code,modifier,place_class,amount
99213,,non-facility,90.00
99213,,facility,65.00
73610,,,150.00
71046,,,80.00
80053,,,14.52
97110,,,32.50
72148,,,420.00
72148,26,,110.05
15824,,,900.00
36415,,,0.33
`

// A golden claim is written as its lines and what differs from an ordinary
// case: a member covered since 2025 who has met nothing this year, seen in the
// office on 2026-03-02 by doctor A, licensed in California from 2021-03-01 to
// 2026-12-31, the claim received on 2026-04-01.
type golden struct {
	name  string
	lines []string // "99213-25 120.00 x1.5 2026-03-02..2026-03-04 auth"
	with  func(w *world)
	want  []string // a line each: adjustments, then what is paid; or what it waits for
}

func TestGolden(t *testing.T) {
	all := slices.Concat(goldenDates, goldenLicenses, goldenShares, goldenAmounts, goldenDuplicates, goldenAuthorizations, goldenOrder)
	if len(all) < 60 {
		t.Errorf("%d golden claims; want 60", len(all))
	}
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			w := goldWorld(t, g.lines...)
			if g.with != nil {
				g.with(w)
			}
			d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := inShort(d), strings.Join(g.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if got, want := ofOracle(w, decide(w)), ofEngine(d); got != want {
				t.Errorf("the oracle disagrees: got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func inShort(d *claims.Decision) string {
	var all []string
	for _, p := range d.Pends {
		all = append(all, fmt.Sprintf("%d waits: %s", p.Line, p.Reason))
	}
	for _, l := range d.Lines {
		if d.Outcome == claims.Pended {
			break
		}
		parts := []string{}
		for _, a := range l.Adjustments {
			parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%s-%s/%s", a.Group, a.CARC, a.RARC), "/")+" "+a.Amount.String())
		}
		all = append(all, strings.Join(append(parts, "pays "+l.Paid.String()), ", "))
	}
	return strings.Join(all, "\n")
}

func goldWorld(t *testing.T, lines ...string) *world {
	plan, err := claims.ParsePlan([]byte(goldPlan))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		plan: plan, received: "2026-04-01", found: true, matches: true, fresh: true, met: map[string]claims.Accumulators{},
		covered: []claims.Coverage{{From: "2025-01-01"}},
		licenses: []credentials.License{{Handle: credentials.Handle{1}, NPI: doctorA, Jurisdiction: "CA", Profession: "MD",
			From: "2021-03-01", Until: "2026-12-31"}},
		claim: &claims.Claim{Number: "G1", Frequency: claims.Original, Place: "11", ServiceState: "CA", Payer: claims.Payer{ID: "P"},
			Billing: claims.Provider{NPI: hospital, Organization: true}, Rendering: &claims.Provider{NPI: doctorA},
			Subscriber: claims.Person{MemberID: "M1", Last: "X"}, Diagnoses: []string{"M545"}},
	}
	if w.feeFile, err = claims.ParseFees([]byte(goldFees)); err != nil {
		t.Fatal(err)
	}
	for _, row := range strings.Split(goldFees, "\n")[1:] {
		if f := strings.Split(row, ","); len(f) == 4 {
			w.fees = append(w.fees, feeRow{f[0], f[1], f[2], money(f[3])})
		}
	}
	for i, text := range lines {
		l := goldLine(text)
		l.Number = i + 1
		w.claim.Lines = append(w.claim.Lines, l)
		w.claim.Charge += l.Charge
	}
	return w
}

func goldLine(text string) claims.Line {
	f := strings.Fields(text)
	modifiers := strings.Split(f[0], "-")
	l := claims.Line{Code: modifiers[0], Modifiers: modifiers[1:], Charge: money(f[1]), Unit: "UN", Units: 1000, From: "2026-03-02", Pointers: []int{1}}
	for _, part := range f[2:] {
		from, to, several := strings.Cut(part, "..")
		switch {
		case part == "auth":
			l.Authorization = "AUTH"
		case part == "byB":
			l.Rendering = &claims.Provider{NPI: doctorB}
		case strings.HasPrefix(part, "dx"):
			l.Pointers = []int{int(part[2] - '0')}
		case strings.HasPrefix(part, "x"):
			l.Units = units(part[1:])
		case strings.HasPrefix(part, "at"):
			l.Place = part[2:]
		case several:
			l.From, l.To = credentials.Date(from), credentials.Date(to)
		case len(part) == 10:
			l.From = credentials.Date(part)
		default:
			panic(part)
		}
	}
	l.To = max(l.To, l.From)
	return l
}

// money and units panic on what cannot be read: these are our own tables.
func money(s string) claims.Cents {
	c, err := claims.ParseCents(s)
	if err != nil {
		panic(err)
	}
	return c
}

func units(s string) claims.Quantity {
	q, err := claims.ParseQuantity(s)
	if err != nil {
		panic(err)
	}
	return q
}

// What may differ from the ordinary case.

func coverage(periods ...claims.Coverage) func(*world) {
	return func(w *world) { w.covered = periods }
}

func received(day credentials.Date) func(*world) { return func(w *world) { w.received = day } }

// met this year: deductible of the person and the family, then out of pocket.
func met(deductible, deductibleFamily, out, outFamily string) func(*world) {
	return func(w *world) {
		w.met["2026"] = claims.Accumulators{DeductibleIndividual: money(deductible), DeductibleFamily: money(deductibleFamily),
			OutOfPocketPerson: money(out), OutOfPocketFamily: money(outFamily)}
	}
}

// ordered by the board: an action upon the license, from a day on. A second
// order of a case is upon the first.
func ordered(action credentials.OrderAction, day string, until credentials.Date) func(*world) {
	return func(w *world) {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			panic(err)
		}
		o := credentials.Order{Handle: credentials.Handle{byte(11 + len(w.orders))}, License: credentials.Handle{1}, Action: action,
			Effective: at, Until: until, Reason: "board-reason"}
		switch action {
		case credentials.OrderRestrict:
			o.Restrictions = []string{"supervised"}
		case credentials.OrderReinstate, credentials.OrderVoid:
			o.Upon = []credentials.Handle{w.orders[0].Handle}
		}
		if err := o.Check(); err != nil {
			panic(err)
		}
		w.orders = append(w.orders, o)
	}
}

// billed before: a line on an earlier claim.
func billed(line string, edit func(*earlierLine)) func(*world) {
	return func(w *world) {
		e := earlierLine{line: goldLine(line), billing: hospital, renderer: doctorA}
		if edit != nil {
			edit(&e)
		}
		w.earlier = append(w.earlier, e)
	}
}

// authorized for doctor A under the number AUTH, for all of March.
func authorized(code, left string, edit func(*authorization)) func(*world) {
	return func(w *world) {
		a := authorization{number: "AUTH", code: code, npi: doctorA, outcome: claims.AuthorizationApproved,
			from: "2026-03-01", until: "2026-03-31", left: units(left), handle: credentials.Handle{20}}
		if edit != nil {
			edit(&a)
		}
		w.authorizations = append(w.authorizations, a)
	}
}

func approved(w *world) { w.approved = true }

func also(all ...func(*world)) func(*world) {
	return func(w *world) {
		for _, f := range all {
			f(w)
		}
	}
}

// TestGoldenReachesEachCode keeps the claims on every reason that rules/1 gives.
func TestGoldenReachesEachCode(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range slices.Concat(goldenDates, goldenLicenses, goldenShares, goldenAmounts, goldenDuplicates, goldenAuthorizations, goldenOrder) {
		for _, what := range strings.FieldsFunc(strings.Join(g.want, " "), func(r rune) bool { return r == ' ' || r == ',' }) {
			seen[what] = true
		}
	}
	for _, what := range slices.Sorted(maps.Values(groups)) {
		if !seen[what] {
			t.Errorf("no golden claim has %s", what)
		}
	}
}
