// Package client speaks to a ledger's operator over HTTP and believes nothing
// that it hears: receipts, entries and checkpoints are checked against the
// ledger's Policy before they are handed on.
//
// What it cannot check it does not claim: a list of entries holds only proven
// ones, but the operator may have left some out.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/tracing"
)

// Errors that trying again will not mend. Permanent knows them.
var (
	// ErrKeyReuse: the key stands for other bytes already.
	ErrKeyReuse = errors.New("the key stands for another entry")
	// ErrRefused: the operator's rules do not allow the entry or the request.
	ErrRefused = errors.New("the ledger refused it")
	// ErrEvidence: what the operator sent does not hold. Keep it; it may prove
	// that the operator lies.
	ErrEvidence = errors.New("the ledger's answer does not hold")
)

// Errors that time may mend.
var (
	// ErrNotFinal: no final checkpoint covers the entry yet.
	ErrNotFinal = errors.New("not final yet")
	// ErrNotFound: the ledger does not hold it, or not yet.
	ErrNotFound = errors.New("not on the ledger")
)

// Permanent says whether trying the same again is of no use.
func Permanent(err error) bool {
	return errors.Is(err, ErrKeyReuse) || errors.Is(err, ErrRefused) || errors.Is(err, ErrEvidence)
}

const (
	maxBody    = 16 << 20         // of any answer; a list has at most 256 entries
	longPoll   = 10 * time.Second // a request waits for a receipt so long
	keyHeader  = "Idempotency-Key"
	retryAfter = 100 * time.Millisecond
)

// A Client asks one operator about one ledger. It may be used by several
// goroutines.
type Client struct {
	base   string
	policy ledger.Policy
	http   *http.Client
	date   atomic.Pointer[Date]
}

// A Date is what the operator's clock said, by the Date of an answer, between
// two moments here. It is the one thing that is believed as it comes: use it to
// doubt a clock, never to prove a time.
type Date struct{ Said, Asked, Answered time.Time }

// Date is that of the last answer; zero before the first.
func (c *Client) Date() Date {
	if d := c.date.Load(); d != nil {
		return *d
	}
	return Date{}
}

// New returns a client of the operator at base. A nil http.Client means one
// with a timeout of 30 seconds.
func New(base string, p ledger.Policy, hc *http.Client) *Client {
	if hc == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64 // all requests go to one host; the default of 2 would dial for each
		hc = &http.Client{Timeout: 30 * time.Second, Transport: tracing.Transport("ledger", t)}
	}
	return &Client{base: strings.TrimSuffix(base, "/"), policy: p, http: hc}
}

// Policy is what the client checks against.
func (c *Client) Policy() ledger.Policy { return c.policy }

// Appended is where an entry stands. The index is durable, not final.
type Appended struct {
	Index int64              `json:"index"`
	Key   credentials.Digest `json:"key"`
}

// Append records a signed entry. Business is the issuer's own name for the
// event, chosen before the first attempt and the same in every later one: only
// its digest is sent. Sending the same again gives the same index.
func (c *Client) Append(ctx context.Context, business string, e ledger.Entry) (Appended, error) {
	a, err := c.append(ctx, business, e)
	if err != nil {
		return Appended{}, fmt.Errorf("append to ledger: %w", err)
	}
	return a, nil
}

func (c *Client) append(ctx context.Context, business string, e ledger.Entry) (a Appended, err error) {
	digest := credentials.DigestOf([]byte(business))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/entries", bytes.NewReader(e.Marshal()))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set(keyHeader, digest.String())
	b, err := c.do(req)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil || a.Index < 0 {
		return a, fmt.Errorf("%w: no index in it", ErrEvidence)
	}
	if a.Key != ledger.EntryKey(c.policy.Origin, e.Issuer(), digest) {
		return a, fmt.Errorf("%w: it is about another key", ErrEvidence)
	}
	return a, nil
}

// Receipt is the receipt of the entry at index, checked against its leaf, and
// what it proves. While there is none the error is ErrNotFinal.
func (c *Client) Receipt(ctx context.Context, index int64, leaf []byte) ([]byte, ledger.Proof, error) {
	return c.receipt(ctx, index, leaf, 0)
}

