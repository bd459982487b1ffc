package client

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/countersign-health/countersign/credentials"
)

// Import has the licenses of several rows issued, each with its order. Sent
// twice, the same rows give the same licenses. The answer has a row for each;
// one that was refused says why, and the others are not touched by it. Receipts
// come later: Whole waits for all of them.
func (c *Client) Import(ctx context.Context, rows []ImportRow) ([]Imported, error) {
	var a ImportAnswer
	if err := c.send(ctx, "/imports", Import{Rows: rows}, &a); err != nil {
		return nil, fmt.Errorf("import licenses: %w", err)
	}
	if len(a.Rows) != len(rows) {
		return nil, fmt.Errorf("import licenses: %w", evidence(fmt.Errorf("%d answers for %d rows", len(a.Rows), len(rows))))
	}
	if err := c.checkImported(rows, a.Rows); err != nil {
		return nil, fmt.Errorf("import licenses: %w", evidence(err))
	}
	for i, row := range rows {
		got := &a.Rows[i]
		if !got.Known || row.Order == nil {
			continue
		}
		// Perhaps more was ordered upon it: the board says whether this still may be.
		d, err := c.Order(ctx, got.Handle, *row.Order)
		var no *Refusal
		switch {
		case errors.As(err, &no):
			got.Refused = no.Message
		case err != nil:
			return nil, err
		}
		got.Order = d.Token
	}
	return a.Rows, nil
}

// CheckImport asks what Import would refuse of several rows, each by its line.
// An empty answer is no promise: what others have issued meanwhile counts then.
func (c *Client) CheckImport(ctx context.Context, rows []ImportRow) ([]string, error) {
	var a ImportAnswer
	if err := c.send(ctx, "/imports", Import{Rows: rows, Check: true}, &a); err != nil {
		return nil, fmt.Errorf("check licenses: %w", err)
	}
	if len(a.Rows) != len(rows) {
		return nil, fmt.Errorf("check licenses: %w", evidence(fmt.Errorf("%d answers for %d rows", len(a.Rows), len(rows))))
	}
	refused := make([]string, len(rows))
	for i, r := range a.Rows {
		refused[i] = r.Refused
	}
	return refused, nil
}

// checkImported checks on all processors that each answer is what its row asks
// for, under the board's signature.
func (c *Client) checkImported(rows []ImportRow, got []Imported) error {
	keys := once(c.Keys)
	errs := make([]error, len(rows))
	var next atomic.Int64
	var hands sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		hands.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(rows); i = int(next.Add(1)) - 1 {
				if got[i].Refused == "" {
					errs[i] = c.checkRow(rows[i], got[i], keys)
				}
			}
		})
	}
	hands.Wait()
	return errors.Join(errs...)
}

// once resolves each key once: an answer is one moment.
func once(keys credentials.ResolveKey) credentials.ResolveKey {
	var mu sync.Mutex
	known := map[string]credentials.Key{}
	return func(kid string) (credentials.Key, error) {
		mu.Lock()
		defer mu.Unlock()
		if k, ok := known[kid]; ok {
			return k, nil
		}
		k, err := keys(kid)
		if err == nil {
			known[kid] = k
		}
		return k, err
	}
}

func (c *Client) checkRow(row ImportRow, got Imported, keys credentials.ResolveKey) error {
	doc, err := credentials.Open[credentials.License](got.License, credentials.KindLicense, keys)
	if err != nil {
		return err
	}
	want := row.License.License(got.Handle)
	if got.Known {
		// It was issued before, perhaps under another name, and bound to a key where none is asked for.
		want.Name, want.Taxonomy = doc.Subject.Name, doc.Subject.Taxonomy
		if want.Holder == "" {
			want.Holder = doc.Subject.Holder
		}
	}
	if doc.Issuer != c.Board || doc.Handle() != got.Handle || !doc.Subject.Equal(want) {
		return errors.New("it is not the license that was asked for")
	}
	if row.Order == nil || got.Known {
		return nil
	}
	o, err := credentials.Open[credentials.Order](got.Order, credentials.KindBoardOrder, keys)
	if err != nil {
		return err
	}
	if o.Issuer != c.Board || o.Subject.Handle != o.Handle() || o.Subject.License != got.Handle || !row.Order.AskedFor(o.Subject) {
		return errors.New("it is not the order that was asked for")
	}
	return nil
}
