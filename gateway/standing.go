package gateway

import (
	"context"
	"fmt"
	"net/http"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/standing"
)

// standing answers by the books, for every board that the house follows. It is
// open to all, as the boards' own look-up is.
func (g *Gateway) standing() http.Handler {
	receipts := &standing.Receipts{Proofs: func(ctx context.Context) map[string][]byte { return g.Proofs(ctx) }}
	d := &standing.Door{Signer: g.Signer, Patience: g.Patience, Now: g.Now, Log: g.Log, Clock: g.Clock, Stands: g.keyStands,
		Read: func(ctx context.Context, npi credentials.NPI, state string) (r standing.Record, err error) {
			file, err := g.Books.ClinicianIn(ctx, npi, state)
			if err != nil {
				return r, err
			}
			for _, f := range file.Feeds {
				r.Feeds = append(r.Feeds, credentials.FeedMark{Board: f.Board, Position: f.Position, Read: f.Read, Fresh: !file.Doubted})
			}
			for _, d := range file.Documents {
				if err := r.Add(ctx, receipts, standing.Document{Handle: d.Handle, Order: d.Order, Token: d.Token, Entry: d.Entry, Receipt: d.Receipt}); err != nil {
					return r, fmt.Errorf("read books: %w", err)
				}
			}
			return r, nil
		}}
	return d.Handler()
}

// keyStands says why what the insurer signs now would be believed by nobody.
func (g *Gateway) keyStands() error {
	if g.PartyKeys == nil {
		return nil
	}
	keys, err := g.PartyKeys(g.Insurer)
	if err != nil {
		return nil // a ledger that does not answer has no say in it
	}
	return ledger.StandsNow(keys, g.Signer.KeyID())
}
