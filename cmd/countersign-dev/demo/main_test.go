package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
)

// TestMain lets the test binary stand in for the two programs that tests start:
// the verifier, and one that looks whether there is a network before it
// becomes another program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	if len(os.Args) > 3 && os.Args[1] == "without-network" {
		fmt.Fprintln(os.Stderr, withoutNetwork(os.Args[2], os.Args[3:]))
		os.Exit(networkFound)
	}
	code := m.Run()
	if shared.folder != "" {
		os.RemoveAll(shared.folder)
	}
	os.Exit(code)
}

// networkFound is the exit code of a process that can reach somebody.
const networkFound = 97

// withoutNetwork becomes the program of args, unless it can reach address, at
// which the test listens, or has an interface that is up.
func withoutNetwork(address string, args []string) error {
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		c.Close()
		return fmt.Errorf("%s answers: there is a network", address)
	}
	for _, elsewhere := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} { // for documentation: RFC 5737, RFC 3849
		if c, err := net.Dial("udp", elsewhere); err == nil { // sends nothing, but wants a route
			c.Close()
			return fmt.Errorf("there is a route to %s", elsewhere)
		} else if !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return err
		}
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp != 0 {
			return fmt.Errorf("the interface %s is up", i.Name)
		}
	}
	return syscall.Exec(args[0], args, []string{})
}

// selfVerify is the verifier of this binary, in a process of its own.
func selfVerify(ctx context.Context, args ...string) ([]byte, int, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	return ends(exec.CommandContext(ctx, self, args...))
}

// ends runs a program with an empty environment to its end.
func ends(cmd *exec.Cmd) (out []byte, code int, err error) {
	var told bytes.Buffer
	cmd.Stderr, cmd.Env = &told, []string{}
	out, err = cmd.Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return append(out, told.Bytes()...), ended.ExitCode(), nil
	}
	return out, 0, err
}

// A told is a story that came to its end.
type told struct {
	out     string
	summary demo.Summary // as it stands in the folder
	screen  string
}

// tell runs the demonstration into a folder that is not there yet.
func tell(ctx context.Context, o demo.Options) (*told, error) {
	var screen bytes.Buffer
	o.Screen, o.Verify = &screen, selfVerify
	ran, err := demo.Run(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, screen.String())
	}
	s := &told{out: o.Out, screen: screen.String()}
	b, err := os.ReadFile(filepath.Join(o.Out, "summary.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &s.summary); err != nil {
		return nil, err
	}
	if s.summary != *ran {
		return nil, fmt.Errorf("summary.json says %+v, Run returns %+v", s.summary, *ran)
	}
	return s, nil
}

// shared is the story of the examples, which most tests look at; none changes it.
var shared struct {
	once   sync.Once
	folder string
	story  *told
	err    error
}

func builtIn(t *testing.T) *told {
	t.Helper()
	shared.once.Do(func() {
		if shared.folder, shared.err = os.MkdirTemp("", "countersign-test-"); shared.err == nil {
			shared.story, shared.err = tell(context.Background(), demo.Options{Out: filepath.Join(shared.folder, "out")})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.story
}
