package audit

import (
	"context"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// treeReader reads hashes of one tree from the tiles of a log, each checked
// against its root: a wrong tile gives an error, never a wrong hash.
func treeReader(ctx context.Context, src Source, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, tileReader{ctx, src})
}

type tileReader struct {
	ctx context.Context
	src Source
}

func (r tileReader) Height() int { return torchwood.TileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		hashes, p := readHashes(r.ctx, r.src, t)
		if p != nil {
			return nil, p
		}
		data[i] = joinHashes(hashes)
	}
	return data, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// prefix is the root that the first n entries of a tree have, and the proof
// that the tree continues them.
func prefix(ctx context.Context, src Source, tree tlog.Tree, n int64) (tlog.Hash, tlog.TreeProof, error) {
	if n == 0 {
		return root(nil), nil, nil
	}
	if n == tree.N {
		return tree.Hash, nil, nil
	}
	hashes := treeReader(ctx, src, tree)
	h, err := tlog.TreeHash(n, hashes)
	if err != nil {
		return h, nil, err
	}
	proof, err := tlog.ProveTree(tree.N, n, hashes)
	return h, proof, err
}
