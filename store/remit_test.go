package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// write is a remittance that says what it pays.
func write(number int, due []store.Payable) (books.Remittance, error) {
	body := ""
	for _, p := range due {
		body += fmt.Sprintf("%s %s\n", p.Claim.Number, p.Decision.Paid)
	}
	trace := fmt.Sprint("TRACE", number)
	return books.Remittance{Trace: trace, Number: number, Handle: handle(trace), Body: []byte(body), Entry: []byte("entry")}, nil
}

// pay settles a claim as paid and keeps the receipt.
func (h *house) pay(number string) {
	h.t.Helper()
	h.must(h.KeepReceipt(ctx, h.settle(h.receive(number), claims.Paid), 5, []byte("receipt")))
}

func TestReleasePaysOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 5 {
			h.pay(fmt.Sprint("C", i))
		}
		var wait sync.WaitGroup
		var released, nothing int
		var mu sync.Mutex
		for range 6 {
			wait.Go(func() {
				_, err := h.Release(ctx, hospital, write)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					released++
				case errors.Is(err, store.ErrNothingPayable):
					nothing++
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if released != 1 || nothing != 5 {
			t.Errorf("%d released and %d had nothing, want 1 and 5", released, nothing)
		}
		h.pay("C9")
		if due, err := h.Due(ctx); err != nil || len(due) != 1 || due[0] != hospital {
			t.Errorf("due: got %v, %v", due, err)
		}
		if _, err := h.Release(ctx, hospital, write); err != nil {
			t.Fatal(err)
		}
		all, err := h.Remittances(ctx, hospital)
		if err != nil || len(all) != 2 || string(all[0].Body) != "C0 75.00\nC1 75.00\nC2 75.00\nC3 75.00\nC4 75.00\n" || string(all[1].Body) != "C9 75.00\n" {
			t.Errorf("got %+v, %v", all, err)
		}
		if due, err := h.Due(ctx); err != nil || len(due) != 0 {
			t.Errorf("due: got %v, %v, want nobody", due, err)
		}
	})
}

func TestReleaseWaitsForReceipts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.settle(h.receive("C1"), claims.Paid)
		h.settle(h.receive("C2"), claims.Denied)
		if _, err := h.Release(ctx, hospital, write); !errors.Is(err, store.ErrNothingPayable) {
			t.Errorf("got %v, want ErrNothingPayable: a decision without its receipt is none", err)
		}
		if due, err := h.Due(ctx); err != nil || len(due) != 0 {
			t.Errorf("due: got %v, %v, want nobody", due, err)
		}
	})
}

func TestReleaseThatCannotBeWritten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.pay("C1")
		before := h.dump()
		broken := errors.New("does not balance")
		_, err := h.Release(ctx, hospital, func(int, []store.Payable) (books.Remittance, error) { return books.Remittance{}, broken })
		if !errors.Is(err, broken) || h.dump() != before {
			t.Errorf("got %v, want the writer's error and nothing kept", err)
		}
		if _, err := h.Release(ctx, "did:key:other", write); !errors.Is(err, store.ErrNothingPayable) {
			t.Errorf("another hospital: got %v", err)
		}
	})
}

func TestFirstReceiptStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		document := h.settle(h.receive("C1"), claims.Paid)
		waiting, err := h.Unrecorded(ctx, credentials.Handle{}, 100)
		if err != nil || len(waiting) != 3 { // two editions and the decision
			t.Errorf("got %d waiting, %v, want 3", len(waiting), err)
		}
		if rest, err := h.Unrecorded(ctx, waiting[0], 1); err != nil || len(rest) != 1 || rest[0] != waiting[1] {
			t.Errorf("after the first: got %v, %v, want the second", rest, err)
		}
		h.must(h.KeepReceipt(ctx, document, 5, []byte("first")))
		h.must(h.KeepReceipt(ctx, document, 6, []byte("second")))
		row, err := h.Outbox(ctx, document)
		if err != nil || !row.Recorded || row.Index != 5 || string(row.Receipt) != "first" {
			t.Errorf("got %+v, %v, want the first receipt", row, err)
		}
		if _, err := h.Outbox(ctx, credentials.Handle{}); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}
