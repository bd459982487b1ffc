package claims

import "fmt"

// Limits of the two guides (837P and 837I, loops 2300 and 2400).
func (c *Claim) maxLines() int {
	if c.Institutional != nil {
		return 999
	}
	return 50
}

func (c *Claim) maxDiagnoses() int {
	if c.Institutional != nil {
		return 25
	}
	return 12
}

// diagnosisAt and diagnosisElement say where a diagnosis stands, from 0: on a
// professional claim all in one HI, on an institutional one the principal (BK) in
// one of its own, and twelve to each of the others (BF).
func (k *checker) diagnosisAt(i int) string {
	if i == 0 || k.claim.Institutional == nil {
		return "BK"
	}
	return "BF"
}

func (k *checker) diagnosisElement(i int) int {
	if i == 0 || k.claim.Institutional == nil {
		return i + 1
	}
	return (i-1)%12 + 1
}

// institutional runs the edits of a hospital's claim.
func (k *checker) institutional() {
	c, in := k.claim, k.claim.Institutional
	if len(in.Facility) != 2 || !digits(in.Facility) || in.Facility[0] == '0' || in.Facility[1] == '0' {
		k.add("bill-type", "2300", "CLM", "CLM05-1", "A7:228", "want the first two digits of a type of bill, such as 11 or 13")
	}
	if c.Place != "" {
		k.add("claim-kind", "2300", "CLM", "CLM05-1", "A7:249", "a place of service is for professional claims alone")
	}
	if in.From == "" || in.Through < in.From {
		k.qualified("434", "statement-dates", "2300", "DTP", "DTP03", "A7:194", "want the statement's first day and a last day that is not before it")
	}
	if in.Through > k.received {
		k.qualified("434", "service-received", "2300", "DTP", "DTP03", "A7:194", "the statement ends on %s, after the day of receipt, %s", in.Through, k.received)
	}
	if in.Attending == nil {
		k.add("attending-named", "2310A", "NM1", "NM109", "A6:562", "the attending provider is missing")
	} else {
		k.npi("2310A", in.Attending.NPI)
	}
	if in.Operating != nil {
		k.npi("2310B", in.Operating.NPI)
	}
	k.admission(in)
	k.hospitalCodes(in)
	k.hospitalLists(in)
}

// admission checks what a stay has and an outpatient's visit may lack.
func (k *checker) admission(in *Institutional) {
	if in.Inpatient() && in.Admitted == "" {
		k.qualified("435", "admission", "2300", "DTP", "DTP03", "A6:189", "a stay (type of bill %s) has a date of admission (DTP*435)", k.claim.BillType())
	}
	if in.Admitted != "" && in.Admitted > in.Through {
		k.qualified("435", "admission", "2300", "DTP", "DTP03", "A7:189", "the admission on %s is after the last day of the statement, %s", in.Admitted, in.Through)
	}
	if !hour(in.AdmissionHour) {
		k.qualified("435", "admission-hour", "2300", "DTP", "DTP03", "A7:230", "want an hour such as 0930")
	}
	if !hour(in.DischargeHour) {
		k.qualified("096", "discharge-hour", "2300", "DTP", "DTP03", "A7:233", "want an hour such as 0930")
	}
	if in.Inpatient() && in.AdmissionType == "" {
		k.add("admission", "2300", "CL1", "CL101", "A6:231", "a stay has a type of admission")
	}
	if t := in.AdmissionType; t != "" && (len(t) != 1 || t < "1" || t > "5" && t != "9") {
		k.add("admission-code", "2300", "CL1", "CL101", "A7:231", "want a type of admission: 1 to 5, or 9")
	}
	if s := in.AdmissionSource; s != "" && (len(s) != 1 || !digits(s) && !letter(s)) {
		k.add("admission-code", "2300", "CL1", "CL102", "A7:229", "want a source of admission of one character")
	}
	if s := in.PatientStatus; len(s) != 2 || !digits(s) || s == "00" {
		k.add("patient-status", "2300", "CL1", "CL103", "A7:234", "want a patient status of two digits, such as 01")
	}
	if !in.Inpatient() && len(in.Procedures) > 0 && in.Through >= icd10Start {
		k.qualified("BR", "inpatient-procedures", "2300", "HI", "HI01-2", "A7:465", "ICD procedure codes are for stays alone, and type of bill %s is none", k.claim.BillType())
	}
}

