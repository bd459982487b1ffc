package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// A laterMaker draws worlds whose plans are read by rules/2. Fee editions are a
// list or Medicare's rows; every plan leaves some of the features out, so that
// what a check does is not always hidden behind another.
type laterMaker struct {
	*maker
	editions []*books
	fees     [][]feeRow // of each edition
}

var laterDenials = []string{"4", "5", "6", "7", "11", "54", "97", "107", "109", "119", "167", "242"}

func newLaterMaker(t testing.TB) *laterMaker {
	m := &laterMaker{maker: newMaker(t)}
	m.plans = nil
	rows := slices.Concat(feeRows, []feeRow{{"99215", "", "", 180_05}, {"27447", "", "", 1450_33}, {"64483", "", "", 310_00}, {"64484", "", "", 137_31},
		{"10060", "", "", 159_10}, {"70551", "", "", 255_80}})
	var csv strings.Builder
	csv.WriteString("code,modifier,place_class,amount\n")
	for _, r := range rows {
		fmt.Fprintf(&csv, "%s,%s,%s,%s\n", r.code, r.modifier, r.class, r.amount)
	}
	list, err := pricing.ParseFees([]byte(csv.String()))
	if err != nil {
		t.Fatal(err)
	}
	m.editions = []*books{{edition: list}, medicare(t, "testdata/medicare-100.csv", 100), medicare(t, "testdata/medicare-110.csv", 110)}
	m.fees = [][]feeRow{rows, nil, nil}
	for i := range 48 {
		m.plans = append(m.plans, m.laterPlan(t, i))
	}
	return m
}

// some is a text now and then.
func (m *laterMaker) some(in int, text string) string {
	if m.one(in) {
		return text
	}
	return ""
}

func (m *laterMaker) shuffled(texts ...string) (kept []string) {
	for _, i := range m.Perm(len(texts)) {
		if texts[i] != "" {
			kept = append(kept, texts[i])
		}
	}
	return kept
}

func section(name string, rows []string) string {
	if len(rows) == 0 {
		return ""
	}
	return name + ":\n  - " + strings.Join(rows, "\n  - ") + "\n"
}