// Await is Receipt that waits until there is one or ctx ends.
func (c *Client) Await(ctx context.Context, index int64, leaf []byte) ([]byte, ledger.Proof, error) {
	for {
		b, p, err := c.receipt(ctx, index, leaf, longPoll)
		if err == nil || Permanent(err) {
			return b, p, err
		}
		select {
		case <-ctx.Done():
			return nil, p, fmt.Errorf("await receipt: %w (last: %w)", ctx.Err(), err)
		case <-time.After(retryAfter):
		}
	}
}

func (c *Client) receipt(ctx context.Context, index int64, leaf []byte, wait time.Duration) ([]byte, ledger.Proof, error) {
	path := fmt.Sprintf("/receipts/%d", index)
	if wait > 0 {
		path += "?wait=" + wait.String()
	}
	b, err := c.get(ctx, path)
	if err != nil {
		return nil, ledger.Proof{}, fmt.Errorf("get receipt of entry %d: %w", index, err)
	}
	r, err := ledger.ParseReceipt(b)
	var p ledger.Proof
	if err == nil {
		p, err = r.Verify(c.policy, leaf)
	}
	if err == nil && p.Index != index {
		err = fmt.Errorf("it is of entry %d", p.Index)
	}
	if err != nil {
		return nil, ledger.Proof{}, fmt.Errorf("get receipt of entry %d: %w: %w", index, ErrEvidence, err)
	}
	return b, p, nil
}

// Head is the newest final checkpoint and when it became known.
func (c *Client) Head(ctx context.Context) (ledger.Checkpoint, time.Time, error) {
	b, err := c.get(ctx, "/checkpoint")
	if err != nil {
		return ledger.Checkpoint{}, time.Time{}, fmt.Errorf("get checkpoint: %w", err)
	}
	cp, known, err := c.policy.Final(b)
	if err != nil {
		return cp, known, fmt.Errorf("get checkpoint: %w: %w", ErrEvidence, err)
	}
	return cp, known, nil
}

// Lookup is the index of the entry that issuer recorded under its business
// key. The index may not be final.
func (c *Client) Lookup(ctx context.Context, issuer credentials.DID, business string) (int64, error) {
	key := ledger.EntryKey(c.policy.Origin, issuer, credentials.DigestOf([]byte(business)))
	b, err := c.get(ctx, "/lookup/"+key.String())
	var a Appended
	if err == nil {
		if json.Unmarshal(b, &a) != nil || a.Key != key || a.Index < 0 {
			err = fmt.Errorf("%w: it is about another key", ErrEvidence)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("look up on ledger: %w", err)
	}
	return a.Index, nil
}

func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

// do gives the body of an answer, and the error that it stands for unless it is
// a 200.
func (c *Client) do(req *http.Request) ([]byte, error) {
	asked := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold a key or a handle
		}
		return nil, fmt.Errorf("reach the ledger: %w", err)
	}
	defer resp.Body.Close()
	if said, err := http.ParseTime(resp.Header.Get("Date")); err == nil && resp.Header.Get("Age") == "" { // with an age it is out of a cache
		c.date.Store(&Date{said, asked, time.Now()})
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the ledger's answer: %w", err)
	}
	if len(b) > maxBody {
		return nil, fmt.Errorf("%w: it is larger than any answer can be", ErrEvidence)
	}
	if resp.StatusCode == http.StatusOK {
		return b, nil
	}
	return b, answerError(resp, b)
}

// answerError is the error that an answer other than 200 stands for.
func answerError(resp *http.Response, b []byte) error {
	var said struct{ Code, Error string }
	json.Unmarshal(b, &said) // a proxy in between may answer something else
	switch said.Code {
	case "key-reuse":
		return ErrKeyReuse
	case "refused":
		return fmt.Errorf("%w: %.300q", ErrRefused, said.Error)
	case "retired":
		return fmt.Errorf("%w: %w", ErrRefused, ledger.ErrRetired)
	case "not-final":
		return ErrNotFinal
	case "not-found":
		return ErrNotFound
	}
	return fmt.Errorf("the ledger answers %s", resp.Status)
}
