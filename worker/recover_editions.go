package worker

import (
	"context"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
)

func (i *Insurer) restorePlan(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	return i.restoreEdition(ctx, books.PlanEdition, claims.EditionRef{}, s.files[own.Digest], own, receipt)
}

func (i *Insurer) restoreExclusions(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	return i.restoreEdition(ctx, books.ExclusionEdition, claims.EditionRef{}, s.files[own.Digest], own, receipt)
}

func (i *Insurer) restoreFees(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	ref, ok := s.fees[own.Digest]
	if !ok {
		return errNoName
	}
	return i.restoreEdition(ctx, books.FeeEdition, ref, s.files[own.Digest], own, receipt)
}

func (i *Insurer) restoreCodes(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	return i.restoreEdition(ctx, books.CodeEdition, claims.EditionRef{}, s.files[own.Digest], own, receipt)
}

func (i *Insurer) restoreEdition(ctx context.Context, kind books.EditionKind, ref claims.EditionRef, body []byte, own books.OwnEntry, receipt []byte) error {
	e, err := readEdition(kind, ref.Name, ref.Edition, body)
	if err != nil {
		return err
	}
	e.Handle = own.Document
	h, err := i.Books.PublishEdition(ctx, e, own.Entry)
	if err == nil && h != own.Document {
		err = fmt.Errorf("this edition was published again since, as %s", h)
	}
	if err != nil {
		return err
	}
	return i.Books.RestoreReceipt(ctx, own, receipt)
}
