package claims

import (
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A ClinicianSignature is a clinician's own word that they order what a hospital
// submits, signed with the key that is bound to their license. It names the very
// content by digest, one insurer, and a handle that is used for one submission.
type ClinicianSignature struct {
	Handle  credentials.Handle `json:"handle"`
	License credentials.Handle `json:"license"`
	Insurer credentials.DID    `json:"insurer"`
	Content credentials.Digest `json:"content"`
}

// A SignatureFact is a clinician's signature on what was submitted, with what it
// came to. Whether it is needed, and good for a line, the plan's edition says.
type SignatureFact struct {
	Handle     credentials.Handle `json:"handle"`
	License    credentials.Handle `json:"license"`
	Profession string             `json:"profession,omitempty"` // as the license has it
	Signed     time.Time          `json:"signed"`               // as the clinician says
	Received   time.Time          `json:"received"`             // as the insurer says
	// Verdict is on the signature, and on the key that made it.
	Verdict credentials.Verdict `json:"verdict"`
	// Under is the standing of this one license on the day of signing; Standing
	// is that of its holder, and says what both rest on.
	Under    credentials.Standing `json:"under"`
	Standing StandingFact         `json:"standing"`
}

// signatureSkew is how far the clocks of clinician and insurer may differ.
const signatureSkew = time.Minute

// A SignatureCase is what a clinician's signature is held against.
type SignatureCase struct {
	Insurer  credentials.DID
	Content  credentials.Digest // of what was submitted
	Received time.Time          // when the signature came in
	// License is the one that the signature names, nil where it was not heard
	// of, and Orders those upon it.
	License *credentials.License
	Orders  []credentials.Order
}

// Intake judges a signature as far as a door can that does not know licenses:
// it holds by itself, is meant for this insurer and for this very content, and
// is neither from the future nor past its last day.
func (s SignatureCase) Intake(token string) (*credentials.Credential[ClinicianSignature], credentials.Verdict) {
	return s.judge(token, func(*credentials.Credential[ClinicianSignature]) error { return nil })
}

// Judge is Intake, and asks whether the key was bound to the license.
func (s SignatureCase) Judge(token string) (*credentials.Credential[ClinicianSignature], credentials.Verdict) {
	return s.judge(token, s.bound)
}

func (s SignatureCase) judge(token string, bound func(*credentials.Credential[ClinicianSignature]) error) (*credentials.Credential[ClinicianSignature], credentials.Verdict) {
	doc, e, err := credentials.Prove[ClinicianSignature](token, credentials.KindClinicianSignature, clinicianKey)
	if err == nil {
		err = s.covers(doc)
	}
	if err != nil {
		return doc, credentials.VerdictOf(err)
	}
	return doc, credentials.Policy{
		Now: s.Received, Leeway: signatureSkew, Position: credentials.Whenever, Status: credentials.StatusIfNamed,
		Issuer: func(credentials.DID, credentials.Kind, string) error { return bound(doc) },
	}.Judge(e)
}

// clinicianKey finds the key of a did:key, and says no to any other: a license is
// bound to such a one alone, so that there is nobody who may know more of it.
func clinicianKey(kid string) (credentials.Key, error) {
	key, err := credentials.ResolveDIDKey(kid)
	if err != nil {
		return key, credentials.Refuse(credentials.CheckKey, "want the key of a did:key: %w", err)
	}
	return key, nil
}

// covers says whether a signature is for what was submitted, and to whom.
func (s SignatureCase) covers(doc *credentials.Credential[ClinicianSignature]) error {
	switch c := doc.Subject; {
	case c.Handle != doc.Handle() || c.License.IsZero():
		return credentials.Refuse(credentials.CheckContent, "it has another handle inside, or names no license")
	case c.Insurer == "" || c.Insurer != s.Insurer:
		return credentials.Refuse(credentials.CheckBinding, "it was signed for another insurer")
	case c.Content.IsZero() || c.Content != s.Content:
		return credentials.Refuse(credentials.CheckBinding, "the clinician signed something else: another patient, clinician, service, day or quantity")
	}
	return nil
}

// bound wants the key to have been the license's when it was signed, and when
// it came in: the first is the signer's word, and whoever has stolen a key can
// write an earlier day.
func (s SignatureCase) bound(doc *credentials.Credential[ClinicianSignature]) error {
	if s.License == nil || s.License.Handle != doc.Subject.License {
		return credentials.Lack(credentials.CheckIssuer, "the license that it names has not been heard of")
	}
	for _, at := range []struct {
		time time.Time
		why  string
	}{
		{doc.ValidFrom, "its key was not bound to the license when it was signed"},
		{s.Received, "its key was replaced before it came in; have it signed with the one that the license is bound to now"},
	} {
		holder, err := credentials.HolderAt(*s.License, s.Orders, at.time)
		if err != nil {
			return credentials.Lack(credentials.CheckIssuer, "%w", err)
		}
		if holder != doc.Issuer {
			return credentials.Refuse(credentials.CheckIssuer, "%s", at.why)
		}
	}
	return nil
}

// Fact judges a signature and writes down what it came to. Standing is that of
// the license's holder on SignedOn; it is zero where the license was not heard of.
func (s SignatureCase) Fact(token string, standing StandingFact) (SignatureFact, error) {
	doc, verdict := s.Judge(token)
	if doc == nil {
		return SignatureFact{}, fmt.Errorf("open clinician's signature: %w", verdict.Err())
	}
	f := SignatureFact{
		Handle: doc.Handle(), License: doc.Subject.License, Signed: doc.ValidFrom, Received: s.Received, Verdict: verdict,
		Under: credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonNoLicense}, Standing: standing,
	}
	if l := s.License; l != nil {
		f.Profession = l.Profession
		f.Under = credentials.StandingOn([]credentials.License{*l}, s.Orders, l.Jurisdiction, f.SignedOn(), standing.Fresh)
	}
	return f, nil
}

// SignedOn is the day of signing, by UTC.
func (f SignatureFact) SignedOn() credentials.Date { return credentials.DateOf(f.Signed.UTC()) }

// PeekSignature reads which license a signature names, and when it says that it
// was made. Its proof is checked; nothing is judged.
func PeekSignature(token string) (license credentials.Handle, signed time.Time, err error) {
	doc, _, err := credentials.Prove[ClinicianSignature](token, credentials.KindClinicianSignature, credentials.ResolveDIDKey)
	if err != nil {
		return license, signed, fmt.Errorf("open clinician's signature: %w", err)
	}
	return doc.Subject.License, doc.ValidFrom, nil
}

// Sign is the clinician's own signature. A key that followed another one of its
// DID is refused: a license is bound to a did:key and no other.
func (c ClinicianSignature) Sign(s credentials.Signer, from, until time.Time) (string, error) {
	if c.License.IsZero() || c.Content.IsZero() || c.Insurer == "" {
		return "", errors.New("sign order: it takes a license, an insurer and what is ordered")
	}
	if _, err := credentials.ResolveDIDKey(s.KeyID()); err != nil {
		return "", fmt.Errorf("sign order: %w", err)
	}
	return credentials.IssueUntil(s, credentials.KindClinicianSignature, c.Handle, from, until, c)
}
