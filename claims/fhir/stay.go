package fhir

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The code systems of a hospital's claim.
const (
	systemC4BBSub       = systemC4BB + "C4BBInstitutionalClaimSubType"
	systemC4BBProcedure = systemC4BB + "C4BBClaimProcedureType"
	systemAbsent        = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
	systemBill          = "https://www.nubc.org/CodeSystem/TypeOfBill"
	systemOrigin        = "https://www.nubc.org/CodeSystem/PointOfOrigin"
	systemAdmission     = "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit"
	systemDischarge     = "https://www.nubc.org/CodeSystem/PatDischargeStatus"
	systemHIPPS         = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/ProspMedicareFeeSvcPmtGen/HIPPSCodes"
)

type procedure struct {
	Sequence int              `json:"sequence"`
	Type     []*concept       `json:"type"`
	Date     credentials.Date `json:"date,omitempty"`
	Code     *concept         `json:"procedureCodeableConcept"`
}

// stay turns the resource into that of a hospital's claim: CARIN's profile for
// inpatient or outpatient institutional ones.
func (b *benefit) stay(t *Told, p *parties) {
	c, in := t.Claim, t.Claim.Institutional
	kind, profile := "outpatient", "ExplanationOfBenefit-Outpatient-Institutional"
	if in.Inpatient() {
		kind, profile = "inpatient", "ExplanationOfBenefit-Inpatient-Institutional"
	}
	b.Meta, b.Type, b.SubType = metaOf(t, profile), coded(systemClaimType, "institutional"), coded(systemC4BBSub, kind)
	b.Billable = period{in.From, in.Through}
	for _, code := range []struct{ kind, system, code string }{
		{"typeofbill", systemBill, c.BillType()}, {"pointoforigin", systemOrigin, in.AdmissionSource},
		{"admtype", systemAdmission, in.AdmissionType}, {"discharge-status", systemDischarge, in.PatientStatus}, {"drg", "", in.DRG},
	} {
		if code.code != "" { // which grouper a DRG is of the claim does not say
			b.Info = append(b.Info, supportingInfo{Sequence: len(b.Info) + 1, Category: coded(systemC4BBInfo, code.kind), Code: coded(code.system, code.code)})
		}
	}
	if in.Inpatient() {
		b.Info = append(b.Info, supportingInfo{Sequence: len(b.Info) + 1, Category: coded(systemC4BBInfo, "admissionperiod"), Period: &period{in.Begins(), in.Through}})
	}
	for _, who := range []struct {
		role string
		ref  reference
	}{{"attending", p.attending}, {"operating", p.operating}} {
		if who.ref.Reference != "" {
			b.CareTeam = append(b.CareTeam, careTeam{len(b.CareTeam) + 1, who.ref, coded(systemC4BBCare, who.role)})
		}
	}
	b.stayCodes(in)
	if t.Decision.Whole {
		b.whole()
	}
}

// whole tells the amounts of a claim that was decided whole of the claim alone, as the
// 835 does, and leaves them out of its items, whose parts mean nothing by themselves.
func (b *benefit) whole() {
	b.Adjudication = append(b.Adjudication, adjudication{Category: coded(systemC4BBSlice, "benefitpaymentstatus"), Reason: coded(systemC4BBStatus, "other")})
	for _, sum := range b.Total {
		b.Adjudication = append(b.Adjudication, adjudication{Category: sum.Category, Amount: sum.Amount})
	}
	for i := range b.Item {
		item := &b.Item[i]
		item.Adjudication = slices.DeleteFunc(item.Adjudication, func(a adjudication) bool { return a.Amount != nil })
	}
}

// stayCodes adds what loop 2300 has beside the principal and other diagnoses.
func (b *benefit) stayCodes(in *claims.Institutional) {
	for i := range b.Diagnosis {
		if i > 0 {
			b.Diagnosis[i].Type = []*concept{coded(systemC4BBDiagnosis, "other")}
		}
	}
	add := func(system, kind string, codes ...string) {
		for _, code := range codes {
			if code != "" {
				b.Diagnosis = append(b.Diagnosis, diagnosis{len(b.Diagnosis) + 1, coded(systemICD10, icd(code)), []*concept{coded(system, kind)}})
			}
		}
	}
	add(systemDiagnosis, "admitting", in.Admitting)
	add(systemC4BBDiagnosis, "patientreasonforvisit", in.Reasons...)
	add(systemC4BBDiagnosis, "externalcauseofinjury", in.External...)
	for i, x := range in.Procedures {
		kind := "other"
		if i == 0 {
			kind = "principal"
		}
		b.Procedure = append(b.Procedure, procedure{i + 1, []*concept{coded(systemC4BBProcedure, kind)}, x.On, coded(systemPCS, x.Code)})
	}
}

// stay turns an item into that of a hospital's line: a revenue code, mostly without a
// procedure, by whoever attends where nobody else gave it.
func (item *benefitItem) stay(l *claims.Line, p *parties) {
	item.Revenue, item.Location = coded(systemRevenu, l.Revenue), nil
	switch {
	case l.Code == "":
		item.Product = coded(systemAbsent, "not-applicable")
	case claims.HIPPS(l):
		item.Product = coded(systemHIPPS, l.Code)
	}
	if len(item.CareTeam) == 0 && p.attending.Reference != "" {
		item.CareTeam = []int{len(p.order) + 1} // behind those who rendered
	}
}
