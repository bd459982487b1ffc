package aries

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// page answers every request with one body.
type page []byte

func (p page) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(p)), Request: r}, nil
}

// Whatever a stranger's server says: an answer, without a panic, and a key only
// if the document is about that DID, which controls the key.
func FuzzDocument(f *testing.F) {
	const d = "did:web:board.example"
	multikey := fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(testKey(1)))
	f.Add([]byte(document(d, d, d+"#k", multikey, "assertionMethod")))
	f.Add([]byte(document(d, d, d+"#k", `"type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"}`, "assertionMethod")))
	f.Add([]byte(document(d, d, d+"#k", `"type":"Ed25519VerificationKey2018","publicKeyBase58":"2g"`, "assertionMethod")))
	f.Add([]byte(strings.Replace(document(d, d, d+"#k", multikey, "assertionMethod"), "{", `{"alsoKnownAs":["x"],"service":[{"id":"x","type":"Feed","serviceEndpoint":[]}],`, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := NewResolver()
		r.client.Transport = page(body)
		key, err := r.ResolveKey(d + "#k")
		if err == nil && (key.Algorithm() == "" || !bytes.Contains(body, []byte("board.example"))) {
			t.Errorf("%q is the key of %s", key, body)
		}
		if doc, err := r.Document(d); err == nil && doc.DID != d {
			t.Errorf("%+v was read from %s", doc, body)
		}
	})
}
