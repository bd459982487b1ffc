// Package demo tells the whole story once: a board licenses clinicians, a
// hospital asks for authorizations and bills a file, an insurer decides to the
// cent, the board revokes a license and the insurer stops the money. Whatever a
// person would type goes through package cli, as a person would type it.
//
// Its amounts come out of signed decisions, its verdicts from a verifier in
// another process; it never decides or prices anything, and never writes over
// anybody's files.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/examples"
)

// Options say what is billed and where it ends up.
type Options struct {
	// Out is the dossier's folder; empty for a new one in the temporary folder.
	Out string
	// Claims is an 837P file to bill instead of the example; Plan a plan
	// edition instead of examples/plan.yaml.
	Claims, Plan string
	// Replace gives other content to files of examples: for tests.
	Replace map[string][]byte
	// Verify runs `countersign verify` with these arguments in a process of its
	// own, and returns what it wrote and its exit code.
	Verify func(ctx context.Context, args ...string) (out []byte, code int, err error)
	// Keep keeps the parties' state in this folder; empty for one that is
	// removed.
	Keep     string
	Screen   io.Writer              // what a person reads
	Prepared func(*parties.Options) // for tests
}

// Run tells the story and returns its summary, which it has also written. A
// story that does not come to its end leaves nothing in the dossier's folder.
func Run(ctx context.Context, o Options) (_ *Summary, err error) {
	s := &story{Options: o, started: time.Now()}
	defer s.close()
	if err := s.open(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	fmt.Fprintf(o.Screen, "Countersign: a board, a hospital, an insurer, an auditor and four witnesses, each with keys of its own.\n\n")
	for _, step := range []struct {
		name string
		do   func(context.Context) (figure string, err error)
	}{
		{"keys and ledger", s.found},
		{"plan, fees, members", s.publish},
		{"licenses", s.license},
		{"prior authorization", s.authorize},
		{"claims", s.bill},
		{"decisions and 835", s.remit},
		{"license revoked", s.revoke},
		{"checked by another process", s.verify},
	} {
		if err := s.step(ctx, step.name, step.do); err != nil {
			return nil, err
		}
	}
	s.summary.Seconds = seconds(time.Since(s.started))
	if err := s.summary.write(filepath.Join(s.Options.Out, dossier.SummaryFile)); err != nil {
		return nil, err
	}
	s.farewell()
	return &s.summary, nil
}

// story is one run.
type story struct {
	Options
	started time.Time
	number  int
	network *parties.Network
	inputs  string // folder with what people hand in
	madeOut bool   // the dossier's folder was not there before
	stop    func()
	summary Summary

	billed   *billed
	licenses []credentials.License
	requests []request
}

func (s *story) open() (err error) {
	if err := wantEmpty(s.Options.Out); err != nil {
		return &Refusal{err}
	}
	state := s.Keep
	if state == "" {
		if state, err = os.MkdirTemp("", "countersign-state-"); err != nil {
			return err
		}
		s.stop = func() { os.RemoveAll(state) }
	}
	s.inputs = filepath.Join(state, "inputs")
	if err := s.layOut(); err != nil {
		return err
	}
	if s.billed, err = readBilled(s.input("claims.837"), s.Claims != ""); err != nil {
		return &Refusal{err}
	}
	if err := checkPlan(s.input("plan.yaml")); err != nil {
		return &Refusal{err}
	}
	o := parties.Options{
		Dir: state, Jurisdictions: s.billed.jurisdictions("CA"), ReceiptFromFile: true,
		Edits: claims.Edits{SkipNPICheckDigit: s.Claims != ""},
	}
	if s.Prepared != nil {
		s.Prepared(&o)
	}
	if s.network, err = parties.Prepare(o); err != nil {
		return err
	}
	return s.makeOut()
}

// A Refusal is for input that trying again will not make good. Nothing was
// begun with it.
type Refusal struct{ Why error }

func (r *Refusal) Error() string { return r.Why.Error() }
func (r *Refusal) Unwrap() error { return r.Why }

// wantEmpty refuses a folder with something in it: nothing of anybody's is
// overwritten.
func wantEmpty(dir string) error {
	have, err := os.ReadDir(dir)
	switch {
	case dir == "" || errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && len(have) > 0:
		return fmt.Errorf("%s is not empty: name a new folder with --out (make demo OUT=DIR)", dir)
	}
	return err
}

// checkPlan refuses a plan before anything is made of it.
func checkPlan(path string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := claims.ParsePlan(body); err != nil {
		why := strings.NewReplacer("plan.yaml line", "line", "\n", "; ").Replace(err.Error()) // the parser names the example
		return fmt.Errorf("%s: %s; nothing was published", path, why)
	}
	return nil
}

// makeOut makes the dossier's folder, last of all that can be refused.
func (s *story) makeOut() (err error) {
	if s.Options.Out == "" {
		s.Options.Out, err = os.MkdirTemp("", "countersign-demo-")
		s.madeOut = true
		return err
	}
	_, err = os.Stat(s.Options.Out)
	s.madeOut = errors.Is(err, fs.ErrNotExist)
	return os.MkdirAll(s.Options.Out, 0o755)
}

// abandon takes half a dossier away. The folder was empty when the story
// began, so that all in it is the story's.
func (s *story) abandon() {
	have, _ := os.ReadDir(s.Options.Out)
	for _, f := range have {
		os.RemoveAll(filepath.Join(s.Options.Out, f.Name()))
	}
	if s.madeOut {
		os.Remove(s.Options.Out)
	}
}

// layOut writes the examples where people can hand them in.
func (s *story) layOut() error {
	if err := os.MkdirAll(s.inputs, 0o700); err != nil {
		return err
	}
	list, err := examples.Files.ReadDir(".")
	if err != nil {
		return err
	}
	for _, f := range list {
		body, err := examples.Files.ReadFile(f.Name())
		if err != nil {
			return err
		}
		if other, ok := s.Replace[f.Name()]; ok {
			body = other
		}
		if err := os.WriteFile(filepath.Join(s.inputs, f.Name()), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// input is where a file of the examples lies, or the one that stands in for it.
func (s *story) input(name string) string {
	switch {
	case name == "claims.837" && s.Claims != "":
		return s.Claims
	case name == "plan.yaml" && s.Plan != "":
		return s.Plan
	}
	return filepath.Join(s.inputs, name)
}

func (s *story) close() {
	if s.network != nil {
		s.network.Stop()
	}
	if s.stop != nil {
		s.stop()
	}
}

// step runs one part of the story and prints its time and its figure.
func (s *story) step(ctx context.Context, name string, do func(context.Context) (string, error)) error {
	s.number++
	started := time.Now()
	fmt.Fprintf(s.Screen, "%d  %s\n", s.number, name)
	figure, err := do(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted at step %d (%s): %w", s.number, name, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("step %d (%s): %w", s.number, name, err)
	}
	fmt.Fprintf(s.Screen, "   %s  [%s]\n\n", figure, time.Since(started).Round(time.Millisecond))
	return nil
}

// say prints one line of what is going on.
func (s *story) say(format string, args ...any) {
	fmt.Fprintf(s.Screen, "   "+format+"\n", args...)
}

var errStory = errors.New("the story did not come out as it should")

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}
