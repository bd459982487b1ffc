package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The code systems of what is told about a decision.
const (
	systemKin            = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
	systemClaimType      = "http://terminology.hl7.org/CodeSystem/claim-type"
	systemAdjudication   = "http://terminology.hl7.org/CodeSystem/adjudication"
	systemPayment        = "http://terminology.hl7.org/CodeSystem/ex-paymenttype"
	systemPayee          = "http://terminology.hl7.org/CodeSystem/payeetype"
	systemDiagnosis      = "http://terminology.hl7.org/CodeSystem/ex-diagnosistype"
	systemPlace          = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
	systemCARC           = "https://x12.org/codes/claim-adjustment-reason-codes"
	systemRARC           = "https://x12.org/codes/remittance-advice-remark-codes"
	systemGroup          = "https://codesystem.x12.org/005010/1033" // claim adjustment group code
	systemC4BB           = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
	systemC4BBAmount     = systemC4BB + "C4BBAdjudication"
	systemC4BBSlice      = systemC4BB + "C4BBAdjudicationDiscriminator"
	systemC4BBStatus     = systemC4BB + "C4BBPayerAdjudicationStatus"
	systemC4BBInfo       = systemC4BB + "C4BBSupportingInfoType"
	systemC4BBIdentifier = systemC4BB + "C4BBIdentifierType"
	systemC4BBCare       = systemC4BB + "C4BBClaimCareTeamRole"
	systemC4BBDiagnosis  = systemC4BB + "C4BBClaimDiagnosisType"
	systemC4BBRelated    = systemC4BB + "C4BBRelatedClaimRelationshipCodes"
	systemRelated        = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"

	// The guide, whose profiles start so and end in its version.
	profileC4BB = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-"
	versionC4BB = "|2.0.0"
)

// A Told is a signed decision on a claim, and what is known about it, of which
// FHIR tells the provider (ClaimResponse) and the patient (ExplanationOfBenefit).
type Told struct {
	Handle   credentials.Handle // of the signed decision
	Claim    *claims.Claim
	Decision *claims.Decision
	Created  credentials.Date // of the claim, as its sender says
	Received credentials.Date
	Decided  time.Time // when it was signed
	Paid     *Paid     // nil where no remittance has it yet
	// TakenBackBy is the claim whose decision takes this one back, zero where none does.
	TakenBackBy credentials.Handle
}

// A Paid is the payment that a decision stands in.
type Paid struct {
	Trace string // TRN02 of the 835
	On    credentials.Date
}

// Tell writes what became of a claim as one FHIR R4 Bundle (type collection):
// the Claim that it is about, its ClaimResponse, for a final decision its ExplanationOfBenefit in the shape
// of the CARIN guide for Blue Button 2.0.0, and every resource that these refer
// to. The amounts are the decision's, to the cent; it is an error if they do
// not add up. It says nothing that the decision does not say, so it is of use
// only to one who has proved that.
func Tell(t Told) ([]byte, error) {
	void := t.Decision.Outcome == claims.Voided
	if t.Decision.Claim != t.Claim.Number || len(t.Decision.Lines) != len(t.Claim.Lines) && !(void && len(t.Decision.Lines) == 0) {
		return nil, errors.New("tell in FHIR: the decision is about another claim")
	}
	p := partiesOf(&t)
	response, err := responseOf(&t, p)
	if err != nil {
		return nil, fmt.Errorf("tell in FHIR: %w", err)
	}
	var request *reference
	first := []entry{{"urn:uuid:" + response.ID, response}}
	if claim := claimOf(&t); claim != nil {
		request = &reference{"urn:uuid:" + claim.ID}
		response.Request = request
		first = slices.Insert(first, 0, entry{request.Reference, claim})
	}
	// A void has no benefit of its own: it cancels that of the claim that it names.
	if t.Decision.Outcome != claims.Pended && !void {
		benefit, err := benefitOf(&t, p)
		if err != nil {
			return nil, fmt.Errorf("tell in FHIR: %w", err)
		}
		benefit.Claim = request
		first = append(first, entry{"urn:uuid:" + benefit.ID, benefit})
	}
	b, err := json.MarshalIndent(bundleOut{"Bundle", "collection", append(first, p.entries...)}, "", "  ")
	return append(b, '\n'), err
}

type claimResponse struct {
	ResourceType  string         `json:"resourceType"`
	ID            string         `json:"id"`
	Identifier    []identifier   `json:"identifier"`
	Status        string         `json:"status"`
	Type          *concept       `json:"type"`
	Use           string         `json:"use"`
	Patient       reference      `json:"patient"`
	Created       string         `json:"created"`
	Insurer       reference      `json:"insurer"`
	Requestor     reference      `json:"requestor"`
	Outcome       string         `json:"outcome"`
	Disposition   string         `json:"disposition"`
	Request       *reference     `json:"request,omitempty"`
	PreAuthRef    string         `json:"preAuthRef,omitempty"`
	Item          []responseItem `json:"item,omitempty"`
	Total         []total        `json:"total,omitempty"`
	Payment       *payment       `json:"payment,omitempty"`
	ProcessNote   []note         `json:"processNote,omitempty"`
	InsuranceList []insurance    `json:"insurance"`
}

