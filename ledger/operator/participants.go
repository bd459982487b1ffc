package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// participants is the registry as of one index, kept up with the database,
// where another operator may have let somebody in.
type participants struct {
	mu       sync.Mutex
	registry *ledger.Registry
	seen     int64 // participant entries up to here are in it, or void
}

func (p *participants) get() *ledger.Registry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.registry
}

// try is a copy to admit newcomers to inside a transaction that may yet fail.
func (p *participants) try() (*ledger.Registry, int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.registry.Clone(), p.seen
}

// adopt takes the copy over, unless a newer one was taken meanwhile.
func (p *participants) adopt(r *ledger.Registry, seen int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seen > p.seen {
		p.registry, p.seen = r, seen
	}
}

// query is Query of a transaction or of the database.
type query func(text string, args ...any) (rowsReader, error)

type rowsReader interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

func inTx(tx *sqldb.Tx) query {
	return func(text string, args ...any) (rowsReader, error) { return tx.Query(text, args...) }
}

func (l *Log) outsideTx(ctx context.Context) query {
	return func(text string, args ...any) (rowsReader, error) { return l.db.Query(ctx, text, args...) }
}

// admitSince reads the participant entries behind seen into r. One that r
// refuses is void.
func admitSince(q query, r *ledger.Registry, seen int64) (int64, error) {
	rows, err := q(`SELECT idx, leaf FROM ledger_entry WHERE kind = $1 AND idx > $2 ORDER BY idx`, int64(ledger.KindParticipant), seen)
	if err != nil {
		return seen, fmt.Errorf("read participants: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var leaf []byte
		if err := rows.Scan(&seen, &leaf); err != nil {
			return seen, fmt.Errorf("read participants: %w", err)
		}
		if e, err := ledger.ParseEntry(leaf); err == nil {
			r.Admit(seen, e) // refused means void
		}
	}
	return seen, rows.Err()
}

func (l *Log) refreshParticipants(ctx context.Context) error {
	r, seen := l.people.try()
	seen, err := admitSince(l.outsideTx(ctx), r, seen)
	if err == nil {
		l.people.adopt(r, seen)
	}
	return err
}

// admissible refuses what the ledger's rules do not allow, before it takes a
// place in the queue.
func (l *Log) admissible(ctx context.Context, e ledger.Entry, leaf []byte) error {
	if e.Kind == ledger.KindGenesis && bytes.Equal(leaf, l.genesis.MarshalLeaf()) {
		return nil // sent again: it has index 0
	}
	err := l.people.get().Check(e)
	if errors.Is(err, ledger.ErrUnknownIssuer) {
		if err := l.refreshParticipants(ctx); err != nil {
			return err
		}
		err = l.people.get().Check(e)
	}
	if err != nil && (e.Kind == ledger.KindParticipant || errors.Is(err, ledger.ErrRetired)) {
		return l.recordedBefore(ctx, e.Subject, leaf, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// recordedBefore lets an entry that is in the ledger already pass, though it
// could not be appended any more: so that sending it again gives its index.
func (l *Log) recordedBefore(ctx context.Context, subject credentials.Handle, leaf []byte, refused error) error {
	var n int
	h := leafHash(leaf)
	if err := l.db.QueryRow(ctx, `SELECT count(*) FROM ledger_entry WHERE subject = $1 AND leaf_hash = $2`, subject[:], h[:]).Scan(&n); err != nil {
		return fmt.Errorf("look entry up: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("%w: %w", ErrRefused, refused)
	}
	return nil
}

// A door lets newcomers in and hands keys over inside the transaction that
// records them, so that two operators cannot do so twice, and nothing gets in
// behind a handover that was checked before it.
type door struct {
	log      *Log
	tx       *sqldb.Tx
	registry *ledger.Registry
	seen     int64
}

func (d *door) check(index int64, e ledger.Entry) error {
	if e.Kind == ledger.KindGenesis {
		return fmt.Errorf("%w: the genesis is leaf 0", ErrRefused)
	}
	if d.registry == nil {
		r, seen := d.log.people.try()
		seen, err := admitSince(inTx(d.tx), r, seen)
		if err != nil {
			return err
		}
		d.registry, d.seen = r, seen
	}
	if e.Kind != ledger.KindParticipant {
		if err := d.registry.MayIssueAt(index, e); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return nil
	}
	if err := d.registry.Admit(index, e); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	d.seen = index
	return nil
}

func (d *door) adopt() {
	if d.registry != nil {
		d.log.people.adopt(d.registry, d.seen)
	}
}
