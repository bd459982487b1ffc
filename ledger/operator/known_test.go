package operator_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// clocks has the witnesses sign at times of our choosing; one without a time is
// down.
func clocks(lt *ledgertest.Ledger, at ...time.Time) {
	for i, w := range lt.Witnesses {
		name := fmt.Sprint("w", i+1)
		if i >= len(at) || at[i].IsZero() {
			w.Break(down)
			continue
		}
		w.Break(func(rw http.ResponseWriter, r *http.Request) {
			io.WriteString(rw, cosignature(name, checkpointIn(r), at[i]))
		})
	}
}

// An entry is known from the third cosignature, in order of time, of the first
// final checkpoint that covers it, and that never changes: not by a checkpoint
// that comes later, nor by another operator, nor by a restart.
func TestKnownTime(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		db := open()
		l, err := operator.Open(ctx, lt.Config(db))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range lt.Witnesses { // nothing is final before the clocks are set
			w.Break(down)
		}
		base := time.Now().UTC().Truncate(time.Second)
		at := func(minutes int) time.Time { return base.Add(time.Duration(minutes) * time.Minute) }
		// Two entries before the first checkpoint, so that one covers both; the
		// latest clock is that of the witness which the policy names first.
		first, second := ledgertest.Entry(t, "first"), ledgertest.Entry(t, "second")
		i, j := mustAppend(t, l, "first", first), mustAppend(t, l, "second", second)
		clocks(lt, at(-1), time.Time{}, at(-5), at(-3))
		kept := mustReceipt(t, l, i)
		if got := mustVerify(t, lt.Policy, kept, first.Marshal()).Known; !got.Equal(at(-1)) {
			t.Errorf("first: known from %v, want the third cosignature's %v", got, at(-1))
		}
		if got := mustVerify(t, lt.Policy, mustReceipt(t, l, j), second.Marshal()).Known; got.Before(at(-1)) {
			t.Errorf("second: known from %v, before the first entry's checkpoint", got)
		}

		// Later checkpoints, by clocks that run behind and ahead.
		clocks(lt, at(2), at(3), time.Time{}, at(1))
		third := ledgertest.Entry(t, "third")
		if got := mustVerify(t, lt.Policy, mustReceipt(t, l, mustAppend(t, l, "third", third)), third.Marshal()).Known; !got.Equal(at(3)) {
			t.Errorf("third: known from %v, want %v", got, at(3))
		}
		same := func(when string, l *operator.Log) {
			t.Helper()
			if got := mustReceipt(t, l, i); !bytes.Equal(got, kept) {
				t.Errorf("%s: the receipt is another", when)
			}
		}
		same("after a later checkpoint", l)
		other := lt.Open(t, open())
		same("from another operator", other)
		l.Close()
		same("after a restart", lt.Open(t, db))

		// Nor can the database be talked into another one.
		for _, text := range []string{`UPDATE ledger_checkpoint SET note = note`, `DELETE FROM ledger_checkpoint`} {
			if err := db.Tx(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(text); return err }); err == nil {
				t.Errorf("%s: done", text)
			}
		}
	})
}

// A clock that is an hour off does not move the known time: its cosignature is
// not counted, and the others' are enough.
func TestKnownTimeWithSkew(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		lt := ledgertest.New(t)
		now := time.Now().UTC().Truncate(time.Second)
		clocks(lt, now.Add(skew), now, now, now)
		l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
		e := ledgertest.Entry(t, "a")
		if got := mustVerify(t, lt.Policy, mustReceipt(t, l, mustAppend(t, l, "a", e)), e.Marshal()).Known; !got.Equal(now) {
			t.Errorf("a clock %v off: known from %v, want %v", skew, got, now)
		}
	}
}
