package claims

import (
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// ClinicalSchema is the schema of what a clinician signs.
const ClinicalSchema = "countersign/clinical-content/1"

// clinicalContent is what a clinician answers for: who is to be treated, by
// whom, where, for what, and each service with its days and quantity. Prices,
// numbers and addresses are the hospital's own affair, and may change.
type clinicalContent struct {
	Schema    string          `json:"schema"`
	Of        string          `json:"of"` // "claim" or "authorization": one never passes for the other
	Patient   clinicalPatient `json:"patient"`
	State     string          `json:"state"`
	Diagnoses []string        `json:"diagnoses"`
	Services  []clinicalItem  `json:"services"`
}

type clinicalPatient struct {
	MemberID     string           `json:"memberId"`
	Subscriber   string           `json:"subscriber"` // member id of the subscriber
	Last         string           `json:"last"`
	First        string           `json:"first"`
	Middle       string           `json:"middle"`
	Birth        credentials.Date `json:"birth"`
	Sex          string           `json:"sex"`
	Relationship string           `json:"relationship"`
}

type clinicalItem struct {
	Number    int              `json:"number"`
	Clinician credentials.NPI  `json:"clinician"` // empty where the submission names nobody
	State     string           `json:"state"`
	Code      string           `json:"code"`
	Modifiers []string         `json:"modifiers"`
	Unit      string           `json:"unit"`
	Units     Quantity         `json:"units"`
	Place     string           `json:"place"`
	Pointers  []int            `json:"pointers"`
	From      credentials.Date `json:"from"`
	To        credentials.Date `json:"to"`
}

func patientOf(p, subscriber *Person) clinicalPatient {
	return clinicalPatient{p.MemberID, subscriber.MemberID, p.Last, p.First, p.Middle, p.Birth, p.Sex, p.Relationship}
}

// ClinicalContent is the digest of what a clinician signs of a claim: the
// SHA-256 of its clinical part in canonical JSON (RFC 8785).
func (c *Claim) ClinicalContent() (credentials.Digest, error) {
	content := clinicalContent{Of: "claim", Patient: patientOf(c.PatientPerson(), &c.Subscriber), State: c.ServiceState, Diagnoses: c.Diagnoses}
	for i := range c.Lines {
		l := &c.Lines[i]
		item := clinicalItem{
			Number: l.Number, State: c.StateOf(l), Code: l.Code, Modifiers: l.Modifiers, Unit: l.Unit, Units: l.Units,
			Place: c.PlaceOf(l), Pointers: l.Pointers, From: l.From, To: l.To,
		}
		if p := c.Renderer(l); p != nil {
			item.Clinician = p.NPI
		}
		content.Services = append(content.Services, item)
	}
	return content.digest()
}

// ClinicalContent is the same of a request.
func (r *AuthorizationRequest) ClinicalContent() (credentials.Digest, error) {
	content := clinicalContent{Of: "authorization", Patient: patientOf(&r.Patient, &r.Patient), State: r.State, Diagnoses: r.Diagnoses}
	for _, it := range r.Items {
		content.Services = append(content.Services, clinicalItem{
			Number: it.Sequence, Clinician: r.Clinician.NPI, State: r.State, Code: it.Code, Modifiers: it.Modifiers, Units: it.Units,
			From: it.From, To: it.Until,
		})
	}
	return content.digest()
}

func (c clinicalContent) digest() (credentials.Digest, error) {
	c.Schema = ClinicalSchema
	b, err := credentials.CanonicalJSON(c)
	if err != nil {
		return credentials.Digest{}, fmt.Errorf("canonical form of what a clinician signs: %w", err)
	}
	return credentials.DigestOf(b), nil
}
