package dossier

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// reversedBy is the decision in the dossier that takes another one back, nil
// where there is none.
func (v *verifier) reversedBy(h credentials.Handle) *document[claims.ClaimDecisionDocument] {
	for _, d := range sortedByName(v.decisions) {
		if r := d.subject.Decision.Reversal; r != nil && r.Document == h {
			return d
		}
	}
	return nil
}

// checkOriginal wants what a decision takes back to be a decision that the same
// insurer has given before on the claim that this one names, of the same
// provider and patient, and nobody else in the dossier to have taken it back.
func (v *verifier) checkOriginal(d *document[claims.ClaimDecisionDocument], c *claims.Claim, e *claims.Evidence) error {
	o := e.Original
	if o == nil {
		return nil
	}
	was := v.decisions[o.Document]
	if was == nil {
		return v.need("the decision that it takes back", fileOf(Decisions, o.Document))
	}
	s := v.submissions[o.Submission]
	if s == nil {
		return v.need("the claim that is taken back", fileOf(Submissions, o.Submission))
	}
	switch {
	case same(&o.Decision, &was.subject.Decision) != nil:
		return found(checkOriginals, "its evidence has another decision than %s, which it takes back", was.name)
	case was.issuer != d.issuer:
		return found(checkOriginals, "it takes back another insurer's decision")
	case s.issuer != v.submissions[d.subject.Decision.Submission].issuer:
		return found(checkOriginals, "it takes back a decision on another submitter's claim")
	case was.entry.proof.Index >= d.entry.proof.Index:
		return found(checkOriginals, "it stands on the ledger before %s, which it takes back", was.name)
	case d.subject.Decision.Final() && v.reversedBy(o.Document) != d:
		return found(checkOriginals, "%s takes back the same decision", v.reversedBy(o.Document).name)
	}
	if o.Submission != d.subject.Decision.Submission {
		named := claims.Change{Known: claims.ControlNumber(o.Submission) == c.OriginalReference, Final: true, Claim: &s.subject.Claim}
		if wrong := named.Check(c, claims.Edits{}); len(wrong) > 0 {
			return found(checkOriginals, "%s", wrong[0].Message)
		}
	}
	return v.checkFirstReceived(o)
}

// checkFirstReceived wants the day from which a correction's timeliness counts
// to be the one on which the evidence of the first decision says that the claim
// came in.
func (v *verifier) checkFirstReceived(o *claims.OriginalFact) error {
	before := v.evidence[o.Document]
	if before == nil {
		return v.need("the evidence of the decision that it takes back", fileOf(Evidence, o.Document))
	}
	want := before.Received
	if before.Original != nil {
		want = min(want, before.Original.Received)
	}
	if o.Received != want {
		return found(checkOriginals, "it counts from %s, and what it takes back came in on %s", o.Received, want)
	}
	return nil
}
