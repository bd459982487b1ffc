package worker

import (
	"bytes"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// handOver gives the insurer its next key. The house runs on with it; its line
// to the ledger has not read of it yet.
func (h *house) handOver() {
	h.t.Helper()
	did, err := credentials.SignerDID(h.key)
	h.must(err)
	_, multikey, err := credentials.ParseKeyID(ledgertest.Signer("second").KeyID())
	h.must(err)
	next := credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key("second"))
	handover, err := ledger.NewHandover(h.line.genesis.Digest(), h.key, next)
	h.must(err)
	e, err := handover.Entry()
	h.must(err)
	e.Effective = noon
	e, err = e.Sign(h.key)
	h.must(err)
	at, err := h.line.Append(h.ctx, "hand over", e)
	h.must(err)
	_, err = h.line.AwaitFinal(h.ctx, at, e)
	h.must(err)
	h.key = next
	h.must(h.db.Close())
	h.open()
}

// A backup may hold what was signed, or settled too, with a key that was handed
// over before the ledger had it: it stands there signed with the next key. It
// is the same decision, and what is shown of it later has a receipt that fits.
func TestRecoverAcrossAHandover(t *testing.T) {
	for _, settled := range []bool{false, true} {
		h := newHouse(t)
		c1 := h.receive("C1", "2026-05-01")
		g, err := h.errands.Evidence.GatherClaim(h.ctx, c1)
		h.must(err)
		document := h.sign(g)
		settle := func() {
			out, err := h.errands.Settling.SettleClaim(h.ctx, books.Settlement{Submission: c1, Document: document, Fences: g.Fences})
			if err != nil || out.Moved {
				t.Fatal(out, err)
			}
		}
		if settled {
			settle()
		}
		before := h.backup()
		if !settled {
			settle()
		}
		h.handOver()
		h.must(h.errands.Recording.Record(h.ctx, document))
		c2 := h.claim("C2", "2026-05-02")
		whole, size := h.kept(c1, c2), h.entries()
		h.restore(before)

		missing := 2
		if settled {
			missing = 1 // C1's decision waits for its receipt
		}
		got, err := h.Recover(h.ctx, whole)
		if err != nil || len(got.Restored) != missing || len(got.Missing) != 0 {
			t.Fatalf("settled before %t: got %+v, %v, want %d restored", settled, got, err, missing)
		}
		h.must(h.CheckBooks(h.ctx))
		h.must(h.errands.Recording.Record(h.ctx, document))
		row, err := h.Books.Outbox(h.ctx, document)
		h.must(err)
		if leaf, _, err := h.line.Check(h.ctx, row.Index, row.Receipt); err != nil || !bytes.Equal(leaf, row.Entry) || h.entries() != size {
			t.Errorf("settled before %t: %v, %d entries, want %d, and the receipt of the entry that the books have", settled, err, h.entries(), size)
		}
	}
}

// Whoever has the insurer's key may say something else of a document that the
// books hold: that is no entry of theirs.
func TestAnotherDocumentUnderTheSameHandle(t *testing.T) {
	h := newHouse(t)
	c1 := h.claim("C1", "2026-05-01")
	s, err := h.Books.StatusOf(h.ctx, c1)
	h.must(err)
	e, err := ledger.ParseEntry(s.Latest().Signed.Entry)
	h.must(err)
	e.Document = credentials.DigestOf([]byte("another"))
	e, err = e.Sign(h.key)
	h.must(err)
	at, err := h.line.Append(h.ctx, "somebody else's", e)
	h.must(err)
	_, err = h.line.AwaitFinal(h.ctx, at, e)
	h.must(err)
	if err := h.CheckBooks(h.ctx); !behind(err) {
		t.Errorf("got %v, want it missed", err)
	}
}
