package oracle

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func (m *maker) claim(w *world) {
	c := &claims.Claim{
		Number: "C1", Frequency: claims.Original, Place: pick(m, "11", "11", "22", "02"), ServiceState: "CA",
		Payer: claims.Payer{ID: "P"}, Billing: claims.Provider{NPI: hospital, Organization: true},
		Rendering:  &claims.Provider{NPI: pick(m, doctorA, doctorA, doctorA, doctorB)},
		Subscriber: claims.Person{MemberID: "M1", Last: "X", Address: claims.Address{State: pick(m, "CA", "CA", "CA", "NV")}},
		Diagnoses:  []string{"M545"},
	}
	if m.one(60) {
		c.Rendering = nil
	}
	w.claim = c
	day := m.day()
	for i := range 1 + m.IntN(5) {
		switch {
		case m.one(12):
			day = m.day()
		case m.one(3):
			day = day.AddDays(m.IntN(3) - 1)
		}
		l := claims.Line{Number: i + 1, Code: pick(m, codes...), Unit: "UN", Units: pick[claims.Quantity](m, 1000, 1000, 2000, 3000, 1500, 333),
			Pointers: []int{1}, From: day, To: day}
		l.Modifiers = pick(m, nil, nil, nil, nil, []string{"25"}, []string{"26"}, []string{"TC"}, []string{"59", "25"}, []string{"76"}, []string{"50"})
		if m.one(30) {
			l.Unit = "MJ"
		}
		if m.one(8) {
			l.To = day.AddDays(1 + m.IntN(3))
		}
		if m.one(6) {
			l.Place = pick(m, "11", "12", "23", "10")
		}
		if m.one(8) {
			l.Rendering = &claims.Provider{NPI: doctorB}
		}
		m.charge(w, &l)
		if i > 0 && m.one(25) {
			l = c.Lines[i-1]
			l.Number = i + 1 // the same again
		}
		c.Lines = append(c.Lines, l)
		m.authorize(w, &c.Lines[i])
		m.before(w, &c.Lines[i])
		c.Charge += c.Lines[i].Charge
	}
}

// charge is about what the schedule allows, for the lesser of the two counts.
func (m *maker) charge(w *world, l *claims.Line) {
	l.Charge = claims.Cents(m.IntN(900_00))
	if fee := m.feeFile.Price(l.Code, l.Modifiers, w.claim.PlaceOf(l)); fee != nil && !m.one(4) {
		l.Charge = fee.Times(l.Units) + claims.Cents(pick(m, -1, 0, 1, 0, 50_00, 1234))
	}
	l.Charge = max(l.Charge, 0)
}

// authorize names an authorization, mostly where one is wanted.
func (m *maker) authorize(w *world, l *claims.Line) {
	if wanted := required(w.plan, l.Code); !wanted && !m.one(20) || wanted && m.one(10) {
		return
	}
	number := pick(m, "AUTH-1", "AUTH-1", "AUTH-2")
	if m.one(3) {
		w.claim.Authorization = number
	} else {
		l.Authorization = number
	}
	for _, a := range w.authorizations {
		if a.number == number {
			return // the second line draws on what the first left
		}
	}
	if m.one(15) {
		return // nobody knows the number
	}
	a := authorization{number: number, code: l.Code, npi: w.npi(l), outcome: claims.AuthorizationApproved, from: l.From.AddDays(pick(m, -30, -30, -1, 0, 0, 1)),
		left: l.Units + claims.Quantity(pick(m, -1000, -1, 0, 0, 1, 1000, 5000)), handle: credentials.Handle{byte(20 + len(w.authorizations))}}
	a.until = l.To.AddDays(pick(m, -1, 0, 0, 1, 30, 30))
	if m.one(12) {
		a.outcome = pick(m, claims.AuthorizationPended, claims.AuthorizationDenied, claims.AuthorizationRevoked)
	}
	if m.one(15) {
		a.npi = doctorB
	}
	if m.one(15) {
		a.code = "72158"
	}
	w.authorizations = append(w.authorizations, a)
}

// before bills a line alike, or nearly.
func (m *maker) before(w *world, l *claims.Line) {
	if !m.one(8) {
		return
	}
	e := earlierLine{line: *l, billing: hospital, renderer: w.npi(l)}
	switch m.IntN(13) {
	case 0:
		e.reversed = true
	case 1:
		e.otherMember = true
	case 2:
		e.billing = doctorA
	case 3:
		e.renderer = "1000000004"
	case 4:
		e.line.From = e.line.From.AddDays(1)
	case 5:
		e.line.Units += 1000
	case 6:
		e.line.Charge++
	case 7:
		e.line.Modifiers = pick(m, nil, []string{"76"}, []string{"25"}, []string{"25", "59"}, []string{"LT"})
	case 8, 11, 12:
		l.Modifiers = append(append([]string{}, l.Modifiers...), pick(m, append([]string{"24", "24"}, again...)...))
	case 9:
		e.line.Code = "99214"
	case 10:
		l.Modifiers, e.line.Modifiers = []string{"24", "25"}, []string{"25", "24"}
	}
	w.earlier = append(w.earlier, e)
}

// received lies about the filing limit, or soon after the last service.
func (m *maker) received(w *world) credentials.Date {
	last := w.claim.LastService()
	if m.one(8) {
		return last.AddDays(w.plan.TimelyFilingDays + m.IntN(3) - 1)
	}
	return last.AddDays(m.IntN(60))
}

// accumulators lie about the limits: nothing met, a little left, a cent left,
// all met, or more than all after an edition with lower limits.
func (m *maker) accumulators(p *claims.Plan) claims.Accumulators {
	near := func(limit claims.Cents) claims.Cents {
		return max(0, limit-pick[claims.Cents](m, limit, limit, limit, limit/2, 1, 0, -1, 50_00, 13_37))
	}
	a := claims.Accumulators{DeductibleIndividual: near(p.Deductible.Individual), OutOfPocketPerson: near(p.OutOfPocketMax.Individual)}
	a.DeductibleFamily = max(a.DeductibleIndividual, near(p.Deductible.Family))
	a.OutOfPocketFamily = max(a.OutOfPocketPerson, near(p.OutOfPocketMax.Family))
	return a
}
