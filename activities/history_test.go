package activities_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
)

const feesWithRules = `countersign/fee-rules/1,locality,work_gpci,pe_gpci,malpractice_gpci,percent
,01112-05,1.000,1.000,1.000,100%
code,modifier,status,not_medicare,work,nonfacility_pe,facility_pe,malpractice,pc_tc,global,multiple_procedure,bilateral,assistant,co_surgeon,team,endoscopic_base,factor,imaging_family,cap_nonfacility_pe,cap_facility_pe,cap_malpractice,nonfacility_amount,facility_amount
71046,,A,,1.00,1.00,1.00,0.00,0,XXX,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,20.00,20.00
99213,,A,,6.00,4.00,3.00,0.00,0,XXX,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,100.00,90.00
99215,,A,,6.00,4.00,3.00,0.00,0,XXX,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,100.00,90.00
99417,,A,,2.00,1.00,1.00,0.00,0,ZZZ,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,30.00,30.00
S0001,,A,,40.00,40.00,30.00,0.00,0,090,2,1,2,2,1,,10.0000,99,0.00,0.00,0.00,800.00,700.00
S0002,,A,,10.00,20.00,20.00,0.00,0,010,2,0,1,1,0,,10.0000,99,0.00,0.00,0.00,300.00,300.00
`

// rules2House is a house whose plan and fees are of rules/2.
func rules2House(t *testing.T) *house {
	list, err := examples.Files.ReadFile("fees.csv")
	must(t, err)
	h := newHouse(t, string(list), feesWithRules, "rules: rules/1", `rules: rules/2
pendDays: 30
benefitLimits: [{name: images, codes: [71046], per: year, units: 3}]
addOns: [{codes: [99417], primary: [99205, 99215]}]
globalSurgery: {included: [99202-99215], before: ["57"], sameDay: ["25", "57"], after: ["24"]}`,
		"  - 96 ", "  - 97\n  - 107\n  - 119\n  - 96 ")
	h.license(noon)
	return h
}

// lines makes the claim's lines of codes and days: "99215-24 2026-05-02".
func lines(all ...string) func(*claims.Claim) {
	return func(c *claims.Claim) {
		c.Lines, c.Charge = nil, 0
		for i, s := range all {
			code, day, _ := strings.Cut(s, " ")
			code, modifier, has := strings.Cut(code, "-")
			l := claims.Line{Number: i + 1, Code: code, Charge: 1000_00, Unit: "UN", Units: 1000, Pointers: []int{1}, From: credentials.Date(day), To: credentials.Date(day)}
			if has {
				l.Modifiers = []string{modifier}
			}
			c.Lines, c.Charge = append(c.Lines, l), c.Charge+l.Charge
		}
	}
}

// decide gathers, adjudicates, signs and settles.
func (h *house) decide(submission credentials.Handle) (*claims.Evidence, *claims.Decision) {
	h.t.Helper()
	g, err := h.gathering().GatherClaim(ctx, submission)
	must(h.t, err)
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	must(h.t, err)
	document, err := h.signing().SignClaim(ctx, activities.ClaimToSign{Decision: *d, Evidence: g.Evidence})
	must(h.t, err)
	done, err := h.store.SettleClaim(ctx, books.Settlement{Submission: submission, Document: document, Fences: g.Fences})
	must(h.t, err)
	if done.Moved {
		h.t.Fatal("the evidence moved")
	}
	return &g.Evidence, d
}

// TestHistory: a later claim is held against what earlier ones were paid for.
func TestHistory(t *testing.T) {
	h := rules2House(t)
	first, d := h.decide(h.receive(aClaim("C1", lines("S0001 2026-05-01", "71046 2026-05-01", "71046-59 2026-05-02", "99215-24 2026-05-02", "99213 2026-05-02"))))
	if f := first.Lines[0]; f.Global != "090" || f.Priced == nil || f.Fee != nil || f.Recorded != "2026-05-06" || len(first.Used) != 1 || first.Used[0].Units != 0 {
		t.Errorf("the first claim's facts: %+v, used %+v", f, first.Used)
	}
	if got := denials(d); got != "5: CO-97" { // a visit in the surgery's days
		t.Fatalf("the first claim: got %q, %+v", got, d.Pends)
	}
	e, d := h.decide(h.receive(aClaim("C2", lines("99213 2026-05-03", "71046 2026-05-03", "99417 2026-05-02", "99417 2026-05-03", "71046 2026-05-01"))))
	want := "1: CO-97; 4: CO-107; 5: CO-18"
	if got := denials(d); got != want {
		t.Errorf("got %q, want %q; pends %+v", got, want, d.Pends)
	}
	f := e.Lines[0]
	if s := f.Surgery; s == nil || *s != (claims.SurgeryFact{Code: "S0001", On: "2026-05-01", Global: "090"}) {
		t.Errorf("surgery: %+v", s)
	}
	if fmt.Sprint(e.Used) != "[{images 2026 2}]" || fmt.Sprint(e.Lines[2].Primaries, e.Lines[3].Primaries) != "[99215] []" {
		t.Errorf("used %v, primaries %v and %v", e.Used, e.Lines[2].Primaries, e.Lines[3].Primaries)
	}
	// Three images were paid, and no fourth is; nor is a visit that was refused counted.
	e, d = h.decide(h.receive(aClaim("C3", lines("71046 2026-04-20", "99213 2026-04-30", "99213 2026-04-29"))))
	if got := denials(d); got != "1: OA-119; 2: CO-97" || fmt.Sprint(e.Used) != "[{images 2026 3}]" { // the day before belongs to it, two days before do not
		t.Errorf("got %q, used %v", got, e.Used)
	}
	// What is ranked with a procedure of an earlier claim waits.
	e, d = h.decide(h.receive(aClaim("C4", lines("S0002 2026-05-01", "S0002 2026-05-02"))))
	if fmt.Sprint(e.Lines[0].Ranked, e.Lines[1].Ranked) != "[S0001] []" || d.Outcome != claims.Pended || len(d.Pends) != 1 || d.Pends[0].By != "2026-06-05" {
		t.Errorf("ranked %v and %v, pends %+v", e.Lines[0].Ranked, e.Lines[1].Ranked, d.Pends)
	}
}

func denials(d *claims.Decision) string {
	var all []string
	for _, l := range d.Lines {
		if l.Outcome == claims.Denied {
			all = append(all, fmt.Sprintf("%d: %s-%s", l.Line, l.Adjustments[0].Group, l.Adjustments[0].CARC))
		}
	}
	return strings.Join(all, "; ")
}
