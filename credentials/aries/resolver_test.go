package aries

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
)

func testKey(seed byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)).Public().(ed25519.PublicKey)
}

func TestResolveDIDKey(t *testing.T) {
	r := NewResolver()
	kid := credentials.KeyID(testKey(1))
	pub, err := r.ResolveKey(kid)
	if err != nil || !bytes.Equal(pub.Ed25519(), testKey(1)) {
		t.Errorf("ResolveKey = %v, %v", pub, err)
	}
	m := credentials.EncodeMultikey(testKey(1))
	for _, bad := range []string{
		"", "did:key:" + m, "did:key:" + m + "#", "did:key:" + m + "#z", "did:key:" + m + "#" + credentials.EncodeMultikey(testKey(2)),
		"did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc#z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
		"did:peer:1zQmZMygzYqNwU6Uhmewx5Xepf2VLp5S4HLSwwgf2aiKZuwa#1", "did:example:1#k",
	} {
		if pub, err := r.ResolveKey(bad); err == nil {
			t.Errorf("ResolveKey(%q) = %v", bad, pub)
		}
	}
}

func asJSON(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/did+ld+json")
		answer(w, r)
	})
}

// webServer serves body as every document and returns the did:web for it.
func webServer(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(asJSON(answer))
	t.Cleanup(srv.Close)
	return "did:web:" + strings.ReplaceAll(strings.TrimPrefix(srv.URL, "http://"), ":", "%3A")
}

func document(d, controller, kid, method, relation string) string {
	return fmt.Sprintf(`{"@context":["https://www.w3.org/ns/did/v1"],"id":%q,
		"verificationMethod":[{"id":%q,"controller":%q,%s}],%q:[%q]}`, d, kid, controller, method, relation, kid)
}

func TestResolveDIDWeb(t *testing.T) {
	pub := testKey(1)
	multikey := fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(pub))
	x25519 := fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":"z%s"`, base58.Encode(append([]byte{0xec, 1}, pub...)))
	tests := []struct {
		name string
		doc  func(d string) string
		want string // in the error; empty where the key is found
	}{
		{"Multikey", func(d string) string { return document(d, d, d+"#k", multikey, "assertionMethod") }, ""},
		{"Ed25519VerificationKey2020", func(d string) string {
			return document(d, d, d+"#k", strings.Replace(multikey, "Multikey", "Ed25519VerificationKey2020", 1), "assertionMethod")
		}, ""},
		{"Ed25519VerificationKey2018", func(d string) string {
			return document(d, d, d+"#k", fmt.Sprintf(`"type":"Ed25519VerificationKey2018","publicKeyBase58":%q`, base58.Encode(pub)), "assertionMethod")
		}, ""},
		{"JsonWebKey2020", func(d string) string {
			return document(d, d, d+"#k", `"type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"}`, "assertionMethod")
		}, ""},
		{"another DID's document", func(d string) string {
			return document("did:web:evil.example", d, d+"#k", multikey, "assertionMethod")
		}, "another DID"},
		{"another controller", func(d string) string {
			return document(d, "did:web:evil.example", d+"#k", multikey, "assertionMethod")
		}, "controlled"},
		{"another key id", func(d string) string { return document(d, d, d+"#kk", multikey, "assertionMethod") }, "no assertion method"},
		{"only for authentication", func(d string) string { return document(d, d, d+"#k", multikey, "authentication") }, "no assertion method"},
		{"X25519 key", func(d string) string { return document(d, d, d+"#k", x25519, "assertionMethod") }, "Ed25519"},
		{"raw key as Multikey", func(d string) string {
			return document(d, d, d+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":"z%s"`, base58.Encode(pub)), "assertionMethod")
		}, "Ed25519"},
		{"X25519 JWK", func(d string) string {
			return document(d, d, d+"#k", `"type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"X25519","x":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w"}`, "assertionMethod")
		}, "resolve"},
		{"short key", func(d string) string {
			return document(d, d, d+"#k", `"type":"Ed25519VerificationKey2018","publicKeyBase58":"2g"`, "assertionMethod")
		}, "32 bytes"},
		{"unknown type", func(d string) string {
			return document(d, d, d+"#k", `"type":"RsaVerificationKey2018","publicKeyBase58":"2g"`, "assertionMethod")
		}, "not supported"},
		{"not JSON", func(string) string { return "hello" }, "resolve"},
		{"empty", func(string) string { return "" }, "resolve"},
		{"null", func(string) string { return "null" }, "resolve"},
		{"{}", func(string) string { return "{}" }, "resolve"},
		{"odd types", func(d string) string {
			return `{"@context":[1,{}],"id":["x"],"verificationMethod":{"a":1},"assertionMethod":[null,1,{"id":[]}]}`
		}, "resolve"},
		{"huge", func(d string) string {
			return document(d, d, d+"#k", multikey, "assertionMethod") + strings.Repeat(" ", credentials.MaxDIDDocument)
		}, "larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d string
			d = webServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/.well-known/did.json" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				fmt.Fprint(w, tt.doc(d))
			})
			got, err := NewResolver(AllowLoopback()).ResolveKey(d + "#k")
			switch {
			case tt.want == "" && (err != nil || !bytes.Equal(got.Ed25519(), pub)):
				t.Errorf("ResolveKey = %v, %v; want %x", got, err, pub)
			case tt.want != "" && err == nil:
				t.Errorf("resolved to %v", got)
			case tt.want != "" && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

func TestResolveDIDWebGuards(t *testing.T) {
	pub := testKey(1)
	var d string
	d = webServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved/did.json":
			http.Redirect(w, r, "/.well-known/did.json", http.StatusFound)
		case "/error/did.json":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			fmt.Fprint(w, document(d, d, d+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(pub)), "assertionMethod"))
		}
	})
	loopback := NewResolver(AllowLoopback())
	if _, err := loopback.ResolveKey(d + "#k"); err != nil {
		t.Fatal(err)
	}
	if _, err := NewResolver().ResolveKey(d + "#k"); err == nil {
		t.Error("loopback was asked without leave")
	}
	for _, id := range []string{
		d + ":moved#k", d + ":error#k", d + ":missing#k",
		"did:web:evil%40127.0.0.1#k", "did:web:a%2Fb#k", "did:web:a%3Fb#k", "did:web:a%23b#k", "did:web:%zz#k", "did:web:A.example#k",
		"did:web:[::1]#k", "did:web:localhost%3A80%3A80#k", "did:web:localhost%3Ax#k", "did:web::#k", "did:web:localhost:..%2Fx#k",
		"did:web:169.254.169.254#k", "did:web:0.0.0.0#k",
	} {
		if got, err := loopback.ResolveKey(id); err == nil {
			t.Errorf("ResolveKey(%q) = %v", id, got)
		}
	}
}

