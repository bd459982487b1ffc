package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/workflows"
)

// How long one question to a feed waits for an event. It bounds how stale the
// books are while a board has nothing to say.
const feedWait = 20 * time.Second

// follow reads a board's feed for ever. What cannot be verified is never
// heard; the feed then grows stale and work waits for a person.
func (i *Insurer) follow(ctx context.Context, b *boardclient.Client) {
	wait := time.Duration(0) // first say how current we are, then wait for news
	var heard time.Time      // until when
	believed := false        // as of then
	for pause := 50 * time.Millisecond; ; {
		read, err := i.hearOnce(ctx, b, wait)
		fresh := i.fresh(read)
		if err == nil && fresh && !(believed && i.fresh(heard)) {
			// What pended because the feed was stale would wait for ever. At the
			// start it is not known what did, so everything pended looks again.
			// The feed may have grown stale while it was asked, so heard is judged now.
			err = i.wakeUndecided(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause, wait, heard, believed = 50*time.Millisecond, feedWait, read, fresh
			continue
		}
		wait = 0 // whoever was away says at once how current we are
		i.Log.Error("follow board feed", "board", string(b.Board), "error", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// hearOnce asks for what is new, verifies it, writes it into the books and
// wakes the licenses concerned. Orders that could not be passed on before (it
// died, Temporal was away) go first, so that they do not wait for the next news.
// It answers with the time until which the feed has been heard.
func (i *Insurer) hearOnce(ctx context.Context, b *boardclient.Client, wait time.Duration) (read time.Time, err error) {
	if err := i.wakeUnreached(ctx); err != nil {
		return read, err
	}
	if err := i.judgeAnew(ctx); err != nil {
		return read, err
	}
	feed, err := i.Books.FeedOf(ctx, b.Board)
	if err != nil {
		return read, fmt.Errorf("read feed position: %w", err)
	}
	page, err := i.ask(ctx, b, feed.Sequence, wait)
	if err != nil {
		return read, err
	}
	var events []store.Heard
	for _, e := range page.Events {
		heard, err := i.verifyEvent(ctx, b, e)
		if err != nil {
			return read, fmt.Errorf("feed event %d: %w", e.Sequence, err)
		}
		events = append(events, heard)
	}
	read = page.Head.Time
	if ahead := read.Sub(i.Now()); ahead > books.ClockSkew {
		// Its orders bind all the same; that it has no others is not believed.
		i.Log.Error("the board's clock is ahead of ours, or ours is behind: its silence proves nothing", "board", string(b.Board), "by", ahead.Round(time.Second).String())
		read = feed.ReadAt
	}
	if n := len(page.Events); n > 0 && page.Events[n-1].Sequence < page.Head.Sequence {
		read = feed.ReadAt // there is more to ask for: not current yet
	}
	_, kid, _, err := credentials.Peek(page.Proof)
	if err != nil {
		return read, fmt.Errorf("feed head: %w", err)
	}
	_, party, err := i.Ledger.Who(kid)
	if err == nil && (party.DID != b.Board || party.Role != ledger.RoleBoard) {
		err = errors.New("its key is not an admitted board's")
	}
	if err != nil {
		return read, fmt.Errorf("feed head: %w", err)
	}
	if err := i.Books.Hear(ctx, b.Board, party.Jurisdiction, events, read); err != nil {
		return read, fmt.Errorf("write feed events: %w", err)
	}
	for _, e := range events {
		if e.Order != nil {
			i.Log.Info("board order in the books: nothing that it covers is paid from here on", "order", e.Order.Handle.String(), "entry", e.Index)
		}
	}
	if err := i.wakeReplaced(ctx, events); err != nil {
		return read, err
	}
	return read, i.wakeUnreached(ctx)
}

func (i *Insurer) fresh(read time.Time) bool { return books.Fresh(read, i.Now(), i.Patience) }

// verifyEvent checks document, ledger entry and receipt against each other.
func (i *Insurer) verifyEvent(ctx context.Context, b *boardclient.Client, e boardclient.Event) (store.Heard, error) {
	heard := store.Heard{Sequence: e.Sequence, Index: e.Index, Token: e.Token, Receipt: e.Receipt}
	leaf, entry, err := i.Ledger.Check(ctx, e.Index, e.Receipt)
	if err != nil && !errors.Is(err, ledger.ErrCompromised) {
		return heard, fmt.Errorf("receipt: %w", err)
	}
	heard.Entry = leaf
	if heard.Doubt = i.doubt(e.Index, entry, e.Token); err != nil && heard.Doubt.IsZero() {
		return heard, fmt.Errorf("receipt: %w", err)
	}
	_, party, err := i.Ledger.Whose(entry.KeyID)
	switch {
	case err != nil:
		return heard, err
	case party.DID != b.Board || party.Role != ledger.RoleBoard:
		return heard, errors.New("recorded by another party than the board")
	case entry.Document != credentials.DocumentDigest(e.Token):
		return heard, errors.New("the ledger holds another document")
	}
	if err := i.read(&heard, e, entry, party); err != nil && heard.Doubt.IsZero() {
		return heard, err
	}
	return heard, nil
}

// read opens what the board has said.
func (i *Insurer) read(heard *store.Heard, e boardclient.Event, entry ledger.Entry, party ledger.Party) error {
	switch e.Kind {
	case boardclient.EventLicense:
		doc, err := said[credentials.License](i, e.Token, credentials.KindLicense, party, e.Index, entry)
		if err != nil {
			return err
		}
		if entry.Kind != ledger.KindLicense || entry.Subject != doc.Subject.Handle || doc.Subject.Jurisdiction != party.Jurisdiction {
			return errors.New("the license is not this board's to give, or stands under another handle")
		}
		heard.License = &doc.Subject
	case boardclient.EventOrder:
		doc, err := said[credentials.Order](i, e.Token, credentials.KindBoardOrder, party, e.Index, entry)
		if err != nil {
			return err
		}
		if entry.Kind != ledger.KindBoardOrder || entry.Subject != doc.Subject.Handle {
			return errors.New("the order stands under another handle")
		}
		if err := doc.Subject.Check(); err != nil { // what is not understood stops the feed
			return err
		}
		heard.Order = &doc.Subject
	default:
		return fmt.Errorf("kind %q is not known", e.Kind)
	}
	return nil
}

// said judges what a board has said where it stands on the ledger. Its own date
// counts, since an order binds even if the board's clock is wrong; and the
// orders, not the list that a license names, say here what was revoked.
func said[T any](i *Insurer, token string, kind credentials.Kind, board ledger.Party, index int64, entry ledger.Entry) (*credentials.Credential[T], error) {
	doc, e, err := credentials.Prove[T](token, kind, i.errands.Receiving.Keys)
	if err != nil {
		return nil, err
	}
	v := credentials.Policy{
		Now: e.From, Position: ledger.PlaceOf(index, entry, e.KeyID), Status: credentials.StatusElsewhere,
		Issuer: func(who credentials.DID, kind credentials.Kind, jurisdiction string) error {
			if who != board.DID {
				return credentials.Refuse(credentials.CheckIssuer, "another party than the board issued it")
			}
			return ledger.MaySign(board, kind, jurisdiction)
		},
	}.Judge(e)
	if v.Check == credentials.CheckPeriod && !i.doubt(index, entry, token).IsZero() {
		return doc, nil // it goes into the books as in doubt
	}
	return doc, v.Err()
}

// wakeUndecided has everything that is pended decided anew, and what is being
// decided looked at once more, in case that what it waits for has come; what says the same as before is not signed again.
func (i *Insurer) wakeUndecided(ctx context.Context) error {
	work, err := i.Books.UndecidedWork(ctx)
	if err != nil {
		return fmt.Errorf("list undecided work: %w", err)
	}
	for _, w := range work {
		err := i.Temporal.SignalWorkflow(ctx, workflows.ContractID(w), "", workflows.ReconsiderSignal, workflows.Reconsider{})
		var gone *serviceerror.NotFound
		if err != nil && !errors.As(err, &gone) {
			return fmt.Errorf("wake undecided work: %w", err)
		}
	}
	return nil
}

// wakeUnreached brings every order that has not been passed on to its license.
func (i *Insurer) wakeUnreached(ctx context.Context) error {
	orders, err := i.Books.OrdersToPassOn(ctx)
	if err != nil {
		return fmt.Errorf("list orders: %w", err)
	}
	for _, o := range orders {
		if err := i.tellLicense(ctx, o.License, o.Handle); err != nil {
			return fmt.Errorf("pass order on: %w", err)
		}
		if err := i.Books.PassedOn(ctx, o.Handle); err != nil {
			return fmt.Errorf("mark order: %w", err)
		}
	}
	return i.wakeDoubted(ctx)
}

// tellLicense brings what moved a license to its contract, which wakes all that
// rest on it.
func (i *Insurer) tellLicense(ctx context.Context, license, cause credentials.Handle) error {
	id := workflows.LicenseID(license)
	_, err := i.Temporal.SignalWithStartWorkflow(ctx, id, workflows.OrderSignal, workflows.OrderHeard{Order: cause},
		client.StartWorkflowOptions{
			ID: id, TaskQueue: workflows.TaskQueue,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}, workflows.License, workflows.LicenseState{License: license})
	return err
}