func (m *laterMaker) laterPlan(t testing.TB, i int) *claims.Plan {
	denials := slices.Concat(allDenials, laterDenials)
	if i%4 == 3 {
		for range 4 {
			drop := m.IntN(len(denials))
			denials = slices.Delete(denials, drop, drop+1)
		}
	}
	text := fmt.Sprintf(`schema: countersign/plan/1
name: plan-%d
edition: 2026-01
rules: rules/2
pendDays: 30
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
  - {name: therapy, codes: [97110-97546], copay: 20.00}
exclusions: [15820-15829]
machineDenials: [%s]
`, i, pick(m.maker, 90, 180, 365), pick(m.maker, "{individual: 0.00, family: 0.00}", "{individual: 100.00, family: 150.01}", "{individual: 250.00, family: 250.00}"),
		pick(m.maker, "{individual: 250.00, family: 300.00}", "{individual: 3000.00, family: 6000.00}"), pick(m.maker, "20%", "12.5%", "33.33%", "100%", "0%"),
		strings.Join(denials, ", "))
	text += m.some(3, "shareOfCharges: 33.33%\n")
	text += m.some(2, "authorization: {required: [70551, 97140], approveByRule: [{codes: [70551], maxUnits: 2}]}\n")
	text += m.some(3, "payerIds: [\"P\"]\n")
	text += m.some(2, "filingExtensions:\n  - {from: 2026-05-15, to: 2026-06-15, until: 2026-10-31, source: flood}\n")
	text += m.some(2, "sequestration: true\n")
	if m.one(2) {
		text += "providers:\n" + m.some(2, fmt.Sprintf("  excluded: [{npi: %s, from: 2026-05-15, to: 2026-06-15}, {npi: %s, from: 2026-09-01}]\n", doctorB, hospital)) +
			fmt.Sprintf("  contracted: [{npi: %s, from: 2025-07-01, to: 2026-07-31}, {npi: %s, from: 2026-08-01}]\n", hospital, hospital)
	}
	text += section("benefitLimits", m.shuffled(m.some(2, "{name: therapy, codes: [97110-97546], per: year, units: 4}"),
		m.some(2, "{name: images, codes: [70000-79999], per: day, units: 2}"), m.some(4, "{name: visits, codes: [99202-99215], per: year, units: 2}")))
	text += section("conditions", m.shuffled(m.some(2, "{codes: [99213], ages: {to: 65}}"), m.some(2, "{codes: [93970], sex: F, from: 2026-01-01, to: 2026-06-30}"),
		m.some(3, "{codes: [97110-97546], diagnoses: [M54, G47]}"), m.some(2, "{codes: [72148, 73610], noDiagnoses: [R06], places: [\"11\"]}"),
		m.some(3, "{codes: [64483], modifiers: [RT, LT, \"50\"], needsModifier: [RT, LT]}"), m.some(3, "{codes: [99215], ages: {from: 18, to: 64}, sex: M}")))
	text += m.some(2, "addOns:\n  - {codes: [64484], primary: [64483]}\n")
	text += m.some(2, "globalSurgery: {included: [99202-99215, 97110], before: [\"57\"], sameDay: [\"25\", \"57\"], after: [\"24\"]}\n")
	if m.one(2) {
		text += section("contracts", m.shuffled(m.some(3, "{name: imaging, codes: [70000-79999], percentOfFees: 110%}"),
			m.some(3, "{name: laboratory, codes: [80047-89398], percentOfCharge: 62.5%}"), m.some(3, "{name: surgery, codes: [10000-69999], providers: ["+string(hospital)+"], caseRate: 700.01}"),
			m.some(3, "{name: stay, codes: [97110-97546, 93306], from: 2026-01-01, to: 2026-08-31, perDiem: [{fromDay: 1, amount: 50.01}, {fromDay: 3, amount: 20.00}]}"),
			m.some(4, "{name: rest, percentOfFees: 87.5%}"), m.some(4, "{name: own, providers: ["+string(doctorA)+"], percentOfCharge: 50%}")))
	}
	text += section("terms", m.shuffled(m.some(4, `{name: dear, when: 'line.cents > 60000', then: authorize, note: dear}`),
		m.some(3, `{name: child, when: 'line.code == "72148" && member.age < 18', then: review, note: child}`),
		m.some(3, `{name: back, when: 'line.code.startsWith("971") && !line.diagnoses.exists(d, d.startsWith("M54"))', then: exclude, note: back}`)))
	p, err := claims.ParsePlan([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if i%4 == 2 {
		p.Providers.ExclusionList, p.Providers.ExclusionListMaxAge = "oig", 35
	}
	return p
}

// world draws the next one.
func (m *laterMaker) world() *world {
	kind := pick(m.maker, 0, 1, 1, 2)
	b := *m.editions[kind]
	w := &world{
		plan: pick(m.maker, m.plans...), fees: m.fees[kind], books: &b, found: !m.one(80), matches: !m.one(80),
		fresh: !m.one(60), approved: m.one(8), met: map[string]claims.Accumulators{},
	}
	w.refused = !w.approved && m.one(10)
	w.covered = pick(m.maker, []claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01"}},
		[]claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01", Until: "2026-07-31"}, {From: "2026-09-01"}},
		[]claims.Coverage{{From: "2026-03-01", Until: "2026-09-30"}}, []claims.Coverage{{From: "2025-01-01", Until: "2026-06-30"}, {From: "2026-07-01"}})
	var err error
	if b.written, err = terms.Compile(w.plan); err != nil {
		panic(err)
	}
	if m.one(2) {
		m.board(w)
	} else {
		w.licenses = []credentials.License{
			{Handle: credentials.Handle{1}, NPI: doctorA, Jurisdiction: "CA", Profession: "MD", From: "2020-01-01", Until: "2028-12-31"},
			{Handle: credentials.Handle{2}, NPI: doctorB, Jurisdiction: "CA", Profession: "MD", From: "2020-01-01", Until: "2028-12-31"}}
	}
	m.laterClaim(w)
	w.received = m.received(w)
	if len(w.plan.FilingExtensions) > 0 && m.one(3) {
		w.received = w.plan.FilingExtensions[0].Until.AddDays(m.IntN(3) - 1)
	}
	if w.plan.Providers.ExclusionList != "" {
		b.listing = drawListing(w)
	}
	b.recorded = map[int]credentials.Date{}
	for i := range w.claim.Lines {
		if l := &w.claim.Lines[i]; m.one(20) {
			b.recorded[l.Number] = l.To.AddDays(1 + m.IntN(60))
			if m.one(3) {
				w.received = b.recorded[l.Number].AddDays(w.plan.TimelyFilingDays + m.IntN(2))
			}
		}
	}
	for _, period := range []string{"2025", "2026", "2027"} {
		w.met[period] = m.accumulators(w.plan)
	}
	return w
}