// What a stranger's document, or the address in a DID, could lead to.
func TestResolveDIDWebWantsHTTPS(t *testing.T) {
	var d string
	pub := testKey(1)
	srv := httptest.NewTLSServer(asJSON(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, document(d, d, d+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(pub)), "assertionMethod"))
	}))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "https://"))
	d = "did:web:example.com%3A" + port // a name on the test server's certificate
	roots := func(t *http.Transport) {
		t.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	}
	var dialed string
	here := func(t *http.Transport) {
		roots(t)
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed = address
			return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(srv.URL, "https://"))
		}
	}
	if got, err := NewResolver(WithTransport(here)).ResolveKey(d + "#k"); err != nil || !bytes.Equal(got.Ed25519(), pub) || dialed != "example.com:"+port {
		t.Errorf("over https: %v, %v, by %s", got, err, dialed)
	}
	if _, err := NewResolver(WithTransport(func(t *http.Transport) { here(t); t.TLSClientConfig = nil })).ResolveKey(d + "#k"); err == nil {
		t.Error("a certificate that nobody vouches for was believed")
	}
	// By plain HTTP no one but this machine is asked, and that only where it is allowed.
	for _, r := range []*Resolver{NewResolver(WithTransport(here)), NewResolver(AllowLoopback(), WithTransport(here))} {
		url, err := credentials.WebDocument(credentials.DID(d), r.loopback)
		if err != nil || !strings.HasPrefix(url, "https://") {
			t.Errorf("asks %s, %v", url, err)
		}
	}
}

