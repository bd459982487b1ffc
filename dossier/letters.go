package dossier

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// checkLetter opens a word about a submission that waited. It stands on no
// ledger: the decision that follows the reviewer's does.
func (v *verifier) checkLetter(name string) error {
	h, d, err := open[claims.Letter](v, name, credentials.KindSubmissionLetter, 0)
	if err != nil {
		return err
	}
	if d.subject.Handle != h {
		return found(checkName, "the letter in it has another handle")
	}
	if err := d.subject.Check(); err != nil {
		return found(checkReview, "%v", err)
	}
	v.letters[h] = d
	return nil
}

// checkLetters wants the letters that a reviewer had to be there: about that submission,
// from whoever sent it or from a reviewer.
func (v *verifier) checkLetters(submitter credentials.DID, r *claims.Determination) error {
	if r == nil {
		return nil
	}
	for _, h := range r.Letters {
		l := v.letters[h]
		if l == nil {
			return v.need("a letter that the reviewer had", fileOf(Letters, h))
		}
		if err := r.Read(&l.subject); err != nil {
			return found(checkReview, "%s: %v", l.name, err)
		}
		if l.issuer == submitter {
			continue
		}
		if p, err := v.registry.PartyOf(l.issuer); err != nil || p.Role != ledger.RoleReviewer {
			return found(checkReview, "%s: it is neither from whoever submitted nor from a reviewer", l.name)
		}
	}
	return nil
}
