package credentials

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
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

// cutHeader reads what text wrote; of anything else it makes another text.
func cutHeader(text string) (h header) {
	rest := strings.TrimPrefix(text, `{"alg":"`)
	h.Alg, rest, _ = strings.Cut(rest, `","kid":"`)
	h.Kid, rest, _ = strings.Cut(rest, `","typ":"`)
	h.Typ = strings.TrimSuffix(rest, `"}`)
	return h
}

// plain says whether each of the three stands in JSON as it is.
func (h header) plain() bool {
	for _, s := range []string{h.Alg, h.Kid, h.Typ} {
		for i := range len(s) {
			if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
				return false
			}
		}
	}
	return true
}

var b64 = base64.RawURLEncoding.Strict()

// signJWS makes a compact JWS. The payload is signed as it stands.
func signJWS(s Signer, typ string, payload []byte) (string, error) {
	if _, _, err := ParseKeyID(s.KeyID()); err != nil {
		return "", err
	}
	head := header{Alg: string(s.Algorithm()), Kid: s.KeyID(), Typ: typ}.text()
	token := make([]byte, 0, b64.EncodedLen(len(head))+b64.EncodedLen(len(payload))+b64.EncodedLen(signatureSize)+2)
	token = b64.AppendEncode(token, []byte(head))
	token = b64.AppendEncode(append(token, '.'), payload)
	sig, err := s.Sign(token)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if len(sig) != signatureSize {
		return "", fmt.Errorf("sign token: signature has %d bytes, not %d", len(sig), signatureSize)
	}
	token = b64.AppendEncode(append(token, '.'), sig)
	if len(token) > maxToken {
		return "", fmt.Errorf("token would have %d bytes: the most is %d", len(token), maxToken)
	}
	return string(token), nil
}

// openJWS checks the signature of a compact JWS and returns its payload. The
// caller's typ has to match, so that a request never passes as a credential.
func openJWS(token, typ string, keys ResolveKey) (kid string, key Key, payload []byte, err error) {
	h, payload, sig, err := splitJWS(token)
	if err != nil {
		return "", Key{}, nil, err
	}
	if h.Typ != typ {
		return "", Key{}, nil, Refuse(CheckHeader, "token is of type %q, not %q", h.Typ, typ)
	}
	if _, _, err := ParseKeyID(h.Kid); err != nil {
		return "", Key{}, nil, Refuse(CheckHeader, "%w", err)
	}
	if key, err = findKey(h.Kid, keys); err != nil {
		return "", Key{}, nil, err
	}
	if h.Alg != string(key.Algorithm()) {
		return "", Key{}, nil, Refuse(CheckAlgorithm, "token is signed with %q: its key signs with %s", h.Alg, key.Algorithm())
	}
	if err := VerifyJWS(token[:strings.IndexByte(token, '.')], payload, sig, key); err != nil {
		return "", Key{}, nil, err
	}
	return h.Kid, key, payload, nil
}

// splitJWS decodes header, payload and signature, unverified. A token has one spelling:
// strict base64url without line breaks, and the header in canonical JSON.
func splitJWS(token string) (h header, payload, sig []byte, err error) {
	if len(token) > maxToken {
		return h, nil, nil, Refuse(CheckSize, "token has %d bytes: the most is %d", len(token), maxToken)
	}
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return h, nil, nil, Refuse(CheckForm, "token does not have three parts")
	}
	if len(parts[0]) > maxHeader {
		return h, nil, nil, Refuse(CheckSize, "token header has %d bytes: the most is %d", len(parts[0]), maxHeader)
	}
	head, err := decodeSegment(parts[0])
	if err != nil {
		return h, nil, nil, Refuse(CheckForm, "token header: %w", err)
	}
	if payload, err = decodeSegment(parts[1]); err != nil {
		return h, nil, nil, Refuse(CheckForm, "token payload: %w", err)
	}
	if sig, err = decodeSegment(parts[2]); err != nil {
		return h, nil, nil, Refuse(CheckForm, "token signature: %w", err)
	}
	// A header that equals what we would write needs no further look; any other
	// is refused, and DecodeStrict finds the words for it.
	if h = cutHeader(string(head)); h.text() != string(head) || !h.plain() {
		h = header{}
		if err := DecodeStrict(head, &h); err != nil {
			return h, nil, nil, Refuse(CheckHeader, "token header: %w", err)
		}
		return h, nil, nil, Refuse(CheckHeader, "token header is not in canonical JSON")
	}
	// Any other is refused before a key is looked up. Which of the two it has to
	// be, the key says.
	if alg := Algorithm(h.Alg); alg != EdDSA && alg != ES256 {
		return h, nil, nil, Refuse(CheckAlgorithm, "token is signed with %q: only EdDSA and ES256 are accepted", h.Alg)
	}
	if len(sig) != signatureSize {
		return h, nil, nil, Refuse(CheckSignature, "token signature has %d bytes, not %d", len(sig), signatureSize)
	}
	return h, payload, sig, nil
}

// decodeSegment refuses what encoding/base64 forgives: line breaks, and (by
// Strict) bits behind the last byte.
func decodeSegment(s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, errors.New("line break in base64url")
	}
	b, err := b64.DecodeString(s)
	if err != nil {
		return nil, errors.New("not strict base64url without padding")
	}
	return b, nil
}
