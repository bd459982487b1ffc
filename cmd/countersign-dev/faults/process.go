package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// jobVariable tells a test binary that it is a worker now, and which.
const jobVariable = "COUNTERSIGN_FAULTS_JOB"

// patience is how long a killed worker may live before its test fails.
const patience = time.Minute

// Point is where a worker dies: the first time that an activity, normal or local, gets there.
type Point string

// Before dies with the activity ordered and not begun: between it and the errand before.
func Before(activity string) Point { return Point("before " + activity) }

// After dies with the activity done and its reply not sent.
func After(activity string) Point { return Point("after " + activity) }

// Job is what a worker process is told.
type Job struct {
	FrontendAddress string
	Namespace       string
	TaskQueue       string
	Dir             string // where the test's databases and keys are, if it needs any
	DieAt           Point  // empty: nowhere
}

// Interceptors has to be among the options of the process's worker.
func (j Job) Interceptors() []interceptor.WorkerInterceptor {
	if j.DieAt == "" {
		return nil
	}
	return []interceptor.WorkerInterceptor{&killer{at: j.DieAt}}
}

type killer struct {
	interceptor.WorkerInterceptorBase
	at Point
}

func (k *killer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return around(next, func(ctx context.Context, run func() (any, error)) (any, error) {
		name := activity.GetInfo(ctx).ActivityType.Name
		if k.at == Before(name) {
			die()
		}
		result, err := run()
		if k.at == After(name) {
			die()
		}
		return result, err
	})
}

// die is not os.Exit: nothing is flushed, closed, rolled back or reported.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Kill()
	}
	select {} // the signal may take a moment, in which nothing more may happen
}

// Main is for TestMain. In a process that Job.Start started it runs work until the test lets go of it, else the tests.
func Main(m *testing.M, work func(ctx context.Context, j Job) error) {
	text, ok := os.LookupEnv(jobVariable)
	if !ok {
		os.Exit(m.Run())
	}
	var j Job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		fmt.Fprintln(os.Stderr, "read job:", err)
		os.Exit(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // the test holds the other end, and lets go of it however it ends
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := work(ctx, j); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is a worker in a process of its own.
type Process struct {
	t      testing.TB
	job    Job
	cmd    *exec.Cmd
	stderr bytes.Buffer
	wait   func() error
}

// Start runs the test binary once more, as a worker. It is stopped with the test.
func (j Job) Start(t testing.TB) *Process {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, job: j, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start worker process: %v", err)
	}
	p.wait = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(func() {
		stdin.Close()
		if err := p.wait(); err != nil && !p.killed() {
			t.Errorf("worker process: %v\n%s", err, &p.stderr)
		}
	})
	return p
}

// AwaitKilled returns when the worker has killed itself, and fails the test where it ended otherwise or lives on.
func (p *Process) AwaitKilled() {
	p.t.Helper()
	tooLong := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	p.wait()
	if !tooLong.Stop() {
		p.t.Fatalf("the worker never got to the point where it should have died: %s", p.job.DieAt)
	}
	if !p.killed() {
		p.t.Fatalf("the worker ended by itself: %v\n%s", p.cmd.ProcessState, &p.stderr)
	}
}

// killed is true for a process that a signal ended: it has no exit code.
func (p *Process) killed() bool {
	return p.cmd.ProcessState != nil && p.cmd.ProcessState.ExitCode() == -1
}
