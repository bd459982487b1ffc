package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// post sends body with a token and returns status and error text.
func (h *house) post(t *testing.T, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return answerOf(t, req)
}

func answerOf(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var r client.Refused
	json.Unmarshal(b, &r)
	return resp.StatusCode, r.Error
}

func signRequest(t *testing.T, s credentials.Signer, path, audience, body string, at time.Time) string {
	t.Helper()
	token, err := credentials.SignRequest(s, http.MethodPost, path, audience, []byte(body), randomHandle(), at)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestDoorAsksForAClerk(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	b, err := credentials.CanonicalJSON(application(1))
	if err != nil {
		t.Fatal(err)
	}
	body, now, did := string(b), time.Now(), string(h.DID())
	good := signRequest(t, clerkKey, "/licenses", did, body, now)
	if status, text := h.post(t, "/licenses", good, body); status != http.StatusCreated {
		t.Fatalf("a clerk's request: %d %s", status, text)
	}
	tests := []struct {
		name, token, body string
		status            int
		want              string
	}{
		{"replayed", good, body, 401, "used before"},
		{"replayed with another body", good, body + " ", 401, "another body"},
		{"no token", "", body, 401, "no request token"},
		{"no JWS", "x", body, 401, "three parts"},
		{"stranger", signRequest(t, testKey(9), "/licenses", did, body, now), body, 403, "not a clerk"},
		{"the board itself", signRequest(t, boardKey, "/licenses", did, body, now), body, 403, "not a clerk"},
		{"another board", signRequest(t, clerkKey, "/licenses", "did:web:other.example", body, now), body, 401, "another server"},
		{"another path", signRequest(t, clerkKey, "/licenses?x", did, body, now), body, 401, "another request"},
		{"expired", signRequest(t, clerkKey, "/licenses", did, body, now.Add(-2*time.Minute)), body, 401, "expired"},
		{"from the future", signRequest(t, clerkKey, "/licenses", did, body, now.Add(2*time.Minute)), body, 401, "future"},
		{"too large", signRequest(t, clerkKey, "/licenses", did, body, now), body + strings.Repeat(" ", maxBody), 413, "larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text := h.post(t, "/licenses", tt.token, tt.body)
			if status != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, "\n") {
				t.Errorf("answer %d %q, want %d and %q", status, text, tt.status, tt.want)
			}
		})
	}
	if n := len(h.ledger.entries); n != 2 {
		t.Errorf("the ledger has %d entries, want one license and one of another's", n)
	}
	if text := h.log.text(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

func TestDoorChecksWhatIsAsked(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.CheckNPI = true })
	f, err := h.client(t).Issue(t.Context(), application(1))
	if err != nil {
		t.Fatal(err)
	}
	b, err := credentials.CanonicalJSON(application(2))
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	orders := "/licenses/" + f.License.Handle.String() + "/orders"
	order := `{"action":"revoke","effective":"2026-03-02T00:00:00-05:00","reason":"R-1"}`
	swap := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%s does not hold %s", s, old)
		}
		return strings.Replace(s, old, new, 1)
	}
	tests := []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"not JSON", "/licenses", "x", 400, "invalid character"},
		{"empty", "/licenses", "", 400, "too early"},
		{"unknown field", "/licenses", swap(good, "{", `{"handle":"x",`), 400, "/handle: unknown"},
		{"field twice", "/licenses", swap(good, "{", `{"npi":"1234567893",`), 400, "twice"},
		{"not a date", "/licenses", swap(good, "2026-01-01", "2026-02-30"), 400, "not a date"},
		{"dates the wrong way round", "/licenses", swap(good, "2027-12-31", "2025-12-31"), 422, "/until"},
		{"no date", "/licenses", swap(good, "2027-12-31", ""), 422, "/until"},
		{"NPI that starts with 3", "/licenses", swap(good, "1234567893", "3234567893"), 422, "/npi"},
		{"NPI too short", "/licenses", swap(good, "1234567893", "123"), 422, "/npi"},
		{"NPI with a wrong digit", "/licenses", swap(good, "1234567893", "1234567894"), 422, "check digit"},
		{"another state", "/licenses", swap(good, `"MA"`, `"NY"`), 422, "/jurisdiction"},
		{"no name", "/licenses", swap(good, "Jane Testperson", ""), 422, "/name"},
		{"name with a line break", "/licenses", swap(good, "Jane Testperson", `Jane\nTestperson`), 422, "/name"},
		{"name of a novel", "/licenses", swap(good, "Jane Testperson", strings.Repeat("x", 201)), 422, "/name"},
		{"profession as a sentence", "/licenses", swap(good, `"MD"`, `"Medical Doctor"`), 422, "/profession"},
		{"no number", "/licenses", swap(good, "MA-2", ""), 422, "/number"},
		{"order upon nothing", "/licenses/" + randomHandle().String() + "/orders", order, 404, "nothing"},
		{"order upon no handle", "/licenses/x/orders", order, 400, "handle"},
		{"unknown action", orders, swap(order, "revoke", "censure"), 422, "/action"},
		{"no effective time", orders, `{"action":"revoke","reason":"R-1"}`, 422, "/effective"},
		{"date only", orders, swap(order, "2026-03-02T00:00:00-05:00", "2026-03-02"), 400, "order"},
		{"time without an offset", orders, swap(order, "-05:00", ""), 400, "order"},
		{"fractions of a second", orders, swap(order, "00:00:00-", "00:00:00.5-"), 422, "/effective"},
		{"reason as a sentence", orders, swap(order, "R-1", "Mrs Testperson drank"), 422, "/reason"},
		{"no reason", orders, swap(order, "R-1", ""), 422, "/reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text := h.post(t, tt.path, signRequest(t, clerkKey, tt.path, string(h.DID()), tt.body, time.Now()), tt.body)
			if status != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("answer %d %q, want %d and %q", status, text, tt.status, tt.want)
			}
			if strings.Contains(text, "Testperson") || strings.Contains(text, "123456789") || strings.Contains(text, "\n") {
				t.Errorf("answer is personal or of several lines: %q", text)
			}
		})
	}
	for path, want := range map[string]int{
		"/licenses": 400, "/licenses?npi=123": 400, "/licenses/x": 400, "/licenses/" + randomHandle().String(): 404,
		"/status/revocation/0": 400, "/status/revocation/x": 400, "/status/revocation/2": 404, "/status/message/2": 404, "/status/1": 404, "/feed": 400, "/feed?after=-1": 400, "/feed?after=0&wait=2h": 400,
		"/feed?after=0&wait=x": 400, "/nothing": 404, "/healthz": 204,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := answerOf(t, req); status != want {
			t.Errorf("GET %s: %d, want %d", path, status, want)
		}
	}
	if text := h.log.text(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

func TestFeedWaits(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	c := h.client(t)
	start := time.Now()
	if p, err := c.Feed(t.Context(), 0, 300*time.Millisecond); err != nil || len(p.Events) != 0 || time.Since(start) < 250*time.Millisecond {
		t.Errorf("an empty feed answered %d events after %s, %v", len(p.Events), time.Since(start), err)
	}
	got := make(chan client.FeedPage, 1)
	go func() {
		p, err := c.Feed(t.Context(), 0, 20*time.Second)
		if err != nil {
			t.Error(err)
		}
		got <- p
	}()
	time.Sleep(100 * time.Millisecond)
	issued := time.Now()
	if _, err := c.Issue(t.Context(), application(1)); err != nil {
		t.Fatal(err)
	}
	if p := <-got; len(p.Events) != 1 || time.Since(issued) > 5*time.Second {
		t.Errorf("%d events after %s", len(p.Events), time.Since(issued))
	}
	// A board that closes lets its readers go.
	go func() {
		p, _ := c.Feed(t.Context(), 1, 20*time.Second)
		got <- p
	}()
	time.Sleep(100 * time.Millisecond)
	closing := time.Now()
	h.Board.Close()
	if <-got; time.Since(closing) > 5*time.Second {
		t.Errorf("the reader was held for %s", time.Since(closing))
	}
}

func TestFeedComesInPages(t *testing.T) {
	defer func(n int) { pageSize = n }(pageSize)
	pageSize = 3
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	c := h.client(t)
	for i := range 7 {
		if _, err := c.Issue(t.Context(), application(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(wholeFeed(t, c)); n != 7 {
		t.Errorf("read %d events in pages, want 7", n)
	}
}

// Whoever stands between the board and its readers changes, drops or repeats.
func TestClientRefusesATamperedFeed(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	c := h.client(t)
	for i := range 3 {
		if _, err := c.Issue(t.Context(), application(i)); err != nil {
			t.Fatal(err)
		}
	}
	foreign, err := credentials.Issue(testKey(9), credentials.KindLicense, randomHandle(), time.Now(), nil, application(1).License(randomHandle()))
	if err != nil {
		t.Fatal(err)
	}
	prove := func(s credentials.Signer, p *client.FeedPage, after int64) string {
		token, err := credentials.Issue(s, credentials.KindFeedHead, randomHandle(), time.Now(), nil, p.Prove(after))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	tests := map[string]func(p *client.FeedPage){
		"last event dropped": func(p *client.FeedPage) {
			p.Events = p.Events[:2]
			p.Head.Sequence = 2
			p.Head.Index = p.Events[1].Index
		},
		"first event dropped":        func(p *client.FeedPage) { p.Events = p.Events[1:] },
		"middle dropped, renumbered": func(p *client.FeedPage) { p.Events = append(p.Events[:1], p.Events[2]); p.Events[1].Sequence = 2 },
		"all dropped":                func(p *client.FeedPage) { p.Events = nil },
		"swapped":                    func(p *client.FeedPage) { p.Events[0], p.Events[1] = p.Events[1], p.Events[0] },
		"event repeated":             func(p *client.FeedPage) { p.Events = append(p.Events, p.Events[2]); p.Events[3].Sequence = 4 },
		"indexes the wrong way":      func(p *client.FeedPage) { p.Events[2].Index = 1 },
		"another's license":          func(p *client.FeedPage) { p.Events[1].Token = foreign },
		"license called an order":    func(p *client.FeedPage) { p.Events[1].Kind = client.EventOrder },
		"unknown kind":               func(p *client.FeedPage) { p.Events[1].Kind = "suspension" },
		"no receipt":                 func(p *client.FeedPage) { p.Events[1].Receipt = nil },
		"head of another time":       func(p *client.FeedPage) { p.Head.Time = p.Head.Time.Add(time.Hour) },
		"no proof":                   func(p *client.FeedPage) { p.Proof = "" },
		"a license as proof":         func(p *client.FeedPage) { p.Proof = p.Events[0].Token },
		"signed by someone else":     func(p *client.FeedPage) { p.Proof = prove(testKey(9), p, 0) },
		"page for another place":     func(p *client.FeedPage) { p.Proof = prove(boardKey, p, 1) },
		"the board skips an event": func(p *client.FeedPage) {
			p.Events = append(p.Events[:1], p.Events[2])
			p.Proof = prove(boardKey, p, 0)
		},
		"the board's head is further": func(p *client.FeedPage) {
			p.Events, p.Head.Sequence = nil, 4
			p.Proof = prove(boardKey, p, 0)
		},
		"the board's head is behind": func(p *client.FeedPage) {
			p.Head.Sequence = 2
			p.Proof = prove(boardKey, p, 0)
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := h.feed(t.Context(), 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			tamper(&page)
			b, err := json.Marshal(page)
			if err != nil {
				t.Fatal(err)
			}
			between, err := client.New(client.Config{URL: h.server.URL, Board: h.DID(), Keys: credentials.ResolveDIDKey,
				HTTP: &http.Client{Transport: always(b)}})
			if err != nil {
				t.Fatal(err)
			}
			if p, err := between.Feed(t.Context(), 0, 0); err == nil {
				t.Errorf("read %d events, head %+v", len(p.Events), p.Head)
			}
		})
	}
}

// always is a transport that answers everything with the same bytes.
type always []byte

func (a always) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a))}, nil
}

func TestClientTellsRefusalsApart(t *testing.T) {
	for status, permanent := range map[int]bool{400: true, 403: true, 404: true, 422: true, 429: false, 500: false, 503: false} {
		c, err := client.New(client.Config{URL: "http://board.example", Board: "did:web:board.example", Keys: credentials.ResolveDIDKey,
			HTTP: &http.Client{Transport: failing(status)}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Show(t.Context(), credentials.Handle{1})
		var refusal *client.Refusal
		if err == nil || errors.As(err, &refusal) != permanent {
			t.Errorf("status %d: %v", status, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("status %d: a stranger's control characters reach the terminal: %q", status, err)
		}
	}
}

type failing int

func (f failing) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(f), Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"error":"no\n\u001b[2J"}`))}, nil
}
