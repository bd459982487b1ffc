package operator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

const (
	// lookAround is how often the publisher looks for entries that another
	// operator has appended. Its own, it hears of at once.
	lookAround = time.Second
	// roundTimeout is how long a round waits for a quorum before the next one
	// asks for what the tree has become meanwhile.
	roundTimeout = 15 * time.Second
)

// A round gathers the cosignatures of one checkpoint.
type round struct {
	checkpoint ledger.Checkpoint
	signed     []byte // by the log alone
	span       trace.Span

	mu     sync.Mutex
	cosigs []ledger.Cosignature
	seen   map[int]bool
	need   int
	done   chan struct{} // closed with a quorum
	moved  chan struct{} // closed when witnesses are beyond it: another operator has published
	once   sync.Once
}

func newRound(c ledger.Checkpoint, signed []byte, quorum int) *round {
	return &round{checkpoint: c, signed: signed, span: trace.SpanFromContext(context.Background()), need: quorum, seen: map[int]bool{},
		done: make(chan struct{}), moved: make(chan struct{})}
}

// add takes the first Quorum cosignatures. What comes later only brings its
// witness up to date.
func (r *round) add(c ledger.Cosignature) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[c.Witness] || len(r.cosigs) == r.need {
		return
	}
	r.seen[c.Witness] = true
	if r.cosigs = append(r.cosigs, c); len(r.cosigs) == r.need {
		close(r.done)
	}
}

func (r *round) supersede() { r.once.Do(func() { close(r.moved) }) }

// publish brings what is committed to finality, one round at a time. The first
// round runs even if nothing is new, to hear early if witnesses are ahead of a
// database that was restored from a backup.
func (l *Log) publish(ctx context.Context) {
	tick := time.NewTicker(lookAround)
	defer tick.Stop()
	for first := true; ; first = false {
		if err := l.publishOnce(ctx, first); err != nil && ctx.Err() == nil {
			l.logger.Warn("publish checkpoint", "error", err)
			select { // whatever failed, do not fail in a busy loop
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-l.grown:
		case <-tick.C:
		}
	}
}

func (l *Log) publishOnce(ctx context.Context, always bool) error {
	if err := l.lookForFinal(ctx); err != nil {
		return err
	}
	size, e, err := l.head(ctx)
	if err != nil || size == l.final.size() && !always {
		return err
	}
	if l.halted.get() != nil {
		return nil
	}
	c := ledger.Checkpoint{Origin: l.policy.Origin, Size: size, Root: e.root()}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.key)
	if err != nil {
		return fmt.Errorf("sign checkpoint: %w", err)
	}
	r := newRound(c, signed, l.policy.Quorum)
	ctx, r.span = l.traced.start(ctx, size)
	defer r.span.End()
	if err := l.finalize(ctx, r); err != nil {
		r.span.SetStatus(codes.Error, "")
		return err
	}
	l.traced.drop(l.final.size())
	return nil
}

// lookForFinal hears of checkpoints that another operator has made final.
func (l *Log) lookForFinal(ctx context.Context) error {
	var newest int64
	if err := l.db.QueryRow(ctx, `SELECT coalesce(max(size), 0) FROM ledger_checkpoint`).Scan(&newest); err != nil {
		return fmt.Errorf("read newest checkpoint: %w", err)
	}
	if newest <= l.final.size() {
		return nil
	}
	signed, err := l.newestNote(ctx)
	if err != nil {
		return err
	}
	c, _, err := l.policy.Final(signed)
	if err != nil {
		return fmt.Errorf("the newest final checkpoint in the database: %w", err)
	}
	l.final.announce(c.Size, signed)
	return nil
}

func (l *Log) finalize(ctx context.Context, r *round) error {
	for _, v := range l.voices {
		v.ask(r)
	}
	timeout := time.NewTimer(roundTimeout)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.moved:
		l.poke()
		return nil
	case <-timeout.C:
		l.poke()
		return fmt.Errorf("checkpoint of %d entries: no quorum of witnesses", r.checkpoint.Size)
	case <-r.done:
	}
	signed, err := l.policy.Finalize(r.signed, r.cosigs)
	if err != nil {
		return err
	}
	if err := l.keepFinal(ctx, r.checkpoint.Size, signed); err != nil {
		l.poke()
		return err
	}
	return nil
}

// keepFinal stores a final checkpoint unless one as large is there. Under the
// ledger's lock, so that sizes are only ever added in order: were a smaller one
// added later, the first that covers an entry, and so its receipt, would change.
func (l *Log) keepFinal(ctx context.Context, size int64, signed []byte) error {
	kept := false
	err := l.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		if _, _, err := lockState(tx, l.policy.Origin); err != nil {
			return err
		}
		var newest int64
		if err := tx.QueryRow(`SELECT coalesce(max(size), 0) FROM ledger_checkpoint`).Scan(&newest); err != nil {
			return err
		}
		if kept = size > newest; !kept {
			return nil
		}
		_, err := tx.Exec(`INSERT INTO ledger_checkpoint (size, note) VALUES ($1, $2)`, size, signed)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep final checkpoint: %w", err)
	}
	if kept {
		l.final.announce(size, signed)
	}
	return nil
}

// final is the newest final checkpoint that this operator knows of, and wakes
// those who wait for it.
type final struct {
	mu      sync.Mutex
	n       int64
	signed  []byte
	changed chan struct{}
}

func newFinal() *final { return &final{changed: make(chan struct{})} }

func (f *final) size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *final) get() (size int64, signed []byte, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, f.signed, f.changed
}

func (f *final) announce(size int64, signed []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if size > f.n {
		f.n, f.signed = size, signed
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// Receipt is the receipt of an entry, for ever the same. While no final
// checkpoint covers it, it waits at most so long and then says ErrNotFinal.
func (l *Log) Receipt(ctx context.Context, index int64, wait time.Duration) ([]byte, error) {
	if err := l.awaitFinal(ctx, index, wait); err != nil {
		return nil, err
	}
	signed, tree, err := l.covering(ctx, index)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(tree.N, index, l.hashReader(ctx, tree))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return ledger.Receipt{Index: index, Path: path, Checkpoint: signed}.Marshal(), nil
}

// Receipts are those of the entries at ascending indices, checkpoint by
// checkpoint, each the same as Receipt has it. They end before the first entry
// that is not final; where that is the very first, it waits as Receipt does.
func (l *Log) Receipts(ctx context.Context, indices []int64, wait time.Duration) ([]Covered, error) {
	if err := l.awaitFinal(ctx, indices[0], wait); err != nil {
		return nil, err
	}
	return l.receipts(ctx, indices)
}

func (l *Log) awaitFinal(ctx context.Context, index int64, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		size, _, changed := l.final.get()
		if index >= 0 && index < size {
			return nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return ErrNotFinal
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errAhead is why a log halts: what it would append now would take indices
// that witnesses have seen given to other entries.
var errAhead = errors.New("so many witnesses have signed more entries than the database holds that no quorum is left: " +
	"it was probably restored from a backup; restore the missing entries before appending")

// errForked is the same where entries were appended behind the old backup, or
// where somebody has changed what the witnesses have signed.
var errForked = errors.New("so many witnesses have signed another history than the database holds that no quorum is left: " +
	"it was restored from a backup and appended to, or changed; restore what they have signed before appending")
