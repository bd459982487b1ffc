package operator

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/store/sqldb"
)

const tileWidth = torchwood.TileWidth

// insertTiles keeps the tiles that become full as fresh is added behind the
// first size entries.
func insertTiles(tx *sqldb.Tx, size int64, fresh []*Submission) error {
	hashes := make([]tlog.Hash, len(fresh))
	for i, s := range fresh {
		hashes[i] = s.hash
	}
	for level := 0; len(hashes) > 0; level++ {
		var err error
		if hashes, err = insertLevel(tx, level, size, hashes); err != nil {
			return err
		}
		size /= tileWidth
	}
	return nil
}

// insertLevel keeps the full tiles of one level, where fresh is added behind
// the first size hashes, and returns their roots, which are fresh one level up.
func insertLevel(tx *sqldb.Tx, level int, size int64, fresh []tlog.Hash) (roots []tlog.Hash, err error) {
	first, partial := size/tileWidth, size%tileWidth
	if partial+int64(len(fresh)) < tileWidth {
		return nil, nil // nor does anything above become full
	}
	before, err := readHashes(inTx(tx), level, first*tileWidth, partial)
	if err != nil {
		return nil, err
	}
	all := append(before, fresh...)
	full := len(all) / tileWidth
	err = tx.Insert("ledger_tile", []string{"level", "n", "root", "data"}, full, func(i int) []any {
		tile := all[i*tileWidth : (i+1)*tileWidth]
		root := fold(tile)
		roots = append(roots, root)
		return []any{level, first + int64(i), root[:], joinHashes(tile)}
	})
	if err != nil {
		return nil, fmt.Errorf("insert tiles of level %d: %w", level, err)
	}
	return roots, nil
}

// readHashes reads width hashes of a tile level, from the rows below it: leaf
// hashes for level 0, roots of the full tiles one level down above that.
func readHashes(q query, level int, first, width int64) ([]tlog.Hash, error) {
	if width == 0 {
		return nil, nil
	}
	text, args := `SELECT leaf_hash FROM ledger_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx`, []any{first, first + width}
	if level > 0 {
		text = `SELECT root FROM ledger_tile WHERE level = $3 AND n >= $1 AND n < $2 ORDER BY n`
		args = append(args, level-1)
	}
	rows, err := q(text, args...)
	if err != nil {
		return nil, fmt.Errorf("read hashes of level %d: %w", level, err)
	}
	defer rows.Close()
	hashes := make([]tlog.Hash, 0, width)
	for rows.Next() {
		var h []byte
		if err := rows.Scan(&h); err != nil {
			return nil, fmt.Errorf("read hashes of level %d: %w", level, err)
		}
		if len(h) != tlog.HashSize {
			return nil, fmt.Errorf("a hash of level %d behind %d is damaged", level, first)
		}
		hashes = append(hashes, tlog.Hash(h))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read hashes of level %d: %w", level, err)
	}
	if int64(len(hashes)) != width {
		return nil, fmt.Errorf("%d hashes of level %d behind %d, want %d", len(hashes), level, first, width)
	}
	return hashes, nil
}

// readTile is a full tile from its row, or a partial one from the rows below.
// A tile never changes, so that a standby has the same one or none.
func (l *Log) readTile(ctx context.Context, t tlog.Tile) (data []byte, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		if t.W == tileWidth {
			return tx.QueryRow(`SELECT data FROM ledger_tile WHERE level = $1 AND n = $2`, t.L, t.N).Scan(&data)
		}
		hashes, err := readHashes(inTx(tx), t.L, t.N*tileWidth, int64(t.W))
		data = joinHashes(hashes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tile %d/%d: %w", t.L, t.N, err)
	}
	return data, nil
}

// readBundle is the entries of a tile, each behind its length.
func (l *Log) readBundle(ctx context.Context, t tlog.Tile) (b []byte, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		b, err = bundleIn(tx, t)
		return err
	})
	return b, err
}

func bundleIn(tx *sqldb.Tx, t tlog.Tile) ([]byte, error) {
	first := t.N * tileWidth
	rows, err := tx.Query(`SELECT leaf FROM ledger_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx`, first, first+int64(t.W))
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	defer rows.Close()
	var b []byte
	n := 0
	for ; rows.Next(); n++ {
		var leaf []byte
		if err := rows.Scan(&leaf); err != nil {
			return nil, fmt.Errorf("read entries: %w", err)
		}
		if b, err = torchwood.AppendTileEntry(b, leaf); err != nil {
			return nil, err
		}
	}
	if rows.Err() == nil && n != t.W {
		return nil, errors.New("read entries: some are missing")
	}
	return b, rows.Err()
}

// hashReader reads the hashes of a tree and checks them against its root, so
// that a damaged row gives an error and never a wrong proof.
func (l *Log) hashReader(ctx context.Context, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, tileReader{l, ctx})
}

type tileReader struct {
	log *Log
	ctx context.Context
}

func (r tileReader) Height() int { return torchwood.TileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if data[i], err = r.log.readTile(r.ctx, t); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
