package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A Proven is an entry with the receipt that proves it. Whether its issuer may
// say such things is for Registry.CheckAt.
type Proven struct {
	Entry   ledger.Entry
	Leaf    []byte
	Receipt []byte
	Proof   ledger.Proof
}

// Entry is the final entry at index, with its receipt.
func (c *Client) Entry(ctx context.Context, index int64) (Proven, error) {
	leaf, err := c.get(ctx, fmt.Sprintf("/entries/%d", index))
	if err != nil {
		return Proven{}, fmt.Errorf("get entry %d: %w", index, err)
	}
	return c.prove(ctx, index, leaf)
}

func (c *Client) prove(ctx context.Context, index int64, leaf []byte) (Proven, error) {
	receipt, proof, err := c.Receipt(ctx, index, leaf)
	if err != nil {
		return Proven{}, err
	}
	e, err := ledger.ParseEntry(leaf)
	if err != nil {
		// It is on the ledger and not an entry: no issuer signed it.
		return Proven{}, fmt.Errorf("get entry %d: %w: %w", index, ErrEvidence, err)
	}
	return Proven{e, leaf, receipt, proof}, nil
}

// Subject lists the final entries about a subject, oldest first, each with its
// receipt. Nothing proves that the list is whole.
func (c *Client) Subject(ctx context.Context, subject credentials.Handle) ([]Proven, error) {
	all, err := c.list(ctx, "subject="+subject.String(), 0)
	if err != nil {
		return nil, fmt.Errorf("list entries of a subject: %w", err)
	}
	for _, p := range all {
		if p.Entry.Subject != subject {
			return nil, fmt.Errorf("list entries of a subject: %w: entry %d is about another", ErrEvidence, p.Proof.Index)
		}
	}
	return all, nil
}

// Kind lists the final entries of a kind, oldest first, each with its receipt.
// Nothing proves that the list is whole.
func (c *Client) Kind(ctx context.Context, kind ledger.Kind) ([]Proven, error) {
	all, err := c.list(ctx, "kind="+kind.String(), 0)
	if err != nil {
		return nil, fmt.Errorf("list entries of a kind: %w", err)
	}
	for _, p := range all {
		if p.Entry.Kind != kind {
			return nil, fmt.Errorf("list entries of a kind: %w: entry %d is of another", ErrEvidence, p.Proof.Index)
		}
	}
	return all, nil
}

// Participants brings a registry up to date with the participant entries that
// are final, and returns those that were news to it. Entries that the registry
// refuses are void and passed over.
func (c *Client) Participants(ctx context.Context, r *ledger.Registry) (news []Proven, err error) {
	all, err := c.list(ctx, "kind="+ledger.KindParticipant.String(), r.Highest())
	if err != nil {
		return nil, fmt.Errorf("list participants: %w", err)
	}
	for _, p := range all {
		if p.Entry.Kind == ledger.KindParticipant && r.Admit(p.Proof.Index, p.Entry) == nil { // refused means void, for every reader alike
			news = append(news, p)
		}
	}
	return news, nil
}

func (c *Client) list(ctx context.Context, query string, after int64) ([]Proven, error) {
	var all []Proven
	for {
		b, err := c.get(ctx, fmt.Sprintf("/entries?%s&after=%d", query, after))
		if err != nil {
			return nil, err
		}
		var page struct {
			Entries []struct {
				Index int64
				Leaf  []byte
			}
			More bool
		}
		if err := json.Unmarshal(b, &page); err != nil {
			return nil, fmt.Errorf("%w: not a list", ErrEvidence)
		}
		for _, e := range page.Entries {
			if e.Index <= after {
				return nil, fmt.Errorf("%w: the list is out of order", ErrEvidence)
			}
			after = e.Index
			p, err := c.prove(ctx, e.Index, e.Leaf)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
		if !page.More {
			return all, nil
		}
		if len(page.Entries) == 0 {
			return nil, errors.New("the ledger says that there is more and gives nothing")
		}
	}
}

// Genesis fetches leaf 0 and checks it against the trust. Use it to make the
// Policy of a client when only a Trust is at hand.
func Genesis(ctx context.Context, base string, t ledger.Trust) (*ledger.Genesis, error) {
	c := New(base, ledger.Policy{}, nil)
	leaf, err := c.get(ctx, "/entries/0")
	if err != nil {
		return nil, fmt.Errorf("get genesis: %w", err)
	}
	g, err := t.Check(leaf)
	if err != nil {
		return nil, fmt.Errorf("get genesis: %w: %w", ErrEvidence, err)
	}
	return g, nil
}
