// Package pricing is what published editions make of a claim's lines: a fee
// schedule that lists prices, a fee schedule with Medicare's payment rules, and
// the contracts that a plan edition names. It writes what it finds into the
// evidence, where the rules read it (claims.Adjudicate), and whoever has the
// editions finds the same again.
//
// It never decides whether a line is covered or what the patient owes, and like
// the rules it reads no clock, file or network.
package pricing

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/contract"
	"github.com/countersign-health/countersign/claims/mpfs"
	"github.com/countersign-health/countersign/credentials"
)

// Fees is one published edition of a fee schedule, in either form.
type Fees struct {
	Digest credentials.Digest
	list   *claims.Fees  // prices
	rules  *mpfs.Edition // relative values and indicators
}

// maxFile bounds a schedule, as claims.ParseFees bounds a list.
const maxFile = 8 << 20

// ParseFees reads a schedule in the form in which it is written: a list of
// prices (claims.ParseFees), or relative values with their indicators
// (mpfs.ReadEdition).
func ParseFees(file []byte) (*Fees, error) {
	f := &Fees{Digest: credentials.DigestOf(file)}
	var err error
	switch {
	case !mpfs.IsEdition(file):
		f.list, err = claims.ParseFees(file)
	case len(file) > maxFile:
		err = fmt.Errorf("fees.csv: larger than %d bytes", maxFile)
	default:
		f.rules, err = mpfs.ReadEdition("fees.csv", bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Ref names the edition by content.
func (f *Fees) Ref(name, edition string) claims.EditionRef {
	return claims.EditionRef{Name: name, Edition: edition, Digest: f.Digest}
}

// HasRules says whether payment rules come with the prices. Only rules/2 and later
// read those.
func (f *Fees) HasRules() bool { return f.rules != nil }

// Price is what a list has for one unit, nil where it has none. A schedule with
// payment rules has no price of a service by itself.
func (f *Fees) Price(code string, modifiers []string, place string) *claims.Cents {
	if f.list == nil {
		return nil
	}
	return f.list.Price(code, modifiers, place)
}

// Complete writes into the evidence what the editions make of each line, over what
// stood there. All other facts have to be there already, for what the rules stop is
// not priced.
func (f *Fees) Complete(c *claims.Claim, p *claims.Plan, e *claims.Evidence) error {
	for i := range c.Lines {
		l := &c.Lines[i]
		fact := factOf(e, l.Number)
		if fact == nil {
			return fmt.Errorf("price line %d: the evidence has no facts about it", l.Number)
		}
		place, last := c.PlaceOf(l), l.To
		if hospital(c, p) {
			place, last = hospitalPlace, c.Institutional.Through
		}
		fact.Fee, fact.Priced, fact.Withheld, fact.Global = f.Price(l.Code, l.Modifiers, place), nil, nil, ""
		if p.Rules == claims.Rules1 {
			continue
		}
		if !hospital(c, p) {
			fact.Global = f.Global(l.Code)
		}
		if p.Sequestration {
			rate, err := contract.SequestrationOn(last)
			if err != nil {
				return fmt.Errorf("price line %d: %w", l.Number, err)
			}
			fact.Withheld = &rate
		}
	}
	e.Priced = nil
	if p.Rules == claims.Rules1 || !f.HasRules() && len(p.Contracts) == 0 && !hospital(c, p) {
		return nil
	}
	priceable, err := claims.Priceable(c, p, e)
	if err != nil {
		return err
	}
	e.Priced = priceable
	b := &bill{fees: f, claim: c, plan: p, evidence: e}
	for i := range c.Lines {
		if slices.Contains(priceable, c.Lines[i].Number) {
			b.lines = append(b.lines, &c.Lines[i])
		}
	}
	if hospital(c, p) {
		return b.priceHospital()
	}
	return b.price()
}

// Global is the code's global surgery indicator, where it has days.
func (f *Fees) Global(code string) string {
	if f.rules == nil {
		return ""
	}
	row := f.rules.Schedule.Row(code, "")
	if row == nil {
		return ""
	}
	if _, _, ok := claims.GlobalDays(row.Global, "2000-01-01"); !ok {
		return ""
	}
	return row.Global
}

// RankTogether says whether the payment rules of the edition pay one of two codes
// less beside the other, on one day and by one clinician.
func (f *Fees) RankTogether(code, other string) bool {
	if f.rules == nil {
		return false
	}
	a, b := f.rules.Schedule.Row(code, ""), f.rules.Schedule.Row(other, "")
	return a != nil && b != nil && rankedBy(a) != 0 && rankedBy(a) == rankedBy(b)
}

// rankedBy is the multiple procedure indicator; endoscopies (3) rank among other
// surgeries (2), and what has none (0, 9) ranks with nothing.
func rankedBy(r *mpfs.Row) mpfs.Indicator {
	switch r.MultipleProcedure {
	case '3':
		return '2'
	case '0', '9':
		return 0
	}
	return r.MultipleProcedure
}

func factOf(e *claims.Evidence, number int) *claims.LineFact {
	i := slices.IndexFunc(e.Lines, func(f claims.LineFact) bool { return f.Line == number })
	if i < 0 {
		return nil
	}
	return &e.Lines[i]
}
