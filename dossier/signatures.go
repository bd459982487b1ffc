package dossier

import (
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// checkSignature opens a clinician's signature. Its key proves itself; whose it
// is, and for what, is judged with the decision that rests on it.
func (v *verifier) checkSignature(name string) error {
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	token, ok := strings.CutSuffix(string(v.files[name]), "\n")
	if !ok {
		return found(checkFormat, "it does not end in one line feed")
	}
	c, err := credentials.Open[claims.ClinicianSignature](token, credentials.KindClinicianSignature, credentials.ResolveDIDKey)
	if err != nil {
		return found(checkSignature, "%v", err)
	}
	if c.Handle() != h || c.Subject.Handle != h {
		return found(checkName, "it is the signature %s", c.Handle())
	}
	v.signatures[h] = &document[claims.ClinicianSignature]{name: name, token: token, issuer: c.Issuer, from: c.ValidFrom, subject: c.Subject}
	return nil
}

// checkSignatures judges again what clinicians have signed: for this insurer and
// this very content, with the key that was bound to their license by the
// licenses and orders in the dossier.
func (v *verifier) checkSignatures(entry *recorded, signed time.Time, insurer credentials.DID, content func() (credentials.Digest, error), facts []claims.SignatureFact) error {
	if len(facts) == 0 {
		return nil
	}
	digest, err := content()
	if err != nil {
		return found(checkClinician, "%v", err)
	}
	for i := range facts {
		f := &facts[i]
		d := v.signatures[f.Handle]
		if d == nil {
			return v.need("a clinician's signature that its evidence names", fileOf(Signatures, f.Handle))
		}
		if slices.ContainsFunc(facts[:i], func(o claims.SignatureFact) bool { return o.Handle == f.Handle }) {
			return found(checkClinician, "its evidence names a signature twice")
		}
		if f.Received.After(signed.Add(clockSkew)) {
			return found(checkClinician, "%s came in after the decision was signed", d.name)
		}
		held := claims.SignatureCase{Insurer: insurer, Content: digest, Received: f.Received}
		if l := v.licenses[d.subject.License]; l != nil && slices.Contains(f.Standing.Licenses, d.subject.License) {
			held.License = &l.subject
			_, held.Orders = v.named(&f.Standing)
			if f.Standing.On != f.SignedOn() { // whose it is, and where, checkStanding holds against the license
				return found(checkClinician, "the standing in its evidence is not that of the license of %s on the day of signing", d.name)
			}
			if err := v.checkStanding(entry, signed, &f.Standing); err != nil {
				return err
			}
		} else if f.Standing.Fresh {
			return found(checkClinician, "its evidence has the standing of somebody, and not the license that %s names", d.name)
		}
		again, err := held.Fact(d.token, f.Standing)
		if err != nil {
			return found(checkClinician, "%v", err)
		}
		if same(again, f) != nil {
			return found(checkClinician, "%s comes to %s (%s) by the licenses and orders in the dossier; the evidence says %s (%s)",
				d.name, again.Verdict.Outcome, again.Under.Reason, f.Verdict.Outcome, f.Under.Reason)
		}
	}
	return nil
}
