package oracle

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An X-ray of 150.00 as charged, nothing met: 100.00 to the deductible, 20% of
// 50.00 is 10.00, 40.00 is paid.
const xray = "PR-1 100.00, PR-2 10.00, pays 40.00"

var goldenDates = []golden{
	// Covered from the 2nd: the 1st is the day before.
	{"day before coverage", []string{"73610 150.00 2026-03-01"}, coverage(claims.Coverage{From: "2026-03-02"}), []string{"OA-26 150.00, pays 0.00"}},
	{"first day of coverage", []string{"73610 150.00 2026-03-02"}, coverage(claims.Coverage{From: "2026-03-02"}), []string{xray}},
	{"last day of coverage", []string{"73610 150.00 2026-03-31"}, coverage(claims.Coverage{From: "2025-01-01", Until: "2026-03-31"}), []string{xray}},
	{"day after coverage", []string{"73610 150.00 2026-04-01"}, coverage(claims.Coverage{From: "2025-01-01", Until: "2026-03-31"}),
		[]string{"OA-27 150.00, pays 0.00"}},
	// Between the end on the 10th and the beginning on the 12th lies one day.
	{"the one day of a gap", []string{"73610 150.00 2026-03-11"},
		coverage(claims.Coverage{From: "2025-01-01", Until: "2026-03-10"}, claims.Coverage{From: "2026-03-12"}), []string{"OA-200 150.00, pays 0.00"}},
	// From the 9th to the 12th over a change on the 10th to 11th: each day is covered.
	{"days across two periods that touch", []string{"73610 150.00 2026-03-09..2026-03-12"},
		coverage(claims.Coverage{From: "2026-03-11"}, claims.Coverage{From: "2025-01-01", Until: "2026-03-10"}), []string{xray}},
	{"last of three days not covered", []string{"73610 150.00 2026-03-09..2026-03-11"},
		coverage(claims.Coverage{From: "2025-01-01", Until: "2026-03-10"}), []string{"OA-27 150.00, pays 0.00"}},
	// Two lines, one each side of the end: the second is 90.00 for a visit, 25.00 copay, 65.00 paid.
	{"coverage ends between two lines", []string{"73610 150.00 2026-04-01", "99213 90.00 2026-03-31"},
		coverage(claims.Coverage{From: "2025-01-01", Until: "2026-03-31"}), []string{"OA-27 150.00, pays 0.00", "PR-3 25.00, pays 65.00"}},

	// From 2026-03-02: 29 days to the 31st, 30 of April, 31 of May are 90: 2026-05-31.
	{"filed on the last day", []string{"73610 150.00"}, received("2026-05-31"), []string{xray}},
	{"filed a day late", []string{"73610 150.00"}, received("2026-06-01"), []string{"CO-29 150.00, pays 0.00"}},
	// From 2025-12-31: 31 of January, 28 of February, 31 of March are 90. The deductible is that of 2025.
	{"filed on the last day, over New Year", []string{"73610 150.00 2025-12-31"}, received("2026-03-31"), []string{xray}},
	// Counted from the last day of the line: 2026-03-04 and 90 days are 2026-06-02.
	{"several days, filed on the last day", []string{"73610 150.00 2026-03-02..2026-03-04"}, received("2026-06-02"), []string{xray}},
	// The line of the 1st is 92 days old, that of the 3rd 90. What is denied takes nothing of the deductible.
	{"one line late, the other not", []string{"71046 80.00 2026-03-01", "73610 150.00 2026-03-03"}, received("2026-06-01"),
		[]string{"CO-29 80.00, pays 0.00", xray}},

	{"last day of the edition", []string{"73610 150.00 2027-12-31"}, also(received("2028-01-01"), licensedUntil("2028-12-31")), []string{xray}},
	{"day after the edition", []string{"73610 150.00 2028-01-01"}, also(received("2028-01-01"), licensedUntil("2028-12-31")),
		[]string{"1 waits: plan-edition"}},
}

func licensedUntil(day credentials.Date) func(*world) {
	return func(w *world) { w.licenses[0].Until = day }
}

