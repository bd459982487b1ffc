package board

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestWebDocument(t *testing.T) {
	for _, tt := range []struct{ url, path, id, other string }{
		{"https://board.example", "/.well-known/did.json", "did:web:board.example", "/did.json"},
		{"https://state.example:8443/boards/ma", "/did.json", "did:web:state.example%3A8443:boards:ma", "/.well-known/did.json"},
		{"https://[2001:db8::1]", "", "", "/.well-known/did.json"},
	} {
		t.Run(tt.url, func(t *testing.T) {
			h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.URL = tt.url })
			get := func(path string) *http.Response {
				resp, err := http.Get(h.server.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { resp.Body.Close() })
				return resp
			}
			if resp := get(tt.other); resp.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s: %s", tt.other, resp.Status)
			}
			if string(h.Web()) != tt.id {
				t.Errorf("Web() = %q, want %q", h.Web(), tt.id)
			}
			if tt.path == "" {
				return
			}
			resp := get(tt.path)
			b, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/did+ld+json" {
				t.Fatalf("GET %s: %s, %s, %v", tt.path, resp.Status, resp.Header.Get("Content-Type"), err)
			}
			var doc didDocument
			if err := json.Unmarshal(b, &doc); err != nil {
				t.Fatal(err)
			}
			pub, err := credentials.KeyFromDIDKey(h.DID())
			if err != nil {
				t.Fatal(err)
			}
			key := credentials.EncodeMultikey(pub)
			kid := tt.id + "#" + key
			want := verificationMethod{kid, "Multikey", credentials.DID(tt.id), key}
			if string(doc.ID) != tt.id || len(doc.AlsoKnown) != 1 || doc.AlsoKnown[0] != h.DID() || len(doc.Methods) != 1 || doc.Methods[0] != want ||
				len(doc.Assertions) != 1 || doc.Assertions[0] != kid {
				t.Errorf("document %s", b)
			}
			for i, end := range []string{"", "/feed", "/status"} {
				if got := doc.Services[i].Endpoint; got != tt.url+end {
					t.Errorf("service %d at %s, want %s", i, got, tt.url+end)
				}
			}
		})
	}
}
