package fhir

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// parties are the resources that a ClaimResponse and an ExplanationOfBenefit
// of one claim refer to. Each stands in the same bundle, so that nothing has to
// be fetched.
type parties struct {
	claim   credentials.Handle // of the submission
	entries []entry

	insurer, provider, patient, coverage reference

	rendering map[credentials.NPI]reference
	order     []credentials.NPI // of rendering, as the claim names them
	// Of a hospital's claim; empty where it does not name them.
	attending, operating reference
}

type person struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Meta         *meta            `json:"meta,omitempty"`
	Identifier   []identifier     `json:"identifier,omitempty"`
	Active       *bool            `json:"active,omitempty"`
	Name         []humanName      `json:"name,omitempty"`
	Gender       string           `json:"gender,omitempty"`
	BirthDate    credentials.Date `json:"birthDate,omitempty"`
	Address      []postalAddress  `json:"address,omitempty"`
}

type organization struct {
	ResourceType string          `json:"resourceType"`
	ID           string          `json:"id"`
	Meta         *meta           `json:"meta,omitempty"`
	Identifier   []identifier    `json:"identifier,omitempty"`
	Active       bool            `json:"active"`
	Name         string          `json:"name,omitempty"`
	Address      []postalAddress `json:"address,omitempty"`
}

type coverage struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Meta         *meta        `json:"meta,omitempty"`
	Identifier   []identifier `json:"identifier,omitempty"`
	Status       string       `json:"status"`
	Subscriber   *reference   `json:"subscriber,omitempty"`
	SubscriberID string       `json:"subscriberId,omitempty"`
	Beneficiary  reference    `json:"beneficiary"`
	Relationship *concept     `json:"relationship,omitempty"`
	Payor        []reference  `json:"payor"`
}

func partiesOf(t *Told) *parties {
	p := &parties{claim: t.Decision.Submission, rendering: map[credentials.NPI]reference{}}
	c := t.Claim
	p.insurer = p.add("payer", func(id string) any {
		return organization{"Organization", id, metaOf(t, "Organization"), []identifier{{Type: coded(systemC4BBIdentifier, "payerid"), Value: c.Payer.ID}}, true, c.Payer.Name, nil}
	})
	p.provider = p.providerOf(t, "billing", &c.Billing)
	p.patient = p.add("patient", func(id string) any { return patientOf(t, id) })
	p.coverage = p.add("coverage", func(id string) any {
		return coverage{"Coverage", id, metaOf(t, "Coverage"), nil, "active", nil, c.Subscriber.MemberID, p.patient,
			coded(systemKin, kin(c.PatientPerson().Relationship)), []reference{p.insurer}}
	})
	for i := range c.Lines {
		r := c.Renderer(&c.Lines[i])
		if r == nil || r.Organization { // who gives a service is a person
			continue
		}
		if _, ok := p.rendering[r.NPI]; !ok {
			p.rendering[r.NPI] = p.providerOf(t, "rendering "+string(r.NPI), r)
			p.order = append(p.order, r.NPI)
		}
	}
	if in := c.Institutional; in != nil && in.Attending != nil {
		p.attending = p.providerOf(t, "attending", in.Attending)
	}
	if in := c.Institutional; in != nil && in.Operating != nil {
		p.operating = p.providerOf(t, "operating", in.Operating)
	}
	return p
}

// add gives a resource its id and place in the bundle. The id follows from the
// claim and the resource's part in it, so that writing twice gives the same
// bytes, and a later decision on the claim the same resources anew.
func (p *parties) add(part string, resource func(id string) any) reference {
	id := uuidOf(p.claim, part)
	p.entries = append(p.entries, entry{"urn:uuid:" + id, resource(id)})
	return reference{"urn:uuid:" + id}
}

func (p *parties) providerOf(t *Told, part string, o *claims.Provider) reference {
	ids := []identifier{{coded(systemV2, "NPI"), systemNPI, string(o.NPI)}}
	if o.Organization {
		return p.add(part, func(id string) any {
			return organization{"Organization", id, metaOf(t, "Organization"), ids, true, o.Name, addressOf(o.Address)}
		})
	}
	active := true
	return p.add(part, func(id string) any {
		return person{"Practitioner", id, metaOf(t, "Practitioner"), ids, &active, nameOf(o.Name, o.First, ""), "", "", addressOf(o.Address)}
	})
}

func patientOf(t *Told, id string) person {
	c := t.Claim
	who := c.PatientPerson()
	out := person{ResourceType: "Patient", ID: id, Meta: metaOf(t, "Patient"), Name: nameOf(who.Last, who.First, who.Middle),
		Gender: "unknown", BirthDate: who.Birth, Address: addressOf(who.Address)}
	if sex, ok := map[string]string{"F": "female", "M": "male"}[who.Sex]; ok {
		out.Gender = sex
	}
	member := who.MemberID
	if member == "" {
		member = c.Subscriber.MemberID
	}
	if member != "" {
		out.Identifier = []identifier{{Type: coded(systemV2, "MB"), Value: member}}
	}
	return out
}

func nameOf(last string, given ...string) []humanName {
	if last == "" {
		return nil
	}
	name := humanName{Family: last}
	for _, g := range given {
		if g != "" {
			name.Given = append(name.Given, g)
		}
	}
	return []humanName{name}
}

func addressOf(a claims.Address) []postalAddress {
	if a == (claims.Address{}) {
		return nil
	}
	out := postalAddress{City: a.City, State: a.State, PostalCode: a.ZIP}
	if a.Street != "" {
		out.Line = []string{a.Street}
	}
	return []postalAddress{out}
}

// metaOf names the profile of CARIN's guide, which wants the time of the last
// change: that of the decision, since nothing changes afterwards.
func metaOf(t *Told, profile string) *meta {
	return &meta{instant(t.Decided), []string{profileC4BB + profile + versionC4BB}}
}

// kin is the patient's relationship to the subscriber in FHIR's words, from
// X12's (data element 1069).
func kin(x12 string) string {
	switch x12 {
	case "", "18":
		return "self"
	case "01":
		return "spouse"
	case "19":
		return "child"
	}
	return "other"
}

// uuidOf is a UUID of version 8 (RFC 9562, section 5.8) that follows from a
// claim and a name.
func uuidOf(h credentials.Handle, name string) string {
	b := sha256.Sum256([]byte("countersign fhir\n" + h.String() + "\n" + name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// icd writes a diagnosis with the point that FHIR wants and X12 leaves out.
func icd(code string) string {
	if len(code) <= 3 || strings.Contains(code, ".") {
		return code
	}
	return code[:3] + "." + code[3:]
}

// procedureSystem is the code system of a procedure code or a modifier: what
// starts with a letter is HCPCS level II, the rest CPT.
func procedureSystem(code string) string {
	if code != "" && code[0] >= 'A' && code[0] <= 'V' {
		return systemHCPCS2
	}
	return systemCPT
}
