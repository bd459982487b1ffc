package dossier

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A remitted is an 835 file that the insurer has recorded and that balances.
type remitted struct {
	name    string
	index   int64 // on the ledger
	insurer credentials.DID
	sets    []x12.Remittance
}

// checkRemittance wants an 835 that the insurer has recorded and that balances.
// What it pays is judged when all of them have been read.
func (v *verifier) checkRemittance(name string) error {
	r, err := v.placed(checkLedger, name, ledger.KindRemittance)
	if err != nil {
		return err
	}
	sets, err := x12.ReadRemittance(bytes.NewReader(v.files[name]))
	if err != nil {
		return found(checkFormat, "%v", err)
	}
	for i := range sets {
		// A file's trace number is followed by -1, -2, … in its transaction sets.
		if trace := strings.TrimSuffix(path.Base(name), ".835"); in(name, Remittances) && !strings.HasPrefix(sets[i].Trace+"-", trace+"-") {
			return found(checkName, "it is the remittance %q", sets[i].Trace)
		}
		if err := x12.CheckBalance(&sets[i]); err != nil {
			return found(checkBalance, "%v", err)
		}
	}
	v.remitted = append(v.remitted, &remitted{name, r.proof.Index, r.entry.Issuer(), sets})
	return nil
}

// judgeRemittances holds the remittances against the decisions, in the order of
// the ledger: what one has told, a later one may take back, and what one could
// not bear, the payee's next one has to.
func (v *verifier) judgeRemittances() {
	slices.SortFunc(v.remitted, func(a, b *remitted) int { return cmp.Compare(a.index, b.index) })
	for _, r := range v.remitted {
		v.try(r.name, func(v *verifier, _ string) error { return v.judgeRemittance(r) })
	}
}

// judgeRemittance wants a remittance to pay decisions in the dossier what they
// say, once, and nothing else but what follows from them.
func (v *verifier) judgeRemittance(r *remitted) error {
	for i := range r.sets {
		told := make([]*document[claims.ClaimDecisionDocument], len(r.sets[i].Payments))
		for j := range told {
			var err error
			if told[j], err = v.checkPayment(r, &r.sets[i], j); err != nil {
				return err
			}
		}
		if err := v.checkAdjustments(r, &r.sets[i], told); err != nil {
			return err
		}
	}
	return v.checkTakenBack(r)
}

// checkPayment finds the decision that a payment is for. Claim numbers are the
// provider's and may repeat, so the whole of the payment has to agree.
func (v *verifier) checkPayment(r *remitted, set *x12.Remittance, j int) (*document[claims.ClaimDecisionDocument], error) {
	p := &set.Payments[j]
	check, of, told := checkPayment, decidedClaim, v.paid
	if p.Status == x12.StatusReversed {
		check, of, told = checkReversal, reversedClaim, v.takenBack
	}
	numbered := false
	for _, d := range sortedByName(v.decisions) {
		submission, number := of(&d.subject.Decision)
		s := v.submissions[submission]
		if s == nil || d.issuer != r.insurer || number != p.Number || told[d.subject.Handle] != nil {
			continue
		}
		numbered = true
		if s.subject.Claim.Billing.NPI != set.Payee.NPI || !agrees(p, &s.subject.Claim, &d.subject.Decision) {
			continue
		}
		if v.failed[d.name] != nil {
			return nil, v.need("a decision that it pays", d.name)
		}
		told[d.subject.Handle] = &Payment{File: r.name, Trace: set.Trace, On: set.Date, Interest: p.Interest,
			control: p.Control, index: r.index, set: set.Trace, place: j}
		return d, nil
	}
	if numbered {
		return nil, found(check, "payment %d is not what any decision on its claim says, to the cent", j+1)
	}
	return nil, found(check, "no decision in the dossier is for payment %d, or another payment is for it already", j+1)
}

// decidedClaim is whose payment a decision is, reversedClaim whose it takes back.
func decidedClaim(d *claims.Decision) (credentials.Handle, string) { return d.Submission, d.Claim }

func reversedClaim(d *claims.Decision) (credentials.Handle, string) {
	if d.Reversal == nil {
		return credentials.Handle{}, ""
	}
	return d.Reversal.Submission, d.Reversal.Claim
}

// agrees compares a payment with what the decision says, to the cent, claim
// and lines and adjustments.
func agrees(p *x12.Payment, c *claims.Claim, d *claims.Decision) bool {
	var want x12.Payment
	var err error
	if p.Status == x12.StatusReversed {
		want, err = x12.ReversalOf(c, d.Reversal, p.Control)
	} else {
		want, err = x12.PaymentOf(c, d, p.Control)
	}
	if err != nil {
		return false // pended
	}
	if p.Status != want.Status || p.Charge != want.Charge || p.Paid != want.Paid || p.Patient != want.Patient ||
		!sameAdjustments(p.Adjustments, want.Adjustments) {
		return false
	}
	return slices.EqualFunc(p.Lines, want.Lines, func(a, b x12.ServicePayment) bool {
		return a.Code == b.Code && a.Revenue == b.Revenue && slices.Equal(a.Modifiers, b.Modifiers) && a.Charge == b.Charge && a.Paid == b.Paid &&
			a.Units == b.Units && a.From == b.From && a.To == b.To && a.Allowed == b.Allowed && sameAdjustments(a.Adjustments, b.Adjustments)
	})
}

// sameAdjustments passes over the order, in which an 835 gathers them by group, and over
// remarks, which stand elsewhere in it.
func sameAdjustments(a, b []claims.Adjustment) bool {
	return sameBut(a, b, func(x, y claims.Adjustment) bool {
		return x.Group == y.Group && x.CARC == y.CARC && x.Amount == y.Amount
	})
}

// sameBut compares two lists but for their order.
func sameBut[T any](a, b []T, same func(T, T) bool) bool {
	return len(a) == len(b) && len(beyond(a, b, same)) == 0
}

// beyond is what of a is not in b.
func beyond[T any](a, b []T, same func(T, T) bool) (rest []T) {
	left := slices.Clone(b)
	for _, x := range a {
		i := slices.IndexFunc(left, func(y T) bool { return same(x, y) })
		if i < 0 {
			rest = append(rest, x)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	return rest
}
