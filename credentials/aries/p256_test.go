package aries

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// The key of the W3C CCG did:key vectors, in each spelling that a document may
// have it in.
func TestResolveP256(t *testing.T) {
	const multikey = "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
	want, err := credentials.ParseKey(multikey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := NewResolver().ResolveKey("did:key:" + multikey + "#" + multikey); err != nil || !got.Equal(want) {
		t.Errorf("did:key: got %v, %v", got, err)
	}
	const x, y = "fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI", "hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU"
	jwk := func(x, y string) string {
		return fmt.Sprintf(`"type":"JsonWebKey2020","publicKeyJwk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, x, y)
	}
	for _, tt := range []struct {
		name, method string
		good         bool
	}{
		{"Multikey", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, multikey), true},
		{"JWK", jwk(x, y), true},
		{"JWK off the curve", jwk(x, x), false},
		{"JWK without y", jwk(x, ""), false},
		{"JWK of another curve", `"type":"JsonWebKey2020","publicKeyJwk":{"kty":"EC","crv":"P-384","x":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 48)) + `","y":"` + y + `"}`, false},
		{"a longer Multikey", `"type":"Multikey","publicKeyMultibase":"` + multikey + multikey + `"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d string
			d = webServer(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, document(d, d, d+"#k", tt.method, "assertionMethod"))
			})
			got, err := NewResolver(AllowLoopback()).ResolveKey(d + "#k")
			if tt.good != (err == nil) || tt.good && !got.Equal(want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
