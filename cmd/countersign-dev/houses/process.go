//go:build linux

package houses

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// spawner starts every process on one thread that lives as long as the
// harness, since the parent-death signal goes by the thread, not the process.
func (h *Houses) spawner() {
	runtime.LockOSThread()
	for f := range h.spawn {
		f()
	}
}

func (h *Houses) start(cmd *exec.Cmd) error {
	err := make(chan error, 1)
	h.spawn <- func() { err <- cmd.Start() }
	return <-err
}

// attributes put a process into a group of its own, out of the terminal's, and
// have it killed when the harness dies however it does.
func (s *service) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: s.user}
}

// killAll signals a process, its group, and all that it or they have started:
// PostgreSQL's processes each have a group of their own.
func killAll(pid int, sig syscall.Signal) {
	below := descendants(pid)
	syscall.Kill(-pid, sig)
	for _, p := range below {
		syscall.Kill(p, sig)
	}
}

// descendants are the processes below pid.
func descendants(pid int) (all []int) {
	children := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has gone
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name may hold anything
		if err != nil || len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		all = append(all, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return all
}

// settleUser finds who runs the service. Only root can choose.
func (s *service) settleUser(users []string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if s.conf.User != "" {
		uid, gid, _ := strings.Cut(s.conf.User, ":")
		u, errU := strconv.ParseUint(uid, 10, 32)
		g, errG := strconv.ParseUint(gid, 10, 32)
		if errU != nil || errG != nil {
			return fmt.Errorf("user %q: want UID:GID", s.conf.User)
		}
		s.user = &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}
		return nil
	}
	for _, name := range users {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		u, errU := strconv.ParseUint(found.Uid, 10, 32)
		g, errG := strconv.ParseUint(found.Gid, 10, 32)
		if errU == nil && errG == nil && u != 0 {
			s.user = &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}
			return nil
		}
	}
	return fmt.Errorf("this machine has no user %s, and the service must not run as root", strings.Join(users, " or "))
}

// own hands a file or folder to the service's user.
func (s *service) own(path string) error {
	if s.user == nil {
		return nil
	}
	return os.Chown(path, int(s.user.Uid), int(s.user.Gid))
}

var signals = map[string]syscall.Signal{"": syscall.SIGTERM, "SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT}

func (s *service) settleStop(signal string) (err error) {
	var ok bool
	if s.signal, ok = signals[signal]; !ok {
		err = fmt.Errorf("stop_signal %q is not known", signal)
	}
	return err
}

// find looks a program up on the PATH of an environment.
func find(program string, env []string) string {
	for _, v := range env {
		path, ok := strings.CutPrefix(v, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			at := filepath.Join(dir, program)
			if info, err := os.Stat(at); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
				return at
			}
		}
	}
	return program
}

// ErrNotRunning says that there is no process to signal.
var ErrNotRunning = errors.New("it does not run")
