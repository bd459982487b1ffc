package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// An eye looks for decisions on behalf of everybody who waits for one: one
// short question to the books at a time, however many wait. (Each of them
// asking for itself took most of what the books could do.)
type eye struct {
	decided func(context.Context, []credentials.Handle) (map[credentials.Handle]int, error)

	mu      sync.Mutex
	waits   map[*wait]bool
	looking bool
}

// A wait is for a decision numbered above after.
type wait struct {
	handle credentials.Handle
	after  int
	over   chan struct{} // closed when there is one
}

const lookEvery = 20 * time.Millisecond

func newEye(b Books) *eye { return &eye{decided: b.Decided, waits: map[*wait]bool{}} }

// await returns once there is such a decision, or the time is over. It may
// also return for nothing: whoever waits looks for itself then.
func (e *eye) await(ctx context.Context, h credentials.Handle, after int, most time.Duration) {
	w := &wait{h, after, make(chan struct{})}
	e.mu.Lock()
	e.waits[w] = true
	if !e.looking {
		e.looking = true
		go e.look()
	}
	e.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-w.over:
	case <-ctx.Done():
	case <-timer.C:
	}
	e.mu.Lock()
	delete(e.waits, w)
	e.mu.Unlock()
}

// look goes on until nobody waits.
func (e *eye) look() {
	for {
		time.Sleep(lookEvery)
		handles := e.watched()
		if handles == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		numbers, err := e.decided(ctx, handles)
		cancel()
		e.tell(numbers, err != nil)
	}
}

// watched are the submissions that somebody waits for. It is nil where nobody
// does, and looking ends until the next one comes.
func (e *eye) watched() (handles []credentials.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looking = len(e.waits) > 0
	seen := map[credentials.Handle]bool{}
	for w := range e.waits {
		if !seen[w.handle] {
			seen[w.handle] = true
			handles = append(handles, w.handle)
		}
	}
	return handles
}

// tell ends the waits that are over; all of them where looking failed, so that
// each hears for itself what is wrong.
func (e *eye) tell(numbers map[credentials.Handle]int, failed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for w := range e.waits {
		if numbers[w.handle] > w.after || failed {
			close(w.over)
			delete(e.waits, w)
		}
	}
}
