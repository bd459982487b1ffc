package board

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var otherClerk = testKey(3)

func twoClerks(o *Options) { o.Clerks = []string{clerkKey.KeyID(), otherClerk.KeyID()} }

// deeds reads the acts as a clerk.
func deeds(c *client.Client) (all []client.Deed, err error) {
	err = c.Deeds(context.Background(), 0, func(d client.Deed) error { all = append(all, d); return nil })
	return all, err
}

// Every act names the clerk who signed for it, also when that clerk may no
// longer act.
func TestActsAreTracedToClerks(t *testing.T) {
	defer func(n int) { pageSize = n }(pageSize)
	pageSize = 2
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		h := openHouse(t, open(), l, twoClerks)
		one, two := h.clientOf(t, clerkKey), h.clientOf(t, otherClerk)
		first, err := one.Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := two.Issue(ctx, application(1)); err != nil { // does nothing
			t.Fatal(err)
		}
		if _, err := two.Issue(ctx, application(2)); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 3, 2, 22, 0, 0, 0, time.FixedZone("", -5*3600))
		if _, err := two.Revoke(ctx, first.License.Handle, at, "R-1"); err != nil {
			t.Fatal(err)
		}
		h.shut()

		h = openHouse(t, open(), l, func(o *Options) { o.Clerks = []string{clerkKey.KeyID()} })
		var refusal *client.Refusal
		if _, err := h.clientOf(t, otherClerk).Issue(ctx, application(3)); !errors.As(err, &refusal) || refusal.Status != http.StatusForbidden {
			t.Errorf("a clerk who was removed: %v", err)
		}
		if _, err := deeds(h.clientOf(t, otherClerk)); !errors.As(err, &refusal) {
			t.Errorf("a clerk who was removed read the acts: %v", err)
		}
		all, err := deeds(h.client(t))
		if err != nil || len(all) != 3 {
			t.Fatalf("%d acts, %v; want 3", len(all), err)
		}
		for i, want := range []credentials.Signer{clerkKey, otherClerk, otherClerk} {
			if d := all[i]; d.Clerk != want.KeyID() || d.Sequence != int64(i+1) || time.Since(d.Signed) > time.Minute || time.Since(d.Accepted) > time.Minute {
				t.Errorf("act %d: %d by %s, signed %s, accepted %s", i+1, d.Sequence, d.Clerk, d.Signed, d.Accepted)
			}
		}
		if o := all[2].Order; o == nil || o.License != first.License.Handle || !o.Effective.Equal(at) {
			t.Errorf("act 3 is %+v", o)
		}
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}

// Two clerks send the same order to two processes at once: it is one order, and
// one of them signed for it.
func TestTwoClerksOneOrder(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		one := openHouse(t, open(), l, twoClerks)
		two := openHouse(t, open(), l, twoClerks)
		for i := range 5 {
			f, err := one.client(t).Issue(ctx, application(i))
			if err != nil {
				t.Fatal(err)
			}
			var tokens [2]string
			var wait sync.WaitGroup
			for n, c := range []*client.Client{one.clientOf(t, clerkKey), two.clientOf(t, otherClerk)} {
				wait.Go(func() {
					d, err := c.Revoke(ctx, f.License.Handle, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), "R-1")
					if err != nil {
						t.Error(err)
					}
					tokens[n] = d.Token
				})
			}
			wait.Wait()
			if tokens[0] != tokens[1] {
				t.Error("two clerks got two orders")
			}
		}
		events := awaitFeed(t, two.client(t), 10)
		all, err := deeds(two.client(t))
		if err != nil || len(all) != len(events) {
			t.Errorf("%d acts for %d events, %v", len(all), len(events), err)
		}
	})
}

