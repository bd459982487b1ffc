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
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway"
	"github.com/countersign-health/countersign/ledger"
)

// editionKinds are the kinds of entries under which editions stand on the ledger.
var editionKinds = map[books.EditionKind]ledger.Kind{
	books.PlanEdition: ledger.KindPlanEdition, books.FeeEdition: ledger.KindFeeEdition, books.ExclusionEdition: ledger.KindExclusionList,
	books.CodeEdition: ledger.KindCodeEdition,
}

// Publish checks an edition, writes it into the books and puts it on the
// ledger under the insurer's key. It returns when the edition is final.
//
// A plan names itself, and so do lists of codes and of excluded providers; a fee
// schedule is named by name and edition.
func (i *Insurer) Publish(ctx context.Context, kind books.EditionKind, name, edition string, body []byte) (books.Edition, error) {
	e, err := readEdition(kind, name, edition, body)
	if err != nil {
		return e, &gateway.EditionError{Err: err}
	}
	if err := i.complete(ctx, e); err != nil {
		return e, err
	}
	if err := i.askClocks(ctx); err != nil {
		return e, err
	}
	rand.Read(e.Handle[:])
	entry, err := ledger.Entry{
		Kind: editionKinds[kind], Subject: e.Handle, Document: e.Ref.Digest, Effective: i.Now().UTC().Truncate(time.Second),
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

// complete refuses a plan whose fee schedule or list of excluded providers nobody has
// published: its claims could not be decided, and the edition could not be taken back.
// A list of a day that has not come yet would stand before the ones of today.
func (i *Insurer) complete(ctx context.Context, e books.Edition) error {
	if tomorrow := credentials.DateOf(i.Now().UTC()).AddDays(1); e.Kind == books.ExclusionEdition && e.From > tomorrow {
		return &gateway.EditionError{Err: fmt.Errorf("the list is of %s, which has not come yet", e.From)}
	}
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
	if e.ExclusionList != "" && !slices.ContainsFunc(editions, func(f books.Edition) bool {
		return f.Kind == books.ExclusionEdition && f.Ref.Name == e.ExclusionList
	}) {
		return &gateway.EditionError{Err: fmt.Errorf("no edition of its exclusion list %q is published: publish one first (exclusions publish), or correct providers.exclusionList", e.ExclusionList)}
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
	if kind == books.ExclusionEdition {
		l, err := exclusions.Parse(body)
		if err == nil {
			e.Ref, e.From = l.Ref(), l.AsOf
		}
		return e, err
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
	e.Ref, e.Fees, e.ExclusionList, e.From, e.Until = p.Ref(), p.FeeSchedule, p.Providers.ExclusionList, p.From, p.Until
	return e, nil
}
