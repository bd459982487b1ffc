package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
)

// A LedgerLine is a house's line to the ledger: it records entries and knows
// the participants. It believes nothing that the receipts do not prove.
type LedgerLine struct {
	client *client.Client

	genesis  *ledger.Genesis
	registry *ledger.Registry

	mu       sync.Mutex
	admitted []client.Proven
	asked    time.Time // when the last reading of the participants began
	failed   time.Time // when the last one failed that PartyKeys began
}

// askAgain keeps strangers from making the house ask the ledger at will.
const askAgain = time.Second

// readAgain bounds how long a key that was handed over is still taken here.
const readAgain = 10 * time.Second

// OpenLedger reads the participants of the ledger at base.
func OpenLedger(ctx context.Context, base string, g *ledger.Genesis) (*LedgerLine, error) {
	policy, err := g.Policy()
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	registry, err := ledger.NewRegistry(g)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &LedgerLine{client: client.New(base, policy, nil), genesis: g, registry: registry}
	if err := l.read(ctx); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

// Date is what the operator's clock said last.
func (l *LedgerLine) Date() client.Date { return l.client.Date() }

// Client is the line's own client.
func (l *LedgerLine) Client() *client.Client { return l.client }

// Append records an entry under a business key.
func (l *LedgerLine) Append(ctx context.Context, businessKey string, e ledger.Entry) (int64, error) {
	a, err := l.client.Append(ctx, businessKey, e)
	if err != nil && client.Permanent(err) {
		if errors.Is(err, ledger.ErrRetired) {
			return a.Index, ledger.ErrRetired // recording signs anew
		}
		err = fmt.Errorf("%w: %w", activities.ErrRefused, err)
	}
	return a.Index, err
}

// AwaitFinal waits for the receipt of an entry.
func (l *LedgerLine) AwaitFinal(ctx context.Context, index int64, e ledger.Entry) ([]byte, error) {
	receipt, _, err := l.client.Await(ctx, index, e.Marshal())
	return receipt, err
}

// AppendAll records entries, each under its business key, in their order.
func (l *LedgerLine) AppendAll(ctx context.Context, businessKeys []string, all []ledger.Entry) ([]int64, error) {
	indices, err := l.client.AppendAll(ctx, businessKeys, all)
	if err != nil && client.Permanent(err) && !errors.Is(err, ledger.ErrRetired) {
		err = fmt.Errorf("%w: %w", activities.ErrRefused, err)
	}
	return indices, err
}

// AwaitAll waits for the receipts of entries, as many as become final with the
// first.
func (l *LedgerLine) AwaitAll(ctx context.Context, indices []int64, all []ledger.Entry) ([][]byte, error) {
	return l.client.AwaitAll(ctx, indices, all)
}

// Own lists what a party has recorded from an index on, and how many entries
// are final. Void entries are not its own. Participants are left out: a party's
// admission is in nobody's books.
func (l *LedgerLine) Own(ctx context.Context, did credentials.DID, from int64) (own []books.OwnEntry, size int64, err error) {
	type found struct {
		index int64
		leaf  []byte
		ledger.Entry
	}
	var claimed []found
	size, err = l.client.Log(ctx, from, func(index int64, leaf []byte, e ledger.Entry) error {
		if e.Kind != ledger.KindParticipant && e.Kind != ledger.KindGenesis && e.Issuer() == did {
			claimed = append(claimed, found{index, leaf, e})
		}
		return nil
	})
	if err != nil || len(claimed) == 0 {
		return nil, size, err
	}
	l.mu.Lock() // the party may have a new key since
	err = l.read(ctx)
	l.mu.Unlock()
	if err != nil {
		return nil, size, err
	}
	for _, e := range claimed {
		if l.registry.CheckAt(e.index, e.Entry) == nil {
			own = append(own, books.OwnEntry{Document: e.Subject, Kind: e.Kind.String(), Index: e.index, Effective: e.Effective, Digest: e.Document, Entry: e.leaf})
		}
	}
	return own, size, nil
}

// Find is the index of what a party has recorded under its name for an event;
// false where it has not.
func (l *LedgerLine) Find(ctx context.Context, did credentials.DID, event string) (index int64, found bool, err error) {
	index, err = l.client.Lookup(ctx, did, event)
	if errors.Is(err, client.ErrNotFound) {
		return 0, false, nil
	}
	return index, err == nil, err
}

// Who names the admitted party that signs with a key now. It reads every few
// seconds whether a key was handed over; where the ledger does not answer, it
// says what it knows. A key that it does not know it refuses only after a
// reading that began after the question, for the key may be of a moment ago:
// that takes askAgain at most, and the reading.
func (l *LedgerLine) Who(kid string) (credentials.Key, ledger.Party, error) {
	if l.mu.TryLock() {
		if time.Since(l.asked) > readAgain {
			l.ask()
		}
		l.mu.Unlock()
	}
	began := time.Now()
	for {
		key, party, err := l.find(kid, l.registry.Current)
		if !errors.Is(err, ledger.ErrUnknownIssuer) {
			return key, party, err
		}
		l.mu.Lock()
		wait := askAgain - time.Since(l.asked)
		done := !l.asked.Before(began)
		l.mu.Unlock()
		if done {
			return key, party, err
		}
		time.Sleep(wait + time.Millisecond)
	}
}

// Whose is Who for documents that may be older than a handover: it names the
// party that signs, or has signed, with a key.
func (l *LedgerLine) Whose(kid string) (credentials.Key, ledger.Party, error) {
	return l.find(kid, l.registry.Key)
}

// Bad are the keys that were declared bad, as far as the ledger was read.
func (l *LedgerLine) Bad() []ledger.PartyKey { return l.registry.Bad() }

// PartyKeys are the keys that a party has or had. It reads what is new every
// second, for a house asks by it whether its own key is still good; where the
// ledger does not answer, it says what it knows.
func (l *LedgerLine) PartyKeys(did credentials.DID) ([]ledger.PartyKey, error) {
	if l.mu.TryLock() {
		if time.Since(l.asked) > askAgain && time.Since(l.failed) > readAgain {
			if l.ask() != nil {
				l.failed = time.Now()
			}
		}
		l.mu.Unlock()
	}
	return l.registry.Keys(did)
}

// ReadParticipants asks the ledger who was let in, handed over or declared bad
// since, and says how far it is known then: the index of the newest such entry.
func (l *LedgerLine) ReadParticipants(ctx context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.read(ctx)
	return l.registry.Highest(), err
}

// ResolveKey is Whose as a credentials.ResolveKey.
func (l *LedgerLine) ResolveKey(kid string) (credentials.Key, error) {
	key, _, err := l.Whose(kid)
	return key, err
}

// find looks a key up. One that is not known may have been admitted since the
// participants were last read, so it asks again.
func (l *LedgerLine) find(kid string, in func(string) (credentials.Key, ledger.Party, error)) (credentials.Key, ledger.Party, error) {
	key, party, err := in(kid)
	if err == nil || !errors.Is(err, ledger.ErrUnknownIssuer) {
		return key, party, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.asked) > askAgain {
		if err := l.ask(); err != nil {
			return credentials.Key{}, party, err
		}
	}
	return in(kid)
}

// ask reads the participants, but not more often than it should. The caller
// holds mu.
func (l *LedgerLine) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	began := time.Now()
	err := l.read(ctx)
	if err == nil {
		l.asked = began
	} else {
		l.asked = time.Now().Add(askAgain - readAgain) // so Who does not ask each time
	}
	return err
}

