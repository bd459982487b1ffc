package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A Problem is a reason not to take a claim in: where it stands in the 837, what is
// wrong and what to do. It holds nothing personal.
type Problem struct {
	Segment string `json:"segment"` // "CLM"
	Element string `json:"element"` // "CLM02"
	Loop    string `json:"loop"`    // "2300"
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
	Code    string `json:"code"` // 277CA category and status: "A7:562"
	// Qualifier of the segment, where its loop has several of them: 435 of DTP, BE
	// of HI.
	Qualifier string `json:"qualifier,omitempty"`
	// Edit is the name of the edit, where it has one in the list.
	Edit string `json:"edit,omitempty"`
}

// String is the problem in one line.
func (p Problem) String() string {
	where := p.Element
	if p.Loop != "" {
		where = fmt.Sprintf("loop %s, %s", p.Loop, p.Element)
	}
	if p.Line > 0 {
		where = fmt.Sprintf("line %d (%s)", p.Line, where)
	}
	return where + ": " + p.Message
}

// Check runs the intake edits that need no books. A claim with problems never
// enters adjudication: it is refused with all of them at once, and may be sent
// again under the same number.
func Check(c *Claim, edits Edits, received credentials.Date) []Problem {
	k := &checker{claim: c, edits: edits, received: received}
	k.header()
	k.people()
	k.addresses()
	k.diagnoses()
	var sum Cents
	numbers := map[int]bool{}
	for i := range c.Lines {
		l := &c.Lines[i]
		k.lineNumber = l.Number
		if numbers[l.Number] {
			k.add("line-number", "2400", "LX", "LX01", "A8:21", "the line number is used twice")
		}
		numbers[l.Number] = true
		k.line(l)
		sum += l.Charge
	}
	k.lineNumber = 0
	if c.Institutional != nil {
		k.institutional()
	}
	if len(c.Lines) > 0 && sum != c.Charge {
		k.add("claim-balance", "2300", "CLM", "CLM02", "A8:400", "the total is %s and the lines sum up to %s", c.Charge, sum)
	}
	return k.problems
}

type checker struct {
	claim      *Claim
	edits      Edits
	received   credentials.Date
	lineNumber int
	problems   []Problem
}

// add notes what an edit found, where it is switched on.
func (k *checker) add(edit, loop, segment, element, code, format string, args ...any) {
	if !k.edits.On(edit) {
		return
	}
	k.problems = append(k.problems, Problem{
		Segment: segment, Element: element, Loop: loop, Line: k.lineNumber,
		Message: fmt.Sprintf(format, args...), Code: code, Edit: edit,
	})
}

// qualified is add for one of several segments of the same name.
func (k *checker) qualified(qualifier, edit, loop, segment, element, code, format string, args ...any) {
	n := len(k.problems)
	k.add(edit, loop, segment, element, code, format, args...)
	if len(k.problems) > n {
		k.problems[n].Qualifier = qualifier
	}
}

func (k *checker) header() {
	c := k.claim
	if c.Number == "" || len(c.Number) > 38 {
		k.add("claim-number", "2300", "CLM", "CLM01", "A7:21", "want a claim number of 1 to 38 characters")
	}
	switch c.Frequency {
	case Original, Replacement, Void:
	case "2", "3", "4":
		if c.Institutional == nil {
			k.add("frequency", "2300", "CLM", "CLM05-3", "A7:535", "frequency %q is not known; want 1, 7 or 8", c.Frequency)
			break
		}
		// Only the bills of a stay together say what it comes to, and a part that waited
		// would wait for ever: the hospital learns at once to bill the stay whole.
		k.add("interim-bill", "2300", "CLM", "CLM05-3", "A3:535", "frequency %s: an interim bill of a stay is not taken; send one bill for the whole stay (1) after the discharge", c.Frequency)
	default:
		k.add("frequency", "2300", "CLM", "CLM05-3", "A7:535", "frequency %q is not known; want 1, 7 or 8", c.Frequency)
	}
	if c.Charge < 0 || c.Charge > maxLimit {
		k.add("charge-range", "2300", "CLM", "CLM02", "A7:178", "want a charge from 0.00 to %s", maxLimit)
	}
	if c.Institutional == nil {
		k.place("2300", "CLM", "CLM05-1", c.Place, c.FirstService())
	}
	if c.Changes() && c.OriginalReference == "" {
		k.add("original-reference", "2300", "REF", "REF02", "A6:464", "frequency %s: the number of the claim that it changes is missing (REF*F8)", c.Frequency)
	}
	if c.Payer.ID == "" {
		k.add("payer-id", "2010BB", "NM1", "NM109", "A6:153", "the payer's id is missing")
	}
	if len(c.Lines) == 0 {
		k.add("line-count", "2400", "LX", "LX01", "A6:21", "the claim has no service line")
	}
	if most := c.maxLines(); len(c.Lines) > most {
		k.add("line-count", "2400", "LX", "LX01", "A7:21", "the claim has %d service lines; a claim holds at most %d", len(c.Lines), most)
	}
	if !slices.Contains(k.edits.Payers, c.Payer.ID) {
		k.add("payer-ours", "2010BB", "NM1", "NM109", "A3:116", "the claim is addressed to another payer")
	}
}

