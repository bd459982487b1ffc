package claims

import "fmt"

// The checks of a hospital's claim (837I), besides those that every claim goes
// through. They are in force where the plan's edition has terms for hospitals.

// terms for hospitals decide the claim.
func (a *adjudication) hospital() bool {
	return a.claim.Institutional != nil && a.plan.Hospital != nil
}

// nonCovered takes off what the hospital itself says the plan does not cover
// (SV207): CARC 96. It is the last of the checks, so that what refuses a line
// refuses all of it. Where the machine may not deny with 96 a person decides.
func (a *adjudication) nonCovered(w *work) bool {
	const rule = "non-covered-charge"
	amount := w.line.Charge - a.evidence.Covered(w.line)
	switch {
	case amount == 0:
		return true
	case !a.plan.MayDeny(CARCExcluded) && !a.refused() || amount == w.payable:
		return a.deny(w, rule, a.plan.terms(), CARCExcluded, RARCPlanExcludes, fmt.Sprintf("the hospital itself holds %s of %s for not covered", amount, w.payable))
	}
	before := w.payable
	w.adjust(CARCExcluded, amount)
	w.adjustments[len(w.adjustments)-1].RARC = RARCPlanExcludes
	w.step(rule, a.plan.terms(), before, fmt.Sprintf("the hospital itself holds %s of the charge for not covered", amount), CARCExcluded, RARCPlanExcludes)
	return true
}

// hospitalPrice finds what is allowed of a line by its contract. What the contract
// leaves of the covered charge is written off (CO-45); what it pays beyond it,
// where it does, is an adjustment below zero (CO-94).
func (a *adjudication) hospitalPrice(w *work) bool {
	p := w.fact.Priced
	switch {
	case p.Review != "" && a.refused():
		return a.refuse(w, rulePriced, p.By, CARCExcluded, RARCPlanExcludes, p.Review+"; a reviewer refused the charge")
	case p.Review != "":
		w.allowed = w.payable // as the reviewer accepts by approving
		return a.pend(w, rulePriced, p.By, PendUnpriced, p.Review)
	}
	covered := w.payable
	var off []Adjustment // for days that are not authorized
	for _, s := range p.Steps {
		before := w.payable
		if w.payable = s.Amount; !p.Above {
			w.payable = min(covered, s.Amount)
		}
		carc := contractual(before - w.payable)
		if s.CARC != "" && carc != "" {
			carc, off = s.CARC, append(off, Adjustment{CARC: s.CARC, Amount: before - w.payable})
		}
		w.step(s.Rule, p.By, before, s.Words+": "+s.Amount.String(), carc, "")
	}
	w.allowed, w.payable = w.payable, covered
	written := covered - w.allowed
	for _, x := range off {
		written -= x.Amount
	}
	w.adjust(contractual(written), written)
	for _, x := range off {
		w.adjust(x.CARC, x.Amount)
	}
	return true
}

// contractual is the code of what a contract takes off the charge, or adds to it.
func contractual(amount Cents) string {
	switch {
	case amount > 0:
		return CARCContractual
	case amount < 0:
		return CARCAboveCharge
	}
	return ""
}

// together are the lines that were priced as one case, w alone where it was not.
// The first of them, in the order of service, acts for all.
func (a *adjudication) together(w *work) (lines []*work) {
	if w.fact.Priced.Case == "" {
		return []*work{w}
	}
	for _, other := range a.order {
		if !other.stopped && other.fact.Priced.Case == w.fact.Priced.Case {
			lines = append(lines, other)
		}
	}
	return lines
}

// whole says whether every line is part of one case, and nothing was adjusted at a
// line alone.
func (a *adjudication) whole() bool {
	for i := range a.lines {
		w := &a.lines[i]
		if w.denied || w.fact.Priced == nil || w.fact.Priced.Case == "" || w.fact.Priced.Case != a.lines[0].fact.Priced.Case || a.evidence.Covered(w.line) != w.line.Charge {
			return false
		}
	}
	return a.hospital()
}

func (a *adjudication) waits() bool {
	for i := range a.lines {
		if len(a.lines[i].pends) > 0 {
			return true
		}
	}
	return false
}

// hospitalShare takes the patient's part off: of a case as a whole, rounded once,
// and then divided among its lines. A benefit's copay is owed once a claim.
func (a *adjudication) hospitalShare(w *work) bool {
	if a.waits() {
		return false
	}
	lines := a.together(w)
	if lines[0] != w {
		return true // shared with the first
	}
	terms, benefit := a.hospitalTerms(lines)
	var allowed Cents
	for _, x := range lines {
		allowed += x.allowed
	}
	met := a.period(a.claim.countsOn(w.line))
	left := a.plan.RemainingAfter(*met)
	share, full := ShareCost(allowed, terms, left), ShareCost(allowed, terms, Remaining{left.Deductible, allowed})
	if benefit != nil {
		a.copaid[benefit.Name] += full.Copay
	}
	whole, parts := full.among(lines, share)
	for i, x := range lines {
		x.hospitalShare(a.plan.terms(), terms, left, whole[i], parts[i])
	}
	met.DeductibleIndividual += share.Deductible
	met.DeductibleFamily += share.Deductible
	met.OutOfPocketPerson += share.Total()
	met.OutOfPocketFamily += share.Total()
	return true
}

