// Package board is a licensing board's HTTP door and the register behind it:
// clerks have licenses issued and orders made upon them, insurers follow the
// feed of what happened, anyone looks a license up.
//
// What the board decides is committed once, in one local transaction: signed
// document and ledger entry. The ledger hears of it afterwards, in
// order, as often as it takes; the feed shows it when its receipt is there. The
// package never decides who deserves a license, never changes or deletes what
// it signed, and never writes a name or a number into a log or an error.
package board

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Appender is what the board asks of the ledger.
type Appender interface {
	// AppendAll is idempotent by the business keys: the same key and entry have
	// the same index for ever; another entry under it is refused for good. New
	// entries get ascending indices. The first that is not recorded stops those
	// behind it, and the error is about it; whether it was appended stays open.
	AppendAll(ctx context.Context, businessKeys []string, all []ledger.Entry) (indices []int64, err error)
	// AwaitAll waits until a quorum of witnesses has countersigned a history that
	// holds the first entry, and returns the receipts of those that it holds.
	AwaitAll(ctx context.Context, indices []int64, all []ledger.Entry) (receipts [][]byte, err error)
}

// Options are a board's circumstances.
type Options struct {
	// Jurisdiction is the two-letter state code that this board licenses for.
	Jurisdiction string
	// URL is where the door can be reached from outside: status list addresses
	// are signed into licenses and start with it.
	URL string
	// Clerks are the key ids (DID URLs) that may issue and order.
	Clerks []string
	// Keys finds the keys of clerks; did:key only where nil.
	Keys credentials.ResolveKey
	// CheckNPI refuses NPIs whose check digit fails. Off for demonstrations:
	// the NPIs of most public sample claims fail it.
	CheckNPI bool
	// ListLife is how long a signed status list is valid; five minutes where 0.
	ListLife time.Duration
	// ReceiptWait is how long a clerk's request waits for the ledger's receipt
	// before it is answered without; ten seconds where 0.
	ReceiptWait time.Duration

	// Proofs are leaf 0 and the entries that admitted the participants, for
	// GET /ledger; not served where nil.
	Proofs func(context.Context) map[string][]byte

	// PartyKeys are the keys that the ledger has of a party, for the board's DID
	// document; nil serves the board's key of today alone.
	PartyKeys func(credentials.DID) ([]ledger.PartyKey, error)

	// Own lists the licenses and orders that the ledger has of this board from
	// an index on. A register that lacks one of them does not open. Nil asks
	// nobody.
	Own func(ctx context.Context, from int64) ([]Recorded, error)

	Now func() time.Time // time.Now where nil
	Log *slog.Logger     // slog.Default where nil
}

// A Board is the register, its door and its line to the ledger.
type Board struct {
	Options
	db     *sqldb.DB
	signer credentials.Signer
	did    credentials.DID
	folder string // of URL; "" where the door is at the root
	ledger Appender
	lists  *statuslist.Lists
	places *statuslist.Places

	work    context.Context // ends with Close; not a request's
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{}         // closed when an event moved on, then replaced
	asked   map[string]trace.Span // by document; see remember
}

// Open brings the register up to date and starts to bring what it owes to the
// ledger. Close stops that; whatever was under way is taken up by the next Open.
func Open(ctx context.Context, db *sqldb.DB, signer credentials.Signer, l Appender, o Options) (*Board, error) {
	did, err := credentials.SignerDID(signer)
	if err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	if err := o.settle(); err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := sqldb.Migrate(ctx, db, "board", files); err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	b := &Board{Options: o, db: db, signer: signer, did: did, folder: u.EscapedPath(), ledger: l, changed: make(chan struct{}), asked: map[string]trace.Span{}}
	if err := b.numberAll(ctx); err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	if err := b.whole(ctx); err != nil {
		return nil, fmt.Errorf("open board: %w", err)
	}
	b.lists, b.places = b.newLists(), b.newPlaces()
	b.work, b.stop = context.WithCancel(context.Background())
	b.running.Go(func() { b.watch(b.work) })
	b.running.Go(func() { b.keepLists(b.work) })
	b.running.Go(func() { b.keepOn(b.work, "append entry", b.appendNext) })
	b.running.Go(func() { b.keepOn(b.work, "await receipt", b.receiveNext) })
	return b, nil
}

func (o *Options) settle() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" {
		return errors.New("its URL is not an http(s) address")
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	if !stateCode(o.Jurisdiction) {
		return errors.New("its jurisdiction is not a two-letter state code")
	}
	for _, kid := range o.Clerks {
		if _, _, err := credentials.ParseKeyID(kid); err != nil {
			return fmt.Errorf("clerk: %w", err)
		}
	}
	if o.Keys == nil {
		o.Keys = credentials.ResolveDIDKey
	}
	if o.ListLife == 0 {
		o.ListLife = statuslist.Life
	}
	if o.ReceiptWait == 0 {
		o.ReceiptWait = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// DID is the board's own DID: the issuer of its documents and the audience of
// requests to it.
func (b *Board) DID() credentials.DID { return b.did }

// Web is the did:web under which the board's document can be found, empty where
// there is none. It is a way to the board, not its name.
func (b *Board) Web() credentials.DID {
	doc, err := b.webDocument()
	if err != nil {
		return ""
	}
	return doc.ID
}

// Close stops the board's work and waits until it has stopped. It does not
// close the database.
func (b *Board) Close() {
	b.stop()
	b.running.Wait()
}

// moved wakes whoever waits for an event to move on.
func (b *Board) moved() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// nextMove is closed at the next move. Take it before looking, or a move in
// between is missed.
func (b *Board) nextMove() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// How soon a move by another process on the same database shows: one look for
// all who wait. Whoever waits looks for itself now and then all the same.
// Tests change them.
var (
	watchEvery = 200 * time.Millisecond
	pollEvery  = 5 * time.Second
)

// watch wakes those who wait when the register has moved on.
func (b *Board) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := [2]int64{-1, -1}; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var now [2]int64 // the newest event, and the newest that has its receipt
		err := b.db.QueryRow(ctx, `
			SELECT value, (SELECT value FROM register_counter WHERE name = 'proven')
			FROM register_counter WHERE name = 'event'`).Scan(&now[0], &now[1])
		if err == nil && now != last { // where the database is away, others say so
			b.moved()
			last = now
		}
	}
}

// wait waits for a move, a while or the end; false means the end.
func wait(ctx context.Context, moved <-chan struct{}, most time.Duration) bool {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-moved:
	case <-t.C:
	}
	return true
}

func randomHandle() (h credentials.Handle) {
	rand.Read(h[:]) // never fails (crypto/rand)
	return h
}
