package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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
	seen := map[credentials.Handle]bool{}
	for next := after + 1; ; {
		p, err := c.acts(ctx, next-1, credentials.Handle{})
		if err != nil {
			return fmt.Errorf("read acts after %d: %w", next-1, err)
		}
		for _, a := range p.Acts {
			d, id, err := c.openAct(a)
			switch {
			case err == nil && a.Sequence != next:
				err = errors.New("it is out of order")
			case err == nil && seen[id]:
				err = errors.New("its request was for another act")
			}
			if err != nil {
				return fmt.Errorf("act %d: %w", a.Sequence, evidence(err))
			}
			seen[id] = true
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
	for last := int64(0); ; {
		p, err := c.acts(ctx, last, f.License.Handle)
		if err != nil {
			return nil, fmt.Errorf("read acts upon the license: %w", err)
		}
		for _, a := range p.Acts {
			d, _, err := c.openAct(a)
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
// with its receipt. It asks as a clerk: only they see what is not final yet.
func (c *Client) Whole(ctx context.Context) error {
	now, err := c.acts(ctx, 1<<53-1, credentials.Handle{})
	if err != nil {
		return fmt.Errorf("ask how much the register holds: %w", err)
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		p, err := c.Feed(ctx, 0, 0)
		if err != nil || p.Head.Sequence >= now.Last {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
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

// openAct checks an act and returns the id of its request.
func (c *Client) openAct(a Act) (d Deed, id credentials.Handle, err error) {
	r := a.Request
	if r == nil {
		return d, id, errors.New("no clerk's request is kept with it")
	}
	claims, err := credentials.VerifyRequest(r.Token, http.MethodPost, r.Path, string(c.Board), r.Body, r.Accepted, credentials.ResolveDIDKey)
	if err != nil {
		return d, id, fmt.Errorf("the clerk's request: %w", err)
	}
	d = Deed{Sequence: a.Sequence, Clerk: claims.KeyID, Signed: claims.Issued, Accepted: r.Accepted}
	switch a.Kind {
	case EventLicense:
		if d.License, err = c.openIssuance(a); err == nil {
			d.Document = d.License.Handle
		}
	case EventOrder:
		if d.Order, err = c.openOrdering(a); err == nil {
			d.Document = d.Order.Handle
		}
	default:
		err = fmt.Errorf("kind %q is not known", a.Kind)
	}
	return d, claims.ID, err
}

var errNotAsked = errors.New("the clerk asked for something else than the board signed")

func (c *Client) openIssuance(a Act) (*credentials.License, error) {
	doc, err := credentials.Open[credentials.License](a.Token, credentials.KindLicense, c.Keys)
	if err != nil {
		return nil, err
	}
	var asked Application
	if err := credentials.DecodeStrict(a.Request.Body, &asked); err != nil {
		return nil, fmt.Errorf("the clerk's request: %w", err)
	}
	if asked.License(doc.Handle()) != doc.Subject || !strings.HasSuffix(a.Request.Path, "/licenses") {
		return nil, errNotAsked
	}
	if asked.Holder != "" {
		p, err := credentials.OpenKeyProof(asked.Proof, c.Board)
		if err != nil || p.Holder != asked.Holder || p.NPI != asked.NPI {
			return nil, errUnproven
		}
	}
	return &doc.Subject, nil
}

var errUnproven = errors.New("the board bound a key of which the clinician did not prove that they have it")

func (c *Client) openOrdering(a Act) (*credentials.Order, error) {
	doc, err := credentials.Open[credentials.Order](a.Token, credentials.KindBoardOrder, c.Keys)
	if err != nil {
		return nil, err
	}
	var asked OrderRequest
	if err := credentials.DecodeStrict(a.Request.Body, &asked); err != nil {
		return nil, fmt.Errorf("the clerk's request: %w", err)
	}
	if !asked.AskedFor(doc.Subject) || doc.Subject.Handle != doc.Handle() || !strings.HasSuffix(a.Request.Path, "/licenses/"+doc.Subject.License.String()+"/orders") {
		return nil, errNotAsked
	}
	if asked.Holder != "" {
		if p, err := credentials.OpenKeyProof(asked.Proof, c.Board); err != nil || p.Holder != asked.Holder {
			return nil, errUnproven
		}
	}
	return &doc.Subject, nil
}
