package claims

import "github.com/countersign-health/countersign/credentials"

// A CodeKind is a code set whose publisher says which codes there are on a day.
// Package claims/codelist reads the lists; Check asks them through Edits.Codes.
type CodeKind string

// The kinds of which an insurer or a hospital may have lists.
const (
	KindICD10CM         CodeKind = "icd-10-cm"
	KindICD10PCS        CodeKind = "icd-10-pcs"
	KindHCPCS           CodeKind = "hcpcs" // level II but for dental codes
	KindHCPCSModifier   CodeKind = "hcpcs-modifier"
	KindCPT             CodeKind = "cpt"
	KindCPTModifier     CodeKind = "cpt-modifier"
	KindCDT             CodeKind = "cdt"
	KindHIPPS           CodeKind = "hipps"
	KindPlace           CodeKind = "place"
	KindTaxonomy        CodeKind = "taxonomy"
	KindRevenue         CodeKind = "revenue"
	KindBillType        CodeKind = "bill-type" // three digits: facility and frequency
	KindDRG             CodeKind = "drg"
	KindPatientStatus   CodeKind = "patient-status"
	KindAdmissionType   CodeKind = "admission-type"
	KindAdmissionSource CodeKind = "admission-source"
	KindValue           CodeKind = "value"
	KindOccurrence      CodeKind = "occurrence"
	KindOccurrenceSpan  CodeKind = "occurrence-span"
	KindCondition       CodeKind = "condition"
)

// A CodeKindFacts is what is known of a kind without any list.
type CodeKindFacts struct {
	Kind CodeKind
	Edit string // that its lists decide
	// Public says that the list may be handed on: the work of a government agency.
	// Others belong to the AMA, the ADA, the NUBC, the NUCC or a grouper's maker,
	// and each house brings its own.
	Public bool
	fits   func(string) bool
}

// CodeKinds are all kinds, in the order in which people are told of them.
var CodeKinds = []CodeKindFacts{
	{KindICD10CM, "diagnosis-list", true, diagnosisCode},
	{KindICD10PCS, "inpatient-procedure-list", true, procedureICD10},
	{KindHCPCS, "procedure-list", true, ofProcedureKind(KindHCPCS)},
	{KindCPT, "procedure-list", false, ofProcedureKind(KindCPT)},
	{KindCDT, "procedure-list", false, ofProcedureKind(KindCDT)},
	{KindHIPPS, "procedure-list", true, alphanumeric(5)},
	{KindHCPCSModifier, "modifier-list", true, func(s string) bool { return modifierCode(s) && modifierKind(s) == KindHCPCSModifier }},
	{KindCPTModifier, "modifier-list", false, func(s string) bool { return modifierCode(s) && modifierKind(s) == KindCPTModifier }},
	{KindPlace, "place-code", true, numeric(2)},
	{KindTaxonomy, "taxonomy-list", false, taxonomyCode},
	{KindRevenue, "revenue-list", false, numeric(4)},
	{KindBillType, "bill-type-list", false, func(s string) bool { return alphanumeric(3)(s) && digits(s[:2]) }},
	{KindDRG, "drg-list", false, numeric(3)},
	{KindPatientStatus, "patient-status-list", false, numeric(2)},
	{KindAdmissionType, "admission-list", false, alphanumeric(1)},
	{KindAdmissionSource, "admission-list", false, alphanumeric(1)},
	{KindValue, "hospital-code-list", false, alphanumeric(2)},
	{KindOccurrence, "hospital-code-list", false, alphanumeric(2)},
	{KindOccurrenceSpan, "hospital-code-list", false, alphanumeric(2)},
	{KindCondition, "hospital-code-list", false, alphanumeric(2)},
}

// Facts finds what is known of a kind; false for a kind that there is none of.
func (k CodeKind) Facts() (CodeKindFacts, bool) {
	for _, f := range CodeKinds {
		if f.Kind == k {
			return f, true
		}
	}
	return CodeKindFacts{}, false
}

// Fits says whether a code has the form of those of the kind.
func (f *CodeKindFacts) Fits(code string) bool { return f.fits(code) }

// OfKind says whether a code has the form of those of a kind.
func OfKind(kind CodeKind, code string) bool {
	f, known := kind.Facts()
	return known && f.fits(code)
}

// CodeState is what the lists of a kind say of a code on a day.
type CodeState int

const (
	CodeNoList     CodeState = iota // there is no list of the kind
	CodeNotCovered                  // no list of the kind speaks of the day
	CodeValid
	CodeUnknown
	CodeHeading // a heading, with more digits below it
	CodeEarly   // not yet valid
	CodeEnded   // no longer valid
)

// A CodeAnswer is a state with the list that says so.
type CodeAnswer struct {
	State CodeState
	List  string           // "icd-10-cm 2026"
	Bound credentials.Date // of CodeEarly the first day, of CodeEnded the last
}

// wrong says whether a list was asked and does not have the code.
func (a CodeAnswer) wrong() bool { return a.State > CodeValid }

// procedureKind is whose list has a procedure code: dental codes look like HCPCS
// codes, and CMS's list is without them.
func procedureKind(code string) CodeKind {
	switch shape := codeShape(code); {
	case shape == "Dd":
		return KindCDT
	case len(shape) == 2 && shape[1] == 'd':
		return KindHCPCS
	}
	return KindCPT
}

func ofProcedureKind(kind CodeKind) func(string) bool {
	return func(s string) bool { return procedureCode(s) && procedureKind(s) == kind }
}

// modifierKind is whose list has a modifier: those that begin with a digit, and P1
// to P6 of anesthesia, are of CPT.
func modifierKind(m string) CodeKind {
	if digits(m[:1]) || m[0] == 'P' && '1' <= m[1] && m[1] <= '6' {
		return KindCPTModifier
	}
	return KindHCPCSModifier
}

func numeric(n int) func(string) bool {
	return func(s string) bool { return len(s) == n && digits(s) }
}

func alphanumeric(n int) func(string) bool {
	return func(s string) bool {
		if len(s) != n {
			return false
		}
		for i := range len(s) {
			if c := s[i : i+1]; !digits(c) && !letter(c) {
				return false
			}
		}
		return true
	}
}

// taxonomyCode has ten characters, the last an X.
func taxonomyCode(s string) bool { return alphanumeric(10)(s) && s[9] == 'X' }
