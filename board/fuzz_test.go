package board

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Whatever a clerk signs is either refused, in one line, or done; and what is
// done can be read back by those who check it. Never is it our fault (5xx).
func FuzzDoor(f *testing.F) {
	l := newTestLedger()
	b, err := Open(f.Context(), sqldbtest.Open(f, sqldbtest.SQLite(f)), boardKey, l,
		Options{Jurisdiction: "MA", URL: "http://board.example", Clerks: []string{clerkKey.KeyID()}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(b.Close)
	license, _, err := b.issue(f.Context(), bySomeone(), application(1))
	if err != nil {
		f.Fatal(err)
	}
	known := int64(1)
	door := b.Handler()
	reader, err := client.New(client.Config{URL: "http://board.example", Board: b.DID(), Keys: credentials.ResolveDIDKey,
		Signer: clerkKey, HTTP: &http.Client{Transport: inProcess{door}}})
	if err != nil {
		f.Fatal(err)
	}
	a, err := credentials.CanonicalJSON(application(2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", a)
	f.Add(license.String(), []byte(`{"action":"revoke","effective":"2026-03-02T00:00:00-05:00","reason":"R-1"}`))
	f.Add(license.String(), []byte(`{"action":"revoke","effective":"2026-03-02T00:00:00+23:59","reason":"R-1"}`))
	f.Add(license.String(), []byte(`{"action":"revoke","effective":"2200-12-31T23:59:59-23:59","reason":"R-1"}`))
	f.Add("", []byte(strings.Replace(string(a), "Jane", "J\u00e4ne \U0001F600 \\ud800", 1)))
	f.Add("zz", []byte(`null`))
	f.Add("imports", fmt.Appendf(nil, `{"rows":[{"license":%s}]}`, a))
	f.Fuzz(func(t *testing.T, of string, body []byte) {
		path := "/licenses"
		switch {
		case of == "imports":
			path = "/imports"
		case of != "":
			path += "/" + of + "/orders"
		}
		r, err := http.NewRequest(http.MethodPost, "http://board.example"+path, strings.NewReader(string(body)))
		if err != nil {
			t.Skip()
		}
		token, err := credentials.SignRequest(clerkKey, http.MethodPost, r.URL.RequestURI(), string(b.DID()), body, randomHandle(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Prefer", "respond-async")
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		text := strings.TrimSuffix(w.Body.String(), "\n")
		switch {
		case w.Code >= 500 || strings.Contains(text, "\n") && w.Code != http.StatusNotFound:
			t.Fatalf("%d %s", w.Code, text)
		case w.Code < 300:
			err := reader.Deeds(t.Context(), known, func(d client.Deed) error { known = d.Sequence; return nil })
			if err != nil {
				t.Fatalf("done, and cannot be shown: %v", err)
			}
		}
	})
}

// inProcess is a transport to a handler.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody // as a server has it
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// What anybody may ask is answered or refused, never our fault.
func FuzzReading(f *testing.F) {
	b, err := Open(f.Context(), sqldbtest.Open(f, sqldbtest.SQLite(f)), boardKey, newTestLedger(),
		Options{Jurisdiction: "MA", URL: "http://board.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(b.Close)
	door := b.Handler()
	for _, path := range []string{"/feed?after=0", "/feed?after=9223372036854775807&wait=0s", "/feed?after=0&wait=-1s", "/status/1", "/status/9999999999",
		"/licenses?npi=1234567893", "/licenses/%00", "/acts?after=0", "/.well-known/did.json", "/licenses/" + strings.Repeat("0", 64)} {
		f.Add(path, "Bearer x.y.z")
	}
	f.Fuzz(func(t *testing.T, path, token string) {
		r, err := http.NewRequest(http.MethodGet, "http://board.example/"+strings.TrimPrefix(path, "/"), http.NoBody)
		if err != nil || r.URL.Query().Get("wait") != "" && r.URL.Query().Get("wait") != "0s" {
			t.Skip()
		}
		r.Header["Authorization"] = []string{token}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
