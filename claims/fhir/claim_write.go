package fhir

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

const systemPresent = "http://terminology.hl7.org/CodeSystem/ex-diagnosis-on-admission"

// A claimOut is a FHIR Claim with all that it refers to contained in it, as a
// hospital may send one (ParseClaim).
type claimOut struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id"`
	Contained    []any             `json:"contained"`
	Identifier   []identifier      `json:"identifier"`
	Status       string            `json:"status"`
	Type         *concept          `json:"type"`
	Use          string            `json:"use"`
	Patient      reference         `json:"patient"`
	Billable     period            `json:"billablePeriod"`
	Created      credentials.Date  `json:"created"`
	Insurer      reference         `json:"insurer"`
	Provider     reference         `json:"provider"`
	Priority     *concept          `json:"priority"`
	Facility     *reference        `json:"facility,omitempty"`
	CareTeam     []claimMember     `json:"careTeam,omitempty"`
	Info         []supportingInfo  `json:"supportingInfo,omitempty"`
	Diagnosis    []claimDiagnosis  `json:"diagnosis,omitempty"`
	Procedure    []claimProcedure  `json:"procedure,omitempty"`
	Insurance    []claimInsurance  `json:"insurance"`
	Item         []claimItem       `json:"item"`
	Total        *money            `json:"total"`
	crew         []claims.Provider // who performs, each once
}

type claimMember struct {
	careTeam
	Qualification *concept `json:"qualification,omitempty"`
}

type claimDiagnosis struct {
	diagnosis
	Present *concept `json:"onAdmission,omitempty"`
}

type claimProcedure struct {
	Sequence int              `json:"sequence"`
	Date     credentials.Date `json:"date,omitempty"`
	Code     *concept         `json:"procedureCodeableConcept"`
}

type claimInsurance struct {
	Sequence   int       `json:"sequence"`
	Focal      bool      `json:"focal"`
	Coverage   reference `json:"coverage"`
	PreAuthRef []string  `json:"preAuthRef,omitempty"`
}

type claimItem struct {
	Sequence  int              `json:"sequence"`
	CareTeam  []int            `json:"careTeamSequence,omitempty"`
	Diagnosis []int            `json:"diagnosisSequence,omitempty"`
	Revenue   *concept         `json:"revenue,omitempty"`
	Product   *concept         `json:"productOrService"`
	Modifier  []*concept       `json:"modifier,omitempty"`
	Date      credentials.Date `json:"servicedDate,omitempty"`
	Period    *period          `json:"servicedPeriod,omitempty"`
	Location  *concept         `json:"locationCodeableConcept,omitempty"`
	Quantity  itemQuantity     `json:"quantity"`
	Net       *money           `json:"net"`
}

type itemQuantity struct {
	Value json.Number `json:"value"`
	Code  string      `json:"code,omitempty"`
}

type location struct {
	ResourceType string         `json:"resourceType"`
	ID           string         `json:"id"`
	Address      *postalAddress `json:"address"`
}

