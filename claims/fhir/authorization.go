// Package fhir reads prior-authorization requests as the HL7 Da Vinci PAS guide
// (2.2.1) has hospitals send them: a Bundle whose first entry is a Claim with use
// "preauthorization". It is strict about what a decision rests on and passes over
// the rest. It reads claims to be paid in the same way: R4 Claims with use "claim"
// (ParseClaim). It also writes what became of a claim: the Claim itself, its
// ClaimResponse, and its ExplanationOfBenefit in the shape of the CARIN guide for
// Blue Button (2.0.0). It fetches nothing, and decides nothing.
package fhir

import (
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// MaxBundle is the size in bytes above which no bundle is read.
const MaxBundle = 4 << 20

// maxItems bounds the services asked for in one request.
const maxItems = 100

// The code systems that matter here.
const (
	systemNPI      = "http://hl7.org/fhir/sid/us-npi"
	systemICD10    = "http://hl7.org/fhir/sid/icd-10-cm"
	systemCPT      = "http://www.ama-assn.org/go/cpt"
	systemHCPCS    = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
	systemHCPCS2   = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
	systemHCPCSAll = "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes"
	systemV2       = "http://terminology.hl7.org/CodeSystem/v2-0203"
	systemCare     = "http://terminology.hl7.org/CodeSystem/claimcareteamrole"
	systemX12Role  = "https://codesystem.x12.org/005010/98"
	systemX12Kin   = "https://codesystem.x12.org/005010/1069"
	systemX12Cert  = "https://codesystem.x12.org/005010/1322"
)

// ParseBundle reads a request. Every problem is one line that starts with the
// JSON pointer of its place and holds nothing personal.
func ParseBundle(b []byte) (*claims.AuthorizationRequest, error) {
	if len(b) > MaxBundle {
		return nil, fmt.Errorf("read PAS bundle: larger than %d bytes", MaxBundle)
	}
	r := new(reader)
	bundle, ok := r.open(b)
	if !ok {
		return nil, r.err()
	}
	claim := bundle.entries[0]
	r.kind(claim)
	out := &claims.AuthorizationRequest{}
	if ids := claim.field("identifier").list(); len(ids) > 0 {
		out.Number = ids[0].field("value").text()
	} else {
		r.problem(claim.at+"/identifier", "is missing; want the requester's own number")
	}
	if len(out.Number) > 50 {
		r.problem(claim.at+"/identifier/0/value", "want at most 50 characters")
	}
	out.Payer = r.payer(bundle, claim)
	out.Patient = r.patient(bundle, claim)
	out.Requester = r.provider(bundle, claim.field("provider"))
	out.Clinician = r.clinician(bundle, claim, out.Requester)
	out.Ordering = r.ordering(bundle, claim, out.Clinician)
	out.State = r.state(bundle, claim, out.Requester)
	out.Diagnoses = r.diagnoses(claim)
	out.Items = r.items(claim)
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// kind takes first requests only.
func (r *reader) kind(claim node) {
	if claim.field("use").text() != "preauthorization" {
		r.problem(claim.at+"/use", "want preauthorization")
	}
	if status := claim.field("status"); status.text() != "active" {
		r.problem(status.at, "want active")
	}
	if related := claim.field("related"); related.exists() {
		r.problem(related.at, "changing an earlier request is not taken yet; send a new one")
	}
	r.initial(claim)
}

// initial refuses revisions and cancellations, which would otherwise be taken
// for requests (X12 1322: I is initial).
func (r *reader) initial(n node) {
	x := n.extension("extension-certificationType")
	if !x.exists() {
		return
	}
	if code, ok := x.field("valueCodeableConcept").code(systemX12Cert); !ok || code != "I" {
		r.problem(x.at, "only initial requests (I) are taken yet")
	}
	if cancelled := n.field("modifierExtension"); cancelled.exists() {
		r.problem(cancelled.at, "a modifier extension changes what this means; it is not taken yet")
	}
}

func (r *reader) payer(b *bundle, claim node) (p claims.Payer) {
	o := b.follow(claim.field("insurer"), "Organization")
	if !o.exists() {
		return p
	}
	p.Name = o.field("name").optional()
	for _, id := range o.field("identifier").list() {
		if p.ID == "" || id.field("system").optional() != systemNPI {
			p.ID = id.field("value").text()
		}
	}
	if p.ID == "" {
		r.problem(o.at+"/identifier", "is missing; want the payer's id")
	}
	return p
}

func (r *reader) patient(b *bundle, claim node) (p claims.Person) {
	n := b.follow(claim.field("patient"), "Patient")
	if !n.exists() {
		return p
	}
	if names := n.field("name").list(); len(names) > 0 {
		p.Last, p.First, p.Middle = personName(names[0])
	}
	if p.Last == "" {
		r.problem(n.at+"/name", "want the patient's family name")
	}
	if birth := n.field("birthDate"); birth.exists() {
		p.Birth = birth.date()
	}
	p.Sex = map[string]string{"male": "M", "female": "F", "other": "U", "unknown": "U"}[n.field("gender").optional()]
	p.Address = firstAddress(n.field("address").list())
	r.membership(b, claim, n, &p)
	return p
}

// membership finds the member id: the patient's own (type MB), else the
// subscriber's under the focal coverage.
func (r *reader) membership(b *bundle, claim, patient node, p *claims.Person) {
	for _, id := range patient.field("identifier").list() {
		if code, ok := id.field("type").code(systemV2); ok && code == "MB" && p.MemberID == "" {
			p.MemberID = id.field("value").text()
		}
	}
	for _, in := range claim.field("insurance").list() {
		if focal, _ := in.field("focal").value.(bool); !focal {
			continue
		}
		c := b.follow(in.field("coverage"), "Coverage")
		if p.MemberID == "" {
			p.MemberID = c.field("subscriberId").optional()
		}
		p.Relationship, _ = c.field("relationship").code(systemX12Kin)
	}
	if p.MemberID == "" {
		r.problem(patient.at+"/identifier", "want a member id (type MB), or a subscriberId on the focal coverage")
	}
}

// provider reads an organization, or a person directly or by role.
func (r *reader) provider(b *bundle, ref node) (p claims.Provider) {
	n := b.follow(ref, "Organization", "Practitioner", "PractitionerRole")
	if n.field("resourceType").optional() == "PractitionerRole" {
		n = b.follow(n.field("practitioner"), "Practitioner")
	}
	if !n.exists() {
		return p
	}
	if n.field("resourceType").optional() == "Organization" {
		p.Organization, p.Name = true, n.field("name").optional()
	} else if names := n.field("name").list(); len(names) > 0 {
		p.Name, p.First, _ = personName(names[0])
	}
	for _, id := range n.field("identifier").list() {
		if id.field("system").optional() == systemNPI {
			p.NPI = credentials.NPI(id.field("value").text())
		}
	}
	if p.NPI == "" {
		r.problem(n.at+"/identifier", "want an NPI (system %s)", systemNPI)
	}
	p.Address = firstAddress(n.field("address").list())
	return p
}

// clinician is the one person of the care team who is to render the service,
// else the provider where that is a person. Nobody is not an error: the
// insurer's roster may know.
func (r *reader) clinician(b *bundle, claim node, requester claims.Provider) (p claims.Provider) {
	performs := false
	for _, member := range claim.field("careTeam").list() {
		m := r.provider(b, member.field("provider"))
		if m.Organization || m.NPI == "" {
			continue
		}
		role := member.field("role")
		x12, _ := role.code(systemX12Role)
		care, _ := role.code(systemCare)
		if x12 == roleOrdering {
			continue
		}
		this := x12 == "SJ" || care == "primary" // X12 98: SJ is the service provider
		switch {
		case p.NPI == "" || this && !performs:
			p, performs = m, this
		case this == performs && m.NPI != p.NPI:
			r.problem(member.at, "two clinicians are named; mark the one who renders the service as primary, or send two requests")
		}
	}
	if p.NPI == "" && !requester.Organization {
		return requester
	}
	if o := r.ordering(b, claim, p); p.NPI == "" && o != nil {
		return *o
	}
	return p
}

// roleOrdering is the code of who orders a service (X12 98).
const roleOrdering = "DK"

// ordering is the one person of the care team who orders the service, nil where
// nobody is named for that, or the one who renders it.
func (r *reader) ordering(b *bundle, claim node, renders claims.Provider) (p *claims.Provider) {
	for _, member := range claim.field("careTeam").list() {
		if x12, _ := member.field("role").code(systemX12Role); x12 != roleOrdering {
			continue
		}
		switch m := r.provider(b, member.field("provider")); {
		case m.Organization || m.NPI == "" || m.NPI == renders.NPI:
		case p != nil && p.NPI != m.NPI:
			r.problem(member.at, "two clinicians are named who order the service; send two requests")
		default:
			p = &m
		}
	}
	return p
}

// state is where the service is to be given: at the facility, else at the
// requester's address.
func (r *reader) state(b *bundle, claim node, requester claims.Provider) string {
	state := requester.Address.State
	if f := claim.field("facility"); f.exists() {
		state = address(b.follow(f, "Location").field("address")).State
	}
	if len(state) != 2 || strings.ToUpper(state) != state {
		r.problem(claim.at+"/facility", "want a facility or a provider whose address has a state of two letters: the license is judged there")
	}
	return state
}

func (r *reader) diagnoses(claim node) (all []string) {
	for _, d := range claim.field("diagnosis").list() {
		if code, ok := d.field("diagnosisCodeableConcept").code(systemICD10); ok {
			all = append(all, strings.ReplaceAll(code, ".", ""))
		}
	}
	return all
}

func (r *reader) items(claim node) (all []claims.RequestItem) {
	list := claim.field("item").list()
	if len(list) == 0 || len(list) > maxItems {
		r.problem(claim.at+"/item", "want from 1 to %d items", maxItems)
		return nil
	}
	seen := map[int]bool{}
	for _, n := range list {
		it := r.item(n)
		if it.Sequence > 0 && seen[it.Sequence] {
			r.problem(n.at+"/sequence", "another item has the same")
		}
		seen[it.Sequence] = true
		all = append(all, it)
	}
	return all
}

func (r *reader) item(n node) (it claims.RequestItem) {
	r.initial(n)
	it.Sequence = n.field("sequence").number()
	code, ok := n.field("productOrService").code(systemCPT, systemHCPCS, systemHCPCS2, systemHCPCSAll)
	if revenue, is := n.field("revenue").code(systemRevenu); !ok && is {
		code, ok = revenue, true // days of a stay
		if len(code) != 4 {
			r.problem(n.at+"/revenue", "want a revenue code of four digits")
		}
	}
	if !ok {
		r.problem(n.at+"/productOrService", "want a CPT or HCPCS code, or a revenue code for days of a stay; a kind of service alone is not enough")
	}
	it.Code = code
	for _, m := range n.field("modifier").list() {
		if c := m.field("coding").list(); len(c) > 0 {
			it.Modifiers = append(it.Modifiers, c[0].field("code").text())
		}
	}
	it.Units = 1000 // one, where no quantity is given
	if q := n.field("quantity"); q.exists() {
		it.Units = q.field("value").quantity()
		if unit := q.field("code").optional(); claims.StayCode(it.Code) && unit != "d" && unit != "DA" {
			r.problem(q.at+"/code", "want d for the days of a stay")
		}
	}
	switch period, day := n.field("servicedPeriod"), n.field("servicedDate"); {
	case period.exists() && day.exists():
		r.problem(day.at, "want either servicedDate or servicedPeriod")
	case period.exists():
		it.From, it.Until = period.field("start").date(), period.field("end").date()
		if it.Until < it.From {
			r.problem(period.at, "it ends before it starts")
		}
	case day.exists():
		it.From = day.date()
		it.Until = it.From
	default:
		r.problem(n.at+"/servicedPeriod", "want servicedPeriod or servicedDate: the days for which it is asked")
	}
	return it
}

func personName(n node) (last, first, middle string) {
	last = n.field("family").optional()
	for i, g := range n.field("given").list() {
		switch i {
		case 0:
			first = g.optional()
		case 1:
			middle = g.optional()
		}
	}
	return last, first, middle
}

func firstAddress(list []node) claims.Address {
	if len(list) == 0 {
		return claims.Address{}
	}
	return address(list[0])
}

func address(n node) (a claims.Address) {
	for _, line := range n.field("line").list() {
		if a.Street == "" {
			a.Street = line.optional()
		}
	}
	a.City, a.State, a.ZIP = n.field("city").optional(), n.field("state").optional(), n.field("postalCode").optional()
	return a
}
