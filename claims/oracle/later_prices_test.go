package oracle

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A worth is what is allowed of a line, and what of its charge several
// procedures or several persons took off (CARC 59).
type worth struct{ allowed, several *big.Rat }

// price finds the worth of each line that nothing has stopped.
func (c *course) price() []worth {
	worths := make([]worth, len(c.claim.Lines))
	sessions, together := map[string][]int{}, map[string][]int{}
	var names []string // of sessions and contracts, in the order in which they come up
	for _, i := range c.order {
		l := &c.claim.Lines[i]
		if !c.open(i) {
			continue
		}
		k := c.contract(l)
		switch {
		case k != nil && k.PercentOfCharge != nil:
			worths[i] = worth{least(cents(l.Charge), percent(*k.PercentOfCharge, cents(l.Charge))), new(big.Rat)}
		case k != nil && k.PercentOfFees == nil:
			together[k.Name] = append(together[k.Name], i)
			names = append(names, k.Name)
		case len(c.books.values) > 0:
			of := string(c.npi(l)) + string(l.From)
			sessions[of] = append(sessions[of], i)
			names = append(names, of)
		default:
			c.list(i, k, worths)
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		switch {
		case sessions[name] != nil:
			c.session(sessions[name], worths)
		default:
			c.divide(c.contract(&c.claim.Lines[together[name][0]]), together[name], worths)
		}
	}
	return worths
}

// contract is the first that fits biller, code and day.
func (c *course) contract(l *claims.Line) *claims.Contract {
	for i := range c.plan.Contracts {
		k := &c.plan.Contracts[i]
		if (len(k.Providers) == 0 || slices.Contains(k.Providers, c.claim.Billing.NPI)) && (len(k.Codes) == 0 || in(k.Codes, l.Code)) &&
			(k.From == "" || k.From <= l.From) && (k.Until == "" || l.From <= k.Until) {
			return k
		}
	}
	return nil
}

// list pays by the list's price, else the plan's share of charges.
func (c *course) list(i int, k *claims.Contract, worths []worth) {
	l := &c.claim.Lines[i]
	charge := cents(l.Charge)
	switch fee := c.fee(l); {
	case fee != nil && l.Unit == "UN":
		amount := halfUp(new(big.Rat).Mul(fee, big.NewRat(int64(l.Units), 1000)))
		if k != nil {
			amount = percent(*k.PercentOfFees, amount)
		}
		worths[i] = worth{least(charge, amount), new(big.Rat)}
	case c.plan.ShareOfCharges != nil && k == nil:
		worths[i] = worth{percent(*c.plan.ShareOfCharges, charge), new(big.Rat)}
	default:
		worths[i] = c.unpriced(i)
	}
}

// unpriced waits for a person, who may say that the charge is right, or that it is not.
func (c *course) unpriced(i int) worth {
	switch {
	case c.approved:
		return worth{cents(c.claim.Lines[i].Charge), new(big.Rat)}
	case c.refused:
		c.deny(i, "96")
	default:
		c.waits[i] = append(c.waits[i], claims.PendUnpriced)
	}
	return worth{}
}

// divide shares one amount for a case, or for the days of a stay, among its
// lines by their charges, and never more than is charged. Parts are rounded down;
// the cents that are left go to those that lost most by it.
func (c *course) divide(k *claims.Contract, lines []int, worths []worth) {
	amount := new(big.Rat)
	if k.CaseRate != nil {
		amount = cents(*k.CaseRate)
	} else {
		first, last := c.claim.Lines[lines[0]].From, c.claim.Lines[lines[0]].To
		for _, i := range lines {
			first, last = min(first, c.claim.Lines[i].From), max(last, c.claim.Lines[i].To)
		}
		for n, day := 1, first; day < last || n == 1; n, day = n+1, next(day) {
			rate := claims.Cents(0)
			for _, tier := range k.PerDiem {
				if tier.FromDay <= n {
					rate = tier.Amount
				}
			}
			amount = sum(amount, cents(rate))
		}
	}
	charges := new(big.Rat)
	for _, i := range lines {
		charges = sum(charges, cents(c.claim.Lines[i].Charge))
	}
	amount = least(amount, charges)
	left := amount
	rest := map[int]*big.Rat{} // what rounding down took from each
	for _, i := range lines {
		exact := new(big.Rat)
		if charges.Sign() > 0 {
			exact.Quo(new(big.Rat).Mul(amount, cents(c.claim.Lines[i].Charge)), charges)
		}
		down := new(big.Rat).SetInt(new(big.Int).Div(exact.Num(), exact.Denom()))
		worths[i], rest[i], left = worth{down, new(big.Rat)}, less(exact, down), less(left, down)
	}
	order := slices.Clone(lines)
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(rest[j].Cmp(rest[i]), cmp.Compare(i, j)) })
	for _, i := range order {
		if left.Sign() > 0 {
			worths[i].allowed, left = sum(worths[i].allowed, big.NewRat(1, 1)), less(left, big.NewRat(1, 1))
		}
	}
}

// finish parts what several procedures took off from the contractual rest, and
// takes sequestration off what is paid.
func (c *course) finish(a *lineAnswer, l *claims.Line, w worth) {
	off := less(less(cents(l.Charge), a.allowed), w.several)
	a.adjustments["CO-45"], a.adjustments["CO-59"] = off, w.several
	if c.plan.Sequestration {
		paid := a.allowed
		for _, what := range []string{"PR-1", "PR-2", "PR-3"} {
			if patient := a.adjustments[what]; patient != nil {
				paid = less(paid, patient)
			}
		}
		a.adjustments["CO-253"] = percent(sequestration(l), paid)
	}
	a.adjustments = nonZero(a.adjustments)
}

// sequestration by the last day of service: none from 2020-05-01 to 2022-03-31,
// 1% to 2022-06-30, else 2%.
func sequestration(l *claims.Line) claims.Rate {
	switch {
	case l.To >= "2022-07-01":
		return 200
	case l.To >= "2022-04-01":
		return 100
	case l.To >= "2020-05-01":
		return 0
	}
	return 200
}
