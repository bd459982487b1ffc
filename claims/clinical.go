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
	Ordering  credentials.NPI `json:"ordering,omitempty"` // of a request that somebody else ordered
	Diagnoses []string        `json:"diagnoses"`
	Services  []clinicalItem  `json:"services"`
	Stay      *clinicalStay   `json:"stay,omitempty"`
}

// clinicalStay is the clinical part of what a hospital's claim says beyond its lines.
type clinicalStay struct {
	Facility   string           `json:"facility"`
	From       credentials.Date `json:"from"`
	Through    credentials.Date `json:"through"`
	Admitted   credentials.Date `json:"admitted"`
	Status     string           `json:"status"`
	Attending  credentials.NPI  `json:"attending"`
	Operating  credentials.NPI  `json:"operating"`
	DRG        string           `json:"drg"`
	Admitting  string           `json:"admitting"`
	Present    []string         `json:"present"`
	Reasons    []string         `json:"reasons"`
	External   []string         `json:"external"`
	Procedures []Procedure      `json:"procedures"`
	Occurred   []Occurrence     `json:"occurred"`
}

func stayOf(in *Institutional) *clinicalStay {
	if in == nil {
		return nil
	}
	s := &clinicalStay{in.Facility, in.From, in.Through, in.Admitted, in.PatientStatus, "", "", in.DRG, in.Admitting,
		in.Present, in.Reasons, in.External, in.Procedures, in.Occurred}
	if in.Attending != nil {
		s.Attending = in.Attending.NPI
	}
	if in.Operating != nil {
		s.Operating = in.Operating.NPI
	}
	return s
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
	Revenue   string           `json:"revenue,omitempty"`
}

func patientOf(p, subscriber *Person) clinicalPatient {
	return clinicalPatient{p.MemberID, subscriber.MemberID, p.Last, p.First, p.Middle, p.Birth, p.Sex, p.Relationship}
}

// ClinicalContent is the digest of what a clinician signs of a claim: the
// SHA-256 of its clinical part in canonical JSON (RFC 8785).
func (c *Claim) ClinicalContent() (credentials.Digest, error) {
	content := clinicalContent{Of: "claim", Patient: patientOf(c.PatientPerson(), &c.Subscriber), State: c.ServiceState, Diagnoses: c.Diagnoses, Stay: stayOf(c.Institutional)}
	for i := range c.Lines {
		l := &c.Lines[i]
		item := clinicalItem{
			Number: l.Number, State: c.StateOf(l), Code: l.Code, Modifiers: l.Modifiers, Unit: l.Unit, Units: l.Units,
			Place: c.PlaceOf(l), Pointers: l.Pointers, From: l.From, To: l.To, Revenue: l.Revenue,
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
	if r.Ordering != nil {
		content.Ordering = r.Ordering.NPI
	}
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
