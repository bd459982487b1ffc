package oracle

// xray of golden_dates_test.go holds here too: 150.00 by the values, 100.00 to the
// deductible, 20% of the rest.
var goldenLaterDays = []golden{
	{"addressed to this payer", []string{"73610 150.00"}, nil, []string{xray}},
	{"addressed to another", []string{"73610 150.00"}, func(w *world) { w.claim.Payer.ID = "Q" }, []string{"OA-109 150.00, pays 0.00"}},

	// Served on 2026-03-02, coverage written down on 2026-05-01: 30 days of May, 30 of
	// June and 30 of July are 90: 2026-07-30.
	{"coverage written down later: the last day", []string{"73610 150.00"}, also(recorded("2026-05-01"), received("2026-07-30")), []string{xray}},
	{"coverage written down later: a day late", []string{"73610 150.00"}, also(recorded("2026-05-01"), received("2026-07-31")), []string{"CO-29 150.00, pays 0.00"}},
	// Written down before the service, it counts from the service: 2026-05-31 is the 90th day.
	{"coverage written down before: a day late", []string{"73610 150.00"}, also(recorded("2026-03-01"), received("2026-06-01")), []string{"CO-29 150.00, pays 0.00"}},
	// The flood: services from 2026-01-10 to 01-20 until 2026-09-30.
	{"first day of the flood, last day to come", []string{"73610 150.00 2026-01-10"}, received("2026-09-30"), []string{xray}},
	{"last day of the flood, last day to come", []string{"73610 150.00 2026-01-20"}, received("2026-09-30"), []string{xray}},
	{"last day of the flood, a day late", []string{"73610 150.00 2026-01-20"}, received("2026-10-01"), []string{"CO-29 150.00, pays 0.00"}},
	{"a day before the flood", []string{"73610 150.00 2026-01-09"}, received("2026-09-30"), []string{"CO-29 150.00, pays 0.00"}},
	{"a day after the flood", []string{"73610 150.00 2026-01-21"}, received("2026-09-30"), []string{"CO-29 150.00, pays 0.00"}},

	// Doctor A is excluded from 2026-05-10 to 05-12, the hospital on 2026-06-10.
	{"a day before the exclusion", []string{"73610 150.00 2026-05-09"}, received("2026-06-01"), []string{xray}},
	{"first day of the exclusion", []string{"73610 150.00 2026-05-10"}, received("2026-06-01"), []string{"CO-B7 150.00, pays 0.00"}},
	{"last day of the exclusion", []string{"73610 150.00 2026-05-12"}, received("2026-06-01"), []string{"CO-B7 150.00, pays 0.00"}},
	{"a day after the exclusion", []string{"73610 150.00 2026-05-13"}, received("2026-06-01"), []string{xray}},
	{"the last of three days is excluded", []string{"73610 150.00 2026-05-08..2026-05-10"}, received("2026-06-01"), []string{"CO-B7 150.00, pays 0.00"}},
	{"a colleague on those days", []string{"73610 150.00 2026-05-10 byB"}, received("2026-06-01"), []string{xray}},
	{"who bills is excluded", []string{"73610 150.00 2026-06-10 byB"}, received("2026-07-01"), []string{"CO-B7 150.00, pays 0.00"}},
	// Under contract until 2026-11-30.
	{"last day of the contract", []string{"73610 150.00 2026-11-30"}, received("2026-12-01"), []string{xray}},
	{"a day after the contract", []string{"73610 150.00 2026-12-01"}, received("2026-12-01"), []string{"CO-242 150.00, pays 0.00"}},
	{"two days, the second after the contract", []string{"73610 150.00 2026-11-30..2026-12-01"}, received("2026-12-02"), []string{"CO-242 150.00, pays 0.00"}},
	{"a biller without a contract", []string{"73610 150.00"}, func(w *world) { w.claim.Billing.NPI = "1000000004" }, []string{"CO-242 150.00, pays 0.00"}},
}

