package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A Deed is an act whose clerk has been made sure of. Either License or Order
// is what was done.
type Deed struct {
	Sequence int64
	Document credentials.Handle // of the license or the order
	Clerk    string             // key id, which the board can give a name to
	Signed   time.Time          // by the clerk's clock
	Accepted time.Time          // by the board's clock
	License  *credentials.License
	Order    *credentials.Order
}

// Deeds reads every act of the register after a sequence, oldest first, and
// hands each on once it is checked: the clerk's signature over the request, and
// that the request asked for what the board then signed. An act that no clerk
// has signed, or another one, ends the reading with ErrEvidence. The clerk's
// key has to be a did:key, which needs nobody to say what it was at the time.
//
// The acts have no gaps. That the newest are not held back, the feed shows.
func (c *Client) Deeds(ctx context.Context, after int64, each func(Deed) error) error {
	o := c.newOpener()
	for next := after + 1; ; {
		p, err := c.acts(ctx, next-1, credentials.Handle{})
		if err != nil {
			return fmt.Errorf("read acts after %d: %w", next-1, err)
		}
		for _, a := range p.Acts {
			d, err := o.open(ctx, p, a)
			if err == nil && a.Sequence != next {
				err = errors.New("it is out of order")
			}
			if err != nil {
				return fmt.Errorf("act %d: %w", a.Sequence, evidence(err))
			}
			next++
			if err := each(d); err != nil {
				return err
			}
		}
		if next > p.Last {
			return nil
		}
		if len(p.Acts) == 0 {
			return fmt.Errorf("read acts: %w", evidence(fmt.Errorf("act %d is missing", next)))
		}
	}
}

// History reads the acts upon one license, oldest first, each checked as Deeds
// does. That none is missing is checked against the license's file.
func (c *Client) History(ctx context.Context, f File) (deeds []Deed, err error) {
	want := map[credentials.Handle]bool{f.License.Handle: true}
	for _, o := range f.Orders {
		want[o.Handle] = true
	}
	o := c.newOpener()
	for last := int64(0); ; {
		p, err := c.acts(ctx, last, f.License.Handle)
		if err != nil {
			return nil, fmt.Errorf("read acts upon the license: %w", err)
		}
		for _, a := range p.Acts {
			d, err := o.open(ctx, p, a)
			if err == nil && a.Sequence <= last {
				err = errors.New("it is out of order")
			}
			if err != nil {
				return nil, fmt.Errorf("act %d: %w", a.Sequence, evidence(err))
			}
			last = a.Sequence
			if want[d.Document] { // else it came after the file
				deeds = append(deeds, d)
				delete(want, d.Document)
			}
		}
		if len(p.Acts) == 0 {
			break
		}
	}
	if len(want) > 0 {
		return nil, fmt.Errorf("read acts upon the license: %w", evidence(fmt.Errorf("%d of them are missing", len(want))))
	}
	return deeds, nil
}

// Whole waits until everything that the register holds now is on the feed, each
// with its receipt, and tells how much of it is. It asks as a clerk: only they
// see what is not final yet.
func (c *Client) Whole(ctx context.Context, tell func(done, all int64)) error {
	now, err := c.acts(ctx, 1<<53-1, credentials.Handle{})
	if err != nil {
		return fmt.Errorf("ask how much the register holds: %w", err)
	}
	for p := now; p.Proven < now.Last; {
		tell(p.Proven, now.Last)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		if p, err = c.acts(ctx, 1<<53-1, credentials.Handle{}); err != nil {
			return fmt.Errorf("ask how much of the register is final: %w", err)
		}
	}
	tell(now.Last, now.Last)
	if now.Last == 0 {
		return nil
	}
	// What the feed's head says, the board has signed.
	p, err := c.Feed(ctx, now.Last-1, 0)
	if err == nil && p.Head.Sequence < now.Last {
		err = evidence(errors.New("the feed ends before what is said to be final"))
	}
	return err
}

func (c *Client) acts(ctx context.Context, after int64, license credentials.Handle) (p ActPage, err error) {
	path := fmt.Sprintf("/acts?after=%d", after)
	if !license.IsZero() {
		path += "&license=" + license.String()
	}
	b, err := c.do(ctx, question{method: http.MethodGet, path: path, within: answerWithin, signed: true})
	if err == nil {
		err = decode(b, &p)
	}
	return p, err
}

var (
	errNotAsked = errors.New("the clerk asked for something else than the board signed")
	errUnproven = errors.New("the board bound a key of which the clinician did not prove that they have it")
)
