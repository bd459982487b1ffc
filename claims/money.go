package claims

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Cents is an amount of money in US cents. It is never a fraction and never a
// float; Rate.Of is the one place where money is rounded.
type Cents int64

// ParseCents reads an amount as people and X12 write it: "766.5", "12.30",
// "-4", ".75", without a thousands separator and with at most two decimals that matter.
func ParseCents(s string) (Cents, error) {
	n, err := ParseDecimal(s, 2)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", s, err)
	}
	return Cents(n), nil
}

// String writes the amount with two decimals: "766.50".
func (c Cents) String() string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return fmt.Sprintf("%s%d.%02d", sign, c/100, c%100)
}

// A Rate is a share in ten-thousandths: 2000 is 20%.
type Rate int64

// ParseRate reads "20%" or "62.5%", with at most two decimals.
func ParseRate(s string) (Rate, error) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := ParseDecimal(digits, 2)
	if !ok || err != nil || n < 0 || n > 100_00 {
		return 0, fmt.Errorf("rate %q: want a percentage from 0%% to 100%%, such as 20%% or 62.5%%", s)
	}
	return Rate(n), nil
}

// String writes the rate as a percentage.
func (r Rate) String() string {
	s := fmt.Sprintf("%d.%02d", r/100, r%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// Of is the share of an amount that is not negative, rounded half up to the cent.
func (r Rate) Of(c Cents) Cents { return Cents((int64(c)*int64(r) + 5000) / 10000) }

// Divide gives each its part of an amount, in proportion to what each weighs, so that
// the parts sum up to the amount to the cent: all are rounded down, and the cents left
// over go, one each, to those that were cut most, the earlier first. Where the amount
// is no more than all weigh together, no part is more than it weighs. Where nothing
// weighs anything, the first gets all.
func Divide(amount Cents, weights []Cents) []Cents {
	parts := make([]Cents, len(weights))
	var total Cents
	for _, w := range weights {
		total += w
	}
	if amount <= 0 || len(weights) == 0 {
		return parts
	}
	if total == 0 {
		parts[0] = amount
		return parts
	}
	left := amount
	rests := make([]uint64, len(weights)) // in total-ths of a cent
	order := make([]int, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(uint64(amount), uint64(w))
		part, rest := bits.Div64(high, low, uint64(total))
		parts[i], rests[i], order[i] = Cents(part), rest, i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(rests[y], rests[x]) })
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}

// A Quantity counts units of service in thousandths, since X12 allows 1.5.
type Quantity int64

// ParseQuantity reads "1", "1.00" or "0.5", with at most three decimals that matter.
func ParseQuantity(s string) (Quantity, error) {
	n, err := ParseDecimal(s, 3)
	if err != nil {
		return 0, fmt.Errorf("quantity %q: %w", s, err)
	}
	return Quantity(n), nil
}

// String writes the quantity without needless zeros: "1", "1.5".
func (q Quantity) String() string {
	sign := ""
	if q < 0 {
		sign, q = "-", -q
	}
	if q%1000 == 0 {
		return sign + strconv.FormatInt(int64(q/1000), 10)
	}
	return sign + strings.TrimRight(fmt.Sprintf("%d.%03d", q/1000, q%1000), "0")
}

// Times is the price of q units at c each, rounded half up to the cent.
func (c Cents) Times(q Quantity) Cents { return Cents((int64(c)*int64(q) + 500) / 1000) }

// ParseDecimal reads a decimal number as an integer of 10^-places, and refuses
// what it would have to round or what could overflow.
func ParseDecimal(s string, places int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	for len(fraction) > places && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if len(whole)+len(fraction) == 0 || len(whole) > 13 || len(fraction) > places {
		return 0, fmt.Errorf("want a number with at most %d decimals", places)
	}
	var n int64
	for i := range len(whole) + places {
		digit := byte('0')
		if i < len(whole) {
			digit = whole[i]
		} else if i -= len(whole); i < len(fraction) {
			digit = fraction[i]
		}
		if digit < '0' || digit > '9' {
			return 0, fmt.Errorf("want a number with at most %d decimals", places)
		}
		n = n*10 + int64(digit-'0')
	}
	if negative {
		n = -n
	}
	return n, nil
}
