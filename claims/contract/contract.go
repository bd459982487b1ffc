// Package contract says what a provider's contract makes a service, a stay or a
// case worth where no list of prices does: a percentage of the charge or of
// Medicare's amount, one amount for the case, an amount for each day; and what
// federal law takes off a payment afterwards.
//
// All of it is functions of their arguments, in whole cents. It never decides
// what is covered or what the patient owes, and never allows more than was
// charged.
package contract

import (
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// PercentOfCharge is a line's worth at a share of its charge. A share beyond the
// whole comes to the charge.
func PercentOfCharge(charge claims.Cents, rate claims.Rate) claims.Cents {
	return min(charge, rate.Of(charge))
}

// PercentOfMedicare is a line's worth at a percentage of what Medicare pays for
// it (mpfs.Allowed), and no more than its charge.
func PercentOfMedicare(charge, medicare claims.Cents, rate claims.Rate) claims.Cents {
	return min(charge, rate.Of(medicare))
}

// CaseRate divides one amount for a case among its lines, in the proportion of
// their charges. The parts sum up to the amount to the cent, or to the charges
// where those are less, and none is more than its line's charge.
func CaseRate(amount claims.Cents, charges []claims.Cents) []claims.Cents {
	var total claims.Cents
	for _, c := range charges {
		total += c
	}
	amount = min(amount, total)
	return claims.Divide(amount, charges)
}

// A Tier is what a day of a stay is worth from its FromDay-th on.
type Tier struct {
	FromDay int // the first tier's is 1
	Amount  claims.Cents
}

// maxDays bounds a stay, so that no sum of its days overflows.
const maxDays = 3660

// Days are the days of a stay as inpatient days are counted (Medicare Benefit
// Policy Manual chapter 3 section 20.1): the day of admission and not the day of
// discharge, unless they are one.
func Days(admitted, discharged credentials.Date) (int, error) {
	n := admitted.DaysUntil(discharged)
	switch {
	case discharged < admitted:
		return 0, fmt.Errorf("a stay from %s to %s: discharged before admitted", admitted, discharged)
	case n > maxDays:
		return 0, fmt.Errorf("a stay from %s to %s: longer than %d days", admitted, discharged, maxDays)
	case n == 0:
		return 1, nil
	}
	return n, nil
}

// PerDiem is what a stay of so many days is worth. CaseRate divides it among the
// lines.
func PerDiem(days int, tiers []Tier) (claims.Cents, error) {
	if days < 1 || days > maxDays {
		return 0, fmt.Errorf("%d days: want from 1 to %d", days, maxDays)
	}
	for i, t := range tiers {
		if i == 0 && t.FromDay != 1 || i > 0 && t.FromDay <= tiers[i-1].FromDay || t.Amount < 0 {
			return 0, fmt.Errorf("tier %d from day %d: want the first from day 1, each later one from a later day, and no negative amount", i+1, t.FromDay)
		}
	}
	if len(tiers) == 0 {
		return 0, fmt.Errorf("no amount for a day")
	}
	var sum claims.Cents
	for i, t := range tiers {
		last := days
		if i+1 < len(tiers) {
			last = min(days, tiers[i+1].FromDay-1)
		}
		sum += t.Amount * claims.Cents(max(0, last-t.FromDay+1))
	}
	return sum, nil
}

// Transfer is what a case is worth where the patient was transferred before its time
// (42 CFR 412.4(f)): its amount by the mean stay, for each of the days and one more,
// and never more than the whole. The mean is in thousandths of a day.
func Transfer(amount claims.Cents, mean claims.Quantity, days int) (claims.Cents, error) {
	if mean < 1 || days < 1 || days > maxDays || amount < 0 {
		return 0, fmt.Errorf("%s for a mean stay of %s days, after %d: want more than 0 of both, and no negative amount", amount, mean, days)
	}
	product, by := int64(amount)*1000*int64(days+1), int64(mean)
	return min(amount, claims.Cents((2*product+by)/(2*by))), nil
}

// Outlier is what a case is worth whose charges go beyond a threshold (stop-loss): a
// share of what is beyond it besides the amount, or from the first dollar on a share
// of all of them, where that is more than the amount.
func Outlier(amount, charges, threshold claims.Cents, rate claims.Rate, firstDollar bool) claims.Cents {
	switch {
	case charges <= threshold:
		return amount
	case firstDollar:
		return max(amount, rate.Of(charges))
	}
	return amount + rate.Of(charges-threshold)
}