// read brings the participants up to date; the caller holds mu, or is alone.
func (l *LedgerLine) read(ctx context.Context) error {
	news, err := l.client.Participants(ctx, l.registry)
	l.admitted = append(l.admitted, news...)
	return err
}

// Proofs are leaf 0 and the entries that admitted the participants, each with
// its receipt, by their place in a dossier. Where the ledger does not answer,
// they are those that were known before.
func (l *LedgerLine) Proofs(ctx context.Context) dossier.Files {
	f := dossier.Files{}
	f.Genesis(l.genesis.MarshalLeaf())
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.asked) > askAgain {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		l.asked = time.Now()
		l.read(ctx) // what is missing, the caller finds missing
	}
	for _, p := range l.admitted {
		f.Receipt(p.Entry.Subject, p.Leaf, p.Receipt)
	}
	return f
}

// Check verifies a receipt against the entry that the ledger holds at index.
func (l *LedgerLine) Check(ctx context.Context, index int64, receipt []byte) ([]byte, ledger.Entry, error) {
	proven, err := l.client.Entry(ctx, index)
	if err != nil {
		return nil, ledger.Entry{}, err
	}
	r, err := ledger.ParseReceipt(receipt)
	if err != nil {
		return nil, ledger.Entry{}, err
	}
	proof, err := r.Verify(l.client.Policy(), proven.Leaf)
	if err != nil {
		return nil, ledger.Entry{}, err
	}
	if proof.Index != index {
		return nil, ledger.Entry{}, fmt.Errorf("the receipt is of entry %d, not %d", proof.Index, index)
	}
	return proven.Leaf, proven.Entry, l.registry.CheckAt(index, proven.Entry)
}
