package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// chain is a ledger that remembers what it was asked.
type chain struct {
	appended []string
	entries  []ledger.Entry
	refuse   error // of Append
	wait     error // of AwaitFinal
}

func (c *chain) Append(_ context.Context, key string, e ledger.Entry) (int64, error) {
	c.appended, c.entries = append(c.appended, key), append(c.entries, e)
	return 7, c.refuse
}

func (c *chain) AwaitFinal(_ context.Context, index int64, _ ledger.Entry) ([]byte, error) {
	return fmt.Appendf(nil, "receipt of %d", index), c.wait
}

// settled is a decision that waits in the outbox.
func (h *house) settled(entry []byte) credentials.Handle {
	h.t.Helper()
	claim := h.receive(aClaim("C1"))
	body, err := credentials.CanonicalJSON(claims.Decision{Submission: claim, Number: 1, Outcome: claims.Denied})
	must(h.t, err)
	_, err = h.KeepSigned(ctx, books.Signed{Key: "C1", Handle: handle("D1"), Submission: claim, Body: body, Entry: entry})
	must(h.t, err)
	_, err = h.SettleClaim(ctx, books.Settlement{Submission: claim, Document: handle("D1")})
	must(h.t, err)
	return handle("D1")
}

func TestRecord(t *testing.T) {
	h, c := newHouse(t), &chain{}
	entry := ledgertest.Entry(t, "D1")
	document := h.settled(entry.Marshal())
	r := &activities.Recording{Books: h, Ledger: c}

	// Each of these ends without a receipt in the books, and is tried again.
	faults := []struct {
		name string
		set  func(on bool)
	}{
		{"the ledger is away", func(on bool) { c.refuse = when(on) }},
		{"the witnesses are away", func(on bool) { c.wait = when(on) }},
		{"the books are away", func(on bool) { h.before = map[string]error{"KeepReceipt": when(on)} }},
	}
	for _, fault := range faults {
		fault.set(true)
		if err := r.Record(ctx, document); final(err) || !errors.Is(err, errAway) {
			t.Errorf("%s: got %v, want an error that is tried again", fault.name, err)
		}
		fault.set(false)
	}
	h.after = map[string]error{"KeepReceipt": errAway}
	if err := r.Record(ctx, document); final(err) || !errors.Is(err, errAway) {
		t.Errorf("the reply was lost: got %v, want an error that is tried again", err)
	}
	h.after = nil
	for range 2 {
		must(t, r.Record(ctx, document))
	}
	if want := slices.Repeat([]string{books.DecisionEvent(handle("C1"), 1)}, 4); !slices.Equal(c.appended, want) {
		t.Errorf("appended under %v, want four times under the submission and number: not once more after the receipt", c.appended)
	}
	for _, e := range c.entries {
		if string(e.Marshal()) != string(entry.Marshal()) {
			t.Error("appended other bytes than were settled")
		}
	}
	row, err := h.Outbox(ctx, document)
	if err != nil || !row.Recorded || row.Index != 7 || string(row.Receipt) != "receipt of 7" {
		t.Errorf("got %+v, %v", row, err)
	}
}

func TestRecordGivesUp(t *testing.T) {
	h, c := newHouse(t), &chain{refuse: fmt.Errorf("%w: the key is used", activities.ErrRefused)}
	r := &activities.Recording{Books: h, Ledger: c}
	if err := r.Record(ctx, handle("nothing")); !final(err) {
		t.Errorf("never settled: got %v, want it given up", err)
	}
	document := h.settled(ledgertest.Entry(t, "D1").Marshal())
	if err := r.Record(ctx, document); !final(err) || !errors.Is(err, activities.ErrRefused) {
		t.Errorf("refused: got %v, want it given up", err)
	}
	other := newHouse(t)
	if err := (&activities.Recording{Books: other, Ledger: c}).Record(ctx, other.settled([]byte("no entry"))); !final(err) {
		t.Errorf("an entry that is none: got %v, want it given up", err)
	}
}

func when(on bool) error {
	if on {
		return errAway
	}
	return nil
}

// retiring is a ledger that refuses one key.
type retiring struct {
	chain
	kid string
}

func (l *retiring) Append(ctx context.Context, key string, e ledger.Entry) (int64, error) {
	if e.KeyID == l.kid {
		return 0, ledger.ErrRetired
	}
	return l.chain.Append(ctx, key, e)
}

// What was settled before a handover is recorded after it, with the entry
// signed by the key that followed, and the books keep what the ledger has.
func TestRecordAfterHandover(t *testing.T) {
	h := newHouse(t)
	old := ledgertest.Signer("insurer")
	did, err := credentials.SignerDID(old)
	must(t, err)
	_, multikey, err := credentials.ParseKeyID(ledgertest.Signer("second").KeyID())
	must(t, err)
	next := credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key("second"))
	entry := ledgertest.Entry(t, "D1")
	document := h.settled(entry.Marshal())
	l := &retiring{kid: old.KeyID()}

	r := &activities.Recording{Books: h, Ledger: l, Signer: old}
	if err := r.Record(ctx, document); !errors.Is(err, ledger.ErrRetired) || final(err) {
		t.Errorf("by a worker that still has the old key: got %v, want that it is tried again", err)
	}
	r.Signer = ledgertest.Signer("board")
	if err := r.Record(ctx, document); !final(err) {
		t.Errorf("by another party: got %v", err)
	}
	r.Signer = next
	l.wait = errAway
	if err := r.Record(ctx, document); final(err) || !errors.Is(err, errAway) {
		t.Errorf("cut off behind the append: got %v", err)
	}
	l.wait = nil
	must(t, r.Record(ctx, document))
	row, err := h.Outbox(ctx, document)
	must(t, err)
	anew, err := ledger.ParseEntry(row.Entry)
	must(t, err)
	if !row.Recorded || anew.KeyID != next.KeyID() || anew.Document != entry.Document || anew.Subject != entry.Subject || !anew.Effective.Equal(entry.Effective) {
		t.Errorf("the books keep %+v of %+v", anew, entry)
	}
	for _, e := range l.entries {
		if string(e.Marshal()) != string(row.Entry) {
			t.Error("the ledger was sent something else than the books keep")
		}
	}
	if len(l.entries) != 2 || l.appended[0] != l.appended[1] {
		t.Errorf("appended %q", l.appended)
	}
}
