package oracle

import "slices"

// A visit, 90.00, belongs to a surgery's amount in its global days; else its copay
// is 0.00 here, and 90.00 goes to the deductible.
const visit, included = "PR-1 90.00, pays 0.00", "CO-97 90.00, pays 0.00"

var goldenLaterSurgery = []golden{
	// S0001 has 90 days and the day before. From 2026-03-02, 29 days to the end of
	// March, 30 of April and 31 of May are 90: 2026-05-31.
	{"two days before the surgery", []string{"99213 90.00 2026-02-28"}, paidFor("S0001 400.00 2026-03-02", nil), []string{visit}},
	{"the day before", []string{"99213 90.00 2026-03-01"}, paidFor("S0001 400.00 2026-03-02", nil), []string{included}},
	{"the day before, to decide on it", []string{"99213-57 90.00 2026-03-01"}, paidFor("S0001 400.00 2026-03-02", nil), []string{visit}},
	{"the day before, 25 is no reason", []string{"99213-25 90.00 2026-03-01"}, paidFor("S0001 400.00 2026-03-02", nil), []string{included}},
	{"the day itself", []string{"99213 90.00"}, paidFor("S0001 400.00 2026-03-02", nil), []string{included}},
	{"the day itself, a visit of its own", []string{"99213-25 90.00"}, paidFor("S0001 400.00 2026-03-02", nil), []string{visit}},
	{"the day itself, 24 is no reason", []string{"99213-24 90.00"}, paidFor("S0001 400.00 2026-03-02", nil), []string{included}},
	{"the ninetieth day", []string{"99213 90.00 2026-05-31"}, also(received("2026-06-02"), paidFor("S0001 400.00 2026-03-02", nil)), []string{included}},
	{"the ninetieth day, for something else", []string{"99213-24 90.00 2026-05-31"}, also(received("2026-06-02"), paidFor("S0001 400.00 2026-03-02", nil)), []string{visit}},
	{"the ninety-first", []string{"99213 90.00 2026-06-01"}, also(received("2026-06-02"), paidFor("S0001 400.00 2026-03-02", nil)), []string{visit}},
	// S0002 has ten days, and not the day before; S0003 the day alone.
	{"ten days: the day before", []string{"99213 90.00 2026-03-01"}, paidFor("S0002 300.00 2026-03-02", nil), []string{visit}},
	{"ten days: the tenth", []string{"99213 90.00 2026-03-12"}, paidFor("S0002 300.00 2026-03-02", nil), []string{included}},
	{"ten days: the eleventh", []string{"99213 90.00 2026-03-13"}, paidFor("S0002 300.00 2026-03-02", nil), []string{visit}},
	{"no days: the day itself", []string{"99213 90.00"}, paidFor("S0003 200.00 2026-03-02", nil), []string{included}},
	{"no days: the next", []string{"99213 90.00 2026-03-03"}, paidFor("S0003 200.00 2026-03-02", nil), []string{visit}},
	{"a colleague's surgery", []string{"99213 90.00"}, paidFor("S0001 400.00", func(e *earlierLine) { e.renderer = doctorB }), []string{visit}},
	{"a surgery that was refused", []string{"99213 90.00"}, billed("S0001 400.00", nil), []string{visit}},
	{"a surgery that was taken back", []string{"99213 90.00"}, paidFor("S0001 400.00", func(e *earlierLine) { e.reversed = true }), []string{visit}},
	{"no visit but an X-ray", []string{"73610 150.00"}, paidFor("S0001 400.00", nil), []string{xray}},
	// On one claim: 400.00 is 100.00 and 20% of 300.00.
	{"with its surgery", []string{"99213 90.00", "S0001 400.00"}, nil, []string{included, "PR-1 100.00, PR-2 60.00, pays 240.00"}},
	// The surgery was billed before, so that it includes nothing here.
	{"with a surgery that falls", []string{"99213 90.00", "S0001 400.00"}, billed("S0001 400.00", nil), []string{visit, "CO-18 400.00, pays 0.00"}},

	// 64484, 80.00, stands beside 64483: 200.00 is 100.00 and 20.00; then 20% of 80.00.
	{"an add-on beside its primary", []string{"64484 80.00", "64483-LT 200.00"}, nothingOwedButShares, []string{"PR-2 16.00, pays 64.00", "PR-2 40.00, pays 160.00"}},
	{"an add-on alone", []string{"64484 80.00"}, nil, []string{"CO-107 80.00, pays 0.00"}},
	{"an add-on to what was paid before", []string{"64484 80.00"}, paidFor("64483-LT 200.00", nil), []string{"PR-1 80.00, pays 0.00"}},
	{"an add-on to what was refused before", []string{"64484 80.00"}, billed("64483-LT 200.00", nil), []string{"CO-107 80.00, pays 0.00"}},
	{"an add-on to yesterday's", []string{"64484 80.00"}, paidFor("64483-LT 200.00 2026-03-01", nil), []string{"CO-107 80.00, pays 0.00"}},
	{"an add-on to a colleague's", []string{"64484 80.00", "64483-LT 200.00 byB"}, nil, []string{"CO-107 80.00, pays 0.00", "PR-1 100.00, PR-2 20.00, pays 80.00"}},
	// Without a side the primary falls (CARC 4), and the add-on with it.
	{"an add-on falls with its primary", []string{"64484 80.00", "64483 200.00"}, nil, []string{"CO-107 80.00, pays 0.00", "CO-4 200.00, pays 0.00"}},
}

