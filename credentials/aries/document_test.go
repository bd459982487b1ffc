package aries

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func TestDocument(t *testing.T) {
	key := credentials.EncodeMultikey(testKey(1))
	good := `{"@context":["https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"],"id":"DID",
		"alsoKnownAs":["did:key:KEY","https://board.example/"],
		"verificationMethod":[{"id":"DID#KEY","type":"Multikey","controller":"DID","publicKeyMultibase":"KEY"}],
		"assertionMethod":["DID#KEY"],
		"service":[{"id":"DID#feed","type":"Feed","serviceEndpoint":"https://board.example/feed"}]}`
	for _, tt := range []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"no service", `"service":[{"id":"DID#feed","type":"Feed","serviceEndpoint":"https://board.example/feed"}]`, `"service":[]`, ""},
		{"empty endpoints", `"https://board.example/feed"`, `[]`, ""},
		{"about another", `"id":"DID",`, `"id":"did:web:evil.example",`, "another DID"},
		{"about another, without keys", good, `{"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:evil.example"}`, "another DID"},
		{"another controller", `"controller":"DID"`, `"controller":"did:web:evil.example"`, "controlled"},
		{"no Ed25519 key", `"publicKeyMultibase":"KEY"`, `"publicKeyMultibase":"z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"`, "Ed25519"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			var d string
			d = webServer(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, strings.NewReplacer("DID", d, "KEY", key).Replace(text))
			})
			doc, err := NewResolver(AllowLoopback()).Document(credentials.DID(d))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %+v, %v; want %q", doc, err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(doc.AlsoKnown) != 1 || doc.AlsoKnown[0] != credentials.KeyDID(testKey(1)) || !testKey(1).Equal(doc.Keys[d+"#"+key].Ed25519()) || len(doc.Keys) != 1 {
				t.Errorf("document %+v", doc)
			}
			if got := doc.Services["Feed"]; tt.name == "good" && got != "https://board.example/feed" {
				t.Errorf("feed at %q", got)
			}
		})
	}
	if _, err := NewResolver().Document("nothing"); err == nil {
		t.Error("resolved what is no DID")
	}
}
