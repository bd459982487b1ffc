// Package worker wires an insurer's house together: where real books, keys, a
// ledger and a Temporal cluster meet the errands, the contracts and the
// gateway. It holds no rule and no SQL.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"

	"github.com/countersign-health/countersign/activities"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/workflows"
)

// Config is what an insurer's house is made of.
type Config struct {
	Insurer credentials.DID
	Payer   x12.Payer // as remittances name the insurer
	Signer  credentials.Signer
	// Reviewers are the insurer's own; see gateway.Config.
	Reviewers []credentials.DID
	Secret    []byte // keys the business keys of submissions
	Books     *store.Books
	Temporal  client.Client
	Ledger    Ledger
	// Boards whose feeds are followed.
	Boards []*boardclient.Client
	// Patience is how old a board's last word may be; zero is five minutes.
	Patience time.Duration
	Edits    claims.Edits
	// EstimatesAnHour is how many a party may ask for; see gateway.Config.
	EstimatesAnHour int
	// ReceiptFromFile is for demonstrations; see gateway.Config.
	ReceiptFromFile bool
	// URL is where the gateway can be reached from outside: it is signed into
	// decisions as the address of their status lists. See gateway.Config.
	URL string
	// StopWithin is how long errands under way may take when the house stops;
	// zero cuts them off, and Temporal has them done again.
	StopWithin time.Duration
	// Build names this build of the worker, so that contracts stay with the
	// build that they began on; see Builds. Empty, every worker takes every
	// contract, which is right only where there is one worker and no upgrade.
	Build string
	Now   func() time.Time
	Log   *slog.Logger
	// WrapBooks and Interceptors let tests lose replies; nil in life.
	WrapBooks    func(activities.Books) activities.Books
	Interceptors []interceptor.WorkerInterceptor
}

// Ledger is what the house asks of the ledger beyond recording.
type Ledger interface {
	activities.Ledger
	// Who names the admitted party that signs with a key now; Whose the one that
	// does or did, for documents that may be older than a handover.
	Who(kid string) (credentials.Key, ledger.Party, error)
	Whose(kid string) (credentials.Key, ledger.Party, error)
	// ReadParticipants brings both up to date, and says how far they are; Bad are
	// the keys that were declared bad.
	ReadParticipants(ctx context.Context) (int64, error)
	Bad() []ledger.PartyKey
	// PartyKeys are the keys that a party has or had.
	PartyKeys(did credentials.DID) ([]ledger.PartyKey, error)
	// Check verifies an entry's receipt and returns the entry.
	Check(ctx context.Context, index int64, receipt []byte) (leaf []byte, e ledger.Entry, err error)
	// Proofs prove who the participants are.
	Proofs(ctx context.Context) dossier.Files
	// Own lists all that a party has recorded from an index on, and how many
	// entries are final.
	Own(ctx context.Context, did credentials.DID, from int64) (own []books.OwnEntry, size int64, err error)
	// Find is the index of what a party has recorded under its name for an event.
	Find(ctx context.Context, did credentials.DID, event string) (index int64, found bool, err error)
	// Date is what the operator's clock said last; zero before it was heard.
	Date() ledgerclient.Date
}

// An Insurer is a running house.
type Insurer struct {
	Config
	errands Errands
	worker  sdk.Worker
	gateway *gateway.Gateway
	stop    context.CancelFunc
	done    sync.WaitGroup
	clocks  clocks
	doubts  doubts
}

// NewInsurer wires a house; Start sets it going.
func NewInsurer(c Config) *Insurer {
	if c.Patience == 0 {
		c.Patience = 5 * time.Minute
	}
	i := &Insurer{Config: c}
	kept := activities.Books(c.Books)
	if c.WrapBooks != nil {
		kept = c.WrapBooks(kept)
	}
	keys := func(kid string) (credentials.Key, error) {
		key, _, err := c.Ledger.Whose(kid)
		return key, err
	}
	i.errands = Errands{
		Receiving: activities.Receiving{Books: kept, Insurer: c.Insurer, Keys: keys, Secret: c.Secret},
		Evidence:  activities.Evidence{Books: kept, Now: c.Now, Clock: i.Clock, Patience: c.Patience, Insurer: c.Insurer},
		Signing:   activities.Signing{Books: kept, Signer: c.Signer, StatusURL: strings.TrimSuffix(c.URL, "/"), Now: c.Now, Clock: i.Clock},
		Settling:  activities.Settling{Books: kept},
		Recording: activities.Recording{Books: kept, Ledger: c.Ledger, Signer: c.Signer},
		Reaching:  activities.Reaching{Books: kept},
	}
	var lists func(context.Context, credentials.DID, credentials.StatusEntry) (*credentials.SignedList, error)
	if len(c.Boards) > 0 {
		lists = i.listOf
	}
	i.gateway = gateway.New(gateway.Config{
		Lists: lists,
		Books: c.Books, Temporal: c.Temporal, Who: c.Ledger.Who, Whose: c.Ledger.Whose, Keys: keys, Proofs: c.Ledger.Proofs, URL: c.URL, PartyKeys: c.Ledger.PartyKeys, Publish: i.Publish, Enroll: i.Enroll, Cover: i.Cover, Roster: i.Roster, Remit: i.Remit, Reprocess: i.Reprocess, Restart: i.Restart, Gather: i.errands.Evidence.GatherEstimate, EstimatesAnHour: c.EstimatesAnHour, Insurer: c.Insurer, Signer: c.Signer, Clock: i.Clock, Reviewers: c.Reviewers,
		Secret: c.Secret, Edits: c.Edits, ReceiptFromFile: c.ReceiptFromFile, Patience: c.Patience, Now: c.Now, Log: c.Log,
	})
	return i
}

