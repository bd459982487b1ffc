//go:build unix

package operator_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func init() {
	freeze = func() {
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(300 * time.Millisecond) // another thread may be the one that gets the signal
	}
}

// A frozen is an operator whose process stands still (SIGSTOP) in the middle of
// a transaction that holds the ledger's lock, with an entry in it.
type frozen struct {
	*process
	client *client.Client
	entry  ledger.Entry
	index  chan int64 // what its writer is told in the end
}

func freezeOne(t *testing.T, lt *ledgertest.Ledger, j *job) *frozen {
	t.Helper()
	p, err := j.start(t)
	if err != nil {
		t.Fatal(err)
	}
	f := &frozen{p, client.New(p.URL, lt.Policy, nil), ledgertest.Entry(t, "of the frozen one"), make(chan int64, 1)}
	resp, err := http.Post(p.URL+freezePath, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	go func() {
		for {
			a, err := f.client.Append(ctx, "frozen", f.entry)
			if err == nil || ctx.Err() != nil {
				f.index <- a.Index
				return
			}
			select {
			case <-t.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("wait for it to stop: %v, %v", err, status)
	}
	return f
}

// On PostgreSQL the server ends the session of an operator that holds the lock
// and stands still. The others are told to come again until then, and go on; what
// the frozen one wakes up with is void, and its writer gets one index all the same.
func TestFrozenSequencer(t *testing.T) {
	lt := ledgertest.New(t)
	dsn := sqldbtest.Postgres(t)
	options := sqldb.Options{Statement: 2 * time.Second, Lock: 200 * time.Millisecond}
	db, err := sqldb.OpenWith(ctx, dsn, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	other := lt.Open(t, db)
	f := freezeOne(t, lt, &job{DSN: dsn, Address: "127.0.0.1:0", Options: options})
	begun, refused := time.Now(), 0
	for ; ; time.Sleep(20 * time.Millisecond) {
		a, err := other.Append(ctx, business("other"), ledgertest.Entry(t, "other").Marshal())
		if err == nil {
			if a.Index != 1 {
				t.Errorf("got index %d, want 1: the frozen one has committed nothing", a.Index)
			}
			break
		}
		if refused++; !sqldb.Temporary(err) || time.Since(begun) > 20*time.Second {
			t.Fatalf("after %v: %v", time.Since(begun), err)
		}
	}
	if refused == 0 {
		t.Error("nobody had to wait: the frozen one did not hold the lock")
	}
	t.Logf("others went on after %v, having been told %d times to come again", time.Since(begun).Truncate(time.Millisecond), refused)
	// Its writer, as far as it knows, has lost a reply, and tries the other one.
	if got := mustAppend(t, other, "frozen", f.entry); got != 2 {
		t.Errorf("got index %d, want 2", got)
	}
	if err := f.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-f.index:
		if got != 2 {
			t.Errorf("the one that woke up says index %d, want 2", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the one that woke up answers nothing")
	}
	a, err := f.client.Append(ctx, "later", ledgertest.Entry(t, "later")) // it is of use again
	if err != nil || a.Index != 3 {
		t.Errorf("got index %d, %v; want 3", a.Index, err)
	}
	checkAll(t, lt, other, 4)
}

// On SQLite there is no server to do so: the others wait until the frozen one
// goes on or is killed. Nothing of what it had begun is left.
func TestFrozenSequencerOfSQLite(t *testing.T) {
	lt := ledgertest.New(t)
	dsn := sqldbtest.SQLite(t)
	other := lt.Open(t, sqldbtest.Open(t, dsn))
	f := freezeOne(t, lt, &job{DSN: dsn, Address: "127.0.0.1:0"})
	told := make(chan int64, 1)
	go func() {
		for {
			a, err := other.Append(ctx, business("other"), ledgertest.Entry(t, "other").Marshal())
			if err == nil || t.Context().Err() != nil {
				told <- a.Index
				return
			}
			if !strings.Contains(err.Error(), "locked") && !sqldb.Temporary(err) {
				t.Errorf("while the file is locked: %v", err)
			}
		}
	}()
	select {
	case got := <-told:
		t.Fatalf("got index %d while the frozen one holds the file", got)
	case <-time.After(200 * time.Millisecond):
	}
	f.kill()
	select {
	case got := <-told:
		if got != 1 {
			t.Errorf("got index %d, want 1", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the other one does not go on")
	}
	if got := mustAppend(t, other, "frozen", f.entry); got != 2 {
		t.Errorf("got index %d, want 2", got)
	}
	checkAll(t, lt, other, 3)
}

// checkAll wants a ledger of that size, whole and final.
func checkAll(t *testing.T, lt *ledgertest.Ledger, l *operator.Log, size int64) {
	t.Helper()
	mustReceipt(t, l, size-1)
	if _, err := l.Receipt(ctx, size, 0); err == nil {
		t.Errorf("there are more than %d entries", size)
	}
	if err := l.Check(ctx); err != nil {
		t.Error(err)
	}
	mustFsck(t, lt, serve(t, l))
}
