package store_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
)

// TestCodeEditions: lists of codes are asked for by themselves.
func TestCodeEditions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before, err := h.Editions(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := anEdition(books.CodeEdition, "icd-10-cm", "2026", "", "2025-10-01", "2026-09-30")
		if _, err := h.PublishEdition(ctx, want, []byte("entry")); err != nil {
			t.Fatal(err)
		}
		refs, err := h.EditionRefs(ctx, books.CodeEdition)
		if err != nil || len(refs) != 1 || refs[0] != want.Ref {
			t.Errorf("got %+v, %v, want %+v", refs, err, want.Ref)
		}
		if e, err := h.Edition(ctx, want.Ref.Digest); err != nil || string(e.Body) != string(want.Body) || e.Kind != books.CodeEdition {
			t.Errorf("got %+v, %v", e, err)
		}
		if _, err := h.Edition(ctx, credentials.DigestOf([]byte("nothing"))); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("of nothing: got %v, want ErrNotFound", err)
		}
		if all, err := h.Editions(ctx); err != nil || len(all) != len(before) {
			t.Errorf("among plans and fees: %d, %v, want %d", len(all), err, len(before))
		}
	})
}
