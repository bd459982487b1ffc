package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// SignatureRules say for what a plan's edition wants the clinician's own
// signature, and how old it may be.
type SignatureRules struct {
	AllAuthorizations bool
	Authorizations    CodeSet
	Claims            CodeSet
	// WithinDays is how many days may lie between signing and its coming in.
	WithinDays int
	// Professions may sign, as licenses name them; any where there are none.
	Professions []string
}

// ofAuthorization says whether a request for a code needs a signature.
func (r *SignatureRules) ofAuthorization(code string) bool {
	return r != nil && (r.AllAuthorizations || r.Authorizations.Has(code))
}

// ofClaim says whether a claim's line with a code needs a signature.
func (r *SignatureRules) ofClaim(code string) bool { return r != nil && r.Claims.Has(code) }

const ruleSignature = "clinician-signature"

// countersigned is what the signatures upon a submission come to, for one
// service: Pend is empty where one is good. Where it is PendSignature, that is
// certain.
type countersigned struct {
	pend PendReason
	why  string
}

// countersigned looks among the signatures for one by which the clinician who is
// named ordered a service in a state. What is not known for certain waits, and is
// never held against anybody.
func (r *SignatureRules) countersigned(all []SignatureFact, npi credentials.NPI, state string) countersigned {
	best := countersigned{PendSignature, "no clinician has signed for it"}
	for i := range all {
		if c := r.judge(&all[i], npi, state); weightOf(c.pend) > weightOf(best.pend) || c.pend == best.pend {
			best = c
		}
	}
	return best
}

// weightOf orders what several signatures come to: a good one wins, then one
// that a person can let pass, then one of which too little is known.
func weightOf(p PendReason) int {
	return slices.Index([]PendReason{PendSignature, PendStanding, PendRestriction, ""}, p)
}

func (r *SignatureRules) judge(f *SignatureFact, npi credentials.NPI, state string) countersigned {
	no := func(format string, args ...any) countersigned {
		return countersigned{PendSignature, fmt.Sprintf(format, args...)}
	}
	day := f.SignedOn()
	switch {
	case f.Verdict.Outcome == credentials.NotKnown:
		return countersigned{PendStanding, f.Verdict.Why}
	case !f.Standing.Fresh: // the key may have been replaced, or its replacement voided
		return countersigned{PendStanding, "the board's feed was not current when it was read"}
	case !f.Verdict.IsGood():
		return no("%s", f.Verdict.Why)
	case npi == "" || f.Standing.NPI != npi:
		return no("another clinician has signed for it than the one who is named")
	case f.Standing.State != state:
		return no("it was signed under a license of %s, the service is in %s", f.Standing.State, state)
	case f.Under.Answer == credentials.MayNot:
		return no("the license did not stand on %s, when it was signed (%s)", day, f.Under.Reason)
	case !f.Under.Answer.Certain():
		return countersigned{PendStanding, fmt.Sprintf("no certain answer about the license on %s, when it was signed: %s", day, f.Under.Reason)}
	case len(r.Professions) > 0 && !slices.Contains(r.Professions, f.Profession):
		return no("the plan does not take the signature of this profession for it")
	case day.DaysUntil(credentials.DateOf(f.Received.UTC())) > r.WithinDays:
		return no("it was signed on %s, more than %d days before it came in", day, r.WithinDays)
	case f.Under.Answer == credentials.MayRestricted:
		return countersigned{PendRestriction, fmt.Sprintf("the license was restricted (%s) on %s, when it was signed", f.Under.Restrictions, day)}
	}
	return countersigned{"", fmt.Sprintf("NPI %s signed for it on %s", npi, day)}
}

// signature: for what the plan names, the clinician who rendered the line has
// signed for it (CARC 16 with RARC MA81). A plan that names nothing has no such
// step. Without one the line waits, and is denied only where the edition lists 16.
func (a *adjudication) signature(w *work) bool {
	rules := a.plan.ClinicianSignature
	if !rules.ofClaim(w.line.Code) {
		return true
	}
	terms := a.plan.terms()
	c := rules.countersigned(a.evidence.Signatures, w.fact.Standing.NPI, a.claim.StateOf(w.line))
	switch {
	case c.pend == "":
		return w.pass(ruleSignature, terms, c.why)
	case c.pend == PendSignature && (a.plan.MayDeny(CARCIncomplete) || a.refused()):
		return a.deny(w, ruleSignature, terms, CARCIncomplete, RARCSignature, c.why)
	case c.pend == PendSignature:
		return a.pend(w, ruleSignature, terms, PendSignature, c.todo())
	}
	return a.pend(w, ruleSignature, terms, c.pend, c.why)
}

// todo tells what is missing and how to bring it.
func (c countersigned) todo() string {
	return c.why + "; have the clinician who is named sign it with the key of their license, and send it again with the signature"
}

// signature is the same for an item of a request. A reviewer needs nobody's
// signature to refuse.
func (a *itemAsked) signature() (item ItemDecision, pend *Pend, ok bool) {
	rules := a.plan.ClinicianSignature
	if !rules.ofAuthorization(a.Code) {
		return item, nil, true
	}
	review := a.evidence.Review
	c := rules.countersigned(a.evidence.Signatures, a.standing.First.NPI, a.standing.First.State)
	if o := a.ordering; o != nil && c.pend != "" { // whoever orders it may sign as well as whoever gives it
		if by := rules.countersigned(a.evidence.Signatures, o.NPI, a.standing.First.State); weightOf(by.pend) > weightOf(c.pend) {
			c = by
		}
	}
	switch {
	case c.pend == "", c.pend == PendRestriction && review != nil:
		return item, nil, true
	case review != nil && !review.Approve:
		item = a.item(AuthorizationDenied, ActionNotCertified, "review", review.Reason)
	case c.pend == PendSignature && a.plan.MayDeny(CARCIncomplete):
		item, pend = a.deny(ruleSignature, CARCIncomplete, "clinician-signature-missing")
	default:
		item, pend = a.pend(ruleSignature, c.pend)
		pend.Note = c.why
		if c.pend == PendSignature {
			pend.Note = c.todo()
		}
	}
	return item, pend, false
}
