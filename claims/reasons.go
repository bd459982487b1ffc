package claims

import "slices"

// Claim adjustment reason codes (CARC, X12 external code list 139) that these
// rules use. The code list's own texts are copyright; Words has ours.
const (
	CARCDeductible            = "1"
	CARCCoinsurance           = "2"
	CARCCopay                 = "3"
	CARCModifier              = "4"
	CARCPlace                 = "5"
	CARCAge                   = "6"
	CARCSex                   = "7"
	CARCDiagnosis             = "11"
	CARCAuthorizationInvalid  = "15"
	CARCIncomplete            = "16"
	CARCDuplicate             = "18"
	CARCBeforeCoverage        = "26"
	CARCAfterCoverage         = "27"
	CARCLateFiling            = "29"
	CARCNotMember             = "31"
	CARCContractual           = "45"
	CARCAssistant             = "54"
	CARCSeveral               = "59"
	CARCAboveCharge           = "94"
	CARCExcluded              = "96"
	CARCIncluded              = "97"
	CARCNoPrimary             = "107"
	CARCOtherPayer            = "109"
	CARCBenefitReached        = "119"
	CARCDiagnosisExcluded     = "167"
	CARCAuthorizationAbsent   = "197"
	CARCAuthorizationExceeded = "198"
	CARCCoverageGap           = "200"
	CARCNotContracted         = "242"
	CARCSequestration         = "253"
	CARCNotLicensed           = "B7"
)

// RARCPlanExcludes goes with CARC 96, which must not stand alone.
const RARCPlanExcludes = "N130"

// RARCSignature goes with CARC 16, which must not stand alone either: it is the
// clinician's signature that is missing or wrong.
const RARCSignature = "MA81"

// An adjustmentReason says who bears an amount and why. Denial marks the codes
// by which a whole line is refused, as against shared or written off.
type adjustmentReason struct {
	carc   string
	group  Group
	denial bool
	words  string
}

// adjustmentReasons is the one table of codes. A service that the plan does not
// cover at all is OA: the plan owes nothing, and does not judge what the
// patient owes the provider for it. PR is kept for cost sharing, so that what
// the patient owes under a decision never exceeds what the plan allows.
var adjustmentReasons = []adjustmentReason{
	{CARCDeductible, Patient, false, "goes to the deductible"},
	{CARCCoinsurance, Patient, false, "the patient's percentage"},
	{CARCCopay, Patient, false, "the patient's fixed amount for this kind of service"},
	{CARCContractual, Contractual, false, "above what the plan allows; the provider writes it off"},
	{CARCAuthorizationInvalid, Contractual, true, "the prior authorization named does not cover this service"},
	{CARCIncomplete, Contractual, true, "something that the service needs is missing or wrong; the remark says what"},
	{CARCDuplicate, Contractual, true, "this service was already claimed"},
	{CARCBeforeCoverage, OtherAdjust, true, "the service was given before coverage began"},
	{CARCAfterCoverage, OtherAdjust, true, "the service was given after coverage ended"},
	{CARCLateFiling, Contractual, true, "the claim came after the plan's filing limit"},
	{CARCNotMember, OtherAdjust, true, "the patient could not be found as a member"},
	{CARCExcluded, OtherAdjust, true, "the plan does not cover this service"},
	{CARCAuthorizationAbsent, Contractual, true, "the service needs a prior authorization and none is named"},
	{CARCAuthorizationExceeded, Contractual, true, "the prior authorization has too few units left"},
	{CARCCoverageGap, OtherAdjust, true, "the service was given while coverage had lapsed"},
	{CARCNotLicensed, Contractual, true, "the provider was not licensed there, or may not be paid, on that day"},
}

// laterReasons are those that rules/2 uses besides.
var laterReasons = []adjustmentReason{
	{CARCModifier, Contractual, true, "a modifier does not go with the service, or one is missing"},
	{CARCPlace, Contractual, true, "the service is not covered at that place"},
	{CARCAge, Contractual, true, "the service does not go with the patient's age"},
	{CARCSex, Contractual, true, "the service does not go with the patient's sex"},
	{CARCDiagnosis, Contractual, true, "the service does not go with the diagnosis"},
	{CARCAssistant, Contractual, true, "no second person is paid for this procedure"},
	{CARCSeveral, Contractual, false, "reduced beside other procedures or persons"},
	{CARCIncluded, Contractual, true, "part of another service that was paid"},
	{CARCAboveCharge, Contractual, false, "what the contract pays beyond the charge; an amount below zero"},
	{CARCNoPrimary, Contractual, true, "the service beside which this one is paid is missing or refused"},
	{CARCOtherPayer, OtherAdjust, true, "the claim belongs to another payer"},
	{CARCBenefitReached, OtherAdjust, true, "the plan's limit for this service is reached"},
	{CARCDiagnosisExcluded, OtherAdjust, true, "the plan does not cover this diagnosis"},
	{CARCNotContracted, Contractual, true, "who bills has no contract with the plan on that day"},
	{CARCSequestration, Contractual, false, "held back of the payment by federal law"},
}

