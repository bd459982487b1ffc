package fhir

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// renders is the clinician whom the claim names for a line, without an address,
// which no guide has there; nil where it names nobody but who bills.
func renders(c *claims.Claim, l *claims.Line) *claims.Provider {
	p := c.Rendering
	if l.Rendering != nil {
		p = l.Rendering
	}
	if p == nil {
		return nil
	}
	one := *p
	one.Address, one.TaxID = claims.Address{}, ""
	return &one
}

// performers are all of them, each once.
func performers(c *claims.Claim) (all []claims.Provider) {
	for i := range c.Lines {
		if p := renders(c, &c.Lines[i]); p != nil && !slices.Contains(all, *p) {
			all = append(all, *p)
		}
	}
	return all
}

// inFHIR is a claim as a FHIR Claim says it. These have no place there: of an
// 837's lines their own numbers (REF*6R), authorizations and what the hospital
// holds for not covered; why a claim is late; the taxonomy of who bills; of a
// subscriber who is not the patient the sex; hours, and the codes of conditions, occurrences, values,
// admission, visit and external cause. The rest is the same, at times in other
// words: who renders and where is said of each line.
func inFHIR(c *claims.Claim) claims.Claim {
	out := *c
	out.DelayReason, out.Billing.Taxonomy = "", ""
	if out.Patient == nil {
		out.Subscriber.Relationship = "18"
	} else {
		patient := *c.Patient
		if patient.MemberID == "" {
			patient.MemberID = c.Subscriber.MemberID
		}
		patient.Relationship = map[string]string{"self": "18", "spouse": "01", "child": "19", "other": "G8"}[kin(patient.Relationship)]
		out.Patient, out.Subscriber.Sex, out.Subscriber.Relationship = &patient, "", ""
	}
	everybody := performers(c)
	if out.Rendering = nil; len(everybody) == 1 {
		out.Rendering = &everybody[0]
	}
	out.Lines = slices.Clone(c.Lines)
	if c.Institutional == nil && len(c.Lines) > 0 {
		out.Place = c.PlaceOf(&c.Lines[0])
	}
	for i := range out.Lines {
		l := &out.Lines[i]
		l.Control, l.Authorization, l.NonCovered, l.Place = "", "", 0, ""
		if at := c.PlaceOf(&c.Lines[i]); at != out.Place {
			l.Place = at
		}
		if l.Rendering = renders(c, &c.Lines[i]); len(everybody) == 1 {
			l.Rendering = nil
		}
	}
	if c.Institutional != nil {
		out.Institutional = stayInFHIR(c)
	}
	return out
}

func stayInFHIR(c *claims.Claim) *claims.Institutional {
	in := c.Institutional
	out := &claims.Institutional{
		Facility: in.Facility, From: in.From, Through: in.Through, Admitted: in.Admitted, AdmissionType: in.AdmissionType, AdmissionSource: in.AdmissionSource,
		PatientStatus: in.PatientStatus, DRG: in.DRG, Procedures: in.Procedures, Attending: withoutAddress(in.Attending), Operating: withoutAddress(in.Operating),
	}
	if slices.ContainsFunc(in.Present, func(p string) bool { return p != "" }) {
		out.Present = slices.Grow(slices.Clone(in.Present), len(c.Diagnoses))
		for len(out.Present) < len(c.Diagnoses) {
			out.Present = append(out.Present, "")
		}
	}
	return out
}

func withoutAddress(p *claims.Provider) *claims.Provider {
	if p == nil {
		return nil
	}
	one := *p
	one.Address, one.TaxID = claims.Address{}, ""
	return &one
}
