package statuslist

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// Most is how many lists a cache keeps where nobody says otherwise: of 64 KiB
// each at the very most.
const Most = 64

// A Cache keeps lists of other houses for as long as each says that a copy may
// be used, and no longer than until the house learns that their issuer has done
// something: an event on the ledger empties it of all that this issuer signed
// before. A list that cannot be had then is an error, never the old one.
type Cache struct {
	// Fetch brings a list as its issuer serves it now, its signature checked.
	Fetch func(ctx context.Context, issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error)
	// Event is a word for all that the house has heard of an issuer from the
	// ledger: another word means that there was an event. It asks nobody outside.
	Event func(ctx context.Context, issuer credentials.DID) (string, error)
	Now   func() time.Time
	Most  int // Most where 0

	mu    sync.Mutex
	heard map[credentials.DID]string // by which the lists were fetched
	kept  map[listAt]keptList
}

type listAt struct {
	issuer  credentials.DID
	url     string
	purpose credentials.StatusPurpose
}

type keptList struct {
	list  *credentials.SignedList
	until time.Time
}

// List is the list of an entry: the one that is kept, or else the issuer's of
// this moment. Whether it is current enough for a credential is for the policy.
func (c *Cache) List(ctx context.Context, issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
	event, err := c.Event(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("what its issuer has done since is not known: %w", err)
	}
	at := listAt{issuer, entry.Credential, entry.Purpose}
	if l := c.keptAt(at, event); l != nil {
		return l, nil
	}
	asked := c.Now()
	l, err := c.Fetch(ctx, issuer, entry)
	if err != nil {
		return nil, err
	}
	c.keep(at, event, l, l.KeepUntil(asked))
	return l, nil
}

// keptAt is what is kept, after an event nothing of its issuer's.
func (c *Cache) keptAt(at listAt, event string) *credentials.SignedList {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush(at.issuer, event)
	k, ok := c.kept[at]
	if !ok || !c.Now().Before(k.until) {
		delete(c.kept, at)
		return nil
	}
	return k.list
}

func (c *Cache) flush(issuer credentials.DID, event string) {
	if c.kept == nil {
		c.kept, c.heard = map[listAt]keptList{}, map[credentials.DID]string{}
	}
	if c.heard[issuer] == event {
		return
	}
	for at := range c.kept {
		if at.issuer == issuer {
			delete(c.kept, at)
		}
	}
	c.heard[issuer] = event
}

// keep keeps a list that was asked for after an event, unless another one was
// heard of meanwhile: it may be from before that.
func (c *Cache) keep(at listAt, event string, l *credentials.SignedList, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard[at.issuer] != event || !c.Now().Before(until) {
		return
	}
	most := c.Most
	if most == 0 {
		most = Most
	}
	for len(c.kept) >= most {
		c.drop()
	}
	c.kept[at] = keptList{l, until}
}

// drop lets go of the list that ends first.
func (c *Cache) drop() {
	var first listAt
	for at, k := range c.kept {
		if first.url == "" || k.until.Before(c.kept[first].until) {
			first = at
		}
	}
	delete(c.kept, first)
}