// Whatever the board, or who stands between, changes of an act is found.
func TestClientRefusesTamperedActs(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), twoClerks)
	ctx := t.Context()
	f, err := h.client(t).Issue(ctx, application(1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.clientOf(t, otherClerk).Issue(ctx, application(2))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if _, err := h.clientOf(t, otherClerk).Revoke(ctx, f.License.Handle, at, "R-1"); err != nil {
		t.Fatal(err)
	}
	// What a board that wants to blame another clerk can sign itself.
	license := func(a client.Application) string {
		hd := randomHandle()
		token, err := credentials.Issue(boardKey, credentials.KindLicense, hd, time.Now(), nil, a.License(hd))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	order := func(o credentials.Order) string {
		o.Handle = randomHandle()
		token, err := credentials.Issue(boardKey, credentials.KindBoardOrder, o.Handle, time.Now(), nil, o)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	signed := func(p *client.ActPage, path, body string) { // a request of the third act, under an id of its own
		token := signRequest(t, clerkKey, path, string(h.DID()), body, time.Now())
		claims, err := credentials.VerifyRequest(token, http.MethodPost, path, string(h.DID()), []byte(body), time.Now(), credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		p.Acts[2].Request = claims.ID.String()
		p.Requests[2] = client.Request{ID: p.Acts[2].Request, Path: path, Body: []byte(body), Accepted: time.Now(), Token: token}
	}
	renamed := application(1)
	renamed.Name = "Somebody Else"
	same := credentials.Order{License: f.License.Handle, Action: credentials.OrderRevoke, Effective: at, Reason: "R-1"}
	change := func(f func(*credentials.Order)) string { o := same; f(&o); return order(o) }
	orders := "/licenses/" + f.License.Handle.String() + "/orders"
	tests := map[string]func(p *client.ActPage){
		"no request":              func(p *client.ActPage) { p.Requests = p.Requests[:2] },
		"request not named":       func(p *client.ActPage) { p.Acts[2].Request = "" },
		"another clerk's request": func(p *client.ActPage) { p.Acts[2].Request = p.Acts[0].Request },
		"request of another id": func(p *client.ActPage) {
			p.Requests[2].ID = p.Requests[0].ID[:60] + "0000"
			p.Acts[2].Request = p.Requests[2].ID
		},
		"another line":             func(p *client.ActPage) { p.Acts[1].Line = 1 },
		"another line of an order": func(p *client.ActPage) { p.Acts[2].Line = 1 },
		"requests exchanged":       func(p *client.ActPage) { p.Acts[0].Request, p.Acts[1].Request = p.Acts[1].Request, p.Acts[0].Request },
		"signed by the board itself": func(p *client.ActPage) {
			p.Requests[2].Token = signRequest(t, boardKey, "/licenses", string(h.DID()), "", time.Now())
		},
		"another body": func(p *client.ActPage) { p.Requests[2].Body = append(p.Requests[2].Body, ' ') },
		"another path": func(p *client.ActPage) {
			p.Requests[2].Path = "/licenses/" + other.License.Handle.String() + "/orders"
		},
		"accepted long after":  func(p *client.ActPage) { p.Requests[2].Accepted = time.Now().Add(time.Hour) },
		"accepted long before": func(p *client.ActPage) { p.Requests[2].Accepted = time.Now().Add(-time.Hour) },
		"one request for two": func(p *client.ActPage) {
			p.Acts[1].Token, p.Acts[1].Request = license(application(1)), p.Acts[0].Request
		},
		"a license under another name": func(p *client.ActPage) { p.Acts[0].Token = license(renamed) },
		"an order upon another license": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.License = other.License.Handle })
		},
		"an order for another reason": func(p *client.ActPage) { p.Acts[2].Token = change(func(o *credentials.Order) { o.Reason = "R-2" }) },
		"an order from another day": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Effective = at.AddDate(0, 0, -1) })
		},
		"an order with a last day": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Until = "2026-03-03" })
		},
		"an order with restrictions": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Restrictions = []string{"A"} })
		},
		"an order upon another order": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Upon = []credentials.Handle{{1}} })
		},
		"another action": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Action = credentials.OrderSuspend })
		},
		"the same instant, another day": func(p *client.ActPage) {
			p.Acts[2].Token = change(func(o *credentials.Order) { o.Effective = at.In(time.FixedZone("", -3600)) })
		},
		"a stranger's document":          func(p *client.ActPage) { p.Acts[0].Token = strings.Replace(p.Acts[0].Token, ".", ".e", 1) },
		"an order called a license":      func(p *client.ActPage) { p.Acts[2].Kind = client.EventLicense },
		"unknown kind":                   func(p *client.ActPage) { p.Acts[2].Kind = "suspension" },
		"act left out":                   func(p *client.ActPage) { p.Acts = append(p.Acts[:1], p.Acts[2]) },
		"act numbered otherwise":         func(p *client.ActPage) { p.Acts[2].Sequence = 7 },
		"last acts left out":             func(p *client.ActPage) { p.Acts = nil },
		"a request to issue as an order": func(p *client.ActPage) { signed(p, orders, `{"npi":"1234567893"}`) },
		"an order at the other address": func(p *client.ActPage) {
			signed(p, "/licenses", string(p.Requests[2].Body))
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := h.acts(ctx, 0, "")
			if err != nil {
				t.Fatal(err)
			}
			tamper(&page)
			b, err := json.Marshal(page)
			if err != nil {
				t.Fatal(err)
			}
			between, err := client.New(client.Config{URL: h.server.URL, Board: h.DID(), Keys: credentials.ResolveDIDKey,
				Signer: clerkKey, HTTP: &http.Client{Transport: always(b)}})
			if err != nil {
				t.Fatal(err)
			}
			if all, err := deeds(between); !errors.Is(err, client.ErrEvidence) {
				t.Errorf("read %d acts, %v; want what is wrong with them", len(all), err)
			}
		})
	}
}

