package gateway

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// codesFor is how long a gateway goes without asking the books whether another one
// has published a list.
const codesFor = 10 * time.Second

// A shelf holds the published lists of codes, read once each.
type shelf struct {
	books Books

	mu    sync.Mutex
	lists map[credentials.Digest]*codelist.List
	all   *codelist.Lists
	asked time.Time
}

func newShelf(b Books) *shelf {
	return &shelf{books: b, lists: map[credentials.Digest]*codelist.List{}}
}

// forget has the books asked before the next claim.
func (s *shelf) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Time{}
}

// published are the lists; nil where nothing is published. Editions are never taken
// back, so that what was read is kept.
func (s *shelf) published(ctx context.Context) (*codelist.Lists, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked.IsZero() && time.Since(s.asked) < codesFor {
		return s.all, nil
	}
	refs, err := s.books.EditionRefs(ctx, books.CodeEdition)
	if err != nil {
		return nil, fmt.Errorf("find code lists: %w", err)
	}
	if len(refs) > len(s.lists) {
		for _, ref := range refs {
			if err := s.read(ctx, ref); err != nil {
				return nil, fmt.Errorf("read code list %s %s: %w", ref.Name, ref.Edition, err)
			}
		}
		var all []*codelist.List
		for _, l := range s.lists {
			all = append(all, l)
		}
		s.all = codelist.Together(all...)
	}
	s.asked = time.Now()
	return s.all, nil
}

func (s *shelf) read(ctx context.Context, ref claims.EditionRef) error {
	if s.lists[ref.Digest] != nil {
		return nil
	}
	e, err := s.books.Edition(ctx, ref.Digest)
	if err != nil {
		return err
	}
	l, err := codelist.ReadEdition("codes.csv", bytes.NewReader(e.Body))
	if err == nil {
		s.lists[ref.Digest] = l
	}
	return err
}

// edits are those of the gateway, with the lists that are published now. Where the
// lists cannot be read, what has no need of them is still refused; nothing is taken.
func (g *Gateway) edits(ctx context.Context) (claims.Edits, error) {
	edits := g.Edits
	lists, err := g.codes.published(ctx)
	if err == nil && lists != nil {
		edits.Codes = lists.Ask
	}
	return edits, err
}

// codeEditions are the published lists of codes. The insurer's license to a list
// that belongs to somebody is none to hand it on: of such a one callers learn the
// name and the digest, to hold their own copy against.
func (g *Gateway) codeEditions(ctx context.Context) (any, error) {
	refs, err := g.Books.EditionRefs(ctx, books.CodeEdition)
	if err != nil {
		return nil, err
	}
	out := []api.Edition{}
	for _, ref := range refs {
		e, err := g.Books.Edition(ctx, ref.Digest)
		if err != nil {
			return nil, err
		}
		if facts, _ := claims.CodeKind(ref.Name).Facts(); !facts.Public {
			e.Body = nil
		}
		out = append(out, edition(e))
	}
	return out, nil
}
