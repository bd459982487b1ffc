package operator_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func down(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "down", http.StatusServiceUnavailable)
}

func mustNotBeFinal(t testing.TB, l *operator.Log, index int64) {
	t.Helper()
	if _, err := l.Receipt(ctx, index, 300*time.Millisecond); !errors.Is(err, operator.ErrNotFinal) {
		t.Errorf("entry %d: got %v, want it not final", index, err)
	}
}

func signatures(t testing.TB, receipt []byte) int {
	t.Helper()
	return strings.Count(string(receipt), "— witness.example/")
}

func TestQuorum(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		l := lt.Open(t, open())
		w := lt.Witnesses
		w[3].Break(down)
		e := ledgertest.Entry(t, "one down")
		first := mustReceipt(t, l, mustAppend(t, l, "one down", e))
		mustVerify(t, lt.Policy, first, e.Marshal())
		if got := signatures(t, first); got != 3 {
			t.Errorf("got %d cosignatures, want exactly 3", got)
		}
		w[1].Break(down)
		for i := range 10 {
			mustAppend(t, l, fmt.Sprint("two down ", i), ledgertest.Entry(t, fmt.Sprint("two down ", i)))
		}
		mustNotBeFinal(t, l, 2)
		w[1].Break(nil)
		for i := range 10 {
			leaf := ledgertest.Entry(t, fmt.Sprint("two down ", i)).Marshal()
			mustVerify(t, lt.Policy, mustReceipt(t, l, int64(2+i)), leaf)
		}
		// The one that was down all the time catches up, and can then stand in.
		w[3].Break(nil)
		w[0].Break(down)
		e = ledgertest.Entry(t, "another three")
		got := mustReceipt(t, l, mustAppend(t, l, "another three", e))
		mustVerify(t, lt.Policy, got, e.Marshal())
		if strings.Contains(string(got), "example/w1 ") || !strings.Contains(string(got), "example/w4 ") {
			t.Errorf("want w2, w3 and w4 under it:\n%s", got)
		}
		if again := mustReceipt(t, l, 1); string(again) != string(first) {
			t.Error("the receipt of entry 1 has changed")
		}
	})
}

// cosignature is a line that holds, with the time that the test wants.
func cosignature(name, text string, at time.Time) string {
	full := "witness.example/" + name
	s, _ := torchwood.NewCosignatureSigner(full, ledgertest.Key(name))
	sig := ed25519.Sign(ledgertest.Key(name), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))
	raw := binary.BigEndian.AppendUint32(nil, s.KeyHash())
	raw = binary.BigEndian.AppendUint64(raw, uint64(at.Unix()))
	return "— " + full + " " + base64.StdEncoding.EncodeToString(append(raw, sig...)) + "\n"
}

// checkpointIn is the text that an add-checkpoint request wants signed.
func checkpointIn(r *http.Request) string {
	b, _ := io.ReadAll(r.Body)
	_, rest, _ := strings.Cut(string(b), "\n\n")
	text, _, _ := strings.Cut(rest, "\n\n")
	return text + "\n"
}

// Whatever one witness answers, the other three make the checkpoint final, and
// nothing of its answer gets under it. Two such, and nothing is final.
func TestBadWitness(t *testing.T) {
	for what, bad := range map[string]http.HandlerFunc{
		"nothing":           func(w http.ResponseWriter, r *http.Request) {},
		"garbage":           func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "garbage\n") },
		"huge":              func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) },
		"error":             func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 500) },
		"fork":              func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 422) },
		"conflict, no size": func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 409) },
		"slow":              func(w http.ResponseWriter, r *http.Request) { time.Sleep(3 * time.Second) },
		"another's": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, cosignature("w1", checkpointIn(r), time.Now()))
		},
		"a stranger's": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, cosignature("x", checkpointIn(r), time.Now()))
		},
		"clock an hour slow": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, cosignature("w4", checkpointIn(r), time.Now().Add(-time.Hour)))
		},
		"clock a year fast": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, cosignature("w4", checkpointIn(r), time.Now().AddDate(1, 0, 0)))
		},
		"another checkpoint": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, cosignature("w4", strings.Replace(checkpointIn(r), "\n", "\n1", 1), time.Now()))
		},
		"size beyond": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(409)
			io.WriteString(w, "1000\n")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			lt := ledgertest.New(t)
			lt.Witnesses[3].Break(bad)
			l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
			start := time.Now()
			e := ledgertest.Entry(t, "a")
			b := mustReceipt(t, l, mustAppend(t, l, "a", e))
			mustVerify(t, lt.Policy, b, e.Marshal())
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v: it waited for the bad one", took)
			}
			if strings.Contains(string(b), "example/w4 ") {
				t.Errorf("the bad one is under it:\n%s", b)
			}
			lt.Witnesses[2].Break(down)
			mustNotBeFinal(t, l, mustAppend(t, l, "b", ledgertest.Entry(t, "b")))
			if l.Halted() != nil {
				t.Errorf("one witness alone has halted the log: %v", l.Halted())
			}
			lt.Witnesses[2].Break(nil)
			mustReceipt(t, l, 2)
		})
	}
}

