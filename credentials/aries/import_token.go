package aries

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/hyperledger/aries-framework-go/pkg/doc/jose/jwk/jwksupport"
	"github.com/hyperledger/aries-framework-go/pkg/doc/jwt"
	"github.com/hyperledger/aries-framework-go/pkg/doc/signature/verifier"

	"github.com/countersign-health/countersign/credentials"
)

var b64 = base64.RawURLEncoding.Strict()

type tokenHeader struct {
	Alg credentials.Algorithm `json:"alg"`
	Kid string                `json:"kid"`
	Typ string                `json:"typ"`
}

// claims are those of VC Data Model 1.1, section 6.3.1. Any other is refused.
type claims struct {
	Issuer  credentials.DID `json:"iss"`
	Subject string          `json:"sub"`
	ID      string          `json:"jti"`
	From    int64           `json:"nbf"`
	Issued  int64           `json:"iat"`
	Until   int64           `json:"exp"`
	VC      json.RawMessage `json:"vc"`
}

// token reads a JWT with a vc claim.
func (i *Importer) token(token string, keys credentials.ResolveKey) (*Imported, error) {
	h, payload, sig, err := splitToken(token)
	if err != nil {
		return nil, err
	}
	if h.Typ != "" && h.Typ != "JWT" {
		return nil, credentials.Refuse(credentials.CheckHeader, "token is of type %q, not JWT", h.Typ)
	}
	var c claims
	if err := credentials.DecodeStrict(payload, &c); err != nil {
		return nil, credentials.Refuse(credentials.CheckContent, "%w", err)
	}
	got, err := c.read()
	if err != nil {
		return nil, err
	}
	key, err := credentials.FindKey(h.Kid, c.Issuer, keys)
	if err != nil {
		return nil, err
	}
	if h.Alg != key.Algorithm() {
		return nil, credentials.Refuse(credentials.CheckAlgorithm, "token is signed with %q: its key signs with %s", h.Alg, key.Algorithm())
	}
	if err := asked(func() error { return verifyToken(token, key) }); err != nil {
		return nil, err
	}
	input := token[:strings.LastIndexByte(token, '.')]
	if !key.Verify([]byte(input), sig) {
		return nil, credentials.Refuse(credentials.CheckSignature, "its signature does not verify")
	}
	got.Envelope.Issuer, got.Envelope.KeyID, got.Envelope.Key = c.Issuer, h.Kid, key
	got.Envelope.Handle = credentials.Handle(credentials.DigestOf([]byte(input)))
	return got, nil
}

func verifyToken(token string, key credentials.Key) error {
	j, err := jwksupport.JWKFromKey(key.Public())
	if err != nil {
		return err
	}
	v, err := jwt.GetVerifier(&verifier.PublicKey{JWK: j})
	if err != nil {
		return err
	}
	_, _, err = jwt.Parse(token, jwt.WithSignatureVerifier(v), jwt.WithIgnoreClaimsMapDecoding(true))
	return err
}

func splitToken(token string) (h tokenHeader, payload, sig []byte, err error) {
	segments := strings.SplitN(token, ".", 4)
	if len(segments) != 3 || strings.ContainsAny(token, "\r\n") {
		return h, nil, nil, credentials.Refuse(credentials.CheckForm, "token does not have three parts")
	}
	var parts [3][]byte
	for i, s := range segments {
		if parts[i], err = b64.DecodeString(s); err != nil {
			return h, nil, nil, credentials.Refuse(credentials.CheckForm, "token is not strict base64url")
		}
	}
	if err := credentials.DecodeStrict(parts[0], &h); err != nil {
		return h, nil, nil, credentials.Refuse(credentials.CheckHeader, "token header: %w", err)
	}
	if h.Alg != credentials.EdDSA && h.Alg != credentials.ES256 {
		return h, nil, nil, credentials.Refuse(credentials.CheckAlgorithm, "token is signed with %q: only EdDSA and ES256 are accepted", h.Alg)
	}
	return h, parts[1], parts[2], nil
}

// read holds the vc claim against the claims beside it: what both say has to be
// the same, since readers take either.
func (c *claims) read() (*Imported, error) {
	differs := func(name, claim string) (*Imported, error) {
		return nil, credentials.Refuse(credentials.CheckContent, "at /vc/%s: not what %s says", name, claim)
	}
	if _, err := credentials.ParseDID(string(c.Issuer)); err != nil {
		return nil, credentials.Refuse(credentials.CheckContent, "at /iss: %w", err)
	}
	var vc map[string]any // and no members where it is no object
	json.Unmarshal(c.VC, &vc)
	if vc["proof"] != nil {
		return nil, credentials.Refuse(credentials.CheckContent, "at /vc: want an object without a proof")
	}
	got, err := read(vc)
	if err != nil {
		return nil, err
	}
	if issuer, _ := issuerOf(vc["issuer"]); vc["issuer"] != nil && issuer != c.Issuer { // what is no DID is another
		return differs("issuer", "iss")
	}
	if got.ID != "" && c.ID != "" && got.ID != c.ID {
		return differs("id", "jti")
	}
	if got.ID == "" {
		got.ID = c.ID
	}
	if id, _ := got.Subject["id"].(string); id != "" && c.Subject != "" && id != c.Subject {
		return differs("credentialSubject/id", "sub")
	}
	e := got.Envelope
	if e.From, err = agreed(e.From, c.From); err != nil {
		return differs("issuanceDate", "nbf")
	}
	if e.From.IsZero() {
		return nil, credentials.Refuse(credentials.CheckContent, "it does not say from when on it is valid")
	}
	var until time.Time
	if e.Until != nil {
		until = *e.Until
	}
	if until, err = agreed(until, c.Until); err != nil {
		return differs("expirationDate", "exp")
	}
	if !until.IsZero() {
		e.Until = &until
	}
	return got, nil
}

// agreed is a time that is said once, or twice in the same second.
func agreed(t time.Time, seconds int64) (time.Time, error) {
	switch {
	case seconds == 0:
		return t, nil
	case seconds < 0 || !t.IsZero() && t.Unix() != seconds:
		return t, errors.New("they differ")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
