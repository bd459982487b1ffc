//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/countersign-health/countersign/gateway/api"
)

// A billed claim: how long the gateway took to accept it, and how long it was
// until the hospital had the decision with its receipt. Both are counted from
// when it was due to be sent, so that whoever is late delays nobody unseen.
type billed struct {
	accepted, receipt time.Duration
}

// A load is what came of a run.
type load struct {
	began   time.Time
	took    time.Duration
	claims  []billed
	outcome map[string]int
}

func (l *load) rate() float64 { return float64(len(l.claims)) / l.took.Seconds() }

func (l *load) receipts() (all []time.Duration) {
	for _, b := range l.claims {
		all = append(all, b.receipt)
	}
	return all
}

// bill sends one claim and waits for its decision with the receipt.
func bill(ctx context.Context, hospital *api.Client, token string, due time.Time) (b billed, outcome string, err error) {
	a, err := hospital.SubmitClaim(ctx, token)
	if err != nil {
		return b, "", fmt.Errorf("submit claim: %w", err)
	}
	b.accepted = time.Since(due)
	for range 10 {
		s, err := hospital.Status(ctx, a.Handle, 0, 30*time.Second, false)
		if err != nil {
			return b, "", fmt.Errorf("await decision: %w", err)
		}
		if len(s.Decisions) > 0 {
			b.receipt = time.Since(due)
			return b, s.State, nil
		}
	}
	return b, "", fmt.Errorf("a claim has no decision after five minutes")
}

// closed has so many clerks bill all claims, each one after another: it shows
// what the houses can do at most.
func closed(ctx context.Context, hospital *api.Client, tokens []string, clerks int) (*load, error) {
	return run(tokens, func(l *load, each func(int, time.Time) error) error {
		next := make(chan int, len(tokens))
		for i := range tokens {
			next <- i
		}
		close(next)
		return together(clerks, func() error {
			for i := range next {
				if err := each(i, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
	}, ctx, hospital)
}

// open sends claims at a steady rate, however long the earlier ones take: it
// shows what a hospital sees on a day with so much work.
func open(ctx context.Context, hospital *api.Client, tokens []string, perSecond float64) (*load, error) {
	return run(tokens, func(l *load, each func(int, time.Time) error) error {
		errs := make(chan error, len(tokens))
		for i := range tokens {
			due := l.began.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
			time.Sleep(time.Until(due))
			go func() { errs <- each(i, due) }()
		}
		for range tokens {
			if err := <-errs; err != nil {
				return err
			}
		}
		return nil
	}, ctx, hospital)
}

func run(tokens []string, drive func(*load, func(int, time.Time) error) error, ctx context.Context, hospital *api.Client) (*load, error) {
	l := &load{began: time.Now(), claims: make([]billed, len(tokens)), outcome: map[string]int{}}
	var mu sync.Mutex
	err := drive(l, func(i int, due time.Time) error {
		b, outcome, err := bill(ctx, hospital, tokens[i], due)
		mu.Lock()
		defer mu.Unlock()
		l.claims[i] = b
		l.outcome[outcome]++
		return err
	})
	l.took = time.Since(l.began)
	if err == nil && l.outcome["paid"] != len(tokens) {
		err = fmt.Errorf("of %d claims that are to be paid, the outcomes were %v", len(tokens), l.outcome)
	}
	return l, err
}

func together(n int, do func() error) error {
	errs := make(chan error, n)
	for range n {
		go func() { errs <- do() }()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// share is the value below which a share of all are.
func share(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Clone(all)
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}
