package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// CheckBooks compares the books with the ledger: a *books.BehindError where they lack
// what this insurer has recorded. It reads only what is new since it last
// found everything.
func (i *Insurer) CheckBooks(ctx context.Context) error {
	missing, size, err := i.missing(ctx)
	if err != nil {
		return fmt.Errorf("compare the books with the ledger: %w", err)
	}
	if len(missing) > 0 {
		return &books.BehindError{Missing: missing}
	}
	if err := i.Books.KeepLedgerRead(ctx, size); err != nil {
		return fmt.Errorf("compare the books with the ledger: %w", err)
	}
	return nil
}

// missing reads the ledger first and the books after it.
func (i *Insurer) missing(ctx context.Context) (missing []books.OwnEntry, size int64, err error) {
	from, err := i.Books.LedgerRead(ctx)
	if err != nil {
		return nil, 0, err
	}
	own, size, err := i.Ledger.Own(ctx, i.Insurer, from)
	if err != nil {
		return nil, 0, err
	}
	missing, err = i.Books.Missing(ctx, own, saysTheSame)
	return missing, size, err
}

// saysTheSame compares what entries say, not who signed them with which key: an
// entry that waited in the backup may have been signed anew since, with the
// key that followed. It is recorded once more then, to the same bytes.
func saysTheSame(kept []byte, e books.OwnEntry) bool {
	k, err := ledger.ParseEntry(kept)
	return err == nil && k.Kind.String() == e.Kind && k.Subject == e.Document && k.Document == e.Digest && k.Effective.Equal(e.Effective)
}

// behind says whether an error is that of books which lack something. What the
// ledger or the database cannot say just now is no such thing.
func behind(err error) bool {
	var b *books.BehindError
	return errors.As(err, &b)
}

// GiveUp notes that nobody can bring back what the books lack, or the named
// part of it, and holds from payment what that may concern: see store. The
// ledger says of which submission a lost decision is, where the books have the
// submission, and which number a lost remittance had.
func (i *Insurer) GiveUp(ctx context.Context, documents []credentials.Handle) (lost []books.LostEntry, err error) {
	missing, _, err := i.missing(ctx)
	if err != nil {
		return nil, err
	}
	at := map[int64]*books.LostEntry{}
	for _, m := range missing {
		if len(documents) == 0 || slices.Contains(documents, m.Document) {
			lost = append(lost, books.LostEntry{OwnEntry: m})
		}
	}
	for n := range lost {
		at[lost[n].Index] = &lost[n]
	}
	for _, h := range documents {
		if !slices.ContainsFunc(lost, func(e books.LostEntry) bool { return e.Document == h }) {
			return nil, fmt.Errorf("give up %s: the books do not lack it", h)
		}
	}
	if err := i.nameDecisions(ctx, at); err != nil {
		return nil, err
	}
	if err := i.nameRemittances(ctx, at); err != nil {
		return nil, err
	}
	return lost, i.Books.GiveUp(ctx, lost)
}

// nameDecisions asks the ledger of each open submission whether its next
// decisions stand there.
func (i *Insurer) nameDecisions(ctx context.Context, at map[int64]*books.LostEntry) error {
	next, err := i.Books.Undecided(ctx)
	if err != nil {
		return err
	}
	for submission, number := range next {
		for ; ; number++ {
			index, found, err := i.Ledger.Find(ctx, i.Insurer, books.DecisionEvent(submission, number))
			if err != nil {
				return err
			}
			if !found {
				break
			}
			if e := at[index]; e != nil {
				e.Submission, e.Number = submission, number
			}
		}
	}
	return nil
}

// nameRemittances asks the ledger which numbers were used that the books lack.
func (i *Insurer) nameRemittances(ctx context.Context, at map[int64]*books.LostEntry) error {
	used, err := i.Books.UsedNumbers(ctx)
	if err != nil {
		return err
	}
	last := 0
	if len(used) > 0 {
		last = used[len(used)-1]
	}
	for number := 1; ; number++ {
		if _, have := slices.BinarySearch(used, number); have {
			continue
		}
		index, found, err := i.Ledger.Find(ctx, i.Insurer, books.RemittanceEvent(number))
		switch {
		case err != nil:
			return err
		case found && at[index] != nil:
			at[index].Number = number
		case !found && number > last:
			return nil
		}
	}
}
