package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// maxBatch is how many entries one transaction takes, unless Config says less;
// those of one request stay together. A batch is whatever was queued while the last
// one ran: there is no timer to wait for.
const maxBatch = 4096

// A Submission is an entry that Accept has let pass.
type Submission struct {
	key   credentials.Digest
	entry ledger.Entry
	leaf  []byte
	hash  tlog.Hash
	// behind is what came before it in the same request: it is recorded only if
	// that is.
	behind *Submission
}

func newSubmission(key credentials.Digest, e ledger.Entry, leaf []byte) *Submission {
	return &Submission{key: key, entry: e, leaf: leaf, hash: leafHash(leaf)}
}

// A waiting is what somebody has sent and waits for. It stays together.
type waiting struct {
	entries []*Submission
	results chan []result // room for one: the sequencer never waits for a caller
	span    trace.Span    // of whoever appends; nil where nobody said
}

func newWaiting(ctx context.Context, entries ...*Submission) waiting {
	return waiting{entries, make(chan []result, 1), trace.SpanFromContext(ctx)}
}

// failed answers every entry with the same error.
func (w waiting) failed(err error) []result {
	results := make([]result, len(w.entries))
	for i := range results {
		results[i].err = err
	}
	return results
}

type result struct {
	index int64
	err   error
}

func leafHash(leaf []byte) tlog.Hash { return tlog.RecordHash(leaf) }

func (l *Log) sequence(ctx context.Context) {
	for {
		batch, ok := l.takeBatch(ctx)
		if !ok {
			return
		}
		var entries []*Submission
		for _, w := range batch {
			entries = append(entries, w.entries...)
		}
		results, err := l.appendBatch(ctx, entries, func(results []result) {
			for _, w := range batch {
				own := results[:len(w.entries)]
				results = results[len(own):]
				l.trace(w, own)
			}
		})
		for _, w := range batch {
			if err != nil {
				w.results <- w.failed(err)
				continue
			}
			w.results <- results[:len(w.entries)]
			results = results[len(w.entries):]
		}
		l.poke() // also after an error: the commit may have been made
	}
}

// trace has the round that makes the last of what was sent final go on with
// its trace. No round comes for what is final already.
func (l *Log) trace(w waiting, results []result) {
	for i := len(results) - 1; i >= 0; i-- {
		if results[i].err != nil {
			continue
		}
		if results[i].index >= l.final.size() {
			l.traced.add(results[i].index, w.span)
		}
		return
	}
}

// takeBatch takes what is queued, up to a batch and what came with the last of
// it in one request.
func (l *Log) takeBatch(ctx context.Context) ([]waiting, bool) {
	var batch []waiting
	entries := 0
	take := func(w waiting) {
		batch = append(batch, w)
		entries += len(w.entries)
	}
	select {
	case <-ctx.Done():
		return nil, false
	case w := <-l.queue:
		take(w)
	}
	for entries < l.batch {
		select {
		case w := <-l.queue:
			take(w)
		default:
			return batch, true
		}
	}
	return batch, true
}

// poke tells the publisher that the tree may have grown.
func (l *Log) poke() {
	select {
	case l.grown <- struct{}{}:
	default:
	}
}

// carefulFor is how many batches are looked up after one that held what the
// ledger had already.
const carefulFor = 64

// errLook is why a batch has to be looked up before it is inserted.
var errLook = errors.New("the ledger may hold some of the batch")

// appendBatch gives every submission its index, or its refusal, in one
// transaction: index and tree, all or nothing. It tells what it is about to
// commit, since a round may begin the moment that it has.
//
// Most entries are new, and looking them up costs as much as inserting them. So
// the database's unique indexes say it where one is not. Then the batch runs
// again and is looked up, as are the next: nobody can make every batch run twice
// by sending what is known.
func (l *Log) appendBatch(ctx context.Context, batch []*Submission, about func([]result)) ([]result, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if l.careful.Add(-1) < 0 {
		l.careful.Store(0)
		results, err := l.appendOnce(ctx, batch, false, about)
		if !errors.Is(err, errLook) && !sqldb.Duplicate(err) {
			return results, err
		}
		l.careful.Store(carefulFor)
	}
	return l.appendOnce(ctx, batch, true, about)
}

func (l *Log) appendOnce(ctx context.Context, batch []*Submission, look bool, about func([]result)) (results []result, err error) {
	var people func()
	err = l.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		if results, people, err = l.appendIn(tx, batch, look); err == nil {
			about(results)
		}
		return err
	})
	if err == nil {
		people()
	}
	return results, err
}

