package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// AppendAll records signed entries in the order in which they are given, each
// under its own business key as Append does, in few requests. The first that
// is not recorded stops those behind it: the indices of those before it come
// with the error, and sending all of them again does nothing twice.
func (c *Client) AppendAll(ctx context.Context, business []string, entries []ledger.Entry) (indices []int64, err error) {
	for len(entries) > 0 {
		n, body, err := c.fit(business, entries)
		if err != nil {
			return indices, fmt.Errorf("append to ledger: %w", err)
		}
		done, err := c.appendAll(ctx, business[:n], entries[:n], body)
		indices = append(indices, done...)
		if err != nil {
			return indices, fmt.Errorf("append to ledger: %w", err)
		}
		business, entries = business[n:], entries[n:]
	}
	return indices, nil
}

// fit is as much as one request takes.
func (c *Client) fit(business []string, entries []ledger.Entry) (n int, body []byte, err error) {
	var all []ledger.Keyed
	size := 0
	for i := range entries[:min(len(entries), ledger.MaxKeyed)] {
		leaf := entries[i].Marshal()
		if size += 34 + len(leaf); size > ledger.MaxKeyedBytes {
			break
		}
		all = append(all, ledger.Keyed{Business: credentials.DigestOf([]byte(business[i])), Leaf: leaf})
	}
	body, err = ledger.MarshalKeyed(all)
	return len(all), body, err
}

func (c *Client) appendAll(ctx context.Context, business []string, entries []ledger.Entry, body []byte) (indices []int64, err error) {
	b, failed := c.post(ctx, "/batches", "application/octet-stream", body)
	if failed != nil && b == nil {
		return nil, failed
	}
	var answer struct{ Appended []Appended }
	if err := json.Unmarshal(b, &answer); err != nil || len(answer.Appended) > len(entries) {
		if failed != nil { // a proxy in between may answer something else
			return nil, failed
		}
		return nil, fmt.Errorf("%w: not a list of indices", ErrEvidence)
	}
	for i, a := range answer.Appended {
		if a.Index < 0 {
			return indices, fmt.Errorf("%w: no index in it", ErrEvidence)
		}
		if a.Key != ledger.EntryKey(c.policy.Origin, entries[i].Issuer(), credentials.DigestOf([]byte(business[i]))) {
			return indices, fmt.Errorf("%w: it is about another key", ErrEvidence)
		}
		indices = append(indices, a.Index)
	}
	if failed == nil && len(indices) < len(entries) {
		failed = fmt.Errorf("%w: it leaves entries out", ErrEvidence)
	}
	return indices, failed
}

// AwaitAll waits until the first of several entries is final, and returns the
// receipts of as many as are by then, each checked against its entry. Indices
// ascend. The signatures of a checkpoint are checked once for all entries that
// it covers.
func (c *Client) AwaitAll(ctx context.Context, indices []int64, entries []ledger.Entry) ([][]byte, error) {
	for {
		receipts, err := c.receipts(ctx, indices, entries)
		if err == nil || Permanent(err) {
			return receipts, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("await receipts: %w (last: %w)", ctx.Err(), err)
		case <-time.After(retryAfter):
		}
	}
}

func (c *Client) receipts(ctx context.Context, indices []int64, entries []ledger.Entry) ([][]byte, error) {
	n := min(len(indices), ledger.MaxKeyed)
	ask, err := json.Marshal(map[string]any{"indices": indices[:n]})
	if err != nil {
		return nil, err
	}
	b, err := c.post(ctx, "/receipts?wait="+longPoll.String(), "application/json", ask)
	if err != nil {
		return nil, fmt.Errorf("get receipts from entry %d on: %w", indices[0], err)
	}
	receipts, err := c.openReceipts(b, indices[:n], entries[:n])
	if err != nil {
		return nil, fmt.Errorf("get receipts from entry %d on: %w: %w", indices[0], ErrEvidence, err)
	}
	return receipts, nil
}

func (c *Client) openReceipts(b []byte, indices []int64, entries []ledger.Entry) (receipts [][]byte, err error) {
	var answer struct {
		Covered []struct {
			Checkpoint []byte
			Paths      [][]byte
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, errors.New("not a list of receipts")
	}
	for _, a := range answer.Covered {
		cover, err := c.policy.Cover(a.Checkpoint)
		if err != nil {
			return nil, err
		}
		for _, p := range a.Paths {
			i := len(receipts)
			if i == len(indices) {
				return nil, errors.New("more receipts than were asked for")
			}
			path, err := parsePath(p)
			if err == nil {
				_, err = cover.Prove(indices[i], path, entries[i].Marshal())
			}
			if err != nil {
				return nil, err
			}
			receipts = append(receipts, cover.Receipt(indices[i], path).Marshal())
		}
	}
	if len(receipts) == 0 {
		return nil, errors.New("no receipt in it")
	}
	return receipts, nil
}

func parsePath(b []byte) (path []tlog.Hash, err error) {
	if len(b)%tlog.HashSize != 0 {
		return nil, errors.New("malformed path")
	}
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		path = append(path, tlog.Hash(b[:tlog.HashSize]))
	}
	return path, nil
}

func (c *Client) post(ctx context.Context, path, media string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", media)
	return c.do(req)
}
