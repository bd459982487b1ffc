package contracts

import (
	"errors"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// TestForget has a real server forget what it kept of somebody's contracts, and
// shows which payload keys its histories still need.
func TestForget(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	pended := h.request("auth-b.json")
	h.decided(pended, 1)
	sent := h.bill("DEMO-001", "DEMO-006")
	for _, a := range sent {
		h.decided(a, 1)
	}
	gone := sent["DEMO-006"].Handle
	h.idle(sent["DEMO-006"])
	h.recorded()
	h.remit()
	h.recorded()
	past := worker.Histories{Temporal: h.temporal(), Namespace: "insurer"}
	var used map[string]worker.Use
	h.until("dev-1 in use by ended and by open contracts", func() (_ bool, err error) { // Temporal's list lags behind
		used, err = past.KeysInUse(h.ctx)
		return len(used) == 1 && used["dev-1"].Ended >= 2 && used["dev-1"].Open >= 1, err
	})
	b := h.House.Books
	s, err := b.StatusOf(h.ctx, gone)
	h.must(err)
	holder, err := b.Holder(h.ctx, gone)
	h.must(err)
	work, err := b.WorkOf(h.ctx, holder)
	if err != nil || len(work) == 0 || work[0] != s.Work {
		t.Fatalf("contracts: got %v, %v", work, err)
	}
	h.must(past.Drop(h.ctx, work))
	h.must(past.Drop(h.ctx, work)) // broken off and said again
	if _, err := b.Forget(h.ctx, holder); err != nil {
		t.Fatal(err)
	}
	if _, err := b.StatusOf(h.ctx, gone); !errors.Is(err, books.ErrForgotten) {
		t.Errorf("got %v, want ErrForgotten", err)
	}
	events := h.temporal().GetWorkflowHistory(h.ctx, workflows.ContractID(s.Work), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var none *serviceerror.NotFound
	if _, err := events.Next(); !errors.As(err, &none) {
		t.Errorf("the history is still there: %v", err)
	}
	again, err := past.KeysInUse(h.ctx)
	if err != nil || again["dev-1"].Ended >= used["dev-1"].Ended {
		t.Errorf("keys in use: got %+v, %v, want fewer than %+v", again, err, used)
	}
	h.keepsOpen(past, pended.Handle)
}

func (h *house) keepsOpen(past worker.Histories, submission credentials.Handle) {
	h.Helper()
	s, err := h.House.Books.StatusOf(h.ctx, submission)
	h.must(err)
	if err := past.Drop(h.ctx, []books.Work{s.Work}); err == nil || !strings.Contains(err.Error(), "still open") {
		h.Errorf("got %v: an open contract's history was deleted", err)
	}
}
