package claims

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// inMarch are lists of March 2026 that have what sound claims of the tests carry,
// and a few codes that begin, end or are headings. Of other months they say nothing.
func inMarch(kind CodeKind, code string, day credentials.Date) CodeAnswer {
	if day < "2026-03-01" || day > "2026-03-31" {
		return CodeAnswer{State: CodeNotCovered}
	}
	a := CodeAnswer{State: CodeUnknown, List: string(kind) + " x"}
	switch key := string(kind) + " " + code; {
	case strings.Contains(` icd-10-cm M545 icd-10-pcs 0SR90JZ cpt 73610 cpt 80053 cpt-modifier 25 hcpcs J0120 hcpcs-modifier RT cdt D0120 hipps AAAA1 place 11 taxonomy 207Q00000X`+
		` revenue 0120 revenue 0300 revenue 0022 bill-type 111 drg 470 patient-status 01 admission-type 1 admission-source 7 value A1 condition 09 occurrence 11 occurrence-span 70 `, " "+key+" "):
		a.State = CodeValid
	case code == "M54":
		a.State = CodeHeading
	case code == "M5450": // from the 3rd on
		a.State = CodeValid
		if day < "2026-03-03" {
			a.State, a.Bound = CodeEarly, "2026-03-03"
		}
	case code == "M5459" || code == "J0170": // until the 2nd
		a.State = CodeValid
		if day > "2026-03-02" {
			a.State, a.Bound = CodeEnded, "2026-03-02"
		}
	}
	return a
}

