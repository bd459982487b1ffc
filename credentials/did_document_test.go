package credentials

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// docWith is a document of did:web:board.example with these methods and
// assertion methods.
func docWith(methods, assertions string) string {
	return fmt.Sprintf(`{"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:board.example","verificationMethod":[%s],"assertionMethod":[%s]}`, methods, assertions)
}

func method(id, controller, material string) string {
	return fmt.Sprintf(`{"id":%q,"controller":%q,%s}`, id, controller, material)
}

func TestParseDIDDocument(t *testing.T) {
	const d, kid = "did:web:board.example", "did:web:board.example#k"
	ed := mustKey(t, pubOf(testKey(1)))
	p256 := mustKey(t, p256Key(t, 3).Public())
	x := base64.RawURLEncoding.EncodeToString(ed.ed)
	multikey := fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, ed.Multikey())
	okp := func(more string) string {
		return fmt.Sprintf(`"type":"JsonWebKey","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":%q%s}`, x, more)
	}
	pub := p256.Public().(*ecdsa.PublicKey)
	coord := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	ec := fmt.Sprintf(`"type":"JsonWebKey2020","publicKeyJwk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, coord(pub.X.FillBytes(make([]byte, 32))), coord(pub.Y.FillBytes(make([]byte, 32))))
	good := method(kid, d, multikey)
	for _, tt := range []struct {
		name, doc string
		want      Key
		why       string // of the document, or of the key
	}{
		{"Multikey", docWith(good, `"`+kid+`"`), ed, ""},
		{"Multikey of P-256", docWith(method(kid, d, fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, p256.Multikey())), `"`+kid+`"`), p256, ""},
		{"JWK", docWith(method(kid, d, okp("")), `"`+kid+`"`), ed, ""},
		{"JWK that says what it is for", docWith(method(kid, d, okp(`,"alg":"EdDSA","use":"sig","kid":"x"`)), `"`+kid+`"`), ed, ""},
		{"JWK with the name of RFC 9864", docWith(method(kid, d, okp(`,"alg":"Ed25519"`)), `"`+kid+`"`), ed, ""},
		{"JWK of P-256", docWith(method(kid, d, ec), `"`+kid+`"`), p256, ""},
		{"relative references", docWith(method("#k", d, multikey), `"#k"`), ed, ""},
		{"embedded in assertionMethod", docWith("", good), ed, ""},
		{"beside a key that is none of ours", docWith(good+","+method(d+"#rsa", d, `"type":"RsaVerificationKey2018","publicKeyPem":"x"`), `"`+kid+`","#rsa"`), ed, ""},

		{"another DID's", strings.Replace(docWith(good, `"#k"`), `"id":"did:web:board.example",`, `"id":"did:web:evil.example",`, 1), Key{}, "another DID"},
		{"no id", `{"verificationMethod":[]}`, Key{}, "another DID"},
		{"id of another type", `{"id":["did:web:board.example"]}`, Key{}, "another DID"},
		{"a name twice", strings.Replace(docWith(good, `"#k"`), `"assertionMethod"`, `"id":"did:web:evil.example","assertionMethod"`, 1), Key{}, "twice"},
		{"a key twice in its method", docWith(method(kid, d, multikey+`,"publicKeyMultibase":"z"`), `"#k"`), Key{}, "twice"},
		{"a name in another case", strings.Replace(docWith(good, `"#k"`), "assertionMethod", "AssertionMethod", 1), Key{}, "no assertion method"},
		{"two keys of one id", docWith(good+","+method("#k", d, multikey), `"#k"`), Key{}, "one id"},
		{"one of them embedded", docWith(good, good), Key{}, "one id"},
		{"not for assertions", docWith(good, ""), Key{}, "no assertion method"},
		{"named and not there", docWith("", `"#k"`), Key{}, "does not have"},
		{"of another controller", docWith(method(kid, "did:web:evil.example", multikey), `"#k"`), Key{}, "controlled"},
		{"of no controller", docWith(fmt.Sprintf(`{"id":%q,%s}`, kid, multikey), `"#k"`), Key{}, "controlled"},
		{"under another DID's id", docWith(method("did:web:evil.example#k", d, multikey), `"did:web:evil.example#k"`), Key{}, "no assertion method"},
		{"revoked", docWith(method(kid, d, multikey+`,"revoked":"2026-01-01T00:00:00Z"`), `"#k"`), Key{}, "ends"},
		{"that expires", docWith(method(kid, d, multikey+`,"expires":"2026-01-01T00:00:00Z"`), `"#k"`), Key{}, "ends"},
		{"with two keys", docWith(method(kid, d, multikey+`,"publicKeyJwk":{}`), `"#k"`), Key{}, "more than one"},
		{"with none", docWith(method(kid, d, `"type":"Multikey"`), `"#k"`), Key{}, "no key"},
		{"of no type", docWith(method(kid, d, fmt.Sprintf(`"publicKeyMultibase":%q`, ed.Multikey())), `"#k"`), Key{}, "not supported"},
		{"multikey of low order", docWith(method(kid, d, fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, EncodeMultikey(append([]byte{1}, make([]byte, 31)...)))), `"#k"`), Key{}, "low order"},
		{"2020 of P-256", docWith(method(kid, d, fmt.Sprintf(`"type":"Ed25519VerificationKey2020","publicKeyMultibase":%q`, p256.Multikey())), `"#k"`), Key{}, "Ed25519"},
		{"2018 of one byte", docWith(method(kid, d, `"type":"Ed25519VerificationKey2018","publicKeyBase58":"2g"`), `"#k"`), Key{}, "32 bytes"},
		{"2018 of many", docWith(method(kid, d, `"type":"Ed25519VerificationKey2018","publicKeyBase58":"`+strings.Repeat("2", 45)+`"`), `"#k"`), Key{}, "32 bytes"},
		{"2018 of no base58", docWith(method(kid, d, `"type":"Ed25519VerificationKey2018","publicKeyBase58":"0OIl"`), `"#k"`), Key{}, "32 bytes"},
		{"JWK with its private key", docWith(method(kid, d, okp(`,"d":"AA"`)), `"#k"`), Key{}, "private"},
		{"JWK of another algorithm", docWith(method(kid, d, okp(`,"alg":"ES256"`)), `"#k"`), Key{}, "algorithm"},
		{"JWK for encryption", docWith(method(kid, d, okp(`,"use":"enc"`)), `"#k"`), Key{}, "signing"},
		{"JWK of a secret", docWith(method(kid, d, `"type":"JsonWebKey","publicKeyJwk":{"kty":"oct","k":"AA"}`), `"#k"`), Key{}, "neither"},
		{"JWK with padding", docWith(method(kid, d, strings.Replace(okp(""), x, x+"=", 1)), `"#k"`), Key{}, "base64url"},
		{"JWK with a line feed", docWith(method(kid, d, strings.Replace(okp(""), x, x[:9]+`\n`+x[9:], 1)), `"#k"`), Key{}, "base64url"},
		{"JWK cut short", docWith(method(kid, d, strings.Replace(okp(""), x, x[:42], 1)), `"#k"`), Key{}, "base64url"},
		{"JWK without y", docWith(method(kid, d, strings.Replace(ec, `"y"`, `"z"`, 1)), `"#k"`), Key{}, "base64url"},
		{"JWK off the curve", docWith(method(kid, d, strings.Replace(ec, coord(pub.Y.FillBytes(make([]byte, 32))), x, 1)), `"#k"`), Key{}, "P-256"},
		{"JWK that is text", docWith(method(kid, d, `"type":"JsonWebKey","publicKeyJwk":"x"`), `"#k"`), Key{}, "no JWK"},
		{"methods that are no list", `{"id":"did:web:board.example","verificationMethod":{}}`, Key{}, "no list"},
		{"assertions that are no list", `{"id":"did:web:board.example","assertionMethod":"#k"}`, Key{}, "no list"},
		{"a method that is text", docWith(`"x"`, ""), Key{}, "no object"},
		{"a method without id", docWith(`{"type":"Multikey"}`, ""), Key{}, "no object"},
		{"an assertion that is a number", docWith(good, "1"), Key{}, "no object"},
		{"too many methods", docWith(strings.TrimSuffix(strings.Repeat(method("#N", d, multikey)+",", maxMethods+1), ","), ""), Key{}, "more than"},
		{"too large", docWith(good, `"#k"`) + strings.Repeat(" ", MaxDIDDocument), Key{}, "larger"},
		{"not UTF-8", docWith(good, "\"#k\xff\""), Key{}, "UTF-8"},
		{"deep", `{"id":"did:web:board.example","x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, Key{}, "levels"},
		{"null", "null", Key{}, ""}, {"a list", "[]", Key{}, ""}, {"nothing", "", Key{}, ""}, {"not JSON", "<html>", Key{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			for strings.Contains(tt.doc, `"#N"`) {
				tt.doc = strings.Replace(tt.doc, `"#N"`, fmt.Sprintf(`"#n%d"`, n), 1)
				n++
			}
			doc, err := ParseDIDDocument([]byte(tt.doc), d)
			var k Key
			if err == nil {
				k, err = doc.AssertionKey(kid)
				for id := range doc.Keys {
					if !strings.HasPrefix(id, d+"#") {
						t.Errorf("it has the key %s", id)
					}
				}
			}
			switch {
			case tt.want.Algorithm() != "" && (err != nil || !k.Equal(tt.want)):
				t.Errorf("got %v, %v", k, err)
			case tt.want.Algorithm() == "" && (err == nil || !strings.Contains(err.Error(), tt.why)):
				t.Errorf("got %v, %v, want %q", k, err, tt.why)
			}
		})
	}
}

