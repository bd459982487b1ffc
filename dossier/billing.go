package dossier

import (
	"bytes"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

// checkClaimsFile reads the 837 again. The file is signed by way of the
// submissions that were read from it: they name its digest, and each must be
// the claim that stands at its place.
func (v *verifier) checkClaimsFile(name string) error {
	digest := credentials.DigestOf(v.files[name])
	from := map[string][]*document[claims.Submission]{} // by place
	for _, s := range sortedByName(v.submissions) {
		if s.subject.Source.File == digest {
			from[s.subject.Source.Place] = append(from[s.subject.Source.Place], s)
		}
	}
	if len(from) == 0 {
		return found(checkSource, "no submission in the dossier was read from these bytes")
	}
	_, err := x12.ReadClaims(bytes.NewReader(v.files[name]), func(read x12.Submitted) error {
		for _, s := range from[read.Source.Place] {
			if read.Source != s.subject.Source || same(&read.Claim, &s.subject.Claim) != nil {
				v.fail(s.name, found(checkSource, "%s holds another claim at %s", name, s.subject.Source.Place))
				delete(v.submissions, s.subject.Handle)
			}
		}
		delete(from, read.Source.Place)
		return nil
	})
	if err != nil {
		return found(checkFormat, "%v", err)
	}
	for _, missing := range from {
		for _, s := range missing {
			v.fail(s.name, found(checkSource, "%s has no claim at %s", name, s.subject.Source.Place))
			delete(v.submissions, s.subject.Handle)
		}
	}
	return nil
}