// claimOf writes the claim that was decided, nil where a FHIR Claim cannot say
// it: what is written is read again, and has to be the same claim (inFHIR).
func claimOf(t *Told) *claimOut {
	c := t.Claim
	o := &claimOut{
		ResourceType: "Claim", ID: uuidOf(t.Decision.Submission, "Claim"), Identifier: []identifier{{Value: c.Number}}, Status: "active",
		Type: coded(systemClaimType, typeOf(c)), Use: "claim", Billable: period{c.FirstService(), c.LastService()}, Created: t.Created,
		Priority: coded("http://terminology.hl7.org/CodeSystem/processpriority", "normal"), Total: dollars(c.Charge),
	}
	o.insured(c)
	o.Provider = o.contain("provider", providerOut("provider", &c.Billing))
	if c.ServiceState != c.Billing.Address.State && c.Place != "02" && c.Place != "10" {
		at := o.contain("facility", location{"Location", "facility", &postalAddress{State: c.ServiceState}})
		o.Facility = &at
	}
	for _, who := range performers(c) {
		o.member(&who, "rendering")
	}
	for i, code := range c.Diagnoses {
		kind := coded(systemC4BBDiagnosis, "secondary")
		if i == 0 {
			kind = coded(systemDiagnosis, "principal")
		}
		one := claimDiagnosis{diagnosis: diagnosis{i + 1, coded(systemICD10, icd(code)), []*concept{kind}}}
		if in := c.Institutional; in != nil && i < len(in.Present) && in.Present[i] != "" {
			one.Present = coded(systemPresent, in.Present[i])
		}
		o.Diagnosis = append(o.Diagnosis, one)
	}
	if c.Institutional != nil {
		o.stay(c)
	}
	for i := range c.Lines {
		o.Item = append(o.Item, o.itemOf(c, &c.Lines[i]))
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	read, err := ParseClaim(b)
	if err != nil || read.Created != t.Created || !reflect.DeepEqual(read.Claim, inFHIR(c)) {
		return nil
	}
	return o
}

// contain adds a resource, and says how it is referred to.
func (o *claimOut) contain(id string, resource any) reference {
	o.Contained = append(o.Contained, resource)
	return reference{"#" + id}
}

// insured writes the patient, the subscriber where that is somebody else, the
// coverage and the payer.
func (o *claimOut) insured(c *claims.Claim) {
	who := func(id string, p *claims.Person) person {
		out := person{ResourceType: "Patient", ID: id, Name: nameOf(p.Last, p.First, p.Middle), BirthDate: p.Birth, Address: addressOf(p.Address),
			Gender: map[string]string{"F": "female", "M": "male", "U": "unknown"}[p.Sex]}
		if p.MemberID != "" {
			out.Identifier = []identifier{{Type: coded(systemV2, "MB"), Value: p.MemberID}}
		}
		return out
	}
	o.Patient = o.contain("patient", who("patient", c.PatientPerson()))
	o.Insurer = o.contain("payer", organization{ResourceType: "Organization", ID: "payer", Active: true, Name: c.Payer.Name,
		Identifier: []identifier{{Type: coded(systemC4BBIdentifier, "payerid"), Value: c.Payer.ID}}})
	held := coverage{ResourceType: "Coverage", ID: "coverage", Status: "active", SubscriberID: c.Subscriber.MemberID, Beneficiary: o.Patient,
		Relationship: coded(systemKin, "self"), Payor: []reference{o.Insurer}}
	if c.Patient != nil {
		subscriber := o.contain("subscriber", who("subscriber", &c.Subscriber))
		held.Subscriber, held.Relationship = &subscriber, coded(systemKin, kin(c.Patient.Relationship))
	}
	insurance := claimInsurance{Sequence: 1, Focal: true, Coverage: o.contain("coverage", held)}
	if c.Authorization != "" {
		insurance.PreAuthRef = []string{c.Authorization}
	}
	o.Insurance = []claimInsurance{insurance}
}

func providerOut(id string, p *claims.Provider) any {
	ids := []identifier{{coded(systemV2, "NPI"), systemNPI, string(p.NPI)}}
	if p.TaxID != "" {
		ids = append(ids, identifier{System: systemEIN, Value: p.TaxID})
	}
	if p.Organization {
		return organization{ResourceType: "Organization", ID: id, Identifier: ids, Active: true, Name: p.Name, Address: addressOf(p.Address)}
	}
	return person{ResourceType: "Practitioner", ID: id, Identifier: ids, Name: nameOf(p.Name, p.First, ""), Address: addressOf(p.Address)}
}

// member adds one to the care team.
func (o *claimOut) member(p *claims.Provider, role string) {
	n := len(o.CareTeam) + 1
	id := "member-" + strconv.Itoa(n)
	one := claimMember{careTeam: careTeam{n, o.contain(id, providerOut(id, p)), coded(systemC4BBCare, role)}}
	if p.Taxonomy != "" {
		one.Qualification = coded(systemNUCC, p.Taxonomy)
	}
	o.CareTeam = append(o.CareTeam, one)
	if role == "rendering" {
		o.crew = append(o.crew, *p)
	}
}

func (o *claimOut) itemOf(c *claims.Claim, l *claims.Line) claimItem {
	item := claimItem{
		Sequence: l.Number, Diagnosis: l.Pointers, Product: coded(procedureSystem(l.Code), l.Code), Net: dollars(l.Charge),
		Quantity: itemQuantity{json.Number(l.Units.String()), map[string]string{"MJ": "min", "DA": "d"}[l.Unit]},
	}
	for _, m := range l.Modifiers {
		item.Modifier = append(item.Modifier, coded(procedureSystem(m), m))
	}
	if item.Date = l.From; l.To != l.From {
		item.Date, item.Period = "", &period{l.From, l.To}
	}
	if p := renders(c, l); p != nil {
		item.CareTeam = []int{slices.Index(o.crew, *p) + 1}
	}
	if c.Institutional == nil {
		item.Location = coded(systemPlace, c.PlaceOf(l))
		return item
	}
	item.Revenue = coded(systemRevenu, l.Revenue)
	if l.Code == "" {
		item.Product = coded(systemAbsent, "not-applicable")
	}
	return item
}

// stay writes what a hospital's claim says beyond its items, as far as it is read.
func (o *claimOut) stay(c *claims.Claim) {
	in := c.Institutional
	o.Billable = period{in.From, in.Through}
	for _, code := range []struct{ kind, system, code string }{
		{"typeofbill", systemBill, c.BillType()}, {"pointoforigin", systemOrigin, in.AdmissionSource}, {"admtype", systemAdmission, in.AdmissionType},
		{"discharge-status", systemDischarge, in.PatientStatus}, {"drg", "", in.DRG},
	} {
		if code.code != "" {
			o.Info = append(o.Info, supportingInfo{Sequence: len(o.Info) + 1, Category: coded(systemC4BBInfo, code.kind), Code: coded(code.system, code.code)})
		}
	}
	if in.Admitted != "" {
		o.Info = append(o.Info, supportingInfo{Sequence: len(o.Info) + 1, Category: coded(systemC4BBInfo, "admissionperiod"), Date: in.Admitted})
	}
	if in.Attending != nil {
		o.member(in.Attending, "attending")
	}
	if in.Operating != nil {
		o.member(in.Operating, "operating")
	}
	for i, x := range in.Procedures {
		o.Procedure = append(o.Procedure, claimProcedure{i + 1, x.On, coded(systemPCS, x.Code)})
	}
}
