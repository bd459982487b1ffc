package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

const tileWidth = torchwood.TileWidth

func hashTile(level int, n int64, width int) tlog.Tile {
	return tlog.Tile{H: torchwood.TileHeight, L: level, N: n, W: width}
}

// pathOf is a tile's path; level -1 is the bundle of entries.
func pathOf(level int, n int64, width int) string {
	return torchwood.TilePath(hashTile(level, n, width))
}

// A Problem is one resource that does not fit, or could not be read.
type Problem struct {
	Resource string `json:"resource"`        // its path, as in tile/entries/x001/234
	Entry    *int64 `json:"entry,omitempty"` // the index of an entry, where it is one alone
	Detail   string `json:"detail"`
	// Unread says that it could not be read now, which proves nothing.
	Unread bool `json:"unread,omitempty"`
}

// Error makes a Problem an error of those who need a log that is whole.
func (p *Problem) Error() string {
	if p.Entry != nil {
		return fmt.Sprintf("%s: entry %d: %s", p.Resource, *p.Entry, p.Detail)
	}
	return p.Resource + ": " + p.Detail
}

func damaged(resource string, detail string) *Problem {
	return &Problem{Resource: resource, Detail: detail}
}

func damagedEntry(resource string, index int64, detail string) *Problem {
	return &Problem{Resource: resource, Entry: &index, Detail: detail}
}

func unread(resource string, err error) *Problem {
	if errors.Is(err, fs.ErrNotExist) {
		return damaged(resource, "it is missing")
	}
	return &Problem{Resource: resource, Detail: "it cannot be read: " + err.Error(), Unread: true}
}

// readHashes is the tile's hashes. A log may have dropped a partial tile once
// the full one is there (c2sp.org/tlog-tiles).
func readHashes(ctx context.Context, src Source, t tlog.Tile) ([]tlog.Hash, *Problem) {
	path := torchwood.TilePath(t)
	b, err := src.Read(ctx, path)
	if errors.Is(err, fs.ErrNotExist) && t.W < tileWidth {
		if full, err2 := src.Read(ctx, pathOf(t.L, t.N, tileWidth)); err2 == nil && len(full) == tileWidth*tlog.HashSize {
			b, err = full[:t.W*tlog.HashSize], nil
		}
	}
	if err != nil {
		return nil, unread(path, err)
	}
	if len(b) != t.W*tlog.HashSize {
		return nil, damaged(path, fmt.Sprintf("%d bytes, want %d", len(b), t.W*tlog.HashSize))
	}
	hashes := make([]tlog.Hash, t.W)
	for i := range hashes {
		copy(hashes[i][:], b[i*tlog.HashSize:])
	}
	return hashes, nil
}

// readBundle is the entries of a tile and the bytes that hold them.
func readBundle(ctx context.Context, src Source, n int64, width int) (leaves [][]byte, bundle []byte, p *Problem) {
	path := pathOf(-1, n, width)
	b, err := src.Read(ctx, path)
	fromFull := false
	if errors.Is(err, fs.ErrNotExist) && width < tileWidth {
		if full, err2 := src.Read(ctx, pathOf(-1, n, tileWidth)); err2 == nil {
			b, err, fromFull = full, nil, true
		}
	}
	if err != nil {
		return nil, nil, unread(path, err)
	}
	rest := b
	leaves = make([][]byte, width)
	for i := range leaves {
		if leaves[i], rest, err = torchwood.ReadTileEntry(rest); err != nil {
			return nil, nil, damagedEntry(path, n*tileWidth+int64(i), "the bundle ends before it")
		}
	}
	if len(rest) > 0 && !fromFull {
		return nil, nil, damaged(path, fmt.Sprintf("%d bytes too many behind its %d entries", len(rest), width))
	}
	return leaves, b[:len(b)-len(rest)], nil
}

func joinHashes(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// nodeHash and leafHash are RFC 6962's, without garbage: they are most of the work.
func nodeHash(left, right tlog.Hash) tlog.Hash {
	var b [1 + 2*tlog.HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+tlog.HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// leafHash uses buf, which has room for a leaf and its prefix, and returns it
// for the next.
func leafHash(buf []byte, leaf []byte) (tlog.Hash, []byte) {
	buf = append(append(buf[:0], 0), leaf...)
	return sha256.Sum256(buf), buf
}

// root is the root of the tree over hashes, each of a perfect subtree of one
// size; the last may be of a smaller tree (RFC 6962, section 2.1).
func root(hashes []tlog.Hash) tlog.Hash {
	switch len(hashes) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return hashes[0]
	}
	k := 1
	for k*2 < len(hashes) {
		k *= 2
	}
	return nodeHash(root(hashes[:k]), root(hashes[k:]))
}