// clinicalDenials are the CARCs of medical necessity. No machine may use them,
// whatever a plan says: they take a licensed person (42 CFR 422.566(d)).
var clinicalDenials = []string{"50", "55", "56"}

// reasonFor finds a code's row, nil where no released rules use the code.
func reasonFor(carc string) *adjustmentReason {
	for _, table := range [][]adjustmentReason{adjustmentReasons, laterReasons} {
		for i := range table {
			if table[i].carc == carc {
				return &table[i]
			}
		}
	}
	return nil
}

// denies says whether an edition of the rules gives a denial.
func denies(rules, carc string) bool {
	later := slices.ContainsFunc(laterReasons, func(r adjustmentReason) bool { return r.carc == carc })
	return IsDenial(carc) && (rules != Rules1 || !later)
}

// GroupOf is the group that these rules use with a CARC.
func GroupOf(carc string) (Group, bool) {
	if r := reasonFor(carc); r != nil {
		return r.group, true
	}
	return "", false
}

// Words says in our own plain words what a CARC means, "" for one that these
// rules never use.
func Words(carc string) string {
	if r := reasonFor(carc); r != nil {
		return r.words
	}
	return ""
}

// IsDenial says whether a CARC refuses a whole line.
func IsDenial(carc string) bool {
	r := reasonFor(carc)
	return r != nil && r.denial
}

// IsClinical says whether a CARC denies for medical necessity.
func IsClinical(carc string) bool { return slices.Contains(clinicalDenials, carc) }

// A PendReason says what a claim or a request waits for.
type PendReason string

const (
	PendNearDuplicate PendReason = "near-duplicate"       // a person compares the two services
	PendUnpriced      PendReason = "price-unknown"        // a person accepts the charge as the price
	PendNobodyNamed   PendReason = "clinician-not-named"  // the claim or the roster must name who rendered it
	PendStanding      PendReason = "standing-unknown"     // the board must be heard
	PendRestriction   PendReason = "license-restricted"   // a person holds the service against the board's restrictions
	PendAuthorization PendReason = "authorization-pended" // the prior authorization must be decided first
	PendPlanEdition   PendReason = "plan-edition"         // another edition was in force that day
	PendDenial        PendReason = "denial-needs-person"  // the plan does not let the machine give this denial
	PendSignature     PendReason = "clinician-signature"  // the clinician has to sign with the key of their license
	PendTerm          PendReason = "plan-term"            // a term of the plan leaves it to a person
	PendReview        PendReason = "review"               // a reviewer must decide the request
	PendInstitutional PendReason = "institutional-terms"  // no edition says yet what a hospital's claim comes to
	PendOriginal      PendReason = "original-replaced"    // another correction took the place of the claim that this one replaces
	PendLate          PendReason = "late-with-reason"     // a person weighs why the claim came late
	PendPatient       PendReason = "patient-unknown"      // the claim does not say the patient's age or sex
	PendExclusionList PendReason = "exclusion-list"       // a recent edition of the exclusion list has to be published
	PendWaiver        PendReason = "exclusion-waiver"     // a person holds the service against what an exclusion is waived for
)

// ClearedByReview says whether an approving determination settles the reason.
// A license is never a matter of opinion: what a board has not said, no
// reviewer can say for it.
func (r PendReason) ClearedByReview() bool {
	switch r {
	case PendNearDuplicate, PendUnpriced, PendReview, PendRestriction, PendPatient, PendTerm, PendOriginal, PendLate, PendWaiver:
		return true
	}
	return false
}

// Words says in plain words what is waited for.
func (r PendReason) Words() string {
	switch r {
	case PendNearDuplicate:
		return "a very similar service was claimed before; a person has to compare them"
	case PendUnpriced:
		return "the fee schedule has no price for this service; a person has to accept the charge"
	case PendNobodyNamed:
		return "nobody is named who gave the service"
	case PendStanding:
		return "whether the clinician may practice there on that day is not known for certain"
	case PendRestriction:
		return "the clinician's license is restricted; a person has to hold the service against the restrictions"
	case PendAuthorization:
		return "the prior authorization is not decided yet"
	case PendPlanEdition:
		return "another edition of the plan is in force on that day"
	case PendDenial:
		return "the plan leaves this denial to a person"
	case PendSignature:
		return "the clinician has to sign for it with the key of their license"
	case PendTerm:
		return "a term of the plan leaves this service to a person"
	case PendReview:
		return "a reviewer has to decide"
	case PendInstitutional:
		return "it is a hospital's claim (837I), and no edition of the plan says what a stay or a visit comes to"
	case PendOriginal:
		return "another correction has already taken the place of the claim that it names; a person has to say which one counts"
	case PendLate:
		return "the claim came late and says why; a person has to weigh it"
	case PendPatient:
		return "the claim does not say the patient's age or sex, which the service depends on"
	case PendExclusionList:
		return "whether anybody who had a part in it is excluded from payment is not known: the list is missing or too old"
	case PendWaiver:
		return "somebody who had a part in it is excluded, with a waiver for the state; a person has to see what it is for"
	}
	return string(r)
}
