package oracle

import (
	"math/big"
	"slices"
	"sort"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// What is otherwise of a hospital's claim, in the words of docs/adjudication.md
// ("Hospitals' claims"), which is all that its author had read of it.

// sumOfDepartment: a line without a code is the sum of what a department did. Two
// of them on one claim are no copies of each other.
func (w *world) sumOfDepartment(l *claims.Line) bool {
	return w.claim.Institutional != nil && l.Code == ""
}

// place follows from the type of bill, and is the emergency room behind its
// revenue codes.
func (w *world) place(l *claims.Line) string {
	in := w.claim.Institutional
	switch {
	case in == nil:
		return w.claim.PlaceOf(l)
	case "0450" <= l.Revenue && l.Revenue <= "0459":
		return "23"
	}
	return map[string]string{"11": "21", "12": "21", "13": "22", "14": "22", "85": "22", "18": "31", "21": "31", "22": "31"}[in.Facility]
}

// diagnoses to which a line points: on a hospital's claim, all.
func (w *world) diagnoses(l *claims.Line) (all []string) {
	if w.claim.Institutional != nil {
		return w.claim.Diagnoses
	}
	for _, p := range l.Pointers {
		all = append(all, w.claim.Diagnoses[p-1])
	}
	return all
}

// begun is the day on which a stay began, else the statement's first.
func begun(in *claims.Institutional) credentials.Date {
	if in.Admitted != "" {
		return in.Admitted
	}
	return in.From
}

// coveredDays are counted one by one, from admission or the statement's first day,
// where that is later, and without the day of discharge. They are unknown where the
// claim contradicts itself.
func coveredDays(in *claims.Institutional) (covered int, known bool) {
	if in.PatientStatus == "30" {
		return 0, false
	}
	all, spans := 0, 0
	first := max(in.From, in.Admitted)
	for day := first; day < in.Through || day == first; day = next(day) {
		all++
		away := false
		for _, o := range in.Occurred {
			if (o.Code == "74" || o.Code == "77" || o.Code == "79") && o.From <= day && day <= o.Through {
				away = true
			}
		}
		if away {
			spans++
		}
	}
	covered = all - spans
	said := map[string]int{}
	for _, v := range in.Values {
		if _, twice := said[v.Code]; twice || v.Amount%100 != 0 {
			return 0, false
		}
		said[v.Code] = int(v.Amount / 100)
	}
	is, says := said["80"]
	not, saysNot := said["81"]
	switch {
	case says && saysNot && is+not != all, says && is > all, saysNot && not > all:
		return 0, false
	case saysNot:
		is = all - not
	case !says:
		is = covered
	}
	if spans > 0 && is != covered {
		return 0, false
	}
	return is, is > 0
}

// A lot is what is priced at once: a line, or the lines of a case.
type lot struct {
	lines   []int
	worths  []*big.Rat // of each line
	benefit *claims.HospitalBenefit
	inCase  bool
	off     []*big.Rat // for days that are not authorized
	offCode string
}

func decideHospital(w *world) answer {
	n := len(w.claim.Lines)
	c := &course{world: w, order: make([]int, n), carc: make([]string, n), stopped: make([]bool, n), waits: make([][]claims.PendReason, n)}
	for i := range c.order {
		c.order[i] = i
	}
	sort.SliceStable(c.order, func(i, j int) bool {
		x, y := w.claim.Lines[c.order[i]], w.claim.Lines[c.order[j]]
		return x.From < y.From || x.From == y.From && x.Number < y.Number
	})
	c.alone()
	lots := c.lots()

	a := answer{outcome: claims.Denied, lines: make([]lineAnswer, n), met: map[string]shares{}}
	for _, i := range c.order {
		for _, reason := range c.waits[i] {
			a.pends = append(a.pends, pend{w.claim.Lines[i].Number, reason})
		}
		if c.carc[i] != "" {
			a.lines[i] = denied(&w.claim.Lines[i], c.carc[i])
		} else if l := &w.claim.Lines[i]; len(c.waits[i]) == 0 && c.stayRule() == nil && c.asked(l) {
			a.draws = append(a.draws, draw{w.claim.AuthorizationOf(l), l.Number, l.Units})
		}
	}
	if len(a.pends) > 0 {
		return answer{outcome: claims.Pended, pends: a.pends}
	}
	copays := map[string]*big.Rat{} // that were owed so far, by benefit
	for _, lot := range lots {
		a.outcome = claims.Paid
		c.settleLot(&a, lot, copays)
	}
	if r := c.stayRule(); r != nil && len(lots) > 0 {
		if h := c.stayHeld(r); h.granted > 0 { // drawn by the first line that is paid
			first := slices.IndexFunc(a.lines, func(l lineAnswer) bool { return l.outcome == claims.Paid })
			a.draws = append(a.draws, draw{w.claim.Authorization, w.claim.Lines[first].Number, claims.Quantity(h.granted) * 1000})
		}
	}
	return a
}

// covered is the charge without what the hospital itself holds for not covered.
func covered(l *claims.Line) *big.Rat { return less(cents(l.Charge), cents(l.NonCovered)) }

// settleLot parts a lot between the patient, sequestration and the plan: worked out
// of the whole, and divided by what the ones before leave of each line's part. What
// the maximum leaves of an amount is divided by what it would have been.
func (c *course) settleLot(a *answer, lot lot, copays map[string]*big.Rat) {
	left, paid := slices.Clone(lot.worths), slices.Clone(lot.worths)
	parts := map[string][]*big.Rat{}
	for _, s := range c.hospitalShares(a, lot, copays) {
		whole := divided(s.whole, left)
		parts[s.code] = divided(s.capped, whole)
		for i := range left {
			left[i], paid[i] = less(left[i], whole[i]), less(paid[i], parts[s.code][i])
		}
	}
	if c.plan.Sequestration {
		last := &claims.Line{To: c.claim.Institutional.Through}
		parts["CO-253"] = divided(percent(sequestration(last), total(paid)), paid)
	}
	for n, i := range lot.lines {
		l := &c.claim.Lines[i]
		line := lineAnswer{claims.Paid, lot.worths[n], map[string]*big.Rat{"OA-96/N130": cents(l.NonCovered)}}
		written := less(covered(l), lot.worths[n])
		if lot.off != nil {
			line.adjustments[lot.offCode] = lot.off[n]
			written = less(written, lot.off[n])
		}
		if written.Sign() < 0 {
			line.adjustments["CO-94"] = written
		} else {
			line.adjustments["CO-45"] = written
		}
		for what := range parts {
			line.adjustments[what] = parts[what][n]
		}
		line.adjustments = nonZero(line.adjustments)
		a.lines[i] = line
	}
}

// A shared amount is what the patient owes, before and after the maximum.
type sharedAmount struct {
	code          string
	whole, capped *big.Rat
}

// hospitalShares are what the patient owes of an amount, in the period in which the
// stay began.
func (c *course) hospitalShares(a *answer, lot lot, copays map[string]*big.Rat) []sharedAmount {
	year := string(c.claim.Lines[lot.lines[0]].From[:4])
	if c.claim.Institutional.Inpatient() {
		year = string(begun(c.claim.Institutional)[:4])
	}
	if _, ok := a.met[year]; !ok {
		a.met[year] = shares{new(big.Rat), new(big.Rat)}
	}
	now, before := a.met[year], c.met[year]
	left := func(limit claims.Limits, person, family claims.Cents, now *big.Rat) *big.Rat {
		return notBelowZero(least(less(cents(limit.Individual-person), now), less(cents(limit.Family-family), now)))
	}
	deductibleLeft := left(c.plan.Deductible, before.DeductibleIndividual, before.DeductibleFamily, now.deductible)
	outLeft := left(c.plan.OutOfPocketMax, before.OutOfPocketPerson, before.OutOfPocketFamily, now.outOfPocket)
	copay, rate, allowed := new(big.Rat), c.plan.Coinsurance, total(lot.worths)
	b, l := lot.benefit, &c.claim.Lines[lot.lines[0]]
	if b == nil && !lot.inCase { // what the plan says of the code, as of a clinician's
		for _, s := range c.plan.Services {
			if in5(s.Codes, l.Code) {
				copay = least(cents(s.Copay), allowed)
				if s.DeductibleWaived {
					deductibleLeft = new(big.Rat)
				}
				if s.Coinsurance != nil {
					rate = *s.Coinsurance
				}
			}
		}
	}
	if b != nil {
		if copays[b.Name] == nil {
			copays[b.Name] = new(big.Rat)
		}
		copay = least(less(cents(b.Copay), copays[b.Name]), allowed)
		copays[b.Name] = sum(copays[b.Name], copay)
		if b.DeductibleWaived {
			deductibleLeft = new(big.Rat)
		}
		if b.Coinsurance != nil {
			rate = *b.Coinsurance
		}
	}
	whole := []*big.Rat{copay, least(deductibleLeft, less(allowed, copay)), nil}
	whole[2] = percent(rate, less(allowed, sum(whole[0], whole[1])))
	all := []sharedAmount{}
	for i, code := range []string{"PR-3", "PR-1", "PR-2"} {
		capped := least(whole[i], outLeft)
		outLeft = less(outLeft, capped)
		all = append(all, sharedAmount{code, whole[i], capped})
		now.outOfPocket = sum(now.outOfPocket, capped)
	}
	now.deductible = sum(now.deductible, all[1].capped)
	a.met[year] = now
	return all
}
