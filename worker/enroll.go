package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway"
	"github.com/countersign-health/countersign/store"
)

// Enroll writes the members of a CSV file into the books, as covered by a plan
// that is published, and returns how many the file names. Enrolling the same
// again changes nothing. What waits for them is decided anew. Nothing of it goes
// to the ledger.
func (i *Insurer) Enroll(ctx context.Context, plan string, file []byte) (int, error) {
	rows, err := claims.ParseMembers(file)
	if err != nil {
		return 0, &gateway.EditionError{Err: err}
	}
	if err := i.published(ctx, plan); err != nil {
		return 0, fmt.Errorf("enroll members: %w", err)
	}
	if err := i.Books.Enroll(ctx, store.MembersOf(rows, plan)); err != nil {
		return 0, fmt.Errorf("enroll members: %w", err)
	}
	return len(rows), i.wakeUndecided(ctx)
}

// published refuses a plan of which there is no edition.
func (i *Insurer) published(ctx context.Context, plan string) error {
	editions, err := i.Books.Editions(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(editions, func(e books.Edition) bool { return e.Kind == books.PlanEdition && e.Ref.Name == plan }) {
		return &gateway.EditionError{Err: fmt.Errorf("no edition of a plan %q is published: publish one first, or correct --plan", plan)}
	}
	return nil
}

// Cover writes the periods of coverage of a CSV file into the books: all, or none
// where a row of it is bad.
func (i *Insurer) Cover(ctx context.Context, plan string, file []byte) (int, error) {
	spans, err := claims.ParseCoverage(file)
	if err != nil {
		return 0, &gateway.EditionError{Err: err}
	}
	if err := i.published(ctx, plan); err != nil {
		return 0, fmt.Errorf("write coverage: %w", err)
	}
	var no *store.RosterError
	if err := i.Books.Cover(ctx, plan, spans); errors.As(err, &no) {
		return 0, &gateway.EditionError{Err: no}
	} else if err != nil {
		return 0, fmt.Errorf("write coverage: %w", err)
	}
	return len(spans), i.wakeUndecided(ctx)
}

// Roster writes the providers of a CSV file into the books.
func (i *Insurer) Roster(ctx context.Context, file []byte) (int, error) {
	entries, err := claims.ParseProviders(file)
	if err != nil {
		return 0, &gateway.EditionError{Err: err}
	}
	if err := i.Books.Roster(ctx, entries); err != nil {
		return 0, fmt.Errorf("write providers: %w", err)
	}
	return len(entries), i.wakeUndecided(ctx)
}
