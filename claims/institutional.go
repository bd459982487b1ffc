package claims

import "github.com/countersign-health/countersign/credentials"

// Institutional is what a hospital's claim (837I) says beyond a professional one.
type Institutional struct {
	// Facility is CLM05-1: with the frequency, the type of bill ("11" and "1").
	Facility string           `json:"facility"`
	From     credentials.Date `json:"from"` // DTP*434, the days that the bill covers
	Through  credentials.Date `json:"through"`
	// Admitted on this day (DTP*435) at this hour, "0930"; empty where nobody was.
	Admitted        credentials.Date `json:"admitted,omitempty"`
	AdmissionHour   string           `json:"admissionHour,omitempty"`
	DischargeHour   string           `json:"dischargeHour,omitempty"`   // DTP*096
	AdmissionType   string           `json:"admissionType,omitempty"`   // CL101
	AdmissionSource string           `json:"admissionSource,omitempty"` // CL102
	PatientStatus   string           `json:"patientStatus,omitempty"`   // CL103
	Attending       *Provider        `json:"attending,omitempty"`       // NM1*71
	Operating       *Provider        `json:"operating,omitempty"`       // NM1*72
	DRG             string           `json:"drg,omitempty"`             // HI*DR
	// Present on admission, one for each diagnosis of the claim, "" where it says
	// nothing; none where it says nothing of any.
	Present    []string     `json:"present,omitempty"`
	Admitting  string       `json:"admitting,omitempty"`  // HI*ABJ, diagnosis at admission
	Reasons    []string     `json:"reasons,omitempty"`    // HI*APR, why the patient came
	External   []string     `json:"external,omitempty"`   // HI*ABN, external causes
	Procedures []Procedure  `json:"procedures,omitempty"` // HI*BBR and BBQ; the first is the principal one
	Values     []ValueCode  `json:"values,omitempty"`     // HI*BE
	Conditions []string     `json:"conditions,omitempty"` // HI*BG
	Occurred   []Occurrence `json:"occurred,omitempty"`   // HI*BH, and spans HI*BI
}

// A Procedure is an ICD-10-PCS code with its day.
type Procedure struct {
	Code string           `json:"code"`
	On   credentials.Date `json:"on,omitempty"`
}

// A ValueCode says an amount or a number, by the National Uniform Billing
// Committee's codes.
type ValueCode struct {
	Code   string `json:"code"`
	Amount Cents  `json:"amount"`
}

// An Occurrence is an event on a day, or over a span of days.
type Occurrence struct {
	Code    string           `json:"code"`
	From    credentials.Date `json:"from"`
	Through credentials.Date `json:"through,omitempty"`
}

// BillType is the type of bill, "111": facility and frequency.
func (c *Claim) BillType() string {
	if c.Institutional == nil {
		return ""
	}
	return c.Institutional.Facility + string(c.Frequency)
}

// Inpatient says whether the bill is for a stay: hospital (11), hospital under
// Medicare Part B only (12), skilled nursing (21, 22), swing bed (18).
func (i *Institutional) Inpatient() bool {
	switch i.Facility {
	case "11", "12", "18", "21", "22":
		return true
	}
	return false
}

// institutional makes every line of a hospital's claim wait where the plan's edition
// has no terms for one (HospitalTerms): such a claim is paid by stay, by day or by
// visit, and what a plan says of single services must not be paid for a part of it.
// Nothing else is asked of it.
func (a *adjudication) institutional(w *work) bool {
	a.pend(w, "institutional", a.rules.name, PendInstitutional, "type of bill "+a.claim.BillType()+": "+PendInstitutional.Words())
	return false
}
