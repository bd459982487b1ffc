// Package claims is what is owed and why, as functions of their arguments: a
// claim and its evidence go in, a decision to the cent comes out. It reads no
// clock, network, database or random source, so that the other party can
// compute the same decision again.
package claims

import "github.com/countersign-health/countersign/credentials"

// A Claim is one professional or institutional claim (837P and 837I, loop 2300)
// with the parties it names. Its JSON form is what the hospital signs.
type Claim struct {
	Number            string    `json:"number"`                      // CLM01, the provider's own
	Frequency         Frequency `json:"frequency"`                   // CLM05-3
	OriginalReference string    `json:"originalReference,omitempty"` // REF*F8
	Charge            Cents     `json:"charge"`                      // CLM02
	Place             string    `json:"place"`                       // CLM05-1, place of service; empty on an institutional claim
	Payer             Payer     `json:"payer"`
	Billing           Provider  `json:"billing"`
	Rendering         *Provider `json:"rendering,omitempty"`
	Subscriber        Person    `json:"subscriber"`
	// Patient is set where the patient is a dependent of the subscriber.
	Patient *Person `json:"patient,omitempty"`
	// Diagnoses in order; the first is the principal one.
	Diagnoses     []string `json:"diagnoses"`
	Authorization string   `json:"authorization,omitempty"` // REF*G1
	// ServiceState is where the patient was: the service facility's state,
	// else the billing provider's. A license is judged there.
	ServiceState string `json:"serviceState"`
	Lines        []Line `json:"lines"`
	// DelayReason is why the claim comes late, as its sender has it (CLM20, code list
	// 1514): "8" stands for a delay in determining eligibility.
	DelayReason string `json:"delayReason,omitempty"`
	// Institutional is set on a hospital's claim (837I).
	Institutional *Institutional `json:"institutional,omitempty"`
}

// A Line is one service (loop 2400).
type Line struct {
	Number        int              `json:"number"` // LX01
	Code          string           `json:"code"`   // CPT or HCPCS; may be empty beside a revenue code
	Modifiers     []string         `json:"modifiers,omitempty"`
	Charge        Cents            `json:"charge"`
	Unit          string           `json:"unit"` // UN or MJ (anesthesia minutes); DA (days) beside a revenue code
	Units         Quantity         `json:"units"`
	Place         string           `json:"place,omitempty"` // where it differs from the claim's
	Pointers      []int            `json:"pointers,omitempty"`
	From          credentials.Date `json:"from"`
	To            credentials.Date `json:"to"`
	Rendering     *Provider        `json:"rendering,omitempty"`
	Authorization string           `json:"authorization,omitempty"`
	Control       string           `json:"control,omitempty"` // REF*6R, echoed on the 835
	// Revenue code of an institutional line (SV201), and what of its charge the
	// hospital itself holds for not covered (SV207).
	Revenue    string `json:"revenue,omitempty"`
	NonCovered Cents  `json:"nonCovered,omitempty"`
}

// A Payer is the insurer to whom the claim is addressed. A member called id
// would have to be a URL (VC Data Model 2.0, section 4.4), which a payer's
// number is not.
type Payer struct {
	ID   string `json:"payerId"`
	Name string `json:"name"`
}

// A Provider bills for a service or renders it.
type Provider struct {
	NPI          credentials.NPI `json:"npi"`
	Organization bool            `json:"organization"` // NM102 = 2
	Name         string          `json:"name"`         // last name of a person
	First        string          `json:"first,omitempty"`
	TaxID        string          `json:"taxId,omitempty"`
	Taxonomy     string          `json:"taxonomy,omitempty"`
	Address      Address         `json:"address,omitzero"`
}

// A Person is the subscriber or a dependent.
type Person struct {
	MemberID string           `json:"memberId,omitempty"` // NM109 with MI
	Last     string           `json:"last"`
	First    string           `json:"first,omitempty"`
	Middle   string           `json:"middle,omitempty"`
	Birth    credentials.Date `json:"birth,omitempty"`
	Sex      string           `json:"sex,omitempty"` // F, M or U
	// Relationship to the subscriber: SBR02 or PAT01, "18" is self.
	Relationship string  `json:"relationship,omitempty"`
	Address      Address `json:"address,omitzero"`
}

// An Address is a US postal address.
type Address struct {
	Street string `json:"street,omitempty"`
	City   string `json:"city,omitempty"`
	State  string `json:"state,omitempty"`
	ZIP    string `json:"zip,omitempty"`
}

// Frequency is CLM05-3: whether a claim stands alone or changes another.
type Frequency string

const (
	Original    Frequency = "1"
	Replacement Frequency = "7"
	Void        Frequency = "8"
)

// PatientPerson is the dependent, or else the subscriber.
func (c *Claim) PatientPerson() *Person {
	if c.Patient != nil {
		return c.Patient
	}
	return &c.Subscriber
}

// Renderer says who rendered a line: the line's own provider, else the
// claim's, else the billing provider where that is a person. Nil means that
// the claim names nobody and the insurer's roster has to: a line whose
// clinician nobody knows waits for a person.
func (c *Claim) Renderer(l *Line) *Provider {
	switch {
	case l.Rendering != nil:
		return l.Rendering
	case c.Rendering != nil:
		return c.Rendering
	case !c.Billing.Organization:
		return &c.Billing
	}
	return nil
}

// AuthorizationOf is the prior-authorization number that covers a line.
func (c *Claim) AuthorizationOf(l *Line) string {
	if l.Authorization != "" {
		return l.Authorization
	}
	return c.Authorization
}

// PlaceOf is the place of service of a line.
func (c *Claim) PlaceOf(l *Line) string {
	if l.Place != "" {
		return l.Place
	}
	return c.Place
}

// FirstService and LastService bound the dates of service of all lines.
func (c *Claim) FirstService() credentials.Date {
	first := credentials.Date("")
	for i := range c.Lines {
		if first == "" || c.Lines[i].From < first {
			first = c.Lines[i].From
		}
	}
	return first
}

// LastService is the latest date of service of any line.
func (c *Claim) LastService() credentials.Date {
	last := credentials.Date("")
	for i := range c.Lines {
		last = max(last, c.Lines[i].To)
	}
	return last
}

// A Submission is a claim as the hospital signs it: with the file it was read
// from, and a salt so that its digest gives nothing away.
type Submission struct {
	Handle credentials.Handle `json:"handle"`
	Salt   credentials.Handle `json:"salt"`
	Claim  Claim              `json:"claim"`
	Source Source             `json:"source"`
}

// A Source is where a submission's content was read from.
type Source struct {
	File    credentials.Digest `json:"file"`    // SHA-256 of the file's bytes
	Created credentials.Date   `json:"created"` // BHT04, the date of the transaction set
	Place   string             `json:"place"`   // segment at which the claim starts: "ISA 1, ST 1, CLM 3"
	// Sender is how the file's envelope named who sent it, where it was an
	// X12 file: the 835 goes back to that name.
	Sender Sender `json:"sender,omitzero"`
}

// A Sender is the name of a trading partner in X12 envelopes.
type Sender struct {
	Qualifier   string `json:"qualifier,omitempty"`   // ISA05
	ID          string `json:"senderId,omitempty"`    // ISA06, without its padding
	Application string `json:"application,omitempty"` // GS02
}