func (k *checker) people() {
	c := k.claim
	k.npi("2010AA", c.Billing.NPI)
	if c.Rendering != nil {
		k.npi(k.service().rendering, c.Rendering.NPI)
	}
	if c.Subscriber.MemberID == "" && c.PatientPerson().MemberID == "" {
		k.add("member-id", "2010BA", "NM1", "NM109", "A6:164", "the member id is missing")
	}
	patient, loop := c.PatientPerson(), "2010BA"
	if c.Patient != nil {
		loop = "2010CA"
	}
	if patient.Last == "" {
		k.add("patient-name", loop, "NM1", "NM103", "A6:125", "the patient's last name is missing")
	}
	if patient.Birth == "" {
		k.add("patient-birth", loop, "DMG", "DMG02", "A6:158", "the patient's date of birth is missing")
	}
	if sex := patient.Sex; sex != "" && sex != "F" && sex != "M" && sex != "U" {
		k.add("sex-code", loop, "DMG", "DMG03", "A7:157", "want F, M or U")
	}
	if birth := patient.Birth; birth != "" && birth > c.FirstService() && len(c.Lines) > 0 {
		k.add("born-before-service", loop, "DMG", "DMG02", "A7:158", "the patient was born after the first day of service")
	}
}

func (k *checker) npi(loop string, n credentials.NPI) {
	switch {
	case n == "":
		k.add("npi-present", loop, "NM1", "NM109", "A6:562", "the NPI is missing")
	case !n.WellFormed():
		k.add("npi-format", loop, "NM1", "NM109", "A7:562", "NPI %q: want ten digits", n)
	case !n.Valid():
		k.add("npi-check-digit", loop, "NM1", "NM109", "A7:562", "NPI %s: want a first digit of 1 or 2 and a check digit that holds", n)
	}
}

func (k *checker) diagnoses() {
	d := k.claim.Diagnoses
	if most := k.claim.maxDiagnoses(); len(d) == 0 || len(d) > most {
		k.add("diagnosis-count", "2300", "HI", "HI01", "A7:255", "want from 1 to %d diagnoses, found %d", most, len(d))
	}
	set, known := "an ICD-10-CM code: want a letter and 2 to 6 more characters", diagnosisCode
	if last := k.claim.LastService(); last != "" && last < icd10Start {
		set, known = "an ICD-9-CM code: want 3 to 5 digits, the first of which may be E or V", oldDiagnosisCode
	}
	for i, code := range d {
		if !known(code) {
			k.qualified(k.diagnosisAt(i), "diagnosis-code", "2300", "HI", fmt.Sprintf("HI%02d-2", k.diagnosisElement(i)), "A7:255", "diagnosis %d is not %s, without the dot", i+1, set)
		}
	}
	k.diagnosisLists()
}

func (k *checker) line(l *Line) {
	s := k.service()
	if !procedureCode(l.Code) && !(s.revenue && (l.Code == "" || HIPPS(l))) {
		k.add("procedure-code", "2400", s.id, s.code+"-2", "A7:454", "procedure %q: want a CPT or HCPCS code of five characters", l.Code)
	}
	for _, m := range l.Modifiers {
		if !modifierCode(m) {
			k.add("modifier-code", "2400", s.id, s.code+"-3", "A7:453", "modifier %q: want two capitals or digits", m)
		}
	}
	if len(l.Modifiers) > 4 {
		k.add("modifier-count", "2400", s.id, s.code+"-6", "A7:453", "%d modifiers; a line holds at most 4", len(l.Modifiers))
	}
	if l.Charge < 0 || l.Charge > maxLimit {
		k.add("charge-range", "2400", s.id, s.charge, "A7:178", "want a charge from 0.00 to %s", maxLimit)
	}
	if l.Unit != "UN" && l.Unit != s.unit {
		k.add("unit-code", "2400", s.id, s.measure, "A7:476", "unit %q: want UN or %s", l.Unit, s.unit)
	}
	if l.Units <= 0 || l.Units > maxUnits {
		k.add("units-range", "2400", s.id, s.units, "A7:476", "want more than 0 units and at most %s", maxUnits)
	}
	k.dates(l)
	k.lineLists(l, s)
	if l.Rendering != nil {
		k.npi(s.lineRendering, l.Rendering.NPI)
	}
	if s.revenue {
		k.revenueLine(l)
		return
	}
	if l.Place != "" {
		k.place("2400", "SV1", "SV105", l.Place, l.From)
	}
	if l.Unit == "MJ" && !anesthesia.Has(l.Code) {
		k.add("anesthesia-minutes", "2400", "SV1", "SV103", "A7:476", "minutes (MJ) are for anesthesia alone, and the procedure is none")
	}
	if k.claim.Renderer(l) == nil {
		k.add("rendering-named", "2310B", "NM1", "NM109", "A6:562", "nobody is named who rendered the service")
	}
	if l.Revenue != "" || l.NonCovered != 0 {
		k.add("claim-kind", "2400", "SV1", "SV101", "A7:455", "a revenue code is for institutional claims alone")
	}
	if len(l.Pointers) == 0 || len(l.Pointers) > 4 {
		k.add("pointer-count", "2400", "SV1", "SV107", "A7:477", "want from 1 to 4 diagnosis pointers, found %d", len(l.Pointers))
	}
	for _, n := range l.Pointers {
		if n < 1 || n > len(k.claim.Diagnoses) {
			k.add("pointer-range", "2400", "SV1", "SV107", "A8:477", "it points to diagnosis %d of %d", n, len(k.claim.Diagnoses))
		}
	}
}

