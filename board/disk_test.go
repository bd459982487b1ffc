package board

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// lastStatus remembers with what the board answered.
type lastStatus struct{ code int }

func (l *lastStatus) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		l.code = resp.StatusCode
	}
	return resp, err
}

// The register's disk is full, until each kind of act was refused once. An act
// that does not fit is refused for now and leaves nothing, the public side goes
// on, and with room again the same act goes through, once, and everything gets
// its receipt.
func TestDiskFull(t *testing.T) {
	defer func(first, most time.Duration) { firstPause, mostPause = first, most }(firstPause, mostPause)
	firstPause, mostPause = time.Millisecond, 10*time.Millisecond
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		db, ledger := d.Open(), newTestLedger()
		h := openHouse(t, db, ledger, func(o *Options) { o.ReceiptWait = 20 * time.Millisecond })
		var last lastStatus
		c, err := client.New(client.Config{URL: h.server.URL, Board: h.DID(), Keys: credentials.ResolveDIDKey, Signer: clerkKey, HTTP: &http.Client{Transport: &last}})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		var licenses []client.File
		for n := range 80 { // enough to order until a page is full
			f, err := c.Issue(ctx, application(n))
			if err != nil {
				t.Fatal(err)
			}
			licenses = append(licenses, f)
		}
		events := len(awaitFeed(t, c, len(licenses)))
		rows := func() (all string) {
			t.Helper()
			for _, q := range []string{"register_license", "register_license WHERE ordered = 1", "register_event", "register_act", "register_asked"} {
				var n int
				if err := db.QueryRow(ctx, `SELECT count(*) FROM `+q).Scan(&n); err != nil {
					t.Fatal(err)
				}
				all += fmt.Sprintln(n, q)
			}
			return all
		}
		// full does an act until it does not fit, and then with room.
		full := func(what string, most int, act func(n int) error) {
			t.Helper()
			d.Fill()
			for n := range most {
				before := rows()
				err := act(n)
				if err == nil {
					events++
					continue
				}
				var no *client.Refusal
				if errors.As(err, &no) || last.code != http.StatusServiceUnavailable {
					t.Errorf("%s: got %d, %v, want 503", what, last.code, err)
				}
				if after := rows(); after != before {
					t.Errorf("%s: refused, and there are\n%s\nbefore there were\n%s", what, after, before)
				}
				if f, err := c.Show(ctx, licenses[0].License.Handle); err != nil || len(f.License.Receipt) == 0 {
					t.Errorf("%s: then a license is shown as %+v, %v", what, f, err)
				}
				d.Free()
				for range 2 { // once, however often it is said
					if err := act(n); err != nil {
						t.Errorf("%s, with room again: %v", what, err)
					}
				}
				events++
				return
			}
			t.Errorf("%s: the disk was never full", what)
		}
		full("issue", 1000, func(n int) error { _, err := c.Issue(ctx, application(1000+n)); return err })
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		full("revoke", len(licenses), func(n int) error { _, err := c.Revoke(ctx, licenses[n].License.Handle, at, "R-1"); return err })
		if got := len(awaitFeed(t, c, events)); len(ledger.entries) != 2*got { // as many of others' in between
			t.Errorf("the ledger has %d entries, want %d", len(ledger.entries), 2*got)
		}
		if text := strings.ToLower(h.log.text()); !strings.Contains(text, "disk is full") && !strings.Contains(text, "no space left") {
			t.Error("the log does not say that the disk is full")
		}
	})
}
