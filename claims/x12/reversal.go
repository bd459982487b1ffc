package x12

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/claims"
)

// ReversalOf tells a payee that the decision on a claim is taken back
// (005010X221, section 1.10.2.8): c is the claim taken back, and control the
// payer's number under which it was told. Every amount stands negated in the
// group and at the level in which it was told, never in the group CR.
//
// CLP05 is left out: the guide has it only above nothing, and exempts reversals
// from its sum. Units stay as they were told: the guide negates amounts, and a
// count of services is never below nothing.
func ReversalOf(c *claims.Claim, r *claims.Reversal, control string) (Payment, error) {
	if r.Outcome != claims.Paid && r.Outcome != claims.Denied {
		return Payment{}, fmt.Errorf("remit reversal: what it takes back is %q, neither paid nor denied", r.Outcome)
	}
	if r.Claim != c.Number || len(r.Lines) != len(c.Lines) {
		return Payment{}, errors.New("remit reversal: it takes back another claim")
	}
	p := told(c, control)
	p.Status, p.Charge, p.Paid = StatusReversed, r.Charge, r.Paid
	lines := make([]claims.LineDecision, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = claims.LineDecision{
			Line: l.Line, Outcome: l.Outcome, Charge: l.Charge, Allowed: l.Allowed, Paid: l.Paid, Patient: l.Patient, Adjustments: l.Adjustments,
		}
	}
	return p, p.tell(c, lines, r.Whole)
}
