package board

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A changed answer is evidence; trouble of the network, a refusal and a proxy's
// page are not.
func TestEvidenceIsNoTrouble(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	ctx := t.Context()
	f, err := h.client(t).Issue(ctx, application(1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.client(t).Issue(ctx, application(2))
	if err != nil {
		t.Fatal(err)
	}
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	between := func(change func(string) string, c client.Config) *client.Client {
		c.URL, c.Board, c.Signer = h.server.URL, h.DID(), clerkKey
		if c.Keys == nil {
			c.Keys = credentials.ResolveDIDKey
		}
		c.HTTP = &http.Client{Transport: changed(change)}
		b, err := client.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	as := func(token string) func(string) string { return func(string) string { return token } }
	flip := func(s string) string { // a character of the first token's payload
		i := strings.Index(s, "eyJ")
		i += strings.IndexByte(s[i:], '.') + 20
		return s[:i] + string('a'+(s[i]+1)%26) + s[i+1:]
	}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	foreign, err := credentials.IssueStatusList(testKey(9), randomHandle(), credentials.PurposeRevocation, l.Status[0].Credential, credentials.NewStatusList(1), time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	show := func(c *client.Client) error { _, err := c.Show(ctx, f.License.Handle); return err }
	status := func(c *client.Client) error { _, err := c.Status(ctx, &l.Status[0]); return err }
	noKeys := func(string) (credentials.Key, error) {
		return credentials.Key{}, &url.Error{Op: "Get", URL: "x", Err: errors.New("no route")}
	}
	tests := []struct {
		name string
		c    *client.Client
		do   func(*client.Client) error
		want bool
	}{
		{"license changed", between(flip, client.Config{}), show, true},
		{"another license", between(nil, client.Config{}), func(c *client.Client) error {
			c.HTTP.Transport = toOther{f.License.Handle.String(), other.License.Handle.String()}
			return show(c)
		}, true},
		{"found license changed", between(flip, client.Config{}), func(c *client.Client) error { _, err := c.Find(ctx, "1234567893"); return err }, true},
		{"issued license changed", between(flip, client.Config{}), func(c *client.Client) error { _, err := c.Issue(ctx, application(1)); return err }, true},
		{"order changed", between(flip, client.Config{}), func(c *client.Client) error {
			_, err := c.Revoke(ctx, f.License.Handle, at, "R-1")
			return err
		}, true},
		{"page changed", between(flip, client.Config{}), func(c *client.Client) error { _, err := c.Feed(ctx, 0, 0); return err }, true},
		{"list changed", between(flip, client.Config{}), status, true},
		{"a stranger's list", between(as(foreign), client.Config{}), status, true},
		{"a stale list", between(nil, client.Config{Now: func() time.Time { return time.Now().Add(time.Hour) }}), status, false},
		{"a proxy's page", between(as("<html>"), client.Config{}), show, false},
		{"cut short", between(func(s string) string { return s[:len(s)/2] }, client.Config{}), show, false},
		{"the key cannot be looked up", between(nil, client.Config{Keys: noKeys}), show, false},
		{"nobody there", between(nil, client.Config{}), func(c *client.Client) error { c.URL = "http://127.0.0.1:1"; return show(c) }, false},
		{"refused", between(nil, client.Config{}), func(c *client.Client) error { _, err := c.Show(ctx, credentials.Handle{1}); return err }, false},
	}
	for _, tt := range tests {
		err := tt.do(tt.c)
		if err == nil || errors.Is(err, client.ErrEvidence) != tt.want {
			t.Errorf("%s: %v; evidence: want %t", tt.name, err, tt.want)
		}
	}
}

// changed passes a request on and changes the answer.
type changed func(string) string

func (c changed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || c == nil {
		return resp, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(c(string(b))))
	return resp, err
}

// toOther asks for another license than the client.
type toOther struct{ from, to string }

func (o toOther) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Path = strings.Replace(r.URL.Path, o.from, o.to, 1)
	return http.DefaultTransport.RoundTrip(r)
}

// A list is handed out with a time for which it may be kept, after which it is
// still in force; past its end it says nothing, revoked or not.
func TestStaleListSaysNothing(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.ListLife = 40 * time.Second })
	ctx := t.Context()
	f, err := h.client(t).Issue(ctx, application(1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(l.Status[0].Credential)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Cache-Control"); got != "public, max-age=20" && got != "public, max-age=19" && got != "public, max-age=18" || resp.Header.Get("Content-Type") != "application/vc+jwt" {
		t.Errorf("Cache-Control %q, Content-Type %q", got, resp.Header.Get("Content-Type"))
	}
	for _, tt := range []struct {
		after time.Duration
		known bool
	}{{0, true}, {30 * time.Second, true}, {50 * time.Second, false}, {-time.Minute, false}} {
		c := h.client(t)
		c.Now = func() time.Time { return time.Now().Add(tt.after) }
		if revoked, err := c.Status(ctx, &l.Status[0]); (err == nil) != tt.known || revoked != 0 {
			t.Errorf("after %s: revoked %d, %v", tt.after, revoked, err)
		}
	}
}
