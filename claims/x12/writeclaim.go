package x12

import (
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// payment writes loop 2100. Its amounts balance: WriteRemittance has seen to
// that.
func (w *writer) payment(p *Payment) {
	owed := ""
	if p.Patient != 0 {
		owed = p.Patient.String()
	}
	w.segment("CLP", w.need("the claim number", p.Number), w.need("the claim status", p.Status), p.Charge.String(), p.Paid.String(), owed,
		w.need("the claim filing code", p.Filing), w.need("the payer's claim number", p.Control), p.Place, p.Frequency)
	w.adjustments(p.Adjustments)
	w.person("QC", &p.Person)
	if p.Subscriber != nil {
		w.person("IL", p.Subscriber)
	}
	if r := p.Rendering; r != nil && r.NPI != "" {
		kind := "1"
		if r.Organization {
			kind = "2"
		}
		w.segment("NM1", "82", kind, clean(r.Name, 60), clean(r.First, 35), "", "", "", "XX", string(r.NPI))
	}
	w.remarks(p)
	if p.Original != "" {
		w.segment("REF", "F8", p.Original)
	}
	w.statementDates(p)
	if p.Interest != 0 {
		w.segment("AMT", "I", p.Interest.String())
	}
	w.coveredDays(p)
	for i := range p.Lines {
		w.service(&p.Lines[i])
	}
}

func (w *writer) person(role string, p *claims.Person) {
	qualifier := ""
	if p.MemberID != "" {
		qualifier = "MI"
	}
	w.segment("NM1", role, "1", w.need("the person's last name", clean(p.Last, 60)), clean(p.First, 35), clean(p.Middle, 25), "", "", qualifier, p.MemberID)
}

func (w *writer) service(s *ServicePayment) {
	if s.Code+s.Revenue == "" || len(s.Modifiers) > 4 {
		w.fail("a line has no code, or more than four modifiers")
	}
	// A revenue code stands by itself where the line has no procedure (SVC01), and
	// beside it where it has one (SVC04).
	code, revenue := append(composite{"HC", s.Code}, s.Modifiers...), s.Revenue
	switch {
	case s.Code == "":
		code, revenue = composite{"NU", s.Revenue}, ""
	case oneOf(s.Revenue, "0022", "0023", "0024"):
		code[0] = "HP"
	}
	submitted := ""
	if s.Submitted != 0 && s.Submitted != s.Units {
		submitted = s.Submitted.String()
	}
	w.segment("SVC", code, s.Charge.String(), s.Paid.String(), revenue, s.Units.String(), "", submitted)
	w.serviceDates(s.From, s.To)
	w.adjustments(s.Adjustments)
	if s.Control != "" {
		w.segment("REF", "6R", s.Control)
	}
	if s.Rendering != "" {
		w.segment("REF", "HPI", string(s.Rendering))
	}
	if s.Allowed != 0 {
		w.segment("AMT", "B6", s.Allowed.String())
	}
	for _, r := range s.Remarks {
		w.segment("LQ", "HE", w.need("a remark", r))
	}
}

func (w *writer) serviceDates(from, to credentials.Date) {
	if to == from || to == "" {
		w.segment("DTM", "472", w.date("the date of service", from))
		return
	}
	w.segment("DTM", "150", w.date("the first date of service", from))
	w.segment("DTM", "151", w.date("the last date of service", to))
}

// maxTrios is how many adjustments one CAS holds: reason, amount and quantity
// each.
const maxTrios = 6

// adjustments writes CAS segments, gathered by group code in the order in
// which the groups first occur.
func (w *writer) adjustments(as []claims.Adjustment) {
	var groups []claims.Group
	byGroup := map[claims.Group][]claims.Adjustment{}
	for _, a := range as {
		if a.Amount == 0 {
			continue
		}
		if !oneOf(string(a.Group), "CO", "PR", "OA", "PI") || a.CARC == "" {
			w.fail("an adjustment has no group code or reason")
		}
		if byGroup[a.Group] == nil {
			groups = append(groups, a.Group)
		}
		byGroup[a.Group] = append(byGroup[a.Group], a)
	}
	for _, g := range groups {
		for rest := byGroup[g]; len(rest) > 0; {
			n := min(len(rest), maxTrios)
			w.segment("CAS", trios(g, rest[:n])...)
			rest = rest[n:]
		}
	}
}

func trios(g claims.Group, as []claims.Adjustment) []any {
	elements := []any{fmt.Sprint(g)}
	for _, a := range as {
		elements = append(elements, a.CARC, a.Amount.String(), "")
	}
	return elements
}
