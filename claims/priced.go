package claims

import (
	"errors"
	"fmt"
	"slices"
)

// A Priced fact is what a contract, or a fee edition with payment rules, makes of
// a line among the others of its session. It is worked out from published
// editions alone (claims/pricing), so that whoever has them computes it again.
type Priced struct {
	By string `json:"by"` // "medicare-sf 2025-10"
	// Steps lead from nothing to what the line is worth, before it is held
	// against the charge.
	Steps []PricedStep `json:"steps,omitempty"`
	// Review says why a person has to set the price; Refused by which CARC it is
	// never paid so, and Words why.
	Review  string `json:"review,omitempty"`
	Refused string `json:"refused,omitempty"`
	Words   string `json:"words,omitempty"`
	// Case names a hospital's contract by which the line was priced together with
	// others, of whose amount it has a part. Above says that the contract pays its
	// amount even where less was charged.
	Case  string `json:"case,omitempty"`
	Above bool   `json:"above,omitempty"`
}

// A PricedStep is one rule of pricing with the amount that it leads to. The code
// is of what it takes off; none means the contractual difference.
type PricedStep struct {
	Rule   string `json:"rule"`
	CARC   string `json:"carc,omitempty"`
	Amount Cents  `json:"amount"`
	Words  string `json:"words"`
}

// Priceable are the numbers of the lines that come to be priced, in order: those
// that no rule before has stopped. Lines that are priced together have an effect
// on each other, so the prices of a claim are facts about exactly these.
func Priceable(c *Claim, p *Plan, e *Evidence) ([]int, error) {
	a, err := begin(c, p, e)
	if err != nil {
		return nil, fmt.Errorf("find what is to be priced: %w", err)
	}
	return a.priceable(), nil
}

func (a *adjudication) priceable() []int {
	numbers := []int{}
	for i := range a.lines {
		if !a.lines[i].stopped {
			numbers = append(numbers, a.lines[i].line.Number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// pricedAmong refuses prices that were worked out among other lines than come to
// be priced: several procedures of a day would have taken the wrong ranks.
func (a *adjudication) pricedAmong() error {
	priced := a.evidence.Priced != nil
	for i := range a.evidence.Lines {
		priced = priced || a.evidence.Lines[i].Priced != nil
	}
	if priced && !slices.Equal(a.evidence.Priced, a.priceable()) {
		return fmt.Errorf("the evidence has prices worked out among the lines %v, and %v come to be priced", a.evidence.Priced, a.priceable())
	}
	for i := range a.lines {
		if w := &a.lines[i]; a.hospital() && !w.stopped && w.fact.Priced == nil {
			return fmt.Errorf("line %d: no contract for hospitals was asked what it is worth", w.line.Number)
		}
	}
	return nil
}

// priceByRules finds what is allowed of a line with a priced fact, each cent of the
// difference to the charge under the rule that made it. Other lines are priced by
// the list.
func (a *adjudication) priceByRules(w *work) bool {
	p := w.fact.Priced
	switch {
	case p == nil:
		return a.price(w)
	case p.Refused != "":
		return a.refuse(w, rulePriced, p.By, p.Refused, "", p.Words)
	case p.Review != "" && a.refused():
		return a.refuse(w, rulePriced, p.By, CARCExcluded, RARCPlanExcludes, p.Review+"; a reviewer refused the charge")
	case p.Review != "":
		w.allowed = w.line.Charge // as the reviewer accepts by approving
		return a.pend(w, rulePriced, p.By, PendUnpriced, p.Review)
	}
	charge := w.line.Charge
	var written, reduced Cents
	for _, s := range p.Steps {
		before := w.payable
		w.payable = min(charge, s.Amount)
		carc := CARCContractual
		if s.CARC == CARCSeveral {
			carc, reduced = CARCSeveral, reduced+before-w.payable
		} else {
			written += before - w.payable
		}
		w.step(s.Rule, p.By, before, fmt.Sprintf("%s: %s", s.Words, s.Amount), carcOf(carc, before-w.payable), "")
	}
	w.allowed, w.payable = w.payable, charge
	w.adjust(CARCContractual, written)
	w.adjust(CARCSeveral, reduced)
	return true
}

const rulePriced = "allowed-amount"

// sequestration takes off what federal law holds back of what the plan pays,
// where the edition says so. The patient never owes it (CARC 253, group CO).
func (a *adjudication) sequestration(w *work) bool {
	rate := w.fact.Withheld
	if rate == nil {
		return true
	}
	before := w.payable
	w.adjust(CARCSequestration, rate.Of(w.payable))
	w.step("sequestration", a.plan.terms(), before, fmt.Sprintf("%s of what is paid, by federal law", rate), carcOf(CARCSequestration, before-w.payable), "")
	return true
}

// forDays says whether a code takes days off a stay that are not authorized.
func (f *LineFact) forDays(carc string) bool {
	return f.Priced.Case != "" && (carc == CARCAuthorizationAbsent || carc == CARCAuthorizationInvalid || carc == CARCAuthorizationExceeded)
}

// pricesBelong wants priced facts that no pricing could not have found.
func (f *LineFact) pricesBelong(p *Plan) error {
	switch {
	case p.Sequestration != (f.Withheld != nil):
		return errors.New("the plan says whether sequestration is taken off, and the evidence says otherwise")
	case f.Withheld != nil && (*f.Withheld < 0 || *f.Withheld > 100_00):
		return errors.New("its sequestration is out of bounds")
	case f.Priced == nil:
		return nil
	case p.Hospital == nil && (f.Priced.Case != "" || f.Priced.Above):
		return errors.New("it is priced by a hospital's contract, and the plan has none")
	case f.Priced.By == "" || f.Priced.Review == "" && f.Priced.Refused == "" && len(f.Priced.Steps) == 0:
		return errors.New("its price comes from nowhere")
	case f.Priced.Refused != "" && !IsDenial(f.Priced.Refused):
		return fmt.Errorf("its price is refused by %q, which is no denial", f.Priced.Refused)
	}
	last, reduced := Cents(0), false
	for i, s := range f.Priced.Steps {
		if s.Amount < 0 || s.Amount > 1000*maxFee || s.CARC != "" && s.CARC != CARCSeveral && s.CARC != CARCContractual && !f.forDays(s.CARC) {
			return fmt.Errorf("the amount or code of its price's step %q is out of bounds", s.Rule)
		}
		// Otherwise an adjustment could come out below zero.
		if i > 0 && (s.CARC != "" || reduced) && s.Amount > last {
			return fmt.Errorf("step %q of its price takes nothing off", s.Rule)
		}
		last, reduced = s.Amount, reduced || s.CARC == CARCSeveral
	}
	return nil
}
