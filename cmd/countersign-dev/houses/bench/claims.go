//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/gateway/api"
)

// perSecond is the bound: Medicare as a whole decides 51 claims a second.
const perSecond = 60

// A claimCost is what one round of claims took: through the gateway into a
// contract, decided, signed, settled, recorded on a witnessed ledger, and back
// to the hospital with its receipt.
type claimCost struct {
	rate  float64 // claims a second
	each  float64 // processor time of all parties, ms a claim
	load  float64 // of the hospital that sends them
	parts []part
}

// claimsAlone measures the parties in one process and nothing else. It ends
// with where a claim's processor time goes, beside the floor: a contract of the
// same steps with nothing in them, on the same Temporal, and the bare signatures.
func (p *plan) claimsAlone(ctx context.Context, dir string, w io.Writer) (err error) {
	one, profiler, stop, err := inOneProcess(ctx, filepath.Join(dir, "one-process"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	t, err := newTown(people, 1)
	if err != nil {
		return err
	}
	if err := one.settle(ctx, t); err != nil {
		return err
	}
	hospital, err := one.asking("hospital")
	if err != nil {
		return err
	}
	var rounds []claimCost
	for round := range p.rounds {
		warm, err := t.claims(2*p.clerks, hospital.Signer)
		if err != nil {
			return err
		}
		if _, err := closed(ctx, hospital, warm, p.clerks); err != nil {
			return err
		}
		c, err := p.claimRound(ctx, one, t, hospital, profiler)
		if err != nil {
			return err
		}
		p.say("round %d: %.1f claims a second, %.1f ms a claim", round+1, c.rate, c.each)
		rounds = append(rounds, c)
	}
	floor, err := p.emptyContracts(ctx, one)
	if err != nil {
		return err
	}
	slices.SortFunc(rounds, func(a, b claimCost) int {
		return strings.Compare(fmt.Sprintf("%9.3f", a.rate), fmt.Sprintf("%9.3f", b.rate))
	})
	printClaimCost(w, rounds[len(rounds)/2], floor)
	return nil
}

func (p *plan) claimRound(ctx context.Context, one *site, t *town, hospital *api.Client, profiler string) (c claimCost, err error) {
	f := &figures{}
	var profile func() ([]byte, error)
	f.most, err = p.counted(ctx, &configuration{name: one.Name, on: one, town: t, asks: hospital}, p.claims, f, func(tokens []string) (*load, error) {
		profile = profileUntil(ctx, profiler)
		return closed(ctx, hospital, tokens, p.clerks)
	})
	if err != nil {
		return c, err
	}
	b, err := profile()
	if err != nil {
		return c, err
	}
	if p.profile != "" {
		if err := os.WriteFile(p.profile, b, 0o644); err != nil {
			return c, err
		}
	}
	c = claimCost{rate: f.most.rate(), each: f.spent.ours().Seconds()*1000/float64(p.claims) - f.perClaim(theLoad), load: f.perClaim(theLoad)}
	c.parts, err = partsOf(ctx, b)
	return c, err
}

// printClaimCost scales the profile's samples to the processor time that the
// kernel has counted.
func printClaimCost(w io.Writer, c claimCost, floor emptyCost) {
	sum, signatures := 0.0, 0.0
	for _, part := range c.parts {
		sum += part.all
		signatures += part.signatures
	}
	scale := c.each / sum
	text, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(w, "%s, load %s\n\n| processor time of a claim | ms | of which signatures | of which SQLite |\n|---|---|---|---|\n",
		model(), strings.Join(strings.Fields(string(text))[:3], " "))
	for _, part := range c.parts {
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f |\n", part.name, scale*part.all, scale*part.signatures, scale*part.sqlite)
	}
	fmt.Fprintf(w, "| **all parties** | **%.1f** | %.2f | |\n| (the hospital that sends them) | %.2f | | |\n", c.each, scale*signatures, c.load)
	fmt.Fprintf(w, "\nfloor: a contract of the same steps with nothing in them %.1f ms (%.1f a second), signatures %.1f ms; %.1f of %.1f ms in all\n\n",
		floor.each, floor.rate, scale*signatures, floor.each+scale*signatures, c.each)
	verdict := "ok"
	if c.rate < perSecond {
		verdict = "short"
	}
	fmt.Fprintf(w, "bench claims-embedded %.1f /s target %d %s\n", c.rate, perSecond, verdict)
}

// A part is what of a profile belongs to one party or layer.
type part struct {
	name                    string
	all, signatures, sqlite float64 // ms, of all claims
}

// layers are looked for in each sample's stack, in this order.
var layers = []struct{ name, in string }{
	{"ledger, its operator", "countersign/ledger/operator."},
	{"ledger, its witnesses", "countersign/ledger/witness."},
	{"Temporal, its server", "go.temporal.io/server/"},
	{"books", "countersign/store"},
	{"errands (signing, asking the ledger)", "countersign/activities."},
	{"gateway", "countersign/gateway."},
	{"board", "countersign/board."},
	{"rules, in the contract", "countersign/claims."},
	{"contracts, in the worker", "countersign/workflows."},
	{"Temporal, its SDK", "go.temporal.io/sdk/"},
	{"collection of garbage", "runtime.gcBgMarkWorker"},
	{"HTTP and gRPC", "google.golang.org/grpc"},
	{"HTTP and gRPC", "net/http."},
	{"the scheduler", "runtime.mcall"},
	{"the scheduler", "runtime.schedule"},
}

const elsewhere = "elsewhere"

func layerOf(stack string) string {
	for _, l := range layers {
		if strings.Contains(stack, l.in) {
			return l.name
		}
	}
	return elsewhere
}

// add books one sample.
func add(parts map[string]*part, stack string, d time.Duration) {
	name := layerOf(stack)
	if parts[name] == nil {
		parts[name] = &part{name: name}
	}
	parts[name].all += ms(d)
	if strings.Contains(stack, "crypto/ed25519.") || strings.Contains(stack, "crypto/internal/fips140/ed25519.") {
		parts[name].signatures += ms(d)
	}
	if strings.Contains(stack, "modernc.org/sqlite") {
		parts[name].sqlite += ms(d)
	}
}
