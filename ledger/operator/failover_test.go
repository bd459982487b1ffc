package operator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// While the primary is away, all that is final is served from the standby, and
// appends are told to come again; once it has taken over, they go on.
func TestReadersOutliveThePrimary(t *testing.T) {
	c := sqldbtest.NewCluster(t, true)
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, c.DSN(c.Primary, c.Standby)))
	for _, name := range []string{"one", "two"} {
		mustReceipt(t, l, mustAppend(t, l, name, ledgertest.Entry(t, name)))
	}
	server := httptest.NewServer(l.Handler())
	defer server.Close()
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	paths := []string{"/checkpoint", "/entries/1", "/entries?kind=claim-decision", "/receipts/1", "/receipts/2", "/tile/0/000.p/3", "/tile/entries/000.p/3"}
	before := map[string]string{}
	for _, path := range paths {
		code, body := get(path)
		if code != http.StatusOK {
			t.Fatalf("%s: got %d %s", path, code, body)
		}
		before[path] = body
	}
	time.Sleep(1500 * time.Millisecond) // the watch asks every second
	c.Primary.Kill()
	for _, path := range paths {
		if code, body := get(path); code != http.StatusOK || body != before[path] {
			t.Errorf("%s while the primary is away: got %d %s, want what it was before", path, code, body)
		}
	}
	if code, body := get("/lookup/" + strings.Repeat("0", 64)); code != http.StatusServiceUnavailable {
		t.Errorf("a standby must not say that a key was never used: got %d %s", code, body)
	}
	c.Standby.Promote()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		a, err := l.Append(ctx, business("three"), ledgertest.Entry(t, "three").Marshal())
		if err == nil {
			mustReceipt(t, l, a.Index)
			return
		}
		if time.Now().After(end) {
			t.Fatalf("appends do not go on after the promotion: %v", err)
		}
	}
}

// A standby that is not synchronous takes over and lacks entries that are final.
// The log, which runs on, halts instead of giving their indices away for good;
// nothing that it has given since is ever final, and what was final before the
// standby was left behind still is.
func TestStandbyThatForgets(t *testing.T) {
	c := sqldbtest.NewCluster(t, false)
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, c.DSN(c.Primary, c.Standby)))
	url := serve(t, l)
	client := client.New(url, lt.Policy, nil)
	record := func(name string) int64 {
		index := mustAppend(t, l, name, ledgertest.Entry(t, name))
		mustReceipt(t, l, index)
		return index
	}
	record("both have it")
	for _, w := range lt.Witnesses {
		until(t, w.Name, func() bool { return cosigned(t, w) == "2" })
	}
	time.Sleep(500 * time.Millisecond) // the standby follows without delay
	c.Standby.Kill()
	for _, name := range []string{"forgotten 1", "forgotten 2", "forgotten 3"} {
		record(name)
	}
	c.Primary.Kill()
	c.Standby.Start()
	c.Standby.Promote()
	given := map[int64]ledger.Entry{}
	for i, end := 0, time.Now().Add(40*time.Second); l.Halted() == nil; i++ {
		if time.Now().After(end) {
			t.Fatalf("the log does not halt; it has given %d indices", len(given))
		}
		e := ledgertest.Entry(t, fmt.Sprint("since ", i))
		if a, err := l.Append(ctx, business(fmt.Sprint("since ", i)), e.Marshal()); err == nil {
			given[a.Index] = e
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := l.Append(ctx, business("more"), ledgertest.Entry(t, "more").Marshal()); !errors.Is(err, operator.ErrAhead) && !errors.Is(err, operator.ErrForked) {
		t.Errorf("got %v, want the log halted", err)
	}
	for index, e := range given {
		if _, _, err := client.Receipt(ctx, index, e.Marshal()); err == nil {
			t.Errorf("index %d was given away, and is final for another entry", index)
		}
	}
	if _, _, err := client.Receipt(ctx, 1, ledgertest.Entry(t, "both have it").Marshal()); err != nil {
		t.Errorf("what both had: %v", err)
	}
	t.Logf("%d indices given before it halted: %v", len(given), l.Halted())
}
