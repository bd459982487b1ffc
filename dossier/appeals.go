package dossier

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// checkAppeal opens a provider's appeal of a decision. It stands on no ledger:
// the decision that follows it does.
func (v *verifier) checkAppeal(name string) error {
	h, d, err := open[claims.Appeal](v, name, credentials.KindClaimAppeal, 0)
	if err != nil {
		return err
	}
	if d.subject.Handle != h {
		return found(checkName, "the appeal in it has another handle")
	}
	if err := d.subject.Check(); err != nil {
		return found(checkReview, "%v", err)
	}
	v.appeals[h] = d
	return nil
}

// checkAppeals wants each appeal that set denials aside to be there, from whoever
// sent the claim, against a decision that gave them; and the reviewer's word to be
// an answer to it. A decision that was appealed cannot be the one that follows.
func (v *verifier) checkAppeals(d *document[claims.ClaimDecisionDocument], submitter credentials.DID, answered []claims.Determination) error {
	for i := range answered {
		r := &answered[i]
		if err := v.checkReviewFact(d.entry, d.from, r); err != nil {
			return err
		}
		a := v.appeals[*r.Appeal] // the rules have refused an evidence that names none
		if a == nil {
			return v.need("the appeal that a reviewer answered", fileOf(Appeals, *r.Appeal))
		}
		if a.issuer != submitter {
			return found(checkReview, "%s: another party appealed than sent the claim", a.name)
		}
		before, err := handleOf(v.numbered[turn{r.Subject, r.Number}])
		if err != nil || v.decisions[before] == nil {
			return found(checkSequence, "decision %d, which was appealed, is not in the dossier", r.Number)
		}
		appealed := &v.decisions[before].subject.Decision
		if err := a.subject.Against(appealed); err != nil {
			return found(checkReview, "%s: %v", a.name, err)
		}
		if err := r.Answers(&a.subject, appealed); err != nil {
			return found(checkReview, "the determination on %s: %v", a.name, err)
		}
	}
	return nil
}
