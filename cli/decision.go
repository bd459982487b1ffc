package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// A verdict is a decision on a claim as it is shown, its signature checked.
type verdict struct {
	Handle  credentials.Handle `json:"handle"`
	Number  int                `json:"number"`
	Outcome claims.Outcome     `json:"outcome"`
	Cents   cents              `json:"cents"`
	Reason  string             `json:"reason"`
	// SettleBy is the day by which what it waits for is to be settled.
	SettleBy credentials.Date `json:"settleBy,omitempty"`
	Settled  time.Time        `json:"settled"`
	// Status is nil where it was not asked, or where the decision names no list.
	Status *decisionStatus `json:"status,omitempty"`

	supersedes *credentials.Handle
}

// cents are amounts in JSON.
type cents struct {
	Charge  claims.Cents `json:"charge"`
	Allowed claims.Cents `json:"allowed"`
	Paid    claims.Cents `json:"paid"`
	Patient claims.Cents `json:"patient"`
}

// verdict opens a decision and checks that the insurer signed it, about this
// submission.
func (d *door) verdict(s *api.Submission, n api.Decision) (*verdict, error) {
	doc, err := openDecision[claims.ClaimDecisionDocument](d, n, credentials.KindClaimDecision)
	if err != nil {
		return nil, err
	}
	if doc.Decision.Submission != s.Handle || doc.Decision.Number != n.Number {
		return nil, caught("read decision", fmt.Errorf("it answers another submission"), "tell the insurer")
	}
	v := doc.Decision
	return &verdict{Handle: n.Handle, Number: v.Number, Outcome: v.Outcome, Cents: cents{v.Charge, v.Allowed, v.Paid, v.Patient},
		Reason: reason(&v), SettleBy: v.SettleBy(), Settled: n.Settled, supersedes: doc.Supersedes}, nil
}

// openDecision believes only what the insurer has signed and the pinned ledger
// has recorded, whatever the gateway says.
func openDecision[T any](d *door, n api.Decision, kind credentials.Kind) (*T, error) {
	if len(n.Receipt) == 0 {
		return nil, caught("check decision", fmt.Errorf("it has no receipt"), "tell the insurer")
	}
	doc, err := judged[T](&d.pinned, n.Token, kind, n.Entry, n.Receipt)
	if err == nil && doc.Issuer != d.Insurer {
		err = fmt.Errorf("it is signed by %s, not by the insurer", doc.Issuer)
	}
	if err == nil && doc.Handle() != n.Handle {
		err = fmt.Errorf("the gateway names it by another handle")
	}
	if err != nil {
		return nil, caught("check decision", err, "check --insurer; if it is right, tell the insurer")
	}
	return &doc.Subject, nil
}

// reason says in plain words why a decision is what it is.
func reason(d *claims.Decision) string {
	var parts []string
	say := func(line int, words string) {
		if words == "" {
			return
		}
		if len(d.Lines) > 1 && line > 0 {
			words = fmt.Sprintf("line %d: %s", line, words)
		}
		if !slices.Contains(parts, words) {
			parts = append(parts, words)
		}
	}
	for _, p := range d.Pends {
		say(p.Line, pendText(p))
	}
	if d.Outcome == claims.Pended {
		return strings.Join(parts, "; ")
	}
	if words := takesBack(d); words != "" {
		parts = append(parts, words)
	}
	if d.Outcome == claims.Voided {
		return strings.Join(parts, "; ")
	}
	for _, l := range d.Lines {
		for _, a := range l.Adjustments {
			if claims.IsDenial(a.CARC) || claims.Words(a.CARC) == "" {
				say(l.Line, denialWords(a))
			}
		}
	}
	if share := shares(d); share != "" {
		parts = append(parts, share)
	}
	if len(parts) == 0 {
		return "paid in full"
	}
	return strings.Join(parts, "; ")
}

// takesBack says what a decision takes back, "" where it takes back nothing.
func takesBack(d *claims.Decision) string {
	switch r := d.Reversal; {
	case r != nil && r.Submission == d.Submission:
		return fmt.Sprintf("takes back the decision before it: paid %s, patient %s", r.Paid, r.Patient)
	case r != nil:
		return fmt.Sprintf("takes back claim %s (%s): paid %s, patient %s", r.Claim, claims.ControlNumber(r.Submission), r.Paid, r.Patient)
	case d.Outcome == claims.Voided:
		return "the claim that it names was taken back by another one before"
	}
	return ""
}

func denialWords(a claims.Adjustment) string {
	if w := claims.Words(a.CARC); w != "" {
		return fmt.Sprintf("%s (%s %s)", w, a.Group, a.CARC)
	}
	return fmt.Sprintf("reason code %s %s", a.Group, a.CARC)
}

// shares sums up over the lines who bears what was not paid of a paid claim.
func shares(d *claims.Decision) string {
	var all []string
	for _, s := range []struct{ carc, name string }{
		{claims.CARCCopay, "copay"}, {claims.CARCDeductible, "deductible"},
		{claims.CARCCoinsurance, "coinsurance"}, {claims.CARCContractual, "written off"},
	} {
		var sum claims.Cents
		for _, l := range d.Lines {
			for _, a := range l.Adjustments {
				if a.CARC == s.carc {
					sum += a.Amount
				}
			}
		}
		if sum != 0 {
			all = append(all, s.name+" "+sum.String())
		}
	}
	return strings.Join(all, ", ")
}

// decided is the latest decision of a submission, nil where there is none.
func decided(s *api.Submission) *api.Decision {
	if len(s.Decisions) == 0 {
		return nil
	}
	return &s.Decisions[len(s.Decisions)-1]
}
