package worker

import (
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/dossier"
)

// TestRecoverCodes: a list of codes that restored books lack is on the ledger, and
// whoever has its bytes brings it back; it names itself.
func TestRecoverCodes(t *testing.T) {
	h := newHouse(t)
	before := h.backup()
	list := []byte("countersign/codes/1,kind,edition,from,until\n,icd-10-cm,2026,2025-10-01,2026-09-30\ncode,from,until,heading\nM545\n")
	e, err := h.Publish(h.ctx, books.CodeEdition, "", "", list)
	h.must(err)
	h.restore(before)
	if err := h.CheckBooks(h.ctx); !behind(err) {
		t.Fatalf("got %v, want the books behind", err)
	}
	got, err := h.Recover(h.ctx, dossier.Files{"lists/any.csv": append(list, "M546\n"...)})
	if err != nil || len(got.Restored) != 0 || len(got.Missing) != 1 {
		t.Errorf("with another list: %+v, %v", got, err)
	}
	got, err = h.Recover(h.ctx, dossier.Files{"lists/any.csv": list})
	if err != nil || len(got.Restored) != 1 || len(got.Missing) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	h.must(h.CheckBooks(h.ctx))
	refs, err := h.Books.EditionRefs(h.ctx, books.CodeEdition)
	if err != nil || len(refs) != 1 || refs[0] != e.Ref {
		t.Errorf("got %+v, %v, want %+v", refs, err, e.Ref)
	}
}
