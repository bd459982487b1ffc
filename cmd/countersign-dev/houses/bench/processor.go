//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tick is the unit of times in /proc (USER_HZ, which is 100 on every Linux
// architecture that Go knows).
const tick = 10 * time.Millisecond

// An account says how much processor time was used up to now, by part.
type account struct {
	at   time.Time
	part map[string]time.Duration
	idle time.Duration // of all cores
	busy time.Duration // of all cores, whoever it was
}

// book reads the processor time of the site's processes. What PostgreSQL does
// is booked on whom it does it for, by the backend's role.
func (s *site) book() (*account, error) {
	a := &account{at: time.Now(), part: map[string]time.Duration{}}
	for name, pids := range s.processes() {
		for _, pid := range pids {
			used, err := used(pid)
			if err != nil {
				continue // it has ended, and its parent has its time
			}
			a.part[partOf(name, pid)] += used
		}
	}
	self, err := used(os.Getpid())
	a.part[theLoad] = self
	if err != nil {
		return nil, err
	}
	a.idle, a.busy, err = machine()
	return a, err
}

const theLoad = "the load (hospital)"

// partOf names what a process is part of.
func partOf(service string, pid int) string {
	name, _, _ := strings.Cut(service, "-")
	switch name {
	case "temporal":
		return "Temporal, its server"
	case "witness":
		return "ledger, its witnesses"
	case "ledger":
		return "ledger, its operator"
	case "worker":
		return "worker"
	case "gateway":
		return "gateway"
	case "postgres":
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		words := strings.Fields(string(title))
		if len(words) > 2 && words[0] == "postgres:" {
			switch words[1] {
			case "insurer":
				return "books, in PostgreSQL"
			case "temporal":
				return "Temporal, in PostgreSQL"
			case "ledger":
				return "ledger, in PostgreSQL"
			}
		}
		return "PostgreSQL for all (log, checkpoints)"
	case "embedded":
		return "all parties, one process"
	}
	return "others (board, UI)"
}

// used is the processor time of a process and of its children that have ended.
func used(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from the third on
	var sum int64
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime: proc(5)
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// machine is how long all cores together were idle, and how long not.
func machine() (idle, busy time.Duration, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, text := range strings.Fields(line)[1:] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		switch {
		case i == 3 || i == 4: // idle, and waiting for a disk
			idle += time.Duration(n) * tick
		case i < 8: // the rest is in these already
			busy += time.Duration(n) * tick
		}
	}
	return idle, busy, nil
}

// A bill of processor time between two accounts.
type spent struct {
	wall       time.Duration
	part       map[string]time.Duration
	idle, busy time.Duration
}

func (a *account) since(before *account) *spent {
	s := &spent{wall: a.at.Sub(before.at), part: map[string]time.Duration{}, idle: a.idle - before.idle, busy: a.busy - before.busy}
	for name, now := range a.part {
		if d := now - before.part[name]; d > 0 {
			s.part[name] = d
		}
	}
	return s
}

// ours is what the site and the load used together.
func (s *spent) ours() (sum time.Duration) {
	for _, d := range s.part {
		sum += d
	}
	return sum
}

// strangers is the share of the machine that others had.
func (s *spent) strangers() float64 {
	return max(0, float64(s.busy-s.ours())/float64(s.busy+s.idle))
}

// idleShare is the share of the machine that nobody had.
func (s *spent) idleShare() float64 { return float64(s.idle) / float64(s.busy+s.idle) }

// model is the processor's name and how many cores of it there are.
func model() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	name, cores := "unknown processor", 0
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "processor":
			cores++
		case "model name":
			name = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d x %s", cores, name)
}

func readFile(path ...string) (string, error) {
	b, err := os.ReadFile(filepath.Join(path...))
	return strings.TrimSuffix(string(b), "\n"), err
}

// A monitor remembers how idle the machine was.
type monitor struct {
	mu   sync.Mutex
	seen []moment
}

type moment struct {
	at         time.Time
	idle, busy time.Duration
}

// watch looks ten times a second until ctx ends.
func (m *monitor) watch(ctx context.Context) {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		idle, busy, err := machine()
		if err == nil {
			m.mu.Lock()
			m.seen = append(m.seen, moment{time.Now(), idle, busy})
			m.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// idle is the share of the machine that nobody used in a time.
func (m *monitor) idle(from, to time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := func(t time.Time) int {
		return min(len(m.seen)-1, sort.Search(len(m.seen), func(i int) bool { return !m.seen[i].at.Before(t) }))
	}
	a, b := m.seen[after(from)], m.seen[after(to)]
	all := b.idle - a.idle + b.busy - a.busy
	if all <= 0 {
		return 0
	}
	return float64(b.idle-a.idle) / float64(all)
}
