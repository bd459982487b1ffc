//go:build linux

package houses

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what is started, and how.
type Options struct {
	// Repo is the checkout; empty for the one around the working directory.
	Repo string
	// Bin is where programs are built and kept; empty for bin/houses of Repo.
	Bin string
	// Screen is told what is going on; nil for nobody.
	Screen io.Writer
	// NoRestart leaves a daemon down that has ended, until Run. Without it the
	// file's restart policies hold, for daemons that Kill ended too.
	NoRestart bool
	// Without leaves services out, by their names in the file. Nobody else may
	// depend on them.
	Without []string
	// Replicas replaces "scale", by the service's name in the file.
	Replicas map[string]int
	// Env adds variables to a service, by its name in the file.
	Env map[string]map[string]string
	// Edit may change a file under /etc/countersign before a service gets it:
	// the service, the path in the container, the content.
	Edit func(service, path string, body []byte) []byte
	// Overlay is a file for "go build -overlay", under which countersign and
	// countersignd are built; empty for none.
	Overlay string
}

// Houses are all services of the file.
type Houses struct {
	// Dir holds everything: bin, deploy, logs, volumes, services.
	Dir      string
	options  Options
	services []*service
	byName   map[string]*service
	spawn    chan func()
	claimed  net.Listener // keeps two runs from one network
	closing  chan struct{}
	close    sync.Once
	running  sync.WaitGroup
}

// Start starts every service in the file's order and returns when all are
// healthy, or have ended well where they are to run once. Dir is new, or the
// one of an earlier run that was closed, which then goes on with its state. As
// root, services run as the users that the file names, so Dir has to be where
// others may go (mode 0711). On an error everything is stopped again.
func Start(ctx context.Context, dir string, o Options) (_ *Houses, err error) {
	if o.Screen == nil {
		o.Screen = io.Discard
	}
	if o.Repo, err = repository(o.Repo); err != nil {
		return nil, err
	}
	if o.Bin == "" {
		o.Bin = filepath.Join(o.Repo, "bin", "houses")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	h := &Houses{Dir: dir, options: o, byName: map[string]*service{}, spawn: make(chan func()), closing: make(chan struct{})}
	network, err := h.claim()
	if err != nil {
		return nil, err
	}
	go h.spawner()
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if err := h.prepare(ctx); err != nil {
		return nil, err
	}
	if err := h.plan(ctx, network); err != nil {
		return nil, fmt.Errorf("docker-compose.yml: %w", err)
	}
	return h, h.startAll(ctx)
}

// repository is the folder with docker-compose.yml at or above dir.
func repository(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	for at := dir; err == nil; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "docker-compose.yml")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			err = fmt.Errorf("there is no docker-compose.yml at or above %s", dir)
			return "", err
		}
	}
	return "", err
}

// claim takes a network 127.X.Y.0/24 that no other run on this machine has.
// Ports stay as the file has them, so that each service needs an address.
func (h *Houses) claim() (network string, err error) {
	for range 100 {
		network = fmt.Sprintf("127.%d.%d.", 16+rand.IntN(200), rand.IntN(256))
		if h.claimed, err = net.Listen("tcp4", network+"254:47254"); err == nil {
			return network, nil
		}
	}
	return "", fmt.Errorf("claim a network of 127.0.0.0/8: %w", err)
}

// prepare builds the programs and makes the secrets.
func (h *Houses) prepare(ctx context.Context) error {
	for _, d := range []string{"bin", "logs", "volumes", "services"} {
		if err := os.MkdirAll(filepath.Join(h.Dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := h.reachable(); err != nil {
		return err
	}
	began := time.Now()
	if err := h.build(ctx); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	h.say("programs built in %s", time.Since(began).Round(time.Millisecond))
	if _, err := os.Stat(filepath.Join(h.Dir, "deploy", "secrets")); err == nil {
		return nil // of the run before
	}
	script := `tar -C "$1" --exclude=deploy/secrets --exclude=deploy/secrets.new -cf - docker-compose.yml deploy | tar -xf - --no-same-owner && deploy/make-secrets.sh`
	cmd := exec.CommandContext(ctx, "sh", "-ec", script, "sh", h.options.Repo)
	cmd.Dir = h.Dir
	cmd.Env = []string{"PATH=" + filepath.Join(h.Dir, "bin") + ":" + systemPath, "HOME=/nonexistent", "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("deploy/make-secrets.sh: %w: %s", err, tail(out, 20))
	}
	return nil
}

// reachable says so early where a service's user cannot get to Dir.
func (h *Houses) reachable() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for at := h.Dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%s: the services' users cannot go through it: chmod o+x it, or name another folder", at)
		}
	}
	return nil
}

// startAll starts every service once what it depends on is there.
func (h *Houses) startAll(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, s := range h.services {
		all.Go(func() {
			if err := s.startInOrder(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", s.name, err)) // the first one stays
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("%w\n%s", context.Cause(ctx), h.LastLines(15))
	}
	h.say("%d services up in %s", len(h.services), time.Since(began).Round(time.Millisecond))
	return nil
}

func (h *Houses) say(format string, args ...any) {
	fmt.Fprintf(h.options.Screen, "houses: "+format+"\n", args...)
}

// Services are the names of all services; those with several replicas have a
// number at the end (worker-1, worker-2).
func (h *Houses) Services() (names []string) {
	for _, s := range h.services {
		names = append(names, s.name)
	}
	return names
}

// Address is where a service listens.
func (h *Houses) Address(service string, port int) string {
	return net.JoinHostPort(h.named(service).address, strconv.Itoa(port))
}

// named panics for a service that is not in the file: it is misspelt.
func (h *Houses) named(service string) *service {
	s := h.byName[service]
	if s == nil {
		panic(fmt.Sprintf("houses: there is no service %q among %s", service, strings.Join(h.Services(), ", ")))
	}
	return s
}

// Log is what a service has written, all its runs together.
func (h *Houses) Log(service string) []byte {
	b, _ := os.ReadFile(h.named(service).log)
	return b
}

// LastLines are the last n lines of every log, to show when a test fails.
func (h *Houses) LastLines(n int) string {
	var out strings.Builder
	for _, s := range h.services {
		b, err := os.ReadFile(s.log)
		if err == nil && len(b) > 0 {
			fmt.Fprintf(&out, "== %s (%s)\n%s\n", s.name, s.log, tail(b, n))
		}
	}
	return out.String()
}

func tail(b []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Close stops every service, those first that others do not depend on, and
// waits until they are gone. Logs and state stay in Dir.
func (h *Houses) Close() error {
	var err error
	h.close.Do(func() {
		close(h.closing)
		err = h.stopAll()
		h.running.Wait()
		close(h.spawn)
		h.claimed.Close()
	})
	return err
}

// stopAll stops in the reverse order of starting.
func (h *Houses) stopAll() error {
	stopped := map[string]chan struct{}{}
	for _, s := range h.services {
		stopped[s.name] = make(chan struct{})
	}
	errs := make([]error, len(h.services))
	var all sync.WaitGroup
	for i, s := range h.services {
		all.Go(func() {
			defer close(stopped[s.name])
			for _, other := range h.services {
				if _, needs := other.conf.DependsOn[s.conf.Name]; needs {
					<-stopped[other.name]
				}
			}
			errs[i] = s.stop(context.Background())
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
