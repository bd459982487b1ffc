package operator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/ledgertest"
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
