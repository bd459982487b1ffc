package oracle

// What is allowed is paid here (nothingOwed). Fees: S0001 400.00, S0002 300.00,
// S0003 200.00, S0004 100.00, S0005 100.10, S0006 50.00; of endoscopies the base
// E0001 is 200.00, E0002 350.00, E0003 320.00.
var goldenLaterRanks = []golden{
	{"one surgery", []string{"S0002 310.00"}, nothingOwed, []string{"CO-45 10.00, pays 300.00"}},
	{"charged a cent less", []string{"S0002 299.99"}, nothingOwed, []string{"pays 299.99"}},
	// 300.00 and half of 200.00, whichever comes first.
	{"two surgeries", []string{"S0003 200.00", "S0002 310.00"}, nothingOwed, []string{"CO-59 100.00, pays 100.00", "CO-45 10.00, pays 300.00"}},
	// Half of 100.10 is 50.05. 0.10 dearer, it would be the first but for S0002.
	{"the dearer by ten cents", []string{"S0004 100.00", "S0005 100.10"}, nothingOwed, []string{"CO-59 50.00, pays 50.00", "pays 100.10"}},
	// Charged 60.00 of 100.00; half of the fee is 50.00, so that 10.00 come off for several.
	{"the reduced fee below the charge", []string{"S0002 300.00", "S0004 60.00"}, nothingOwed, []string{"pays 300.00", "CO-59 10.00, pays 50.00"}},
	{"the charge below the reduced fee", []string{"S0002 300.00", "S0004 49.99"}, nothingOwed, []string{"pays 300.00", "pays 49.99"}},
	{"two units of one", []string{"S0004 200.00 x2"}, nothingOwed, []string{"CO-59 50.00, pays 150.00"}},
	{"one and a half units", []string{"S0004 200.00 x1.5"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"on two days", []string{"S0002 300.00", "S0004 100.00 2026-03-03"}, nothingOwed, []string{"pays 300.00", "pays 100.00"}},
	{"by two surgeons", []string{"S0002 300.00", "S0004 100.00 byB"}, nothingOwed, []string{"pays 300.00", "pays 100.00"}},
	// An X-ray is not ranked.
	{"a surgery and an X-ray", []string{"S0004 100.00", "73610 150.00"}, nothingOwed, []string{"pays 100.00", "pays 150.00"}},
	// 400, half of 300, 200, 100.10 and 100: the fifth is still half.
	{"five", []string{"S0001 400.00", "S0002 300.00", "S0003 200.00", "S0005 100.10", "S0004 100.00"}, nothingOwed,
		[]string{"pays 400.00", "CO-59 150.00, pays 150.00", "CO-59 100.00, pays 100.00", "CO-59 50.05, pays 50.05", "CO-59 50.00, pays 50.00"}},
	{"six", []string{"S0001 400.00", "S0002 300.00", "S0003 200.00", "S0005 100.10", "S0004 100.00", "S0006 50.00"}, nothingOwed,
		[]string{"6 waits: price-unknown"}},
	// A surgery that was billed before falls, and takes no rank.
	{"the dearer falls", []string{"S0002 300.00", "S0004 100.00"}, also(nothingOwed, billed("S0002 300.00", nil)), []string{"CO-18 300.00, pays 0.00", "pays 100.00"}},
	{"ranked with what was paid before", []string{"S0004 100.00"}, also(nothingOwed, paidFor("S0002 300.00", nil)), []string{"1 waits: price-unknown"}},
	{"ranked with it, and a reviewer saw it", []string{"S0004 100.00"}, also(approved, nothingOwed, paidFor("S0002 300.00", nil)), []string{"pays 100.00"}},
	{"paid before on the day before", []string{"S0004 100.00"}, also(nothingOwed, paidFor("S0002 300.00 2026-03-01", nil)), []string{"pays 100.00"}},
	{"refused before", []string{"S0004 100.00"}, also(nothingOwed, billed("S0002 300.00", nil)), []string{"pays 100.00"}},

	// 350.00 whole; 320.00 less the base of 200.00 is 120.00.
	{"two endoscopies of a family", []string{"E0003 320.00", "E0002 350.00"}, nothingOwed, []string{"CO-59 200.00, pays 120.00", "pays 350.00"}},
	{"an endoscopy alone", []string{"E0003 320.00"}, nothingOwed, []string{"pays 320.00"}},
	{"an endoscopy and its base", []string{"E0003 320.00", "E0001 200.00"}, nothingOwed, []string{"pays 320.00", "CO-59 200.00, pays 0.00"}},
	// The family, 470.00, is dearer than 400.00, which is halved.
	{"a family before a surgery", []string{"E0003 320.00", "E0002 350.00", "S0001 400.00"}, nothingOwed,
		[]string{"CO-59 200.00, pays 120.00", "pays 350.00", "CO-59 200.00, pays 200.00"}},
	// 320.00 is less than 400.00.
	{"a surgery before an endoscopy", []string{"E0003 320.00", "S0001 400.00"}, nothingOwed, []string{"CO-59 160.00, pays 160.00", "pays 400.00"}},

	// Both sides: 150% of 400.00; of S0002 no more; of an X-ray twice 150.00; never of S0003.
	{"both sides at 150%", []string{"S0001-50 600.00"}, nothingOwed, []string{"pays 600.00"}},
	{"both sides at 100%", []string{"S0002-50 600.00"}, nothingOwed, []string{"CO-45 300.00, pays 300.00"}},
	{"both sides at 200%", []string{"73610-50 300.00"}, nothingOwed, []string{"pays 300.00"}},
	{"no two sides", []string{"S0003-50 200.00"}, nothingOwed, []string{"CO-4 200.00, pays 0.00"}},
	// 600.00 before 300.00.
	{"both sides before another", []string{"S0001-50 600.00", "S0002 300.00"}, nothingOwed, []string{"pays 600.00", "CO-59 150.00, pays 150.00"}},
	{"more work than usual", []string{"S0004-22 150.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"a code without values", []string{"G0001 150.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"a code without values, and a reviewer refused", []string{"G0001 150.00"}, also(refusedBy, nothingOwed), []string{"OA-96/N130 150.00, pays 0.00"}},
	{"a reading of what has no picture", []string{"S0004-26 100.00"}, nothingOwed, []string{"CO-4 100.00, pays 0.00"}},
	{"a visit in a facility", []string{"99213 90.00 at22"}, nothingOwed, []string{"CO-45 25.00, pays 65.00"}},
}

// Of images 70551 is 300.00 (technical 200.00, professional 100.00), 72148 250.00
// (160.00, 90.00), 74170 260.00 (180.00, 80.00; as an outpatient 150.00 and 230.00).
var goldenLaterTests = []golden{
	// Half of 160.00 and 5% of 90.00 come off: 84.50.
	{"two images", []string{"70551 300.00", "72148 250.00"}, nothingOwed, []string{"pays 300.00", "CO-59 84.50, pays 165.50"}},
	{"two technical parts", []string{"70551-TC 200.00", "72148-TC 160.00"}, nothingOwed, []string{"pays 200.00", "CO-59 80.00, pays 80.00"}},
	{"two readings", []string{"70551-26 100.00", "72148-26 90.00"}, nothingOwed, []string{"pays 100.00", "CO-59 4.50, pays 85.50"}},
	{"a picture and another's reading", []string{"70551-TC 200.00", "72148-26 90.00"}, nothingOwed, []string{"pays 200.00", "pays 90.00"}},
	// The technical part of the whole is the dearer, the single reading the less.
	{"a whole and a reading", []string{"72148 250.00", "70551-26 100.00"}, nothingOwed, []string{"CO-59 4.50, pays 245.50", "pays 100.00"}},
	{"on two days", []string{"70551 300.00", "72148 250.00 2026-03-03"}, nothingOwed, []string{"pays 300.00", "pays 250.00"}},
	// An image and the heart are of two kinds.
	{"an image and a heart", []string{"70551 300.00", "93306 240.00"}, nothingOwed, []string{"pays 300.00", "pays 240.00"}},
	// 75% of 100.00 is 75.00.
	{"two of heart and vessels", []string{"93306 240.00", "93970 120.00"}, also(nothingOwed, patient("1986-03-02", "M")), []string{"pays 240.00", "CO-59 25.00, pays 95.00"}},
	// 80% of 25.00 is 20.00.
	{"two of the eye", []string{"92250 50.00 dx1", "92134 40.00 dx3"}, nothingOwed, []string{"pays 50.00", "CO-59 5.00, pays 35.00"}},
	{"one whose parts are other codes, alone", []string{"93000 50.00"}, nothingOwed, []string{"pays 50.00"}},
	{"beside another", []string{"93000 50.00", "93306 240.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	// 74170 by the contract, at 110% of each: 230.00 of 260.00 alone; behind 70551 half of 180.00 is 90.00,
	// less than 150.00, so that it is not cut again: 260.00 - 90.00 - 4.00 = 166.00. At 110%: 286.00 to 182.60.
	{"bounded as an outpatient", []string{"74170 286.00"}, nothingOwed, []string{"CO-45 33.00, pays 253.00"}},
	{"reduced below the bound", []string{"74170 286.00", "70551 300.00"}, nothingOwed, []string{"CO-59 103.40, pays 182.60", "pays 300.00"}},
	// Of two units of therapy the second has half of its practice expense: 12.50 to 6.25.
	{"therapy twice", []string{"97110 65.00 x2"}, nothingOwed, []string{"CO-59 6.25, pays 58.75"}},
	// 97140 has the greater practice expense, 20.00, and is whole.
	{"two therapies", []string{"97110 32.50", "97140 30.00"}, nothingOwed, []string{"CO-59 6.25, pays 26.25", "pays 30.00"}},
	{"therapy by two", []string{"97110 32.50", "97140 30.00 byB"}, nothingOwed, []string{"pays 32.50", "pays 30.00"}},
}

var goldenLaterPersons = []golden{
	// 16% and 13.6% of 400.00.
	{"an assistant", []string{"S0001-80 64.00"}, nothingOwed, []string{"pays 64.00"}},
	{"an assistant charges the whole", []string{"S0001-80 400.00"}, nothingOwed, []string{"CO-59 336.00, pays 64.00"}},
	{"an assistant who is no physician", []string{"S0001-AS 400.00"}, nothingOwed, []string{"CO-59 345.60, pays 54.40"}},
	{"an assistant, by report", []string{"S0003-80 200.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"an assistant is never paid", []string{"S0002-81 300.00"}, nothingOwed, []string{"CO-54 300.00, pays 0.00"}},
	// Who is never paid takes no rank: the other is whole.
	{"an assistant who is never paid, and a lesser surgery", []string{"S0002-82 300.00", "S0004 100.00"}, nothingOwed, []string{"CO-54 300.00, pays 0.00", "pays 100.00"}},
	// Behind 600.00 for both sides, half of 300.00: but for S0002 there is no assistant; of S0001 it is 16% of 600.00.
	{"an assistant at both sides", []string{"S0001-50-80 600.00"}, nothingOwed, []string{"CO-59 504.00, pays 96.00"}},
	// 62.5% of 400.00.
	{"two surgeons", []string{"S0001-62 400.00"}, nothingOwed, []string{"CO-59 150.00, pays 250.00"}},
	{"two surgeons, by report", []string{"S0002-62 300.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"two surgeons are never paid", []string{"S0003-62 200.00"}, nothingOwed, []string{"CO-54 200.00, pays 0.00"}},
	{"a team, by report", []string{"S0001-66 400.00"}, nothingOwed, []string{"1 waits: price-unknown"}},
	{"a team is never paid", []string{"S0002-66 300.00"}, nothingOwed, []string{"CO-54 300.00, pays 0.00"}},
}
