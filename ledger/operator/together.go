package operator

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// AppendAll records entries in the order in which they are given, each as Append
// does. The first that cannot be recorded stops those behind it: what was
// recorded comes back with the error, and may be sent again with the rest.
func (l *Log) AppendAll(ctx context.Context, all []ledger.Keyed) (done []Appended, err error) {
	subs, refused := l.acceptAll(ctx, all)
	if len(subs) > 0 {
		done, err = l.recordAll(ctx, subs)
	}
	if err == nil {
		err = refused
	}
	return done, err
}

// acceptAll checks signatures on all processors, and returns the entries before
// the first that may not be recorded.
func (l *Log) acceptAll(ctx context.Context, all []ledger.Keyed) ([]*Submission, error) {
	subs, errs := make([]*Submission, len(all)), make([]error, len(all))
	var next atomic.Int64
	var hands sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		hands.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				subs[i], errs[i] = l.Accept(ctx, all[i].Business, all[i].Leaf)
			}
		})
	}
	hands.Wait()
	for i, err := range errs {
		if err != nil {
			return subs[:i], err
		}
		if i > 0 {
			subs[i].behind = subs[i-1]
		}
	}
	return subs, nil
}

func (l *Log) recordAll(ctx context.Context, subs []*Submission) (done []Appended, err error) {
	if err := l.halted.get(); err != nil {
		return nil, fmt.Errorf("append entries: %w", err)
	}
	for i, r := range l.submit(ctx, newWaiting(ctx, subs...)) {
		if r.err != nil {
			return done, fmt.Errorf("append entries: %w", r.err)
		}
		done = append(done, Appended{r.index, subs[i].key})
	}
	return done, nil
}

// A Covered is a final checkpoint and the paths to it of entries whose receipts
// have it.
type Covered struct {
	Checkpoint []byte `json:"checkpoint"`
	// Paths are of as many entries as were asked for and have their receipt from
	// this checkpoint, 32 bytes a hash.
	Paths [][]byte `json:"paths"`
}

// receipts are those of the entries at ascending indices, as far as these are
// final, checkpoint by checkpoint.
func (l *Log) receipts(ctx context.Context, indices []int64) (all []Covered, err error) {
	final := l.final.size()
	for len(indices) > 0 && indices[0] < final {
		signed, tree, err := l.covering(ctx, indices[0])
		if err != nil {
			return nil, err
		}
		n := 0
		for n < len(indices) && indices[n] < tree.N {
			n++
		}
		paths, err := l.paths(ctx, tree, indices[:n])
		if err != nil {
			return nil, err
		}
		all = append(all, Covered{signed, paths})
		indices = indices[n:]
	}
	return all, nil
}

// covering is the first final checkpoint that covers an entry.
func (l *Log) covering(ctx context.Context, index int64) (signed []byte, tree tlog.Tree, err error) {
	// Checkpoints are kept in order, so that a standby has the same first one, or none.
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`SELECT note FROM ledger_checkpoint WHERE size > $1 ORDER BY size LIMIT 1`, index).Scan(&signed)
	})
	if err != nil {
		return nil, tree, fmt.Errorf("read first final checkpoint: %w", err)
	}
	c, _, err := l.policy.Final(signed)
	return signed, tlog.Tree{N: c.Size, Hash: c.Root}, err
}

// paths proves entries under one tree, whose tiles are read and checked against
// its root once for all of them.
func (l *Log) paths(ctx context.Context, tree tlog.Tree, indices []int64) (paths [][]byte, err error) {
	kept := keptHashes{}
	for _, i := range indices { // what it wants to know; the proof itself is of no use
		if _, err := tlog.ProveRecord(tree.N, i, wanted(kept)); err != nil {
			return nil, fmt.Errorf("prove entry %d: %w", i, err)
		}
	}
	if err := kept.read(l.hashReader(ctx, tree)); err != nil {
		return nil, fmt.Errorf("prove entries from %d on: %w", indices[0], err)
	}
	for _, i := range indices {
		path, err := tlog.ProveRecord(tree.N, i, kept)
		if err != nil {
			return nil, fmt.Errorf("prove entry %d: %w", i, err)
		}
		paths = append(paths, joinHashes(path))
	}
	return paths, nil
}

// keptHashes are hashes of a tree by their place in its storage.
type keptHashes map[int64]tlog.Hash

func (k keptHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		hashes[i] = k[x]
	}
	return hashes, nil
}

func (k keptHashes) read(from tlog.HashReader) error {
	if len(k) == 0 {
		return nil // a tree of one entry
	}
	indexes := make([]int64, 0, len(k))
	for x := range k {
		indexes = append(indexes, x)
	}
	hashes, err := from.ReadHashes(indexes)
	for i := range hashes {
		k[indexes[i]] = hashes[i]
	}
	return err
}

// wanted notes which hashes are asked for.
func wanted(k keptHashes) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		for _, x := range indexes {
			k[x] = tlog.Hash{}
		}
		return make([]tlog.Hash, len(indexes)), nil
	})
}
