package operator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
)

// jobVariable makes the test binary an operator in a process of its own, which
// can be killed or frozen as none in this process can.
const jobVariable = "OPERATOR_TEST_JOB"

// A job is what that operator is told.
type job struct {
	DSN       string
	Address   string            // empty: any port
	Witnesses map[string]string // nil: it makes nothing final
	Options   sqldb.Options
}

// freezePath has the operator stop itself before its next commit, while its
// transaction holds the ledger's lock.
const freezePath = "/test/freeze"

// freeze stops this process where the system can; frozen_unix_test.go sets it.
var freeze func()

func runJob(text string) {
	err := func() error {
		var j job
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return err
		}
		return j.run()
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (j job) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := sqldb.OpenWith(ctx, j.DSN, j.Options)
	if err != nil {
		return err
	}
	defer db.Close()
	g, founders := ledgertest.Draft()
	c := operator.Config{DB: db, Witnesses: j.Witnesses}
	if c.Genesis, err = ledger.NewGenesis(g, founders...); err != nil {
		return err
	}
	if c.Key, _, err = operator.NewKey(ledgertest.Origin, ledgertest.Key("log")); err != nil {
		return err
	}
	l, err := operator.Open(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	listener, err := net.Listen("tcp", j.Address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", l.Handler())
	var frozen atomic.Bool
	mux.HandleFunc(freezePath, func(http.ResponseWriter, *http.Request) {
		db.WrapCommit(func(commit func() error) error {
			if !frozen.Swap(true) {
				freeze()
			}
			return commit()
		})
	})
	go http.Serve(listener, mux)
	fmt.Println("http://" + listener.Addr().String())
	io.Copy(io.Discard, os.Stdin) // the test holds the other end, and lets go of it however it ends
	return nil
}

// A process is such an operator.
type process struct {
	*job
	URL  string
	cmd  *exec.Cmd
	in   io.Closer
	wait func() error
}

// start starts it and waits until it listens.
func (j *job) start(t testing.TB) (*process, error) {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p := &process{job: j, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	var said strings.Builder
	p.cmd.Stderr = &said
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.wait = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.wait()
		return nil, fmt.Errorf("the operator's process ended: %s", said.String())
	}
	p.URL = strings.TrimSpace(line)
	return p, nil
}

// kill is kill -9: nothing is flushed, rolled back or told.
func (p *process) kill() {
	p.in.Close()
	p.cmd.Process.Kill()
	p.wait()
}
