package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/countersign-health/countersign/activities"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/worker"
)

// startWorker serves contracts, follows the boards' feeds and drains the
// outbox. Several workers may do so on one database and one namespace: every
// errand is keyed, what a feed says is written once however often it is heard,
// and recording the same document twice gives the same receipt.
func startWorker(ctx context.Context, p *process) (http.Handler, error) {
	house, err := p.house(ctx)
	if err != nil {
		return nil, err
	}
	err = p.await(ctx, "Temporal to take a worker", func(context.Context) error { return house.Start() })
	if err != nil {
		return nil, err
	}
	p.onClose(house.Stop)
	if err := p.promoteFirst(ctx, house); err != nil {
		return nil, err
	}
	p.watchBuilds(house)
	p.metrics.gauge("outbox_length", "Documents that wait for their receipt.", nil, counts(house.Books.Waiting))
	p.watchFeeds(house)
	p.state.probe("clock", func(context.Context) error { return house.Clock() })
	return nil, nil
}

func startGateway(ctx context.Context, p *process) (http.Handler, error) {
	house, err := p.house(ctx)
	if err != nil {
		return nil, err
	}
	p.feedAges(house)
	return house.Handler(), nil
}

// house wires an insurer's house, and waits for what it stands on. Books that
// lack what the ledger has of this insurer keep it waiting, so that somebody
// reads why.
func (p *process) house(ctx context.Context) (*worker.Insurer, error) {
	house, err := p.insurer(ctx, true)
	if err != nil {
		return nil, err
	}
	return house, p.await(ctx, "books that are whole", house.CheckBooks)
}

// insurer wires a house, with Temporal or without.
func (p *process) insurer(ctx context.Context, contracts bool) (*worker.Insurer, error) {
	c := p.config.Insurer
	s, err := signer(c.Key)
	if err != nil {
		return nil, err
	}
	did, err := credentials.SignerDID(s)
	if err != nil {
		return nil, err
	}
	secret, err := c.BusinessKeyFile.Seed()
	if err != nil {
		return nil, fmt.Errorf("business key: %w", err)
	}
	keys, err := booksKeys(c)
	if err != nil {
		return nil, err
	}
	options, err := temporalOptions(c, p.log)
	if err != nil {
		return nil, err
	}
	if p.traces != nil {
		options.Interceptors = append(options.Interceptors, worker.Tracing(p.traces))
	}
	db, err := p.database(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	line, err := p.ledgerLine(ctx)
	if err != nil {
		return nil, err
	}
	feeds, err := feedsOf(c.Boards, line.ResolveKey)
	if err != nil {
		return nil, err
	}
	if err := p.admitted(ctx, line, s, ledger.RoleInsurer); err != nil {
		return nil, err
	}
	var temporal client.Client
	if contracts {
		if temporal, err = p.temporal(ctx, options); err != nil {
			return nil, err
		}
	}
	books, err := store.Open(ctx, db, keys, time.Now)
	if err != nil {
		return nil, err
	}
	p.log.Info("insurer", "did", string(did))
	var build string
	var wrap func(activities.Books) activities.Books
	if p.command == "worker" {
		if build, err = buildID(p.config.Worker); err != nil {
			return nil, err
		}
		wrap = func(b activities.Books) activities.Books { return p.tally(b) }
	}
	edits, err := claims.ParseEdits(c.Edits.Switched, true)
	if err != nil {
		return nil, fmt.Errorf("insurer.edits.switched: %w", err)
	}
	edits.SkipNPICheckDigit, edits.Payers = c.Edits.SkipNPICheckDigit, []string{c.Payer.ID}
	return worker.NewInsurer(worker.Config{
		Insurer: did, Reviewers: reviewersOf(c.Reviewers), Payer: payerOf(c.Payer), Signer: s, Secret: secret, Books: books, Temporal: temporal,
		Ledger: p.timedLine(line), Boards: feeds, Patience: c.Patience, EstimatesAnHour: c.EstimatesAnHour,
		Edits: edits, URL: c.URL,
		Now: time.Now, Log: p.log, WrapBooks: wrap, StopWithin: p.config.Drain, Build: build,
	}), nil
}

func payerOf(c config.Payer) x12.Payer {
	return x12.Payer{Name: c.Name, ID: c.ID, TaxID: c.TaxID, Contact: c.Contact, Phone: c.Phone,
		Address: claims.Address{Street: c.Street, City: c.City, State: c.State, ZIP: c.ZIP}}
}

func reviewersOf(list []string) (dids []credentials.DID) {
	for _, did := range list {
		dids = append(dids, credentials.DID(did))
	}
	return dids
}

func feedsOf(boards []config.FeedSource, keys credentials.ResolveKey) (feeds []*boardclient.Client, err error) {
	for _, b := range boards {
		feed, err := boardclient.New(boardclient.Config{URL: b.URL, Board: credentials.DID(b.DID), Keys: keys})
		if err != nil {
			return nil, fmt.Errorf("board of %s: %w", b.Jurisdiction, err)
		}
		feeds = append(feeds, feed)
	}
	return feeds, nil
}

// watchFeeds says that a worker is not ready while a board's last word is too
// old. A gateway is: what it takes in meanwhile waits for a person.
func (p *process) watchFeeds(house *worker.Insurer) {
	p.feedAges(house)
	for _, b := range p.config.Insurer.Boards {
		p.state.probe("feed of "+b.Jurisdiction, func(ctx context.Context) error {
			old, err := feedAge(ctx, house.Books, b)
			switch {
			case err != nil:
			case old > p.config.Insurer.Patience:
				err = fmt.Errorf("last read %s ago, so that licenses prove nothing now", old.Round(time.Second))
			case old < -books.ClockSkew:
				err = fmt.Errorf("last read %s from now, so that licenses prove nothing: check the clocks", (-old).Round(time.Second))
			}
			return err
		})
	}
}

// feedAges shows how old each board's last word is.
func (p *process) feedAges(house *worker.Insurer) {
	for _, b := range p.config.Insurer.Boards {
		// A state may have several boards; their DIDs are all different.
		labels := prometheus.Labels{"jurisdiction": b.Jurisdiction, "board": b.DID}
		p.metrics.gauge("feed_age_seconds", "How old a board's last word is.", labels, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), probeWithin)
			defer cancel()
			old, err := feedAge(ctx, house.Books, b)
			if errors.Is(err, errNeverRead) {
				return math.Inf(1)
			}
			return orNaN(old.Seconds(), err)
		})
	}
}