// hospitalTerms are the cost-sharing terms of lines, with what is left of the copay.
func (a *adjudication) hospitalTerms(lines []*work) (Terms, *HospitalBenefit) {
	b := a.plan.Hospital.benefitFor(a.claim, lines)
	switch {
	case b == nil && len(lines) == 1 && lines[0].fact.Priced.Case == "":
		return a.plan.TermsFor(lines[0].line.Code), nil
	case b == nil:
		return Terms{Coinsurance: a.plan.Coinsurance}, nil
	}
	t := Terms{Copay: b.Copay - a.copaid[b.Name], DeductibleWaived: b.DeductibleWaived, Coinsurance: a.plan.Coinsurance}
	if b.Coinsurance != nil {
		t.Coinsurance = *b.Coinsurance
	}
	return t, b
}

// among divides a share, before and after the out-of-pocket maximum, among lines:
// each amount in proportion to what the ones before it have left of the lines'
// allowed amounts, so that no line bears more than it allows.
func (full Share) among(lines []*work, capped Share) (whole, parts []Share) {
	whole, parts = make([]Share, len(lines)), make([]Share, len(lines))
	left := make([]Cents, len(lines))
	for i, w := range lines {
		left[i] = w.allowed
	}
	for _, bucket := range []func(*Share) *Cents{
		func(s *Share) *Cents { return &s.Copay }, func(s *Share) *Cents { return &s.Deductible }, func(s *Share) *Cents { return &s.Coinsurance },
	} {
		before := Divide(*bucket(&full), left)
		after := Divide(*bucket(&capped), before)
		for i := range lines {
			*bucket(&whole[i]), *bucket(&parts[i]) = before[i], after[i]
			left[i] -= before[i]
		}
	}
	for i := range parts {
		parts[i].Capped = whole[i].Total() - parts[i].Total()
	}
	return whole, parts
}

func (w *work) hospitalShare(edition string, t Terms, left Remaining, full, share Share) {
	w.share = share
	w.payable = w.allowed
	w.take("copay", edition, full.Copay, CARCCopay, fmt.Sprintf("once a claim, %s of it here", full.Copay))
	w.take("deductible", edition, full.Deductible, CARCDeductible, deductibleNote(t, left))
	w.take("coinsurance", edition, full.Coinsurance, CARCCoinsurance, fmt.Sprintf("%s of what is left", t.Coinsurance))
	w.take(RuleMaximum, edition, -share.Capped, "", fmt.Sprintf("%s was left to the maximum; the plan bears the rest", left.OutOfPocket))
	w.payable = w.allowed
	w.adjust(CARCCopay, share.Copay)
	w.adjust(CARCDeductible, share.Deductible)
	w.adjust(CARCCoinsurance, share.Coinsurance)
}

// hospitalSequestration is sequestration, rounded once for the lines of a case.
func (a *adjudication) hospitalSequestration(w *work) bool {
	rate := w.fact.Withheld
	lines := a.together(w)
	if rate == nil || lines[0] != w {
		return true
	}
	var sum Cents
	payable := make([]Cents, len(lines))
	for i, x := range lines {
		payable[i] = x.payable
		sum += x.payable
	}
	for i, part := range Divide(rate.Of(sum), payable) {
		x := lines[i]
		before := x.payable
		x.adjust(CARCSequestration, part)
		x.step("sequestration", a.plan.terms(), before, fmt.Sprintf("%s of what is paid, by federal law", rate), carcOf(CARCSequestration, part), "")
	}
	return true
}

// hospitalPlace is where a hospital's service was given as professional claims say it,
// for conditions upon places: an 837I has a type of bill instead.
func (c *Claim) hospitalPlace(l *Line) string {
	switch {
	case c.Institutional == nil:
		return c.PlaceOf(l)
	case l.Revenue >= "0450" && l.Revenue <= "0459":
		return "23" // emergency room
	case c.Institutional.Facility == "11" || c.Institutional.Facility == "12":
		return "21"
	case c.Institutional.Facility == "13" || c.Institutional.Facility == "14" || c.Institutional.Facility == "85":
		return "22"
	case c.Institutional.Facility == "18" || c.Institutional.Facility == "21" || c.Institutional.Facility == "22":
		return "31"
	}
	return ""
}
