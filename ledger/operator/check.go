package operator

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// head is the committed tree.
func (l *Log) head(ctx context.Context) (int64, edge, error) {
	var size int64
	var b []byte
	err := l.db.QueryRow(ctx, `SELECT size, edge FROM ledger_state WHERE origin = $1`, l.policy.Origin).Scan(&size, &b)
	if err != nil {
		return 0, nil, fmt.Errorf("read ledger state: %w", err)
	}
	e, err := parseEdge(size, b)
	return size, e, err
}

// Check computes the whole tree again from the entries and compares: each
// entry with its hash and what it is found by, the tiles, the state, and the newest final checkpoint.
// Open does it before anything is signed, since an operator that signs what
// somebody has edited would be the one accused of it.
func (l *Log) Check(ctx context.Context) error {
	final, err := l.newestFinal(ctx) // first, since another operator may be at work
	if err != nil {
		return err
	}
	size, want, err := l.head(ctx)
	if err != nil {
		return err
	}
	c := &checker{log: l, ctx: ctx, final: final}
	if err := c.entries(size); err != nil {
		return err
	}
	if !bytes.Equal(want.marshal(), c.grown.marshal()) {
		return fmt.Errorf("the %d entries do not give the tree that the state has", size)
	}
	if final != nil && final.Size > size {
		return fmt.Errorf("the newest final checkpoint covers %d entries, there are only %d", final.Size, size)
	}
	return c.upperTiles(size)
}

type checker struct {
	log   *Log
	ctx   context.Context
	final *ledger.Checkpoint
	grown edge
	tile  []tlog.Hash // of the tile that is being filled
}

func (c *checker) entries(size int64) error {
	const atOnce = 4096
	for first := int64(0); first < size; first += atOnce {
		if err := c.someEntries(first, min(first+atOnce, size)); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) someEntries(first, end int64) error {
	rows, err := c.log.db.Query(c.ctx, `SELECT idx, kind, subject, leaf_hash, leaf FROM ledger_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx`, first, end)
	if err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	defer rows.Close()
	var full []tlog.Tile
	var data [][]byte
	next := first
	for ; rows.Next(); next++ {
		var index, kind int64
		var subject, hash, leaf []byte
		if err := rows.Scan(&index, &kind, &subject, &hash, &leaf); err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		h := leafHash(leaf)
		if index != next {
			return fmt.Errorf("entry %d is missing", next)
		}
		if !bytes.Equal(hash, h[:]) {
			return fmt.Errorf("entry %d was changed: its bytes do not give its hash", index)
		}
		// By these it is found, and kept from standing twice.
		if e, err := ledger.ParseEntry(leaf); err == nil && (int64(e.Kind) != kind || !bytes.Equal(e.Subject[:], subject)) {
			return fmt.Errorf("entry %d was changed: its kind or subject is not that of its bytes", index)
		}
		if err := c.grow(index, h); err != nil {
			return err
		}
		if c.tile = append(c.tile, h); len(c.tile) == tileWidth {
			full = append(full, tlog.Tile{N: index / tileWidth})
			data = append(data, joinHashes(c.tile))
			c.tile = c.tile[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	if next != end {
		return fmt.Errorf("entry %d is missing", next)
	}
	rows.Close()
	for i, t := range full {
		if err := c.sameTile(t.L, t.N, data[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) grow(index int64, h tlog.Hash) error {
	c.grown = c.grown.push(index, h)
	if c.final != nil && c.final.Size == index+1 && c.grown.root() != c.final.Root {
		return fmt.Errorf("an entry before %d was changed: the tree is not the one that the witnesses have countersigned", c.final.Size)
	}
	return nil
}

func (c *checker) sameTile(level int, n int64, want []byte) error {
	var root, data []byte
	err := c.log.db.QueryRow(c.ctx, `SELECT root, data FROM ledger_tile WHERE level = $1 AND n = $2`, level, n).Scan(&root, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("tile %d/%d is missing", level, n)
	}
	if err != nil {
		return fmt.Errorf("read tile %d/%d: %w", level, n, err)
	}
	if h := fold(hashesOf(want)); !bytes.Equal(data, want) || !bytes.Equal(root, h[:]) {
		return fmt.Errorf("tile %d/%d was changed: what lies below does not give it", level, n)
	}
	return nil
}

func hashesOf(b []byte) (hashes []tlog.Hash) {
	for ; len(b) >= tlog.HashSize; b = b[tlog.HashSize:] {
		hashes = append(hashes, tlog.Hash(b[:tlog.HashSize]))
	}
	return hashes
}

// upperTiles checks the full tiles above level 0 against those below, which
// were checked before.
func (c *checker) upperTiles(size int64) error {
	for level, n := 1, size/tileWidth/tileWidth; n > 0; level, n = level+1, n/tileWidth {
		for i := range n {
			hashes, err := readHashes(c.log.outsideTx(c.ctx), level, i*tileWidth, tileWidth)
			if err != nil {
				return err
			}
			if err := c.sameTile(level, i, joinHashes(hashes)); err != nil {
				return err
			}
		}
	}
	return nil
}

// newestFinal is the newest final checkpoint, verified, or nil.
func (l *Log) newestFinal(ctx context.Context) (*ledger.Checkpoint, error) {
	signed, err := l.newestNote(ctx)
	if err != nil || signed == nil {
		return nil, err
	}
	c, _, err := l.policy.Final(signed)
	if err != nil {
		return nil, fmt.Errorf("the newest final checkpoint in the database: %w", err)
	}
	return &c, nil
}

func (l *Log) newestNote(ctx context.Context) (signed []byte, err error) {
	err = l.db.QueryRow(ctx, `SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1`).Scan(&signed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read newest checkpoint: %w", err)
	}
	return signed, nil
}
