package aries

import (
	"crypto/sha256"
	"encoding/json"

	"github.com/hyperledger/aries-framework-go/pkg/doc/signature/suite"
	"github.com/hyperledger/aries-framework-go/pkg/doc/signature/suite/ed25519signature2020"
	"github.com/hyperledger/aries-framework-go/pkg/doc/signature/verifier"
	"github.com/hyperledger/aries-framework-go/pkg/kms"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
)

// linkedProof lists the members that an Ed25519Signature2020 may have. All of
// them but the value are signed; domain, challenge and nonce are for
// presentations, which are not imported.
type linkedProof struct {
	Type               string `json:"type"`
	Created            string `json:"created"`
	VerificationMethod string `json:"verificationMethod"`
	ProofPurpose       string `json:"proofPurpose"`
	ProofValue         string `json:"proofValue"`
}

// linked reads JSON-LD under an Ed25519Signature2020.
func (i *Importer) linked(document []byte, keys credentials.ResolveKey) (*Imported, error) {
	var vc map[string]any
	if err := credentials.DecodeStrict(document, &vc); err != nil {
		return nil, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	p, sig, err := proofOf(vc)
	if err != nil {
		return nil, err
	}
	got, err := read(vc)
	if err != nil {
		return nil, err
	}
	if got.Envelope.From.IsZero() {
		return nil, credentials.Refuse(credentials.CheckContent, "at /issuanceDate: want a time")
	}
	issuer, err := issuerOf(vc["issuer"])
	if err != nil {
		return nil, err
	}
	key, err := credentials.FindKey(p.VerificationMethod, issuer, keys)
	if err != nil {
		return nil, err
	}
	input, err := i.verifyLinked(document, vc, key, sig)
	if err != nil {
		return nil, err
	}
	got.Envelope.Issuer, got.Envelope.KeyID, got.Envelope.Key = issuer, p.VerificationMethod, key
	got.Envelope.Handle = credentials.Handle(credentials.DigestOf(input))
	if created, err := moment(p.Created); err == nil && created.After(got.Envelope.From) {
		got.Envelope.From = created
	}
	return got, nil
}

func proofOf(vc map[string]any) (p linkedProof, sig []byte, err error) {
	o, ok := vc["proof"].(map[string]any)
	if !ok {
		return p, nil, credentials.Refuse(credentials.CheckForm, "at /proof: want one proof")
	}
	b, err := json.Marshal(o)
	if err == nil {
		err = credentials.DecodeStrict(b, &p)
	}
	if err != nil {
		return p, nil, credentials.Refuse(credentials.CheckForm, "at /proof: %w", err)
	}
	if p.Type != ed25519signature2020.SignatureType {
		return p, nil, credentials.Refuse(credentials.CheckAlgorithm, "at /proof/type: only %s is accepted", ed25519signature2020.SignatureType)
	}
	if p.ProofPurpose != "assertionMethod" {
		return p, nil, credentials.Refuse(credentials.CheckHeader, "at /proof/proofPurpose: want assertionMethod")
	}
	if _, err := moment(p.Created); err != nil {
		return p, nil, credentials.Refuse(credentials.CheckHeader, "at /proof/created: want a time")
	}
	if sig, err = integrity.ParseSignature(p.ProofValue); err != nil {
		return p, nil, credentials.Refuse(credentials.CheckForm, "at /proof/proofValue: %w", err)
	}
	return p, sig, nil
}

// verifyLinked makes both checks of the signature and returns what was signed.
// Ours comes first: it refuses whatever JSON-LD would drop, unsigned, from
// document or proof.
func (i *Importer) verifyLinked(document []byte, vc map[string]any, key credentials.Key, sig []byte) ([]byte, error) {
	if key.Algorithm() != credentials.EdDSA {
		return nil, credentials.Refuse(credentials.CheckAlgorithm, "its key signs with %s, its suite with Ed25519", key.Algorithm())
	}
	options, body := map[string]any{"@context": vc["@context"]}, map[string]any{}
	for name, v := range vc {
		if name != "proof" {
			body[name] = v
			continue
		}
		for name, v := range v.(map[string]any) {
			if name != "proofValue" {
				options[name] = v
			}
		}
	}
	var input []byte
	for _, part := range []map[string]any{options, body} {
		b, err := json.Marshal(part)
		if err == nil {
			b, err = i.suite.Canonicalize(b)
		}
		if err != nil {
			return nil, credentials.Refuse(credentials.CheckContent, "%w", err)
		}
		sum := sha256.Sum256(b)
		input = append(input, sum[:]...)
	}
	if !key.Verify(input, sig) {
		return nil, credentials.Refuse(credentials.CheckSignature, "its signature does not verify")
	}
	return input, asked(func() error {
		v, err := verifier.New(oneKey{key}, ed25519signature2020.New(suite.WithVerifier(ed25519signature2020.NewPublicKeyVerifier())))
		if err != nil {
			return err
		}
		return v.Verify(document, i.loader)
	})
}

// oneKey answers with the key that was found and checked to be the issuer's.
type oneKey struct{ key credentials.Key }

func (k oneKey) Resolve(string) (*verifier.PublicKey, error) {
	return &verifier.PublicKey{Type: kms.ED25519, Value: k.key.Ed25519()}, nil
}
