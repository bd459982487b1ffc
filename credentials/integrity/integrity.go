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
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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
	Context            json.RawMessage `json:"@context"`
	Type               string          `json:"type"`
	Cryptosuite        string          `json:"cryptosuite"`
	Created            string          `json:"created"`
	Expires            string          `json:"expires"`
	VerificationMethod string          `json:"verificationMethod"`
	ProofPurpose       Purpose         `json:"proofPurpose"`
	Challenge          string          `json:"challenge"`
	Domain             string          `json:"domain"`
	ProofValue         string          `json:"proofValue"`
}

const proofType = "DataIntegrityProof"

type object = map[string]json.RawMessage

// Sign puts a proof into a document that has none, and returns the document in
// canonical JSON. The signer has to be its issuer, or its holder.
func Sign(s credentials.Signer, suite Suite, document []byte, terms Terms) ([]byte, error) {
	doc, payload, err := parse(document)
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
	signed, err := sign(s, suite, doc, payload, terms)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	return signed, nil
}

// sign gets a document as its members and as canonical JSON.
func sign(s credentials.Signer, suite Suite, doc object, payload []byte, terms Terms) ([]byte, error) {
	if s.Algorithm() != credentials.EdDSA {
		return nil, fmt.Errorf("the key signs with %s, the suite with Ed25519", s.Algorithm())
	}
	if doc["proof"] != nil {
		return nil, errors.New("it has a proof already")
	}
	config, err := terms.config(s.KeyID(), suite, doc["@context"])
	if err != nil {
		return nil, err
	}
	input, err := signingInput(suite, payload, doc["@context"], config)
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
	config["proofValue"] = encode(multibase(sig))
	// Whatever Open would refuse must not leave the house signed.
	p := proof{Type: proofType, Created: stamp(terms.Created), ProofPurpose: terms.Purpose, Challenge: terms.Challenge, Domain: terms.Domain}
	if !terms.Expires.IsZero() {
		p.Expires = stamp(terms.Expires)
	}
	if _, err := p.terms(Expect{Purpose: terms.Purpose, Challenge: terms.Challenge, Domain: terms.Domain}); err != nil {
		return nil, err
	}
	return withProof(payload, config)
}

// withProof puts a proof into a document, which has other members.
func withProof(payload []byte, config object) ([]byte, error) {
	proof, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	b := append(append(append(slices.Clip(payload[:len(payload)-1]), `,"proof":`...), proof...), '}')
	if b, err = credentials.CanonicalJSON(json.RawMessage(b)); err == nil && len(b) > maxDocument {
		err = credentials.Refuse(credentials.CheckSize, "document has %d bytes with its proof: the most is %d", len(b), maxDocument)
	}
	return b, err
}

// config is a proof without its value: what is hashed beside the document.
func (t Terms) config(kid string, suite Suite, context json.RawMessage) (object, error) {
	if t.Created.IsZero() {
		return nil, errors.New("the proof needs the time at which it is made")
	}
	c := object{
		"type": encode(proofType), "cryptosuite": encode(suite.Name), "proofPurpose": encode(string(t.Purpose)),
		"verificationMethod": encode(kid), "created": encode(stamp(t.Created)),
	}
	if !t.Expires.IsZero() {
		c["expires"] = encode(stamp(t.Expires))
	}
	if t.Challenge != "" {
		c["challenge"] = encode(t.Challenge)
	}
	if t.Domain != "" {
		c["domain"] = encode(t.Domain)
	}
	if !suite.Linked && context != nil {
		c["@context"] = context
	}
	return c, nil
}

// signingInput is the hash of the proof's configuration followed by that of the
// document (sections 3.2.4 and 3.3.4). The payload is the document without its
// proof, in canonical JSON.
func signingInput(suite Suite, payload []byte, context json.RawMessage, config object) ([]byte, error) {
	config = maps.Clone(config)
	delete(config, "proofValue")
	if suite.Linked {
		config["@context"] = context
	}
	b, err := credentials.CanonicalJSON(config)
	if err != nil {
		return nil, err
	}
	var input []byte
	for _, text := range [][]byte{b, payload} {
		if suite.Canonicalize != nil {
			if text, err = suite.Canonicalize(text); err != nil {
				return nil, err
			}
		}
		sum := sha256.Sum256(text)
		input = append(input, sum[:]...)
	}
	return input, nil
}

// parse reads a JSON object of whatever members, and gives it in canonical JSON
// as well.
func parse(document []byte) (doc object, canonical []byte, err error) {
	if len(document) > maxDocument {
		return nil, nil, credentials.Refuse(credentials.CheckSize, "document has %d bytes: the most is %d", len(document), maxDocument)
	}
	if canonical, err = credentials.DecodeCanonical(document, &doc); err != nil {
		return nil, nil, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	if doc == nil {
		return nil, nil, credentials.Refuse(credentials.CheckContent, "document is not a JSON object")
	}
	return doc, canonical, nil
}

func find(suites []Suite, name string) (Suite, error) {
	if i := slices.IndexFunc(suites, func(s Suite) bool { return s.Name == name }); i >= 0 {
		return suites[i], nil
	}
	return Suite{}, credentials.Refuse(credentials.CheckAlgorithm, "at /proof/cryptosuite: %q is not accepted here", name)
}

// sameJSON compares two values in canonical JSON. A missing one is like nothing.
func sameJSON(a, b json.RawMessage) bool {
	x, errX := credentials.CanonicalJSON(a)
	y, errY := credentials.CanonicalJSON(b)
	return a != nil && b != nil && errX == nil && errY == nil && bytes.Equal(x, y)
}

func encode(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string cannot fail
	return b
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
