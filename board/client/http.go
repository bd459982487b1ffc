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
	"strconv"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

const (
	maxAnswer    = 16 << 20
	answerWithin = 30 * time.Second
)

// A question is one request to the door.
type question struct {
	method, path string
	body         []byte
	within       time.Duration
	signed       bool // by the clerk's key
}

func (c *Client) send(ctx context.Context, path string, v, answer any) error {
	body, err := credentials.CanonicalJSON(v)
	if err != nil {
		return err
	}
	b, err := c.do(ctx, question{http.MethodPost, path, body, answerWithin, true})
	if err != nil {
		return err
	}
	return decode(b, answer)
}

func (c *Client) get(ctx context.Context, path string, answer any) error {
	b, err := c.do(ctx, question{method: http.MethodGet, path: path, within: answerWithin})
	if err != nil {
		return err
	}
	return decode(b, answer)
}

// decode does not take an answer that cannot be read for evidence: a proxy in
// between may have written it.
func decode(b []byte, answer any) error {
	if err := credentials.DecodeStrict(b, answer); err != nil {
		return fmt.Errorf("the board's answer: %w", err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, q question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, q.within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, c.URL+q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	if q.signed {
		if err := c.sign(req, q.body); err != nil {
			return nil, err
		}
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

// sign puts the clerk's own signature upon a request. The board keeps it beside
// what it does.
func (c *Client) sign(req *http.Request, body []byte) error {
	if c.Signer == nil {
		return errors.New("it takes a clerk's key")
	}
	var id credentials.Handle
	rand.Read(id[:]) // never fails (crypto/rand)
	token, err := credentials.SignRequest(c.Signer, req.Method, req.URL.RequestURI(), string(c.Board), body, id, c.Now())
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if req.Method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
		if c.NoWait {
			req.Header.Set("Prefer", "respond-async") // RFC 7240, section 4.1
		}
	}
	return nil
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
