package audit

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"
)

// An edge is the partial tiles of a tree, by level: together they give its
// root. A level without one has none.
type edge []edgeTile

type edgeTile struct {
	tile   tlog.Tile
	hashes []tlog.Hash
}

// edgeOf says which partial tiles a tree of that size has.
func edgeOf(size int64) (e edge) {
	for level := 0; size > 0; level, size = level+1, size/tileWidth {
		e = append(e, edgeTile{tile: hashTile(level, size/tileWidth, int(size%tileWidth))})
	}
	return e
}

// root folds the tiles, the lowest first: what lies right of the subtrees of
// one level is the last child of the next.
func (e edge) root() tlog.Hash {
	var below []tlog.Hash
	for _, t := range e {
		all := append(append(make([]tlog.Hash, 0, len(t.hashes)+1), t.hashes...), below...)
		if len(all) > 0 {
			below = []tlog.Hash{root(all)}
		}
	}
	return root(below)
}

// readEdge reads the edge of a tree and makes sure that it gives the root. The
// tiles that do not fit are found by what lies below them. Without problems it
// is the edge; with one about the checkpoint it is the edge of another tree.
func readEdge(ctx context.Context, src Source, tree tlog.Tree) (edge, []*Problem) {
	e := edgeOf(tree.N)
	var problems []*Problem
	for i, t := range e {
		if t.tile.W == 0 {
			continue
		}
		hashes, p := readHashes(ctx, src, t.tile)
		if p != nil {
			if problems = append(problems, p); p.Unread {
				return nil, problems
			}
			if hashes = childRoots(ctx, src, t.tile); hashes == nil {
				hashes = make([]tlog.Hash, t.tile.W)
			}
		}
		e[i].hashes = hashes
	}
	if e.root() == tree.Hash {
		return e, problems
	}
	return e.mend(ctx, src, tree, problems)
}

// mend looks for the tiles of the edge because of which it gives another root.
func (e edge) mend(ctx context.Context, src Source, tree tlog.Tree, problems []*Problem) (edge, []*Problem) {
	other := append(edge(nil), e...)
	var differ []int
	for i, t := range e {
		if t.tile.W == 0 {
			continue
		}
		if below := childRoots(ctx, src, t.tile); below != nil && firstDifference(below, t.hashes) >= 0 {
			other[i].hashes = below
			differ = append(differ, i)
		}
	}
	try := [][]int{differ}
	for _, i := range differ {
		try = append(try, []int{i})
	}
	for _, these := range try {
		mended := append(edge(nil), e...)
		for _, i := range these {
			mended[i].hashes = other[i].hashes
		}
		if mended.root() != tree.Hash {
			continue
		}
		for _, i := range these {
			t := e[i].tile
			problems = append(problems, damagedHash(t, firstDifference(e[i].hashes, mended[i].hashes)))
		}
		return mended, problems
	}
	return e, append(problems, damaged("checkpoint", "the log's tiles do not give the root that it names"))
}

// childRoots is what the hashes of a tile should be by what lies below it; nil
// where that cannot be read.
func childRoots(ctx context.Context, src Source, t tlog.Tile) []tlog.Hash {
	if t.L == 0 {
		leaves, _, p := readBundle(ctx, src, t.N, t.W)
		if p != nil {
			return nil
		}
		hashes, _ := leafHashes(nil, leaves)
		return hashes
	}
	hashes := make([]tlog.Hash, t.W)
	for i := range hashes {
		below, p := readHashes(ctx, src, hashTile(t.L-1, t.N*tileWidth+int64(i), tileWidth))
		if p != nil {
			return nil
		}
		hashes[i] = root(below)
	}
	return hashes
}

func leafHashes(buf []byte, leaves [][]byte) ([]tlog.Hash, []byte) {
	hashes := make([]tlog.Hash, len(leaves))
	for i, leaf := range leaves {
		hashes[i], buf = leafHash(buf, leaf)
	}
	return hashes, buf
}

// firstDifference is the first place where two lists of one length differ, or -1.
func firstDifference(a, b []tlog.Hash) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