func (l *Log) appendIn(tx *sqldb.Tx, batch []*Submission, look bool) ([]result, func(), error) {
	size, e, err := lockState(tx, l.policy.Origin)
	if err != nil {
		return nil, nil, err
	}
	known := knownEntries{make(map[credentials.Digest]place, len(batch)), make(map[tlog.Hash]place, len(batch))}
	if look {
		if err := known.lookUp(tx, batch); err != nil {
			return nil, nil, err
		}
	}
	door := &door{log: l, tx: tx}
	results := make([]result, len(batch))
	stopped := map[*Submission]bool{}
	var fresh []*Submission
	next := size
	for i, s := range batch {
		if stopped[s.behind] {
			results[i], stopped[s] = result{err: errStopped}, true
			continue
		}
		if results[i] = known.find(s); results[i].err != errFresh {
			stopped[s] = results[i].err != nil
			continue
		}
		if err := door.check(next, s.entry); err != nil {
			if !errors.Is(err, ErrRefused) {
				return nil, nil, err
			}
			if !look {
				return nil, nil, errLook // it may have been recorded while its issuer still might
			}
			results[i], stopped[s] = result{err: err}, true
			continue
		}
		results[i] = result{index: next}
		known.add(next, s)
		fresh = append(fresh, s)
		e = e.push(next, s.hash)
		next++
	}
	if next == size {
		return results, door.adopt, nil
	}
	if err := insertEntries(tx, size, fresh); err != nil {
		return nil, nil, err
	}
	if err := insertTiles(tx, size, fresh); err != nil {
		return nil, nil, err
	}
	return results, door.adopt, moveState(tx, l.policy.Origin, size, next, e)
}

// lockState locks the row that orders all operators, by writing to it, and
// reads it. Nobody else gets past this line until the transaction ends.
func lockState(tx *sqldb.Tx, origin string) (size int64, e edge, err error) {
	var b []byte
	err = tx.QueryRow(`UPDATE ledger_state SET size = size WHERE origin = $1 RETURNING size, edge`, origin).Scan(&size, &b)
	if err != nil {
		return 0, nil, fmt.Errorf("lock ledger: %w", err)
	}
	e, err = parseEdge(size, b)
	return size, e, err
}

// moveState is fenced by the old size, should the lock ever fail to hold.
func moveState(tx *sqldb.Tx, origin string, from, to int64, e edge) error {
	n, err := tx.Exec(`UPDATE ledger_state SET size = $3, edge = $4 WHERE origin = $1 AND size = $2`, origin, from, to, e.marshal())
	if err == nil && n != 1 {
		err = errors.New("another operator has moved it")
	}
	if err != nil {
		return fmt.Errorf("move ledger from %d to %d: %w", from, to, err)
	}
	return nil
}

// errStopped is the answer to what came behind a refused entry in its request.
var errStopped = errors.New("an entry before it in the same request was refused")

// errFresh marks a submission that the ledger does not hold.
var errFresh = errors.New("fresh")

type place struct {
	index int64
	key   credentials.Digest
	hash  tlog.Hash
}

// knownEntries are the entries whose key or bytes are in the batch.
type knownEntries struct {
	byKey  map[credentials.Digest]place
	byHash map[tlog.Hash]place
}

// find gives the same key and bytes their index, and refuses a key with other
// bytes. The same bytes under another key are refused too: otherwise anyone
// could send a public entry again under a key that its issuer has yet to use.
func (k knownEntries) find(s *Submission) result {
	p, ok := k.byKey[s.key]
	if !ok {
		if p, ok = k.byHash[s.hash]; !ok {
			return result{err: errFresh}
		}
	}
	if p.key != s.key || p.hash != s.hash {
		return result{err: ErrKeyReuse}
	}
	return result{index: p.index}
}

func (k knownEntries) add(index int64, s *Submission) {
	p := place{index, s.key, s.hash}
	k.byKey[p.key], k.byHash[p.hash] = p, p
}

func (k knownEntries) lookUp(tx *sqldb.Tx, batch []*Submission) error {
	given, args := tx.Given(1, len(batch), func(i int) [][]byte {
		s := batch[i]
		return [][]byte{s.key[:], s.entry.Subject[:], s.hash[:]}
	})
	text := `SELECT idx, key, leaf_hash FROM ` + given + ` JOIN ledger_entry ON key = c1
		UNION SELECT idx, key, leaf_hash FROM ` + given + ` JOIN ledger_entry ON subject = c2 AND leaf_hash = c3`
	if err := k.read(tx, text, args...); err != nil {
		return fmt.Errorf("look entries up: %w", err)
	}
	return nil
}

func (k knownEntries) read(tx *sqldb.Tx, text string, args ...any) error {
	rows, err := tx.Query(text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var index int64
		var key, hash []byte
		if err := rows.Scan(&index, &key, &hash); err != nil {
			return err
		}
		if len(key) != 32 || len(hash) != 32 {
			return fmt.Errorf("entry %d is damaged", index)
		}
		p := place{index, credentials.Digest(key), tlog.Hash(hash)}
		k.byKey[p.key], k.byHash[p.hash] = p, p
	}
	return rows.Err()
}

func insertEntries(tx *sqldb.Tx, index int64, fresh []*Submission) error {
	columns := []string{"idx", "kind", "subject", "key", "leaf_hash", "leaf"}
	err := tx.Insert("ledger_entry", columns, len(fresh), func(i int) []any {
		s := fresh[i]
		return []any{index + int64(i), int64(s.entry.Kind), s.entry.Subject[:], s.key[:], s.hash[:], s.leaf}
	})
	if err != nil {
		return fmt.Errorf("insert entries: %w", err)
	}
	return nil
}
