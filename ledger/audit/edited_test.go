package audit

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Somebody edits rows of a running operator's database, past its triggers. Over
// HTTP fsck names what they have touched; put back, the log is whole again.
func TestFsckEditedRows(t *testing.T) {
	lt := ledgertest.New(t)
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	l := lt.Open(t, db)
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			name := fmt.Sprint(i)
			if _, err := l.Append(t.Context(), credentials.DigestOf([]byte(name)), ledgertest.Entry(t, name).Marshal()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := l.Receipt(t.Context(), 300, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.Handler())
	defer server.Close()
	src, err := Open(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(text string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec(`DROP TRIGGER ledger_entry_append_only`)
	exec(`DROP TRIGGER ledger_tile_append_only`)
	const flip = `substr(%[1]s, 1, 99) || CASE substr(%[1]s, 100, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(%[1]s, 101)`
	for _, x := range []struct{ table, column, where, resource string }{
		{"ledger_entry", "leaf", "idx = 123", "tile/entries/000: entry 123: it does not give the hash that the tree has for it"},
		{"ledger_entry", "leaf", "idx = 299", "tile/entries/001.p/45: entry 299: it does not give the hash that the tree has for it"},
		{"ledger_tile", "data", "level = 0 AND n = 0", "tile/0/000: its hash 3 is not what lies below it"},
	} {
		exec(`CREATE TABLE kept AS SELECT ` + x.column + ` AS value FROM ` + x.table + ` WHERE ` + x.where)
		exec(`UPDATE ` + x.table + ` SET ` + x.column + ` = CAST(` + fmt.Sprintf(flip, x.column) + ` AS BLOB) WHERE ` + x.where)
		r, err := Fsck{Source: src, Judge: lt.Policy.Final}.Run(t.Context())
		if err != nil || r.Damaged != 1 || r.Problems[0].Error() != x.resource {
			t.Errorf("%s %s: got %v, %v; want %s", x.table, x.where, r.Problems, err, x.resource)
		}
		exec(`UPDATE ` + x.table + ` SET ` + x.column + ` = (SELECT value FROM kept) WHERE ` + x.where)
		exec(`DROP TABLE kept`)
		if r, err := (Fsck{Source: src, Judge: lt.Policy.Final, Genesis: lt.Genesis}).Run(t.Context()); err != nil || !r.OK() {
			t.Errorf("put back: got %v, %v", r.Problems, err)
		}
	}
}
