package credentials

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxToken bounds a token before anything of it is decoded.
const maxToken = 1 << 20

// maxHeader bounds the encoded header: alg, typ and a key id.
const maxHeader = 1024

// header is the whole of a protected header. There is no crit, no jwk, no x5c:
// a member that is not here is refused by DecodeStrict (RFC 7515, section 4.1.11
// demands no less for crit).
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

// text is the header in canonical JSON. None of the three can hold a character
// that JSON escapes: alg and typ are our own, and ParseKeyID sees to kid.
func (h header) text() string {
	return `{"alg":"` + h.Alg + `","kid":"` + h.Kid + `","typ":"` + h.Typ + `"}`
}

var b64 = base64.RawURLEncoding.Strict()

// signJWS makes a compact JWS. The payload is signed as it stands.
func signJWS(s Signer, typ string, payload []byte) (string, error) {
	if _, _, err := ParseKeyID(s.KeyID()); err != nil {
		return "", err
	}
	head := header{Alg: string(jose.EdDSA), Kid: s.KeyID(), Typ: typ}
	input := b64.EncodeToString([]byte(head.text())) + "." + b64.EncodeToString(payload)
	sig, err := s.Sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if len(sig) != ed25519.SignatureSize {
		return "", fmt.Errorf("sign token: signature has %d bytes, not %d", len(sig), ed25519.SignatureSize)
	}
	token := input + "." + b64.EncodeToString(sig)
	if len(token) > maxToken {
		return "", fmt.Errorf("token would have %d bytes: the most is %d", len(token), maxToken)
	}
	return token, nil
}

// openJWS checks the signature of a compact JWS and returns its payload. The
// caller's typ has to match, so that a request never passes as a credential.
func openJWS(token, typ string, keys ResolveKey) (kid string, payload []byte, err error) {
	h, payload, err := splitJWS(token)
	if err != nil {
		return "", nil, err
	}
	if h.Typ != typ {
		return "", nil, fmt.Errorf("token is of type %q, not %q", h.Typ, typ)
	}
	if _, _, err := ParseKeyID(h.Kid); err != nil {
		return "", nil, err
	}
	pub, err := keys(h.Kid)
	if err != nil {
		return "", nil, fmt.Errorf("find the token's key: %w", err)
	}
	if len(pub) != ed25519.PublicKeySize {
		return "", nil, errors.New("find the token's key: it is not an Ed25519 key")
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return "", nil, fmt.Errorf("parse token: %w", err)
	}
	signed, err := jws.Verify(pub)
	if err != nil {
		return "", nil, errors.New("the token's signature does not verify")
	}
	if !bytes.Equal(signed, payload) {
		return "", nil, errors.New("parse token: two readings of its payload differ")
	}
	return h.Kid, payload, nil
}

// splitJWS decodes header and payload, unverified. A token has one spelling:
// strict base64url without line breaks, and the header in canonical JSON.
func splitJWS(token string) (h header, payload []byte, err error) {
	if len(token) > maxToken {
		return h, nil, fmt.Errorf("token has %d bytes: the most is %d", len(token), maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return h, nil, errors.New("token does not have three parts")
	}
	if len(parts[0]) > maxHeader {
		return h, nil, fmt.Errorf("token header has %d bytes: the most is %d", len(parts[0]), maxHeader)
	}
	head, err := decodeSegment(parts[0])
	if err != nil {
		return h, nil, fmt.Errorf("token header: %w", err)
	}
	// A header that equals what we would write needs no further look; any other
	// is refused, and DecodeStrict finds the words for it.
	if err := json.Unmarshal(head, &h); err != nil || h.text() != string(head) {
		if err := DecodeStrict(head, &h); err != nil {
			return h, nil, fmt.Errorf("token header: %w", err)
		}
		return h, nil, errors.New("token header is not in canonical JSON")
	}
	if h.Alg != string(jose.EdDSA) {
		return h, nil, fmt.Errorf("token is signed with %q: only EdDSA is accepted", h.Alg)
	}
	if payload, err = decodeSegment(parts[1]); err != nil {
		return h, nil, fmt.Errorf("token payload: %w", err)
	}
	sig, err := decodeSegment(parts[2])
	if err != nil {
		return h, nil, fmt.Errorf("token signature: %w", err)
	}
	if len(sig) != ed25519.SignatureSize {
		return h, nil, fmt.Errorf("token signature has %d bytes, not %d", len(sig), ed25519.SignatureSize)
	}
	return h, payload, nil
}

// decodeSegment refuses what encoding/base64 forgives: line breaks, and (by
// Strict) bits behind the last byte.
func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	b, err := b64.DecodeString(s)
	if err != nil {
		return nil, errors.New("not strict base64url without padding")
	}
	return b, nil
}
