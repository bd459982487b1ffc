package oracle

import (
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// uncovered is what the hospital itself holds for not covered: all of the line, or
// a part that the machine may not take off. It is the last that is asked of a line
// alone.
func (w *world) uncovered(l *claims.Line) finding {
	if l.NonCovered > 0 && (l.NonCovered == l.Charge || !w.refused && !slices.Contains(w.plan.MachineDenials, "96")) {
		return finding{carc: "96"}
	}
	return finding{}
}

// lots prices what is covered: by the first contract
// that fits a line, those of one case together.
func (c *course) lots() (all []lot) {
	together := map[string][]int{}
	var names []string
	for _, i := range c.order {
		l := &c.claim.Lines[i]
		if !c.open(i) {
			continue
		}
		k := c.hospitalContract(l)
		if k == nil || k.CaseRates == nil && k.PerDiem == nil {
			if worth := c.worthAlone(l, k); worth != nil {
				all = append(all, lot{[]int{i}, []*big.Rat{worth}, c.benefit(i), false, nil, ""})
			} else {
				all = append(all, c.byHand([]int{i})...)
			}
			continue
		}
		if together[k.Name] == nil {
			names = append(names, k.Name)
		}
		together[k.Name] = append(together[k.Name], i)
	}
	for _, name := range names {
		all = append(all, c.inCase(together[name])...)
	}
	// In the order of their first lines.
	slices.SortStableFunc(all, func(x, y lot) int {
		return slices.Index(c.order, x.lines[0]) - slices.Index(c.order, y.lines[0])
	})
	return all
}

// byHand are lines of which no contract says what they are worth.
func (c *course) byHand(lines []int) (all []lot) {
	for _, i := range lines {
		switch l := &c.claim.Lines[i]; {
		case c.approved:
			all = append(all, lot{[]int{i}, []*big.Rat{covered(l)}, c.benefit(i), false, nil, ""})
		case c.refused:
			c.deny(i, "96")
		default:
			c.waits[i] = append(c.waits[i], claims.PendUnpriced)
		}
	}
	return all
}

func (c *course) hospitalContract(l *claims.Line) *claims.HospitalContract {
	in := c.claim.Institutional
	for i := range c.plan.Hospital.Contracts {
		k := &c.plan.Hospital.Contracts[i]
		if len(k.Bills) > 0 && !slices.Contains(k.Bills, in.Facility) || len(k.Providers) > 0 && !slices.Contains(k.Providers, c.claim.Billing.NPI) ||
			k.From != "" && begun(in) < k.From || k.Until != "" && begun(in) > k.Until ||
			len(k.Revenue) > 0 && !among(k.Revenue, l.Revenue) || len(k.Codes) > 0 && !in5(k.Codes, l.Code) ||
			k.CaseRates != nil && c.caseRate(k) == nil {
			continue
		}
		return k
	}
	return nil
}

// benefit is the first that fits any of the lines that are shared together.
func (c *course) benefit(lines ...int) *claims.HospitalBenefit {
	for i := range c.plan.Hospital.Benefits {
		b := &c.plan.Hospital.Benefits[i]
		for _, at := range lines {
			l := &c.claim.Lines[at]
			if slices.Contains(b.Bills, c.claim.Institutional.Facility) && (len(b.Revenue) == 0 || among(b.Revenue, l.Revenue)) && (len(b.Codes) == 0 || in5(b.Codes, l.Code)) {
				return b
			}
		}
	}
	return nil
}

func among(set claims.RevenueSet, revenue string) bool {
	return slices.ContainsFunc(set, func(r [2]string) bool { return r[0] <= revenue && revenue <= r[1] })
}

func in5(set claims.CodeSet, code string) bool { return code != "" && in(set, code) }

// worthAlone is what a line comes to by itself; nil where nothing says.
func (c *course) worthAlone(l *claims.Line, k *claims.HospitalContract) *big.Rat {
	if k == nil {
		return nil
	}
	units := big.NewRat(int64(l.Units), 1000)
	var amount *big.Rat
	switch {
	case k.PercentOfCharge != nil:
		return percent(*k.PercentOfCharge, covered(l))
	case k.PerUnit != nil:
		amount = halfUp(new(big.Rat).Mul(cents(*k.PerUnit), units))
	default:
		fee := c.fee(l)
		if fee == nil || l.Unit != "UN" {
			return nil
		}
		amount = percent(*k.PercentOfFees, halfUp(new(big.Rat).Mul(fee, units)))
	}
	if k.LesserOfCharge {
		amount = least(amount, covered(l))
	}
	return amount
}

// inCase divides one amount among the lines of a case.
func (c *course) inCase(lines []int) []lot {
	k := c.hospitalContract(&c.claim.Lines[lines[0]])
	var charges []*big.Rat
	for _, i := range lines {
		charges = append(charges, covered(&c.claim.Lines[i]))
	}
	amount := c.caseAmount(k)
	if o := k.Outlier; amount != nil && o != nil && total(charges).Cmp(cents(o.Threshold)) > 0 {
		if r := c.stayRule(); r != nil && k.PerDiem != nil && c.stayHeld(r).carc != "" {
			amount = nil // a person says what days without authorization take off an outlier
		} else {
			amount = dearer(amount, total(charges), o)
		}
	}
	if amount == nil {
		return c.byHand(lines)
	}
	if k.LesserOfCharge {
		amount = least(amount, total(charges))
	}
	l := lot{lines: lines, worths: divided(amount, charges), benefit: c.benefit(lines...), inCase: true}
	c.shortened(&l, k)
	return []lot{l}
}

// caseRate is the first that is for this claim, nil where none is.
func (c *course) caseRate(k *claims.HospitalContract) *big.Rat {
	for _, row := range k.CaseRates {
		stands := row.Code != "" && slices.ContainsFunc(c.claim.Lines, func(l claims.Line) bool { return l.Code == row.Code })
		if row.DRG == "" && row.Code == "" || row.DRG != "" && row.DRG == c.claim.Institutional.DRG || stands {
			return cents(row.Amount)
		}
	}
	return nil
}

// caseAmount is of a case or of the days of a stay; nil where nothing says.
func (c *course) caseAmount(k *claims.HospitalContract) *big.Rat {
	if in := c.claim.Institutional; in.PatientStatus == "30" && in.Inpatient() {
		return nil
	}
	if k.PerDiem == nil {
		return c.transferred(k, c.caseRate(k))
	}
	days, known := coveredDays(c.claim.Institutional)
	if !known {
		return nil
	}
	return c.daysAmount(k, days)
}

// daysAmount is of the first days of a stay.
func (c *course) daysAmount(k *claims.HospitalContract, days int) *big.Rat {
	amount := new(big.Rat)
	for day := 1; day <= days; day++ {
		rate := claims.Cents(0)
		for _, tier := range k.PerDiem {
			if tier.FromDay <= day {
				rate = tier.Amount
			}
		}
		amount = sum(amount, cents(rate))
	}
	return amount
}

func total(all []*big.Rat) *big.Rat {
	t := new(big.Rat)
	for _, r := range all {
		t = sum(t, r)
	}
	return t
}

// divided gives each its part, rounded down, and then cent by cent what is left to
// whoever has been cut most and had none yet. Where nothing weighs anything, all
// goes to the first.
func divided(amount *big.Rat, weights []*big.Rat) []*big.Rat {
	parts, cut := make([]*big.Rat, len(weights)), make([]*big.Rat, len(weights))
	all := total(weights)
	if all.Sign() == 0 {
		for i := range parts {
			parts[i] = new(big.Rat)
		}
		parts[0] = amount
		return parts
	}
	for i, w := range weights {
		exact := new(big.Rat).Quo(new(big.Rat).Mul(amount, w), all)
		parts[i] = new(big.Rat).SetInt(new(big.Int).Div(exact.Num(), exact.Denom()))
		cut[i] = less(exact, parts[i])
	}
	for left := less(amount, total(parts)); left.Sign() > 0; left = less(left, big.NewRat(1, 1)) {
		most := 0
		for i := range cut {
			if cut[i].Cmp(cut[most]) > 0 {
				most = i
			}
		}
		parts[most], cut[most] = sum(parts[most], big.NewRat(1, 1)), big.NewRat(-1, 1)
	}
	return parts
}

// transferred is a case by the day where its patient went on to another hospital: the
// day's part of the mean stay, twice for the first.
func (c *course) transferred(k *claims.HospitalContract, amount *big.Rat) *big.Rat {
	if !slices.Contains(k.Transfer, c.claim.Institutional.PatientStatus) || !c.claim.Institutional.Inpatient() {
		return amount
	}
	days, known := coveredDays(c.claim.Institutional)
	if !known {
		return nil
	}
	var mean claims.Quantity
	for _, row := range k.CaseRates {
		if c.caseRate(&claims.HospitalContract{CaseRates: []claims.CaseRate{row}}) != nil {
			mean = row.MeanStay
			break
		}
	}
	day := new(big.Rat).Quo(new(big.Rat).Mul(amount, big.NewRat(1000, 1)), big.NewRat(int64(mean), 1))
	all := day
	for range days {
		all = sum(all, day)
	}
	return least(amount, halfUp(all))
}

// dearer is what an outlier comes to.
func dearer(amount, charges *big.Rat, o *claims.Outlier) *big.Rat {
	if o.FirstDollar {
		if all := percent(o.PercentOfCharge, charges); all.Cmp(amount) > 0 {
			return all
		}
		return amount
	}
	return sum(amount, percent(o.PercentOfCharge, less(charges, cents(o.Threshold))))
}
