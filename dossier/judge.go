package dossier

import (
	"bytes"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/credentials"
)

// judgeClaim asks whether the decision follows: from the claim that the
// hospital signed, the editions that the insurer published and the evidence
// that the decision names, by the rules; and whether that evidence agrees with
// the documents in the dossier.
func (v *verifier) judgeClaim(name string) error {
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	d := v.decisions[h]
	doc := &d.subject
	s := v.submissions[doc.Decision.Submission]
	if s == nil {
		return v.need("the submission that it answers", fileOf(Submissions, doc.Decision.Submission))
	}
	if doc.Submission != credentials.DocumentDigest(s.token) {
		return found(checkLedger, "it answers another submission than %s: their digests differ", s.name)
	}
	e := v.evidence[h]
	if e == nil {
		return v.need("its evidence", fileOf(Evidence, h))
	}
	plan, err := v.planOf(doc.Decision.Plan, d.issuer)
	if err != nil {
		return err
	}
	fees, err := v.feesOf(doc.Decision.Fees, d.issuer)
	if err != nil {
		return err
	}
	claim := &s.subject.Claim
	again, err := claims.Adjudicate(claim, plan, e)
	if err != nil {
		return found(checkRecompute, "the rules give no decision: %v", err)
	}
	if err := same(again, &doc.Decision); err != nil {
		return err
	}
	v.reproduced[name] = true
	var takesBack credentials.Handle
	if e.Original != nil {
		takesBack = e.Original.Document
	}
	if err := v.follows(turn{doc.Decision.Submission, doc.Decision.Number}, d.entry, "", takesBack, d.subject.Supersedes, d.status); err != nil {
		return err
	}
	if err := v.checkReviewFact(d.entry, d.from, e.Review); err != nil {
		return err
	}
	if err := v.checkLetters(s.issuer, e.Review); err != nil {
		return err
	}
	if err := v.checkAppeals(d, s.issuer, e.Appeals); err != nil {
		return err
	}
	if err := v.checkExclusions(d, claim, plan, e); err != nil {
		return err
	}
	if claim.Frequency != claims.Void { // which has no lines of its own to price
		if err := checkPrices(claim, plan, e, fees); err != nil {
			return err
		}
	}
	if err := v.checkOriginal(d, claim, e); err != nil {
		return err
	}
	for i := range e.Lines {
		if err := v.checkLine(d, claim, &e.Lines[i]); err != nil {
			return err
		}
	}
	if err := v.checkStay(d, claim, e.Stay); err != nil {
		return err
	}
	if err := v.checkSignatures(d.entry, d.from, d.issuer, claim.ClinicalContent, e.Signatures); err != nil {
		return err
	}
	if err := v.checkDraws(d); err != nil {
		return err
	}
	v.verified[name] = true
	return nil
}

// judgeAuthorization is the same for a decision on a request.
func (v *verifier) judgeAuthorization(name string) error {
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	d := v.authorizations[h]
	doc := &d.subject
	s := v.requests[doc.Decision.Submission]
	if s == nil {
		return v.need("the request that it answers", fileOf(Submissions, doc.Decision.Submission))
	}
	if doc.Submission != credentials.DocumentDigest(s.token) {
		return found(checkLedger, "it answers another request than %s: their digests differ", s.name)
	}
	e := v.authEvidence[h]
	if e == nil {
		return v.need("its evidence", fileOf(Evidence, h))
	}
	plan, err := v.planOf(doc.Decision.Plan, d.issuer)
	if err != nil {
		return err
	}
	again, err := claims.Authorize(&s.subject.Request, plan, e)
	if err != nil {
		return found(checkRecompute, "the rules give no decision: %v", err)
	}
	if err := same(again, &doc.Decision); err != nil {
		return err
	}
	v.reproduced[name] = true
	if err := v.follows(turn{doc.Decision.Submission, doc.Decision.Number}, d.entry, e.Before, credentials.Handle{}, d.subject.Supersedes, d.status); err != nil {
		return err
	}
	if err := v.checkUnitsBefore(turn{doc.Decision.Submission, doc.Decision.Number}, &s.subject.Request, e); err != nil {
		return err
	}
	if err := v.checkReviewFact(d.entry, d.from, e.Review); err != nil {
		return err
	}
	if err := v.checkLetters(s.issuer, e.Review); err != nil {
		return err
	}
	for i := range e.Standings {
		if err := v.checkItem(d, &s.subject.Request, i, &e.Standings[i]); err != nil {
			return err
		}
	}
	if err := v.checkSignatures(d.entry, d.from, d.issuer, s.subject.Request.ClinicalContent, e.Signatures); err != nil {
		return err
	}
	v.verified[name] = true
	return nil
}

