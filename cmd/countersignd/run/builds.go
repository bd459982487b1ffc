package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/worker"
)

// buildID names this program: the release, if it knows it, and a digest of the
// program file. So two that differ in anything never take each other's
// contracts, which a commit's name would not give for what was not committed.
func buildID(c *config.Worker) (string, error) {
	if c.BuildID != "" {
		return c.BuildID, nil
	}
	digest, err := programDigest()
	if err != nil {
		return "", fmt.Errorf("name this build: %w: give it a name in worker.build_id", err)
	}
	release := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		release = info.Main.Version
	}
	return release + "-" + digest[:12], nil
}

func programDigest() (string, error) {
	// Linux keeps the file that runs, even where an upgrade has replaced it.
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		path, err := os.Executable()
		if err != nil {
			return "", err
		}
		if f, err = os.Open(path); err != nil {
			return "", err
		}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// promoteFirst makes the very first build of a namespace the current one, so
// that a new house needs no command for it. Every later one waits for a person.
func (p *process) promoteFirst(ctx context.Context, house *worker.Insurer) error {
	var current string
	err := p.await(ctx, "Temporal to know the build "+house.Build, func(ctx context.Context) (err error) {
		current, err = worker.PromoteFirst(ctx, house.Temporal, house.Build)
		return err
	})
	if err != nil {
		return err
	}
	if current == house.Build {
		p.log.Info("new contracts begin on this build", "build", house.Build)
		return nil
	}
	p.log.Warn("new contracts do not begin on this build until it is promoted: countersignd builds promote "+house.Build,
		"build", house.Build, "current", current)
	return nil
}

// How often contracts are looked for that no worker serves.
const strandedEvery = time.Minute

// watchBuilds says that contracts wait for a build of which no worker is left.
func (p *process) watchBuilds(house *worker.Insurer) {
	namespace := p.config.Insurer.Temporal.Namespace
	stranded := func(tell bool) float64 {
		ctx, cancel := context.WithTimeout(context.Background(), probeWithin)
		defer cancel()
		all, err := worker.Builds(ctx, house.Temporal, namespace)
		n := int64(0)
		for _, b := range all {
			if b.Served(time.Now()) {
				continue
			}
			if b.Current && tell {
				p.log.Warn("new contracts wait for a build of which no worker asks for work: start one, or promote another build", "build", b.ID)
			}
			if b.Pinned == 0 {
				continue
			}
			n += b.Pinned
			if tell {
				p.log.Warn("contracts wait for a build of which no worker asks for work: start one, or bring them over with: countersignd builds move "+b.ID,
					"build", b.ID, "contracts", b.Pinned)
			}
		}
		return orNaN(float64(n), err)
	}
	p.metrics.gauge("contracts_stranded", "Contracts that wait for a build of which no worker asks for work.", nil,
		func() float64 { return stranded(false) })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			stranded(true)
			select {
			case <-ctx.Done():
				return
			case <-time.After(strandedEvery):
			}
		}
	}()
	p.onClose(func() { stop(); <-done })
}

// ListBuilds says which builds of the worker the cluster knows, and what each
// still has to do.
func ListBuilds(ctx context.Context, out io.Writer, c *config.Config, _ string) error {
	temporal, err := dial(ctx, c)
	if err != nil {
		return err
	}
	defer temporal.Close()
	all, err := worker.Builds(ctx, temporal, c.Insurer.Temporal.Namespace)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "No worker has been here yet.")
		return nil
	}
	return writeBuilds(out, all, time.Now())
}

func writeBuilds(out io.Writer, all []worker.Build, now time.Time) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BUILD\tSTATE\tCONTRACTS\tWORKER ASKED\tWHAT TO DO")
	for _, b := range all {
		asked := "not lately"
		if !b.Asked.IsZero() {
			asked = max(0, now.Sub(b.Asked)).Round(time.Second).String() + " ago"
		}
		state, todo := stateOf(b, now)
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", b.ID, state, b.Pinned, asked, todo)
	}
	return t.Flush()
}

// stateOf errs on the side of keeping a worker: a build is called drained only
// where the cluster says so and no contract is counted.
func stateOf(b worker.Build, now time.Time) (state, todo string) {
	served := b.Served(now)
	switch {
	case b.Current && !served:
		return "current", "start a worker: new contracts wait for it"
	case b.Current:
		return "current", ""
	case b.Pinned > 0 && !served:
		return "stranded", "start a worker of it, or: countersignd builds move " + b.ID
	case b.Pinned > 0:
		return "draining", "keep a worker of it, or: countersignd builds move " + b.ID
	case b.Drained:
		return "drained", "its workers may stop"
	case b.Left:
		return "draining", "keep a worker of it until the cluster is sure, which takes some minutes"
	case served:
		return "new", "promote it: countersignd builds promote " + b.ID
	}
	return "new", "start a worker of it before you promote it"
}

// PromoteBuild has new contracts begin on a build.
func PromoteBuild(ctx context.Context, out io.Writer, c *config.Config, build string) error {
	temporal, err := dial(ctx, c)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := worker.Promote(ctx, temporal, build); err != nil {
		return err
	}
	fmt.Fprintf(out, "New contracts begin on %s. Keep a worker of the build before it until \"countersignd builds list\" calls it drained.\n", build)
	return nil
}

// MoveBuild begins the contracts of a build anew on the current one.
func MoveBuild(ctx context.Context, out io.Writer, c *config.Config, build string) error {
	temporal, err := dial(ctx, c)
	if err != nil {
		return err
	}
	defer temporal.Close()
	moved, err := worker.Move(ctx, temporal, c.Insurer.Temporal.Namespace, build)
	if err != nil {
		return fmt.Errorf("%w (moved %d before that: type it again)", err, moved)
	}
	fmt.Fprintf(out, "Moved %d contracts of %s to the current build.\n", moved, build)
	return nil
}
