//go:build interop && linux

package npm

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
)

// A did:web document that theirs wrote names the key for us, and no other
// document does.
func TestTheirDIDDocuments(t *testing.T) {
	resolver := aries.NewResolver(aries.AllowLoopback())
	n := 0
	for _, p := range []party{board, p256Board} {
		for _, form := range []string{"Multikey", "JsonWebKey"} {
			what, served := string(p.Algorithm())+", "+form, ""
			door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/.well-known/did.json" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/did+json")
				w.Write([]byte(served))
			}))
			t.Cleanup(door.Close)
			address := strings.TrimPrefix(door.URL, "http://")
			public := map[string]string{}
			for name, v := range p.jwk {
				if name != "d" {
					public[name] = v
				}
			}
			written := ask(t, "webDocument", question{"url": "https://" + address, "jwk": public, "form": form}).Document
			var doc struct {
				ID      credentials.DID
				Methods []struct{ ID string } `json:"verificationMethod"`
			}
			if err := json.Unmarshal([]byte(written), &doc); err != nil || len(doc.Methods) != 1 {
				t.Fatalf("%s: %v\n%s", what, err, written)
			}
			token := underWeb(t, p, doc.ID, doc.Methods[0].ID)
			judge := func(document string) credentials.Verdict {
				served = document
				known := policy()
				known.Keys, known.Issuer = resolver.ResolveKey, func(who credentials.DID, _ credentials.Kind, _ string) error {
					if who != doc.ID {
						return credentials.Refuse(credentials.CheckIssuer, "nobody knows it")
					}
					return nil
				}
				_, v := credentials.Judge[credentials.License](token, credentials.KindLicense, known)
				return v
			}
			if v := judge(written); !v.IsGood() {
				t.Errorf("%s: %+v\n%s", what, v, written)
			}
			for _, c := range changes(t, written) {
				if !decides(c.at) || c.what == "one more" { // a JWK may say more (RFC 7517, section 4)
					continue
				}
				if v := judge(c.text); v.IsGood() {
					t.Errorf("%s %s %s: good", what, c.at, c.what)
				}
				n++
			}
		}
	}
	say(t, "did:web documents by Digital Bazaar (Multikey) and with jose's JWKs name the key for us, and %d changed ones do not", n)
}

// decides says whether a place of a document is one by which a key is found:
// not what else the key may do, or what others may read.
func decides(at string) bool {
	for _, place := range []string{"/id", "/verificationMethod/0/id", "/verificationMethod/0/controller", "/verificationMethod/0/type", "/verificationMethod/0/publicKey", "/assertionMethod"} {
		if strings.HasPrefix(at, place) {
			return true
		}
	}
	return false
}

// underWeb is a license under a did:web, signed by jose.
func underWeb(t *testing.T, p party, did credentials.DID, kid string) string {
	t.Helper()
	license, err := documents(t)[0].token(p)
	if err != nil {
		t.Fatal(err)
	}
	payload := strings.ReplaceAll(payloadOf(t, license), string(p.did()), string(did))
	return ask(t, "signToken", question{"payload": payload, "jwk": p.jwk,
		"header": map[string]string{"alg": string(p.Algorithm()), "kid": kid, "typ": "vc+jwt"}}).Token
}