// hour says whether s is an hour of the day, or nothing.
func hour(s string) bool {
	return s == "" || len(s) == 4 && digits(s) && s <= "2359" && s[2] <= '5'
}

// hospitalCodes checks the forms of the codes of loop 2300. The lists behind
// value, occurrence and condition codes are the NUBC's, and not carried; a house
// that has them gives them (hospitalLists).
func (k *checker) hospitalCodes(in *Institutional) {
	if d := in.DRG; d != "" && (len(d) != 3 || !digits(d)) {
		k.qualified("DR", "drg-code", "2300", "HI", "HI01-2", "A7:256", "want a DRG of three digits")
	}
	for i, p := range in.Present {
		switch p {
		case "", "Y", "N", "U", "W", "1":
		default:
			k.qualified(k.diagnosisAt(i), "present-on-admission", "2300", "HI", fmt.Sprintf("HI%02d-9", k.diagnosisElement(i)), "A7:688", "diagnosis %d: want Y, N, U, W or 1 for present on admission", i+1)
		}
	}
	two := func(code string, i int, qualifier, status, what string) {
		if len(code) != 2 || !digits(code) && !modifierCode(code) {
			k.qualified(qualifier, "hospital-code", "2300", "HI", fmt.Sprintf("HI%02d-2", i%12+1), status, "want a %s of two characters", what)
		}
	}
	for i, v := range in.Values {
		two(v.Code, i, "BE", "A7:725", "value code")
	}
	for i, v := range in.Conditions {
		two(v, i, "BG", "A7:460", "condition code")
	}
	for i, v := range in.Occurred {
		two(v.Code, i, "BH", "A7:719", "occurrence code")
	}
	for _, p := range in.Procedures {
		if last := in.Through; last >= icd10Start && !procedureICD10(p.Code) {
			k.qualified("BR", "inpatient-procedures", "2300", "HI", "HI01-2", "A7:465", "want an ICD-10-PCS code of seven characters")
		}
	}
}

// procedureICD10 has seven characters without I and O.
func procedureICD10(s string) bool {
	if len(s) != 7 {
		return false
	}
	for i := range len(s) {
		if c := s[i : i+1]; !digits(c) && !letter(c) || c == "I" || c == "O" {
			return false
		}
	}
	return true
}

// hippsRevenue are the revenue codes of payment by assessment: skilled nursing
// (0022), home health (0023), rehabilitation (0024).
func hippsRevenue(revenue string) bool {
	return revenue == "0022" || revenue == "0023" || revenue == "0024"
}

// HIPPS says whether the line's code is one of the Health Insurance Prospective
// Payment System, by its form and its revenue code: some look like HCPCS codes.
func HIPPS(l *Line) bool {
	if !hippsRevenue(l.Revenue) || len(l.Code) != 5 {
		return false
	}
	for i := range len(l.Code) {
		if c := l.Code[i : i+1]; !digits(c) && !letter(c) {
			return false
		}
	}
	return true
}

// revenueLine checks a line of a hospital's claim.
func (k *checker) revenueLine(l *Line) {
	in := k.claim.Institutional
	switch {
	case len(l.Revenue) != 4 || !digits(l.Revenue):
		k.add("revenue-code", "2400", "SV2", "SV201", "A7:455", "want a revenue code of four digits")
	case l.Revenue == "0001":
		k.add("revenue-code", "2400", "SV2", "SV201", "A7:455", "revenue code 0001 is the total of a paper claim, and no line here")
	}
	if hippsRevenue(l.Revenue) && !HIPPS(l) {
		k.add("hipps-code", "2400", "SV2", "SV202-2", "A7:454", "behind revenue code %s stands a HIPPS code of five capitals or digits (HP:CODE)", l.Revenue)
	}
	if l.Unit == "MJ" || l.Place != "" || len(l.Pointers) > 0 {
		k.add("claim-kind", "2400", "SV2", "SV204", "A7:476", "minutes, places and diagnosis pointers are for professional claims alone")
	}
	if l.NonCovered < 0 || l.NonCovered > l.Charge {
		k.add("charge-range", "2400", "SV2", "SV207", "A7:178", "want a charge not covered from 0.00 to the line's charge")
	}
	if l.From != "" && in.From != "" && (l.From < in.From || l.To > in.Through) {
		k.add("within-statement", "2400", "DTP", "DTP03", "A8:187", "the service lies outside of the statement's days, %s", span(in.From, in.Through))
	}
}
