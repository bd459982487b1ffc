package credentials

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ContextID names the JSON-LD context in which each term of our documents has
// its meaning: credentials/rdfc/contexts/countersign-1.jsonld. A context that
// was released is never edited; a new one gets the next number.
const ContextID = urnPrefix + "context:1"

// linkedContexts are those of a credential that is secured otherwise than as
// vc+jwt. Other contexts than a token's also keep the two from being mistaken
// for each other.
var linkedContexts = []string{contextV2, ContextID}

// Draft is a credential before it is signed, in canonical JSON, for a form
// other than vc+jwt: integrity, rdfc and sdjwt secure it. The salt comes from
// the key that is meant to sign it. A zero until stands for no end.
func Draft[T any](s Signer, kind Kind, handle Handle, from, until time.Time, status []StatusEntry, subject T) ([]byte, error) {
	var end *time.Time
	if !until.IsZero() {
		end = &until
	}
	payload, err := draft(s, linkedContexts, kind, handle, from, end, status, subject)
	if err != nil {
		return nil, fmt.Errorf("draft %s: %w", kind, err)
	}
	return payload, nil
}

// ProveDraft reads what Draft made, as strictly as Prove reads a token's
// payload, for a package that has checked its signature: by the key that kid
// names. The envelope is for Policy.Judge.
func ProveDraft[T any](payload []byte, kind Kind, kid string, key Key) (*Credential[T], *Envelope, error) {
	return provePayload[T](payload, kind, linkedContexts, kid, key)
}

// ProveDecoded is ProveDraft for a form whose issuer signs something else than a
// draft: the form has read it with DecodeStrict, and has put the subject together.
func ProveDecoded[T any](c *Credential[T], kind Kind, kid string, key Key) (*Envelope, error) {
	if err := c.checkEnvelope(kind, linkedContexts); err != nil {
		return nil, err
	}
	return c.envelope(kind, kid, key), nil
}

// SignAs makes a compact JWS of a type that another package reads. The types
// that this package reads are not to be had: whatever carries them was checked
// by what makes it.
func SignAs(s Signer, typ string, payload []byte) (string, error) {
	if slices.Contains(ownTypes, typ) || !plainType(typ) {
		return "", fmt.Errorf("sign token: its type cannot be %q", typ)
	}
	return signJWS(s, typ, payload)
}

// OpenAs checks the signature of what SignAs made, as strictly as Prove checks a
// credential's, and says nothing of its payload.
func OpenAs(token, typ string, keys ResolveKey) (kid string, key Key, payload []byte, err error) {
	if slices.Contains(ownTypes, typ) {
		return "", Key{}, nil, fmt.Errorf("open token: its type cannot be %q", typ)
	}
	return openJWS(token, typ, keys)
}

var ownTypes = []string{typCredential, typPresentation, typRequest}

// plainType says whether typ stands in JSON as it is.
func plainType(typ string) bool {
	return typ != "" && !strings.ContainsFunc(typ, func(r rune) bool { return r > '~' || !urlSafe(byte(r)) && r != '+' })
}
