package worker

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway"
	"github.com/countersign-health/countersign/ledger"
)

// Publish checks an edition, writes it into the books and puts it on the
// ledger under the insurer's key. It returns when the edition is final.
//
// A plan names itself, and so does a list of codes; a fee schedule is named by name
// and edition.
func (i *Insurer) Publish(ctx context.Context, kind books.EditionKind, name, edition string, body []byte) (books.Edition, error) {
	e, err := readEdition(kind, name, edition, body)
	if err != nil {
		return e, &gateway.EditionError{Err: err}
	}
	if err := i.priced(ctx, e); err != nil {
		return e, err
	}
	if err := i.askClocks(ctx); err != nil {
		return e, err
	}
	rand.Read(e.Handle[:])
	entry, err := ledger.Entry{
		Kind: entryKinds[kind], Subject: e.Handle, Document: e.Ref.Digest, Effective: i.Now().UTC().Truncate(time.Second),
	}.Sign(i.Signer)
	if err != nil {
		return e, fmt.Errorf("sign ledger entry: %w", err)
	}
	e.Handle, err = i.Books.PublishEdition(ctx, e, entry.Marshal())
	if errors.Is(err, books.ErrEditionTaken) || errors.Is(err, books.ErrContentTaken) {
		return e, &gateway.EditionError{Err: err}
	}
	if err != nil {
		return e, fmt.Errorf("publish edition: %w", err)
	}
	if err := i.errands.Recording.Record(ctx, e.Handle); err != nil {
		return e, err
	}
	if kind == books.CodeEdition {
		return e, nil // it is for intake: nothing that was taken in waits for it
	}
	return e, i.wakeUndecided(ctx)
}

// entryKinds are the kinds of ledger entries that record editions.
var entryKinds = map[books.EditionKind]ledger.Kind{
	books.PlanEdition: ledger.KindPlanEdition, books.FeeEdition: ledger.KindFeeEdition, books.CodeEdition: ledger.KindCodeEdition,
}

// priced refuses a plan whose fee schedule nobody has published: its claims
// could not be decided, and the edition could not be taken back.
func (i *Insurer) priced(ctx context.Context, e books.Edition) error {
	if e.Kind != books.PlanEdition {
		return nil
	}
	editions, err := i.Books.Editions(ctx)
	if err != nil {
		return fmt.Errorf("publish edition: %w", err)
	}
	if !slices.ContainsFunc(editions, func(f books.Edition) bool { return f.Kind == books.FeeEdition && f.Ref.Name == e.Fees }) {
		return &gateway.EditionError{Err: fmt.Errorf("no edition of its fee schedule %q is published: publish one first (--fees), or correct feeSchedule", e.Fees)}
	}
	return nil
}

// plain is what a name may be made of, since it becomes the name of a file.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$`)

// readEdition parses what is to be published: an edition that cannot be read
// back must never be named by a decision.
func readEdition(kind books.EditionKind, name, edition string, body []byte) (books.Edition, error) {
	e := books.Edition{Kind: kind, Body: body}
	if kind == books.FeeEdition {
		f, err := pricing.ParseFees(body)
		if err != nil {
			return e, err
		}
		if !plain.MatchString(name) || !plain.MatchString(edition) {
			return e, fmt.Errorf("a fee schedule needs a name and an edition of letters, digits, dots and hyphens: give them with --name and --edition")
		}
		e.Ref = f.Ref(name, edition)
		return e, nil
	}
	if kind == books.CodeEdition {
		l, err := codelist.ReadEdition("codes.csv", bytes.NewReader(body))
		if err != nil {
			return e, err
		}
		e.Ref = claims.EditionRef{Name: string(l.Kind), Edition: l.Edition, Digest: credentials.DigestOf(body)}
		e.From, e.Until = l.From, l.Until
		return e, nil
	}
	p, err := claims.ParsePlan(body)
	if err != nil {
		return e, err
	}
	if _, err := terms.Compile(p); err != nil {
		return e, err
	}
	if err := promptpay.Check(p); err != nil {
		return e, err
	}
	if !plain.MatchString(p.Name) || !plain.MatchString(p.Edition) {
		return e, fmt.Errorf("plan name %q and edition %q may hold letters, digits, dots and hyphens only", p.Name, p.Edition)
	}
	e.Ref, e.Fees, e.From, e.Until = p.Ref(), p.FeeSchedule, p.From, p.Until
	return e, nil
}
