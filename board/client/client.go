package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/tracing"
)

// Config is what a client is made of.
type Config struct {
	URL   string          // of the board's door, such as https://board.example
	Board credentials.DID // whose documents are believed
	// Keys finds the keys of the board: did:key by itself, did:web through
	// aries, or the ledger's registry.
	Keys credentials.ResolveKey
	// Signer is a clerk's key. Reading needs none, but for the clerks' acts.
	Signer credentials.Signer
	// NoWait has the board answer as soon as it has decided: the receipt comes
	// later, by Show.
	NoWait bool
	HTTP   *http.Client     // http.DefaultTransport without redirects where nil
	Now    func() time.Time // time.Now where nil
}

// A Client speaks to one board. It may be used by several goroutines.
type Client struct{ Config }

// New returns a client.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" {
		return nil, errors.New("board client: the board's address is not an http(s) URL")
	}
	if _, err := credentials.ParseDID(string(c.Board)); err != nil || c.Keys == nil {
		return nil, errors.New("board client: it needs the board's DID and a way to its keys")
	}
	c.Keys = boardKeys(c.Board, c.Keys)
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.HTTP == nil {
		c.HTTP = &http.Client{Transport: tracing.Transport("board", http.DefaultTransport), CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a board's door does not redirect")
		}}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{c}, nil
}

// Issue has a license issued. Sent twice, the same application gives the same
// license. Its receipt may still be missing; Show brings it later.
func (c *Client) Issue(ctx context.Context, a Application) (File, error) {
	var f File
	if err := c.send(ctx, "/licenses", a, &f); err != nil {
		return File{}, fmt.Errorf("issue license: %w", err)
	}
	got, err := c.openFile(f)
	want := a.License(got.Handle)
	if a.Holder == "" {
		want.Holder = got.Holder // to which it was bound when it was issued before
	}
	want.Name, want.Taxonomy = got.Name, got.Taxonomy // it was issued before, perhaps under others
	if err == nil && !got.Equal(want) {
		err = errors.New("it is not the license that was asked for")
	}
	if err != nil {
		return File{}, fmt.Errorf("issue license: %w", evidence(err))
	}
	return f, nil
}

// Challenge has the board make a challenge for the key of a clinician.
func (c *Client) Challenge(ctx context.Context, npi credentials.NPI) (got Challenge, err error) {
	if err := c.send(ctx, "/challenges", ChallengeRequest{npi}, &got); err != nil {
		return Challenge{}, fmt.Errorf("ask for a challenge: %w", err)
	}
	return got, nil
}

// Revoke orders that a license be revoked from an instant. Sent twice, the same
// order is one order.
func (c *Client) Revoke(ctx context.Context, license credentials.Handle, effective time.Time, reason string) (Document, error) {
	return c.Order(ctx, license, OrderRequest{Action: credentials.OrderRevoke, Effective: effective, Reason: reason})
}

// Order has an order made upon a license. Sent twice, the same order is one
// order.
func (c *Client) Order(ctx context.Context, license credentials.Handle, o OrderRequest) (Document, error) {
	var d Document
	if err := c.send(ctx, "/licenses/"+license.String()+"/orders", o, &d); err != nil {
		return Document{}, fmt.Errorf("%s license: %w", o.Action, err)
	}
	got, err := c.openOrder(d, license)
	if err == nil && !o.AskedFor(got) {
		err = errors.New("it is not the order that was asked for")
	}
	if err != nil {
		return Document{}, fmt.Errorf("%s license: %w", o.Action, evidence(err))
	}
	return d, nil
}

// Ledger brings the proofs of who the participants are. They prove nothing
// before leaf 0 among them has been held against a pinned digest.
func (c *Client) Ledger(ctx context.Context) (l Ledger, err error) {
	if err := c.get(ctx, "/ledger", &l); err != nil {
		return Ledger{}, fmt.Errorf("ask which ledger the board stands on: %w", err)
	}
	return l, nil
}