type responseItem struct {
	Sequence     int            `json:"itemSequence"`
	Notes        []int          `json:"noteNumber,omitempty"`
	Adjudication []adjudication `json:"adjudication"`
}

func responseOf(t *Told, p *parties) (*claimResponse, error) {
	d := t.Decision
	r := &claimResponse{
		ResourceType: "ClaimResponse", ID: uuidOf(t.Decision.Submission, "ClaimResponse"), Identifier: identifiersOf(t), Status: statusOf(t),
		Type: coded(systemClaimType, typeOf(t.Claim)), Use: "claim", Patient: p.patient, Created: instant(t.Decided),
		Insurer: p.insurer, Requestor: p.provider, Outcome: outcomeOf(d), Disposition: disposition(d), PreAuthRef: t.Claim.Authorization,
		Payment: paymentOf(t, coded(systemPayment, "complete")), InsuranceList: []insurance{{1, true, p.coverage}},
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		b, err := bucketsOf(l)
		if err != nil {
			return nil, err
		}
		item := responseItem{Sequence: l.Line, Adjudication: b.amounts()}
		for _, a := range l.Adjustments {
			item.Adjudication = append(item.Adjudication, adjudication{Category: coded(systemGroup, string(a.Group)), Reason: reasonOf(a), Amount: dollars(a.Amount)})
		}
		for _, words := range notesOf(d, l) {
			r.ProcessNote = append(r.ProcessNote, note{len(r.ProcessNote) + 1, "print", words})
			item.Notes = append(item.Notes, len(r.ProcessNote))
		}
		r.Item = append(r.Item, item)
	}
	if d.Outcome == claims.Voided {
		return r, nil
	}
	var err error
	r.Total, err = totalsOf(d)
	return r, err
}

// statusOf is cancelled for a decision that another one takes back: it was right
// when it was made, so it is no entry in error.
func statusOf(t *Told) string {
	if !t.TakenBackBy.IsZero() {
		return "cancelled"
	}
	return "active"
}

// identifiersOf are the insurer's number for the claim, which the 835 repeats
// (CLP07), and the number of the signed decision.
func identifiersOf(t *Told) []identifier {
	return []identifier{
		{coded(systemC4BBIdentifier, "uc"), "", claims.ControlNumber(t.Decision.Submission)},
		{nil, "urn:countersign:decision", t.Handle.String()},
	}
}

func typeOf(c *claims.Claim) string {
	if c.Institutional != nil {
		return "institutional"
	}
	return "professional"
}

func outcomeOf(d *claims.Decision) string {
	if d.Outcome == claims.Pended {
		return "partial" // some of it is done, and nothing was found wrong
	}
	return "complete"
}

func disposition(d *claims.Decision) string {
	back := ""
	if r := d.Reversal; r != nil {
		back = " The decision on claim " + r.Claim + " is taken back: the plan had paid " + (-r.Paid).String() + ", the patient owed " + (-r.Patient).String() + "."
	}
	switch d.Outcome {
	case claims.Paid:
		return "Decided: the plan pays " + d.Paid.String() + ", the patient owes " + d.Patient.String() + "." + back
	case claims.Denied:
		return "Denied." + back
	case claims.Voided:
		return "Voided." + back
	}
	return "Waiting; the notes say for what."
}

// notesOf say in plain words what lowered a line and what it waits for.
func notesOf(d *claims.Decision, l *claims.LineDecision) (all []string) {
	for _, a := range l.Adjustments {
		if words := claims.Words(a.CARC); words != "" {
			all = append(all, a.Amount.String()+": "+words)
		}
	}
	for _, p := range d.Pends {
		if p.Line == l.Line || p.Line == 0 {
			all = append(all, "Waiting: "+p.Reason.Words())
		}
	}
	return slices.Compact(all)
}

func reasonOf(a claims.Adjustment) *concept {
	out := coded(systemCARC, a.CARC)
	if a.RARC != "" {
		out.Coding = append(out.Coding, coding{systemRARC, a.RARC})
	}
	return out
}

func paymentOf(t *Told, kind *concept) *payment {
	if t.Paid == nil || t.Decision.Outcome == claims.Voided { // which pays nothing, and takes back
		return nil
	}
	return &payment{kind, t.Paid.On, dollars(t.Decision.Paid), &identifier{Value: t.Paid.Trace}}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
