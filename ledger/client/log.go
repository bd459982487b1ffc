package client

import (
	"context"
	"fmt"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// logWithin is how long one tile may take: a ledger that is away should be
// heard of now, and whoever reads asks again.
const logWithin = 30 * time.Second

// Log hands every final entry from an index on to f, in order, and returns how
// many entries are final. Unlike the lists it is whole: everything is checked
// against the tree that a quorum has countersigned, so that the operator can
// neither add nor leave out anything. What is no entry of this release is
// passed over. Whether an issuer may say such things is for Registry.CheckAt.
func (c *Client) Log(ctx context.Context, from int64, f func(index int64, leaf []byte, e ledger.Entry) error) (size int64, err error) {
	head, _, err := c.Head(ctx)
	if err != nil {
		return 0, err
	}
	if from >= head.Size {
		return head.Size, nil
	}
	tiles, err := torchwood.NewTileFetcher(c.base, torchwood.WithHTTPClient(c.http), torchwood.WithConcurrencyLimit(8))
	if err != nil {
		return 0, fmt.Errorf("read ledger: %w", err)
	}
	log, err := torchwood.NewClient(tiles, torchwood.WithTimeout(logWithin))
	if err != nil {
		return 0, fmt.Errorf("read ledger: %w", err)
	}
	next := from
	for index, leaf := range log.AllEntries(ctx, tlog.Tree{N: head.Size, Hash: head.Root}, from) {
		next = index + 1
		e, err := ledger.ParseEntry(leaf)
		if err != nil {
			continue
		}
		if err := f(index, leaf, e); err != nil {
			return 0, err
		}
	}
	if err := log.Err(); err != nil {
		return 0, fmt.Errorf("read ledger from entry %d on: %w", next, err)
	}
	if next != head.Size {
		return 0, fmt.Errorf("read ledger: it ends at entry %d of %d", next, head.Size)
	}
	return head.Size, nil
}