// Show brings a license with its orders.
func (c *Client) Show(ctx context.Context, license credentials.Handle) (File, error) {
	var f File
	if err := c.get(ctx, "/licenses/"+license.String(), &f); err != nil {
		return File{}, fmt.Errorf("show license: %w", err)
	}
	if l, err := c.openFile(f); err != nil {
		return File{}, fmt.Errorf("show license: %w", evidence(err))
	} else if l.Handle != license {
		return File{}, fmt.Errorf("show license: %w", evidence(errors.New("it is another license")))
	}
	return f, nil
}

// Find brings the licenses of one clinician, oldest first.
func (c *Client) Find(ctx context.Context, npi credentials.NPI) ([]File, error) {
	var files []File
	if err := c.get(ctx, "/licenses?npi="+url.QueryEscape(string(npi)), &files); err != nil {
		return nil, fmt.Errorf("find licenses: %w", err)
	}
	for _, f := range files {
		if _, err := c.openFile(f); err != nil {
			return nil, fmt.Errorf("find licenses: %w", evidence(err))
		}
	}
	return files, nil
}

// Status brings the status list that an entry names and says what it holds for
// the entry: 0 where there is nothing against the credential. An error means
// unknown, never 0.
func (c *Client) Status(ctx context.Context, entry *credentials.StatusEntry) (value int, err error) {
	_, list, err := c.StatusList(ctx, entry)
	if err != nil {
		return 0, err
	}
	place, err := entry.Place()
	if err != nil {
		return 0, err
	}
	return list.Get(place)
}

// StatusList brings the status list that an entry names, as the board signed
// it and as it reads, in force now.
func (c *Client) StatusList(ctx context.Context, entry *credentials.StatusEntry) (token string, list *credentials.StatusList, err error) {
	path, ok := strings.CutPrefix(entry.Credential, c.URL+"/")
	if !ok {
		return "", nil, errors.New("status: the list is not at this board's address")
	}
	b, err := c.do(ctx, question{method: http.MethodGet, path: "/" + path, within: answerWithin})
	if err != nil {
		return "", nil, fmt.Errorf("status: %w", err)
	}
	if list, err = c.openStatus(string(b), entry); err != nil {
		return "", nil, fmt.Errorf("status: %w", err)
	}
	return string(b), list, nil
}

// SignedList brings a status list of the board's from its door, wherever the
// license says that it stands: the list itself says where, and is compared with
// the entry by whoever judges.
func (c *Client) SignedList(ctx context.Context, entry *credentials.StatusEntry) (*credentials.SignedList, error) {
	_, path, ok := strings.Cut(entry.Credential, "/status/")
	if !ok {
		return nil, errors.New("status: the list is at no board's address")
	}
	b, err := c.do(ctx, question{method: http.MethodGet, path: "/status/" + path, within: answerWithin})
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return credentials.ReadStatusList(string(b), c.Keys)
}

// Form brings a license in a form that others read: "jwt", "jcs" or "rdfc". It
// is for whoever reads that form to check.
func (c *Client) Form(ctx context.Context, license credentials.Handle, form string) ([]byte, error) {
	b, err := c.do(ctx, question{method: http.MethodGet, path: "/vc/credentials/" + license.String() + "?form=" + url.QueryEscape(form), within: answerWithin})
	if err != nil {
		return nil, fmt.Errorf("fetch license as %s: %w", form, err)
	}
	return bytes.TrimSpace(b), nil
}

// Feed brings the events after a sequence, waiting up to wait for the first
// one. What it returns is complete and in order up to its last event; where the
// last event is not the head, there is more to ask for, and only at the head
// does the head's Time say how fresh the reader is.
func (c *Client) Feed(ctx context.Context, after int64, wait time.Duration) (FeedPage, error) {
	p, err := c.feed(ctx, after, wait)
	if err != nil {
		return FeedPage{}, fmt.Errorf("read feed after %d: %w", after, err)
	}
	return p, nil
}

