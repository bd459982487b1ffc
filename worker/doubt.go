package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
)

// doubts says by which declarations the books were judged last.
type doubts struct {
	mu     sync.Mutex
	judged bool
	upTo   int64
}

// judgeAnew holds what the books have of the boards against the keys that were
// declared bad since: what was signed behind such a place is in doubt from here
// on, and what the founders have cleared is not. It asks the ledger each time;
// where that does not answer, it goes by what is known.
func (i *Insurer) judgeAnew(ctx context.Context) error {
	upTo, err := i.Ledger.ReadParticipants(ctx)
	if err != nil && ctx.Err() == nil {
		i.Log.Warn("read whose keys were declared bad", "error", err.Error())
	}
	i.doubts.mu.Lock()
	defer i.doubts.mu.Unlock()
	if i.doubts.judged && i.doubts.upTo == upTo {
		return nil
	}
	bad := i.Ledger.Bad()
	first, err := i.Books.FirstDoubt(ctx)
	if err != nil {
		return fmt.Errorf("judge what boards said: %w", err)
	}
	for _, k := range bad {
		if from := int64(k.Key.BadFrom); first == 0 || from < first {
			first = from
		}
	}
	if first != 0 {
		if err := i.judgeFrom(ctx, first-1, bad); err != nil {
			return err
		}
	}
	i.doubts.judged, i.doubts.upTo = true, upTo
	return nil
}

// judgeFrom judges what stands behind a place on the ledger.
func (i *Insurer) judgeFrom(ctx context.Context, after int64, bad []ledger.PartyKey) error {
	const atOnce = 1000
	for {
		words, err := i.Books.BoardWords(ctx, after, atOnce)
		if err != nil {
			return err
		}
		var changed []store.BoardWord
		for _, w := range words {
			after = w.Index
			e, err := ledger.ParseEntry(w.Entry)
			if err != nil {
				return fmt.Errorf("judge what boards said: %w", err)
			}
			if d := doubtBy(bad, w.Index, e, w.Token); d != w.Doubt {
				w.Doubt = d
				changed = append(changed, w)
			}
		}
		if err := i.Books.SetDoubt(ctx, changed); err != nil {
			return err
		}
		if len(changed) > 0 {
			i.Log.Warn("keys of boards were declared bad, or cleared: nothing is paid on what they signed there", "licenses and orders", len(changed))
		}
		if len(words) < atOnce {
			return nil
		}
	}
}

// doubt is the declaration by which what a board said at a place on the ledger
// is in doubt, zero where none is: a bad key signed the entry, which is bad, or
// the document in it, of which nobody knows whether it is older.
func (i *Insurer) doubt(index int64, e ledger.Entry, token string) credentials.Handle {
	return doubtBy(i.Ledger.Bad(), index, e, token)
}

func doubtBy(bad []ledger.PartyKey, index int64, e ledger.Entry, token string) credentials.Handle {
	_, kid, _, _ := credentials.Peek(token) // its proof was checked when it was heard
	n := slices.IndexFunc(bad, func(k ledger.PartyKey) bool {
		return int64(k.Key.BadFrom) <= index && (k.KeyID == e.KeyID || k.KeyID == kid)
	})
	if n < 0 {
		return credentials.Handle{}
	}
	return bad[n].Declaration
}

// wakeDoubted has the contracts on a license decide anew after its board's word
// came into doubt, or was cleared.
func (i *Insurer) wakeDoubted(ctx context.Context) error {
	list, err := i.Books.DoubtsToPassOn(ctx)
	if err != nil {
		return fmt.Errorf("list doubts: %w", err)
	}
	for _, w := range list {
		if err := i.tellLicense(ctx, w.License, w.Handle); err != nil {
			return fmt.Errorf("pass doubt on: %w", err)
		}
		if err := i.Books.DoubtPassedOn(ctx, w.License); err != nil {
			return fmt.Errorf("mark doubt: %w", err)
		}
	}
	return nil
}

// wakeReplaced has what pends on a doubt looked at again when licenses come in:
// a board issues anew what its stolen key has signed.
func (i *Insurer) wakeReplaced(ctx context.Context, events []store.Heard) error {
	if len(i.Ledger.Bad()) == 0 || !slices.ContainsFunc(events, func(e store.Heard) bool { return e.License != nil }) {
		return nil
	}
	return i.wakeUndecided(ctx)
}
