//go:build linux

package houses

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// A service is one container's worth: a process with all that it starts.
type service struct {
	houses  *Houses
	name    string // with the number of the replica
	conf    types.ServiceConfig
	address string
	root    string // its files
	log     string

	substitutions []substitution
	argv, env     []string
	user          *syscall.Credential // nil: whoever runs the harness
	signal        syscall.Signal      // asks it to stop
	grace         time.Duration

	mu     sync.Mutex
	cmd    *exec.Cmd     // of the run that is on, nil for none
	ended  chan struct{} // closed when nobody will start it again by itself
	begun  chan struct{} // closed once it was started
	code   int           // of the last run; -1 for a signal
	wanted bool          // false once it was told to stop
	starts int
}

// startInOrder waits for what the service depends on, starts it, and waits
// until it is healthy, or has ended well where it is to run once.
func (s *service) startInOrder(ctx context.Context) error {
	for name, d := range s.conf.DependsOn {
		for _, other := range s.houses.services {
			if other.conf.Name != name {
				continue
			}
			if err := other.reaches(ctx, d.Condition); err != nil {
				return fmt.Errorf("wait for %s: %w", other.name, err)
			}
		}
	}
	if err := s.run(); err != nil {
		return err
	}
	return s.await(ctx)
}

// reaches waits for a condition of depends_on.
func (s *service) reaches(ctx context.Context, condition string) error {
	select {
	case <-s.begun:
	case <-ctx.Done():
		return ctx.Err()
	}
	switch condition {
	case types.ServiceConditionStarted:
		return nil
	case types.ServiceConditionHealthy:
		return s.healthy(ctx)
	case types.ServiceConditionCompletedSuccessfully:
		return s.completed(ctx)
	}
	return fmt.Errorf("unknown condition %q", condition)
}

// await waits for what the service is there for.
func (s *service) await(ctx context.Context) error {
	switch {
	case s.conf.HealthCheck != nil:
		return s.healthy(ctx)
	case s.once():
		return s.completed(ctx)
	}
	return nil
}

// once says whether the service is to end by itself.
func (s *service) once() bool { return !s.daemon() && s.conf.HealthCheck == nil }

func (s *service) daemon() bool {
	return s.conf.Restart == types.RestartPolicyAlways || s.conf.Restart == types.RestartPolicyUnlessStopped
}

func (s *service) completed(ctx context.Context) error {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	select {
	case <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 {
		return fmt.Errorf("it ended with %d after %d runs", s.code, s.starts)
	}
	return nil
}

// healthy runs the health check until it passes. Before that the file's
// interval is cut short, so that nobody waits for nothing.
func (s *service) healthy(ctx context.Context) error {
	check := s.conf.HealthCheck
	if check == nil {
		return errors.New("it has no health check")
	}
	for began, failed, pause := time.Now(), 0, 50*time.Millisecond; ; pause = min(2*pause, 400*time.Millisecond) {
		out, err := s.probe(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w; its last health check: %s", ctx.Err(), tail(out, 3))
		}
		if time.Since(began) > time.Duration(*check.StartPeriod) {
			failed, pause = failed+1, time.Duration(*check.Interval)
			if failed > int(*check.Retries) {
				return fmt.Errorf("it does not become healthy: %w: %s", err, tail(out, 3))
			}
		}
		s.mu.Lock()
		ended, code := s.ended, s.code
		s.mu.Unlock()
		select {
		case <-ended:
			return fmt.Errorf("it ended with %d", code)
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (s *service) probe(ctx context.Context) ([]byte, error) {
	test := s.conf.HealthCheck.Test
	if len(test) < 2 || test[0] != "CMD" {
		return nil, fmt.Errorf("health check %q: want CMD and a program", test)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(*s.conf.HealthCheck.Timeout))
	defer cancel()
	return s.exec(ctx, test[1:]...)
}

// exec runs a command in the service's surroundings.
func (s *service) exec(ctx context.Context, args ...string) ([]byte, error) {
	cmd := s.command(args)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := s.houses.start(cmd); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return []byte(out.String()), err
	case <-ctx.Done():
		killAll(cmd.Process.Pid, syscall.SIGKILL)
		<-done
		return []byte(out.String()), ctx.Err()
	}
}

// command is a program in the service's surroundings: its own variables and
// nothing of ours.
func (s *service) command(args []string) *exec.Cmd {
	own := make([]string, len(args))
	for i, a := range args {
		own[i] = s.text(a)
	}
	program := own[0]
	if !strings.Contains(program, "/") {
		program = find(program, s.env)
	}
	return &exec.Cmd{Path: program, Args: own, Env: s.env, Dir: s.root, SysProcAttr: s.attributes()}
}

// run starts the service and keeps it running as its restart policy says.
func (s *service) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("it runs already")
	}
	if err := s.startOnce(); err != nil {
		return err
	}
	s.wanted = true
	if s.ended == nil {
		close(s.begun)
	}
	s.ended = make(chan struct{})
	s.houses.running.Add(1)
	go s.supervise(s.ended)
	return nil
}

// startOnce needs mu.
func (s *service) startOnce() error {
	log, err := os.OpenFile(s.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command(s.argv)
	cmd.Stdout, cmd.Stderr = log, log
	if err := s.houses.start(cmd); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	s.cmd = cmd
	s.starts++
	return nil
}

// supervise waits for the process to end, and starts it again where the policy
// says so, after a pause that doubles as Docker's does.
func (s *service) supervise(ended chan struct{}) {
	defer s.houses.running.Done()
	defer close(ended)
	for pause, again := 100*time.Millisecond, 0; ; pause = min(2*pause, time.Minute) {
		s.mu.Lock()
		cmd := s.cmd
		s.mu.Unlock()
		began := time.Now()
		cmd.Wait()
		killAll(cmd.Process.Pid, syscall.SIGKILL) // as a container ends with its first process
		s.mu.Lock()
		s.code, s.cmd = cmd.ProcessState.ExitCode(), nil
		restart := s.wanted && s.restarts(again)
		s.mu.Unlock()
		if !restart {
			return
		}
		if time.Since(began) > 10*time.Second {
			pause = 100 * time.Millisecond
		}
		again++
		select {
		case <-time.After(pause):
		case <-s.houses.closing:
			return
		}
		s.mu.Lock()
		err := errors.New("told to stop")
		if s.wanted && s.cmd == nil {
			err = s.startOnce()
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// restarts reads the policy; it needs mu.
func (s *service) restarts(again int) bool {
	policy, most, limited := strings.Cut(s.conf.Restart, ":")
	switch policy {
	case types.RestartPolicyAlways, types.RestartPolicyUnlessStopped:
		return !s.houses.options.NoRestart
	case types.RestartPolicyOnFailure:
		n, err := strconv.Atoi(most)
		return s.code != 0 && (!limited || err == nil && again < n)
	}
	return false
}

// stop asks the service to end, and ends it after its grace period.
func (s *service) stop(ctx context.Context) error {
	s.mu.Lock()
	s.wanted = false
	cmd, ended := s.cmd, s.ended
	if cmd != nil {
		killAll(cmd.Process.Pid, syscall.SIGCONT) // a paused one hears nothing
		cmd.Process.Signal(s.signal)
	}
	s.mu.Unlock()
	if ended == nil {
		return nil
	}
	late := time.NewTimer(s.grace)
	defer late.Stop()
	for err := error(nil); ; {
		select {
		case <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			if cmd == nil {
				return nil
			}
			err = fmt.Errorf("%s: did not stop within %s", s.name, s.grace)
			killAll(cmd.Process.Pid, syscall.SIGKILL)
		}
	}
}
