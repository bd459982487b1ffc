package run

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/board"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/worker"
)

// timed measures how long a board's entries take to become final.
func (p *process) timed(a board.Appender) *timedAppender {
	return &timedAppender{a, p.stopwatch()}
}

func (p *process) timedLine(l worker.Ledger) worker.Ledger {
	return &timedLine{l, p.stopwatch()}
}

func (p *process) stopwatch() *stopwatch {
	return &stopwatch{final: p.metrics.histogram("final_seconds", "From sending an entry to its receipt."), begun: map[int64]time.Time{}}
}

// A timedLine is a line to the ledger under a stopwatch.
type timedLine struct {
	worker.Ledger
	watch *stopwatch
}

func (l *timedLine) Append(ctx context.Context, key string, e ledger.Entry) (int64, error) {
	begun := time.Now()
	index, err := l.Ledger.Append(ctx, key, e)
	if err == nil {
		l.watch.start(begun, index)
	}
	return index, err
}

func (l *timedLine) AwaitFinal(ctx context.Context, index int64, e ledger.Entry) ([]byte, error) {
	receipt, err := l.Ledger.AwaitFinal(ctx, index, e)
	if err == nil {
		l.watch.stop(index)
	}
	return receipt, err
}

// A timedAppender is a board's line to the ledger under a stopwatch.
type timedAppender struct {
	board.Appender
	watch *stopwatch
}

func (l *timedAppender) AppendAll(ctx context.Context, keys []string, all []ledger.Entry) ([]int64, error) {
	begun := time.Now()
	indices, err := l.Appender.AppendAll(ctx, keys, all)
	l.watch.start(begun, indices...)
	return indices, err
}

func (l *timedAppender) AwaitAll(ctx context.Context, indices []int64, all []ledger.Entry) ([][]byte, error) {
	receipts, err := l.Appender.AwaitAll(ctx, indices, all)
	l.watch.stop(indices[:len(receipts)]...)
	return receipts, err
}

type stopwatch struct {
	final prometheus.Histogram
	mu    sync.Mutex
	begun map[int64]time.Time
}

func (s *stopwatch) start(begun time.Time, indices ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range indices {
		if _, again := s.begun[index]; !again && len(s.begun) < 100_000 { // what is never awaited must not pile up
			s.begun[index] = begun
		}
	}
}

func (s *stopwatch) stop(indices ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range indices {
		if begun, ok := s.begun[index]; ok {
			s.final.Observe(time.Since(begun).Seconds())
			delete(s.begun, index)
		}
	}
}

// tally counts what passes into the books.
func (p *process) tally(b activities.Books) activities.Books {
	return &tally{Books: b, outcomes: map[credentials.Handle]string{},
		accepted: p.metrics.counter("accepted_total", "Submissions taken in, each once.", "kind"),
		decided:  p.metrics.counter("decisions_total", "Decisions settled, by outcome.", "kind", "outcome"),
	}
}

type tally struct {
	activities.Books
	accepted, decided *prometheus.CounterVec
	mu                sync.Mutex
	outcomes          map[credentials.Handle]string // of decisions signed and not yet settled
}

func (t *tally) ReceiveClaim(ctx context.Context, c books.NewClaim) (books.Received, error) {
	r, err := t.Books.ReceiveClaim(ctx, c)
	if err == nil && !r.Again {
		t.accepted.WithLabelValues("claim").Inc()
	}
	return r, err
}

func (t *tally) ReceiveAuthorization(ctx context.Context, a books.NewAuthorization) (books.Received, error) {
	r, err := t.Books.ReceiveAuthorization(ctx, a)
	if err == nil && !r.Again {
		t.accepted.WithLabelValues("authorization").Inc()
	}
	return r, err
}

func (t *tally) KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error) {
	kept, err := t.Books.KeepSigned(ctx, s)
	if err == nil {
		t.remember(kept)
	}
	return kept, err
}

func (t *tally) FindSigned(ctx context.Context, key string) (books.Signed, error) {
	kept, err := t.Books.FindSigned(ctx, key)
	if err == nil {
		t.remember(kept)
	}
	return kept, err
}

func (t *tally) remember(s books.Signed) {
	var decision struct{ Outcome string }
	if json.Unmarshal(s.Body, &decision) != nil || decision.Outcome == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.outcomes) < 100_000 {
		t.outcomes[s.Handle] = decision.Outcome
	}
}

func (t *tally) SettleClaim(ctx context.Context, s books.Settlement) (books.Settled, error) {
	settled, err := t.Books.SettleClaim(ctx, s)
	t.settle("claim", s.Document, settled, err)
	return settled, err
}

func (t *tally) SettleAuthorization(ctx context.Context, s books.Settlement) (books.Settled, error) {
	settled, err := t.Books.SettleAuthorization(ctx, s)
	t.settle("authorization", s.Document, settled, err)
	return settled, err
}

// settle counts a decision once: whoever settles it again finds no outcome.
func (t *tally) settle(kind string, document credentials.Handle, settled books.Settled, err error) {
	if err != nil {
		return
	}
	t.mu.Lock()
	outcome, ok := t.outcomes[document]
	delete(t.outcomes, document)
	t.mu.Unlock()
	if ok && !settled.Moved {
		t.decided.WithLabelValues(kind, outcome).Inc()
	}
}
