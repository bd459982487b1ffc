package credentials

import (
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// VerifyJWS has go-jose say whether the key has signed a payload under a
// protected header: head is the first segment of a compact JWS, in base64url.
// The caller has decoded all of it strictly, and what the header says is the
// caller's to judge.
//
// A key signs many tokens under one header, which takes go-jose half as long to
// read as the signature takes to verify. So what it made of a header is kept,
// once a signature under it was good.
func VerifyJWS(head string, payload, sig []byte, key Key) error {
	algorithm := jose.SignatureAlgorithm(key.Algorithm())
	under, known := headsRead.find(head, algorithm)
	if !known {
		const any = "AA" // signature, in the place of which comes the one that is verified
		jws, err := jose.ParseDetached(head+".."+any, []byte{}, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			return Refuse(CheckForm, "parse token: %w", err)
		}
		under = jws.Signatures[0]
	}
	jws := jose.JSONWebSignature{Signatures: []jose.Signature{under}}
	jws.Signatures[0].Signature = sig
	if err := jws.DetachedVerify(payload, key.Public()); err != nil {
		return Refuse(CheckSignature, "the token's signature does not verify")
	}
	if !known {
		headsRead.keep(head, under)
	}
	return nil
}

// maxHeads bounds what is kept: whoever makes keys by the thousand has the
// others' headers read again, and no more.
const maxHeads = 1024

var headsRead heads

// heads are headers as go-jose has read them, by their text, which is all that
// its reading depends on.
type heads struct {
	mu   sync.RWMutex
	read map[string]jose.Signature
}

// find gives a header that names this algorithm. Of another, go-jose has to say
// that it is not to be accepted.
func (h *heads) find(head string, algorithm jose.SignatureAlgorithm) (under jose.Signature, known bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	under, known = h.read[head]
	return under, known && under.Header.Algorithm == string(algorithm)
}

func (h *heads) keep(head string, under jose.Signature) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.read == nil || len(h.read) >= maxHeads {
		h.read = map[string]jose.Signature{}
	}
	h.read[head] = under
}
