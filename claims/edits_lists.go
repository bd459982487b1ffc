package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A spot is where a code stands, and how its edit and its status are named.
type spot struct {
	edit                              string // where it is not the kind's own
	qualifier, loop, segment, element string
	code                              string // 277CA category and status
	what                              string // "revenue code 0450"; of a diagnosis its place alone
}

// listed asks the lists of a kind whether they have a code. It is refused only
// where it is wrong on every day by which it may be judged: a service that lasts
// over the day of a change may be billed by either side of it. It says whether any
// list was asked.
func (k *checker) listed(at spot, kind CodeKind, code string, days ...credentials.Date) bool {
	if k.edits.Codes == nil {
		return false
	}
	facts, _ := kind.Facts()
	if !facts.fits(code) {
		return false // its form is another edit's
	}
	var first CodeAnswer
	var on credentials.Date
	for i, day := range days {
		if day == "" || slices.Contains(days[:i], day) {
			continue
		}
		a := k.edits.Codes(kind, code, day)
		if !a.wrong() {
			return a.State == CodeValid
		}
		if on == "" {
			first, on = a, day
		}
	}
	if on == "" {
		return false
	}
	if at.edit == "" {
		at.edit = facts.Edit
	}
	switch {
	case first.State == CodeHeading:
		at.code = "A7:772" // the greatest level of specificity is required
	case first.State != CodeUnknown && facts.Edit == "procedure-list":
		at.code = "A7:796" // not valid for the date of service
	}
	k.qualified(at.qualifier, at.edit, at.loop, at.segment, at.element, at.code, "%s", first.words(at.what, on))
	return true
}

func (a CodeAnswer) words(what string, on credentials.Date) string {
	switch a.State {
	case CodeHeading:
		return fmt.Sprintf("%s needs more digits: in %s on %s it is a heading", what, a.List, on)
	case CodeEarly:
		return fmt.Sprintf("%s is not valid on %s: in %s it is so from %s on", what, on, a.List, a.Bound)
	case CodeEnded:
		return fmt.Sprintf("%s is not valid on %s: in %s it is so until %s", what, on, a.List, a.Bound)
	}
	return fmt.Sprintf("%s is not in %s, the list of %s", what, a.List, on)
}

// sent are the days by which a nonmedical code is judged. The rule names the day on
// which the transaction is initiated (45 CFR 162.1000(b)), for which that of receipt
// stands; committees date their codes by the service or the statement.
func (k *checker) sent() []credentials.Date {
	return []credentials.Date{k.received, k.lastDay()}
}

// lastDay is the statement's, or of a professional claim the last day of service.
func (k *checker) lastDay() credentials.Date {
	if in := k.claim.Institutional; in != nil {
		return in.Through
	}
	return k.claim.LastService()
}

// statementDays are the days by which a hospital's medical codes are judged. A stay
// goes by the day of discharge, which the statement's last day stands for (Medicare
// Claims Processing Manual, chapter 23, 10); other visits by the days of service.
func (k *checker) statementDays() []credentials.Date {
	in := k.claim.Institutional
	if in.Inpatient() {
		return []credentials.Date{in.Through}
	}
	return []credentials.Date{in.From, in.Through}
}

// diagnosisLists checks the diagnoses, which on a professional claim hold on the
// days of the lines that point to them (45 CFR 162.1000(a)).
func (k *checker) diagnosisLists() {
	if k.edits.Codes == nil || k.lastDay() < icd10Start {
		return
	}
	in := k.claim.Institutional
	for i, code := range k.claim.Diagnoses {
		at := spot{qualifier: k.diagnosisAt(i), loop: "2300", segment: "HI", element: fmt.Sprintf("HI%02d-2", k.diagnosisElement(i)), code: "A7:255", what: fmt.Sprintf("diagnosis %d", i+1)}
		if i == 0 {
			at.code = "A7:254" // the principal one
		}
		if in != nil {
			k.listed(at, KindICD10CM, code, k.statementDays()...)
			continue
		}
		k.pointed(at, i, code)
	}
	if in == nil {
		return
	}
	more := func(codes []string, qualifier, status, what string) {
		for i, code := range codes {
			if code != "" {
				k.listed(spot{qualifier: qualifier, loop: "2300", segment: "HI", element: fmt.Sprintf("HI%02d-2", i+1), code: status, what: what}, KindICD10CM, code, k.statementDays()...)
			}
		}
	}
	more([]string{in.Admitting}, "BJ", "A7:232", "the admitting diagnosis")
	more(in.Reasons, "PR", "A7:673", "the reason for the visit")
	more(in.External, "BN", "A7:509", "the external cause")
}

