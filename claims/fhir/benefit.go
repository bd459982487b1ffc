package fhir

import (
	"encoding/json"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

type benefit struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Meta         *meta            `json:"meta"`
	Identifier   []identifier     `json:"identifier"`
	Status       string           `json:"status"`
	Type         *concept         `json:"type"`
	SubType      *concept         `json:"subType,omitempty"`
	Use          string           `json:"use"`
	Patient      reference        `json:"patient"`
	Billable     period           `json:"billablePeriod"`
	Created      string           `json:"created"`
	Insurer      reference        `json:"insurer"`
	Provider     reference        `json:"provider"`
	Related      []related        `json:"related,omitempty"`
	Payee        *payee           `json:"payee"`
	Claim        *reference       `json:"claim,omitempty"`
	Outcome      string           `json:"outcome"`
	Disposition  string           `json:"disposition"`
	CareTeam     []careTeam       `json:"careTeam,omitempty"`
	Info         []supportingInfo `json:"supportingInfo"`
	Diagnosis    []diagnosis      `json:"diagnosis"`
	Procedure    []procedure      `json:"procedure,omitempty"`
	Insurance    []insurance      `json:"insurance"`
	Item         []benefitItem    `json:"item"`
	Adjudication []adjudication   `json:"adjudication"`
	Total        []total          `json:"total"`
	Payment      *payment         `json:"payment,omitempty"`
	ProcessNote  []note           `json:"processNote,omitempty"`
}

// A related is another claim, by the insurer's number.
type related struct {
	Relationship *concept   `json:"relationship"`
	Reference    identifier `json:"reference"`
}

type payee struct {
	Type  *concept  `json:"type"`
	Party reference `json:"party"`
}

type careTeam struct {
	Sequence int       `json:"sequence"`
	Provider reference `json:"provider"`
	Role     *concept  `json:"role"`
}

type supportingInfo struct {
	Sequence int              `json:"sequence"`
	Category *concept         `json:"category"`
	Date     credentials.Date `json:"timingDate,omitempty"`
	Text     string           `json:"valueString,omitempty"`
	Code     *concept         `json:"code,omitempty"`
	Period   *period          `json:"timingPeriod,omitempty"`
}

type diagnosis struct {
	Sequence int        `json:"sequence"`
	Code     *concept   `json:"diagnosisCodeableConcept"`
	Type     []*concept `json:"type"`
}

type benefitItem struct {
	Sequence     int              `json:"sequence"`
	CareTeam     []int            `json:"careTeamSequence,omitempty"`
	Diagnosis    []int            `json:"diagnosisSequence,omitempty"`
	Revenue      *concept         `json:"revenue,omitempty"`
	Product      *concept         `json:"productOrService"`
	Modifier     []*concept       `json:"modifier,omitempty"`
	Date         credentials.Date `json:"servicedDate,omitempty"`
	Period       *period          `json:"servicedPeriod,omitempty"`
	Location     *concept         `json:"locationCodeableConcept,omitempty"`
	Quantity     quantity         `json:"quantity"`
	Net          *money           `json:"net"`
	Notes        []int            `json:"noteNumber,omitempty"`
	Adjudication []adjudication   `json:"adjudication"`
}

