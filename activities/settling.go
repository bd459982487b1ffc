package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
)

// Settling makes a signed decision count: decision, accumulators, units and
// the ledger outbox in one transaction, refused if the evidence has moved
// since it was gathered.
type Settling struct {
	Books Books
}

// SettleClaim answers Moved where the evidence has to be gathered again.
func (s *Settling) SettleClaim(ctx context.Context, in books.Settlement) (books.Settled, error) {
	out, err := s.Books.SettleClaim(ctx, in)
	if err != nil {
		return out, notSettled("settle claim", err)
	}
	return out, nil
}

// AnswerReopening writes that a claim which was opened again waits, or stands as
// it was decided: nothing was signed. It answers Moved likewise.
func (s *Settling) AnswerReopening(ctx context.Context, in books.ReopeningAnswer) (books.Settled, error) {
	out, err := s.Books.AnswerReopening(ctx, in)
	if err != nil {
		return out, fmt.Errorf("answer reopening: %w", err)
	}
	return out, nil
}

// SettleAuthorization is the same for an authorization.
func (s *Settling) SettleAuthorization(ctx context.Context, in books.Settlement) (books.Settled, error) {
	out, err := s.Books.SettleAuthorization(ctx, in)
	if err != nil {
		return out, notSettled("settle authorization", err)
	}
	return out, nil
}

func notSettled(doing string, err error) error {
	if errors.Is(err, books.ErrDecisionLost) {
		return permanent(doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
