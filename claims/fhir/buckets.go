package fhir

import (
	"fmt"

	"github.com/countersign-health/countersign/claims"
)

// Buckets are the amounts of one line, or of a claim, as CARIN's guide divides
// them. Submitted is the sum of all below it but Eligible; MemberLiability is
// Deductible + Copay + Coinsurance and what else the patient owes.
type Buckets struct {
	Submitted       claims.Cents
	Eligible        claims.Cents // what the plan allows
	Deductible      claims.Cents
	Copay           claims.Cents
	Coinsurance     claims.Cents
	Discount        claims.Cents // written off under the contract
	Noncovered      claims.Cents // refused
	Benefit         claims.Cents // what the plan pays, to the provider
	MemberLiability claims.Cents
}

// bucketsOf divides a line's charge by its adjustments. A pended line has none
// yet: all of its charge is still open, so it is in no bucket.
func bucketsOf(l *claims.LineDecision) (b Buckets, err error) {
	b = Buckets{Submitted: l.Charge, Eligible: l.Allowed, Benefit: l.Paid, MemberLiability: l.Patient}
	patient, rest := claims.Cents(0), l.Charge-l.Paid
	for _, a := range l.Adjustments {
		switch {
		case a.CARC == claims.CARCDeductible:
			b.Deductible += a.Amount
		case a.CARC == claims.CARCCopay:
			b.Copay += a.Amount
		case a.CARC == claims.CARCCoinsurance:
			b.Coinsurance += a.Amount
		case a.Group == claims.Contractual && !claims.IsDenial(a.CARC):
			b.Discount += a.Amount
		default:
			b.Noncovered += a.Amount
		}
		if a.Group == claims.Patient {
			patient += a.Amount
		}
		rest -= a.Amount
	}
	if l.Outcome != claims.Pended && (rest != 0 || patient != l.Patient) {
		return b, fmt.Errorf("line %d does not add up: its charge is %s, its payment %s and its adjustments leave %s; the patient's share is %s, of %s",
			l.Line, l.Charge, l.Paid, rest, patient, l.Patient)
	}
	return b, nil
}

func (b *Buckets) add(o Buckets) {
	b.Submitted += o.Submitted
	b.Eligible += o.Eligible
	b.Deductible += o.Deductible
	b.Copay += o.Copay
	b.Coinsurance += o.Coinsurance
	b.Discount += o.Discount
	b.Noncovered += o.Noncovered
	b.Benefit += o.Benefit
	b.MemberLiability += o.MemberLiability
}

// amounts writes every bucket, also one of nothing: a reader need not guess
// whether it was left out or is zero.
func (b *Buckets) amounts() (all []adjudication) {
	for _, k := range bucketKinds {
		all = append(all, adjudication{Category: coded(k.system, k.code), Amount: dollars(*k.of(b))})
	}
	return all
}

// bucketKinds are the codes of the amounts, HL7's where there is one, else
// CARIN's.
var bucketKinds = []struct {
	system, code string
	of           func(*Buckets) *claims.Cents
}{
	{systemAdjudication, "submitted", func(b *Buckets) *claims.Cents { return &b.Submitted }},
	{systemAdjudication, "eligible", func(b *Buckets) *claims.Cents { return &b.Eligible }},
	{systemAdjudication, "deductible", func(b *Buckets) *claims.Cents { return &b.Deductible }},
	{systemAdjudication, "copay", func(b *Buckets) *claims.Cents { return &b.Copay }},
	{systemC4BBAmount, "coinsurance", func(b *Buckets) *claims.Cents { return &b.Coinsurance }},
	{systemC4BBAmount, "discount", func(b *Buckets) *claims.Cents { return &b.Discount }},
	{systemC4BBAmount, "noncovered", func(b *Buckets) *claims.Cents { return &b.Noncovered }},
	{systemAdjudication, "benefit", func(b *Buckets) *claims.Cents { return &b.Benefit }},
	{systemC4BBAmount, "paidtoprovider", func(b *Buckets) *claims.Cents { return &b.Benefit }},
	{systemC4BBAmount, "memberliability", func(b *Buckets) *claims.Cents { return &b.MemberLiability }},
}

// totalsOf adds the lines up and holds the sums against the decision's own.
func totalsOf(d *claims.Decision) (all []total, err error) {
	var sum Buckets
	for i := range d.Lines {
		b, err := bucketsOf(&d.Lines[i])
		if err != nil {
			return nil, err
		}
		sum.add(b)
	}
	if sum.Submitted != d.Charge || sum.Eligible != d.Allowed || sum.Benefit != d.Paid || sum.MemberLiability != d.Patient {
		return nil, fmt.Errorf("the lines do not add up to the claim: charge %s of %s, allowed %s of %s, paid %s of %s, patient %s of %s",
			sum.Submitted, d.Charge, sum.Eligible, d.Allowed, sum.Benefit, d.Paid, sum.MemberLiability, d.Patient)
	}
	for _, a := range sum.amounts() {
		all = append(all, total{a.Category, a.Amount})
	}
	return all, nil
}
