package oracle

import (
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A service is a line in its session. Each unit of it counts by itself where
// several are ranked.
type service struct {
	at       int
	line     *claims.Line
	row      values
	facility bool
	unit     *big.Rat // one unit, or both sides of it, before anything is taken off
	units    []*unit
	rate     *big.Rat // of a second person's share, else the whole; nil where a person decides
}

type unit struct {
	of  *service
	now *big.Rat
	cap *big.Rat // nil where nothing bounds it
}

func (u *unit) limit() *big.Rat {
	if u.cap == nil {
		return u.now
	}
	return u.cap
}

// at is what a row comes to in its locality, rounded once.
func (v values) at(work, pe, malpractice *big.Rat) *big.Rat {
	total := new(big.Rat).Mul(work, v.index[0])
	total = sum(total, new(big.Rat).Mul(pe, v.index[1]))
	total = sum(total, new(big.Rat).Mul(malpractice, v.index[2]))
	return halfUp(new(big.Rat).Mul(total, new(big.Rat).Mul(v.factor, big.NewRat(100, 1))))
}

func (v values) peAt(facility bool) *big.Rat {
	if facility {
		return v.peFacility
	}
	return v.pe
}

func (v values) amount(facility bool) *big.Rat {
	return v.at(v.work, v.peAt(facility), v.malpractice)
}

// capped is the outpatient amount, nil where there is none.
func (v values) capped(facility bool) *big.Rat {
	pe := v.capPE
	if facility {
		pe = v.capPEFac
	}
	if pe.Sign() == 0 && v.capMP.Sign() == 0 {
		return nil
	}
	return v.at(v.work, pe, v.capMP)
}

func (v values) priced() bool {
	return (v.status == "A" || v.status == "R" || v.status == "T") &&
		sum(sum(v.work, v.pe), sum(v.peFacility, v.malpractice)).Sign() > 0
}

func has(l *claims.Line, modifiers ...string) bool {
	return slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(modifiers, m) })
}

// session prices what one clinician did on one day of the claim, in the order of
// docs/pricing.md: both sides, several procedures, second persons, the outpatient
// cap, the charge.
func (c *course) session(lines []int, worths []worth) {
	var all []*service
	byPerson := map[int]bool{}
	for _, i := range lines {
		if c.rankedBefore(&c.claim.Lines[i]) {
			byPerson[i] = true
			continue
		}
		switch s, carc := c.service(i); {
		case carc != "":
			c.deny(i, carc)
		case s == nil:
			byPerson[i] = true
		default:
			all = append(all, s)
		}
	}
	surgeries(c.books, all, byPerson)
	tests(c.books, all, byPerson)
	therapies(all)
	for _, s := range all {
		if s.rate == nil {
			byPerson[s.at] = true
			continue
		}
		reduced, paid := new(big.Rat), new(big.Rat)
		for _, u := range s.units {
			reduced, paid = sum(reduced, u.now), sum(paid, least(u.now, u.limit()))
		}
		reduced, paid = halfUp(new(big.Rat).Mul(reduced, s.rate)), halfUp(new(big.Rat).Mul(paid, s.rate))
		scaled := func(r *big.Rat) *big.Rat {
			r = halfUp(new(big.Rat).Mul(r, c.books.percent))
			if k := c.contract(s.line); k != nil {
				r = percent(*k.PercentOfFees, r)
			}
			return least(cents(s.line.Charge), r)
		}
		full := new(big.Rat).Mul(s.unit, big.NewRat(int64(len(s.units)), 1))
		worths[s.at] = worth{scaled(paid), less(scaled(full), scaled(reduced))}
	}
	for _, i := range lines {
		if byPerson[i] {
			worths[i] = c.unpriced(i)
		}
	}
}

// service finds the row that a line is priced by; nil where a person sets the
// price, a code where it is never paid so.
func (c *course) service(i int) (*service, string) {
	l := &c.claim.Lines[i]
	if l.Unit != "UN" {
		return nil, ""
	}
	name := l.Code
	for _, m := range []string{"26", "TC", "53"} {
		if slices.Contains(l.Modifiers, m) {
			name += "-" + m
		}
	}
	row, ok := c.books.values[name]
	if _, known := c.books.values[l.Code]; known && !ok && has(l, "26", "TC") {
		return nil, "4" // the code has no such part
	}
	if !ok || !row.priced() || l.Units%1000 != 0 ||
		has(l, "22", "52", "54", "55", "56", "73", "74", "78") {
		return nil, ""
	}
	s := &service{at: i, line: l, row: row, facility: facility[c.claim.PlaceOf(l)]}
	sides := big.NewRat(1, 1)
	if has(l, "50") {
		switch row.bilateral {
		case "1":
			sides = big.NewRat(150, 100)
		case "3":
			sides = big.NewRat(2, 1)
		case "9":
			return nil, "4"
		}
	}
	s.unit = halfUp(new(big.Rat).Mul(row.amount(s.facility), sides))
	carc := ""
	if carc, s.rate = secondPerson(l, row); carc != "" {
		return nil, carc
	}
	for range l.Units / 1000 {
		u := &unit{of: s, now: s.unit}
		if most := row.capped(s.facility); most != nil {
			u.cap = halfUp(new(big.Rat).Mul(most, sides))
		}
		s.units = append(s.units, u)
	}
	return s, ""
}

// secondPerson is the share of whoever helps, nil where a person decides.
func secondPerson(l *claims.Line, row values) (carc string, rate *big.Rat) {
	verdict := func(indicator, pays, person string, rate *big.Rat) (string, *big.Rat) {
		switch indicator {
		case pays:
			return "", rate
		case person:
			return "", nil
		}
		return "54", nil
	}
	switch {
	case has(l, "80", "81", "82"):
		return verdict(row.assistant, "2", "0", big.NewRat(16, 100))
	case has(l, "AS"):
		return verdict(row.assistant, "2", "0", big.NewRat(136, 1000))
	case has(l, "62"):
		return verdict(row.coSurgeon, "2", "1", big.NewRat(625, 1000))
	case has(l, "66") && row.team == "1":
		return "", nil
	case has(l, "66"):
		return verdict(row.team, "", "2", nil)
	}
	return "", big.NewRat(1, 1)
}

// rankedBefore says whether an earlier claim was paid for something of that day
// and clinician that would be ranked with it.
func (c *course) rankedBefore(l *claims.Line) bool {
	surgery := func(v values) bool { return v.several == "2" || v.several == "3" }
	row, known := c.books.values[l.Code]
	for _, e := range c.earlier {
		o, alsoKnown := c.books.values[e.line.Code]
		if !known || !alsoKnown || !e.paid || e.reversed || e.otherMember || e.renderer != c.npi(l) || e.line.From != l.From {
			continue
		}
		switch {
		case surgery(row) && surgery(o), row.several == o.several && slices.Contains([]string{"5", "6", "7"}, o.several),
			row.several == "4" && o.several == "4" && row.family == "88" && o.family == "88":
			return true
		}
	}
	return false
}
