package cli

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/standing"
	"github.com/countersign-health/countersign/vcalm"
)

// insurerOf is a house that asks the gateway of an insurer whether a decision
// still stands. It needs no key: the lists are public, and who shows a decision
// may know what has followed it.
func (r *run) insurerOf(c *urfave.Context, token string) (*vcalm.House, error) {
	gateway, err := given(c, "gateway", "COUNTERSIGN_GATEWAY")
	if err != nil {
		return nil, err
	}
	if err := checkURL(c, "gateway", gateway); err != nil {
		return nil, err
	}
	gateway = strings.TrimSuffix(gateway, "/")
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	client := httpClient("gateway")
	proofs, err := standing.Ledger(c.Context, client, gateway)
	if err != nil {
		return nil, fmt.Errorf("ask which ledger the insurer stands on: %w", err)
	}
	p := pinned{trust: *trust}
	if err := p.hold(proofs, "the insurer", "--gateway"); err != nil {
		return nil, err
	}
	receipts := dossier.Files{}
	if dir := c.String("dir"); dir != "" {
		if receipts, err = dossier.Read(dir); err != nil {
			return nil, refused(commandName(c), err.Error(), "check --dir")
		}
	}
	lists := &statusLists{http: client, door: gateway, keys: p.keys}
	return &vcalm.House{Whose: p.registry.Key, Now: r.now,
		Place: func(_ context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Position, error) {
			leaf, receipt := receipts.ReceiptOf(e.Handle)
			if len(receipt) == 0 {
				return credentials.Unplaced, nil
			}
			proof, entry, err := p.place(e.Handle, document, leaf, receipt)
			if err != nil {
				return 0, caught("check ledger entry", err, "check --dir")
			}
			return ledger.PlaceOf(proof.Index, entry, e.KeyID), nil
		},
		List: func(ctx context.Context, _ credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
			f := lists.fetch(ctx, entry.Credential)
			return f.list, f.err
		},
		FollowedBy: func(ctx context.Context, _ *credentials.Envelope, _ credentials.Digest) (credentials.Handle, error) {
			h, err := api.SupersededBy(ctx, client, gateway, token)
			if err != nil {
				return credentials.Handle{}, nil // that it was superseded is known all the same
			}
			return h, nil
		}}, nil
}