var notLicensed = []string{"CO-B7 150.00, pays 0.00"}

// The license runs from 2021-03-01 to 2026-12-31, both included.
var goldenLicenses = []golden{
	{"day before the license", []string{"73610 150.00 2026-03-01"}, func(w *world) { w.licenses[0].From = "2026-03-02" }, notLicensed},
	{"first day of the license", []string{"73610 150.00 2026-03-02"}, func(w *world) { w.licenses[0].From = "2026-03-02" }, []string{xray}},
	{"last day of the license", []string{"73610 150.00 2026-12-31"}, received("2027-01-02"), []string{xray}},
	{"day after the license", []string{"73610 150.00 2027-01-01"}, received("2027-01-02"), notLicensed},
	// A renewal from 2027-01-02 on leaves New Year's Day without a license.
	{"renewed a day late: the day between", []string{"73610 150.00 2027-01-01"}, also(received("2027-01-03"),
		ordered(credentials.OrderRenew, "2027-01-02", "2028-12-31")), notLicensed},
	{"renewed: its first day", []string{"73610 150.00 2027-01-02"}, also(received("2027-01-03"),
		ordered(credentials.OrderRenew, "2027-01-02", "2028-12-31")), []string{xray}},
	{"day before the revocation", []string{"73610 150.00 2026-03-02"}, ordered(credentials.OrderRevoke, "2026-03-03", ""), []string{xray}},
	{"day of the revocation", []string{"73610 150.00 2026-03-03"}, ordered(credentials.OrderRevoke, "2026-03-03", ""), notLicensed},
	{"suspended on the date of service", []string{"73610 150.00"}, ordered(credentials.OrderSuspend, "2026-03-02", "2026-03-02"), notLicensed},
	{"day after a suspension of one day", []string{"73610 150.00 2026-03-03"}, ordered(credentials.OrderSuspend, "2026-03-02", "2026-03-02"), []string{xray}},
	// The second of three days is enough.
	{"suspended in the midst of three days", []string{"73610 150.00 2026-03-01..2026-03-03"},
		ordered(credentials.OrderSuspend, "2026-03-02", "2026-03-02"), notLicensed},
	{"day before the reinstatement", []string{"73610 150.00 2026-03-09"}, also(ordered(credentials.OrderSuspend, "2026-03-02", ""),
		ordered(credentials.OrderReinstate, "2026-03-10", "")), notLicensed},
	{"day of the reinstatement", []string{"73610 150.00 2026-03-10"}, also(ordered(credentials.OrderSuspend, "2026-03-02", ""),
		ordered(credentials.OrderReinstate, "2026-03-10", "")), []string{xray}},
	{"a revocation in error", []string{"73610 150.00 2026-03-10"}, also(ordered(credentials.OrderRevoke, "2026-03-02", ""),
		ordered(credentials.OrderVoid, "2026-03-02", "")), []string{xray}},
	{"restricted on that day", []string{"73610 150.00"}, ordered(credentials.OrderRestrict, "2026-03-02", ""), []string{"1 waits: license-restricted"}},
	{"restricted, and a reviewer saw it", []string{"73610 150.00"}, also(approved, ordered(credentials.OrderRestrict, "2026-03-02", "")), []string{xray}},
	{"restricted from the next day on", []string{"73610 150.00"}, ordered(credentials.OrderRestrict, "2026-03-03", ""), []string{xray}},
	// Silence is neither yes nor no.
	{"the board was not heard", []string{"73610 150.00"}, func(w *world) { w.fresh = false }, []string{"1 waits: standing-unknown"}},
	{"licensed in another state", []string{"73610 150.00"}, func(w *world) { w.claim.ServiceState = "NV" }, notLicensed},
	// By telehealth (10) the patient is at home, in Nevada.
	{"telehealth across the border", []string{"73610 150.00 at10"}, func(w *world) { w.claim.Subscriber.Address.State = "NV" }, notLicensed},
	{"nobody is named", []string{"73610 150.00"}, func(w *world) { w.claim.Rendering = nil }, []string{"1 waits: clinician-not-named"}},
}
