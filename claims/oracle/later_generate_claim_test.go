package oracle

import (
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

var laterCodes = [][]string{
	{"11042", "10060", "12001", "20610", "27447", "64483", "64484", "45378", "45380", "45385", "19081", "27130", "22612", "33945", "11300"},
	{"72148", "70551", "74170", "93306", "93970", "92250", "71046", "73610", "93000"},
	{"97110", "97140", "97110", "97140"},
	{"99213", "99215", "99213", "99215", "99213", "80053", "36415", "15824", "77777"},
}

// laterClaim has lines of one kind mostly, so that they meet each other's rules.
func (m *laterMaker) laterClaim(w *world) {
	c := &claims.Claim{
		Number: "C1", Frequency: claims.Original, Place: pick(m.maker, "11", "11", "22"), ServiceState: "CA",
		Payer: claims.Payer{ID: "P"}, Billing: claims.Provider{NPI: hospital, Organization: true},
		Rendering:  &claims.Provider{NPI: pick(m.maker, doctorA, doctorA, doctorA, doctorB)},
		Subscriber: claims.Person{MemberID: "M1", Last: "X", Address: claims.Address{State: "CA"}},
		Diagnoses:  []string{"M545", "R0683", "G4733", "I10"},
	}
	if m.one(30) {
		c.Payer.ID = "Q"
	}
	if m.one(40) {
		c.Rendering = nil
	}
	if m.one(10) {
		c.Billing.NPI = doctorA
	}
	person := &c.Subscriber
	if m.one(4) {
		c.Patient = &claims.Person{Last: "X", Address: claims.Address{State: "CA"}}
		person = c.Patient
	}
	w.claim = c
	day := m.day()
	person.Sex = pick(m.maker, "F", "F", "F", "M", "U", "")
	if !m.one(8) { // a birthday near a limit of age
		years := pick(m.maker, 5, 17, 18, 18, 40, 64, 65, 66)
		person.Birth = day.AddDays(-(years*365 + years/4) + m.IntN(5) - 2)
	}
	kinds := []int{m.IntN(4), m.IntN(4)}
	for i := range 1 + m.IntN(7) {
		switch {
		case m.one(12):
			day = m.day()
		case m.one(4):
			day = day.AddDays(m.IntN(3) - 1)
		}
		kind := pick(m.maker, kinds...)
		l := claims.Line{Number: i + 1, Code: pick(m.maker, laterCodes[kind]...), Unit: "UN", Units: pick[claims.Quantity](m.maker, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 2000, 2000, 3000, 1500),
			Pointers: pick(m.maker, []int{1}, []int{1}, []int{1, 2}, []int{2}, []int{3, 4}, []int{4}), From: day, To: day}
		for slices.ContainsFunc(c.Lines, func(o claims.Line) bool { return o.Code == l.Code }) && !m.one(3) {
			l.Code = pick(m.maker, laterCodes[kind]...)
		}
		l.Modifiers = slices.Clone(m.modifiers(kind))
		if m.one(60) {
			l.Unit = "MJ"
		}
		if m.one(10) {
			l.To = day.AddDays(1 + m.IntN(3))
		}
		if m.one(8) {
			l.Place = pick(m.maker, "11", "22", "23")
		}
		if m.one(8) {
			l.Rendering = &claims.Provider{NPI: doctorB}
		}
		m.laterCharge(w, &l)
		if i > 0 && m.one(20) {
			l = c.Lines[i-1]
			l.Number = i + 1
			if m.one(2) {
				l.Charge++ // nearly the same again
			}
		}
		c.Lines = append(c.Lines, l)
		m.authorizeLater(w, &c.Lines[i])
		if m.one(5) {
			m.earlierClaim(w, &c.Lines[i])
		}
		c.Charge += c.Lines[i].Charge
	}
}

func (m *laterMaker) modifiers(kind int) []string {
	if m.one(2) {
		return nil
	}
	switch kind {
	case 0:
		return pick(m.maker, []string{"RT"}, []string{"LT"}, []string{"50"}, []string{"59"}, []string{"80"}, []string{"AS"}, []string{"62"}, []string{"66"}, []string{"53"},
			[]string{"22"}, []string{"51"}, []string{"RT", "80"})
	case 1:
		return pick(m.maker, []string{"26"}, []string{"TC"}, []string{"26"}, []string{"TC"}, []string{"50"}, []string{"59"}, []string{"52"})
	case 2:
		return pick(m.maker, []string{"GP"}, []string{"59"}, []string{"24"})
	}
	return pick(m.maker, []string{"25"}, []string{"24"}, []string{"57"}, []string{"25", "24"})
}

// laterCharge is about what the edition has for the line by itself.
func (m *laterMaker) laterCharge(w *world, l *claims.Line) {
	l.Charge = claims.Cents(m.IntN(900_00))
	fee := w.fee(l)
	if row, known := w.books.values[l.Code]; known && row.priced() {
		fee = new(big.Rat).Mul(row.amount(facility[w.claim.PlaceOf(l)]), w.books.percent)
	}
	if fee != nil && !m.one(4) {
		f, _ := new(big.Rat).Mul(fee, big.NewRat(int64(l.Units), 1000)).Float64()
		l.Charge = claims.Cents(f) + claims.Cents(pick(m.maker, -1, 0, 1, 50_00, 250_34, 1000_00))
	}
	l.Charge = max(l.Charge, 0)
}

func (m *laterMaker) authorizeLater(w *world, l *claims.Line) {
	if w.asked(l) && !required(w.plan, l.Code) && !m.one(4) {
		l.Authorization = "AUTH-1"
		if !slices.ContainsFunc(w.authorizations, func(a authorization) bool { return a.number == "AUTH-1" }) {
			m.authorize(w, l)
		}
		return
	}
	m.authorize(w, l)
	if n := len(w.authorizations); n > 0 && m.one(15) {
		w.authorizations[n-1].outcome = claims.AuthorizationPended
	}
}

// earlierClaim was decided before: of the same service, or of one with which this
// line has something to do.
func (m *laterMaker) earlierClaim(w *world, l *claims.Line) {
	e := earlierLine{line: *l, billing: w.claim.Billing.NPI, renderer: w.npi(l), paid: !m.one(6)}
	e.line.To = e.line.From
	switch m.IntN(18) {
	case 0:
		e.line.Charge++
	case 1:
		e.line.Units += 1000
	case 2:
		e.renderer = "1000000004"
	case 3:
		e.billing = "1000000004"
	case 4:
		e.billing, e.renderer = "1000000004", "1000000012"
	case 5:
		e.line.Modifiers = []string{"59"}
	default: // something else of that day, or of a day on which its global days end
		e.line.Code = pick(m.maker, slices.Concat(laterCodes...)...)
		e.line.Charge += 13
		e.line.From = l.From.AddDays(pick(m.maker, 0, 0, 0, 1, 2, -1, -9, -10, -11, -89, -90, -91))
		e.line.To = e.line.From
		if l.Code == "64484" {
			e.line.Code = "64483"
		}
		if e.line.Code == l.Code {
			e.line.From = e.line.From.AddDays(-30)
		}
	}
	e.reversed, e.otherMember = m.one(12), m.one(12)
	w.earlier = append(w.earlier, e)
}
