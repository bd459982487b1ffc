package fhir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

const (
	systemICD9   = "http://hl7.org/fhir/sid/icd-9-cm"
	systemEIN    = "urn:oid:2.16.840.1.113883.4.4"
	systemTaxNo  = "http://hl7.org/fhir/sid/us-ssn"
	systemPCS    = "http://www.cms.gov/Medicare/Coding/ICD10"
	systemRevenu = "https://www.nubc.org/CodeSystem/RevenueCodes"
	systemNUCC   = "http://nucc.org/provider-taxonomy"
)

// A Billed is a claim as a FHIR Claim bills it, with what the resource says of
// itself.
type Billed struct {
	Claim   claims.Claim
	Created credentials.Date
	At      string // JSON pointer of the Claim, "" where the file is the resource itself
	Test    bool   // meta.tag HTEST
	items   []int  // index of each line's item, in the order of lines
}

// ParseClaim reads a FHIR R4 Claim with use "claim": the first entry of a
// collection Bundle that holds all it refers to, or a resource by itself with the
// others contained in it. Professional and institutional claims are read; what
// money, a person or a license rests on has to be there, in code systems of the
// United States, and is never guessed. Every problem is one line that starts with
// the JSON pointer of its place and holds nothing personal.
func ParseClaim(b []byte) (*Billed, error) {
	if len(b) > MaxBundle {
		return nil, fmt.Errorf("the file: larger than %d bytes", MaxBundle)
	}
	r := new(reader)
	bundle, ok := r.openClaim(b)
	if !ok {
		return nil, r.err()
	}
	n := bundle.entries[0]
	out := &Billed{At: n.at, Created: n.field("created").date()}
	for _, tag := range n.field("meta").field("tag").list() {
		out.Test = out.Test || tag.field("code").optional() == "HTEST"
	}
	r.billed(bundle, n, out)
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// openClaim takes a Bundle, or a Claim whose contained resources stand for one.
func (r *reader) openClaim(b []byte) (*bundle, bool) {
	var value any
	if err := credentials.DecodeStrict(b, &value); err != nil {
		r.problem("the file", "%s", oneLine(err.Error()))
		return nil, false
	}
	top := node{r, "", value}
	if top.field("resourceType").optional() != "Claim" {
		out, ok := r.open(b)
		for i := 1; ok && i < len(out.entries); i++ {
			if e := out.entries[i]; e.field("resourceType").optional() == "Claim" {
				r.problem(e.at, "is a second Claim; send a bundle for each")
			}
		}
		return out, ok
	}
	out := &bundle{entries: []node{top}, urls: []string{""}}
	contained := top.field("contained").list()
	if len(contained) > maxEntries {
		r.problem("/contained", "want at most %d resources", maxEntries)
		return nil, false
	}
	for _, c := range contained {
		out.entries, out.urls = append(out.entries, c), append(out.urls, "#"+c.field("id").text())
	}
	return out, len(r.problems) == 0
}

// billed reads the claim itself.
func (r *reader) billed(b *bundle, n node, out *Billed) {
	c := &out.Claim
	r.asClaim(n)
	if ids := n.field("identifier").list(); len(ids) > 0 {
		c.Number = ids[0].field("value").text()
	} else {
		r.problem(n.at+"/identifier", "is missing; want the claim's own number")
	}
	c.Frequency, c.Charge = claims.Original, n.field("total").money()
	c.Payer = r.payer(b, n)
	c.Billing = r.billing(b, n.field("provider"))
	r.insured(b, n, c)
	diagnoses := r.diagnosed(n, c)
	institutional := r.isInstitutional(n)
	if institutional {
		r.stay(b, n, c)
	}
	team := r.team(b, n)
	c.Rendering = team.performer(nil)
	out.items = r.lines(n, c, team, diagnoses)
	if !institutional {
		r.places(n, c)
	}
	c.ServiceState = r.serviceState(b, n, c)
}

// asClaim takes claims of their own that are sent to be paid.
func (r *reader) asClaim(n node) {
	if n.field("use").text() != "claim" {
		r.problem(n.at+"/use", "want claim")
	}
	if status := n.field("status"); status.text() != "active" {
		r.problem(status.at, "want active")
	}
	for _, name := range []string{"modifierExtension", "implicitRules"} {
		if x := n.field(name); x.exists() {
			r.problem(x.at, "changes what the claim means; it is not taken")
		}
	}
	if related := n.field("related"); related.exists() {
		r.problem(related.at, "changing an earlier claim is not taken yet; send a new one")
	}
}

func (r *reader) isInstitutional(n node) bool {
	kind, ok := n.field("type").code(systemClaimType)
	switch {
	case ok && kind == "institutional":
		return true
	case !ok || kind != "professional":
		r.problem(n.at+"/type", "want professional or institutional (system %s)", systemClaimType)
	}
	return false
}

// money is an amount in US dollars.
func (n node) money() claims.Cents {
	if currency := n.field("currency"); currency.text() != "USD" {
		n.problem(currency.at, "want USD")
	}
	v := n.field("value")
	f, ok := v.value.(float64)
	if !ok {
		n.problem(v.at, "want a number")
		return 0
	}
	cents, err := claims.ParseCents(strconv.FormatFloat(f, 'f', -1, 64))
	if err != nil || cents < 0 {
		n.problem(v.at, "want an amount of 0.00 or more with at most two decimals")
	}
	return cents
}

// billing is the provider who bills, with its tax number.
func (r *reader) billing(b *bundle, ref node) claims.Provider {
	p := r.provider(b, ref)
	n := b.follow(ref, "Organization", "Practitioner", "PractitionerRole")
	for _, id := range n.field("identifier").list() {
		if s := id.field("system").optional(); s == systemEIN || s == systemTaxNo {
			p.TaxID = id.field("value").text()
		}
	}
	return p
}

// insured reads the subscriber and, where it is somebody else, the patient, by
// the focal coverage.
func (r *reader) insured(b *bundle, n node, c *claims.Claim) {
	patient := r.patient(b, n)
	var coverage node
	focal := 0
	for _, in := range n.field("insurance").list() {
		if yes, _ := in.field("focal").value.(bool); !yes {
			continue
		}
		focal++
		coverage = b.follow(in.field("coverage"), "Coverage")
		if refs := in.field("preAuthRef").list(); len(refs) > 0 {
			c.Authorization = refs[0].text()
		}
	}
	if focal != 1 {
		r.problem(n.at+"/insurance", "want one focal coverage, found %d", focal)
		return
	}
	kin, ok := coverage.field("relationship").code(systemKin)
	x12, known := map[string]string{"self": "18", "spouse": "01", "child": "19", "common": "53", "other": "G8", "parent": "G8"}[kin]
	if !ok || !known {
		r.problem(coverage.at+"/relationship", "want self, spouse, child, common, parent or other (system %s)", systemKin)
		return
	}
	patient.Relationship = x12
	if kin == "self" {
		c.Subscriber = patient
		return
	}
	c.Patient = &patient
	s := b.follow(coverage.field("subscriber"), "Patient", "RelatedPerson")
	if names := s.field("name").list(); len(names) > 0 {
		c.Subscriber.Last, c.Subscriber.First, c.Subscriber.Middle = personName(names[0])
	}
	if c.Subscriber.Last == "" {
		r.problem(s.at+"/name", "want the subscriber's family name")
	}
	if birth := s.field("birthDate"); birth.exists() {
		c.Subscriber.Birth = birth.date()
	}
	c.Subscriber.MemberID = coverage.field("subscriberId").text()
	c.Subscriber.Address = firstAddress(s.field("address").list())
}

// diagnosed reads the diagnoses in the order of their sequence, the principal one
// first, and says which index each sequence number came to.
func (r *reader) diagnosed(n node, c *claims.Claim) map[int]int {
	type diagnosis struct {
		sequence  int
		principal bool
		code      string
		present   string
	}
	var all []diagnosis
	for _, d := range n.field("diagnosis").list() {
		code, ok := d.field("diagnosisCodeableConcept").code(systemICD10, systemICD9)
		if !ok {
			r.problem(d.at+"/diagnosisCodeableConcept", "want an ICD-10-CM code (system %s)", systemICD10)
		}
		one := diagnosis{d.field("sequence").number(), false, strings.ReplaceAll(code, ".", ""), ""}
		for _, t := range d.field("type").list() {
			kind, _ := t.code(systemDiagnosis, systemC4BBDiagnosis)
			one.principal = one.principal || kind == "principal"
		}
		one.present, _ = d.field("onAdmission").code("http://terminology.hl7.org/CodeSystem/ex-diagnosis-on-admission")
		if slices.ContainsFunc(all, func(o diagnosis) bool { return o.sequence == one.sequence || o.principal && one.principal }) {
			r.problem(d.at+"/sequence", "another diagnosis has the same, or is the principal one too")
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b diagnosis) int {
		if a.principal != b.principal {
			return map[bool]int{true: -1, false: 1}[a.principal]
		}
		return a.sequence - b.sequence
	})
	at := map[int]int{}
	c.Diagnoses = []string{}
	for i, d := range all {
		c.Diagnoses = append(c.Diagnoses, d.code)
		at[d.sequence] = i + 1
	}
	if slices.ContainsFunc(all, func(d diagnosis) bool { return d.present != "" }) && r.isInstitutional(n) {
		c.Institutional = &claims.Institutional{}
		for _, d := range all {
			c.Institutional.Present = append(c.Institutional.Present, strings.ToUpper(d.present))
		}
	}
	return at
}

// serviceState is where the patient was, as in an 837: at home in telehealth,
// else at the facility, else at the provider who bills.
func (r *reader) serviceState(b *bundle, n node, c *claims.Claim) string {
	state := c.Billing.Address.State
	if f := n.field("facility"); c.Place == "02" || c.Place == "10" {
		state = c.PatientPerson().Address.State
	} else if f.exists() {
		state = address(b.follow(f, "Location").field("address")).State
	}
	if len(state) != 2 || strings.ToUpper(state) != state {
		r.problem(n.at+"/facility", "want a facility or a provider whose address has a state of two letters: the license is judged there")
	}
	return state
}
