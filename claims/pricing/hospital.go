package pricing

import (
	"fmt"
	"slices"

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
		return b.hospitalCase(k, lines, rate)
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
	stages := b.outlier(k, lines, []stage{{claims.RulePerDiem, amount, fmt.Sprintf("%d covered days", days)}})
	s := claims.StayOf(b.claim, b.plan, b.evidence)
	if s == nil || s.Paid() >= days {
		b.together(k, lines, stages)
		return nil
	}
	if len(stages) > 1 {
		b.leaveAll(lines, fmt.Sprintf("%s: its charges are an outlier's, and %d of %d days are authorized", k.Name, s.Paid(), days))
		return nil
	}
	b.together(k, lines, stages)
	paid := claims.Cents(0)
	if s.Paid() > 0 {
		if paid, err = contract.PerDiem(s.Paid(), tiers); err != nil {
			return err
		}
	}
	b.noMore(lines, RuleAuthorizedDays, s.CARC, paid, fmt.Sprintf("%s: %d of %d days are authorized", k.Name, s.Paid(), days))
	return nil
}

// hospitalCase prices a case: its rate, or by the day where the patient was
// transferred, and what an outlier adds.
func (b *bill) hospitalCase(k *claims.HospitalContract, lines []*claims.Line, rate *claims.CaseRate) error {
	in := b.claim.Institutional
	of := "the case"
	switch {
	case rate.DRG != "":
		of = "DRG " + rate.DRG
	case rate.Code != "":
		of = "the case of " + rate.Code
	}
	stages := []stage{{claims.RuleCaseRate, rate.Amount, of}}
	if slices.Contains(k.Transfer, in.PatientStatus) && in.Inpatient() {
		days, why := in.CoveredDays()
		if why != "" {
			b.leaveAll(lines, k.Name+": "+why)
			return nil
		}
		amount, err := contract.Transfer(rate.Amount, rate.MeanStay, days)
		if err != nil {
			return err
		}
		stages = append(stages, stage{claims.RuleTransfer, amount, fmt.Sprintf("a transfer (patient status %s) after %d days of %s in the mean", in.PatientStatus, days, rate.MeanStay)})
	}
	b.together(k, lines, b.outlier(k, lines, stages))
	return nil
}

// outlier adds what charges beyond the threshold come to, where there are such.
func (b *bill) outlier(k *claims.HospitalContract, lines []*claims.Line, stages []stage) []stage {
	var charges claims.Cents
	for _, l := range lines {
		charges += b.evidence.Covered(l)
	}
	o := k.Outlier
	if o == nil || charges <= o.Threshold {
		return stages
	}
	of := fmt.Sprintf("an outlier: %s of what charges of %s have beyond %s", o.PercentOfCharge, charges, o.Threshold)
	if o.FirstDollar {
		of = fmt.Sprintf("an outlier: %s of charges of %s, which go beyond %s", o.PercentOfCharge, charges, o.Threshold)
	}
	return append(stages, stage{claims.RuleOutlier, contract.Outlier(stages[len(stages)-1].amount, charges, o.Threshold, o.PercentOfCharge, o.FirstDollar), of})
}

// A stage is an amount for lines together to which a rule leads.
type stage struct {
	rule   string
	amount claims.Cents
	of     string
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

// together divides amounts among lines by what of their charges is covered, one
// rule after the other; the last counts. What goes beyond all charges, where the
// contract pays that, is divided likewise, so that no line is written off while
// another is paid more than it charged.
func (b *bill) together(k *claims.HospitalContract, lines []*claims.Line, stages []stage) {
	covered := make([]claims.Cents, len(lines))
	var total claims.Cents
	for i, l := range lines {
		covered[i] = b.evidence.Covered(l)
		total += covered[i]
	}
	for n, s := range stages {
		parts := contract.CaseRate(s.amount, covered)
		above := !k.LesserOfCharge && s.amount > total
		if above {
			for i, more := range claims.Divide(s.amount-total, covered) {
				parts[i] += more
			}
		}
		for i, l := range lines {
			words, fact := fmt.Sprintf("%s: the line's part of %s for %s", k.Name, s.amount, s.of), factOf(b.evidence, l.Number)
			if n == 0 {
				fact.Priced = b.hospitalPriced(k, s.rule, parts[i], words)
			} else {
				fact.Priced.Steps = append(fact.Priced.Steps, claims.PricedStep{Rule: s.rule, Amount: parts[i], Words: words})
			}
			fact.Priced.Case, fact.Priced.Above = k.Name, above
		}
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
