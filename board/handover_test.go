package board

import (
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
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
