package board

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/standing"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A license that the board signed before its key was handed over, and that the
// ledger has not heard of, is recorded by the key that followed. The register,
// the clerk's own door and the feed go on under the same DID.
func TestHandoverWithUnsentEvents(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		l.setFault(func(string) string { return "fail" })
		quick := func(o *Options) { o.ReceiptWait = 50 * time.Millisecond }
		first := openHouse(t, open(), l, quick)
		f, err := first.client(t).Issue(t.Context(), application(1))
		if err != nil {
			t.Fatal(err)
		}
		first.shut()

		after := testKey(9)
		_, multikey, _ := credentials.ParseKeyID(after.KeyID())
		next := credentials.NewSigner(string(first.DID())+"#"+multikey, ed25519KeyOf(9))
		l.mu.Lock()
		l.retired, l.fault = boardKey.KeyID(), nil
		l.mu.Unlock()
		second := openHouseAs(t, next, open(), l, quick)
		keys := func(kid string) (credentials.Key, error) { // as the ledger would say
			if kid == next.KeyID() {
				return credentials.ParseKey(multikey)
			}
			return credentials.ResolveDIDKey(kid)
		}
		c, err := client.New(client.Config{URL: second.server.URL, Board: first.DID(), Keys: keys, Signer: clerkKey})
		if err != nil {
			t.Fatal(err)
		}
		events := awaitFeed(t, c, 1)
		if events[0].Token != f.License.Token {
			t.Error("the license was signed again")
		}
		e, err := ledger.ParseEntry(l.entries[events[0].Index])
		if err != nil || e.KeyID != next.KeyID() || e.Document != credentials.DocumentDigest(f.License.Token) {
			t.Errorf("recorded by %s, %v", e.KeyID, err)
		}
		if _, err := c.Issue(t.Context(), application(2)); err != nil {
			t.Errorf("the next license: %v", err)
		}
	})
}

// A board that runs on with a key that was declared bad, or handed over, answers
// no question from the moment on at which the ledger says so, and issues nothing
// under a bad one. With its key of today it answers again.
func TestKeyThatNoLongerStands(t *testing.T) {
	var mu sync.Mutex
	var life credentials.Key
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) {
		o.Proofs = func(context.Context) map[string][]byte { return nil }
		o.PartyKeys = func(did credentials.DID) ([]ledger.PartyKey, error) {
			mu.Lock()
			defer mu.Unlock()
			other := ledger.PartyKey{KeyID: string(did) + "#other", Key: credentials.Key{BadFrom: 3}}
			return []ledger.PartyKey{other, {KeyID: boardKey.KeyID(), Key: life}}, nil
		}
	})
	for _, tt := range []struct {
		name          string
		key           credentials.Key
		status        int
		detail, issue string
	}{
		{"in force", credentials.Key{Since: 1}, 200, "", ""},
		{"declared bad", credentials.Key{BadFrom: 7, Until: 8}, 503, "its signing key is declared bad from entry 7 on: treat it as unknown", "nothing is done under it until"},
		{"handed over", credentials.Key{Until: 8}, 503, "at entry 8 the key has been handed over", ""},
		{"in force again", credentials.Key{Since: 8}, 200, "", ""},
	} {
		mu.Lock()
		life = tt.key
		mu.Unlock()
		resp, err := http.Get(h.URL + standing.Path + "?" + standing.Query("1999999984", "MA", "99213", "2026-05-01", ""))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.Contains(string(text), tt.detail) {
			t.Errorf("%s: %d %s, want %d and %q", tt.name, resp.StatusCode, text, tt.status, tt.detail)
		}
		if _, err := h.client(t).Issue(t.Context(), application(1)); (err == nil) != (tt.issue == "") || err != nil && !strings.Contains(err.Error(), tt.issue) {
			t.Errorf("%s: issued: %v, want %q", tt.name, err, tt.issue)
		}
		if all, err := deeds(h.client(t)); err != nil || len(all) != 1 {
			t.Errorf("%s: read %d acts, %v", tt.name, len(all), err)
		}
	}
}
