//go:build interop && linux

package npm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	if err := begin(); err != nil {
		if node.end != nil {
			node.end()
		}
		fmt.Fprintln(os.Stderr, "interop: "+err.Error())
		os.Exit(1)
	}
	code := m.Run()
	node.end()
	os.Exit(code)
}

// node is the process in which the libraries run.
var node struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	said    bytes.Buffer
	scratch string
	end     func()
}

// begin installs the libraries if they are not there, and starts the process.
func begin() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not on this machine: install Node.js 20 or later, with npm", program)
		}
	}
	libraries, err := install()
	if err != nil {
		return fmt.Errorf("install the libraries: %w", err)
	}
	// Modules look for their libraries beside themselves.
	scratch, err := os.MkdirTemp("", "countersign-interop-")
	if err != nil {
		return err
	}
	node.end = func() { os.RemoveAll(scratch) }
	if err := copyFiles(scratch, "*.mjs", "package.json"); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(libraries, "node_modules"), filepath.Join(scratch, "node_modules")); err != nil {
		return err
	}
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		return err
	}
	node.cmd = exec.Command("node", filepath.Join(scratch, "answer.mjs"), root)
	node.cmd.Stderr, node.cmd.SysProcAttr = &node.said, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if node.in, err = node.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := node.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	node.out = bufio.NewReader(out)
	node.end = func() { node.in.Close(); node.cmd.Wait(); os.RemoveAll(scratch) }
	return node.cmd.Start()
}

// install has npm fetch what package-lock.json pins, by digest, into a folder of
// the user's cache that is named for the lock. What is there whole stays.
func install() (string, error) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "countersign", fmt.Sprintf("npm-%x", sha256.Sum256(lock))[:20])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "npm-fresh-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := copyFiles(fresh, "package.json", "package-lock.json"); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return "", err // the other two: somebody else was faster
	}
	return dir, nil
}

func copyFiles(to string, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no %s here: %w", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, file), b, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// An answer is what a library said. It has verified, or it has refused.
type answer struct {
	Verified bool            `json:"verified"`
	Refused  string          `json:"refused"`
	Failed   string          `json:"failed"` // a mistake of these tests
	Document string          `json:"document"`
	Token    string          `json:"token"`
	SDJWT    string          `json:"sdjwt"`
	Text     string          `json:"text"`
	Texts    []string        `json:"texts"`
	Payload  string          `json:"payload"`
	Binding  json.RawMessage `json:"binding"`
	Header   json.RawMessage `json:"header"`
	Statuses []bool          `json:"statuses"`
}

type question map[string]any

// ask has one of the functions in the .mjs files answer.
func ask(t *testing.T, name string, q question) answer {
	t.Helper()
	node.mu.Lock()
	defer node.mu.Unlock()
	all := question{"ask": name}
	for k, v := range q {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.in.Write(append(b, '\n')); err != nil {
		t.Fatalf("ask node: %v\n%s", err, node.said.String())
	}
	line, err := node.out.ReadBytes('\n')
	if err != nil {
		node.cmd.Wait()
		t.Fatalf("node has ended: %v\n%s", err, node.said.String())
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatalf("node answered %q: %v", line, err)
	}
	if a.Failed != "" {
		t.Fatalf("%s: %s", name, a.Failed)
	}
	return a
}

// accepted wants a yes.
func accepted(t *testing.T, what, name string, q question) answer {
	t.Helper()
	a := ask(t, name, q)
	if !a.Verified {
		t.Fatalf("%s: theirs refuse it: %s", what, a.Refused)
	}
	return a
}

// refused wants a no, for a reason in which one of these words stands.
func refused(t *testing.T, what string, why []string, name string, q question) {
	t.Helper()
	a := ask(t, name, q)
	if a.Verified || a.Refused == "" {
		t.Errorf("%s: theirs accept it", what)
		return
	}
	for _, w := range why {
		if strings.Contains(a.Refused, w) {
			return
		}
	}
	t.Errorf("%s: theirs refuse it for another reason than %q: %s", what, why, a.Refused)
}

// say is the one line of a check that has held. A test that failed says why instead.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	if !t.Failed() {
		fmt.Printf("ok  "+format+"\n", args...)
	}
}
