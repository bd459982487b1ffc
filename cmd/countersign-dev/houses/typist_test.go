//go:build linux && houses

package houses_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A typist sits before one shell in one folder: what they set or start in one
// block is there in the next.
type typist struct {
	*testing.T
	dir   string
	stdin io.WriteCloser
	mu    sync.Mutex
	said  bytes.Buffer
	ended chan struct{}
}

// sit starts a shell that ends with the first command that fails, and takes
// with it what it has started.
func (j *joining) sit(dir string, env []string) *typist {
	j.Helper()
	y := &typist{T: j.T, dir: dir, ended: make(chan struct{})}
	cmd := exec.Command("bash", "-eu", "-o", "pipefail")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, y, y
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if y.stdin, err = cmd.StdinPipe(); err != nil {
		j.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		j.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(y.ended)
	}()
	j.Cleanup(func() {
		y.stdin.Close()
		select {
		case <-y.ended:
		case <-time.After(time.Minute):
			j.Errorf("what was started in %s does not end", dir)
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	y.types(`trap 'for p in $(jobs -p); do kill $p; done; wait' EXIT`)
	return y
}

// Write is for the shell.
func (y *typist) Write(p []byte) (int, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.said.Write(p)
}

func (y *typist) text() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.said.String()
}

// types waits until the last of the lines is done.
func (y *typist) types(lines string) {
	y.Helper()
	done := filepath.Join(y.TempDir(), "done")
	if _, err := io.WriteString(y.stdin, lines+"\n: >'"+done+"'\n"); err != nil {
		y.Fatalf("%v\n%s\n%s", err, lines, y.text())
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(done); err == nil {
			return
		}
		select {
		case <-y.ended:
			y.Fatalf("a command failed among\n%s\n%s", lines, y.text())
		default:
		}
		if time.Now().After(end) {
			y.Fatalf("after two minutes this is not done:\n%s\n%s", lines, y.text())
		}
	}
}

// says is what a command writes on stdout.
func (y *typist) says(command string) string {
	y.Helper()
	at := filepath.Join(y.TempDir(), "said")
	y.types("{ " + command + "; } >'" + at + "'")
	b, err := os.ReadFile(at)
	if err != nil {
		y.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (j *joining) read(name string) []byte {
	j.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		j.Fatal(err)
	}
	return b
}

func (j *joining) write(name string, body []byte) {
	j.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		j.Fatal(err)
	}
	if err := os.WriteFile(name, body, 0o600); err != nil {
		j.Fatal(err)
	}
}
