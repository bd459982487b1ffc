package activities

import (
	"context"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
)

// Reaching finds the contracts that a change concerns.
type Reaching struct {
	Books Books
}

// OpenWork lists the contracts that rest on a license: open claims, and
// authorizations that are approved or pended.
func (r *Reaching) OpenWork(ctx context.Context, license credentials.Handle) ([]books.Work, error) {
	work, err := r.Books.OpenWork(ctx, license)
	if err != nil {
		return nil, fmt.Errorf("list open work: %w", err)
	}
	return work, nil
}

// ClaimsWaitingFor lists the pended claims that name an authorization.
func (r *Reaching) ClaimsWaitingFor(ctx context.Context, authorization credentials.Handle) ([]books.Work, error) {
	work, err := r.Books.ClaimsWaitingFor(ctx, authorization)
	if err != nil {
		return nil, fmt.Errorf("list waiting claims: %w", err)
	}
	return work, nil
}
