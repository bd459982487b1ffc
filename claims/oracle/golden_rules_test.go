package oracle

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The X-ray was billed before; what of it is otherwise now decides.
var goldenDuplicates = []golden{
	{"billed before", []string{"73610 150.00"}, billed("73610 150.00", nil), []string{"CO-18 150.00, pays 0.00"}},
	{"billed before, and reversed", []string{"73610 150.00"}, billed("73610 150.00", func(e *earlierLine) { e.reversed = true }), []string{xray}},
	{"billed before by another house", []string{"73610 150.00"}, billed("73610 150.00", func(e *earlierLine) { e.billing = doctorB }), []string{xray}},
	{"billed before for a cent more", []string{"73610 150.00"}, billed("73610 150.01", nil), []string{xray}},
	{"billed before for the day before", []string{"73610 150.00"}, billed("73610 150.00 2026-03-01", nil), []string{xray}},
	{"billed before for two units", []string{"73610 150.00"}, billed("73610 150.00 x2", nil), []string{xray}},
	// 24 and 25 say nothing of a repeat: another service.
	{"billed before with another modifier", []string{"73610-25 150.00"}, billed("73610-24 150.00", nil), []string{xray}},
	{"billed before with its modifiers the other way round", []string{"73610-25-24 150.00"}, billed("73610-24-25 150.00", nil),
		[]string{"CO-18 150.00, pays 0.00"}},
	// 76: repeated by the same clinician. A person compares them.
	{"repeated on purpose", []string{"73610-76 150.00"}, billed("73610 150.00", nil), []string{"1 waits: near-duplicate"}},
	{"repeated on purpose, and a reviewer saw it", []string{"73610-76 150.00"}, also(approved, billed("73610 150.00", nil)), []string{xray}},
	// The repeat came first; this is the service that it repeats.
	{"the repeat was billed before", []string{"73610 150.00"}, billed("73610-76 150.00", nil), []string{xray}},
	// rules/1 compares the first day, the units and the charge, not the last day.
	{"billed before for the first of its days", []string{"73610 150.00 2026-03-02..2026-03-03"}, billed("73610 150.00", nil),
		[]string{"CO-18 150.00, pays 0.00"}},
	{"twice on one claim", []string{"73610 150.00", "73610 150.00"}, nil, []string{xray, "CO-18 150.00, pays 0.00"}},
}

// A scan of the lower back, 420.00: deductible 100.00, 20% of 320.00 is 64.00.
const scan = "PR-1 100.00, PR-2 64.00, pays 256.00"

var goldenAuthorizations = []golden{
	{"none named", []string{"72148 420.00"}, nil, []string{"CO-197 420.00, pays 0.00"}},
	{"none that is known", []string{"72148 420.00 auth"}, nil, []string{"CO-15 420.00, pays 0.00"}},
	{"for another code", []string{"72148 420.00 auth"}, authorized("97110", "9", nil), []string{"CO-15 420.00, pays 0.00"}},
	{"for another clinician", []string{"72148 420.00 auth"}, authorized("72148", "1", func(a *authorization) { a.npi = doctorB }), []string{"CO-15 420.00, pays 0.00"}},
	{"its last day", []string{"72148 420.00 auth 2026-03-31"}, authorized("72148", "1", nil), []string{scan}},
	{"the day after", []string{"72148 420.00 auth 2026-04-01"}, authorized("72148", "1", nil), []string{"CO-15 420.00, pays 0.00"}},
	{"its last day and the day after", []string{"72148 420.00 auth 2026-03-31..2026-04-01"}, authorized("72148", "1", nil), []string{"CO-15 420.00, pays 0.00"}},
	{"as many units as are left", []string{"72148 420.00 auth"}, authorized("72148", "1", nil), []string{scan}},
	// All units of the line, not the one too many.
	{"one unit more than is left", []string{"72148 840.00 x2 auth"}, authorized("72148", "1", nil), []string{"CO-198 840.00, pays 0.00"}},
	{"a thousandth more than is left", []string{"72148 420.00 x1.001 auth"}, authorized("72148", "1", nil), []string{"CO-198 420.00, pays 0.00"}},
	// The line of the day before draws the only unit.
	{"an earlier line took the unit", []string{"72148 420.00 auth 2026-03-03", "72148 420.00 auth 2026-03-02"}, authorized("72148", "1", nil),
		[]string{"CO-198 420.00, pays 0.00", scan}},
	// What is denied draws nothing: the second line was billed before, the third still has its unit.
	{"a denied line draws nothing", []string{"72148 420.00 auth", "72148 420.00 auth", "72148-25 420.00 auth"}, authorized("72148", "2", nil),
		[]string{scan, "CO-18 420.00, pays 0.00", "PR-2 84.00, pays 336.00"}},
	{"not decided yet", []string{"72148 420.00 auth"}, authorized("72148", "1", func(a *authorization) { a.outcome = claims.AuthorizationPended }),
		[]string{"1 waits: authorization-pended"}},
	{"revoked since", []string{"72148 420.00 auth"}, authorized("72148", "1", func(a *authorization) { a.outcome = claims.AuthorizationRevoked }),
		[]string{"CO-15 420.00, pays 0.00"}},
	{"named without need", []string{"73610 150.00 auth"}, nil, []string{xray}},
}

