//go:build linux

package houses

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Kill ends a service as a power cut would: SIGKILL to all its processes at
// once. Its restart policy then holds, unless Options.NoRestart.
func (h *Houses) Kill(service string) error { return h.signal(service, syscall.SIGKILL) }

// Pause stops all processes of a service where they are (SIGSTOP), as a
// machine that hangs; Resume lets them go on.
func (h *Houses) Pause(service string) error  { return h.signal(service, syscall.SIGSTOP) }
func (h *Houses) Resume(service string) error { return h.signal(service, syscall.SIGCONT) }

func (h *Houses) signal(name string, sig syscall.Signal) error {
	s := h.named(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return fmt.Errorf("%s: %w", name, ErrNotRunning)
	}
	killAll(s.cmd.Process.Pid, sig)
	return nil
}

// Stop ends a service as "docker compose stop" does and waits until it is
// gone; it stays down until Run.
func (h *Houses) Stop(ctx context.Context, service string) error { return h.named(service).stop(ctx) }

// Run starts a service that is down, without what it depends on. Await waits
// until it is there.
func (h *Houses) Run(service string) error {
	if err := h.named(service).run(); err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	return nil
}

// Await waits until a service's health check passes, or until it has ended
// well where it is to run once.
func (h *Houses) Await(ctx context.Context, service string) error {
	if err := h.named(service).await(ctx); err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	return nil
}

// Down waits until a service that was killed has ended and stays down; it is
// for Options.NoRestart.
func (h *Houses) Down(ctx context.Context, service string) error {
	s := h.named(service)
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: wait until it is down: %w", service, ctx.Err())
	}
}

// Starts is how often a service was started.
func (h *Houses) Starts(service string) int {
	s := h.named(service)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}

// Exec runs a command in a service's surroundings, as "docker compose exec"
// does, and returns what it wrote.
func (h *Houses) Exec(ctx context.Context, service string, args ...string) ([]byte, error) {
	out, err := h.named(service).exec(ctx, args...)
	if err != nil {
		err = fmt.Errorf("%s: %s: %w: %s", service, args[0], err, tail(out, 5))
	}
	return out, err
}

// People are whom make-secrets.sh made a key for.
var People = []string{"board", "insurer", "hospital", "auditor", "clerk", "reviewer"}

// A CLIError is a command that ended with another code than 0.
type CLIError struct {
	Args   []string
	Code   int
	Stdout []byte
	Stderr string
}

func (e *CLIError) Error() string {
	return fmt.Sprintf("countersign %s: exit %d: %s", strings.Join(e.Args[:min(2, len(e.Args))], " "), e.Code, strings.TrimSpace(e.Stderr))
}

// CLI runs countersign as one of People, in a process of its own, with what
// that person would have in the environment: where their key and the trust
// file lie, and everybody's address. It returns what was written on stdout; an
// exit code other than 0 is a *CLIError.
func (h *Houses) CLI(ctx context.Context, person string, args ...string) ([]byte, error) {
	env, err := h.Environment(person)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(h.Dir, "bin", "countersign"), args...)
	cmd.Env = env
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	err = cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		err = &CLIError{args, ended.ExitCode(), out.Bytes(), told.String()}
	}
	return out.Bytes(), err
}

// Environment is what CLI gives a person's command.
func (h *Houses) Environment(person string) ([]string, error) {
	insurer, err := h.didOf("insurer")
	if err != nil {
		return nil, err
	}
	board, err := h.didOf("board")
	if err != nil {
		return nil, err
	}
	return []string{
		"PATH=" + systemPath, "HOME=/nonexistent", "LC_ALL=C", "TZ=America/Los_Angeles",
		"COUNTERSIGN_KEYS=" + h.Secret(person, "keys"), "COUNTERSIGN_PASSPHRASE_FILE=" + h.Secret(person, "passphrase"),
		"COUNTERSIGN_TRUST=" + h.Secret("founding", "trust.json"),
		"COUNTERSIGN_LEDGER=http://" + h.Address("ledger", 8103),
		"COUNTERSIGN_GATEWAY=http://" + h.Address("gateway", 8101), "COUNTERSIGN_INSURER=" + insurer,
		"COUNTERSIGN_BOARD=http://" + h.Address("board", 8102), "COUNTERSIGN_BOARD_DID=" + board,
	}, nil
}

// Secret is a file that make-secrets.sh made, such as Secret("hospital", "keys").
func (h *Houses) Secret(path ...string) string {
	return filepath.Join(append([]string{h.Dir, "deploy", "secrets"}, path...)...)
}

func (h *Houses) didOf(founder string) (string, error) {
	b, err := os.ReadFile(h.Secret("founding", founder+".json"))
	if err != nil {
		return "", err
	}
	var file struct {
		Party struct {
			DID string `json:"did"`
		} `json:"party"`
		DID string `json:"did"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return "", fmt.Errorf("%s.json: %w", founder, err)
	}
	if file.DID == "" {
		file.DID = file.Party.DID
	}
	return file.DID, nil
}

// Processes are the processes of a service, the first one first; none where it
// does not run.
func (h *Houses) Processes(service string) []int {
	s := h.named(service)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	return append([]int{s.cmd.Process.Pid}, descendants(s.cmd.Process.Pid)...)
}
