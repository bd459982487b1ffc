package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// Recording drains the outbox: it appends the entry that was settled and waits
// for its receipt. A decision without its receipt is none.
type Recording struct {
	Books  Books
	Ledger Ledger
}

// Record puts one settled document on the ledger and keeps its receipt.
func (r *Recording) Record(ctx context.Context, document credentials.Handle) error {
	row, err := r.Books.Outbox(ctx, document)
	switch {
	case errors.Is(err, books.ErrNotFound):
		return permanent("record", fmt.Errorf("document %s was never settled", document))
	case err != nil:
		return fmt.Errorf("read outbox: %w", err)
	case row.Recorded:
		return nil
	}
	entry, err := ledger.ParseEntry(row.Entry)
	if err != nil {
		return permanent("read outbox entry", err)
	}
	index, err := r.Ledger.Append(ctx, row.Event, entry)
	if err != nil {
		if errors.Is(err, ErrRefused) {
			return permanent("append entry", err)
		}
		return fmt.Errorf("append entry: %w", err)
	}
	receipt, err := r.Ledger.AwaitFinal(ctx, index, entry)
	if err != nil {
		return fmt.Errorf("await receipt: %w", err)
	}
	if err := r.Books.KeepReceipt(ctx, document, index, receipt); err != nil {
		return fmt.Errorf("keep receipt: %w", err)
	}
	return nil
}
