package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// keyRotate hands a party over to its next key. Its steps are made, prepared
// key, entry, promoted key; each finds what an attempt before has left.
func (r *run) keyRotate(c *urfave.Context) error {
	if inModule(c) {
		return refused(commandName(c), "a key in a module cannot be replaced yet", "a new key there is a new party: have its DID admitted")
	}
	store, err := r.keyStore(c, false)
	if err != nil {
		return err
	}
	name := c.Args().First()
	old, err := store.Signer(name)
	if err != nil {
		return refused("open keys", err.Error(), "see countersign key list")
	}
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	registry, err := l.registry(c.Context)
	if err != nil {
		return err
	}
	_, _, standing := registry.Current(old.KeyID())
	if errors.Is(standing, ledger.ErrUnknownIssuer) {
		return refused(commandName(c), "the ledger does not know this key, so that there is nothing to hand over",
			"make another with countersign key create, and give its DID to those who know this one")
	}
	next, err := store.Prepare(name)
	if err != nil {
		return refused(commandName(c), err.Error(), "")
	}
	ctx, cancel := context.WithTimeout(c.Context, max(c.Duration("wait"), time.Second))
	defer cancel()
	if standing == nil {
		if err := l.handOver(ctx, old, next, r.now()); err != nil {
			return err
		}
		if registry, err = l.registry(c.Context); err != nil {
			return err
		}
	}
	party, err := registry.PartyOf(issuerOf(old))
	if err != nil {
		return caught(commandName(c), err, "")
	}
	if party.Kid() != next.KeyID() {
		return refused(commandName(c), "the ledger has this key handed over to another one, "+party.Kid(), "use the key store that holds that; if it is not yours, call the founders")
	}
	if err := store.Promote(name, next.KeyID()); err != nil {
		return fmt.Errorf("key rotate: %w", err)
	}
	return r.tellHandover(c, l, name, party, old)
}

func issuerOf(s credentials.Signer) credentials.DID {
	did, _, _ := credentials.ParseKeyID(s.KeyID()) // the key store has checked it
	return did
}

// handOver records the handover, unless one from this key was sent before, and
// waits until it is final.
func (l *reader) handOver(ctx context.Context, old, next credentials.Signer, now time.Time) error {
	business := "hand over " + old.KeyID()
	index, err := l.Lookup(ctx, issuerOf(old), business)
	if errors.Is(err, ledgerclient.ErrNotFound) {
		var h ledger.Handover
		if h, err = ledger.NewHandover(l.trust.Genesis, old, next); err != nil {
			return err
		}
		var e ledger.Entry
		if e, err = h.Entry(); err != nil {
			return err
		}
		e.Effective = now
		if e, err = e.Sign(old); err != nil {
			return err
		}
		var at ledgerclient.Appended
		at, err = l.Append(ctx, business, e)
		index = at.Index
		// Another copy of the key store may have sent one at the same time: the
		// first stands.
		if ledgerclient.Permanent(err) {
			if first, no := l.Lookup(ctx, issuerOf(old), business); no == nil {
				index, err = first, nil
			}
		}
	}
	if err != nil {
		return err
	}
	return l.final(ctx, "key rotate", index)
}

func (r *run) tellHandover(c *urfave.Context, l *reader, name string, party ledger.Party, old credentials.Signer) error {
	all, err := l.Subject(c.Context, ledger.HandoverHandle(party.DID, party.Key))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return later("key rotate", "the ledger does not show the handover", "the key is replaced; see countersign ledger participants")
	}
	files := dossier.Files{}
	files.Receipt(all[0].Entry.Subject, all[0].Leaf, all[0].Receipt)
	if err := write(files, c.String("out")); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"name": name, "did": party.DID, "keyId": party.Kid(), "retired": old.KeyID(), "index": all[0].Proof.Index})
	}
	_, err = fmt.Fprintf(r.Out, "handed over  %s, by entry %d\nDID          %s\nkey id       %s\nStart whatever signs with it again: what the old key signs from now on is refused.\n",
		name, all[0].Proof.Index, party.DID, party.Kid())
	return err
}