// benefitOf is the ExplanationOfBenefit of a final decision, in the shape of
// CARIN's profile for professional claims, or of those for stays and visits. Plans here have no networks, so each
// network status is "other".
func benefitOf(t *Told, p *parties) (*benefit, error) {
	c, d := t.Claim, t.Decision
	b := &benefit{
		ResourceType: "ExplanationOfBenefit", ID: uuidOf(t.Decision.Submission, "ExplanationOfBenefit"),
		Meta:       metaOf(t, "ExplanationOfBenefit-Professional-NonClinician"),
		Identifier: identifiersOf(t), Status: statusOf(t), Related: relatedTo(t), Type: coded(systemClaimType, "professional"), Use: "claim",
		Patient: p.patient, Billable: period{c.FirstService(), c.LastService()}, Created: instant(t.Decided), Insurer: p.insurer, Provider: p.provider,
		Payee:   &payee{coded(systemPayee, "provider"), p.provider},
		Outcome: outcomeOf(d), Disposition: disposition(d),
		Info: []supportingInfo{
			{Sequence: 1, Category: coded(systemC4BBInfo, "clmrecvddate"), Date: t.Received},
			{Sequence: 2, Category: coded(systemC4BBInfo, "patientaccountnumber"), Text: c.Number},
		},
		Adjudication: []adjudication{
			{Category: coded(systemC4BBSlice, "billingnetworkstatus"), Reason: coded(systemC4BBStatus, "other")},
			{Category: coded(systemC4BBSlice, "renderingnetworkstatus"), Reason: coded(systemC4BBStatus, "other")},
		},
		Insurance: []insurance{{0, true, p.coverage}}, Payment: paymentOf(t, coded(systemC4BBStatus, paidStatus(d))),
	}
	for i, npi := range p.order {
		b.CareTeam = append(b.CareTeam, careTeam{i + 1, p.rendering[npi], coded(systemC4BBCare, "rendering")})
	}
	for i, code := range c.Diagnoses {
		kind := coded(systemC4BBDiagnosis, "secondary")
		if i == 0 {
			kind = coded(systemDiagnosis, "principal")
		}
		b.Diagnosis = append(b.Diagnosis, diagnosis{i + 1, coded(systemICD10, icd(code)), []*concept{kind}})
	}
	for i := range c.Lines {
		item, err := benefitItemOf(c, &c.Lines[i], &d.Lines[i], p)
		if err != nil {
			return nil, err
		}
		for _, words := range notesOf(d, &d.Lines[i]) {
			b.ProcessNote = append(b.ProcessNote, note{len(b.ProcessNote) + 1, "print", words})
			item.Notes = append(item.Notes, len(b.ProcessNote))
		}
		b.Item = append(b.Item, item)
	}
	var err error
	b.Total, err = totalsOf(d)
	if c.Institutional != nil {
		b.stay(t, p)
	}
	return b, err
}

func benefitItemOf(c *claims.Claim, l *claims.Line, d *claims.LineDecision, p *parties) (item benefitItem, err error) {
	buckets, err := bucketsOf(d)
	if err != nil {
		return item, err
	}
	item = benefitItem{
		Sequence: l.Number, Diagnosis: l.Pointers, Product: coded(procedureSystem(l.Code), l.Code),
		Location: coded(systemPlace, c.PlaceOf(l)), Quantity: quantity{json.Number(l.Units.String())}, Net: dollars(l.Charge),
		Adjudication: buckets.amounts(),
	}
	for _, m := range l.Modifiers {
		item.Modifier = append(item.Modifier, coded(procedureSystem(m), m))
	}
	if item.Date = l.From; l.To != l.From {
		item.Date, item.Period = "", &period{l.From, l.To}
	}
	if r := c.Renderer(l); r != nil {
		for i, npi := range p.order {
			if npi == r.NPI {
				item.CareTeam = []int{i + 1}
			}
		}
	}
	item.Adjudication = append(item.Adjudication, slicesOf(d, l)...)
	if c.Institutional != nil {
		item.stay(l, p)
	}
	return item, nil
}

// slicesOf are what the profile wants beside the amounts: in which network
// the line is paid, the units allowed, and why it was refused.
func slicesOf(d *claims.LineDecision, l *claims.Line) []adjudication {
	units := json.Number(l.Units.String())
	if d.Outcome == claims.Denied {
		units = "0"
	}
	all := []adjudication{
		{Category: coded(systemC4BBSlice, "benefitpaymentstatus"), Reason: coded(systemC4BBStatus, "other")},
		{Category: coded(systemC4BBSlice, "allowedunits"), Value: &units},
	}
	for _, a := range d.Adjustments {
		if claims.IsDenial(a.CARC) {
			return append(all, adjudication{Category: coded(systemC4BBSlice, "denialreason"), Reason: reasonOf(a)}) // one at most
		}
	}
	return all
}

// relatedTo names the claim whose decision this one takes back, and the one
// whose decision takes this one back.
func relatedTo(t *Told) (all []related) {
	number := func(h credentials.Handle) identifier {
		return identifier{coded(systemC4BBIdentifier, "uc"), "", claims.ControlNumber(h)}
	}
	if r := t.Decision.Reversal; r != nil && r.Submission != t.Decision.Submission {
		all = append(all, related{coded(systemRelated, "prior"), number(r.Submission)})
	}
	if !t.TakenBackBy.IsZero() {
		all = append(all, related{coded(systemC4BBRelated, "replacedby"), number(t.TakenBackBy)})
	}
	return all
}

// paidStatus is CARIN's word for what became of the claim.
func paidStatus(d *claims.Decision) string {
	denied := 0
	for i := range d.Lines {
		if d.Lines[i].Outcome == claims.Denied {
			denied++
		}
	}
	switch denied {
	case 0:
		return "paid"
	case len(d.Lines):
		return "denied"
	}
	return "partiallypaid"
}
