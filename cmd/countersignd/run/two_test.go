package run

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

func handle(name string) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte(name)))
}

// Two workers on one database follow the same feed, each from wherever the
// books stand when it asks. Every event is written once, in order.
func TestTwoWorkersFollowOneFeed(t *testing.T) {
	sqldbtest.EachDSN(t, func(t *testing.T, dsn string) {
		const board, npi, events = credentials.DID("did:key:zBoard"), credentials.NPI("1245319599"), 40
		ctx, read := context.Background(), time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
		feed := []store.Heard{{Sequence: 1, License: &credentials.License{Handle: handle("license"), NPI: npi, Jurisdiction: "CA"}}}
		for n := 2; n <= events; n++ {
			o := credentials.Order{Handle: handle(fmt.Sprint("order ", n)), License: handle("license"), Action: credentials.OrderRevoke, Effective: read}
			feed = append(feed, store.Heard{Sequence: int64(n), Order: &o})
		}
		for n := range feed {
			feed[n].Index, feed[n].Token, feed[n].Entry, feed[n].Receipt = int64(10*n), fmt.Sprint("token ", n), []byte{1}, []byte{2}
		}
		db := sqldbtest.Open(t, dsn)
		var both sync.WaitGroup
		for worker := range 2 {
			both.Go(func() { follow(t, ctx, sqldbtest.Open(t, dsn), board, feed, read, 3+worker) })
		}
		both.Wait()
		books, err := store.Open(ctx, db, storetest.Keys(t), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		at, err := books.FeedOf(ctx, board)
		if err != nil || at.Sequence != events || at.Position != 10*(events-1)+1 || !at.ReadAt.Equal(read) {
			t.Errorf("got %+v, %v; want the feed's end", at, err)
		}
		orders, err := books.OrdersToPassOn(ctx)
		if err != nil || len(orders) != events-1 {
			t.Errorf("got %d orders to pass on (%v), want %d", len(orders), err, events-1)
		}
		var moves int64
		if err := db.QueryRow(ctx, `SELECT version FROM fence WHERE name = $1`, "standing/"+string(npi)).Scan(&moves); err != nil || moves != events {
			t.Errorf("the fence moved %d times (%v), want once an event", moves, err)
		}
	})
}

// follow hears the feed to its end, some events a page.
func follow(t *testing.T, ctx context.Context, db *sqldb.DB, board credentials.DID, feed []store.Heard, read time.Time, page int) {
	books, err := store.Open(ctx, db, storetest.Keys(t), time.Now)
	for err == nil {
		var at store.Feed
		if at, err = books.FeedOf(ctx, board); err != nil || at.Sequence == int64(len(feed)) {
			break
		}
		rest := feed[at.Sequence:]
		err = books.Hear(ctx, board, "CA", rest[:min(page, len(rest))], read)
	}
	if err != nil {
		t.Error(err)
	}
}
