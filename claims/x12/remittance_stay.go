package x12

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// stay says of an institutional claim what stands in loop 2100 alone: its type of
// bill (CLP08 and CLP09), the days of its statement, and the covered days of a stay.
func (p *Payment) stay(c *claims.Claim) {
	in := c.Institutional
	if in == nil {
		return
	}
	p.Place, p.From, p.Through, p.Inpatient = in.Facility, in.From, in.Through, in.Inpatient()
	if days, why := in.CoveredDays(); p.Inpatient && why == "" {
		p.Days = days
	}
}

// tell says what became of a claim's lines: of each by itself, or, of a claim that was
// decided whole (claims.Decision), by the reasons of all together, each once. Its lines'
// parts were divided for the decision, and mean nothing by themselves; the guide wants
// lines where they are priced or adjusted by themselves, and not otherwise (005010X221,
// loop 2110; X12 requests for interpretation 1712, 2071 and 2348).
func (p *Payment) tell(c *claims.Claim, lines []claims.LineDecision, whole bool) (err error) {
	if !whole {
		p.Lines, err = services(c, lines)
		return err
	}
	for i := range lines {
		for _, a := range lines[i].Adjustments {
			at := slices.IndexFunc(p.Adjustments, func(o claims.Adjustment) bool { return o.Group == a.Group && o.CARC == a.CARC })
			if at < 0 {
				p.Adjustments = append(p.Adjustments, claims.Adjustment{Group: a.Group, CARC: a.CARC})
				at = len(p.Adjustments) - 1
			}
			p.Adjustments[at].Amount += a.Amount
		}
	}
	return nil
}

// remarks writes the remarks of the claim, up to five: MOA, or MIA of a stay. The
// guide wants neither without remarks, but of Medicare and Medicaid, and the number
// nought in MIA01, since the days stand in QTY.
func (w *writer) remarks(p *Payment) {
	if len(p.Remarks) == 0 {
		return
	}
	if len(p.Remarks) > 5 {
		w.fail("the claim has more than five remarks")
	}
	id, elements := "MOA", []any{"", ""}
	if p.Inpatient {
		id, elements = "MIA", []any{"0", "", "", ""}
	}
	for i, r := range p.Remarks {
		if p.Inpatient && i == 1 { // the first is MIA05, the others MIA20 to MIA23
			elements = append(elements, slices.Repeat([]any{""}, 14)...)
		}
		elements = append(elements, w.need("a remark", r))
	}
	w.segment(id, elements...)
}

// statementDates writes the days of an institutional claim.
func (w *writer) statementDates(p *Payment) {
	if p.From != "" {
		w.segment("DTM", "232", w.date("the statement's first day", p.From))
	}
	if p.Through != "" {
		w.segment("DTM", "233", w.date("the statement's last day", p.Through))
	}
}

// coveredDays writes those of a stay.
func (w *writer) coveredDays(p *Payment) {
	if p.Days > 0 {
		w.segment("QTY", "CA", fmt.Sprint(p.Days))
	}
}

// statement reads what statementDates, coveredDays and remarks write.
func (m *remittanceReader) statement(s *segment) (err error) {
	p := m.payment()
	switch {
	case s.id() == "DTM" && s.at(1) == "232":
		p.From, _ = parseD8(s.at(2)) // nothing is computed from it
	case s.id() == "DTM" && s.at(1) == "233":
		p.Through, _ = parseD8(s.at(2))
	case s.id() == "QTY" && s.at(1) == "CA":
		var days claims.Quantity
		if days, err = units(s, 2, 0); err == nil {
			p.Days = int(days / 1000)
		}
	case s.id() == "MIA":
		for _, i := range []int{5, 20, 21, 22, 23} {
			if s.at(i) != "" {
				p.Inpatient, p.Remarks = true, append(p.Remarks, s.at(i))
			}
		}
	}
	return err
}