// The X-ray was billed before. What rules/2 finds nearly the same besides.
var goldenLaterRepeats = []golden{
	{"billed before", []string{"73610 150.00"}, billed("73610 150.00", nil), []string{"CO-18 150.00, pays 0.00"}},
	{"billed before for a cent more", []string{"73610 150.00"}, billed("73610 150.01", nil), []string{"1 waits: near-duplicate"}},
	{"billed before, nearly and exactly", []string{"73610 150.00"}, also(billed("73610 150.01", nil), billed("73610 150.00", nil)), []string{"CO-18 150.00, pays 0.00"}},
	{"billed before for two units", []string{"73610 150.00"}, billed("73610 150.00 x2", nil), []string{"1 waits: near-duplicate"}},
	{"billed before by another house for the same doctor", []string{"73610 150.00"}, billed("73610 150.00", func(e *earlierLine) { e.billing = "1000000004" }),
		[]string{"1 waits: near-duplicate"}},
	{"billed before by the house for a colleague", []string{"73610 150.00"}, billed("73610 150.00", func(e *earlierLine) { e.renderer = doctorB }),
		[]string{"1 waits: near-duplicate"}},
	{"billed before by another house for another doctor", []string{"73610 150.00"}, billed("73610 150.00", func(e *earlierLine) {
		e.billing, e.renderer = "1000000004", doctorB
	}), []string{xray}},
	{"billed before for a cent more, for the day before", []string{"73610 150.00"}, billed("73610 150.01 2026-03-01", nil), []string{xray}},
	{"billed before for a cent more, with a modifier", []string{"73610 150.00"}, billed("73610-25 150.01", nil), []string{xray}},
	{"billed before for a cent more, and reversed", []string{"73610 150.00"}, billed("73610 150.01", func(e *earlierLine) { e.reversed = true }), []string{xray}},
	{"billed before for a cent more, and a reviewer saw it", []string{"73610 150.00"}, also(approved, billed("73610 150.01", nil)), []string{xray}},
	{"billed before for a cent more, and a reviewer refused", []string{"73610 150.00"}, also(refusedBy, billed("73610 150.01", nil)),
		[]string{"CO-18 150.00, pays 0.00"}},
	// Both lines are nearly the earlier one, the second is exactly the first. The
	// reviewer let what is near pass, not what is the same.
	{"twice on one claim, and nearly before", []string{"73610 150.00", "73610 150.00"}, also(approved, billed("73610 150.01", nil)),
		[]string{xray, "CO-18 150.00, pays 0.00"}},
	// A person looks at a picture of a child's back, or of who may be one.
	{"a term is met: a day before the 18th birthday", []string{"72148 250.00"}, patient("2008-03-03", "F"), []string{"1 waits: plan-term"}},
	// 250.00: 100.00, and 20% of 150.00 is 30.00.
	{"the 18th birthday", []string{"72148 250.00"}, patient("2008-03-02", "F"), []string{"PR-1 100.00, PR-2 30.00, pays 120.00"}},
	{"nobody says how old", []string{"72148 250.00"}, patient("", "F"), []string{"1 waits: plan-term"}},
	{"nobody says how old, and a reviewer saw it", []string{"72148 250.00"}, also(approved, patient("", "F")), []string{"PR-1 100.00, PR-2 30.00, pays 120.00"}},
	// Therapy, 32.50, for something else than the back.
	{"a term excludes", []string{"97110 32.50 dx2"}, nil, []string{"OA-96/N130 32.50, pays 0.00"}},
	{"for the back", []string{"97110 32.50 dx1"}, nil, []string{"PR-1 32.50, pays 0.00"}},
	// More than 600.00 is asked for first. 600.00 of S0001 is 400.00: 200.00 written off, 100.00, 20% of 300.00.
	{"600.00 is not asked for", []string{"S0001 600.00"}, nil, []string{"CO-45 200.00, PR-1 100.00, PR-2 60.00, pays 240.00"}},
	{"a cent more is", []string{"S0001 600.01"}, nil, []string{"CO-197 600.01, pays 0.00"}},
	{"and was", []string{"S0001 600.01 auth"}, authorized("S0001", "1", nil), []string{"CO-45 200.01, PR-1 100.00, PR-2 60.00, pays 240.00"}},
}

