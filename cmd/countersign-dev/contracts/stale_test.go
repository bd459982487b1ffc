package contracts

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/workflows"
)

// deafBooks have not heard from any board for a day while deaf.
type deafBooks struct {
	activities.Books
	deaf *atomic.Bool
}

func (b deafBooks) ClaimFile(ctx context.Context, submission credentials.Handle) (*books.ClaimFile, error) {
	f, err := b.Books.ClaimFile(ctx, submission)
	if err == nil && b.deaf.Load() {
		for i := range f.Lines {
			f.Lines[i].Practitioner.FeedRead = time.Now().Add(-24 * time.Hour)
		}
	}
	return f, err
}

// TestStaleFeed: a claim that comes while the board's feed is stale is neither
// paid nor denied, and is decided once the feed has been heard again, without
// anybody asking for it.
func TestStaleFeed(t *testing.T) {
	t.Parallel()
	var deaf atomic.Bool
	h := open(t, func(o *parties.Options) {
		o.WrapBooks = func(b activities.Books) activities.Books { return deafBooks{b, &deaf} }
	})
	h.begin()
	deaf.Store(true)
	a := h.bill("DEMO-001")["DEMO-001"]
	if s := h.decided(a, 1); s.State != "pended" {
		t.Fatalf("with a stale feed the claim is %s, want pended", s.State)
	}

	deaf.Store(false)
	h.House.Stop() // the follower of a new process finds a feed that was not heard before
	h.must(h.OpenHouse(h.ctx, h.TemporalAddress))
	h.must(h.House.Start())
	t.Cleanup(h.House.Stop)
	if s := h.decided(a, 2); s.State != "paid" {
		t.Errorf("once the feed is heard the claim is %s, want paid", s.State)
	}
}

// TestNothingMoved: a pended contract that is woken for nothing says nothing
// new: no second decision is signed.
func TestNothingMoved(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	h.request("auth-c.json") // stays pended, and so does the claim that names it
	a := h.bill("DEMO-008")["DEMO-008"]
	if s := h.decided(a, 1); s.State != "pended" {
		t.Fatalf("the claim is %s, want pended", s.State)
	}
	c := h.temporal()
	for range 3 {
		h.must(c.SignalWorkflow(h.ctx, h.contract(a), "", workflows.ReconsiderSignal, workflows.Reconsider{}))
	}
	h.approve(a, 1) // is heard after the signals; a person cannot clear this pend either
	h.idle(a)
	s, err := h.House.Books.StatusOf(h.ctx, a.Handle)
	h.must(err)
	if len(s.Decisions) != 1 {
		t.Errorf("%d decisions are signed, want the first alone", len(s.Decisions))
	}
}