// A name may lead anywhere by the time that it is asked for: the address behind
// it is judged as it is called.
func TestResolveDIDWebDialsOnlyThePublic(t *testing.T) {
	for _, r := range []*Resolver{NewResolver(), NewResolver(AllowLoopback())} {
		for _, address := range []string{
			"10.1.2.3:443", "192.168.0.1:443", "172.16.0.1:443", "169.254.169.254:80", "100.64.1.1:443", "0.0.0.0:443", "0.1.2.3:443", "224.0.0.1:443",
			"255.255.255.255:443", "240.0.0.1:443", "198.18.0.1:443", "192.0.0.8:443", "[::]:443", "[fe80::1%eth0]:443", "[fe80::1]:443", "[fc00::1]:443", "[fd12::1]:443", "[fec0::1]:443",
			"[::ffff:10.0.0.1]:443", "[::ffff:169.254.169.254]:443", "[64:ff9b::a00:1]:443", "[2002:a00:1::]:443", "[2001:0:1::]:443", "[::10.0.0.1]:443", "[ff02::1]:443", "name:443", "",
		} {
			if r.controlDial("tcp", address, nil) == nil {
				t.Errorf("loopback %v: dials %s", r.loopback, address)
			}
		}
		for _, address := range []string{"127.0.0.1:443", "127.9.9.9:443", "[::1]:443", "[::ffff:127.0.0.1]:443"} {
			if err := r.controlDial("tcp", address, nil); (err == nil) != r.loopback {
				t.Errorf("loopback %v: %s: %v", r.loopback, address, err)
			}
		}
		for _, address := range []string{"93.184.215.14:443", "[2606:2800:21f:cb07::1]:443"} {
			if err := r.controlDial("tcp", address, nil); err != nil {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	if r := NewResolver(); r.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy would be called in the place of the address")
	}
}

func TestResolveDIDWebFolder(t *testing.T) {
	pub := testKey(1)
	var d string
	d = webServer(t, func(w http.ResponseWriter, r *http.Request) {
		id := d
		switch r.URL.Path {
		case "/boards/ma/did.json":
			id += ":boards:ma"
		case "/.well-known/did.json":
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
		fmt.Fprint(w, document(id, id, id+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(pub)), "assertionMethod"))
	})
	r := NewResolver(AllowLoopback())
	for _, kid := range []string{d + "#k", d + ":boards:ma#k"} {
		if got, err := r.ResolveKey(kid); err != nil || !bytes.Equal(got.Ed25519(), pub) {
			t.Errorf("%s: %v, %v", kid, got, err)
		}
	}
}

func TestResolveDIDWebMedia(t *testing.T) {
	for media, good := range map[string]bool{"application/json": true, "application/did+json; charset=utf-8": true, "application/did+ld+json": true,
		"text/html": false, "text/plain": false, "application/octet-stream": false, "json": false, "/": false} {
		var d string
		d = webServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			fmt.Fprint(w, document(d, d, d+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(testKey(1))), "assertionMethod"))
		})
		if _, err := NewResolver(AllowLoopback()).ResolveKey(d + "#k"); (err == nil) != good {
			t.Errorf("%s: %v", media, err)
		}
	}
}

// What is refused is said in the words of the check that refuses it: whoever
// typed a DID reads them.
func TestResolveSaysWhy(t *testing.T) {
	var d string
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusMultiStatus { // with a header that cannot be read
			w.Header().Set("Content-Type", "application/json; =")
			status = http.StatusOK
		}
		w.WriteHeader(status)
		fmt.Fprint(w, document(d, d, d+"#k", fmt.Sprintf(`"type":"Multikey","publicKeyMultibase":%q`, credentials.EncodeMultikey(testKey(1))), "assertionMethod"))
	}))
	t.Cleanup(srv.Close)
	d = "did:web:" + strings.ReplaceAll(strings.TrimPrefix(srv.URL, "http://"), ":", "%3A")
	r := NewResolver(AllowLoopback())
	for answer, want := range map[int]string{200: "", 203: "203", 404: "404", 500: "500", http.StatusMultiStatus: "not served as JSON"} {
		status = answer
		if _, err := r.ResolveKey(d + "#k"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("answered with %d: %v, want %q", answer, err, want)
		}
	}
	for kid, want := range map[string]string{"x": "fragment", "did:example:1#k": "use did:key or did:web", "did:web:A#k": "want a host name"} {
		if _, err := r.ResolveKey(kid); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kid, err, want)
		}
	}
	for did, want := range map[credentials.DID]string{"nothing": "is not a DID", "did:example:1": "use did:key or did:web", "did:web:A": "want a host name"} {
		if _, err := r.Document(did); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", did, err, want)
		}
	}
}

func TestResolveDIDWebTimesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three seconds")
	}
	stop := make(chan struct{})
	d := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-stop
	})
	t.Cleanup(func() { close(stop) })
	start := time.Now()
	if _, err := NewResolver(AllowLoopback()).ResolveKey(d + "#k"); err == nil {
		t.Error("a server that never answers was believed")
	}
	if took := time.Since(start); took > 2*fetchTimeout {
		t.Errorf("gave up after %s", took)
	}
}

// A server that gives a byte now and then is given no longer than one that gives none.
func TestResolveDIDWebDrips(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three seconds")
	}
	d := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	if _, err := NewResolver(AllowLoopback()).ResolveKey(d + "#k"); err == nil || !strings.Contains(err.Error(), "deadline") && !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("got %v, want a timeout", err)
	}
}