// A database restored from an old backup: the witnesses know more entries than
// it has, so it must neither append nor publish.
func TestRestoredBackup(t *testing.T) {
	lt := ledgertest.New(t)
	dsn := sqldbtest.SQLite(t)
	path := strings.TrimPrefix(dsn, "sqlite:")
	run := func(from, to int) {
		db, err := sqldb.Open(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		l, err := operator.Open(ctx, lt.Config(db))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for i := from; i < to; i++ {
			mustReceipt(t, l, mustAppend(t, l, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint(i))))
		}
	}
	run(0, 3)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	run(3, 9)
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	l := lt.Open(t, sqldbtest.Open(t, dsn))
	deadline := time.Now().Add(10 * time.Second)
	for l.Halted() == nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	_, err = l.Append(ctx, business("new"), ledgertest.Entry(t, "new").Marshal())
	if !errors.Is(err, operator.ErrAhead) {
		t.Errorf("got %v, want the log halted", err)
	}
	// What was final before the backup still is.
	mustVerify(t, lt.Policy, mustReceipt(t, l, 3), ledgertest.Entry(t, "2").Marshal())
	mustNotBeFinal(t, l, 5)
}

// Two histories signed by one log key: only one can become final.
func TestSplitView(t *testing.T) {
	lt := ledgertest.New(t)
	honest := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	fork := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	var final int
	for _, l := range []*operator.Log{honest, fork} {
		name := fmt.Sprintf("%p", l)
		l.Append(ctx, business(name), ledgertest.Entry(t, name).Marshal())
		l.Append(ctx, business(name+"2"), ledgertest.Entry(t, name+"2").Marshal())
	}
	for _, l := range []*operator.Log{honest, fork} {
		if _, err := l.Receipt(ctx, 2, 2*time.Second); err == nil {
			final++
		}
	}
	if final > 1 {
		t.Error("two histories are final")
	}
}

// 66,000 entries: tiles of two levels, read and verified by torchwood's own
// client, which trusts nothing but the checkpoint.
func TestLargeTree(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		db := open()
		c, l := lt.Serve(t, db)
		if err := l.AppendUnchecked(ctx, 66000); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int64{0, 1, 255, 256, 65535, 65536, 66000} {
			leaf := []byte(fmt.Sprint("bulk ", i-1))
			if i == 0 {
				leaf = lt.Leaf
			}
			if _, p, err := c.Await(ctx, i, leaf); err != nil || p.Index != i {
				t.Errorf("entry %d: got %+v, %v", i, p, err)
			}
		}
		start := time.Now()
		if err := l.Check(ctx); err != nil {
			t.Error(err)
		}
		t.Logf("self-check of 66,001 entries: %v", time.Since(start))
		var tiles int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM ledger_tile`).Scan(&tiles); err != nil || tiles != 257+1 {
			t.Errorf("got %d full tiles (%v), want 257 of level 0 and one of level 1", tiles, err)
		}
		readAll(t, lt, l)
		l.Close()
		l = lt.Open(t, db) // from the state alone
		mustAppend(t, l, "more", ledgertest.Entry(t, "more"))
		mustReceipt(t, l, 66001)
	})
}

func readAll(t *testing.T, lt *ledgertest.Ledger, l *operator.Log) {
	t.Helper()
	url := serve(t, l)
	fetcher, err := torchwood.NewTileFetcher(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := lt.Policy.Final(signed)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for i, leaf := range client.AllEntries(ctx, tlog.Tree{N: head.Size, Hash: head.Root}, 0) {
		want := fmt.Sprint("bulk ", i-1)
		if i == 0 {
			want = string(lt.Leaf)
		}
		if i != n || string(leaf) != want {
			t.Fatalf("entry %d: got index %d, %.20q", n, i, leaf)
		}
		n++
	}
	if err := client.Err(); err != nil || n != 66001 {
		t.Errorf("read %d entries: %v", n, err)
	}
}