// pointed checks a diagnosis on the days of the lines that point to it, or of all
// where none does. The first line on whose days it is wrong refuses it.
func (k *checker) pointed(at spot, i int, code string) {
	points := func(l Line) bool { return slices.Contains(l.Pointers, i+1) }
	all := !slices.ContainsFunc(k.claim.Lines, points)
	for _, l := range k.claim.Lines {
		n := len(k.problems)
		if all || points(l) {
			k.listed(at, KindICD10CM, code, l.From, l.To)
		}
		if len(k.problems) > n {
			return
		}
	}
}

// lineLists checks the codes of a line on its days of service.
func (k *checker) lineLists(l *Line, s serviceNames) {
	if k.edits.Codes == nil {
		return
	}
	if l.Code != "" {
		kind := procedureKind(l.Code)
		if s.revenue && HIPPS(l) {
			kind = KindHIPPS
		}
		k.listed(spot{loop: "2400", segment: s.id, element: s.code + "-2", code: "A7:454", what: "procedure " + l.Code}, kind, l.Code, l.From, l.To)
	}
	for i, m := range l.Modifiers {
		if modifierCode(m) && i < 4 {
			k.listed(spot{loop: "2400", segment: s.id, element: fmt.Sprintf("%s-%d", s.code, i+3), code: "A7:453", what: "modifier " + m}, modifierKind(m), m, l.From, l.To)
		}
	}
	if s.revenue {
		k.listed(spot{loop: "2400", segment: "SV2", element: "SV201", code: "A7:455", what: "revenue code " + l.Revenue}, KindRevenue, l.Revenue, k.sent()...)
	}
}

// hospitalLists checks the codes of loop 2300 of a hospital's claim.
func (k *checker) hospitalLists(in *Institutional) {
	if k.edits.Codes == nil {
		return
	}
	one := func(segment, element, status, what string, kind CodeKind, code string) {
		k.listed(spot{loop: "2300", segment: segment, element: element, code: status, what: what}, kind, code, k.sent()...)
	}
	one("CLM", "CLM05-1", "A7:228", "the type of bill "+k.claim.BillType(), KindBillType, k.claim.BillType())
	one("CL1", "CL101", "A7:231", "the type of admission", KindAdmissionType, in.AdmissionType)
	one("CL1", "CL102", "A7:229", "the source of admission", KindAdmissionSource, in.AdmissionSource)
	one("CL1", "CL103", "A7:234", "the patient's status", KindPatientStatus, in.PatientStatus)

	within := func(qualifier string, i int, status, what string, kind CodeKind, code string, days ...credentials.Date) {
		k.listed(spot{qualifier: qualifier, loop: "2300", segment: "HI", element: fmt.Sprintf("HI%02d-2", i%12+1), code: status, what: what}, kind, code, days...)
	}
	within("DR", 0, "A7:256", "the DRG", KindDRG, in.DRG, in.Through)
	for i, p := range in.Procedures {
		if qualifier, status := "BQ", "A7:490"; in.Inpatient() && in.Through >= icd10Start {
			if i == 0 {
				qualifier, status = "BR", "A7:465"
			}
			within(qualifier, max(i-1, 0), status, fmt.Sprintf("procedure %d of the stay", i+1), KindICD10PCS, p.Code, in.Through)
		}
	}
	for i, v := range in.Values {
		within("BE", i, "A7:725", "a value code", KindValue, v.Code, k.sent()...)
	}
	for i, v := range in.Conditions {
		within("BG", i, "A7:460", "a condition code", KindCondition, v, k.sent()...)
	}
	events, spans := 0, 0
	for _, v := range in.Occurred {
		if v.Through == "" {
			within("BH", events, "A7:719", "an occurrence code", KindOccurrence, v.Code, k.sent()...)
			events++
			continue
		}
		within("BI", spans, "A7:721", "the code of an occurrence span", KindOccurrenceSpan, v.Code, k.sent()...)
		spans++
	}
}
