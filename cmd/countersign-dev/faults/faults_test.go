package faults_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
)

const namespace = "insurer"

func TestMain(m *testing.M) { faults.Main(m, work) }

// book is the errands of a toy contract. Each writes a line, so that the file tells what ran, how often, in which order.
type book struct{ path string }

func bookIn(j faults.Job) *book { return &book{filepath.Join(j.Dir, "book")} }

func (b *book) write(line string) (string, error) {
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, line)
	return line, err
}

func (b *book) Gather(context.Context) (string, error) { return b.write("gathered") }
func (b *book) Sign(context.Context) (string, error)   { return b.write("signed") }
func (b *book) Record(context.Context) (string, error) { return b.write("recorded") }

func (b *book) lines(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// contract gathers and signs in local activities, and records in a normal one.
func contract(ctx workflow.Context) (string, error) {
	var b *book
	var done [3]string
	// Without ScheduleToCloseTimeout the SDK takes StartToCloseTimeout for it, and the second attempt would come too late.
	quick := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: time.Second, ScheduleToCloseTimeout: time.Hour, RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond},
	})
	patient := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Second})
	if err := workflow.ExecuteLocalActivity(quick, b.Gather).Get(ctx, &done[0]); err != nil {
		return "", err
	}
	if err := workflow.ExecuteLocalActivity(quick, b.Sign).Get(ctx, &done[1]); err != nil {
		return "", err
	}
	if err := workflow.ExecuteActivity(patient, b.Record).Get(ctx, &done[2]); err != nil {
		return "", err
	}
	return strings.Join(done[:], " "), nil
}

// work is the worker, in this process or another.
func work(ctx context.Context, j faults.Job) error {
	return workWith(ctx, j, j.Interceptors())
}

func workWith(ctx context.Context, j faults.Job, interceptors []interceptor.WorkerInterceptor) error {
	c, err := dial(j.FrontendAddress)
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, j.TaskQueue, worker.Options{Interceptors: interceptors})
	w.RegisterWorkflow(contract)
	w.RegisterActivity(bookIn(j))
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	<-ctx.Done()
	return nil
}

func dial(address string) (client.Client, error) {
	return client.Dial(client.Options{HostPort: address, Namespace: namespace, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func startServer(t *testing.T) (*temporalserver.Server, client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := temporalserver.Start(ctx, temporalserver.Options{Dir: t.TempDir(), Namespace: namespace, WorkflowTaskTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	c, err := dial(s.FrontendAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return s, c
}

func begin(t *testing.T, c client.Client, taskQueue string) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, contract)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func mustEnd(t *testing.T, run client.WorkflowRun) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got string
	if err := run.Get(ctx, &got); err != nil || got != "gathered signed recorded" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestLoseReplies(t *testing.T) {
	s, c := startServer(t)
	for _, test := range []struct {
		lose []string
		want string
	}{
		{nil, "gathered gathered signed signed recorded recorded"},
		{[]string{"Sign"}, "gathered signed signed recorded"},
		{[]string{"Gather", "Record"}, "gathered gathered signed recorded recorded"},
	} {
		t.Run("lose "+strings.Join(test.lose, " "), func(t *testing.T) {
			replies := faults.LoseReplies(test.lose...)
			job := faults.Job{FrontendAddress: s.FrontendAddress, TaskQueue: t.Name(), Dir: t.TempDir()}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- workWith(ctx, job, []interceptor.WorkerInterceptor{replies}) }()
			mustEnd(t, begin(t, c, job.TaskQueue))
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if got := bookIn(job).lines(t); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, name := range []string{"Gather", "Sign", "Record"} {
				want := 0
				if len(test.lose) == 0 || slices.Contains(test.lose, name) {
					want = 1
				}
				if got := replies.Lost(name); got != want {
					t.Errorf("replies of %s lost: got %d, want %d", name, got, want)
				}
			}
		})
	}
}

func TestKilledWorker(t *testing.T) {
	s, c := startServer(t)
	for _, test := range []struct {
		at   faults.Point
		want string // what ran, over both workers
	}{
		// Local activities leave their results in the history with the end of the workflow task, so a death takes those of
		// the running task along.
		{faults.Before("Gather"), "gathered signed recorded"},
		{faults.After("Gather"), "gathered gathered signed recorded"},
		{faults.Before("Sign"), "gathered gathered signed recorded"},
		{faults.After("Sign"), "gathered signed gathered signed recorded"},
		{faults.Before("Record"), "gathered signed recorded"},
		{faults.After("Record"), "gathered signed recorded recorded"},
	} {
		t.Run(string(test.at), func(t *testing.T) {
			t.Parallel() // each waits for a timeout most of its time
			job := faults.Job{FrontendAddress: s.FrontendAddress, Namespace: namespace, TaskQueue: t.Name(), Dir: t.TempDir(), DieAt: test.at}
			doomed := job.Start(t)
			run := begin(t, c, job.TaskQueue)
			doomed.AwaitKilled()
			job.DieAt = ""
			job.Start(t)
			mustEnd(t, run)
			if got := bookIn(job).lines(t); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