// listTests put codes into a sound claim that have the form of their kind. The
// claim's service is on 2 March, the stay from 1 to 4 March; received on 1 April,
// of which no list speaks.
var listTests = []struct {
	name string
	with func(c *Claim)
	want string // "edit element code: words of the message", by " | "
}{
	{"nothing wrong", func(c *Claim) {}, ""},
	{"stay: nothing wrong", func(c *Claim) {}, ""},
	{"unknown diagnosis", func(c *Claim) { c.Diagnoses[0] = "M99" }, "diagnosis-list HI01-2 A7:254: diagnosis 1 is not in icd-10-cm x, the list of 2026-03-02"},
	{"second diagnosis, to which no line points", func(c *Claim) { c.Diagnoses = append(c.Diagnoses, "M99") }, "diagnosis-list HI02-2 A7:255: diagnosis 2 is not in"},
	{"heading", func(c *Claim) { c.Diagnoses[0] = "M54" }, "diagnosis-list HI01-2 A7:772: diagnosis 1 needs more digits: in icd-10-cm x on 2026-03-02 it is a heading"},
	{"not yet", func(c *Claim) { c.Diagnoses[0] = "M5450" }, "diagnosis-list HI01-2 A7:254: diagnosis 1 is not valid on 2026-03-02: in icd-10-cm x it is so from 2026-03-03 on"},
	{"on its first day", func(c *Claim) { c.Diagnoses[0] = "M5450"; c.Lines[0].From, c.Lines[0].To = "2026-03-03", "2026-03-03" }, ""},
	{"on its last day", func(c *Claim) { c.Diagnoses[0] = "M5459" }, ""},
	{"after its last day", func(c *Claim) { c.Diagnoses[0] = "M5459"; c.Lines[0].From, c.Lines[0].To = "2026-03-03", "2026-03-03" },
		"diagnosis-list HI01-2 A7:254: diagnosis 1 is not valid on 2026-03-03: in icd-10-cm x it is so until 2026-03-02"},
	{"over the change", func(c *Claim) { c.Diagnoses[0] = "M5459"; c.Lines[0].To = "2026-03-03" }, ""},
	{"two lines, one after its last day", func(c *Claim) { c.Diagnoses[0] = "M5459"; later(c, 1) },
		"diagnosis-list HI01-2 A7:254: diagnosis 1 is not valid on 2026-03-03"},
	{"the later line points to another", func(c *Claim) { c.Diagnoses = []string{"M5459", "M545"}; later(c, 2) }, ""},
	{"a day of which no list speaks", func(c *Claim) {
		c.Diagnoses[0], c.Lines[0].Code = "M99", "99999"
		c.Lines[0].From, c.Lines[0].To = "2026-02-28", "2026-02-28"
	}, ""},
	{"form and list", func(c *Claim) { c.Diagnoses[0] = "m99" }, "diagnosis-code HI01-2 A7:255: not an ICD-10-CM code"},
	{"with a dot", func(c *Claim) { c.Diagnoses[0] = "M54.5" }, "diagnosis-code HI01-2 A7:255: without the dot"},
	{"procedure of CPT", func(c *Claim) { c.Lines[0].Code = "73699" }, "procedure-list SV101-2 A7:454: procedure 73699 is not in cpt x"},
	{"procedure of HCPCS", func(c *Claim) { c.Lines[0].Code = "J0121" }, "procedure-list SV101-2 A7:454: procedure J0121 is not in hcpcs x"},
	{"known procedure of HCPCS", func(c *Claim) { c.Lines[0].Code = "J0120" }, ""},
	{"dental code", func(c *Claim) { c.Lines[0].Code = "D0121" }, "procedure-list SV101-2 A7:454: procedure D0121 is not in cdt x"},
	{"terminated", func(c *Claim) {
		c.Lines[0].Code, c.Lines[0].From, c.Lines[0].To = "J0170", "2026-03-03", "2026-03-03"
	}, "procedure-list SV101-2 A7:796: procedure J0170 is not valid on 2026-03-03: in hcpcs x it is so until 2026-03-02"},
	{"by the one day that it has", func(c *Claim) { c.Lines[0].Code, c.Lines[0].From, c.Lines[0].To = "J0170", "", "2026-03-03" },
		"service-date DTP03 A6:187: the date of service is missing | procedure-list SV101-2 A7:796: procedure J0170 is not valid on 2026-03-03"},
	{"on its last day, terminated", func(c *Claim) { c.Lines[0].Code = "J0170" }, ""},
	{"modifiers", func(c *Claim) { c.Lines[0].Modifiers = []string{"RT", "ZZ", "25", "99"} },
		"modifier-list SV101-4 A7:453: modifier ZZ is not in hcpcs-modifier x | modifier-list SV101-6 A7:453: modifier 99 is not in cpt-modifier x"},
	{"modifier of anesthesia", func(c *Claim) { c.Lines[0].Modifiers = []string{"P3"} }, "modifier-list SV101-3 A7:453: modifier P3 is not in cpt-modifier x"},
	{"place", func(c *Claim) { c.Place = "12" }, "place-code CLM05-1 A7:249: place of service 12 is not in place x, the list of 2026-03-02"},
	{"place of the line", func(c *Claim) { c.Lines[0].Place = "12" }, "place-code SV105 A7:249: place of service 12 is not in place x"},
	{"taxonomy", func(c *Claim) { c.Billing.Taxonomy = "207Q00001X" }, ""}, // on the day of receipt no list speaks
	{"stay: principal diagnosis", func(c *Claim) { c.Diagnoses[0] = "M54" }, "diagnosis-list HI01-2 A7:772: needs more digits"},
	{"stay: by the day of discharge", func(c *Claim) { c.Diagnoses[0] = "M5450" }, ""},
	{"stay: ended before the discharge", func(c *Claim) { c.Diagnoses[0] = "M5459" }, "diagnosis-list HI01-2 A7:254: not valid on 2026-03-04"},
	{"stay: no stay", func(c *Claim) {
		c.Institutional.Facility, c.Institutional.Admitted, c.Institutional.AdmissionType, c.Institutional.Procedures = "13", "", "", nil
		c.Diagnoses[0] = "M5459" // on the first day of the statement
	}, ""},
	{"stay: other diagnoses", func(c *Claim) {
		c.Diagnoses = append(c.Diagnoses, "M99")
		c.Institutional.Admitting, c.Institutional.Reasons, c.Institutional.External = "M98", []string{"M545", "M97"}, []string{"W19"}
	}, "diagnosis-list HI01-2 A7:255: diagnosis 2 is not | diagnosis-list HI01-2 A7:232: the admitting diagnosis is not | diagnosis-list HI02-2 A7:673: the reason for the visit is not | diagnosis-list HI01-2 A7:509: the external cause is not"},
	{"stay: procedures", func(c *Claim) {
		c.Institutional.Procedures = append(c.Institutional.Procedures, Procedure{"0SR90JY", "2026-03-01"}, Procedure{"0SR90JX", "2026-03-01"})
	}, "inpatient-procedure-list HI01-2 A7:490: procedure 2 of the stay is not in icd-10-pcs x, the list of 2026-03-04 | inpatient-procedure-list HI02-2 A7:490: procedure 3 of the stay is not"},
	{"stay: principal procedure", func(c *Claim) { c.Institutional.Procedures[0].Code = "0SR90JY" }, "inpatient-procedure-list HI01-2 A7:465: procedure 1 of the stay is not in"},
	{"stay: DRG", func(c *Claim) { c.Institutional.DRG = "471" }, "drg-list HI01-2 A7:256: the DRG is not in drg x, the list of 2026-03-04"},
	{"stay: HIPPS", func(c *Claim) { c.Lines[0].Revenue, c.Lines[0].Code = "0022", "AAAA2" }, "procedure-list SV202-2 A7:454: procedure AAAA2 is not in hipps x"},
}

