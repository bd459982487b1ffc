package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// The disk is full at every writing method. Each that does not fit is refused
// for now and keeps nothing, what is there is read on, and with room again the
// same call goes through: in the end the books are as if there had been room.
func TestDiskFull(t *testing.T) {
	smooth := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	live(smooth, func(what string, write func() error) {
		if err := write(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	})
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		h := openHouse(t, d.Open())
		tried, refused := 0, 0
		do := func(what string, write func() error) {
			before := h.raw()
			d.Fill()
			tried++
			if err := write(); err != nil {
				refused++
				if text := strings.ToLower(err.Error()); !sqldb.Temporary(err) || !strings.Contains(text, "full") && !strings.Contains(text, "no space left") {
					t.Errorf("%s: got %v, want to be told that the disk is full and to come again", what, err)
				}
				if after := h.raw(); after != before {
					t.Errorf("%s: refused, and some of it is kept: %q", what, added(before, after))
				}
				d.Free()
				if err := write(); err != nil {
					t.Fatalf("%s, with room again: %v", what, err)
				}
				return
			}
			d.Free()
		}
		live(h, do)
		if got, want := h.dump(), smooth.dump(); got != want {
			t.Errorf("the books hold\n%s\nwith room, they hold\n%s", got, want)
		}
		for n := range 200 { // until pages are full, too, that had room left
			do("receive claim", func() error { _, err := h.ReceiveClaim(ctx, aClaim(fmt.Sprint("many ", n))); return err })
			if refused > 0 && n > 20 {
				break
			}
		}
		t.Logf("%d of %d writes were refused", refused, tried)
		if refused == 0 {
			t.Error("the disk was never full")
		}
	})
}

// added are the rows of a dump that are not in the one before.
func added(before, after string) (rows []string) {
	for _, row := range strings.Split(after, "\n") {
		if !strings.Contains(before, row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// Where the disk is full, somebody is forgotten or is not, and the error says
// which; said again with room, it is done.
func TestForgetOnFullDisk(t *testing.T) {
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		h := openHouse(t, d.Open())
		h.furnish()
		claim := h.receive("C1")
		h.must(h.KeepReceipt(ctx, h.settle(claim, claims.Denied), 7, []byte("receipt")))
		h.run()
		holder, err := h.Holder(ctx, claim)
		h.must(err)
		before := h.raw()
		d.Fill()
		_, err = h.Forget(ctx, holder)
		d.Free()
		_, left := h.Holder(ctx, claim)
		forgotten := errors.Is(left, books.ErrForgotten)
		t.Logf("with a full disk: %v", err)
		if err != nil && !sqldb.Temporary(err) {
			t.Errorf("got %v, want to be told to come again", err)
		}
		if want := err == nil || strings.Contains(err.Error(), "say it again to have them wiped"); forgotten != want || !forgotten && h.raw() != before {
			t.Errorf("forgotten: %v, after %v", forgotten, err)
		}
		_, err = h.Forget(ctx, holder)
		if _, left := h.Holder(ctx, claim); !errors.Is(left, books.ErrForgotten) || err != nil && (!forgotten || !errors.Is(err, books.ErrNotFound)) {
			t.Errorf("with room again: %v, and then %v", err, left)
		}
	})
}
