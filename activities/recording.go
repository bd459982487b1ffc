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
	Signer credentials.Signer
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
	if errors.Is(err, ledger.ErrRetired) {
		if entry, err = r.signAnew(ctx, document, entry); err == nil {
			index, err = r.Ledger.Append(ctx, row.Event, entry)
		}
	}
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

// signAnew signs, with the key that the house has now, the entry of a document
// that was settled before a handover and not recorded. The document stays as it
// was signed. The ledger holds no such entry: it knows what it has, and refused
// this one. Signed twice it gives the same bytes, by whichever worker.
func (r *Recording) signAnew(ctx context.Context, document credentials.Handle, e ledger.Entry) (ledger.Entry, error) {
	did, err := credentials.SignerDID(r.Signer)
	if err != nil {
		return e, fmt.Errorf("sign entry anew: %w", err)
	}
	if did != e.Issuer() {
		return e, permanent("sign entry anew", errors.New("the key that was handed over is of another party"))
	}
	if r.Signer.KeyID() == e.KeyID {
		// Whoever starts with the next key goes on from here.
		return e, fmt.Errorf("%w: start this process again with the key that followed", ledger.ErrRetired)
	}
	anew, err := e.Sign(r.Signer)
	if err != nil {
		return e, fmt.Errorf("sign entry anew: %w", err)
	}
	if err := r.Books.SignedAnew(ctx, document, anew.Marshal()); err != nil {
		return e, fmt.Errorf("keep entry: %w", err)
	}
	return anew, nil
}