// nothingOwedButShares: the deductible is met.
func nothingOwedButShares(w *world) { met("100.00", "150.00", "100.00", "150.00")(w) }

var goldenLaterContracts = []golden{
	// 62.5% of 14.52 is 9.075: 9.08, which the deductible takes.
	{"a share of the charge", []string{"80053 14.52"}, nil, []string{"CO-45 5.44, PR-1 9.08, pays 0.00"}},
	// 260.00 bounded to 230.00 as in a hospital's outpatient department, at 110%: 253.00.
	{"a share of the fees", []string{"74170 300.00"}, nothingOwed, []string{"CO-45 47.00, pays 253.00"}},
	{"a share of the fees, charged less", []string{"74170 252.99"}, nothingOwed, []string{"pays 252.99"}},
	// A case of 100.00 by charges of 60, 60 and 60: 33.33 each, and the cent that is left to the first.
	{"a case", []string{"20610-LT 60.00", "20610-RT 60.00", "20611 60.00"}, also(approved, nothingOwed),
		[]string{"CO-45 26.66, pays 33.34", "CO-45 26.67, pays 33.33", "CO-45 26.67, pays 33.33"}},
	// 70.01 and 30.00 are a cent above it: 70.01 of 100.01 is 70.003, 29.997 is left.
	{"a case a cent below its charges", []string{"20610 70.01", "20611 30.00"}, nothingOwed, []string{"CO-45 0.01, pays 70.00", "pays 30.00"}},
	{"a case at its charges", []string{"20610 70.00", "20611 30.00"}, nothingOwed, []string{"pays 70.00", "pays 30.00"}},
	{"a case above its charges", []string{"20610 69.99", "20611 30.00"}, nothingOwed, []string{"pays 69.99", "pays 30.00"}},
	// A line that falls takes no part: it was billed before.
	{"a case of which a line falls", []string{"20610 90.00", "20611 90.00"}, also(nothingOwed, billed("20610 90.00", nil)),
		[]string{"CO-18 90.00, pays 0.00", "pays 90.00"}},
	{"last day of the case rate", []string{"20610 150.00 2026-03-31"}, nothingOwed, []string{"CO-45 50.00, pays 100.00"}},
	// Behind it there is no price in the edition.
	{"a day after the case rate", []string{"20610 150.00 2026-04-01"}, nothingOwed, []string{"1 waits: price-unknown"}},
	// 90.00 the first and second day, 70.01 from the third; the last day is not counted.
	{"one day", []string{"99221 500.00"}, nothingOwed, []string{"CO-45 410.00, pays 90.00"}},
	{"to the next day", []string{"99221 500.00 2026-03-02..2026-03-03"}, nothingOwed, []string{"CO-45 410.00, pays 90.00"}},
	{"two days", []string{"99221 500.00 2026-03-02..2026-03-04"}, nothingOwed, []string{"CO-45 320.00, pays 180.00"}},
	// 250.01 by charges of 500 and 500: 125.005 each.
	{"three days of two lines", []string{"99221 500.00 2026-03-02", "99222 500.00 2026-03-03..2026-03-05"}, nothingOwed,
		[]string{"CO-45 374.99, pays 125.01", "CO-45 375.00, pays 125.00"}},
	// A list: two units of 25.03 are 50.06; what has no price waits.
	{"a list", []string{"20605 60.00 x2"}, also(aList("20605,,,25.03\n"), nothingOwed), []string{"CO-45 9.94, pays 50.06"}},
	{"not on the list", []string{"20604 60.00"}, also(aList("20605,,,25.03\n"), nothingOwed), []string{"1 waits: price-unknown"}},
	// Both sides is worth what the list does not say.
	{"a list does not say what both sides are worth", []string{"20605-50 60.00"}, also(aList("20605,,,25.03\n"), nothingOwed), []string{"1 waits: price-unknown"}},
}

// goldenWithheld: 2%, 1% from April to June of 2022, none before, of what is paid.
var goldenWithheld = slices.Concat([]golden{
	{"nothing is withheld", []string{"73610 150.00 2022-03-31"}, also(withheld, nothingOwed, received("2022-04-01")), []string{"pays 150.00"}},
	{"one percent, first day", []string{"73610 150.00 2022-04-01"}, also(withheld, nothingOwed, received("2022-04-01")), []string{"CO-253 1.50, pays 148.50"}},
	{"the last day decides", []string{"73610 150.00 2022-03-31..2022-04-01"}, also(withheld, nothingOwed, received("2022-04-01")), []string{"CO-253 1.50, pays 148.50"}},
	{"one percent, last day", []string{"73610 150.00 2022-06-30"}, also(withheld, nothingOwed, received("2022-07-01")), []string{"CO-253 1.50, pays 148.50"}},
	{"two percent", []string{"73610 150.00 2022-07-01"}, also(withheld, nothingOwed, received("2022-07-01")), []string{"CO-253 3.00, pays 147.00"}},
	// 100.00 and 10.00 are the patient's and stay whole: 2% of 40.00.
	{"behind cost sharing", []string{"73610 150.00"}, withheld, []string{"PR-1 100.00, PR-2 10.00, CO-253 0.80, pays 39.20"}},
	{"of nothing", []string{"99213 90.00"}, withheld, []string{visit}},
	// 2% of 0.25 is half a cent; of 0.24 less.
	{"half a cent", []string{"73610 0.25"}, also(withheld, nothingOwed), []string{"CO-253 0.01, pays 0.24"}},
	{"less than half a cent", []string{"73610 0.24"}, also(withheld, nothingOwed), []string{"pays 0.24"}},
})
