package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

// Two surgeries of a day: the second is reduced beside the first, sequestration
// comes off what is paid; under rules/1 the codes follow from the rules' names.
func TestExplain(t *testing.T) {
	told := dossier.Told{
		Handle: credentials.Handle{0xab, 0xcd, 0xef, 0x01},
		Claim:  &claims.Claim{Number: "C1", Lines: []claims.Line{{Number: 1, Code: "27130"}, {Number: 2, Code: "27447", Modifiers: []string{"LT"}}}},
		Decision: &claims.Decision{
			Claim: "C1", Number: 1, Outcome: claims.Paid, Rules: claims.Rules2, Charge: 600_00, Allowed: 150_00, Paid: 147_00,
			Plan: claims.EditionRef{Name: "gold", Edition: "2026-01"}, Fees: claims.EditionRef{Name: "medicare-sf", Edition: "2026"},
			Lines: []claims.LineDecision{
				{Line: 1, Outcome: claims.Denied, Charge: 100_00, Adjustments: []claims.Adjustment{{Group: claims.OtherAdjust, CARC: "96", RARC: "N130", Amount: 100_00}},
					Steps: []claims.Step{{Rule: "exclusion", Edition: "gold 2026-01", Before: 100_00, Note: "the plan excludes 27130"}}},
				{Line: 2, Outcome: claims.Paid, Charge: 500_00, Allowed: 150_00, Paid: 147_00,
					Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: "45", Amount: 200_00}, {Group: claims.Contractual, CARC: "59", Amount: 150_00}, {Group: claims.Contractual, CARC: "253", Amount: 3_00}},
					Steps: []claims.Step{
						{Rule: "fee-schedule", Edition: "medicare-sf 2026", Before: 500_00, After: 300_00, Group: "CO", CARC: "45", Note: "27447 by the fee schedule: 300.00"},
						{Rule: "multiple-procedures", Edition: "medicare-sf 2026", Before: 300_00, After: 150_00, Group: "CO", CARC: "59", Note: "rank 2 among the procedures of the day: 150.00"},
						{Rule: "sequestration", Edition: "gold 2026-01", Before: 150_00, After: 147_00, Group: "CO", CARC: "253", Note: "2% of what is paid, by federal law"},
					}},
			},
		},
	}
	x := explain(&told)
	var b bytes.Buffer
	if err := x.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `claim      C1, paid (the insurer's number CSAAAAAAAAAAAAAAAA)
decided    by rules/2, plan gold 2026-01, fees medicare-sf 2026
amounts    charge 600.00, allowed 150.00, paid 147.00, patient 0.00

line 1, 27130: denied
rule       edition       before  after  code        why
exclusion  gold 2026-01  100.00   0.00  OA-96 N130  the plan excludes 27130 (the plan does not cover
                                                    this service; the plan's terms say so)
in the 835: OA-96 N130 100.00; paid 0.00, the patient owes 0.00

line 2, 27447-LT: paid
rule                 edition           before   after  code    why
fee-schedule         medicare-sf 2026  500.00  300.00  CO-45   27447 by the fee schedule: 300.00
                                                               (above what the plan allows; the
                                                               provider writes it off)
multiple-procedures  medicare-sf 2026  300.00  150.00  CO-59   rank 2 among the procedures of the
                                                               day: 150.00 (reduced beside other
                                                               procedures or persons)
sequestration        gold 2026-01      150.00  147.00  CO-253  2% of what is paid, by federal law
                                                               (held back of the payment by federal
                                                               law)
in the 835: CO-45 200.00, CO-59 150.00, CO-253 3.00; paid 147.00, the patient owes 0.00
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	for name, want := range map[string]bool{"C1": true, "CSAAAAAAAAAAAAAAAA": true, "abcdef01": true, "abcdef": false, "C2": false} {
		if named(&told, name) != want {
			t.Errorf("%s: named %v", name, !want)
		}
	}
}

// A claim that waits says for what, and by when.
func TestExplainWaiting(t *testing.T) {
	told := dossier.Told{Claim: &claims.Claim{Number: "C1"}, Decision: &claims.Decision{Claim: "C1", Outcome: claims.Pended, Rules: claims.Rules2,
		Pends: []claims.Pend{{Line: 2, Reason: claims.PendUnpriced, Note: "priced by report", By: "2026-05-01"}}}}
	x := explain(&told)
	var b bytes.Buffer
	if err := x.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "waits      line 2: the fee schedule has no price for this service; a person has to accept the charge (priced by report), to be settled by 2026-05-01\n"
	if !strings.HasSuffix(b.String(), want) {
		t.Errorf("got %q, want %q at its end", b.String(), want)
	}
}
