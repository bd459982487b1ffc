package contracts

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// A quorum that may be away: nothing of the insurer's becomes final then.
type quorum struct {
	away   atomic.Pointer[chan struct{}]
	waited atomic.Int64
}

func (q *quorum) leave() { back := make(chan struct{}); q.away.Store(&back) }

func (q *quorum) comeBack() { close(*q.away.Swap(nil)) }

func (q *quorum) between(o *parties.Options) {
	o.WrapLedger = func(l worker.Ledger) worker.Ledger { return finalLater{l, q} }
}

type finalLater struct {
	worker.Ledger
	*quorum
}

func (l finalLater) AwaitFinal(ctx context.Context, index int64, e ledger.Entry) ([]byte, error) {
	if back := l.away.Load(); back != nil {
		l.waited.Add(1)
		select {
		case <-*back:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return l.Ledger.AwaitFinal(ctx, index, e)
}

// TestOrderWhileRecording: a contract is told of an order while its decision
// waits for a quorum, for a moment or for so long that recording has become a
// normal errand. Once it is back, the decision is recorded once, and the order
// is obeyed.
func TestOrderWhileRecording(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} {
		for _, of := range []string{"claim", "authorization"} {
			t.Run(fmt.Sprintf("%s, long %v", of, long), func(t *testing.T) {
				t.Parallel()
				var q quorum
				h := open(t, q.between)
				h.begin()
				var a api.Acceptance
				number := 1
				if of == "claim" {
					q.leave()
					a = h.bill("DEMO-006")["DEMO-006"]
				} else {
					a = h.request("auth-b.json")
					h.decided(a, 1)
					q.leave()
					h.approve(a, 1)
					number = 2
				}
				h.until("recording", func() (bool, error) { return q.waited.Load() > 0, nil })
				if long {
					h.until("recording as a normal errand", func() (bool, error) { tried, normal := h.recordings(a); return tried == number && normal == 1, nil })
				}
				order := h.revoke()
				h.until("the order in the books", func() (bool, error) { _, err := h.House.Books.Reach(h.ctx, order); return err == nil, nil })
				h.must(h.temporal().SignalWorkflow(h.ctx, h.contract(a), "", workflows.ReconsiderSignal, workflows.Reconsider{Cause: order}))
				q.comeBack()
				h.decided(a, number)
				if of == "claim" { // it is final, and was before the order
					h.idle(a)
					h.recorded()
					h.checkOnce(a)
					return
				}
				if s := h.decided(a, 3); s.State != string(claims.AuthorizationRevoked) || s.Decisions[2].Cause != order {
					t.Errorf("it is %s by order %s, want revoked by %s", s.State, s.Decisions[2].Cause, order)
				}
				h.reached(order)
				h.left()
			})
		}
	}
}

// recordings counts a contract's attempts to record at once, failed or not, and
// those that it ordered as normal errands. Markers do not say in clear of which
// errand they are: after a settlement comes recording.
func (h *house) recordings(a api.Acceptance) (tried, normal int) {
	h.Helper()
	events := h.temporal().GetWorkflowHistory(h.ctx, h.contract(a), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for settled := false; events.HasNext(); {
		e, err := events.Next()
		h.must(err)
		switch {
		case e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "Record":
			normal++
		case e.GetActivityTaskCompletedEventAttributes() != nil:
			settled = true
		case e.GetMarkerRecordedEventAttributes() != nil && settled:
			tried, settled = tried+1, false
		}
	}
	return tried, normal
}

// TestAcceptedWithoutQuorum: more claims wait for their receipts than a worker
// does errands at once. All the same further claims are accepted, and all have
// their decision when the quorum is back. It is alone, for it is a lot of work.
func TestAcceptedWithoutQuorum(t *testing.T) {
	const many = 210
	var q quorum
	h := open(t, q.between)
	ctx, cancel := context.WithTimeout(context.Background(), 4*soon)
	defer cancel()
	h.ctx = ctx
	h.begin()
	template := h.claimsOf("claims.837")[0]
	var members []store.Member
	tokens := make(chan string, many)
	for i := range many {
		id := fmt.Sprintf("DPX8%05d", i)
		members = append(members, store.Member{
			MemberID: id, Family: id, Last: "PATIENT", First: "ANA", Birth: "1980-01-01", Plan: "demo-ppo", From: "2026-01-01",
		})
		c := template.Claim
		c.Number = fmt.Sprint("WAIT-", i)
		c.Subscriber = claims.Person{MemberID: id, Last: "PATIENT", First: "ANA", Birth: "1980-01-01", Sex: "F", Relationship: "18"}
		tokens <- h.sign(c, template.Source)
	}
	close(tokens)
	h.must(h.House.Books.Enroll(h.ctx, members))

	q.leave()
	var mu sync.Mutex
	var sent []api.Acceptance
	var hands sync.WaitGroup
	for range 8 {
		hands.Go(func() {
			for token := range tokens {
				a, err := h.hospital.SubmitClaim(h.ctx, token)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent = append(sent, a)
				mu.Unlock()
			}
		})
	}
	hands.Wait()
	waiting, err := h.House.Books.Unrecorded(h.ctx, credentials.Handle{}, 2*many)
	h.must(err)
	t.Logf("%d claims accepted, %d of them settled", len(sent), len(waiting))
	q.comeBack()
	for _, a := range sent {
		if s := h.decided(a, 1); len(s.Decisions) != 1 {
			t.Errorf("%s has %d decisions", a.Handle, len(s.Decisions))
		}
	}
	h.recorded()
}
