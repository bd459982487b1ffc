package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// state is what /readyz says.
type state struct {
	mu     sync.Mutex
	waits  string // what is waited for; empty once all is there
	probes []probe
}

// A probe asks whether something that the process needs is still there.
type probe struct {
	name string
	ask  func(context.Context) error
}

func (s *state) wait(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = what
}

func (s *state) probe(name string, ask func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes = append(s.probes, probe{name, ask})
}

const probeWithin = 3 * time.Second

// lacking is one line that says why the process is not ready, or "".
func (s *state) lacking(ctx context.Context) string {
	s.mu.Lock()
	waits, probes := s.waits, s.probes
	s.mu.Unlock()
	if waits != "" {
		return waits
	}
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	said := make([]string, len(probes))
	var all sync.WaitGroup
	for i, p := range probes {
		all.Go(func() {
			if err := p.ask(ctx); err != nil {
				said[i] = p.name + ": " + oneLine(err)
			}
		})
	}
	all.Wait()
	var bad []string
	for _, s := range said {
		if s != "" {
			bad = append(bad, s)
		}
	}
	return strings.Join(bad, "; ")
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func (p *process) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if lacks := p.state.lacking(r.Context()); lacks != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, "not ready: "+lacks)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", p.metrics.handler())
	return mux
}

// errFinal marks an error that waiting will not mend.
var errFinal = errors.New("waiting does not mend this")

func final(err error) error { return fmt.Errorf("%w (%w)", err, errFinal) }

const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
	tellAgain  = 30 * time.Second
	tryWithin  = 15 * time.Second
)

// await tries until it succeeds, ever more slowly, and says what it waits for:
// at once, and again every half a minute or when the reason changes.
func (p *process) await(ctx context.Context, what string, try func(context.Context) error) error {
	var told time.Time
	var reason string
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		limited, cancel := context.WithTimeout(ctx, tryWithin)
		err := try(limited)
		cancel()
		switch {
		case err == nil:
			if reason != "" {
				p.log.Info("found", "what", what)
			}
			p.state.wait("it starts")
			return nil
		case errors.Is(err, errFinal), ctx.Err() != nil:
			return fmt.Errorf("%s: %w", what, err)
		}
		p.state.wait("it waits for " + what + ": " + oneLine(err))
		if now := oneLine(err); now != reason || time.Since(told) > tellAgain {
			p.log.Warn("waiting", "for", what, "error", now)
			told, reason = time.Now(), now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(pause):
		}
	}
}
