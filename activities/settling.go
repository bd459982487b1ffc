package activities

import (
	"context"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
)

// Settling makes a signed decision count: decision, accumulators, units and
// the ledger outbox in one transaction, refused if the evidence has moved
// since it was gathered.
type Settling struct {
	Books Books
}

// ToSettle names a signed decision, the fences under which its evidence was
// gathered, and what caused it (a board order or a determination), if anything.
type ToSettle struct {
	Submission credentials.Handle `json:"submission"`
	Document   credentials.Handle `json:"document"`
	Fences     []books.Fence      `json:"fences"`
	Cause      credentials.Handle `json:"cause,omitzero"`
}

// SettleClaim answers Moved where the evidence has to be gathered again.
func (s *Settling) SettleClaim(ctx context.Context, in ToSettle) (books.Settled, error) {
	out, err := s.Books.SettleClaim(ctx, books.Settlement(in))
	if err != nil {
		return out, fmt.Errorf("settle claim: %w", err)
	}
	return out, nil
}

// SettleAuthorization is the same for an authorization.
func (s *Settling) SettleAuthorization(ctx context.Context, in ToSettle) (books.Settled, error) {
	out, err := s.Books.SettleAuthorization(ctx, books.Settlement(in))
	if err != nil {
		return out, fmt.Errorf("settle authorization: %w", err)
	}
	return out, nil
}
