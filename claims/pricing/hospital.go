package pricing

import (
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/contract"
)

// RulePerUnit is how a hospital's contract prices besides, as a step names it.
const (
	RulePerUnit        = "per-unit"
	RuleAuthorizedDays = "authorized-days"
)

// hospitalPlace has a list's facility price looked up for a hospital's line.
const hospitalPlace = "22"

// hospital says whether a plan has terms for this claim as a hospital's.
func hospital(c *claims.Claim, p *claims.Plan) bool {
	return c.Institutional != nil && p.Hospital != nil
}

// priceHospital finds the fact of each line of a hospital's claim. Lines of one
// contract for a case or a stay are priced together. A line that none prices is
// left to a person, with the reason.
func (b *bill) priceHospital() error {
	of := map[*claims.HospitalContract][]*claims.Line{}
	for _, l := range b.lines {
		k := b.plan.Hospital.ContractFor(b.claim, l)
		of[k] = append(of[k], l)
	}
	for _, l := range of[nil] {
		b.leave(l, fmt.Sprintf("no contract is for type of bill %s, %s", b.claim.BillType(), serviceOf(l)))
	}
	for i := range b.plan.Hospital.Contracts {
		k := &b.plan.Hospital.Contracts[i]
		if len(of[k]) == 0 {
			continue
		}
		if err := b.byHospital(k, of[k]); err != nil {
			return fmt.Errorf("price by contract %q: %w", k.Name, err)
		}
	}
	return nil
}

func serviceOf(l *claims.Line) string {
	switch {
	case l.Code == "":
		return "revenue code " + l.Revenue
	case claims.HIPPS(l):
		return "HIPPS code " + l.Code + " under revenue code " + l.Revenue
	}
	return l.Code + " under revenue code " + l.Revenue
}

func (b *bill) leave(l *claims.Line, why string) {
	factOf(b.evidence, l.Number).Priced = &claims.Priced{By: b.plan.Name + " " + b.plan.Edition, Review: why}
}

func (b *bill) byHospital(k *claims.HospitalContract, lines []*claims.Line) error {
	in := b.claim.Institutional
	switch {
	case len(k.CaseRates) > 0:
		rate := k.CaseOf(b.claim)
		if in.Inpatient() && in.PatientStatus == "30" {
			b.leaveAll(lines, k.Name+": the patient is still there (patient status 30), and a case is paid whole")
			return nil
		}
		of := "the case"
		switch {
		case rate.DRG != "":
			of = "DRG " + rate.DRG
		case rate.Code != "":
			of = "the case of " + rate.Code
		}
		b.together(k, lines, RuleCaseRate, rate.Amount, of)
	case len(k.PerDiem) > 0:
		return b.hospitalDays(k, lines)
	default:
		for _, l := range lines {
			b.hospitalLine(k, l)
		}
	}
	return nil
}

func (b *bill) leaveAll(lines []*claims.Line, why string) {
	for _, l := range lines {
		b.leave(l, why)
	}
}

func (b *bill) hospitalDays(k *claims.HospitalContract, lines []*claims.Line) error {
	days, why := b.claim.Institutional.CoveredDays()
	if why != "" {
		b.leaveAll(lines, k.Name+": "+why)
		return nil
	}
	var tiers []contract.Tier
	for _, d := range k.PerDiem {
		tiers = append(tiers, contract.Tier{FromDay: d.FromDay, Amount: d.Amount})
	}
	amount, err := contract.PerDiem(days, tiers)
	if err != nil {
		return err
	}
	b.together(k, lines, RulePerDiem, amount, fmt.Sprintf("%d covered days", days))
	if s := claims.StayOf(b.claim, b.plan, b.evidence); s != nil && s.Paid() < days {
		paid := claims.Cents(0)
		if s.Paid() > 0 {
			if paid, err = contract.PerDiem(s.Paid(), tiers); err != nil {
				return err
			}
		}
		b.noMore(lines, RuleAuthorizedDays, s.CARC, paid, fmt.Sprintf("%s: %d of %d days are authorized", k.Name, s.Paid(), days))
	}
	return nil
}

// noMore takes what goes beyond an amount off lines that were priced together, in
// proportion to what each has, so that none comes below zero.
func (b *bill) noMore(lines []*claims.Line, rule, carc string, amount claims.Cents, words string) {
	parts, whole := make([]claims.Cents, len(lines)), claims.Cents(0)
	for i, l := range lines {
		steps := factOf(b.evidence, l.Number).Priced.Steps
		parts[i] = steps[len(steps)-1].Amount
		whole += parts[i]
	}
	for i, off := range claims.Divide(max(whole-amount, 0), parts) {
		p := factOf(b.evidence, lines[i].Number).Priced
		p.Steps = append(p.Steps, claims.PricedStep{Rule: rule, CARC: carc, Amount: parts[i] - off, Words: words})
	}
}

// together divides an amount among lines by what of their charges is covered. What
// goes beyond all of it, where the contract pays that, is divided likewise, so that
// no line is written off while another is paid more than it charged.
func (b *bill) together(k *claims.HospitalContract, lines []*claims.Line, rule string, amount claims.Cents, of string) {
	covered := make([]claims.Cents, len(lines))
	var total claims.Cents
	for i, l := range lines {
		covered[i] = b.evidence.Covered(l)
		total += covered[i]
	}
	parts := contract.CaseRate(amount, covered)
	above := !k.LesserOfCharge && amount > total
	if above {
		for i, more := range claims.Divide(amount-total, covered) {
			parts[i] += more
		}
	}
	for i, l := range lines {
		p := b.hospitalPriced(k, rule, parts[i], fmt.Sprintf("%s: the line's part of %s for %s", k.Name, amount, of))
		p.Case, p.Above = k.Name, above
		factOf(b.evidence, l.Number).Priced = p
	}
}

func (b *bill) hospitalPriced(k *claims.HospitalContract, rule string, amount claims.Cents, words string) *claims.Priced {
	return &claims.Priced{
		By: b.plan.Name + " " + b.plan.Edition, Steps: []claims.PricedStep{{Rule: rule, Amount: amount, Words: words}}, Above: !k.LesserOfCharge && k.PercentOfCharge == nil,
	}
}

func (b *bill) hospitalLine(k *claims.HospitalContract, l *claims.Line) {
	fact := factOf(b.evidence, l.Number)
	switch covered := b.evidence.Covered(l); {
	case k.PercentOfCharge != nil:
		fact.Priced = b.hospitalPriced(k, RulePercentOfCharge, contract.PercentOfCharge(covered, *k.PercentOfCharge), fmt.Sprintf("%s: %s of the charge", k.Name, k.PercentOfCharge))
	case k.PerUnit != nil:
		fact.Priced = b.hospitalPriced(k, RulePerUnit, k.PerUnit.Times(l.Units), fmt.Sprintf("%s: %s a unit, %s units", k.Name, k.PerUnit, l.Units))
	case b.fees.HasRules():
		b.leave(l, k.Name+": the fee schedule has payment rules, which are for clinicians' services")
	case fact.Fee == nil:
		b.leave(l, k.Name+": the fee schedule has no price for "+serviceOf(l))
	default:
		amount := k.PercentOfFees.Of(fact.Fee.Times(l.Units))
		fact.Priced = b.hospitalPriced(k, RuleList, amount, fmt.Sprintf("%s: %s a unit, %s units, at %s", k.Name, fact.Fee, l.Units, k.PercentOfFees))
		fact.Priced.By = b.schedule()
	}
}
