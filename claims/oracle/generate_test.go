package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A maker draws worlds. Every day that a rule turns on is drawn with the days
// beside it, and every amount with a cent more and less.
type maker struct {
	*rand.Rand
	plans   []*claims.Plan
	feeFile *claims.Fees
}

const (
	hospital = credentials.NPI("2234567891")
	doctorA  = credentials.NPI("1234567893")
	doctorB  = credentials.NPI("1999999992")
)

// feeRows have amounts at which percentages leave half cents.
var feeRows = []feeRow{
	{"99213", "", claims.NonFacility, 90_01}, {"99213", "", claims.Facility, 65_33}, {"99213", "", "", 70_00},
	{"72148", "", "", 420_00}, {"72148", "26", "", 110_05}, {"72148", "TC", claims.Facility, 310_02},
	{"97110", "", "", 32_50}, {"80053", "", "", 14_55}, {"12001", "", claims.NonFacility, 210_03},
	{"73610", "", "", 145_07}, {"15824", "", "", 900_00}, {"36415", "", "", 1},
}

var codes = []string{"99213", "99213", "72148", "97110", "80053", "12001", "73610", "15824", "36415", "77777"}

var allDenials = []string{"15", "18", "26", "27", "29", "31", "96", "197", "198", "200", "B7"}

func newMaker(t testing.TB) *maker {
	m := &maker{Rand: rand.New(rand.NewPCG(6, 2000))}
	var csv strings.Builder
	csv.WriteString("code,modifier,place_class,amount\n")
	for _, r := range feeRows {
		fmt.Fprintf(&csv, "%s,%s,%s,%s\n", r.code, r.modifier, r.class, r.amount)
	}
	var err error
	if m.feeFile, err = claims.ParseFees([]byte(csv.String())); err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		m.plans = append(m.plans, m.makePlan(t, i))
	}
	return m
}

func pick[T any](m *maker, of ...T) T { return of[m.IntN(len(of))] }

func (m *maker) one(in int) bool { return m.IntN(in) == 0 }

func (m *maker) makePlan(t testing.TB, i int) *claims.Plan {
	deductible := pick(m, "{individual: 0.00, family: 0.00}", "{individual: 100.00, family: 150.01}", "{individual: 250.00, family: 250.00}")
	out := pick(m, "{individual: 250.00, family: 300.00}", "{individual: 300.01, family: 600.00}", "{individual: 3000.00, family: 6000.00}")
	share := pick(m, "", "shareOfCharges: 60%\n", "shareOfCharges: 33.33%\n")
	denials := allDenials
	if i%4 == 3 {
		drop := m.IntN(len(allDenials))
		denials = append(append([]string{}, allDenials[:drop]...), allDenials[drop+1:]...)
	}
	p, err := claims.ParsePlan(fmt.Appendf(nil, `schema: countersign/plan/1
name: plan-%d
edition: 2026-01
rules: rules/1
effective: {from: 2025-07-01, to: 2027-06-30}
timezone: America/New_York
feeSchedule: fees
timelyFilingDays: %d
deductible: %s
outOfPocketMax: %s
coinsurance: %s
services:
  - {name: visits, codes: [99202-99215], copay: 25.00, deductibleWaived: true, coinsurance: 0%%}
  - {name: laboratory, codes: [80047-89398], deductibleWaived: true, coinsurance: 12.5%%}
  - {name: therapy, codes: [97110-97546], copay: %s}
exclusions: [15820-15829]
authorization:
  required: [72141-72158, 97110]
  approveByRule: [{codes: [72148], maxUnits: 2}]
%smachineDenials: [%s]
`, i, pick(m, 90, 180, 365), deductible, out, pick(m, "20%", "12.5%", "33.33%", "100%", "0%"), pick(m, "20.00", "40.00", "0.00"),
		share, strings.Join(denials, ", ")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// world draws the next one. Most things are in order, so that most lines come
// as far as the money.
func (m *maker) world() *world {
	w := &world{
		plan: pick(m, m.plans...), fees: feeRows, feeFile: m.feeFile, found: !m.one(60), matches: !m.one(60),
		fresh: !m.one(40), approved: m.one(6), met: map[string]claims.Accumulators{},
	}
	w.refused = !w.approved && m.one(8)
	w.covered = pick(m, []claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01"}},
		[]claims.Coverage{{From: "2026-03-01", Until: "2026-09-30"}},
		[]claims.Coverage{{From: "2026-09-01"}, {From: "2025-01-01", Until: "2026-07-31"}},
		[]claims.Coverage{{From: "2025-01-01", Until: "2026-06-30"}, {From: "2026-07-01"}})
	m.board(w)
	m.claim(w)
	w.received = m.received(w)
	for _, period := range []string{"2025", "2026", "2027"} {
		w.met[period] = m.accumulators(w.plan)
	}
	return w
}

// board licenses both clinicians and orders something now and then.
func (m *maker) board(w *world) {
	w.licenses = []credentials.License{
		{Handle: credentials.Handle{1}, NPI: doctorA, Jurisdiction: "CA", Profession: "MD", From: "2020-01-01", Until: "2028-12-31"},
		{Handle: credentials.Handle{2}, NPI: doctorB, Jurisdiction: "CA", Profession: "MD", From: "2026-02-10", Until: "2026-10-20"},
		{Handle: credentials.Handle{3}, NPI: doctorB, Jurisdiction: "NV", Profession: "MD", From: "2020-01-01", Until: "2028-12-31"},
	}
	order := func(n byte, action credentials.OrderAction, day string, until credentials.Date, upon ...credentials.Handle) {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			panic(err)
		}
		w.orders = append(w.orders, credentials.Order{Handle: credentials.Handle{n}, License: credentials.Handle{1}, Action: action,
			Effective: at, Until: until, Reason: "board-reason", Upon: upon})
		if action == credentials.OrderRestrict {
			w.orders[len(w.orders)-1].Restrictions = []string{"supervised"}
		}
		if err := w.orders[len(w.orders)-1].Check(); err != nil {
			panic(err)
		}
	}
	switch m.IntN(14) {
	case 0:
		order(11, credentials.OrderRevoke, "2026-05-15", "")
	case 1:
		order(11, credentials.OrderSuspend, "2026-05-15", "2026-06-14")
	case 2:
		order(11, credentials.OrderSuspend, "2026-05-15", "")
		order(12, credentials.OrderReinstate, "2026-06-15", "", credentials.Handle{11})
	case 3:
		order(11, credentials.OrderRevoke, "2026-05-15", "")
		order(12, credentials.OrderVoid, "2026-05-15", "", credentials.Handle{11})
	case 4:
		order(11, credentials.OrderRestrict, "2026-05-15", "2026-06-14")
	case 5:
		w.licenses[0].Until = "2026-05-14"
		if m.one(2) {
			order(11, credentials.OrderRenew, pick(m, "2026-05-15", "2026-05-16"), "2027-05-14")
		}
	}
}

// turns are days on which some rule turns.
var turns = []credentials.Date{"2025-07-01", "2025-12-31", "2026-01-01", "2026-02-10", "2026-03-01", "2026-05-15", "2026-05-15", "2026-06-15",
	"2026-06-30", "2026-07-31", "2026-09-01", "2026-09-30", "2026-10-20", "2027-06-30"}

func (m *maker) day() credentials.Date {
	if m.one(2) {
		return pick(m, turns...).AddDays(m.IntN(3) - 1)
	}
	return credentials.Date("2026-03-02").AddDays(m.IntN(200))
}
