package operator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// disarm removes the triggers, as somebody with the database's password could.
func disarm(t testing.TB, db *sqldb.DB) {
	t.Helper()
	statements := []string{"DROP TRIGGER ledger_entry_append_only ON ledger_entry", "DROP TRIGGER ledger_tile_append_only ON ledger_tile",
		"DROP TRIGGER ledger_checkpoint_append_only ON ledger_checkpoint"}
	if !db.Postgres() {
		statements = nil
		for _, table := range []string{"entry", "tile", "checkpoint"} {
			statements = append(statements, "DROP TRIGGER ledger_"+table+"_append_only", "DROP TRIGGER ledger_"+table+"_never_deleted")
		}
	}
	for _, s := range statements {
		if _, err := db.Exec(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever is edited in the database, the operator finds it before it signs
// again, and says where.
func TestSelfCheckFindsEdits(t *testing.T) {
	for _, c := range []struct{ what, edit, want string }{
		{"a leaf", `UPDATE ledger_entry SET leaf = (SELECT leaf FROM ledger_entry WHERE idx = 6) WHERE idx = 5`, "entry 5"},
		{"a hash", `UPDATE ledger_entry SET leaf_hash = leaf WHERE idx = 259`, "entry 259"},
		{"a leaf deleted", `DELETE FROM ledger_entry WHERE idx = 7`, "entry 7 is missing"},
		{"the last one deleted", `DELETE FROM ledger_entry WHERE idx = 299`, "entry 299 is missing"},
		{"a tile", `UPDATE ledger_tile SET data = root WHERE level = 0`, "tile 0/0"},
		{"a tile's root", `UPDATE ledger_tile SET root = data WHERE level = 0`, "tile 0/0"},
		{"a tile deleted", `DELETE FROM ledger_tile`, "tile 0/0 is missing"},
		{"the edge", `UPDATE ledger_state SET edge = (SELECT edge FROM ledger_state_copy)`, "state"},
		{"the size", `UPDATE ledger_state SET size = 299`, "edge"},
		{"a checkpoint", `UPDATE ledger_checkpoint SET note = (SELECT leaf FROM ledger_entry WHERE idx = 1)`, "checkpoint"},
	} {
		t.Run(c.what, func(t *testing.T) { findEdit(t, c.edit, c.want) })
	}
}

// What an entry is found by is no part of the tree, and checked all the same:
// moved to another subject it would be missing from a list, and could be
// recorded again.
func TestSelfCheckFindsMovedEntries(t *testing.T) {
	for _, edit := range []string{
		`UPDATE ledger_entry SET subject = leaf_hash WHERE idx = 2`, `UPDATE ledger_entry SET kind = kind + 1 WHERE idx = 2`,
	} {
		sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
			lt, db := ledgertest.New(t), open()
			l := quiet(t, lt, db)[0]
			for i := range 3 {
				mustAppend(t, l, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint(i)))
			}
			if err := l.Check(ctx); err != nil {
				t.Fatal(err)
			}
			disarm(t, db)
			if _, err := db.Exec(ctx, edit); err != nil {
				t.Fatal(err)
			}
			if err := l.Check(ctx); err == nil || !strings.Contains(err.Error(), "entry 2 was changed") {
				t.Errorf("%s: got %v", edit, err)
			}
		})
	}
}

func findEdit(t *testing.T, edit, want string) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt, db := ledgertest.New(t), open()
		l, err := operator.Open(ctx, lt.Config(db))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.AppendUnchecked(ctx, 299); err != nil {
			t.Fatal(err)
		}
		mustReceipt(t, l, 299)
		l.Close()
		if _, err := db.Exec(ctx, `CREATE TABLE ledger_state_copy AS SELECT edge FROM ledger_state`); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(edit, "ledger_state ") {
			if _, err := db.Exec(ctx, edit); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("got %v, want the database itself to refuse the edit", err)
			}
		}
		disarm(t, db)
		if strings.Contains(edit, "ledger_state_copy") {
			if _, err := db.Exec(ctx, `UPDATE ledger_state_copy SET edge = $1`, make([]byte, 4*32)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(ctx, edit); err != nil {
			t.Fatal(err)
		}
		l, err = operator.Open(ctx, lt.Config(db))
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %q", err, want)
		}
	})
}

// A careful forger edits leaf, hash and state alike. The witnesses' signatures
// on the newest final checkpoint are what he cannot make.
func TestSelfCheckFindsConsistentRewrite(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt, db, forgedDB := ledgertest.New(t), open(), sqldbtest.Open(t, sqldbtest.SQLite(t))
		l, err := operator.Open(ctx, lt.Config(db))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			mustAppend(t, l, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint("honest ", i)))
		}
		mustReceipt(t, l, 4)
		l.Close()
		// The forger builds his history elsewhere, with the real operator, and no witness.
		c := lt.Config(forgedDB)
		c.Witnesses = nil
		forger, err := operator.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			mustAppend(t, forger, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint("forged ", i)))
		}
		forger.Close()
		disarm(t, db)
		copyHistory(t, forgedDB, db)
		l, err = operator.Open(ctx, lt.Config(db))
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "countersigned") {
			t.Errorf("got %v, want an error about what the witnesses have countersigned", err)
		}
	})
}

func copyHistory(t testing.TB, from, to *sqldb.DB) {
	t.Helper()
	var edge []byte
	if err := from.QueryRow(ctx, `SELECT edge FROM ledger_state`).Scan(&edge); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Exec(ctx, `UPDATE ledger_state SET edge = $1`, edge); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		var subject, hash, leaf []byte
		if err := from.QueryRow(ctx, `SELECT subject, leaf_hash, leaf FROM ledger_entry WHERE idx = $1`, i).Scan(&subject, &hash, &leaf); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Exec(ctx, `UPDATE ledger_entry SET leaf_hash = $1, leaf = $2, subject = $3 WHERE idx = $4`, hash, leaf, subject, i); err != nil {
			t.Fatal(err)
		}
	}
}
