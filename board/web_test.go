package board

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
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
			var doc credentials.PublicDocument
			if err := json.Unmarshal(b, &doc); err != nil {
				t.Fatal(err)
			}
			pub, err := credentials.KeyFromDIDKey(h.DID())
			if err != nil {
				t.Fatal(err)
			}
			key := credentials.EncodeMultikey(pub)
			kid := tt.id + "#" + key
			want := credentials.VerificationMethod{ID: kid, Type: "Multikey", Controller: credentials.DID(tt.id), Key: key}
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

// The keys that the board had before are in it, so that what they signed can be
// verified; one that was declared bad is not. Where the board's own DID is the
// did:web of its address, nothing is renamed.
func TestWebDocumentOverTime(t *testing.T) {
	keys := []ledger.PartyKey{}
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) {
		o.URL = "https://board.example"
		o.PartyKeys = func(credentials.DID) ([]ledger.PartyKey, error) { return keys, nil }
	})
	for i, name := range []string{"first", "stolen", "today"} {
		_, multikey, err := credentials.ParseKeyID(ledgertest.Signer(name).KeyID())
		if err != nil {
			t.Fatal(err)
		}
		k, err := credentials.ParseKey(multikey)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			k.BadFrom = 7
		}
		keys = append(keys, ledger.PartyKey{KeyID: string(h.DID()) + "#" + multikey, Key: k})
	}
	resp, err := http.Get(h.server.URL + "/.well-known/did.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Fatalf("%v, %v", resp.Header, err)
	}
	doc, err := credentials.ParseDIDDocument(b, "did:web:board.example")
	if err != nil || len(doc.Keys) != 2 || len(doc.Unread) != 0 || len(doc.AlsoKnown) != 1 || doc.AlsoKnown[0] != h.DID() {
		t.Fatalf("%+v, %v", doc, err)
	}
	for i, k := range keys {
		if _, there := doc.Keys["did:web:board.example#"+k.Key.Multikey()]; there != (i != 1) {
			t.Errorf("key %d is there: %v", i, there)
		}
	}
	own, err := credentials.NewPublicDocument("https://board.example", "did:web:board.example", []string{"did:web:board.example#2026"}, []credentials.Key{keys[0].Key})
	if err != nil || len(own.AlsoKnown) != 0 || own.Assertions[0] != "did:web:board.example#2026" {
		t.Errorf("%+v, %v", own, err)
	}
}
