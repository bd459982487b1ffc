package operator_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/ledger/audit"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// impatient reads a log and asks nothing twice.
type impatient struct{ log http.Handler }

func (s impatient) Read(_ context.Context, path string) ([]byte, error) {
	rec := httptest.NewRecorder()
	s.log.ServeHTTP(rec, httptest.NewRequest("GET", "/"+path, nil))
	if rec.Code != http.StatusOK {
		return nil, fmt.Errorf("the log answers %d", rec.Code)
	}
	return rec.Body.Bytes(), nil
}

func (s impatient) Readers() int { return 2 }

// A row is edited, torn or taken away under the running log. Whoever checks it
// from outside is told which resource does not fit.
func TestEditedWhileItRuns(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt, db := ledgertest.New(t), open()
		l := lt.Open(t, db)
		if err := l.AppendUnchecked(ctx, 299); err != nil {
			t.Fatal(err)
		}
		mustReceipt(t, l, 299)
		src := impatient{l.Handler()}
		check := func() (found []string) {
			t.Helper()
			r, err := audit.Fsck{Source: src, Judge: lt.Policy.Final}.Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				found = append(found, p.Resource)
			}
			// An audit hashes the entries itself and has no use for the tiles right above them.
			if slices.Equal(found, []string{"tile/0/000"}) {
				return found
			}
			_, err = audit.Audit{Source: src, Judge: lt.Policy.Final, Signed: lt.Policy.Signed, State: filepath.Join(t.TempDir(), "state")}.Run(ctx)
			if (err == nil) != r.OK() || err != nil && !strings.Contains(err.Error(), r.Problems[0].Resource) {
				t.Errorf("fsck finds %v, audit says %v", r.Problems, err)
			}
			return found
		}
		if found := check(); len(found) > 0 {
			t.Fatalf("before: %v", found)
		}
		disarm(t, db)
		for _, x := range []struct{ what, column, from, where, resource string }{
			{"leaf", "leaf", "ledger_entry", "idx = 5", "tile/entries/000"},
			{"last leaf", "leaf", "ledger_entry", "idx = 299", "tile/entries/001.p/44"},
			{"hash of an entry that is in no full tile", "leaf_hash", "ledger_entry", "idx = 260", "tile/0/001.p/44"},
			{"tile", "data", "ledger_tile", "level = 0 AND n = 0", "tile/0/000"},
			{"root of a tile", "root", "ledger_tile", "level = 0 AND n = 0", "tile/1/000.p/1"},
		} {
			var whole []byte
			if err := db.QueryRow(ctx, `SELECT `+x.column+` FROM `+x.from+` WHERE `+x.where).Scan(&whole); err != nil {
				t.Fatal(err)
			}
			set := func(b []byte) {
				t.Helper()
				if n, err := db.Exec(ctx, `UPDATE `+x.from+` SET `+x.column+` = $1 WHERE `+x.where, b); err != nil || n != 1 {
					t.Fatal(n, err)
				}
			}
			flipped := bytes.Clone(whole)
			flipped[len(flipped)/2] ^= 1
			for how, b := range map[string][]byte{"flipped": flipped, "torn": whole[:len(whole)/2], "empty": {}} {
				set(b)
				if found := check(); len(found) != 1 || found[0] != x.resource {
					t.Errorf("%s %s: got %v, want %s", x.what, how, found, x.resource)
				}
			}
			set(whole)
		}
		if found := check(); len(found) > 0 {
			t.Errorf("after: %v", found)
		}
	})
}

// There is no room for another page in the database. Appends are refused for
// now, what is there is read on, and with room again everything goes on.
func TestDiskFull(t *testing.T) {
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		lt := ledgertest.New(t)
		l := lt.Open(t, d.Open())
		mustReceipt(t, l, mustAppend(t, l, "before", ledgertest.Entry(t, "before")))
		d.Fill()
		told := map[string]int64{}
		n, refused := 0, 0
		for ; refused < 3 && n < 1000; n++ {
			name := fmt.Sprint(n)
			a, err := l.Append(ctx, business(name), ledgertest.Entry(t, name).Marshal())
			if err == nil {
				told[name] = a.Index
				continue
			}
			if refused++; !strings.Contains(err.Error(), "full") && !strings.Contains(err.Error(), "No space left") {
				t.Fatalf("got %v, want it to say that the disk is full", err)
			}
			if resp, body := request(t, "POST", serve(t, l)+"/entries", business(name).String(), ledgertest.Entry(t, name).Marshal()); resp.StatusCode != 503 || !strings.Contains(body, "try-again") {
				t.Errorf("got %d %s, want to be told to try again", resp.StatusCode, body)
			}
		}
		if refused == 0 {
			t.Fatal("the disk was never full")
		}
		mustVerify(t, lt.Policy, mustReceipt(t, l, 1), ledgertest.Entry(t, "before").Marshal())
		d.Free()
		for i := range n {
			name := fmt.Sprint(i)
			got := mustAppend(t, l, name, ledgertest.Entry(t, name))
			if want, ok := told[name]; ok && got != want {
				t.Errorf("entry %s: got index %d, and was told %d", name, got, want)
			}
		}
		checkAll(t, lt, l, int64(n)+2)
	})
}