var errNeverRead = errors.New("it was never read")

// feedAge is what the books say, whichever worker has read the feed.
func feedAge(ctx context.Context, books *store.Books, b config.FeedSource) (time.Duration, error) {
	f, err := books.FeedOf(ctx, credentials.DID(b.DID))
	if err == nil && f.ReadAt.IsZero() {
		err = errNeverRead
	}
	return time.Since(f.ReadAt), err
}

// temporal waits for the cluster and the namespace.
func (p *process) temporal(ctx context.Context, o client.Options) (c client.Client, err error) {
	err = p.await(ctx, "Temporal at "+o.HostPort, func(ctx context.Context) (err error) {
		if c == nil {
			if c, err = client.DialContext(ctx, o); err != nil {
				c = nil // a typed nil otherwise
				return err
			}
		}
		return describe(ctx, c, o.Namespace)
	})
	if c != nil {
		p.onClose(c.Close)
	}
	if err != nil {
		return nil, err
	}
	p.state.probe("Temporal", func(ctx context.Context) error { return describe(ctx, c, o.Namespace) })
	return c, nil
}

func describe(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return nil
}

func temporalOptions(c *config.Insurer, log *slog.Logger) (o client.Options, err error) {
	var keys []worker.Key
	for _, k := range c.PayloadKeys {
		seed, err := k.File.Seed()
		if err != nil {
			return o, fmt.Errorf("payload key: %w", err)
		}
		keys = append(keys, worker.Key{ID: k.ID, Secret: [32]byte(seed)})
	}
	codec, err := worker.NewCodec(keys...)
	if err != nil {
		return o, err
	}
	o, err = connectionOptions(c.Temporal)
	o.DataConverter, o.FailureConverter = worker.DataConverter(codec), worker.FailureConverter(codec)
	o.Logger = sdklog.NewStructuredLogger(slog.New(warnings{log.Handler()}))
	return o, err
}

// warnings keeps the SDK's chatter out of the log.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler         { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler           { return warnings{w.Handler.WithGroup(name)} }
