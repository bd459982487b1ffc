package integrity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
)

// Expect is what a verifier knows beforehand. The zero value is for
// credentials: an assertion without challenge and domain.
type Expect struct {
	Purpose   Purpose // zero is Assertion
	Challenge string  // Authentication needs both, as the verifier gave them out
	Domain    string
}

// Open verifies a document with its one proof: made with one of these suites,
// for the expected purpose, challenge and domain, by a key of its issuer (of
// its holder, where the purpose is authentication). It is silent on dates.
func Open(document []byte, suites []Suite, x Expect, keys credentials.ResolveKey) (*Document, error) {
	d, sealed, err := read(document, suites, x)
	if err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	// The document says who vouches for it; the proof has to be theirs.
	if d.Signer, err = party(sealed.doc, d.Purpose); err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	if d.Key, err = sealed.verify(d.Signer, keys); err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	return d, nil
}

// Prove opens a credential of ours. Its envelope is for Policy.Judge; where the
// proof's dates are narrower than the document's own, they are the envelope's.
func Prove[T any](document []byte, kind credentials.Kind, suites []Suite, keys credentials.ResolveKey) (*credentials.Credential[T], *credentials.Envelope, error) {
	d, err := Open(document, suites, Expect{}, keys)
	if err != nil {
		return nil, nil, err
	}
	c, e, err := credentials.ProveDraft[T](d.Payload, kind, d.KeyID, d.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("open document: %w", err)
	}
	if d.Created.After(e.From) {
		e.From = d.Created
	}
	if !d.Expires.IsZero() && (e.Until == nil || d.Expires.Before(*e.Until)) {
		e.Until = &d.Expires
	}
	return c, e, nil
}

// Judge is credentials.Judge for a document with a proof.
func Judge[T any](document []byte, kind credentials.Kind, suites []Suite, p credentials.Policy) (*credentials.Credential[T], credentials.Verdict) {
	if p.Keys == nil {
		return nil, credentials.VerdictOf(credentials.Lack(credentials.CheckKey, "nothing was given to find keys with"))
	}
	c, e, err := Prove[T](document, kind, suites, p.Keys)
	if err != nil {
		return nil, credentials.VerdictOf(err)
	}
	return c, p.Judge(e)
}

// sealed is a document whose proof is well formed and not yet verified.
type sealed struct {
	doc       *credentials.Object
	payload   []byte // the document without its proof, in canonical JSON
	config    []byte // the proof without its value, in canonical JSON
	suite     Suite
	kid       string
	signature []byte
}

