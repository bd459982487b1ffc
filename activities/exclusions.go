package activities

import (
	"fmt"
	"sync"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
)

// parsedLists keeps the list of excluded providers that was read last: of each, the
// newest edition alone is asked.
type parsedLists struct {
	mu   sync.Mutex
	last map[string]*exclusions.List // by name
}

// of reads an edition, nil where there is none. Its content is its name, so that it
// never changes.
func (k *parsedLists) of(e *books.Edition) (*exclusions.List, error) {
	if e == nil {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.last[e.Ref.Name]; l != nil && l.Digest == e.Ref.Digest {
		return l, nil
	}
	if got := credentials.DigestOf(e.Body); got != e.Ref.Digest {
		return nil, fmt.Errorf("the list %q %q has another digest than its name says", e.Ref.Name, e.Ref.Edition)
	}
	l, err := exclusions.Parse(e.Body)
	if err != nil {
		return nil, err
	}
	if k.last == nil {
		k.last = map[string]*exclusions.List{}
	}
	k.last[e.Ref.Name] = l
	return l, nil
}
