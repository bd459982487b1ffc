//go:build interop && linux

package interop

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// bin is where TestMain puts the programs.
var bin = filepath.Join("..", "..", "bin", "interop")

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "interop: build the programs:", err)
		os.Exit(1)
	}
	sqldbtest.Main(m)
}

// build builds the others' programs, which go.mod lists as tools, and ours as
// the root module has them. What is up to date takes a second.
func build() error {
	var err error
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	for dir, what := range map[string][]string{"..": {"tool"}, filepath.Join("..", ".."): {"./cmd/countersignd", "./cmd/countersign"}} {
		cmd := exec.Command("go", append([]string{"build", "-o", bin + "/"}, what...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", what, err, out)
		}
	}
	return nil
}

// say is the one line of a check that has held. A test that failed says why instead.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	if !t.Failed() {
		fmt.Printf("ok  "+format+"\n", args...)
	}
}

// A program is one that runs until the test ends.
type program struct {
	cmd   *exec.Cmd
	said  transcript
	ended chan struct{}
}

// A transcript is what a program prints, while it prints.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start starts a program in dir. It is killed when the test ends, and dies with
// the test binary.
func start(t *testing.T, dir, name string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(filepath.Join(bin, name), args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.said, &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, tail(p.said.String()))
		}
	})
	return p
}

func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// run runs a program to its end, at most so long, and returns what it printed
// and its exit code.
func run(t *testing.T, dir string, atMost time.Duration, name string, args ...string) (string, int) {
	t.Helper()
	p := start(t, dir, name, args...)
	select {
	case <-p.ended:
	case <-time.After(atMost):
		p.kill()
		t.Fatalf("%s takes longer than %v:\n%s", name, atMost, tail(p.said.String()))
	}
	return p.said.String(), p.cmd.ProcessState.ExitCode()
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// until waits for something to become so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("after a minute still not so: %s", what)
}

// answers waits until a program listens.
func (p *program) answers(t *testing.T, address string) {
	t.Helper()
	until(t, p.cmd.Path+" listens on "+address, func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%s has ended:\n%s", p.cmd.Path, tail(p.said.String()))
		default:
		}
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// get is the body and the status of a page.
func get(t *testing.T, url string) (string, int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), resp.StatusCode
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var given = map[string]bool{}

// freePort is below the ports that the system gives to connections on their way
// out, and given once.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		at := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		l, err := net.Listen("tcp", at)
		if err != nil || given[at] {
			continue
		}
		l.Close()
		given[at] = true
		return at
	}
	t.Fatal("no free port")
	return ""
}

// contains is strings.Contains for all of them.
func contains(s string, all ...string) bool {
	for _, sub := range all {
		if !strings.Contains(s, sub) {
			return false
		}
	}
	return true
}
