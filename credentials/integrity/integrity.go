// Package integrity secures readable JSON with one W3C Data Integrity proof
// (Verifiable Credential Data Integrity 1.0), signed with Ed25519. The document
// stays what it is, and its signature stands in its member "proof".
//
// The package brings the suite eddsa-jcs-2022 (Data Integrity EdDSA
// Cryptosuites 1.0, section 3.3); credentials/rdfc brings eddsa-rdfc-2022.
//
// It takes less than the standard allows: one proof, never a set or a chain;
// no member of a proof that it does not know; a proof by the issuer of the
// credential, or by the holder of the presentation, and by nobody else. It
// never reads a clock or the network. Open proves a document; whether it is in
// force, and whether its signer may say such things, Judge answers.
package integrity

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

// maxDocument bounds a document before anything of it is decoded.
const maxDocument = 1 << 20

// A Purpose says what a proof was made for.
type Purpose string

const (
	Assertion      Purpose = "assertionMethod" // an issuer vouches for a credential
	Authentication Purpose = "authentication"  // a holder answers a challenge
)

// A Suite turns JSON into the bytes that are hashed.
type Suite struct {
	Name string
	// Canonicalize gets a JSON object in canonical JSON. Nil hashes it as it is.
	Canonicalize func(object []byte) ([]byte, error)
	// Linked says that the members of a proof mean what the document's contexts
	// say: the proof is hashed under these, and carries none of its own.
	Linked bool
}

// JCS is eddsa-jcs-2022: documents are hashed in canonical JSON (RFC 8785).
var JCS = Suite{Name: "eddsa-jcs-2022"}

// Terms are what a proof says beside its signature, all of it signed.
type Terms struct {
	Purpose   Purpose
	Created   time.Time
	Expires   time.Time // zero where it does not
	Challenge string    // what the verifier asked for, in a presentation
	Domain    string    // the verifier
}

// A Document is one whose proof verified.
type Document struct {
	Payload []byte          // without its proof, in canonical JSON
	Signer  credentials.DID // its issuer or holder
	KeyID   string
	Key     credentials.Key
	Suite   string
	Terms
}

// proof lists the members that a proof may have, so that DecodeStrict refuses
// all others: id and previousProof belong to sets and chains.
type proof struct {
	Context            json.RawMessage `json:"@context,omitempty"`
	Type               string          `json:"type"`
	Cryptosuite        string          `json:"cryptosuite"`
	Created            string          `json:"created"`
	Expires            string          `json:"expires,omitempty"`
	VerificationMethod string          `json:"verificationMethod"`
	ProofPurpose       Purpose         `json:"proofPurpose"`
	Challenge          string          `json:"challenge,omitempty"`
	Domain             string          `json:"domain,omitempty"`
	ProofValue         string          `json:"proofValue,omitempty"`
}

const proofType = "DataIntegrityProof"

// Sign puts a proof into a document that has none, and returns the document in
// canonical JSON. The signer has to be its issuer, or its holder.
func Sign(s credentials.Signer, suite Suite, document []byte, terms Terms) ([]byte, error) {
	doc, err := parse(document)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	owner, err := party(doc, terms.Purpose)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	if d, err := credentials.SignerDID(s); err != nil || d != owner {
		return nil, errors.New("sign document: the key is not its issuer's or holder's")
	}
	signed, err := sign(s, suite, doc, terms)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	return signed, nil
}

// sign reads the document no second time: hashed is the text that parse gave,
// and the proof is put into it where its name belongs. FuzzSign holds that
// against the long way.
func sign(s credentials.Signer, suite Suite, doc *credentials.Object, terms Terms) ([]byte, error) {
	if s.Algorithm() != credentials.EdDSA {
		return nil, fmt.Errorf("the key signs with %s, the suite with Ed25519", s.Algorithm())
	}
	if doc.Get("proof") != nil {
		return nil, errors.New("it has a proof already")
	}
	p, err := terms.proof(s.KeyID(), suite)
	if err != nil {
		return nil, err
	}
	p.Context = doc.Get("@context")
	config, err := credentials.CanonicalJSON(&p)
	if err != nil {
		return nil, err
	}
	input, err := signingInput(suite, doc.Text(), config)
	if err != nil {
		return nil, err
	}
	sig, err := s.Sign(input)
	if err != nil {
		return nil, err
	}
	if len(sig) != signatureSize {
		return nil, fmt.Errorf("signature has %d bytes, not %d", len(sig), signatureSize)
	}
	if p.ProofValue = multibase(sig); suite.Linked {
		p.Context = nil // it means what the document's says
	}
	value, err := credentials.CanonicalJSON(&p)
	if err != nil {
		return nil, err
	}
	signed := doc.With("proof", value).Text()
	if len(signed) > maxDocument {
		return nil, credentials.Refuse(credentials.CheckSize, "document has %d bytes with its proof: the most is %d", len(signed), maxDocument)
	}
	return signed, nil
}

// proof is a proof without its value and its context. Whatever Open would refuse
// must not leave the house signed.
func (t Terms) proof(kid string, suite Suite) (proof, error) {
	if t.Created.IsZero() {
		return proof{}, errors.New("the proof needs the time at which it is made")
	}
	if !utf8.ValidString(t.Challenge) || !utf8.ValidString(t.Domain) { // JSON would hold others
		return proof{}, errors.New("challenge and domain have to be UTF-8")
	}
	p := proof{Type: proofType, Cryptosuite: suite.Name, Created: stamp(t.Created), VerificationMethod: kid, ProofPurpose: t.Purpose,
		Challenge: t.Challenge, Domain: t.Domain}
	if !t.Expires.IsZero() {
		p.Expires = stamp(t.Expires)
	}
	_, err := p.terms(Expect{Purpose: t.Purpose, Challenge: t.Challenge, Domain: t.Domain})
	return p, err
}

// signingInput is the hash of the proof's configuration followed by that of the
// document (sections 3.2.4 and 3.3.4): both in canonical JSON, the proof without
// its value and under the document's contexts, the document without its proof.
func signingInput(suite Suite, payload, config []byte) ([]byte, error) {
	input := make([]byte, 0, 2*sha256.Size)
	for _, text := range [][]byte{config, payload} {
		if suite.Canonicalize != nil {
			var err error
			if text, err = suite.Canonicalize(text); err != nil {
				return nil, err
			}
		}
		sum := sha256.Sum256(text)
		input = append(input, sum[:]...)
	}
	return input, nil
}

// parse reads a JSON object of whatever members.
func parse(document []byte) (*credentials.Object, error) {
	if len(document) > maxDocument {
		return nil, credentials.Refuse(credentials.CheckSize, "document has %d bytes: the most is %d", len(document), maxDocument)
	}
	doc, err := credentials.ParseObject(document)
	if err != nil {
		return nil, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	return doc, nil
}

func find(suites []Suite, name string) (Suite, error) {
	if i := slices.IndexFunc(suites, func(s Suite) bool { return s.Name == name }); i >= 0 {
		return suites[i], nil
	}
	return Suite{}, credentials.Refuse(credentials.CheckAlgorithm, "at /proof/cryptosuite: %q is not accepted here", name)
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
