package claims

import "fmt"

// A Share is what the patient owes of one line, by the bucket it falls in.
type Share struct {
	Copay, Deductible, Coinsurance Cents
	// Capped is what the out-of-pocket maximum took off the three, and the plan
	// pays in the patient's stead.
	Capped Cents
}

// Total is what the patient owes.
func (s Share) Total() Cents { return s.Copay + s.Deductible + s.Coinsurance }

// Terms are the cost-sharing terms of one service.
type Terms struct {
	Copay            Cents
	DeductibleWaived bool
	Coinsurance      Rate
}

// TermsFor are a code's own terms, else the plan's.
func (p *Plan) TermsFor(code string) Terms {
	t := Terms{Coinsurance: p.Coinsurance}
	if s := p.ServiceFor(code); s != nil {
		t.Copay, t.DeductibleWaived = s.Copay, s.DeductibleWaived
		if s.Coinsurance != nil {
			t.Coinsurance = *s.Coinsurance
		}
	}
	return t
}

// Remaining is what the member can still be asked for in the benefit period.
type Remaining struct {
	Deductible, OutOfPocket Cents
}

// RemainingAfter is the nearer of the member's and the family's limit, never
// below zero: an edition with lower limits may begin in mid-year.
func (p *Plan) RemainingAfter(met Accumulators) Remaining {
	return Remaining{
		Deductible: max(0, min(p.Deductible.Individual-met.DeductibleIndividual,
			p.Deductible.Family-met.DeductibleFamily)),
		OutOfPocket: max(0, min(p.OutOfPocketMax.Individual-met.OutOfPocketPerson,
			p.OutOfPocketMax.Family-met.OutOfPocketFamily)),
	}
}

// ShareCost divides an allowed amount: the copay first, then the deductible, and
// the percentage of what is left, rounded half up once. Where that comes to
// more than the out-of-pocket maximum leaves, the patient reaches the maximum
// in the same order and the plan bears what is beyond it.
func ShareCost(allowed Cents, t Terms, left Remaining) Share {
	var full Share
	full.Copay = min(t.Copay, allowed)
	base := allowed - full.Copay
	if !t.DeductibleWaived {
		full.Deductible = min(left.Deductible, base)
	}
	full.Coinsurance = t.Coinsurance.Of(base - full.Deductible)

	s := Share{Copay: min(full.Copay, left.OutOfPocket)}
	s.Deductible = min(full.Deductible, left.OutOfPocket-s.Copay)
	s.Coinsurance = min(full.Coinsurance, left.OutOfPocket-s.Copay-s.Deductible)
	s.Capped = full.Total() - s.Total()
	return s
}

// price finds what the plan allows: the lesser of the charge and fee times
// units, else the plan's share of the charge. The rest is written off (CO-45).
func (a *adjudication) price(w *work) bool {
	const rule = "allowed-amount"
	charge := w.line.Charge
	edition, note := a.evidence.Fees.Name+" "+a.evidence.Fees.Edition, ""
	switch fee := w.fact.Fee; {
	case fee != nil && w.line.Unit != "MJ":
		priced := fee.Times(w.line.Units)
		w.allowed = min(charge, priced)
		note = fmt.Sprintf("%s a unit, %s units: %s; the lesser of that and the charge", fee, w.line.Units, priced)
	case a.plan.ShareOfCharges != nil:
		w.allowed = a.plan.ShareOfCharges.Of(charge)
		edition, note = a.plan.terms(), fmt.Sprintf("not in the fee schedule: %s of the charge", a.plan.ShareOfCharges)
	case a.refused():
		return a.refuse(w, rule, edition, CARCExcluded, RARCPlanExcludes, "not in the fee schedule, and a reviewer refused the charge")
	default:
		w.allowed = charge // as the reviewer accepts by approving
		return a.pend(w, rule, edition, PendUnpriced, "the fee schedule has no price for "+w.line.Code)
	}
	w.adjust(CARCContractual, charge-w.allowed)
	w.step(rule, edition, charge, note, carcOf(CARCContractual, charge-w.allowed), "")
	return true
}

// costShare takes the patient's part off and carries it to the next line. A
// line that waits is not shared.
func (a *adjudication) costShare(w *work) bool {
	if len(w.pends) > 0 {
		return false
	}
	met := a.period(w.line.From)
	left, terms := a.plan.RemainingAfter(*met), a.plan.TermsFor(w.line.Code)
	w.share = ShareCost(w.allowed, terms, left)
	full := ShareCost(w.allowed, terms, Remaining{left.Deductible, w.allowed})

	w.take("copay", a.plan.terms(), full.Copay, CARCCopay, "fixed amount for this service: "+terms.Copay.String())
	w.take("deductible", a.plan.terms(), full.Deductible, CARCDeductible, deductibleNote(terms, left))
	w.take("coinsurance", a.plan.terms(), full.Coinsurance, CARCCoinsurance, fmt.Sprintf("%s of what is left", terms.Coinsurance))
	w.take(RuleMaximum, a.plan.terms(), -w.share.Capped, "",
		fmt.Sprintf("%s was left to the maximum; the plan bears the rest", left.OutOfPocket))
	w.payable = w.allowed
	w.adjust(CARCCopay, w.share.Copay)
	w.adjust(CARCDeductible, w.share.Deductible)
	w.adjust(CARCCoinsurance, w.share.Coinsurance)

	met.DeductibleIndividual += w.share.Deductible
	met.DeductibleFamily += w.share.Deductible
	met.OutOfPocketPerson += w.share.Total()
	met.OutOfPocketFamily += w.share.Total()
	return true
}

// take names a step of cost sharing and moves what is payable.
func (w *work) take(rule, edition string, amount Cents, carc, note string) {
	before := w.payable
	w.payable -= amount
	w.step(rule, edition, before, note, carcOf(carc, amount), "")
}

// carcOf is the code of an amount, none of nothing.
func carcOf(carc string, amount Cents) string {
	if amount == 0 {
		return ""
	}
	return carc
}

func deductibleNote(t Terms, left Remaining) string {
	if t.DeductibleWaived {
		return "does not apply to this service"
	}
	return fmt.Sprintf("%s was left to meet", left.Deductible)
}
