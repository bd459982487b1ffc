package credentials

import (
	"errors"
	"fmt"
	"time"
)

// A request token lives for a minute; clocks may differ by half of one.
const (
	requestLife = 60 * time.Second
	clockSkew   = 30 * time.Second
)

const typRequest = "countersign-request+jwt"

// requestPayload binds a token to one request, as DPoP (RFC 9449) does for
// method and address; the body's digest is our addition.
type requestPayload struct {
	Issuer   DID    `json:"iss"`
	Audience string `json:"aud"`
	Method   string `json:"htm"`
	Path     string `json:"htu"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       Handle `json:"jti"`
	Body     Digest `json:"body"`
}

// RequestClaims is who made a request. The server keeps ID until Expires and
// refuses it the second time; that memory is the whole defence against replay.
type RequestClaims struct {
	Issuer  DID
	KeyID   string
	ID      Handle
	Issued  time.Time
	Expires time.Time
}

// SignRequest makes the bearer token for one HTTP request: path is the path
// with its query, audience the name of the server, jti random and used once.
func SignRequest(s Signer, method, path, audience string, body []byte, jti Handle, now time.Time) (string, error) {
	issuer, err := SignerDID(s)
	if err != nil {
		return "", fmt.Errorf("sign request: %w", err)
	}
	if jti.IsZero() || audience == "" {
		return "", errors.New("sign request: it needs an id and an audience")
	}
	payload, err := CanonicalJSON(requestPayload{
		Issuer: issuer, Audience: audience, Method: method, Path: path, ID: jti, Body: DigestOf(body),
		Issued: now.Unix(), Expires: now.Add(requestLife).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("sign request: %w", err)
	}
	return signJWS(s, typRequest, payload)
}

// VerifyRequest checks that token was made for exactly this request, about now,
// by the key that it names. Whether that key may ask is for the caller.
func VerifyRequest(token, method, path, audience string, body []byte, now time.Time, keys ResolveKey) (RequestClaims, error) {
	kid, _, payload, err := openJWS(token, typRequest, keys)
	if err != nil {
		return RequestClaims{}, fmt.Errorf("verify request: %w", err)
	}
	var p requestPayload
	if err := DecodeStrict(payload, &p); err != nil {
		return RequestClaims{}, fmt.Errorf("verify request: %w", err)
	}
	if d, _, err := ParseKeyID(kid); err != nil || d != p.Issuer {
		return RequestClaims{}, errors.New("verify request: its key is not its issuer's")
	}
	issued, expires := time.Unix(p.Issued, 0).UTC(), time.Unix(p.Expires, 0).UTC()
	switch {
	case p.Audience != audience:
		err = errors.New("it is meant for another server")
	case p.Method != method || p.Path != path:
		err = errors.New("it is meant for another request")
	case p.Body != DigestOf(body):
		err = errors.New("it was signed for another body")
	case p.ID.IsZero():
		err = errors.New("it has no id")
	case expires.Sub(issued) > requestLife || !expires.After(issued):
		err = fmt.Errorf("it lives longer than %s", requestLife)
	case issued.After(now.Add(clockSkew)):
		err = errors.New("it is from the future: check the clocks")
	case !expires.After(now):
		err = errors.New("it has expired: check the clocks, or sign again")
	}
	if err != nil {
		return RequestClaims{}, fmt.Errorf("verify request: %w", err)
	}
	return RequestClaims{Issuer: p.Issuer, KeyID: kid, ID: p.ID, Issued: issued, Expires: expires}, nil
}
