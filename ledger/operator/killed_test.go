package operator_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/audit"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Writers append while the log is killed with -9 and, where there is one, its
// PostgreSQL stopped immediately, each several times. Every index that they were
// told is there with the same bytes, there is no gap, fsck finds nothing, and
// publishing goes on.
func TestKilledUnderLoad(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		killUnderLoad(t, sqldbtest.SQLite(t), nil)
	})
	t.Run("postgres", func(t *testing.T) {
		c := sqldbtest.NewCluster(t, false)
		killUnderLoad(t, c.DSN(c.Primary), func() {
			c.Primary.Kill()
			c.Primary.Start()
		})
	})
}

func killUnderLoad(t *testing.T, dsn string, stopDatabase func()) {
	lt := ledgertest.New(t)
	j := &job{DSN: dsn, Address: freeAddress(t), Witnesses: lt.Config(nil).Witnesses}
	p := mustStart(t, j)
	c := client.New(p.URL, lt.Policy, nil)
	w := &writers{T: t, client: c, told: map[int64]ledger.Entry{}}
	w.start(6)
	for range 2 {
		w.more(40)
		p.kill()
		p = mustStart(t, j)
		if stopDatabase == nil {
			continue
		}
		w.more(40)
		stopDatabase()
	}
	w.more(40)
	w.stop()

	last := int64(len(w.told))
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, _, err := c.Await(ctx, last, w.told[last].Marshal()); err != nil {
		t.Fatalf("after all that, entry %d of %d: %v", last, len(w.told), err)
	}
	size, err := c.Log(ctx, 1, func(index int64, leaf []byte, _ ledger.Entry) error {
		if told, ok := w.told[index]; ok && !bytes.Equal(told.Marshal(), leaf) {
			t.Errorf("entry %d: other bytes than when it was told", index)
		}
		return nil
	})
	if err != nil || size != last+1 {
		t.Errorf("got %d entries (%v), want leaf 0 and the %d that were told: a gap, or one twice", size, err, last)
	}
	mustFsck(t, lt, p.URL)
	if w.again == 0 {
		t.Error("no append had to be sent again: nothing was killed under load")
	}
	t.Logf("%d entries, %d appends sent again", last, w.again)
}

func mustStart(t *testing.T, j *job) *process {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var p *process
		if p, err = j.start(t); err == nil {
			return p
		}
	}
	t.Fatal(err)
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func mustFsck(t *testing.T, lt *ledgertest.Ledger, url string) {
	t.Helper()
	src, err := audit.Open(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Fsck{Source: src, Judge: lt.Policy.Final, Genesis: lt.Genesis}.Run(ctx)
	if err != nil || !r.OK() || r.Voids != 0 {
		t.Errorf("fsck: %v, %v, %d void", err, r.Problems, r.Voids)
	}
}

// writers append one entry after the other, and send again until they are told
// an index, as an outbox does.
type writers struct {
	*testing.T
	client *client.Client
	done   sync.WaitGroup
	ended  chan struct{}

	mu    sync.Mutex
	told  map[int64]ledger.Entry
	again int
}

func (w *writers) start(n int) {
	w.ended = make(chan struct{})
	for i := range n {
		w.done.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-w.ended:
					return
				default:
				}
				name := fmt.Sprint(i, " ", k)
				if !w.append(name, ledgertest.Entry(w, name)) {
					return
				}
			}
		})
	}
}

func (w *writers) append(name string, e ledger.Entry) bool {
	for {
		a, err := w.client.Append(ctx, name, e)
		w.mu.Lock()
		if err != nil {
			w.again++
		} else if other, ok := w.told[a.Index]; ok {
			w.Errorf("index %d was told for two entries: %v, %v", a.Index, other.Subject, e.Subject)
		} else {
			w.told[a.Index] = e
		}
		w.mu.Unlock()
		if err == nil {
			return true
		}
		if client.Permanent(err) {
			w.Errorf("%s: %v", name, err)
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// more waits until so many more have been told.
func (w *writers) more(n int) {
	w.Helper()
	told := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.told)
	}
	n += told()
	for end := time.Now().Add(60 * time.Second); told() < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("appends do not go on: %d told, want %d", told(), n)
		}
	}
}

func (w *writers) stop() {
	close(w.ended)
	w.done.Wait()
}