var goldenLaterConditions = []golden{
	// 70551 is for ages 18 to 65: 300.00, 100.00 and 20% of 200.00.
	{"a day before 18", []string{"70551 300.00"}, patient("2008-03-03", "F"), []string{"CO-6 300.00, pays 0.00"}},
	{"18 today", []string{"70551 300.00"}, patient("2008-03-02", "F"), []string{"PR-1 100.00, PR-2 40.00, pays 160.00"}},
	{"a day before 66", []string{"70551 300.00"}, patient("1960-03-03", "F"), []string{"PR-1 100.00, PR-2 40.00, pays 160.00"}},
	{"66 today", []string{"70551 300.00"}, patient("1960-03-02", "F"), []string{"CO-6 300.00, pays 0.00"}},
	{"nobody says the age", []string{"70551 300.00"}, patient("", "F"), []string{"1 waits: patient-unknown"}},
	// 93970, in March 2026, is for men to 65: 120.00, 100.00 and 20% of 20.00.
	{"a man", []string{"93970 120.00"}, patient("1986-03-02", "M"), []string{"PR-1 100.00, PR-2 4.00, pays 16.00"}},
	{"a woman", []string{"93970 120.00"}, nil, []string{"CO-7 120.00, pays 0.00"}},
	{"a woman on the last day of the condition", []string{"93970 120.00 2026-03-31"}, nil, []string{"CO-7 120.00, pays 0.00"}},
	{"a woman the day after", []string{"93970 120.00 2026-04-01"}, nil, []string{"PR-1 100.00, PR-2 4.00, pays 16.00"}},
	{"a woman the day before", []string{"93970 120.00 2026-02-28"}, nil, []string{"PR-1 100.00, PR-2 4.00, pays 16.00"}},
	{"the sex is unknown", []string{"93970 120.00"}, patient("1986-03-02", "U"), []string{"1 waits: patient-unknown"}},
	// What the reviewer let pass is the age.
	{"a woman of unknown age, and a reviewer saw it", []string{"93970 120.00"}, also(approved, patient("", "F")), []string{"CO-7 120.00, pays 0.00"}},
	{"a man of unknown age, and a reviewer saw it", []string{"93970 120.00"}, also(approved, patient("", "M")), []string{"PR-1 100.00, PR-2 4.00, pays 16.00"}},
	// 92134 is for G47 (40.00), 92250 not for R06 (50.00): both below the deductible.
	{"the diagnosis that it is for", []string{"92134 40.00 dx3"}, nil, []string{"PR-1 40.00, pays 0.00"}},
	{"another diagnosis", []string{"92134 40.00 dx1"}, nil, []string{"CO-11 40.00, pays 0.00"}},
	{"a diagnosis that it is not for", []string{"92250 50.00 dx2"}, nil, []string{"OA-167 50.00, pays 0.00"}},
	{"any other", []string{"92250 50.00 dx3"}, nil, []string{"PR-1 50.00, pays 0.00"}},
	{"in the hospital's ward", []string{"99231 90.00 at21"}, nil, []string{"PR-1 90.00, pays 0.00"}},
	{"in its outpatient department", []string{"99231 90.00 at22"}, nil, []string{"CO-5 90.00, pays 0.00"}},
	// 64483, 200.00, wants a side: 100.00, and 20% of 100.00.
	{"a side", []string{"64483-LT 200.00"}, nil, []string{"PR-1 100.00, PR-2 20.00, pays 80.00"}},
	{"no side", []string{"64483 200.00"}, nil, []string{"CO-4 200.00, pays 0.00"}},
	{"a side, and what may not stand there", []string{"64483-LT-59 200.00"}, nil, []string{"CO-4 200.00, pays 0.00"}},
}

func units4(e *earlierLine) { e.line.Units = 3000 }

// Four units of therapy a year, two of chest pictures a day.
var goldenLaterLimits = []golden{
	// Three were paid; the fourth is 32.50, below the deductible. Of two, the second is
	// 20.00 and half of 12.50: 6.25 less.
	{"the last unit of the year", []string{"97110 32.50"}, paidFor("97110 99.00 2026-01-05", units4), []string{"PR-1 32.50, pays 0.00"}},
	{"the fifth", []string{"97110 65.00 x2"}, paidFor("97110 99.00 2026-01-05", units4), []string{"OA-119 65.00, pays 0.00"}},
	{"three were refused", []string{"97110 65.00 x2"}, billed("97110 99.00 2026-01-05", units4), []string{"CO-59 6.25, PR-1 58.75, pays 0.00"}},
	{"three of the year before", []string{"97110 65.00 x2"}, paidFor("97110 99.00 2025-12-31", units4), []string{"CO-59 6.25, PR-1 58.75, pays 0.00"}},
	{"three, taken back", []string{"97110 65.00 x2"}, paidFor("97110 99.00 2026-01-05", func(e *earlierLine) { e.line.Units, e.reversed = 3000, true }),
		[]string{"CO-59 6.25, PR-1 58.75, pays 0.00"}},
	{"two pictures a day", []string{"71046 80.00", "71046-59 80.00 2026-03-03"}, paidFor("71046-25 80.00", nil), []string{"PR-1 80.00, pays 0.00", "PR-1 20.00, PR-2 12.00, pays 48.00"}},
	// The second of the day is refused as a copy, so that the third is the second.
	{"a refused picture uses up none", []string{"71046 80.00", "71046 80.00", "71046-25 80.00"}, nil,
		[]string{"PR-1 80.00, pays 0.00", "CO-18 80.00, pays 0.00", "PR-1 20.00, PR-2 12.00, pays 48.00"}},
	{"the third of the day", []string{"71046 80.00", "71046-25 80.00", "71046-24 80.00"}, nil,
		[]string{"PR-1 80.00, pays 0.00", "PR-1 20.00, PR-2 12.00, pays 48.00", "OA-119 80.00, pays 0.00"}},
}