// listOf brings a status list of a board that the house follows. It asks nobody
// else: strangers bring licenses, and could name any address.
func (i *Insurer) listOf(ctx context.Context, board credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
	for _, b := range i.Boards {
		if b.Board == board {
			return b.SignedList(ctx, &entry)
		}
	}
	return nil, errors.New("its issuer is no board that is followed here")
}

// Start serves contracts, follows the boards' feeds, and records what a crash
// may have left in the outbox. With books that lack something it does not start.
func (i *Insurer) Start() error {
	if err := i.CheckBooks(context.Background()); err != nil {
		return err
	}
	var versioning sdk.DeploymentOptions
	if i.Build != "" {
		versioning = sdk.DeploymentOptions{UseVersioning: true, Version: sdk.WorkerDeploymentVersion{DeploymentName: Deployment, BuildID: i.Build}}
	}
	i.worker = sdk.New(i.Temporal, workflows.TaskQueue, sdk.Options{
		Interceptors: i.Interceptors, WorkerStopTimeout: i.StopWithin, DeploymentOptions: versioning,
		// Claims wait for each other only through the books, so these bounds are
		// about memory and open connections, not about order.
		MaxConcurrentActivityExecutionSize:      200,
		MaxConcurrentLocalActivityExecutionSize: 200,
		// As many steps are given to whoever asks already; all others go by way of
		// Temporal's database. The SDK's default is 2.
		MaxConcurrentWorkflowTaskPollers: 16,
	})
	Register(i.worker, &i.errands)
	i.hearFirst()
	if err := i.worker.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	i.stop = stop
	for _, b := range i.Boards {
		i.done.Go(func() { i.follow(ctx, b) })
	}
	i.done.Go(func() { i.drain(ctx) })
	return nil
}

// hearFirst hears every board out before any contract goes on: restored books
// have an old word only, on which everything open would pend. A board that does
// not answer in time is followed later.
func (i *Insurer) hearFirst() {
	ctx, cancel := context.WithTimeout(context.Background(), hearFirstWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, b := range i.Boards {
		all.Go(func() {
			if err := i.hearOut(ctx, b); err != nil {
				i.Log.Warn("hear board before the start", "board", string(b.Board), "error", err.Error())
			}
		})
	}
	all.Wait()
}

// hearFirstWithin is how long boards may keep a worker from starting.
const hearFirstWithin = 5 * time.Second

// hearOut asks a board until it has nothing new to say.
func (i *Insurer) hearOut(ctx context.Context, b *boardclient.Client) error {
	for last := int64(-1); ; {
		feed, err := i.Books.FeedOf(ctx, b.Board)
		if err != nil || feed.Sequence == last {
			return err
		}
		last = feed.Sequence
		if _, err := i.hearOnce(ctx, b, 0); err != nil {
			return err
		}
	}
}

// Stop ends what Start began; contracts go on when a worker starts again.
func (i *Insurer) Stop() {
	i.stop()
	i.worker.Stop()
	i.done.Wait()
}

// Handler is the gateway.
func (i *Insurer) Handler() http.Handler { return i.gateway.Handler() }

// drainEvery is how long a remittance whose process died may lack its receipt.
const drainEvery = 2 * time.Second

// drain records what was settled and never recorded. Contracts record their
// own decisions; this is for editions and remittances whose process died.
func (i *Insurer) drain(ctx context.Context) {
	var looked time.Time // for reopened claims that nobody started
	for after := (credentials.Handle{}); ; {
		waiting, err := i.Books.Unrecorded(ctx, after, 100)
		if err != nil && ctx.Err() == nil {
			i.Log.Error("read outbox", "error", err.Error())
		}
		for _, h := range waiting {
			if err := i.errands.Recording.Record(ctx, h); err != nil && ctx.Err() == nil {
				i.Log.Error("record document", "document", h.String(), "error", err.Error())
			}
			after = h
		}
		if len(waiting) > 0 && ctx.Err() == nil {
			continue
		}
		after = credentials.Handle{}
		if time.Since(looked) > forgottenAfter {
			looked = time.Now()
			if err := i.restartForgotten(ctx); err != nil && ctx.Err() == nil {
				i.Log.Error("start contracts of reopened claims", "error", err.Error())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(drainEvery):
		}
	}
}
