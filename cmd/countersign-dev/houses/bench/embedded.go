//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
)

// asChild makes this program be all parties in one process, as countersign-dev
// is, with a profiler, so that its processor time can be told from the load's.
const asChild = "all-parties"

// An address book is what the child tells its parent.
type addresses struct {
	Gateway, Board, Ledger, Temporal, Insurer, BoardDID, Profiler string
}

// beAllParties runs until standard input ends.
func beAllParties(ctx context.Context, dir string) error {
	debug.SetGCPercent(parties.GCPercent)
	n, err := parties.Prepare(parties.Options{Dir: dir, Jurisdictions: []string{"CA"}})
	if err != nil {
		return err
	}
	defer n.Stop()
	if err := n.Start(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(l, nil)
	board := n.Boards["CA"]
	said, err := json.Marshal(addresses{Gateway: n.GatewayURL, Board: board.URL, Ledger: n.LedgerURL, Temporal: n.TemporalAddress,
		Insurer: string(n.DIDs[parties.Insurer]), BoardDID: string(board.DID), Profiler: "http://" + l.Addr().String()})
	if err != nil {
		return err
	}
	fmt.Println(string(said))
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// inOneProcess starts the child.
func inOneProcess(ctx context.Context, dir string) (s *site, profiler string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, asChild, dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", nil, err
	}
	stop = func() error { in.Close(); return cmd.Wait() }
	lines := bufio.NewReader(out)
	var at addresses
	if err := hear(lines, &at); err != nil {
		return nil, "", nil, errors.Join(fmt.Errorf("start all parties in one process: %w", err), stop())
	}
	s = &site{
		Name: "embedded", Gateway: at.Gateway, Board: at.Board, Ledger: at.Ledger, Temporal: at.Temporal,
		Insurer: did(at.Insurer), BoardI: did(at.BoardDID),
		keys: func(party string) (string, string) {
			return filepath.Join(dir, party, "keys"), filepath.Join(dir, "passphrase")
		},
		processes: func() map[string][]int { return map[string][]int{"embedded": {cmd.Process.Pid}} },
	}
	return s, at.Profiler, stop, nil
}

func hear(lines *bufio.Reader, v any) error {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}