func (c *Client) feed(ctx context.Context, after int64, wait time.Duration) (p FeedPage, err error) {
	path := fmt.Sprintf("/feed?after=%d&wait=%s", after, url.QueryEscape(wait.String()))
	b, err := c.do(ctx, question{method: http.MethodGet, path: path, within: wait + answerWithin})
	if err == nil {
		err = decode(b, &p)
	}
	if err != nil {
		return p, err
	}
	return p, evidence(c.checkPage(&p, after))
}

// checkPage checks that a page is what the board signed, whole and in order,
// and writes into it when the board did.
func (c *Client) checkPage(p *FeedPage, after int64) error {
	proof, err := credentials.Open[PageProof](p.Proof, credentials.KindFeedHead, c.Keys)
	if err != nil {
		return err
	}
	p.Signed = proof.ValidFrom
	want := p.Prove(after)
	if got := proof.Subject; proof.Issuer != c.Board || got.After != want.After || got.Events != want.Events ||
		got.Head.Sequence != want.Head.Sequence || got.Head.Index != want.Head.Index || !got.Head.Time.Equal(want.Head.Time) {
		return errors.New("it is not what the board signed")
	}
	next, index := after+1, int64(-1)
	for _, e := range p.Events {
		if e.Sequence != next || e.Index <= index {
			return fmt.Errorf("event %d is out of order", e.Sequence)
		}
		if err := c.openEvent(e); err != nil {
			return fmt.Errorf("event %d: %w", e.Sequence, err)
		}
		next, index = next+1, e.Index
	}
	switch last := next - 1; {
	case last > p.Head.Sequence, last == p.Head.Sequence && len(p.Events) > 0 && index != p.Head.Index:
		return errors.New("its events are not those of its head")
	case last < p.Head.Sequence && len(p.Events) == 0:
		return errors.New("events are missing before its head")
	}
	return nil
}

func (c *Client) openEvent(e Event) error {
	if len(e.Receipt) == 0 {
		return errors.New("it has no receipt")
	}
	kind := map[EventKind]credentials.Kind{EventLicense: credentials.KindLicense, EventOrder: credentials.KindBoardOrder}[e.Kind]
	got, kid, _, err := credentials.Peek(e.Token)
	if err != nil {
		return err
	}
	if d, _, err := credentials.ParseKeyID(kid); err != nil || d != c.Board || got != kind {
		return errors.New("it is not a document of the board of the kind that it says")
	}
	return nil
}

// openStatus tells a list that is past its end from one that is false: the
// first may come out of a proxy's memory. Neither says anything.
func (c *Client) openStatus(token string, entry *credentials.StatusEntry) (*credentials.StatusList, error) {
	now := c.Now()
	if l, err := credentials.Open[credentials.StatusListSubject](token, credentials.KindStatusList, c.Keys); err == nil && l.ValidUntil != nil {
		if err := l.ValidAt(now); err != nil {
			return nil, fmt.Errorf("the board's list is not in force, so that the status is unknown: %w", err)
		}
	}
	list, err := credentials.OpenStatusList(token, c.Board, entry, now, c.Keys)
	return list, evidence(err)
}

// openFile checks that a file is of one license and signed by the board.
func (c *Client) openFile(f File) (l credentials.License, err error) {
	doc, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, c.Keys)
	if err != nil {
		return l, err
	}
	if doc.Issuer != c.Board || doc.Handle() != f.License.Handle || doc.Subject.Handle != f.License.Handle {
		return l, errors.New("the license is not this board's")
	}
	for _, o := range f.Orders {
		if _, err := c.openOrder(o, f.License.Handle); err != nil {
			return l, err
		}
	}
	return doc.Subject, nil
}

func (c *Client) openOrder(d Document, license credentials.Handle) (credentials.Order, error) {
	o, err := credentials.Open[credentials.Order](d.Token, credentials.KindBoardOrder, c.Keys)
	if err != nil {
		return credentials.Order{}, err
	}
	if o.Issuer != c.Board || o.Handle() != d.Handle || o.Subject.Handle != d.Handle || o.Subject.License != license {
		return credentials.Order{}, errors.New("the order is not this board's upon this license")
	}
	return o.Subject, nil
}
