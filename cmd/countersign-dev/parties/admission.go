package parties

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// listedWithin bounds how long the ledger may take to list what it has: after a
// start it lists nothing before its witnesses have countersigned anew.
const listedWithin = 2 * time.Minute

// admit has the founders let the newcomers in, and brings each party's key store
// to where the ledger is: a key may have been replaced while dev ran, or half.
// Done twice, it is done once.
func (n *Network) admit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listedWithin)
	defer cancel()
	g, err := ledger.ParseGenesis(n.Genesis)
	if err != nil {
		return err
	}
	registry, err := ledger.NewRegistry(g)
	if err != nil {
		return err
	}
	a := &admitting{Network: n, genesis: g, registry: registry, line: ledgerclient.New(n.LedgerURL, n.Policy, nil)}
	for _, name := range slices.Concat(founders, n.otherBoards(), []string{Reviewer}) {
		err := a.letIn(ctx, name)
		if err == nil {
			err = a.follow(ctx, name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

type admitting struct {
	*Network
	genesis  *ledger.Genesis
	registry *ledger.Registry
	line     *ledgerclient.Client
}

// until reads the participants again and again until something is done. What
// the ledger does not list yet may be on its way.
func (a *admitting) until(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		_, err := a.line.Participants(ctx, a.registry)
		if err == nil {
			var ok bool
			if ok, err = done(); ok || err != nil && !retried(err) {
				return err
			}
		}
		if err != nil && ledgerclient.Permanent(err) {
			return fmt.Errorf("read participants: %w", err)
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return fmt.Errorf("wait for the ledger to list %s: %w", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// An unanswered question to the ledger is put again.
type unanswered struct{ error }

func retried(err error) bool {
	var u unanswered
	return errors.As(err, &u)
}

// onLedger looks for an entry of a party by its business key.
func (a *admitting) onLedger(ctx context.Context, name, business string) (index int64, found bool, err error) {
	index, err = a.line.Lookup(ctx, a.DIDs[name], business)
	switch {
	case errors.Is(err, ledgerclient.ErrNotFound):
		return 0, false, nil
	case err != nil && !ledgerclient.Permanent(err):
		err = unanswered{err}
	}
	return index, err == nil, err
}

// letIn records a newcomer's admission, once: a second one would have other
// bytes where a founder's key was replaced since.
func (a *admitting) letIn(ctx context.Context, name string) error {
	if slices.Contains(founders, name) {
		return nil
	}
	business := "admit " + string(a.DIDs[name])
	return a.until(ctx, "its admission", func() (bool, error) {
		if _, err := a.registry.PartyOf(a.DIDs[name]); err == nil {
			return true, nil
		}
		if _, found, err := a.onLedger(ctx, name, business); err != nil || found {
			return false, err
		}
		return false, a.admission(ctx, name, business)
	})
}

func (a *admitting) admission(ctx context.Context, name, business string) error {
	p := a.Party(name)
	said := ledger.Admission{Party: p}
	for _, founder := range founders[:admission] {
		ok, err := ledger.Approve(a.Trust.Genesis, p, a.keys.party[founder])
		if err != nil {
			return err
		}
		said.Approvals = append(said.Approvals, ok)
	}
	e, err := said.Entry()
	if err != nil {
		return err
	}
	e.Effective = a.genesis.Created
	if e, err = e.Sign(a.keys.party[name]); err != nil {
		return err
	}
	at, err := a.line.Append(ctx, business, e)
	if err != nil {
		return err
	}
	_, _, err = a.line.Await(ctx, at.Index, e.Marshal())
	return err
}

// follow brings a party's key to the one that the ledger lists: it waits for a
// handover that is on its way there, and does the key store's part of one that
// was cut off behind it.
func (a *admitting) follow(ctx context.Context, name string) error {
	return a.until(ctx, "its key of today", func() (bool, error) {
		p, err := a.registry.PartyOf(a.DIDs[name])
		if err != nil {
			return false, err
		}
		kid := a.keys.party[name].KeyID()
		if kid == p.Kid() {
			return a.keeps(ctx, name, kid)
		}
		_, _, err = a.registry.Current(kid)
		switch {
		case errors.Is(err, ledger.ErrRetired):
			return false, a.promote(name, p.Kid())
		case errors.Is(err, ledger.ErrUnknownIssuer):
			return false, nil // the key store is ahead of what is listed
		}
		return false, err
	})
}

// keeps says whether a key stays its party's: no handover from it is on its way
// to being listed.
func (a *admitting) keeps(ctx context.Context, name, kid string) (bool, error) {
	index, found, err := a.onLedger(ctx, name, "hand over "+kid)
	if err != nil || !found {
		return !found, err
	}
	if _, err := a.line.Entry(ctx, index); err != nil {
		if !ledgerclient.Permanent(err) {
			err = unanswered{err}
		}
		return false, err
	}
	if _, err := a.line.Participants(ctx, a.registry); err != nil {
		return false, unanswered{err}
	}
	p, err := a.registry.PartyOf(a.DIDs[name])
	return err == nil && p.Kid() == kid, err // final and not listed: it is void
}

// promote does what "key rotate" does last.
func (a *admitting) promote(name, kid string) error {
	ks, err := a.KeyStore(name)
	if err != nil {
		return err
	}
	err = ks.Promote(name, kid)
	if errors.Is(err, aries.ErrNotPrepared) {
		return fmt.Errorf("%s signs with %s, but the ledger lists %s as its key now: put the key store back that holds that one, or begin anew with another data folder",
			a.Keys(name), a.keys.party[name].KeyID(), kid)
	}
	if err != nil {
		return err
	}
	a.keys.party[name], err = ks.Signer(name)
	return err
}