func mustKey(t *testing.T, pub any) Key {
	t.Helper()
	k, err := NewKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What a house serves, a reader of ours understands; a bad key is not in it.
func TestPublicDocument(t *testing.T) {
	first, stolen, today := mustKey(t, pubOf(testKey(1))), mustKey(t, pubOf(testKey(2))), mustKey(t, pubOf(testKey(3)))
	first.Until, stolen.BadFrom = 9, 7
	for name, party := range map[string]DID{"a did:key": KeyDID(pubOf(testKey(1))), "its own did:web": "did:web:board.example%3A8443:ma"} {
		kids := []string{string(party) + "#1", string(party) + "#2", string(party) + "#3"}
		d, err := NewPublicDocument("https://board.example:8443/ma", party, kids, []Key{first, stolen, today})
		if err != nil {
			t.Fatal(err)
		}
		d.Serve("door", "Door", "https://board.example:8443/ma")
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseDIDDocument(b, "did:web:board.example%3A8443:ma")
		if err != nil || len(got.Unread) != 0 || len(got.Keys) != 2 || !reflect.DeepEqual(got.Services, map[string]string{"Door": "https://board.example:8443/ma"}) {
			t.Fatalf("%s: %s, %+v, %v", name, b, got, err)
		}
		for i, k := range []Key{first, stolen, today} {
			kid := string(d.ID) + "#" + k.Multikey()
			if party == d.ID {
				kid = kids[i]
			}
			if there, ok := got.Keys[kid]; ok != (i != 1) || ok && !there.Equal(k) {
				t.Errorf("%s: %s is %v", name, kid, there)
			}
		}
		if known := len(got.AlsoKnown); (known == 0) != (party == d.ID) {
			t.Errorf("%s: also known as %v", name, got.AlsoKnown)
		}
	}
	if d, err := NewPublicDocument("https://[::1]", "did:web:x.example", nil, nil); err == nil {
		t.Errorf("of an address: %+v", d)
	}
}

func FuzzParseDIDDocument(f *testing.F) {
	k, err := NewKey(pubOf(testKey(1)))
	if err != nil {
		f.Fatal(err)
	}
	const d = "did:web:board.example"
	multikey := method(d+"#k", d, fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, k.Multikey()))
	f.Add([]byte(docWith(multikey, `"#k"`)))
	f.Add([]byte(docWith("", multikey)))
	f.Add([]byte(docWith(method("#k", d, `"type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"`+base64.RawURLEncoding.EncodeToString(k.ed)+`"}`), `"#k"`)))
	f.Add([]byte(docWith(method("#k", d, `"type":"JsonWebKey","publicKeyJwk":{"kty":"EC","crv":"P-256","x":"fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI","y":"hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU"}`), `"#k"`)))
	f.Add([]byte(`{"id":"did:web:board.example","alsoKnownAs":["did:key:x",1],"service":[{"type":"A","serviceEndpoint":["x"]}],"assertionMethod":[null,{"id":""}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := ParseDIDDocument(b, d)
		if err != nil {
			return
		}
		for kid, k := range doc.Keys {
			if owner, _, err := ParseKeyID(kid); err != nil || owner != d || k.Algorithm() == "" || doc.Unread[kid] != nil {
				t.Errorf("key %q, %v", kid, k)
			}
			if again, err := ParseKey(k.Multikey()); err != nil || !again.Equal(k) {
				t.Errorf("%v is not %v (%v)", again, k, err)
			}
		}
	})
}
