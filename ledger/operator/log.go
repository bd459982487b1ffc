// Package operator runs the ledger: it orders entries, grows the tree, signs
// checkpoints and gathers the witnesses' cosignatures. It serves entries, tiles
// and receipts over HTTP (c2sp.org/tlog-tiles, tlog-proof).
//
// It accepts only entries that a participant has signed and may record, gives
// each exactly one index however often it is sent, and signs nothing but what
// is committed. Several operators may run on one database. It never judges a
// document, never holds an issuer's key, and never calls anything final before
// a quorum of witnesses has countersigned it.
package operator

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

//go:embed schema/*.sql
var schema embed.FS

// Config is what a Log needs.
type Config struct {
	DB      *sqldb.DB
	Genesis []byte      // leaf 0; written where the database is new, compared where it is not
	Key     note.Signer // the log's own key, which the genesis names
	// Witnesses maps a witness's name, as in its key, to its base URL. A
	// witness without one is never asked.
	Witnesses map[string]string
	Batch     int              // the most entries in one transaction, but for those of one request; 0: 4096
	Client    *http.Client     // for the witnesses; nil: one with a timeout of 10 s
	Logger    *slog.Logger     // nil: silent
	Now       func() time.Time // nil: time.Now; compared with cosignatures
}

// A Log is a running operator.
type Log struct {
	db      *sqldb.DB
	genesis *ledger.Genesis
	policy  ledger.Policy
	key     note.Signer
	logger  *slog.Logger
	now     func() time.Time

	people *participants
	queue  chan waiting
	batch  int
	// careful is how many batches to look up before they are inserted.
	careful atomic.Int32
	grown   chan struct{} // has a token when the tree may have grown
	voices  []*voice
	final   *final
	halted  *halt
	traced  *traced

	stop   context.CancelFunc
	closed <-chan struct{}
	done   sync.WaitGroup
}

// What an append may fail with for good. Every other error may be tried again.
var (
	// ErrKeyReuse: the key was used for other bytes, or the bytes under
	// another key.
	ErrKeyReuse = errors.New("that key stands for another entry")
	// ErrRefused: the entry is malformed, its signature does not hold, or its
	// issuer may not record it.
	ErrRefused = errors.New("entry refused")
)

// ErrNotFinal is the answer while no final checkpoint covers an entry.
var ErrNotFinal = errors.New("not final yet")

// ErrNotFound is the answer to an index or key that the ledger does not hold.
var ErrNotFound = errors.New("no such entry")

// Open prepares the database, checks every row of it against the tree and the
// newest final checkpoint, and starts to sequence and to publish. Close it.
func Open(ctx context.Context, c Config) (*Log, error) {
	l, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

func open(ctx context.Context, c Config) (*Log, error) {
	l := &Log{db: c.DB, key: c.Key, logger: c.Logger, now: c.Now,
		queue: make(chan waiting, 4*maxBatch), batch: c.Batch, grown: make(chan struct{}, 1),
		final: newFinal(), halted: &halt{}, traced: &traced{}}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.batch <= 0 {
		l.batch = maxBatch
	}
	var err error
	if l.genesis, err = ledger.ParseGenesis(c.Genesis); err != nil {
		return nil, err
	}
	if l.policy, err = l.genesis.Policy(); err != nil {
		return nil, err
	}
	if v, err := l.policy.Verifier(c.Key.Name(), c.Key.KeyHash()); err != nil || v.Name() != l.policy.Origin {
		return nil, errors.New("the log's key is not the one that the genesis names")
	}
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, err
	}
	l.people = &participants{registry: registry}
	if l.voices, err = newVoices(l, c); err != nil {
		return nil, err
	}
	files, _ := fs.Sub(schema, "schema")
	if err := sqldb.Migrate(ctx, l.db, "ledger", files); err != nil {
		return nil, err
	}
	if err := l.found(ctx); err != nil {
		return nil, err
	}
	if err := l.Check(ctx); err != nil {
		return nil, fmt.Errorf("self-check: %w", err)
	}
	if err := l.refreshParticipants(ctx); err != nil {
		return nil, err
	}
	l.start()
	return l, nil
}

func (l *Log) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop, l.closed = cancel, ctx.Done()
	l.done.Go(func() { l.sequence(ctx) })
	l.done.Go(func() { l.publish(ctx) })
	for _, v := range l.voices {
		l.done.Go(func() { v.run(ctx) })
	}
}

// Close stops the operator. Entries that were queued are answered with an
// error and may be sent again.
func (l *Log) Close() {
	l.stop()
	l.done.Wait()
}

// Policy is the policy of the ledger.
func (l *Log) Policy() ledger.Policy { return l.policy }

// Registry is the participants that this operator knows of.
func (l *Log) Registry() *ledger.Registry { return l.people.get() }

// Halted says why the operator refuses to append, or nil.
func (l *Log) Halted() error { return l.halted.get() }

// Appended is the answer to an append. The index is durable and not yet
// final: wait for the receipt.
type Appended struct {
	Index int64              `json:"index"`
	Key   credentials.Digest `json:"key"`
}

// Append records an entry under the issuer's own key for the event. The same
// key and bytes always give the same index.
func (l *Log) Append(ctx context.Context, business credentials.Digest, leaf []byte) (Appended, error) {
	s, err := l.Accept(ctx, business, leaf)
	if err != nil {
		return Appended{}, err
	}
	return l.Record(ctx, s)
}

// Accept reads an entry and checks its signature and that its issuer may
// record it, for Record.
func (l *Log) Accept(ctx context.Context, business credentials.Digest, leaf []byte) (*Submission, error) {
	e, err := ledger.ParseEntry(leaf)
	if err != nil {
		return nil, fmt.Errorf("append entry: %w: %w", ErrRefused, err)
	}
	if err := l.admissible(ctx, e, leaf); err != nil {
		return nil, fmt.Errorf("append entry: %w", err)
	}
	return newSubmission(ledger.EntryKey(l.policy.Origin, e.Issuer(), business), e, leaf), nil
}

// Record gives what Accept has let pass its index. That the issuer may still
// record it is looked at once more, where the index is given.
func (l *Log) Record(ctx context.Context, s *Submission) (Appended, error) {
	if err := l.halted.get(); err != nil {
		return Appended{}, fmt.Errorf("append entry: %w", err)
	}
	r := l.submit(ctx, newWaiting(ctx, s))[0]
	if r.err != nil {
		return Appended{}, fmt.Errorf("append entry: %w", r.err)
	}
	return Appended{r.index, s.key}, nil
}

// submit queues w and waits for the sequencer. Whoever stops waiting does not
// know whether it was recorded, and may send it again.
func (l *Log) submit(ctx context.Context, w waiting) []result {
	select {
	case l.queue <- w:
	case <-ctx.Done():
		return w.failed(ctx.Err())
	case <-l.closed:
		return w.failed(errClosed)
	}
	select {
	case r := <-w.results:
		return r
	case <-ctx.Done():
		return w.failed(ctx.Err())
	case <-l.closed:
		return w.failed(errClosed)
	}
}

var errClosed = errors.New("the ledger is closing")

// halt keeps the reason for which nothing more is appended.
type halt struct {
	mu      sync.Mutex
	err     error
	against map[int]bool // witnesses that have signed what the database does not hold
}

func (h *halt) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *halt) set(err error) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if first = h.err == nil; first {
		h.err = err
	}
	return first
}
