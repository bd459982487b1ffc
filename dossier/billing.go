package dossier

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// checkClaimsFile reads the 837 again. The file is signed by way of the
// submissions that were read from it: they name its digest, and each must be
// the claim that stands at its place.
func (v *verifier) checkClaimsFile(name string) error {
	digest := credentials.DigestOf(v.files[name])
	from := map[string][]*document[claims.Submission]{} // by place
	for _, s := range sortedByName(v.submissions) {
		if s.subject.Source.File == digest {
			from[s.subject.Source.Place] = append(from[s.subject.Source.Place], s)
		}
	}
	if len(from) == 0 {
		return found(checkSource, "no submission in the dossier was read from these bytes")
	}
	_, err := x12.ReadClaims(bytes.NewReader(v.files[name]), func(read x12.Submitted) error {
		for _, s := range from[read.Source.Place] {
			if read.Source != s.subject.Source || same(&read.Claim, &s.subject.Claim) != nil {
				v.fail(s.name, found(checkSource, "%s holds another claim at %s", name, s.subject.Source.Place))
				delete(v.submissions, s.subject.Handle)
			}
		}
		delete(from, read.Source.Place)
		return nil
	})
	if err != nil {
		return found(checkFormat, "%v", err)
	}
	for _, missing := range from {
		for _, s := range missing {
			v.fail(s.name, found(checkSource, "%s has no claim at %s", name, s.subject.Source.Place))
			delete(v.submissions, s.subject.Handle)
		}
	}
	return nil
}

// checkRemittance wants an 835 that the insurer has recorded, that balances,
// and that pays decisions in the dossier what they say, once.
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
		set := &sets[i]
		// A file's trace number is followed by -1, -2, … in its transaction sets.
		if trace := strings.TrimSuffix(path.Base(name), ".835"); in(name, Remittances) && !strings.HasPrefix(set.Trace+"-", trace+"-") {
			return found(checkName, "it is the remittance %q", set.Trace)
		}
		if err := x12.CheckBalance(set); err != nil {
			return found(checkBalance, "%v", err)
		}
		if len(set.Adjustments) > 0 {
			return found(checkPayment, "it adjusts the payment beside the claims, which no decision says")
		}
		for j := range set.Payments {
			if err := v.checkPayment(name, r.entry.Issuer(), set, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPayment finds the decision that a payment is for. Claim numbers are the
// provider's and may repeat, so the whole of the payment has to agree.
func (v *verifier) checkPayment(name string, insurer credentials.DID, set *x12.Remittance, j int) error {
	p := &set.Payments[j]
	numbered := false
	for _, d := range sortedByName(v.decisions) {
		s := v.submissions[d.subject.Decision.Submission]
		if s == nil || d.issuer != insurer || d.subject.Decision.Claim != p.Number || v.paid[d.subject.Handle] != nil {
			continue
		}
		numbered = true
		if s.subject.Claim.Billing.NPI != set.Payee.NPI || !agrees(p, &s.subject.Claim, &d.subject.Decision) {
			continue
		}
		if v.failed[d.name] != nil {
			return v.need("a decision that it pays", d.name)
		}
		v.paid[d.subject.Handle] = &Payment{name, set.Trace, set.Date}
		return nil
	}
	if numbered {
		return found(checkPayment, "payment %d is not what any decision on its claim says, to the cent", j+1)
	}
	return found(checkPayment, "no decision in the dossier is for payment %d, or another payment is for it already", j+1)
}

// agrees compares a payment with what the decision says, to the cent, claim
// and lines and adjustments.
func agrees(p *x12.Payment, c *claims.Claim, d *claims.Decision) bool {
	want, err := x12.PaymentOf(c, d, p.Control)
	if err != nil {
		return false // pended
	}
	if p.Status != want.Status || p.Charge != want.Charge || p.Paid != want.Paid || p.Patient != want.Patient ||
		!sameAdjustments(p.Adjustments, want.Adjustments) {
		return false
	}
	return slices.EqualFunc(p.Lines, want.Lines, func(a, b x12.ServicePayment) bool {
		return a.Code == b.Code && slices.Equal(a.Modifiers, b.Modifiers) && a.Charge == b.Charge && a.Paid == b.Paid &&
			a.Units == b.Units && a.From == b.From && a.To == b.To && a.Allowed == b.Allowed && sameAdjustments(a.Adjustments, b.Adjustments)
	})
}

// sameAdjustments passes over the order, in which an 835 gathers them by group, and over
// remarks, which stand elsewhere in it.
func sameAdjustments(a, b []claims.Adjustment) bool {
	if len(a) != len(b) {
		return false
	}
	left := slices.Clone(b)
	for _, x := range a {
		i := slices.IndexFunc(left, func(y claims.Adjustment) bool {
			return x.Group == y.Group && x.CARC == y.CARC && x.Amount == y.Amount
		})
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}
