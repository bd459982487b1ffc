package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

const (
	maxAnswer    = 16 << 20
	answerWithin = 30 * time.Second
)

// Config is what a client is made of.
type Config struct {
	URL   string          // of the board's door, such as https://board.example
	Board credentials.DID // whose documents are believed
	// Keys finds the keys of the board: did:key by itself, did:web through
	// aries, or the ledger's registry.
	Keys credentials.ResolveKey
	// Signer is a clerk's key. Reading needs none.
	Signer credentials.Signer
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
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.HTTP == nil {
		c.HTTP = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a board's door does not redirect")
		}}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{c}, nil
}

// A Refusal is an answer that sending again will not change.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return "the board refused: " + r.Message }

// Issue has a license issued. Sent twice, the same application gives the same
// license. Its receipt may still be missing; Show brings it later.
func (c *Client) Issue(ctx context.Context, a Application) (File, error) {
	var f File
	if err := c.send(ctx, "/licenses", a, &f); err != nil {
		return File{}, fmt.Errorf("issue license: %w", err)
	}
	if _, err := c.openFile(f); err != nil {
		return File{}, fmt.Errorf("issue license: %w", err)
	}
	return f, nil
}

// Revoke orders that a license be revoked from an instant. Sent twice, the same
// order is one order.
func (c *Client) Revoke(ctx context.Context, license credentials.Handle, effective time.Time, reason string) (Document, error) {
	var d Document
	o := OrderRequest{credentials.OrderRevoke, effective, reason}
	if err := c.send(ctx, "/licenses/"+license.String()+"/orders", o, &d); err != nil {
		return Document{}, fmt.Errorf("revoke license: %w", err)
	}
	if _, err := c.openOrder(d, license); err != nil {
		return Document{}, fmt.Errorf("revoke license: %w", err)
	}
	return d, nil
}

// Show brings a license with its orders.
func (c *Client) Show(ctx context.Context, license credentials.Handle) (File, error) {
	var f File
	if err := c.get(ctx, "/licenses/"+license.String(), answerWithin, &f); err != nil {
		return File{}, fmt.Errorf("show license: %w", err)
	}
	if h, err := c.openFile(f); err != nil {
		return File{}, fmt.Errorf("show license: %w", err)
	} else if h != license {
		return File{}, errors.New("show license: the board answered with another license")
	}
	return f, nil
}

// Find brings the licenses of one clinician, oldest first.
func (c *Client) Find(ctx context.Context, npi credentials.NPI) ([]File, error) {
	var files []File
	if err := c.get(ctx, "/licenses?npi="+url.QueryEscape(string(npi)), answerWithin, &files); err != nil {
		return nil, fmt.Errorf("find licenses: %w", err)
	}
	for _, f := range files {
		if _, err := c.openFile(f); err != nil {
			return nil, fmt.Errorf("find licenses: %w", err)
		}
	}
	return files, nil
}

// Status brings the status list that an entry names and says whether the entry
// is revoked. An error means unknown, never "no".
func (c *Client) Status(ctx context.Context, entry *credentials.StatusEntry) (revoked bool, err error) {
	_, list, err := c.StatusList(ctx, entry)
	if err != nil {
		return false, err
	}
	place, err := entry.Place()
	if err != nil {
		return false, err
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
	b, err := c.do(ctx, http.MethodGet, "/"+path, nil, answerWithin)
	if err != nil {
		return "", nil, fmt.Errorf("status: %w", err)
	}
	list, err = credentials.OpenStatusList(string(b), c.Board, entry, c.Now(), c.Keys)
	return string(b), list, err
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
	if err := c.get(ctx, path, wait+answerWithin, &p); err != nil {
		return p, err
	}
	proof, err := credentials.Open[PageProof](p.Proof, credentials.KindFeedHead, c.Keys)
	if err != nil {
		return p, err
	}
	want := p.Prove(after)
	if got := proof.Subject; proof.Issuer != c.Board || got.After != want.After || got.Events != want.Events ||
		got.Head.Sequence != want.Head.Sequence || got.Head.Index != want.Head.Index || !got.Head.Time.Equal(want.Head.Time) {
		return p, errors.New("it is not what the board signed")
	}
	next, index := after+1, int64(-1)
	for _, e := range p.Events {
		if e.Sequence != next || e.Index <= index {
			return p, fmt.Errorf("event %d is out of order", e.Sequence)
		}
		if err := c.openEvent(e); err != nil {
			return p, fmt.Errorf("event %d: %w", e.Sequence, err)
		}
		next, index = next+1, e.Index
	}
	switch last := next - 1; {
	case last > p.Head.Sequence, last == p.Head.Sequence && len(p.Events) > 0 && index != p.Head.Index:
		return p, errors.New("its events are not those of its head")
	case last < p.Head.Sequence && len(p.Events) == 0:
		return p, errors.New("events are missing before its head")
	}
	return p, nil
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

// openFile checks that a file is of one license and signed by the board.
func (c *Client) openFile(f File) (credentials.Handle, error) {
	l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, c.Keys)
	if err != nil {
		return credentials.Handle{}, err
	}
	if l.Issuer != c.Board || l.Handle() != f.License.Handle || l.Subject.Handle != f.License.Handle {
		return credentials.Handle{}, errors.New("the license is not this board's")
	}
	for _, o := range f.Orders {
		if _, err := c.openOrder(o, f.License.Handle); err != nil {
			return credentials.Handle{}, err
		}
	}
	return f.License.Handle, nil
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

func (c *Client) send(ctx context.Context, path string, v, answer any) error {
	body, err := credentials.CanonicalJSON(v)
	if err != nil {
		return err
	}
	b, err := c.do(ctx, http.MethodPost, path, body, answerWithin)
	if err != nil {
		return err
	}
	return decode(b, answer)
}

func (c *Client) get(ctx context.Context, path string, within time.Duration, answer any) error {
	b, err := c.do(ctx, http.MethodGet, path, nil, within)
	if err != nil {
		return err
	}
	return decode(b, answer)
}

func decode(b []byte, answer any) error {
	if err := credentials.DecodeStrict(b, answer); err != nil {
		return fmt.Errorf("the board's answer: %w", err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, within time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method != http.MethodGet {
		if c.Signer == nil {
			return nil, errors.New("it takes a clerk's key")
		}
		var id credentials.Handle
		rand.Read(id[:]) // never fails (crypto/rand)
		token, err := credentials.SignRequest(c.Signer, method, req.URL.RequestURI(), string(c.Board), body, id, c.Now())
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the board: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the board's answer: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("the board's answer is larger than %d bytes", maxAnswer)
	}
	return b, answerError(resp.StatusCode, b)
}

func answerError(status int, b []byte) error {
	if status >= 200 && status < 300 {
		return nil
	}
	var r Refused
	if json.Unmarshal(b, &r) != nil || r.Error == "" {
		r.Error = http.StatusText(status)
	}
	message := strconv.QuoteToGraphic(r.Error) // it is a stranger's text on someone's terminal
	message = message[1 : len(message)-1]
	if status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		return &Refusal{status, message}
	}
	return fmt.Errorf("the board answered %d: %s", status, message)
}
