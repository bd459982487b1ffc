package contracts

import (
	"context"
	"sync"
	"testing"

	"go.temporal.io/sdk/interceptor"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/worker"
)

// everyErrand is the activities that a story orders.
var everyErrand = []string{
	"OpenClaim", "OpenAuthorization", "GatherClaim", "GatherAuthorization", "SignClaim", "SignAuthorization",
	"SettleClaim", "SettleAuthorization", "Record", "OpenWork", "ClaimsWaitingFor",
}

// TestLostReplies tells the story with every reply lost once, and wants what a
// quiet story leaves behind.
func TestLostReplies(t *testing.T) {
	quiet := open(t)
	quiet.tell()
	want := quiet.left()
	if len(want.decisions) != 9+1+1+3+2 || len(want.accumulators) == 0 {
		t.Fatalf("a quiet story left %d decisions: %v", len(want.decisions), want)
	}

	t.Run("of every errand", func(t *testing.T) {
		t.Parallel()
		replies := faults.LoseReplies()
		var keeps keepings
		h := open(t, func(o *parties.Options) {
			o.Interceptors = []interceptor.WorkerInterceptor{replies}
			o.WrapBooks = func(b activities.Books) activities.Books { return countingBooks{b, &keeps} }
		})
		h.tell()
		compare(t, h.left(), want)
		keeps.each(func(key string, n int) {
			if n != 1 {
				t.Errorf("%s was signed %d times: the second attempt did not look", key, n)
			}
		})
		for _, name := range everyErrand {
			if replies.Lost(name) == 0 {
				t.Errorf("no reply of %s was lost", name)
			}
		}
	})
	t.Run("of books and ledger", func(t *testing.T) {
		t.Parallel()
		l := newLosses()
		h := open(t, l.everywhere)
		h.tell()
		compare(t, h.left(), want)
		for _, name := range []string{"ReceiveClaim", "ReceiveAuthorization", "SettleClaim", "SettleAuthorization", "KeepSigned", "KeepReceipt", "Append", "AwaitFinal"} {
			if l.count(name) == 0 {
				t.Errorf("no reply of %s was lost", name)
			}
		}
	})
}

func (l *losses) everywhere(o *parties.Options) {
	o.WrapBooks = func(b activities.Books) activities.Books { return lossyBooks{b, l} }
	o.WrapLedger = func(k worker.Ledger) worker.Ledger { return lossyLedger{k, l} }
}

// keepings counts how often something was handed to the books under a key.
type keepings struct {
	mu sync.Mutex
	of map[string]int
}

func (k *keepings) add(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil {
		k.of = map[string]int{}
	}
	k.of[key]++
}

func (k *keepings) each(f func(key string, n int)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, n := range k.of {
		f(key, n)
	}
}

type countingBooks struct {
	activities.Books
	*keepings
}

func (b countingBooks) KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error) {
	b.add(s.Key)
	return b.Books.KeepSigned(ctx, s)
}
