package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway"
	"github.com/countersign-health/countersign/store"
)

// Enroll writes the members of a CSV file into the books, as covered by a plan
// that is published, and returns how many the file names. Enrolling the same
// again changes nothing. Nothing of it goes to the ledger.
func (i *Insurer) Enroll(ctx context.Context, plan string, file []byte) (int, error) {
	rows, err := claims.ParseMembers(file)
	if err != nil {
		return 0, &gateway.EditionError{Err: err}
	}
	editions, err := i.Books.Editions(ctx)
	if err != nil {
		return 0, fmt.Errorf("enroll members: %w", err)
	}
	if !slices.ContainsFunc(editions, func(e books.Edition) bool { return e.Kind == books.PlanEdition && e.Ref.Name == plan }) {
		return 0, &gateway.EditionError{Err: fmt.Errorf("no edition of a plan %q is published: publish one first, or correct --plan", plan)}
	}
	if err := i.Books.Enroll(ctx, store.MembersOf(rows, plan)); err != nil {
		return 0, fmt.Errorf("enroll members: %w", err)
	}
	return len(rows), nil
}
