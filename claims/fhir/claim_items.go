package fhir

import (
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// A member is one of a claim's care team who performs what it bills.
type member struct {
	sequence int
	role     string // "", performing, attending or operating
	claims.Provider
}

// A crew is the care team of a claim.
type crew struct {
	members []member
	known   map[int]bool // every sequence number of the team
}

// roles of the care team that matter here, by code, whatever its system. Others
// (who referred, assisted or supervised) perform nothing.
var roles = map[string]string{
	"": "performing", "primary": "performing", "performing": "performing", "rendering": "performing", "SJ": "performing",
	"attending": "attending", "operating": "operating",
}

func (r *reader) team(b *bundle, n node) crew {
	all := crew{known: map[int]bool{}}
	for _, m := range n.field("careTeam").list() {
		sequence := m.field("sequence").number()
		if all.known[sequence] {
			r.problem(m.at+"/sequence", "another member of the care team has the same")
		}
		all.known[sequence] = true
		code := ""
		for _, c := range m.field("role").field("coding").list() {
			if s := c.field("system").optional(); s == systemCare || s == systemX12Role || s == systemC4BBCare {
				code = c.field("code").text()
			}
		}
		role, matters := roles[code]
		if !matters {
			continue
		}
		one := member{sequence, role, r.provider(b, m.field("provider"))}
		one.Address = claims.Address{} // an 837 has none of them
		if q, ok := m.field("qualification").code(systemNUCC); ok {
			one.Taxonomy = q
		}
		all.members = append(all.members, one)
	}
	return all
}

// performer is the one person of the sequences, or of all where there are none,
// who performs; nil where it is nobody or not one.
func (t *crew) performer(sequences []int) (found *claims.Provider) {
	for _, m := range t.members {
		if m.role != "performing" || m.Organization || sequences != nil && !slices.Contains(sequences, m.sequence) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &m.Provider
	}
	return found
}

// having finds who has a role, nil where nobody does.
func (t *crew) having(role string) *claims.Provider {
	for _, m := range t.members {
		if m.role == role {
			return &m.Provider
		}
	}
	return nil
}

// lines reads the items. It returns the index of each.
func (r *reader) lines(n node, c *claims.Claim, team crew, diagnoses map[int]int) (items []int) {
	list := n.field("item").list()
	most := 50
	if c.Institutional != nil {
		most = 999
		c.Institutional.Attending, c.Institutional.Operating = team.having("attending"), team.having("operating")
	}
	if len(list) == 0 || len(list) > most {
		r.problem(n.at+"/item", "want from 1 to %d items", most)
		return nil
	}
	for i, it := range list {
		l := r.line(it, c, diagnoses)
		if slices.ContainsFunc(c.Lines, func(o claims.Line) bool { return o.Number == l.Number }) {
			r.problem(it.at+"/sequence", "another item has the same")
		}
		var by []int
		for _, s := range it.field("careTeamSequence").list() {
			if by = append(by, s.number()); !team.known[by[len(by)-1]] {
				r.problem(s.at, "no member of the care team has this sequence")
			}
		}
		performers := 0
		for _, m := range team.members {
			if m.role == "performing" && !m.Organization && (by == nil || slices.Contains(by, m.sequence)) {
				performers++
			}
		}
		if performers > 1 {
			r.problem(it.at+"/careTeamSequence", "want one clinician who performed it, found %d", performers)
		}
		if p := team.performer(by); p != nil && (c.Rendering == nil || *p != *c.Rendering) {
			l.Rendering = p
		}
		c.Lines, items = append(c.Lines, l), append(items, i)
	}
	return items
}

func (r *reader) line(n node, c *claims.Claim, diagnoses map[int]int) (l claims.Line) {
	for _, name := range []string{"modifierExtension", "detail", "factor"} {
		if x := n.field(name); x.exists() {
			r.problem(x.at, "is not taken: send each service as an item with its own amount")
		}
	}
	l.Number, l.Unit = n.field("sequence").number(), "UN"
	code, ok := n.field("productOrService").code(systemCPT, systemHCPCS, systemHCPCS2, systemHCPCSAll)
	if in := c.Institutional; in != nil {
		l.Revenue, _ = n.field("revenue").code(systemRevenu)
		if l.Revenue == "" {
			r.problem(n.at+"/revenue", "want a revenue code (system %s)", systemRevenu)
		}
	} else if !ok {
		r.problem(n.at+"/productOrService", "want a CPT or HCPCS code")
	}
	l.Code = code
	for _, m := range n.field("modifier").list() {
		if codings := m.field("coding").list(); len(codings) > 0 {
			l.Modifiers = append(l.Modifiers, codings[0].field("code").text())
		}
	}
	l.Units = 1000 // one, where no quantity is given
	if q := n.field("quantity"); q.exists() {
		l.Units = q.field("value").quantity()
		switch unit := q.field("code").optional(); unit {
		case "", "1", "UN", "{unit}":
		case "min", "MJ":
			l.Unit = "MJ"
		case "d", "DA":
			l.Unit = "DA"
		default:
			r.problem(q.at+"/code", "want min for minutes of anesthesia, d for days, or none")
		}
	}
	l.Charge = n.field("net").money()
	r.served(n, &l)
	l.Place, _ = n.field("locationCodeableConcept").code(systemPlace)
	for _, s := range n.field("diagnosisSequence").list() {
		at, there := diagnoses[s.number()]
		if !there {
			r.problem(s.at, "no diagnosis has this sequence")
		}
		l.Pointers = append(l.Pointers, at)
	}
	return l
}

// served reads the days of an item.
func (r *reader) served(n node, l *claims.Line) {
	switch period, day := n.field("servicedPeriod"), n.field("servicedDate"); {
	case period.exists() && day.exists():
		r.problem(day.at, "want either servicedDate or servicedPeriod")
	case period.exists():
		l.From, l.To = period.field("start").date(), period.field("end").date()
		if l.To < l.From {
			r.problem(period.at, "it ends before it starts")
		}
	case day.exists():
		l.From = day.date()
		l.To = l.From
	default:
		r.problem(n.at+"/servicedDate", "want servicedDate or servicedPeriod: the days of the service")
	}
}

// places finds the claim's place of service, that of its first item; the others
// keep their own where it differs.
func (r *reader) places(n node, c *claims.Claim) {
	if len(c.Lines) == 0 {
		return
	}
	if c.Place = c.Lines[0].Place; c.Place == "" {
		r.problem(n.at+"/item/0/locationCodeableConcept", "want a place of service (system %s)", systemPlace)
	}
	for i := range c.Lines {
		if l := &c.Lines[i]; l.Place == c.Place {
			l.Place = ""
		}
	}
}

// stay reads what an institutional claim says beyond its items, where CARIN's
// guide has it.
func (r *reader) stay(b *bundle, n node, c *claims.Claim) {
	if c.Institutional == nil {
		c.Institutional = &claims.Institutional{}
	}
	in := c.Institutional
	period := n.field("billablePeriod")
	if in.From, in.Through = period.field("start").date(), period.field("end").date(); in.Through < in.From {
		r.problem(period.at, "it ends before it starts")
	}
	for _, info := range n.field("supportingInfo").list() {
		kind, _ := info.field("category").code(systemC4BBInfo)
		code := ""
		if codings := info.field("code").field("coding").list(); len(codings) > 0 {
			code = codings[0].field("code").text()
		}
		switch kind {
		case "typeofbill":
			bill := strings.TrimPrefix(code, "0")
			if len(bill) != 3 {
				r.problem(info.at+"/code", "want a type of bill of three digits, or four with a leading 0")
				continue
			}
			in.Facility, c.Frequency = bill[:2], claims.Frequency(bill[2:])
		case "admissionperiod":
			if start := info.field("timingPeriod").field("start"); start.exists() {
				in.Admitted = start.date()
			} else {
				in.Admitted = info.field("timingDate").date()
			}
		case "admtype":
			in.AdmissionType = code
		case "pointoforigin":
			in.AdmissionSource = code
		case "discharge-status":
			in.PatientStatus = code
		case "drg":
			in.DRG = code
		}
	}
	if in.Facility == "" {
		r.problem(n.at+"/supportingInfo", "want the type of bill (category typeofbill, system %s)", systemC4BBInfo)
	}
	for _, p := range n.field("procedure").list() {
		code, ok := p.field("procedureCodeableConcept").code(systemPCS)
		if !ok {
			r.problem(p.at+"/procedureCodeableConcept", "want an ICD-10-PCS code (system %s)", systemPCS)
		}
		one := claims.Procedure{Code: code}
		if day := p.field("date"); day.exists() {
			one.On = day.date()
		}
		in.Procedures = append(in.Procedures, one)
	}
}
