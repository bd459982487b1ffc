package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// A hospitalMaker draws worlds in which a hospital claims: stays, visits to the
// emergency room, outpatient services.
type hospitalMaker struct{ *laterMaker }

func newHospitalMaker(t testing.TB) *hospitalMaker {
	m := &hospitalMaker{newLaterMaker(t)}
	m.plans = nil
	for i := range 64 {
		m.plans = append(m.plans, m.hospitalPlan(t, i))
	}
	return m
}

func (m *hospitalMaker) hospitalPlan(t testing.TB, i int) *claims.Plan {
	denials := slices.Concat(allDenials, laterDenials)
	if i%4 == 3 {
		denials = slices.DeleteFunc(denials, func(string) bool { return m.one(4) })
	}
	text := fmt.Sprintf(`schema: countersign/plan/1
name: hospital-%d
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
machineDenials: [%s]
`, i, pick(m.maker, 90, 180, 365), pick(m.maker, "{individual: 0.00, family: 0.00}", "{individual: 100.00, family: 150.01}", "{individual: 1250.00, family: 2250.00}"),
		pick(m.maker, "{individual: 1250.00, family: 2300.00}", "{individual: 9000.00, family: 16000.00}"), pick(m.maker, "20%", "12.5%", "33.33%", "100%", "0%"),
		strings.Join(denials, ", "))
	text += m.some(2, "services:\n  - {name: laboratory, codes: [80047-89398], deductibleWaived: true, coinsurance: 12.5%}\n  - {name: therapy, codes: [97110-97546], copay: 20.00}\n")
	text += m.some(3, "exclusions: [15820-15829]\n") + m.some(3, "payerIds: [\"P\"]\n") + m.some(2, "sequestration: true\n")
	text += m.some(2, "authorization: {required: [70551, 27447], approveByRule: [{codes: [70551], maxUnits: 2}]}\n")
	text += m.some(3, fmt.Sprintf("providers:\n  excluded: [{npi: %s, from: 2026-05-15, to: 2026-06-15}, {npi: %s, from: 2026-09-01}]\n", doctorB, hospital))
	text += section("benefitLimits", m.shuffled(m.some(3, "{name: therapy, codes: [97110-97546], per: year, units: 4}"), m.some(3, "{name: images, codes: [70000-79999], per: day, units: 2}")))
	text += section("conditions", m.shuffled(m.some(4, "{codes: [27447], places: [\"21\"]}"), m.some(4, "{codes: [99284], places: [\"23\"]}"),
		m.some(4, "{codes: [97110-97546], diagnoses: [M54, G47]}"), m.some(2, "{codes: [72148, 71046], noDiagnoses: [R06]}")))
	text += section("terms", m.shuffled(m.some(6, `{name: dear, when: 'line.cents > 60000', then: authorize, note: dear}`),
		m.some(4, `{name: child, when: 'line.code == "72148" && member.age < 18', then: review, note: child}`)))
	p, err := claims.ParsePlan([]byte(text + m.institutional()))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// institutional has contracts of every kind, in any order, so that what is paid
// beside a case stands now before it and now behind.
func (m *hospitalMaker) institutional() string {
	either := func() string { return pick(m.maker, "lesserOfCharge: true", "lesserOfCharge: false") }
	rows := m.shuffled(
		m.some(2, `{name: implants, bills: ["11", "13"], revenue: ["0275-0278"], percentOfCharge: 50%}`),
		m.some(2, `{name: drugs, bills: ["11", "13", "85"], revenue: ["0636"], perUnit: 33.33, `+either()+`}`),
		m.some(2, `{name: rooms, bills: ["13"], revenue: ["0450-0459"], perUnit: 640.01, `+either()+`}`),
		m.some(2, `{name: laboratory, bills: ["13", "14"], codes: [80047-89398], percentOfFees: 110%, `+either()+`}`),
		m.some(3, `{name: images, bills: ["13", "85"], codes: [70000-79999], percentOfFees: 87.5%, `+either()+`}`),
		m.some(3, `{name: knees, bills: ["13"], caseRates: [{code: "27447", amount: 9000.01}, {code: "45378", amount: 700.00}], `+either()+`}`))
	rows = append(rows, m.shuffled(
		m.some(2, `{name: stays by DRG, bills: ["11"], caseRates: [{drg: "470", amount: 15000.00, meanStay: 3.2}, {drg: "871", amount: 9800.01, meanStay: 4.75}, {code: "27447", amount: 12000.00, meanStay: 3}], transfer: ["02", "05"], `+m.outlier()+either()+`}`),
		m.some(3, `{name: early, bills: ["11"], providers: [`+string(hospital)+`], from: 2026-01-01, to: 2026-05-31, caseRates: [{drg: "470", amount: 14000.00}, {amount: 8000.07}], `+either()+`}`))...)
	rows = append(rows, m.shuffled(
		`{name: days, bills: ["11", "21"], perDiem: [{fromDay: 1, amount: 2000.01}, {fromDay: 3, amount: 1500.00}, {fromDay: 6, amount: 900.00}], `+m.outlier()+either()+`}`,
		m.some(2, `{name: case, bills: ["85"], caseRates: [{amount: 410.03}], `+either()+`}`),
		m.some(2, `{name: visits, bills: ["13", "14"], percentOfCharge: 62.5%}`))...)
	if len(rows) == 0 {
		rows = []string{`{name: visits, bills: ["13"], percentOfCharge: 62.5%}`}
	}
	text := "institutional:\n  contracts:\n    - " + strings.Join(rows, "\n    - ") + "\n"
	if benefits := m.shuffled(
		m.some(2, `{name: stay, bills: ["11"], copay: 300.00, coinsurance: 10%}`),
		m.some(2, `{name: emergency, bills: ["13"], revenue: ["0450-0459"], copay: 150.00, deductibleWaived: true, coinsurance: 0%}`),
		m.some(3, `{name: visit, bills: ["13", "85"], copay: 40.00}`),
		m.some(3, `{name: pictures, bills: ["13", "85", "14"], codes: [70000-79999], deductibleWaived: true}`)); len(benefits) > 0 {
		text += "  benefits:\n    - " + strings.Join(benefits, "\n    - ") + "\n"
	}
	if m.one(2) {
		text += "  authorization: {bills: [\"11\", \"21\"]" + m.some(3, `, revenue: ["0100-0219"]`) + m.some(4, `, drgs: ["470", "871"]`) +
			pick(m.maker, "", `, emergency: {types: ["1"]}`, `, emergency: {types: ["1", "2"], days: 2}`) + pick(m.maker, ", payShort: true}\n", ", payShort: false}\n")
	}
	return text
}

func (m *hospitalMaker) outlier() string {
	return pick(m.maker, "", "outlier: {threshold: 12000.00, percentOfCharge: 60%, firstDollar: false}, ", "outlier: {threshold: 12000.00, percentOfCharge: 62.5%, firstDollar: true}, ")
}

func (m *hospitalMaker) world() *world {
	b := *m.editions[0]
	w := &world{plan: pick(m.maker, m.plans...), fees: m.fees[0], books: &b, found: !m.one(80), matches: !m.one(80), fresh: !m.one(60),
		approved: m.one(8), met: map[string]claims.Accumulators{}}
	w.refused = !w.approved && m.one(10)
	w.covered = pick(m.maker, []claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01"}}, []claims.Coverage{{From: "2025-01-01"}},
		[]claims.Coverage{{From: "2026-03-01", Until: "2026-09-30"}}, []claims.Coverage{{From: "2025-01-01", Until: "2026-06-12"}, {From: "2026-07-03"}},
		[]claims.Coverage{{From: "2025-01-01", Until: "2026-06-30"}, {From: "2026-07-01"}})
	var err error
	if b.written, err = terms.Compile(w.plan); err != nil {
		panic(err)
	}
	if m.one(2) {
		m.board(w)
	} else {
		for i, npi := range []credentials.NPI{doctorA, doctorB} {
			w.licenses = append(w.licenses, credentials.License{Handle: credentials.Handle{byte(1 + i)}, NPI: npi, Jurisdiction: "CA", Profession: "MD",
				From: "2020-01-01", Until: "2028-12-31"})
		}
	}
	m.bill(w)
	w.received = m.received(w)
	b.recorded = map[int]credentials.Date{}
	for _, period := range []string{"2025", "2026", "2027"} {
		w.met[period] = m.accumulators(w.plan)
	}
	return w
}

// bill draws the claim: of a stay its lines are of all its days, else of one.
func (m *hospitalMaker) bill(w *world) {
	in := &claims.Institutional{Facility: pick(m.maker, "11", "11", "11", "13", "13", "85", "14", "21"), PatientStatus: "01"}
	c := &claims.Claim{
		Number: "C1", Frequency: claims.Original, ServiceState: "CA", Payer: claims.Payer{ID: "P"}, Institutional: in,
		Billing:    claims.Provider{NPI: pick(m.maker, hospital, hospital, hospital, hospital, "1000000004"), Organization: true},
		Subscriber: claims.Person{MemberID: "M1", Last: "X", Address: claims.Address{State: "CA"}, Birth: pick[credentials.Date](m.maker, "1986-03-02", "2012-01-01", "")},
		Diagnoses:  pick(m.maker, []string{"M545", "R0683"}, []string{"M545"}, []string{"I10", "G4733"}, []string{"I10"}),
	}
	in.Attending = &claims.Provider{NPI: pick(m.maker, doctorA, doctorA, doctorA, doctorB)}
	if m.one(40) {
		in.Attending = nil
	}
	if m.one(8) {
		c.Rendering = &claims.Provider{NPI: doctorB}
	}
	if m.one(40) {
		c.Payer.ID = "Q"
	}
	w.claim = c
	in.From = m.day()
	if m.one(12) { // stays over the end of a year
		in.From = credentials.Date("2026-01-01").AddDays(m.IntN(4))
	}
	in.Through = in.From
	if in.Inpatient() {
		in.Through = in.From.AddDays(pick(m.maker, 0, 1, 2, 2, 3, 3, 4, 5, 6, 9))
		in.Admitted = in.From.AddDays(pick(m.maker, 0, 0, 0, 0, 0, 1, -2, -9))
		in.Admitted = min(in.Admitted, in.Through)
		in.DRG = pick(m.maker, "470", "470", "871", "999", "")
		m.days(in)
	}
	lines := 1 + m.IntN(6)
	for i := range lines {
		m.department(w, i)
		if w.stayRule() == nil || m.one(8) {
			m.authorizeLater(w, &c.Lines[i])
		}
		if m.one(12) {
			m.earlierBill(w, &c.Lines[i])
		}
		c.Charge += c.Lines[i].Charge
	}
	m.admit(w)
}

// days that a claim says are not covered; or the patient is still there.
func (m *hospitalMaker) days(in *claims.Institutional) {
	if in.PatientStatus = pick(m.maker, "01", "01", "01", "02", "05", "03"); m.one(25) {
		in.PatientStatus = "30"
	}
	if m.one(4) {
		from := in.From.AddDays(m.IntN(4) - 1)
		in.Occurred = append(in.Occurred, claims.Occurrence{Code: pick(m.maker, "74", "77", "79", "72"), From: from, Through: from.AddDays(m.IntN(3))})
		if m.one(3) {
			in.Occurred = append(in.Occurred, claims.Occurrence{Code: pick(m.maker, "74", "77", "79"), From: from.AddDays(1), Through: from.AddDays(1 + m.IntN(2))})
		}
	}
	number := func(code string, days int) {
		in.Values = append(in.Values, claims.ValueCode{Code: code, Amount: claims.Cents(max(days, 0) * 100)})
	}
	covered, known := coveredDays(in)
	if m.one(3) && known {
		number("80", covered+pick(m.maker, 0, 0, 0, 0, 1, -1))
	}
	if m.one(4) {
		number("81", m.IntN(3))
		if m.one(2) {
			if covered, known = coveredDays(&claims.Institutional{From: in.From, Through: in.Through, Admitted: in.Admitted, Occurred: in.Occurred, Values: in.Values[len(in.Values)-1:]}); known {
				number("80", covered)
			}
		}
	}
}

// departments are revenue codes, with what is done there.
var departments = []struct {
	revenue string
	codes   []string
}{
	{"0120", []string{""}}, {"0250", []string{""}}, {"0278", []string{"", ""}}, {"0636", []string{"11300"}}, {"0300", []string{"80053", "36415", "80053"}},
	{"0360", []string{"27447", "45378", "15824"}}, {"0450", []string{"99284"}}, {"0450", []string{"99284", "12001"}}, {"0610", []string{"72148", "70551"}},
	{"0320", []string{"73610", "71046"}}, {"0420", []string{"97110", "97140"}}, {"0270", []string{""}},
}

func (m *hospitalMaker) department(w *world, i int) {
	c := w.claim
	d := pick(m.maker, departments...)
	l := claims.Line{Number: i + 1, Revenue: d.revenue, Code: pick(m.maker, d.codes...), Unit: "UN", Units: pick[claims.Quantity](m.maker, 1000, 1000, 1000, 2000, 3000, 1500),
		Charge: claims.Cents(m.IntN(900_00)), From: c.Institutional.From, To: c.Institutional.Through}
	if l.Code != "" && c.Institutional.Inpatient() && m.one(2) {
		l.To = l.From
	}
	if c.Institutional.Inpatient() && m.one(2) {
		l.Charge *= claims.Cents(1 + m.IntN(20))
	}
	if d.revenue == "0120" {
		l.Unit = "DA"
	}
	if l.Code != "" && m.one(6) {
		l.Modifiers = pick(m.maker, []string{"25"}, []string{"59"}, []string{"26"}, []string{"TC"}, []string{"RT"})
	}
	if m.one(12) {
		l.Rendering = &claims.Provider{NPI: doctorB}
	}
	switch m.IntN(20) {
	case 0:
		l.Charge = 0
	case 1:
		l.NonCovered = l.Charge
	case 2, 3:
		l.NonCovered = claims.Cents(m.IntN(int(l.Charge) + 1))
	}
	if i > 0 && m.one(14) {
		l = c.Lines[i-1]
		l.Number = i + 1
		if l.Authorization = ""; m.one(3) {
			l.Charge++
		}
	}
	c.Lines = append(c.Lines, l)
}

// earlierBill has the line, or nearly.
func (m *hospitalMaker) earlierBill(w *world, l *claims.Line) {
	e := earlierLine{line: *l, billing: w.claim.Billing.NPI, renderer: w.npi(l), paid: !m.one(6)}
	switch m.IntN(9) {
	case 0:
		e.line.Charge++
	case 1:
		e.line.Revenue = "0510"
	case 2:
		e.billing = "1000000012"
	case 3:
		e.line.Units += 1000
	case 4:
		e.line.From = e.line.From.AddDays(-1)
	case 5:
		e.reversed = true
	case 6:
		e.otherMember = true
	}
	w.earlier = append(w.earlier, e)
}
