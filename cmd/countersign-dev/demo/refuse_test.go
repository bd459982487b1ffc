package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
	"github.com/countersign-health/countersign/examples"
)

// refused wants one line that contains want, nothing on the screen, and no
// folder afterwards, of the dossier or of the parties.
func refused(t *testing.T, o demo.Options, want string) {
	t.Helper()
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	if o.Out == "" {
		o.Out = filepath.Join(t.TempDir(), "out")
	}
	before := listing(t, o.Out)
	var screen bytes.Buffer
	o.Screen, o.Verify = &screen, selfVerify
	_, err := demo.Run(t.Context(), o)
	if err == nil {
		t.Fatalf("%+v goes through", o)
	}
	var refusal *demo.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("it is not refused for good: %v", err)
	}
	if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") {
		t.Errorf("refused by %q, want one line with %q", got, want)
	}
	if screen.Len() > 0 {
		t.Errorf("the story began:\n%s", screen.String())
	}
	if after := listing(t, o.Out); after != before {
		t.Errorf("the folder holds %q afterwards, and held %q before", after, before)
	}
	if left := listing(t, scratch); left != "" {
		t.Errorf("temporary files are left: %s", left)
	}
}

// listing names every file of a folder; "absent" where there is none.
func listing(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path != dir {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestRefused(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := examples.Files.ReadFile("plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	claims, err := examples.Files.ReadFile("claims.837")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The line of "timezone:" in examples/plan.yaml, counted from 1.
	line := "line 10: unknown field \"timezoan\""
	if !strings.HasPrefix(strings.Split(string(plan), "\n")[9], "timezone:") {
		t.Fatal("timezone is no longer on line 10 of the example")
	}
	for name, c := range map[string]struct {
		o    demo.Options
		want string
	}{
		"folder of another run":    {demo.Options{Out: builtIn(t).out}, "is not empty: name a new folder"},
		"folder of somebody":       {demo.Options{Out: foreign}, foreign + " is not empty"},
		"folder is a file":         {demo.Options{Out: filepath.Join(foreign, "thesis.txt")}, "thesis.txt"},
		"no such claims":           {demo.Options{Claims: "/nowhere/claims.837"}, "/nowhere/claims.837: no such file"},
		"no such plan":             {demo.Options{Plan: "/nowhere/plan.yaml"}, "/nowhere/plan.yaml: no such file"},
		"unknown field of a plan":  {demo.Options{Plan: write("mine.yaml", bytes.Replace(plan, []byte("timezone"), []byte("timezoan"), 1))}, line},
		"truncated claims":         {demo.Options{Claims: write("cut.837", claims[:len(claims)/2])}, "refused: segment"},
		"claims that are no X12":   {demo.Options{Claims: write("letter.837", []byte("Dear Sir or Madam\n"))}, "does not start with an ISA"},
		"claims without any claim": {demo.Options{Claims: write("empty.837", nil)}, "ISA"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.o, c.want) })
	}
	if b, err := os.ReadFile(filepath.Join(foreign, "thesis.txt")); err != nil || string(b) != "years of work" {
		t.Errorf("somebody's file is now %q (%v)", b, err)
	}
}

// interrupter cancels as soon as the screen shows a word.
type interrupter struct {
	bytes.Buffer
	at     string
	cancel context.CancelFunc
}

func (i *interrupter) Write(b []byte) (int, error) {
	n, err := i.Buffer.Write(b)
	if strings.Contains(i.String(), i.at) {
		i.cancel()
	}
	return n, err
}

// TestInterrupted: a story that is cut short stops soon, and leaves nothing.
func TestInterrupted(t *testing.T) {
	for _, at := range []string{"1  keys", "5  claims", "7  license", "8  checked"} {
		t.Run(strings.Fields(at)[1], func(t *testing.T) {
			scratch, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
			t.Setenv("TMPDIR", scratch)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var cut time.Time
			screen := &interrupter{at: at, cancel: func() {
				if cut.IsZero() {
					cut = time.Now()
				}
				cancel()
			}}
			_, err := demo.Run(ctx, demo.Options{Out: out, Screen: screen, Verify: selfVerify})
			if err == nil {
				t.Fatal("the story came to its end")
			}
			t.Logf("stopped in %v: %v", time.Since(cut).Round(time.Millisecond), err)
			if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error does not say in one line that somebody interrupted it: %v", err)
			}
			if took := time.Since(cut); took > 15*time.Second {
				t.Errorf("stopped after %v", took)
			}
			if left := listing(t, out); left != "absent" {
				t.Errorf("half a dossier is left: %s", left)
			}
			if left := listing(t, scratch); left != "" {
				t.Errorf("temporary files are left: %s", left)
			}
		})
	}
}
