package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// maxBatch is how many entries one transaction takes. A batch is whatever was
// queued while the last one ran: there is no timer to wait for.
const maxBatch = 512

type submission struct {
	key    credentials.Digest
	entry  ledger.Entry
	leaf   []byte
	hash   tlog.Hash
	result chan result // room for one: the sequencer never waits for a caller
	span   trace.Span  // of whoever appends; nil where nobody said
}

type result struct {
	index int64
	err   error
}

func newSubmission(key credentials.Digest, e ledger.Entry, leaf []byte) *submission {
	return &submission{key: key, entry: e, leaf: leaf, hash: leafHash(leaf), result: make(chan result, 1)}
}

func leafHash(leaf []byte) tlog.Hash { return tlog.RecordHash(leaf) }

func (l *Log) sequence(ctx context.Context) {
	for {
		batch, ok := l.takeBatch(ctx)
		if !ok {
			return
		}
		results, err := l.appendBatch(ctx, batch)
		for i, s := range batch {
			if err != nil {
				s.result <- result{err: err}
				continue
			}
			if results[i].err == nil {
				l.traced.add(results[i].index, s.span)
			}
			s.result <- results[i]
		}
		l.poke() // also after an error: the commit may have been made
	}
}

func (l *Log) takeBatch(ctx context.Context) ([]*submission, bool) {
	var batch []*submission
	select {
	case <-ctx.Done():
		return nil, false
	case s := <-l.queue:
		batch = append(batch, s)
	}
	for len(batch) < maxBatch {
		select {
		case s := <-l.queue:
			batch = append(batch, s)
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

// appendBatch gives every submission its index, or its refusal, in one
// transaction: lookup, insert, index and tree, all or nothing.
func (l *Log) appendBatch(ctx context.Context, batch []*submission) (results []result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var people func()
	err = l.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		results, people, err = l.appendIn(tx, batch)
		return err
	})
	if err == nil {
		people()
	}
	return results, err
}

func (l *Log) appendIn(tx *sqldb.Tx, batch []*submission) ([]result, func(), error) {
	size, e, err := lockState(tx, l.policy.Origin)
	if err != nil {
		return nil, nil, err
	}
	known, err := lookUp(tx, batch)
	if err != nil {
		return nil, nil, err
	}
	door := &door{log: l, tx: tx}
	results := make([]result, len(batch))
	var fresh []*submission
	next := size
	for i, s := range batch {
		if results[i] = known.find(s); results[i].err != errFresh {
			continue
		}
		if err := door.check(next, s.entry); err != nil {
			if !errors.Is(err, ErrRefused) {
				return nil, nil, err
			}
			results[i] = result{err: err}
			continue
		}
		results[i] = result{index: next}
		known.add(next, s)
		fresh = append(fresh, s)
		e = e.push(next, s.hash)
		next++
	}
	if err := insertEntries(tx, size, fresh); err != nil {
		return nil, nil, err
	}
	if err := insertTiles(tx, size, next); err != nil {
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
	if from == to {
		return nil
	}
	n, err := tx.Exec(`UPDATE ledger_state SET size = $3, edge = $4 WHERE origin = $1 AND size = $2`, origin, from, to, e.marshal())
	if err == nil && n != 1 {
		err = errors.New("another operator has moved it")
	}
	if err != nil {
		return fmt.Errorf("move ledger from %d to %d: %w", from, to, err)
	}
	return nil
}

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
func (k knownEntries) find(s *submission) result {
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

func (k knownEntries) add(index int64, s *submission) {
	p := place{index, s.key, s.hash}
	k.byKey[p.key], k.byHash[p.hash] = p, p
}

const rowsAtOnce = 200 // per statement, far below either database's limit of parameters

func lookUp(tx *sqldb.Tx, batch []*submission) (knownEntries, error) {
	k := knownEntries{map[credentials.Digest]place{}, map[tlog.Hash]place{}}
	for len(batch) > 0 {
		some := batch[:min(rowsAtOnce, len(batch))]
		batch = batch[len(some):]
		var keys, hashes []any
		for _, s := range some {
			keys, hashes = append(keys, s.key[:]), append(hashes, s.hash[:])
		}
		for column, values := range map[string][]any{"key": keys, "leaf_hash": hashes} {
			if err := k.read(tx, `SELECT idx, key, leaf_hash FROM ledger_entry WHERE `+column+` IN `+placeholders(1, len(values)), values); err != nil {
				return k, fmt.Errorf("look entries up: %w", err)
			}
		}
	}
	return k, nil
}

func (k knownEntries) read(tx *sqldb.Tx, text string, args []any) error {
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

// placeholders is "($first,$first+1,…)".
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",$%d", first+i)
	}
	return "(" + b.String()[1:] + ")"
}

func insertEntries(tx *sqldb.Tx, index int64, fresh []*submission) error {
	for len(fresh) > 0 {
		some := fresh[:min(rowsAtOnce, len(fresh))]
		fresh = fresh[len(some):]
		var rows []string
		var args []any
		for _, s := range some {
			rows = append(rows, placeholders(len(args)+1, 6))
			args = append(args, index, int64(s.entry.Kind), s.entry.Subject[:], s.key[:], s.hash[:], s.leaf)
			index++
		}
		if _, err := tx.Exec(`INSERT INTO ledger_entry (idx, kind, subject, key, leaf_hash, leaf) VALUES `+strings.Join(rows, ","), args...); err != nil {
			return fmt.Errorf("insert entries: %w", err)
		}
	}
	return nil
}
