//go:build linux

// Command bench measures an insurer under load: how many claims a second, how
// long from submission to receipt, where the time goes, and how soon a board
// order stops the money. It bills the same claims to all parties in one process
// (as countersign-dev runs them), and to the houses of docker-compose.yml with
// one and with two workers. It is "make bench-houses".
//
// Everything shares one machine, the hospital that sends the claims too, so its
// figures compare ways to run Countersign; they are no promise of what a real
// insurer's machines do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := error(nil)
	if len(os.Args) == 3 && os.Args[1] == asChild {
		err = beAllParties(ctx, os.Args[2])
	} else {
		err = bench(ctx, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A plan is how much is measured.
type plan struct {
	claims  int // in each run with many clerks
	alone   int // in each run with one
	clerks  int
	rounds  int
	orders  int // by the board
	held    int // contracts that each of them reaches
	load    float64
	only    string
	claim   bool   // what a claim costs in one process, and nothing else
	profile string // where to keep its profile
	repo    string
	screen  io.Writer
	monitor monitor
	// For experiments with one thing at a time.
	env     map[string]map[string]string // by service
	dynamic []string                     // lines of deploy/temporal/dynamicconfig.yaml
	pause   time.Duration                // before each round, to watch idle processes
}

func bench(ctx context.Context, args []string) error {
	p := &plan{screen: os.Stderr, env: map[string]map[string]string{}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&p.claims, "claims", 400, "claims in each run under load")
	flags.IntVar(&p.alone, "alone", 30, "claims that are sent one after another")
	flags.IntVar(&p.clerks, "clerks", 32, "how many send claims at the same time")
	flags.IntVar(&p.rounds, "rounds", 3, "rounds, whose median counts")
	flags.IntVar(&p.orders, "orders", 5, "board orders")
	flags.IntVar(&p.held, "held", 20, "contracts that an order reaches")
	flags.Float64Var(&p.load, "load", 0.5, "steady arrivals, as a share of what was the most")
	flags.StringVar(&p.only, "only", "", "measure this configuration alone: embedded, postgres-1 or postgres-2")
	flags.BoolVar(&p.claim, "claim-cost", false, "measure what a claim costs in one process, and nothing else")
	flags.StringVar(&p.profile, "profile", "", "keep the last round's profile of -claim-cost in this `FILE`")
	flags.StringVar(&p.repo, "repo", "", "the checkout; the one around the working directory where empty")
	flags.Func("env", "set `SERVICE.NAME=VALUE` in the houses' environment; may be repeated", p.setEnv)
	flags.Func("dynamic", "add a `LINE` to Temporal's dynamic configuration in the houses; may be repeated", func(line string) error {
		p.dynamic = append(p.dynamic, line)
		return nil
	})
	flags.DurationVar(&p.pause, "pause", 0, "do nothing for so long before each round")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.Join(err, flag.ErrHelp)
	}
	dir, err := os.MkdirTemp("", "countersign-bench-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // the services' users go through it
		return err
	}
	if p.claim {
		return errors.Join(p.claimsAlone(ctx, dir, os.Stdout), os.RemoveAll(dir))
	}
	r, err := p.measure(ctx, dir)
	if err != nil {
		return fmt.Errorf("%w (logs in %s)", err, filepath.Join(dir, "houses", "logs"))
	}
	r.print(os.Stdout)
	return os.RemoveAll(dir)
}

func (p *plan) setEnv(text string) error {
	service, rest, ok := strings.Cut(text, ".")
	name, value, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 {
		return errors.New("want SERVICE.NAME=VALUE")
	}
	if p.env[service] == nil {
		p.env[service] = map[string]string{}
	}
	p.env[service][name] = value
	return nil
}

// edit adds the experiment's lines to Temporal's dynamic configuration; of two
// lines about one key the last holds.
func (p *plan) edit(_, path string, body []byte) []byte {
	if filepath.Base(path) != "dynamicconfig.yaml" {
		return body
	}
	for _, line := range p.dynamic {
		key, _, _ := strings.Cut(line, ":")
		body = regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(key)+`:.*$`).ReplaceAll(body, nil)
		body = append(body, "\n"+line...)
	}
	return body
}

func (p *plan) say(format string, args ...any) { fmt.Fprintf(p.screen, "bench: "+format+"\n", args...) }

func did(s string) credentials.DID { return credentials.DID(s) }
