package operator

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// An edge is all of a tree that is needed to grow it: the roots of the perfect
// subtrees that its size falls into, the largest first. Keeping only these, at
// most 63 hashes, makes the row that every append rewrites small.
type edge []tlog.Hash

// push adds the leaf with index size.
func (e edge) push(size int64, leaf tlog.Hash) edge {
	h := leaf
	for ; size&1 == 1; size >>= 1 {
		h = tlog.NodeHash(e[len(e)-1], h)
		e = e[:len(e)-1]
	}
	return append(e, h)
}

func (e edge) root() tlog.Hash {
	if len(e) == 0 {
		h, _ := tlog.TreeHash(0, nil) // reads nothing for an empty tree
		return h
	}
	h := e[len(e)-1]
	for i := len(e) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e[i], h)
	}
	return h
}

func (e edge) marshal() []byte { return joinHashes(e) }

func joinHashes(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

func parseEdge(size int64, b []byte) (edge, error) {
	ones := 0
	for s := size; s > 0; s &= s - 1 {
		ones++
	}
	if size < 0 || len(b) != ones*tlog.HashSize {
		return nil, fmt.Errorf("the edge of a tree of %d entries cannot have %d bytes", size, len(b))
	}
	e := make(edge, 0, ones+1)
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		e = append(e, tlog.Hash(b[:tlog.HashSize]))
	}
	return e, nil
}

// fold is the root of a perfect subtree of 2^n hashes.
func fold(hashes []tlog.Hash) tlog.Hash {
	var e edge
	for i, h := range hashes {
		e = e.push(int64(i), h)
	}
	return e.root()
}