// Each cent is denied once, by the first check in order.
var goldenOrder = []golden{
	{"nobody's member", []string{"73610 150.00"}, func(w *world) { w.found = false }, []string{"OA-31 150.00, pays 0.00"}},
	{"another name", []string{"73610 150.00"}, func(w *world) { w.matches = false }, []string{"OA-31 150.00, pays 0.00"}},
	// Under rules/1 a refusal does not settle a restriction; only approving it does.
	{"restricted, and a reviewer refused", []string{"73610 150.00"}, also(func(w *world) { w.refused = true },
		ordered(credentials.OrderRestrict, "2026-03-02", "")), []string{"1 waits: license-restricted"}},
	{"nearly billed before, and a reviewer refused", []string{"73610-76 150.00"}, also(func(w *world) { w.refused = true },
		billed("73610 150.00", nil)), []string{"CO-18 150.00, pays 0.00"}},
	{"excluded", []string{"15824 900.00", "99213 90.00"}, nil, []string{"OA-96/N130 900.00, pays 0.00", "PR-3 25.00, pays 65.00"}},
	{"member before late", []string{"73610 150.00"}, also(received("2026-06-01"), func(w *world) { w.found = false }), []string{"OA-31 150.00, pays 0.00"}},
	{"coverage before late", []string{"73610 150.00"}, also(received("2026-06-01"), coverage(claims.Coverage{From: "2026-03-03"})), []string{"OA-26 150.00, pays 0.00"}},
	{"duplicate before late", []string{"73610 150.00"}, also(received("2026-06-01"), billed("73610 150.00", nil)), []string{"CO-18 150.00, pays 0.00"}},
	{"late before license", []string{"73610 150.00"}, also(received("2026-06-01"), func(w *world) { w.licenses = nil }), []string{"CO-29 150.00, pays 0.00"}},
	{"license before authorization", []string{"72148 420.00"}, func(w *world) { w.licenses = nil }, []string{"CO-B7 420.00, pays 0.00"}},
	// The plan of this insurer leaves 29 to a person.
	{"a denial that the plan leaves to a person", []string{"73610 150.00"}, also(received("2026-06-01"), func(w *world) {
		w.plan.MachineDenials = slices.DeleteFunc(slices.Clone(w.plan.MachineDenials), func(carc string) bool { return carc == "29" })
	}), []string{"1 waits: denial-needs-person"}},
	// One line waits, so nothing of the claim is paid.
	{"one line waits, the claim waits", []string{"99213 90.00", "73610-52 150.00"}, nil, []string{"2 waits: price-unknown"}},
}