func (s *sealed) verify(owner credentials.DID, keys credentials.ResolveKey) (credentials.Key, error) {
	none := credentials.Key{}
	key, err := credentials.FindKey(s.kid, owner, keys)
	if err != nil {
		return none, err
	}
	if key.Algorithm() != credentials.EdDSA { // the suites of this package sign with nothing else
		return none, credentials.Refuse(credentials.CheckAlgorithm, "the proof's key signs with %s, its suite with Ed25519", key.Algorithm())
	}
	input, err := signingInput(s.suite, s.payload, s.config)
	if err != nil {
		return none, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	if !key.Verify(input, s.signature) {
		return none, credentials.Refuse(credentials.CheckSignature, "the proof's signature does not verify")
	}
	return key, nil
}

// read checks all of a document's form.
func read(document []byte, suites []Suite, x Expect) (*Document, *sealed, error) {
	doc, err := parse(document)
	if err != nil {
		return nil, nil, err
	}
	raw := doc.Get("proof")
	if raw == nil {
		return nil, nil, credentials.Refuse(credentials.CheckForm, "document has no proof")
	}
	if raw[0] == '[' {
		return nil, nil, credentials.Refuse(credentials.CheckForm, "at /proof: want one proof, not a set or a chain")
	}
	var p proof
	if err := credentials.DecodeStrict(raw, &p); err != nil {
		return nil, nil, credentials.Refuse(credentials.CheckForm, "at /proof: %w", err)
	}
	s := &sealed{doc: doc, payload: doc.Without("proof").Text(), kid: p.VerificationMethod}
	if s.suite, err = find(suites, p.Cryptosuite); err != nil {
		return nil, nil, err
	}
	d := &Document{Payload: s.payload, KeyID: p.VerificationMethod, Suite: p.Cryptosuite}
	if d.Terms, err = p.terms(x); err != nil {
		return nil, nil, err
	}
	if s.config, err = configOf(raw, doc.Get("@context"), s.suite); err != nil {
		return nil, nil, credentials.Refuse(credentials.CheckForm, "at /proof: %w", err)
	}
	if s.signature, err = ParseSignature(p.ProofValue); err != nil {
		return nil, nil, credentials.Refuse(credentials.CheckForm, "at /proof/proofValue: %w", err)
	}
	return d, s, nil
}

// configOf is what is hashed of a proof, as it came: a struct would lose the
// difference between a member that is empty and one that is not there.
func configOf(raw, context json.RawMessage, suite Suite) ([]byte, error) {
	o, err := credentials.ParseObject(raw)
	if err != nil {
		return nil, err
	}
	own := o.Get("@context")
	if own != nil && !bytes.Equal(own, context) {
		return nil, errors.New("its @context is not the document's own")
	}
	if o = o.Without("proofValue"); suite.Linked && own == nil && context != nil {
		o = o.With("@context", context)
	}
	return o.Text(), nil
}

// terms checks a proof's members against what is expected.
func (p *proof) terms(x Expect) (Terms, error) {
	var t Terms
	want := x.Purpose
	if want == "" {
		want = Assertion
	}
	switch {
	case p.Type != proofType:
		return t, credentials.Refuse(credentials.CheckHeader, "at /proof/type: %q is not %s", p.Type, proofType)
	case want != Assertion && want != Authentication:
		return t, credentials.Lack(credentials.CheckHeader, "proof purpose %q is not known", want)
	case want == Authentication && (x.Challenge == "" || x.Domain == ""):
		return t, credentials.Lack(credentials.CheckBinding, "a presentation is made for one challenge and one domain: expect both")
	case p.ProofPurpose != want:
		return t, credentials.Refuse(credentials.CheckHeader, "at /proof/proofPurpose: %q is not %s", p.ProofPurpose, want)
	case p.Challenge != x.Challenge:
		return t, credentials.Refuse(credentials.CheckBinding, "at /proof/challenge: the proof was not made for this challenge")
	case p.Domain != x.Domain:
		return t, credentials.Refuse(credentials.CheckBinding, "at /proof/domain: the proof was not made for this domain")
	}
	t.Purpose, t.Challenge, t.Domain = p.ProofPurpose, p.Challenge, p.Domain
	var err error
	if t.Created, err = parseStamp(p.Created); err != nil {
		return t, credentials.Refuse(credentials.CheckHeader, "at /proof/created: %w", err)
	}
	if p.Expires != "" {
		if t.Expires, err = parseStamp(p.Expires); err != nil {
			return t, credentials.Refuse(credentials.CheckHeader, "at /proof/expires: %w", err)
		}
		if !t.Expires.After(t.Created) {
			return t, credentials.Refuse(credentials.CheckHeader, "at /proof/expires: not after created")
		}
	}
	return t, nil
}

// parseStamp reads an xsd:dateTimeStamp.
func parseStamp(s string) (time.Time, error) {
	t, _ := time.Parse(time.RFC3339, s) // zero where it is none
	if !t.After(time.Time{}) {
		return t, errors.New("want a time such as 2026-01-31T12:00:00Z")
	}
	return t, nil
}

// party is who vouches for a document: the issuer of a credential, by its DID
// or as an object with that id; the holder of a presentation.
func party(doc *credentials.Object, purpose Purpose) (credentials.DID, error) {
	name, wanted := "issuer", "VerifiableCredential"
	if purpose == Authentication {
		name, wanted = "holder", "VerifiablePresentation"
	}
	if types, ok := texts(doc.Get("type")); !ok || !slices.Contains(types, wanted) {
		return "", credentials.Refuse(credentials.CheckContent, "at /type: want %s", wanted)
	}
	var id string // and no DID where there is none to be read
	if json.Unmarshal(doc.Get(name), &id) != nil {
		var o map[string]json.RawMessage // not a struct: that would take "ID" for "id"
		json.Unmarshal(doc.Get(name), &o)
		json.Unmarshal(o["id"], &id)
	}
	did, err := credentials.ParseDID(id)
	if err != nil {
		return "", credentials.Refuse(credentials.CheckContent, "at /%s: want a DID, or an object with one as its id: %w", name, err)
	}
	return did, nil
}

// texts reads a text, or a list of texts.
func texts(v json.RawMessage) (all []string, ok bool) {
	var one string
	if json.Unmarshal(v, &one) == nil {
		return []string{one}, true
	}
	return all, json.Unmarshal(v, &all) == nil
}

// signatureSize is Ed25519's.
const signatureSize = 64

// multibase is base58btc (Data Integrity, section 2.4).
func multibase(b []byte) string { return "z" + base58.Encode(b) }

// ParseSignature reads a proof's value: 64 bytes in base58btc, in their one
// spelling.
func ParseSignature(s string) ([]byte, error) {
	const longest = 89 // of 64 bytes; checked first, base58 costs the square
	if s == "" || len(s) > longest {
		return nil, errors.New("want a signature in base58btc behind a z, of 89 characters at most")
	}
	b, _ := base58.Decode(s[1:])
	if len(b) != signatureSize || multibase(b) != s {
		return nil, errors.New("want 64 bytes in canonical base58btc")
	}
	return b, nil
}
