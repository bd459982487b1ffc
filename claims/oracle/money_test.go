package oracle

import (
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

func cents(c claims.Cents) *big.Rat { return big.NewRat(int64(c), 1) }
func sum(a, b *big.Rat) *big.Rat    { return new(big.Rat).Add(a, b) }
func less(a, b *big.Rat) *big.Rat   { return new(big.Rat).Sub(a, b) }
func least(of ...*big.Rat) *big.Rat { return slices.MinFunc(of, (*big.Rat).Cmp) }
func notBelowZero(r *big.Rat) *big.Rat {
	return slices.MaxFunc([]*big.Rat{r, new(big.Rat)}, (*big.Rat).Cmp)
}

// halfUp rounds to a whole cent: the floor of one half more.
func halfUp(r *big.Rat) *big.Rat {
	r = sum(r, big.NewRat(1, 2))
	return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom()))
}

func percent(r claims.Rate, of *big.Rat) *big.Rat {
	return halfUp(new(big.Rat).Mul(big.NewRat(int64(r), 10000), of))
}

// facility has the places of service that the cases use.
var facility = map[string]bool{"02": true, "10": false, "11": false, "12": false, "21": true, "22": true, "23": true}

// worthChanging are modifiers under which a service is not the one that the
// schedule prices without them.
var worthChanging = []string{"26", "TC", "50", "52", "62", "80", "66", "AS", "22", "53"}

// fee finds the most particular row: by modifier before without, by class of
// place before any.
func (w *world) fee(l *claims.Line) *big.Rat {
	class := claims.NonFacility
	if facility[w.place(l)] || w.claim.Institutional != nil {
		class = claims.Facility
	}
	row := func(modifier, class string) *big.Rat {
		for _, r := range w.fees {
			if r.code == l.Code && r.modifier == modifier && r.class == class {
				return cents(r.amount)
			}
		}
		return nil
	}
	modifiers := append(slices.Clone(l.Modifiers), "")
	for _, m := range modifiers {
		if m == "" && slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(worthChanging, m) }) {
			return nil
		}
		for _, class := range []string{class, ""} {
			if r := row(m, class); r != nil {
				return r
			}
		}
	}
	return nil
}

// allowed is the lesser of the charge and what the schedule has for the units;
// else the plan's share of charges; else a reviewer's word that the charge is right.
func (w *world) allowed(l *claims.Line) (*big.Rat, bool) {
	charge := cents(l.Charge)
	if fee := w.fee(l); fee != nil && l.Unit == "UN" {
		return least(charge, halfUp(new(big.Rat).Mul(fee, big.NewRat(int64(l.Units), 1000)))), true
	}
	if w.plan.ShareOfCharges != nil {
		return percent(*w.plan.ShareOfCharges, charge), true
	}
	return charge, w.approved
}

// share splits what is allowed: copay, deductible, coinsurance of the rest, all
// within what is left to the out-of-pocket maximum, of the nearer of member and
// family. Where the maximum cuts, coinsurance goes first, then the deductible.
func (w *world) share(a *answer, l *claims.Line, allowed *big.Rat) lineAnswer {
	year := string(l.From[:4])
	if _, ok := a.met[year]; !ok {
		a.met[year] = shares{new(big.Rat), new(big.Rat)}
	}
	now, before := a.met[year], w.met[year]
	left := func(limit claims.Limits, person, family claims.Cents, now *big.Rat) *big.Rat {
		return notBelowZero(least(less(cents(limit.Individual-person), now), less(cents(limit.Family-family), now)))
	}
	deductibleLeft := left(w.plan.Deductible, before.DeductibleIndividual, before.DeductibleFamily, now.deductible)
	outLeft := left(w.plan.OutOfPocketMax, before.OutOfPocketPerson, before.OutOfPocketFamily, now.outOfPocket)

	copay, rate := new(big.Rat), w.plan.Coinsurance
	for _, s := range w.plan.Services {
		if in(s.Codes, l.Code) {
			copay = cents(s.Copay)
			if s.DeductibleWaived {
				deductibleLeft = new(big.Rat)
			}
			if s.Coinsurance != nil {
				rate = *s.Coinsurance
			}
		}
	}
	copay = least(copay, allowed)
	deductible := least(deductibleLeft, less(allowed, copay))
	coinsurance := percent(rate, less(less(allowed, copay), deductible))
	copay = least(copay, outLeft)
	deductible = least(deductible, less(outLeft, copay))
	coinsurance = least(coinsurance, less(less(outLeft, copay), deductible))

	a.met[year] = shares{sum(now.deductible, deductible), sum(now.outOfPocket, sum(copay, sum(deductible, coinsurance)))}
	return lineAnswer{claims.Paid, allowed, nonZero(map[string]*big.Rat{
		"CO-45": less(cents(l.Charge), allowed), "PR-3": copay, "PR-1": deductible, "PR-2": coinsurance})}
}

// groups say who bears a denied amount: the provider, or nobody whom the plan
// could name.
var groups = map[string]string{"15": "CO-15", "18": "CO-18", "26": "OA-26", "27": "OA-27", "29": "CO-29", "31": "OA-31",
	"96": "OA-96/N130", "197": "CO-197", "198": "CO-198", "200": "OA-200", "B7": "CO-B7"}

// groupsLater are of the codes that rules/2 gives besides.
var groupsLater = map[string]string{"4": "CO-4", "5": "CO-5", "6": "CO-6", "7": "CO-7", "11": "CO-11", "54": "CO-54", "97": "CO-97",
	"107": "CO-107", "109": "OA-109", "119": "OA-119", "167": "OA-167", "242": "CO-242"}

func denied(l *claims.Line, carc string) lineAnswer {
	return lineAnswer{claims.Denied, new(big.Rat), nonZero(map[string]*big.Rat{groups[carc] + groupsLater[carc]: cents(l.Charge)})}
}

func nonZero(all map[string]*big.Rat) map[string]*big.Rat {
	for k, v := range all {
		if v.Sign() == 0 {
			delete(all, k)
		}
	}
	return all
}