// What is in the register stays as it was written.
func TestRegisterIsAppendOnly(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db, ctx := open(), t.Context()
		h := openHouse(t, db, newTestLedger())
		f, err := h.client(t).Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.client(t).Revoke(ctx, f.License.Handle, time.Now().Truncate(time.Second), "R-1"); err != nil {
			t.Fatal(err)
		}
		awaitFeed(t, h.client(t), 2)
		for _, statement := range []string{
			`UPDATE register_act SET line = 7`, `DELETE FROM register_act`,
			`UPDATE register_asked SET clerk = 'did:key:z6Mk#z6Mk'`, `DELETE FROM register_asked`,
			`UPDATE register_event SET token = 'x'`, `UPDATE register_event SET entry = ''`, `DELETE FROM register_event`,
			`UPDATE register_place SET ledger_index = 99`, `DELETE FROM register_place`,
			`UPDATE register_receipt SET receipt = ''`, `DELETE FROM register_receipt`,
			`UPDATE register_license SET ordered = 0`, `UPDATE register_license SET suspension_place = 3`, `UPDATE register_license SET message_place = 3`,
			`UPDATE register_license SET npi = '1'`, `DELETE FROM register_license`,
		} {
			if n, err := db.Exec(ctx, statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: changed %d rows, %v", statement, n, err)
			}
		}
	})
}

func TestDoorKeepsActsToClerks(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	ask := func(path string, s credentials.Signer) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s != nil {
			token, err := credentials.SignRequest(s, http.MethodGet, path, string(h.DID()), nil, randomHandle(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	for _, tt := range []struct {
		path   string
		signer credentials.Signer
		want   int
	}{
		{"/acts?after=0", nil, 401}, {"/acts?after=0", testKey(9), 403}, {"/acts?after=0", clerkKey, 200},
		{"/acts", clerkKey, 400}, {"/acts?after=-1", clerkKey, 400}, {"/acts?after=x", clerkKey, 400},
	} {
		if got := ask(tt.path, tt.signer); got != tt.want {
			t.Errorf("GET %s: %d, want %d", tt.path, got, tt.want)
		}
	}
}

// A clerk's order is good for one license, once, at one board.
func TestOrdersAreBoundToTheirRequest(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	path := func(n int) string {
		f, err := h.client(t).Issue(t.Context(), application(n))
		if err != nil {
			t.Fatal(err)
		}
		return "/licenses/" + f.License.Handle.String() + "/orders"
	}
	one, two, did := path(1), path(2), string(h.DID())
	body := `{"action":"revoke","effective":"2026-03-02T00:00:00-05:00","reason":"R-1"}`
	other := strings.Replace(body, "R-1", "R-2", 1)
	now := time.Now()
	good := signRequest(t, clerkKey, one, did, body, now)
	get, err := credentials.SignRequest(clerkKey, http.MethodGet, one, did, []byte(body), randomHandle(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, token, body string
		status                  int
		want                    string
	}{
		{"another license", two, good, body, 401, "another request"},
		{"another order", one, good, other, 401, "another body"},
		{"an issuance", "/licenses", good, body, 401, "another request"},
		{"another method", one, get, body, 401, "another request"},
		{"another board", one, signRequest(t, clerkKey, one, "did:web:other.example", body, now), body, 401, "another server"},
		{"with a query", one + "?x=1", signRequest(t, clerkKey, one+"?x=1", did, body, now), body, 400, "the address alone"},
		{"good", one, good, body, 201, ""},
		{"replayed", one, good, body, 401, "used before"},
		{"signed anew", one, signRequest(t, clerkKey, one, did, body, now), body, 200, ""},
	} {
		if status, text := h.post(t, tt.path, tt.token, tt.body); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %q, want %d and %q", tt.name, status, text, tt.status, tt.want)
		}
	}
	if all, err := deeds(h.client(t)); err != nil || len(all) != 3 {
		t.Errorf("%d acts, %v; want two licenses and one order", len(all), err)
	}
}

// A door in a folder of a server that takes the folder off.
func TestDoorInAFolder(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) { o.URL += "/boards/ma/" })
	h.server.Config.Handler = http.StripPrefix("/boards/ma", h.Handler())
	h.server.URL += "/boards/ma"
	c := h.client(t)
	f, err := c.Issue(t.Context(), application(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Revoke(t.Context(), f.License.Handle, time.Now().Truncate(time.Second), "R-1"); err != nil {
		t.Fatal(err)
	}
	if all, err := deeds(c); err != nil || len(all) != 2 {
		t.Errorf("%d acts, %v", len(all), err)
	}
}

// A clerk who does not want to wait is answered before the ledger is heard.
func TestClerkNeedNotWait(t *testing.T) {
	l := newTestLedger()
	l.setFault(func(string) string { return "fail" })
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), l)
	c := h.client(t)
	c.NoWait = true
	began := time.Now()
	f, err := c.Issue(t.Context(), application(1))
	if err != nil || len(f.License.Receipt) > 0 || time.Since(began) > 5*time.Second {
		t.Fatalf("answered after %s, %d bytes of receipt, %v", time.Since(began), len(f.License.Receipt), err)
	}
	l.setFault(nil)
	awaitFeed(t, c, 1)
	again, err := c.Issue(t.Context(), application(1))
	if err != nil || again.License.Token != f.License.Token || len(again.License.Receipt) == 0 {
		t.Errorf("again: %d bytes of receipt, %v", len(again.License.Receipt), err)
	}
}
