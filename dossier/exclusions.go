package dossier

import (
	"path"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// extExclusions ends the file of a list of excluded providers, so that nobody takes
// one for a fee schedule.
const extExclusions = ".exclusions"

// An exclusionList is a published list, with its place on the ledger.
type exclusionList struct {
	edition[exclusions.List]
	entry *recorded
}

func (v *verifier) checkExclusionList(name string) error {
	r, err := v.placed(checkEdition, name, ledger.KindExclusionList)
	if err != nil {
		return err
	}
	l, err := exclusions.Parse(v.files[name])
	if err != nil {
		return found(checkEdition, "%v", err)
	}
	if want := path.Join(Editions, l.Name+"-"+l.Edition+extExclusions); name != want {
		return found(checkName, "it is the edition %s", want)
	}
	v.lists[l.Digest] = &exclusionList{edition[exclusions.List]{name, r.entry.Issuer(), l}, r}
	return nil
}

// checkExclusions asks the list that the evidence names again. The whole list is in the
// dossier, since only the whole of it shows that somebody is not on it.
func (v *verifier) checkExclusions(d *document[claims.ClaimDecisionDocument], c *claims.Claim, plan *claims.Plan, e *claims.Evidence) error {
	f, signed := e.ExclusionList, credentials.DateOf(d.from.UTC())
	switch {
	case f == nil: // where the plan wants them, the rules have asked for the facts
		return nil
	case c.Frequency == claims.Void:
		return found(checkExclusion, "its evidence asks who is excluded, of a claim that is taken back")
	case f.On > signed:
		return found(checkExclusion, "its evidence was asked on %s, after it was signed", f.On)
	}
	var list *exclusions.List
	if f.List != nil {
		l := v.lists[f.List.Digest]
		switch {
		case l == nil:
			return v.need("the list of excluded providers that it names", editionFile(*f.List, extExclusions))
		case l.body.Ref() != *f.List:
			return found(checkEdition, "it names the list %q %q by the digest of another one", f.List.Name, f.List.Edition)
		case l.insurer != d.issuer:
			return found(checkEdition, "another insurer has published its list of excluded providers")
		}
		list = l.body
		// The day on which the list was asked is the insurer's word, and has to be near.
		if near := credentials.DateOf(d.from.UTC().Add(-maxPatience)); f.AsOf.AddDays(plan.Providers.ExclusionListMaxAge) < near && !waitsForList(&d.subject.Decision) {
			return found(checkExclusion, "the list was older than %d days when it was signed", plan.Providers.ExclusionListMaxAge)
		}
	}
	if same(list.Facts(c, e, f.On), f) != nil {
		return found(checkExclusion, "the list says something else of those who had a part in the claim than its evidence does")
	}
	return v.checkNewest(d, plan, list)
}

func waitsForList(d *claims.Decision) bool {
	for _, p := range d.Pends {
		if p.Reason == claims.PendExclusionList {
			return true
		}
	}
	return false
}

// checkNewest wants no newer list in the dossier that was published long before the
// decision was signed.
func (v *verifier) checkNewest(d *document[claims.ClaimDecisionDocument], plan *claims.Plan, asked *exclusions.List) error {
	for _, l := range v.lists {
		if l.insurer != d.issuer || l.body.Name != plan.Providers.ExclusionList || asked != nil && l.body.AsOf <= asked.AsOf {
			continue
		}
		if l.entry.proof.Known.Add(maxPatience).Before(d.from) {
			return found(checkExclusion, "a newer list was published before it was signed: %s", l.name)
		}
	}
	return nil
}
