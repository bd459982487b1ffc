//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	"github.com/countersign-health/countersign/gateway/api"
)

// A configuration is one way to run an insurer.
type configuration struct {
	name    string
	on      *site
	town    *town
	prepare func(context.Context) error // starts and stops what differs
	asks    *api.Client
}

// people are enough that nobody is billed for twice on one day within a round.
const people = 1000

// measure starts everything and measures each configuration in turn, round
// after round, so that whatever else the machine does meets all of them.
func (p *plan) measure(ctx context.Context, dir string) (*report, error) {
	all, stop, err := p.start(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	r, began := &report{plan: p}, time.Now()
	watching, enough := context.WithCancel(ctx)
	defer enough()
	go p.monitor.watch(watching)
	err = p.roundsOf(ctx, all, r)
	if err == nil && (p.only == "" || p.only == "postgres-2") {
		last := all[len(all)-1]
		err = p.orderRounds(ctx, last, r)
	}
	r.took = time.Since(began)
	return r, errors.Join(err, stop())
}

func (p *plan) roundsOf(ctx context.Context, all []*configuration, r *report) error {
	for round := range p.rounds {
		for _, c := range all {
			if p.only != "" && p.only != c.name {
				continue
			}
			f, err := p.round(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			p.say("round %d, %s: %s", round+1, c.name, f.line())
			for _, w := range slices.Concat(f.stalls, f.steadyStalls) {
				p.say("stalled with an idle processor: %s, %s", w.what, w.to.Sub(w.from).Round(time.Millisecond))
			}
			r.add(c.name, f)
		}
	}
	return nil
}

// start starts all sites. What it returns stops whatever was started.
func (p *plan) start(ctx context.Context, dir string) (all []*configuration, stop func() error, err error) {
	var stops []func() error
	stop = func() (err error) {
		for i := len(stops) - 1; i >= 0; i-- {
			err = errors.Join(err, stops[i]())
		}
		return err
	}
	state := filepath.Join(dir, "one-process")
	one, _, stopOne, err := inOneProcess(ctx, state)
	if err != nil {
		return nil, stop, err
	}
	stops = append(stops, stopOne)
	all = append(all, &configuration{name: "embedded", on: one})
	at := filepath.Join(dir, "houses")
	if err := os.Mkdir(at, 0o711); err != nil {
		return nil, stop, err
	}
	h, err := houses.Start(ctx, at, houses.Options{Repo: p.repo, Screen: p.screen, Without: []string{"temporal-ui"}, Env: p.env, Edit: p.edit})
	if err != nil {
		return nil, stop, err
	}
	stops = append(stops, h.Close)
	insurer, board, err := foundersOf(h)
	if err != nil {
		return nil, stop, err
	}
	many := onHouses(h, did(insurer), did(board))
	first := &configuration{name: "postgres-1", on: many, prepare: func(ctx context.Context) error { return h.Stop(ctx, "worker-2") }}
	second := &configuration{name: "postgres-2", on: many, prepare: func(ctx context.Context) error {
		if err := h.Run("worker-2"); err != nil && len(h.Processes("worker-2")) == 0 {
			return err
		}
		return h.Await(ctx, "worker-2")
	}}
	all = append(all, first, second)
	for _, c := range []*configuration{all[0], second} {
		if c.town, err = newTown(people, 1+p.orders); err != nil {
			return nil, stop, err
		}
		if err := c.on.settle(ctx, c.town); err != nil {
			return nil, stop, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	first.town = second.town
	for _, c := range all {
		if c.asks, err = c.on.asking("hospital"); err != nil {
			return nil, stop, err
		}
	}
	return all, stop, nil
}

// foundersOf says who insurer and board are, as their people's environment does.
func foundersOf(h *houses.Houses) (insurer, board string, err error) {
	env, err := h.Environment("hospital")
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "COUNTERSIGN_INSURER":
			insurer = value
		case "COUNTERSIGN_BOARD_DID":
			board = value
		}
	}
	return insurer, board, err
}

// round measures one configuration once: at its most, at a steady rate below
// it, and one claim after another.
func (p *plan) round(ctx context.Context, c *configuration) (*figures, error) {
	if c.prepare != nil {
		if err := c.prepare(ctx); err != nil {
			return nil, err
		}
	}
	if p.pause > 0 {
		if err := p.watchIdle(ctx, c); err != nil {
			return nil, err
		}
	}
	f := &figures{}
	warm, err := c.town.claims(p.clerks, c.asks.Signer)
	if err != nil {
		return nil, err
	}
	if _, err := closed(ctx, c.asks, warm, p.clerks); err != nil {
		return nil, err
	}
	most, err := p.counted(ctx, c, p.claims, f, func(tokens []string) (*load, error) {
		return closed(ctx, c.asks, tokens, p.clerks)
	})
	if err != nil {
		return nil, err
	}
	f.most = most
	if f.steps, err = readHistories(ctx, c.on, most.began); err != nil {
		return nil, err
	}
	f.stalls = f.steps.stalls(&p.monitor)
	f.asked = p.load * most.rate()
	tokens, err := c.town.claims(p.claims/2, c.asks.Signer)
	if err != nil {
		return nil, err
	}
	if f.steady, err = open(ctx, c.asks, tokens, f.asked); err != nil {
		return nil, err
	}
	if f.steadySteps, err = readHistories(ctx, c.on, f.steady.began); err != nil {
		return nil, err
	}
	f.steadyStalls = f.steadySteps.stalls(&p.monitor)
	f.steadyIdle = p.monitor.idle(f.steady.began, f.steady.began.Add(f.steady.took))
	if tokens, err = c.town.claims(p.alone, c.asks.Signer); err != nil {
		return nil, err
	}
	f.alone, err = closed(ctx, c.asks, tokens, 1)
	return f, err
}

// counted is a run with its bill of processor time.
func (p *plan) counted(ctx context.Context, c *configuration, n int, f *figures, drive func([]string) (*load, error)) (*load, error) {
	tokens, err := c.town.claims(n, c.asks.Signer)
	if err != nil {
		return nil, err
	}
	before, err := c.on.book()
	if err != nil {
		return nil, err
	}
	l, err := drive(tokens)
	if err != nil {
		return nil, err
	}
	after, err := c.on.book()
	if err != nil {
		return nil, err
	}
	f.spent = after.since(before)
	return l, nil
}

// orderRounds revokes one license after another.
func (p *plan) orderRounds(ctx context.Context, c *configuration, r *report) error {
	for i := range p.orders {
		open, err := approveFor(ctx, c.town, c.asks, 1+i, p.held)
		if err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond) // nothing else is on its way to the ledger
		reacted, err := react(ctx, c.on, c.town, c.asks, 1+i, open)
		if err != nil {
			return err
		}
		r.orders = append(r.orders, reacted)
	}
	return nil
}

// watchIdle says what the site costs while nobody asks for anything.
func (p *plan) watchIdle(ctx context.Context, c *configuration) error {
	before, err := c.on.book()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.pause):
	}
	after, err := c.on.book()
	if err != nil {
		return err
	}
	idle := after.since(before)
	for part, d := range idle.part {
		p.say("idle, %s, %s: %.1f%% of a core", c.name, part, 100*d.Seconds()/idle.wall.Seconds())
	}
	return nil
}
