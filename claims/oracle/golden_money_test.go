package oracle

import "github.com/countersign-health/countersign/claims"

// Cost share: copay, then deductible 100 and 150, then 20%, within 300 and 500.
var goldenShares = []golden{
	// 120.00 charged, 90.00 allowed: 30.00 written off, copay 25.00, nothing else.
	{"copay", []string{"99213 120.00"}, nil, []string{"CO-45 30.00, PR-3 25.00, pays 65.00"}},
	// Charged less than the copay: all of it.
	{"charge a cent below the copay", []string{"99213 24.99"}, nil, []string{"PR-3 24.99, pays 0.00"}},
	{"charge a cent above the copay", []string{"99213 25.01"}, nil, []string{"PR-3 25.00, pays 0.01"}},
	// 50.00 of 100.00 met: 50.00 to it, 20% of 100.00 is 20.00, 80.00 paid.
	{"deductible half met", []string{"73610 150.00"}, met("50.00", "50.00", "50.00", "50.00"), []string{"PR-1 50.00, PR-2 20.00, pays 80.00"}},
	// 20% of 149.99 is 29.998: 30.00. 150.00 - 0.01 - 30.00 = 119.99.
	{"a cent of the deductible left", []string{"73610 150.00"}, met("99.99", "99.99", "99.99", "99.99"), []string{"PR-1 0.01, PR-2 30.00, pays 119.99"}},
	{"deductible met", []string{"73610 150.00"}, met("100.00", "100.00", "100.00", "100.00"), []string{"PR-2 30.00, pays 120.00"}},
	// The family met 140.00 of 150.00, this member nothing: 10.00; 20% of 140.00 is 28.00.
	{"the family's deductible is nearer", []string{"73610 150.00"}, met("0.00", "140.00", "0.00", "140.00"), []string{"PR-1 10.00, PR-2 28.00, pays 112.00"}},
	// 80.00 to the deductible; then 20.00, and 20% of 60.00 is 12.00.
	{"deductible met in the midst of a claim", []string{"71046 80.00", "71046-25 80.00"}, nil,
		[]string{"PR-1 80.00, pays 0.00", "PR-1 20.00, PR-2 12.00, pays 48.00"}},
	// Two lines of one date: the first takes it all, 100.00 and 10.00; of 80.00 then 16.00.
	{"two lines of one date, by number", []string{"73610 150.00", "71046 80.00"}, nil, []string{xray, "PR-2 16.00, pays 64.00"}},
	// The second line is a day older, so it takes 80.00 first; 20.00 are left for the X-ray, and 20% of 130.00 is 26.00.
	{"lines out of order", []string{"73610 150.00 2026-03-03", "71046 80.00 2026-03-02"}, nil,
		[]string{"PR-1 20.00, PR-2 26.00, pays 104.00", "PR-1 80.00, pays 0.00"}},
	// Each year has a deductible of its own.
	{"lines on both sides of New Year", []string{"73610 150.00 2025-12-31", "73610 150.00 2026-01-01"}, received("2026-01-02"), []string{xray, xray}},
	// Therapy: copay 20.00 of 32.50 first, 12.50 to the deductible.
	{"copay before deductible", []string{"97110 32.50 auth"}, authorized("97110", "1", nil), []string{"PR-3 20.00, PR-1 12.50, pays 0.00"}},

	// 290.00 of 300.00: of 30.00 coinsurance 10.00 remain, the plan bears 20.00.
	{"maximum crossed", []string{"73610 150.00"}, met("100.00", "100.00", "290.00", "290.00"), []string{"PR-2 10.00, pays 140.00"}},
	// 270.00: the first line's 30.00 reach it exactly; the second costs nothing.
	{"maximum met in the midst of a claim", []string{"73610 150.00", "71046 80.00"}, met("100.00", "100.00", "270.00", "270.00"),
		[]string{"PR-2 30.00, pays 120.00", "pays 80.00"}},
	{"a cent of the maximum left", []string{"99213 90.00"}, met("0.00", "0.00", "299.99", "299.99"), []string{"PR-3 0.01, pays 89.99"}},
	{"maximum met", []string{"99213 90.00"}, met("0.00", "0.00", "300.00", "300.00"), []string{"pays 90.00"}},
	// An edition with a lower maximum began in mid-year: nothing is given back.
	{"more than the maximum met", []string{"99213 90.00"}, met("0.00", "0.00", "310.00", "310.00"), []string{"pays 90.00"}},
	// The family has 12.00 left of 500.00: all of it to the copay.
	{"the family's maximum is nearer", []string{"99213 90.00"}, met("0.00", "0.00", "0.00", "488.00"), []string{"PR-3 12.00, pays 78.00"}},
	// 105.00 left; deductible 100.00, coinsurance 10.00: the last to come is cut, to 5.00.
	{"the maximum cuts coinsurance first", []string{"73610 150.00"}, met("0.00", "0.00", "195.00", "195.00"), []string{"PR-1 100.00, PR-2 5.00, pays 45.00"}},
	// 60.00 left: copay 20.00, then 40.00 of the deductible; 4 units are 130.00.
	{"the maximum cuts the deductible next", []string{"97110 130.00 x4 auth"},
		also(authorized("97110", "4", nil), met("0.00", "0.00", "240.00", "240.00")), []string{"PR-3 20.00, PR-1 40.00, pays 70.00"}},
}