// same compares two decisions by their canonical form (RFC 8785).
func same(again, signed any) error {
	a, err := credentials.CanonicalJSON(again)
	if err != nil {
		return found(checkRecompute, "%v", err)
	}
	b, err := credentials.CanonicalJSON(signed)
	if err != nil {
		return found(checkRecompute, "%v", err)
	}
	if !bytes.Equal(a, b) {
		return found(checkRecompute, "the rules give another decision from this claim, these editions and this evidence")
	}
	return nil
}

// planOf finds the plan edition that a decision names, as its insurer has
// published it.
func (v *verifier) planOf(ref claims.EditionRef, insurer credentials.DID) (*claims.Plan, error) {
	p := v.plans[ref.Digest]
	if p == nil {
		return nil, v.need("the plan edition that it names", editionFile(ref, ".yaml"))
	}
	if p.body.Ref() != ref {
		return nil, found(checkEdition, "it names the plan edition %q %q by the digest of another one", ref.Name, ref.Edition)
	}
	if p.insurer != insurer {
		return nil, found(checkEdition, "another insurer has published its plan edition")
	}
	return p.body, nil
}

func (v *verifier) feesOf(ref claims.EditionRef, insurer credentials.DID) (*pricing.Fees, error) {
	f := v.fees[ref.Digest]
	if f == nil {
		return nil, v.need("the fee schedule that it names", editionFile(ref, ".csv"))
	}
	if f.name != editionFile(ref, ".csv") {
		return nil, found(checkEdition, "it names the fee schedule %q %q by the digest of %s", ref.Name, ref.Edition, f.name)
	}
	if f.insurer != insurer {
		return nil, found(checkEdition, "another insurer has published its fee schedule")
	}
	return f.body, nil
}

// checkUnitsBefore wants the evidence to say what the decision before approved,
// where that was fewer units than were asked for.
func (v *verifier) checkUnitsBefore(t turn, r *claims.AuthorizationRequest, e *claims.AuthorizationEvidence) error {
	var want claims.Quantity
	if h, err := handleOf(v.numbered[turn{t.submission, t.number - 1}]); err == nil && e.Before == claims.AuthorizationApproved {
		if last := v.authorizations[h]; last != nil && len(r.Items) == 1 && last.subject.Decision.Items[0].Units < r.Items[0].Units {
			want = last.subject.Decision.Items[0].Units
		}
	}
	if e.BeforeUnits != want {
		return found(checkSequence, "its evidence says that the decision before approved %s units, it was %s", e.BeforeUnits, want)
	}
	return nil
}

func editionFile(ref claims.EditionRef, ext string) string {
	return Editions + "/" + ref.Name + "-" + ref.Edition + ext
}

// follows wants the decision before this one: there is no gap, and only a
// pended claim, or a pended or approved authorization, is decided again, or a claim
// whose decision before is taken back. Where
// it names what it supersedes, that is the one; a decision that has a status
// has to name it.
func (v *verifier) follows(t turn, r *recorded, before claims.AuthorizationOutcome, takesBack credentials.Handle, supersedes *credentials.Handle, status []credentials.StatusEntry) error {
	if t.number == 1 {
		switch {
		case before != "":
			return found(checkSequence, "it is the first decision, and its evidence speaks of one before")
		case supersedes != nil:
			return found(checkSequence, "it is the first decision, and names one that it supersedes")
		}
		return nil
	}
	name := v.numbered[turn{t.submission, t.number - 1}]
	if name == "" {
		return found(checkSequence, "decision %d on its submission is not in the dossier, this is number %d", t.number-1, t.number)
	}
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	switch {
	case supersedes != nil && *supersedes != h:
		return found(checkSequence, "it supersedes %s, and decision %d on its submission is %s", supersedes, t.number-1, h)
	case supersedes == nil && len(status) > 0:
		return found(checkSequence, "it does not say that it supersedes %s, decision %d on its submission", h, t.number-1)
	}
	last := v.entries[h]
	if d := v.decisions[h]; d != nil && d.subject.Decision.Outcome != claims.Pended && takesBack != h {
		return found(checkSequence, "decision %d on the claim was final (%s)", t.number-1, d.subject.Decision.Outcome)
	}
	if d := v.authorizations[h]; d != nil {
		switch outcome := d.subject.Decision.Outcome; {
		case outcome.Ended():
			return found(checkSequence, "decision %d on the request was final (%s)", t.number-1, outcome)
		case outcome != before:
			return found(checkSequence, "its evidence says that the decision before was %q, it was %q", before, outcome)
		}
	}
	if last == nil || last.proof.Index >= r.proof.Index {
		return found(checkSequence, "it stands on the ledger before decision %d on its submission", t.number-1)
	}
	return nil
}