// inHospital are wrong in the lists of the NUBC, which are asked by the day of
// receipt and the statement's: here both lie in March.
var inHospital = []struct {
	name string
	with func(in *Institutional, c *Claim)
	want string
}{
	{"bill type", func(in *Institutional, c *Claim) { in.Facility = "12" }, "bill-type-list CLM05-1 A7:228: the type of bill 121 is not in bill-type x, the list of 2026-03-31"},
	{"revenue code", func(in *Institutional, c *Claim) { c.Lines[1].Revenue = "0999" }, "revenue-list SV201 A7:455: revenue code 0999 is not in revenue x"},
	{"status", func(in *Institutional, c *Claim) { in.PatientStatus = "99" }, "patient-status-list CL103 A7:234: the patient's status is not"},
	{"type of admission", func(in *Institutional, c *Claim) { in.AdmissionType = "4" }, "admission-list CL101 A7:231: the type of admission is not"},
	{"source of admission", func(in *Institutional, c *Claim) { in.AdmissionSource = "Z" }, "admission-list CL102 A7:229: the source of admission is not"},
	{"value", func(in *Institutional, c *Claim) { in.Values = append(in.Values, ValueCode{"Z9", 1}) }, "hospital-code-list HI02-2 A7:725: a value code is not"},
	{"condition", func(in *Institutional, c *Claim) { in.Conditions[0] = "Z9" }, "hospital-code-list HI01-2 A7:460: a condition code is not"},
	{"occurrences", func(in *Institutional, c *Claim) {
		in.Occurred = append(in.Occurred, Occurrence{"70", "2026-03-01", "2026-03-02"}, Occurrence{"Z9", "2026-03-01", ""}, Occurrence{"Z8", "2026-03-01", "2026-03-02"})
	}, "hospital-code-list HI02-2 A7:719: an occurrence code is not | hospital-code-list HI02-2 A7:721: the code of an occurrence span is not"},
	{"taxonomy", func(in *Institutional, c *Claim) { c.Billing.Taxonomy = "207Q00001X" }, "taxonomy-list PRV03 A7:145: taxonomy code 207Q00001X is not in taxonomy x"},
}

// later adds a line of 3 March that points to a diagnosis.
func later(c *Claim, pointer int) {
	l := c.Lines[0]
	l.Number, l.From, l.To, l.Pointers = 2, "2026-03-03", "2026-03-03", []int{pointer}
	c.Lines = append(c.Lines, l)
	c.Charge += l.Charge
}

// heldAgainst wants these problems, "edit element code: words" each, and none where
// their edits are switched off.
func heldAgainst(t *testing.T, name string, c *Claim, received credentials.Date, want string) {
	t.Helper()
	var wants []string
	if want != "" {
		wants = strings.Split(want, " | ")
	}
	edits := Edits{Codes: inMarch}
	got := Check(c, edits, received)
	if len(got) != len(wants) {
		t.Errorf("%s: got %v, want %q", name, got, wants)
		return
	}
	off := Edits{Codes: inMarch, Switched: map[string]bool{}}
	for i, p := range got {
		head, words, _ := strings.Cut(wants[i], ": ")
		if fmt.Sprintf("%s %s %s", p.Edit, p.Element, p.Code) != head || !strings.Contains(p.Message, words) || p.Loop == "" || p.Segment == "" {
			t.Errorf("%s: got %+v, want %s", name, p, wants[i])
		}
		if e, known := EditNamed(p.Edit); !known || e.Level != 5 && e.Name != "service-date" || e.Off {
			t.Errorf("%s: edit %q", name, p.Edit)
		}
		off.Switched[p.Edit] = false
	}
	if got := Check(c, off, received); len(got) > 0 {
		t.Errorf("%s: switched off: %v", name, got)
	}
}

func TestListedCodes(t *testing.T) {
	for _, tt := range listTests {
		c := sample(t, tt.name)
		tt.with(c)
		heldAgainst(t, tt.name, c, "2026-04-01", tt.want)
		if strings.Contains(tt.want, "-list ") && !strings.Contains(tt.want, "service-date") {
			if got := Check(c, Edits{}, "2026-04-01"); len(got) > 0 {
				t.Errorf("%s: without lists: %v", tt.name, got)
			}
		}
	}
	for _, tt := range inHospital {
		c := aStay(t)
		tt.with(c.Institutional, c)
		heldAgainst(t, tt.name, c, "2026-03-31", tt.want)
		// Valid by the day of receipt, it would be taken: here no list speaks of it.
		heldAgainst(t, tt.name+", by another day", c, "2026-04-01", "")
	}
}

// TestListedRequest: an authorization is asked for by codes that exist on a day
// for which it is asked.
func TestListedRequest(t *testing.T) {
	r, _ := aRequest(goldPlan(t), "73610", 1000)
	for _, tt := range []struct{ code, from, until, want string }{
		{"73610", "2026-03-01", "2026-03-31", ""},
		{"73611", "2026-03-01", "2026-03-31", "/items/0/code: procedure 73611 is not in cpt x, the list of 2026-03-01"},
		{"73611", "2026-03-01", "2026-04-30", ""},
		{"J0170", "2026-03-01", "2026-03-31", ""},
		{"J0170", "2026-03-03", "2026-03-31", "/items/0/code: procedure J0170 is not valid on 2026-03-03"},
	} {
		r.Items[0].Code, r.Items[0].From, r.Items[0].Until = tt.code, credentials.Date(tt.from), credentials.Date(tt.until)
		got := ""
		for _, p := range CheckRequest(r, Edits{Codes: inMarch}) {
			got += p.Element + ": " + p.Message
		}
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%+v: got %s", tt, got)
		}
		if off := (Edits{Codes: inMarch, Switched: map[string]bool{"procedure-list": false}}); len(CheckRequest(r, off)) > 0 {
			t.Errorf("%+v: switched off, it is still refused", tt)
		}
	}
}
