package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/credentials/pkcs11"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// A replacer is where a key lies that gives way to the next one. It is safe to
// repeat each step after a process was killed between any two.
type replacer interface {
	// Signer is the key that is replaced, even if its Promote was cut off.
	Signer(name string) (credentials.Signer, error)
	// Prepare makes the next key of the same party, once.
	Prepare(name string) (credentials.Signer, error)
	// Promote lets the key with that id sign for the name, if it was prepared
	// here, and keeps the one before it.
	Promote(name, kid string) error
}

func (r *run) replacer(c *urfave.Context) (replacer, error) {
	if !inModule(c) {
		return r.keyStore(c, false)
	}
	m, err := r.module(c, "")
	return moduleKeys(m), err
}

// keyRotate hands a party over to its next key. Its steps are made, prepared
// key, entry, promoted key; each finds what an attempt before has left.
func (r *run) keyRotate(c *urfave.Context) error {
	keys, err := r.replacer(c)
	if err != nil {
		return err
	}
	name := c.Args().First()
	old, err := keys.Signer(name)
	if err != nil {
		return moduleFault("open keys", err, "see countersign key list")
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
	ctx, cancel := context.WithTimeout(c.Context, max(c.Duration("wait"), time.Second))
	defer cancel()
	if standing == nil {
		next, err := keys.Prepare(name)
		if err != nil {
			return refused(commandName(c), err.Error(), "")
		}
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
	// The ledger says which key follows: several processes may have prepared
	// one each at once.
	err = keys.Promote(name, party.Kid())
	if errors.Is(err, aries.ErrNotPrepared) || errors.Is(err, pkcs11.ErrNotPrepared) {
		return refused(commandName(c), "the ledger has this key handed over to another one, "+party.Kid(), "use the key store that holds that; if it is not yours, call the founders")
	}
	if err != nil {
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
