package sdjwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"math/big"

	"github.com/countersign-health/countersign/credentials"
)

// confirm names the holder's key in a credential: {"jwk": KEY} (RFC 7800,
// section 3.2; the key as RFC 7517 and RFC 8037 write it).
func confirm(holder credentials.Key) (map[string]any, error) {
	switch pub := holder.Public().(type) {
	case ed25519.PublicKey:
		return map[string]any{"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64.EncodeToString(pub)}}, nil
	case *ecdsa.PublicKey:
		return map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256",
			"x": b64.EncodeToString(pub.X.FillBytes(make([]byte, 32))), "y": b64.EncodeToString(pub.Y.FillBytes(make([]byte, 32)))}}, nil
	}
	return nil, errors.New("it takes the holder's key")
}

// confirmed reads the one spelling of a key that confirm writes: these members
// and no others, in strict base64url of the full width.
func confirmed(cnf any) (credentials.Key, error) {
	none := credentials.Key{}
	o, _ := cnf.(map[string]any)
	jwk, _ := o["jwk"].(map[string]any)
	if len(o) != 1 {
		return none, errors.New("want the holder's key as a jwk, and nothing else")
	}
	x, okX := coordinate(jwk["x"])
	y, okY := coordinate(jwk["y"])
	switch {
	case jwk["kty"] == "OKP" && jwk["crv"] == "Ed25519" && okX && len(jwk) == 3:
		return credentials.NewKey(ed25519.PublicKey(x))
	case jwk["kty"] == "EC" && jwk["crv"] == "P-256" && okX && okY && len(jwk) == 4:
		return credentials.NewKey(&ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)})
	}
	return none, errors.New("want a public key on Ed25519 or P-256")
}

func coordinate(v any) ([]byte, bool) {
	s, _ := v.(string)
	if len(s) != 43 { // of 32 bytes
		return nil, false
	}
	b, err := b64.DecodeString(s)
	return b, err == nil && len(b) == 32
}

// didOf is the holder's did:key.
func didOf(holder credentials.Key) credentials.DID {
	return credentials.DID("did:key:" + holder.Multikey())
}