func (k *checker) dates(l *Line) {
	switch {
	case l.From == "" || l.To == "":
		k.add("service-date", "2400", "DTP", "DTP03", "A6:187", "the date of service is missing")
	case l.To < l.From:
		k.add("service-date", "2400", "DTP", "DTP03", "A7:187", "the service ends on %s, before it begins on %s", l.To, l.From)
	case l.To > k.received:
		k.add("service-received", "2400", "DTP", "DTP03", "A7:187", "the service on %s is after the day of receipt, %s", l.To, k.received)
	}
}

// diagnosisCode is lenient: whether a code is billable on the day is for the
// lists, where there are any (diagnosisLists).
func diagnosisCode(s string) bool {
	if len(s) < 3 || len(s) > 7 || !letter(s) || !digits(s[1:2]) {
		return false
	}
	for i := range len(s) {
		if c := s[i : i+1]; !digits(c) && !letter(c) {
			return false
		}
	}
	return true
}

// icd10Start is the first day of service that is reported in ICD-10-CM
// (45 CFR 162.1002(c)); earlier ones are in ICD-9-CM.
const icd10Start credentials.Date = "2015-10-01"

func oldDiagnosisCode(s string) bool {
	return len(s) >= 3 && len(s) <= 5 && (digits(s[:1]) || s[0] == 'E' || s[0] == 'V') && digits(s[1:])
}

// CheckRequest is Check for a prior-authorization request: what can be seen
// without the books. Problems name the field of the request.
func CheckRequest(r *AuthorizationRequest, edits Edits) []Problem {
	k := &checker{edits: edits}
	at := func(field, code, format string, args ...any) { k.add("", "", "", field, code, format, args...) }
	npi := func(field string, n credentials.NPI) {
		if !n.WellFormed() || edits.On("npi-check-digit") && !n.Valid() {
			at(field, "A7:562", "NPI %q: want ten digits, the first 1 or 2, whose check digit holds", n)
		}
	}
	if r.Number == "" || len(r.Number) > 50 {
		at("/number", "A7:21", "want the requester's own number, of 1 to 50 characters")
	}
	npi("/requester/npi", r.Requester.NPI)
	if r.Clinician.NPI != "" {
		npi("/clinician/npi", r.Clinician.NPI)
	}
	if r.Ordering != nil {
		npi("/ordering/npi", r.Ordering.NPI)
	}
	if r.Patient.MemberID == "" {
		at("/patient/memberId", "A6:164", "the member id is missing")
	}
	if len(r.State) != 2 {
		at("/state", "A7:21", "want the two letters of the state where the patient will be")
	}
	if len(r.Items) == 0 {
		at("/items", "A6:21", "nothing is asked for")
	}
	for i, it := range r.Items {
		item := fmt.Sprintf("/items/%d/", i)
		switch stay := StayCode(it.Code); {
		case stay && it.Units%1000 != 0:
			at(item+"units", "A7:476", "want whole days of a stay")
		case stay:
			k.listed(spot{element: item + "code", code: "A7:455", what: "revenue code " + it.Code}, KindRevenue, it.Code, it.From, it.Until)
		case !procedureCode(it.Code):
			at(item+"code", "A7:454", "procedure %q: want a CPT or HCPCS code of five characters, or for days of a stay a revenue code of four digits", it.Code)
		default:
			k.listed(spot{element: item + "code", code: "A7:454", what: "procedure " + it.Code}, procedureKind(it.Code), it.Code, it.From, it.Until)
		}
		for _, m := range it.Modifiers {
			if !modifierCode(m) {
				at(item+"modifiers", "A7:453", "modifier %q: want two capitals or digits", m)
			}
		}
		if it.Units <= 0 || it.Units > maxUnits {
			at(item+"units", "A7:476", "want more than 0 units and at most %s", maxUnits)
		}
		if it.From == "" || it.Until < it.From {
			at(item+"from", "A7:187", "want a first day and a last day that is not before it")
		}
		for _, other := range r.Items[:i] {
			if other.Sequence == it.Sequence {
				at(item+"sequence", "A8:21", "sequence %d is used twice", it.Sequence)
			}
		}
	}
	return k.problems
}