// What is allowed, and where cents are rounded.
var goldenAmounts = []golden{
	// 12.5% of 14.52 is 1.815.
	{"half a cent goes up", []string{"80053 14.52"}, nil, []string{"PR-2 1.82, pays 12.70"}},
	// 12.5% of 14.51 is 1.81375.
	{"less than half a cent goes down", []string{"80053 14.51"}, nil, []string{"PR-2 1.81, pays 12.70"}},
	{"charge a cent above the fee", []string{"80053 14.53"}, nil, []string{"CO-45 0.01, PR-2 1.82, pays 12.70"}},
	// 1.5 units at 14.52 are 21.78; 12.5% are 2.7225.
	{"a unit and a half", []string{"80053 30.00 x1.5"}, nil, []string{"CO-45 8.22, PR-2 2.72, pays 19.06"}},
	// 0.5 units at 0.33 are 0.165, so 0.17: all of it to the deductible.
	{"half a cent of a half unit goes up", []string{"36415 1.00 x0.5"}, nil, []string{"CO-45 0.83, PR-1 0.17, pays 0.00"}},
	// 0.333 units at 0.33 are 0.10989: 0.11.
	{"a third of a unit", []string{"36415 1.00 x0.333"}, nil, []string{"CO-45 0.89, PR-1 0.11, pays 0.00"}},
	// In an emergency department (23) the room is somebody else's: 65.00.
	{"priced for a facility", []string{"99213 90.00 at23"}, nil, []string{"CO-45 25.00, PR-3 25.00, pays 40.00"}},
	// The reading alone is 110.05: 100.00, and 20% of 10.05 is 2.01.
	{"priced by its modifier", []string{"72148-26 110.05 auth"}, authorized("72148", "1", nil), []string{"PR-1 100.00, PR-2 2.01, pays 8.04"}},
	// 52 (reduced) changes the price and has no row.
	{"a modifier without a price", []string{"73610-52 150.00"}, nil, []string{"1 waits: price-unknown"}},
	// A reviewer accepts the charge: 200.00, 100.00 to the deductible, 20% of the rest.
	{"a reviewer accepts the charge", []string{"73610-52 200.00"}, approved, []string{"PR-1 100.00, PR-2 20.00, pays 80.00"}},
	// 60% of 0.99 is 0.594.
	{"share of charges", []string{"77777 0.99"}, func(w *world) { r := claims.Rate(6000); w.plan.ShareOfCharges = &r },
		[]string{"CO-45 0.40, PR-1 0.59, pays 0.00"}},
	{"nothing charged", []string{"73610 0.00", "99213 90.00"}, nil, []string{"pays 0.00", "PR-3 25.00, pays 65.00"}},
}
