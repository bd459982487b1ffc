package dossier

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// checkQuestion checks a claim that a hospital signed only to ask about it. It
// stands on no ledger and is no claim: no decision may answer it.
func (v *verifier) checkQuestion(name string) error {
	h, d, err := open[claims.Submission](v, name, credentials.KindEstimateRequest, 0)
	if err != nil {
		return err
	}
	if d.subject.Handle != h {
		return found(checkName, "the question in it has another handle")
	}
	v.questions[h] = d
	return nil
}

// checkEstimate wants an estimate to answer a question in the dossier, and to
// balance. What the insurer knew is not here, so it is not computed again.
func (v *verifier) checkEstimate(name string) error {
	h, d, err := open[claims.ClaimEstimate](v, name, credentials.KindClaimEstimate, 0)
	if err != nil {
		return err
	}
	e := &d.subject
	if e.Handle != h {
		return found(checkName, "the estimate in it has another handle")
	}
	q := v.questions[e.Estimate.Submission]
	if q == nil {
		return v.need("the question that it answers", fileOf(Questions, e.Estimate.Submission))
	}
	if err := e.Answers(&q.subject, credentials.DocumentDigest(q.token)); err != nil {
		return found(checkBalance, "%v", err)
	}
	v.report.Estimates++
	return nil
}
