package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the program, which starts itself as verifier.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"demo", "dev", "verify"}, os.Args[1]) {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is countersign-dev with arguments.
func program(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(ctx, self, args...)
}

// run runs it to its end.
func run(t *testing.T, cmd *exec.Cmd) (out, told string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// TestDemo: one command tells the story, and another checks what it left.
func TestDemo(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	screen, told, code := run(t, program(t.Context(), t, "demo", "--out", out))
	if code != 0 || told != "" || !strings.Contains(screen, "363.09 paid by one 835") {
		t.Fatalf("exit %d\n%s%s", code, screen, told)
	}
	screen, told, code = run(t, program(t.Context(), t, "verify", "--trust", filepath.Join(out, "trust.json"), out))
	if code != 0 || told != "" || !strings.Contains(screen, "16 of 16 decisions computed again, to the same bytes") {
		t.Errorf("verify: exit %d\n%s%s", code, screen, told)
	}
	if !strings.Contains(screen, "unsigned, proves nothing: summary.json\n") {
		t.Errorf("verify does not say what is unsigned:\n%s", screen)
	}
	_, told, code = run(t, program(t.Context(), t, "demo", "--out", out))
	if code != 2 || strings.Count(told, "\n") != 1 || !strings.Contains(told, "is not empty: name a new folder") {
		t.Errorf("once more into the same folder: exit %d, %s", code, told)
	}
}

// TestRefused: what cannot be used is refused on standard error, with where and
// what to do.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
		code int
	}{
		"no such file":  {[]string{"demo", "--claims", "/nowhere.837"}, "countersign-dev: open /nowhere.837: no such file or directory\n", 2},
		"no such flag":  {[]string{"demo", "--clams", "x.837"}, "countersign-dev: flag provided but not defined: -clams\n", 1},
		"no such trust": {[]string{"verify", "--trust", "/nowhere.json", "."}, "/nowhere.json: no such file", 2},
	} {
		if _, told, code := run(t, program(t.Context(), t, c.args...)); code != c.code || !strings.Contains(told, c.want) {
			t.Errorf("%s: exit %d, %q; want %d, %q", name, code, told, c.code, c.want)
		}
	}
}

// TestInterrupt: Ctrl-C ends the story with a line, and leaves nothing.
func TestInterrupt(t *testing.T) {
	out, scratch := filepath.Join(t.TempDir(), "out"), t.TempDir()
	cmd := program(t.Context(), t, "demo", "--out", out)
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
	var told bytes.Buffer
	cmd.Stderr = &told
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(screen)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "4  ") {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(told.String(), "interrupted at step") || strings.Count(told.String(), "\n") != 1 {
		t.Errorf("it says %q", told.String())
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v (%v)", left, err)
	}
}

// A dev is `countersign-dev dev`, running.
type dev struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	screen strings.Builder
	ended  chan struct{}
}

func startDev(t *testing.T, data string) *dev {
	t.Helper()
	d := &dev{cmd: program(t.Context(), t, "dev", "--data", data), ended: make(chan struct{})}
	pipe, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = d.cmd.Stdout
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill(); <-d.ended })
	go func() {
		defer close(d.ended)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			d.mu.Lock()
			d.screen.WriteString(lines.Text() + "\n")
			d.mu.Unlock()
		}
	}()
	for !strings.Contains(d.text(), "Ctrl-C stops everything") {
		select {
		case <-d.ended:
			t.Fatalf("dev ended by itself:\n%s", d.text())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("dev is not up after a minute:\n%s", d.text())
		}
	}
	t.Logf("dev is up after %v", time.Since(began).Round(time.Millisecond))
	return d
}

func (d *dev) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.screen.String()
}

// address is what the screen says that a party can be reached at.
func (d *dev) address(t *testing.T, party string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ +` + party + ` +(http://127\.0\.0\.1:\d+)$`).FindStringSubmatch(d.text())
	if m == nil {
		t.Fatalf("no address of the %s:\n%s", party, d.text())
	}
	return m[1]
}

// next runs the line to try next, as it is printed, where people would.
func (d *dev) next(t *testing.T) string {
	t.Helper()
	_, lines, _ := strings.Cut(d.text(), "Try next, in another terminal:")
	lines, _, _ = strings.Cut(lines, "\nKeys of the others")
	if !strings.Contains(lines, "claim submit") {
		t.Fatalf("no line to try next:\n%s", d.text())
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", lines)
	cmd.Dir = "../.."
	out, told, code := run(t, cmd)
	if code != 0 {
		t.Errorf("exit %d of%s\n%s%s\ndev says\n%s", code, lines, out, told, d.text())
	}
	return out
}

func (d *dev) stop(t *testing.T, s os.Signal) {
	t.Helper()
	began := time.Now()
	if err := d.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("still up half a minute after %v:\n%s", s, d.text())
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("ended by %v with %v:\n%s", s, err, d.text())
	}
	t.Logf("stopped after %v", time.Since(began).Round(time.Millisecond))
}

// TestDev: the parties come up with what they had, as often as they are started.
func TestDev(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d := startDev(t, data)
	for party, path := range map[string]string{"gateway": "/", "board": "/", "ledger": "/checkpoint", "workflows": "/"} {
		r, err := http.Get(d.address(t, party) + path)
		if err != nil {
			t.Errorf("%s: %v", party, err)
			continue
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		switch party {
		case "workflows":
			if r.StatusCode != http.StatusOK || !bytes.Contains(bytes.ToLower(body), []byte("<html")) {
				t.Errorf("Temporal's UI answers %s:\n%.300s", r.Status, body)
			}
		case "ledger":
			if r.StatusCode != http.StatusOK || !bytes.HasPrefix(body, []byte("ledger.countersign.example\n")) {
				t.Errorf("the ledger's checkpoint: %s:\n%s", r.Status, body)
			}
		}
	}
	first := d.next(t)
	for _, want := range []string{"DEMO-001  accepted", "65.00", "DEMO-009"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first claims: %q is missing in\n%s", want, first)
		}
	}
	d.stop(t, os.Interrupt)

	d = startDev(t, data)
	again := d.next(t)
	if n := strings.Count(again, "received before"); n != 9 {
		t.Errorf("%d of 9 claims were received before:\n%s", n, again)
	}
	// The decisions are the ones that were made then, handle by handle.
	handles := regexp.MustCompile(`\b[0-9a-f]{12}\b`)
	if was, is := handles.FindAllString(first, -1), handles.FindAllString(again, -1); len(was) < 9 || !slices.Equal(was, is) {
		t.Errorf("handles were %v, are %v", was, is)
	}
	d.stop(t, syscall.SIGTERM)
}
