//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// A reaction is how long the insurer took to hold everything that rests on a
// license that was revoked: from finality, which is when somebody who waits at
// the ledger has the receipt with the quorum's cosignatures in hand, and from
// the board's answer to its clerk. Each hold counts when it was settled. Toward
// books ends when the order is in the books, where every payment run and
// settlement asks for it: from then on nothing that it covers is paid.
type reaction struct {
	fromFinal, fromAnswer, towardBooks time.Duration
}

// approveFor has a clinician's authorizations approved, which an order then
// reaches.
func approveFor(ctx context.Context, t *town, hospital *api.Client, clinician, n int) (open []credentials.Handle, err error) {
	for range n {
		token, err := t.request(clinician, hospital.Signer)
		if err != nil {
			return nil, err
		}
		a, err := hospital.SubmitAuthorization(ctx, token)
		if err != nil {
			return nil, fmt.Errorf("request authorization: %w", err)
		}
		open = append(open, a.Handle)
	}
	for _, h := range open {
		s, err := hospital.Status(ctx, h, 0, 30*time.Second, false)
		if err != nil {
			return nil, err
		}
		if s.State != string(claims.AuthorizationApproved) {
			return nil, fmt.Errorf("an authorization that is approved by rule is %s", s.State)
		}
	}
	return open, nil
}

// react revokes a clinician's license and waits until the last of the open
// authorizations is revoked for it.
func react(ctx context.Context, s *site, t *town, hospital *api.Client, clinician int, open []credentials.Handle) (r reaction, err error) {
	clerk, err := s.clerk()
	if err != nil {
		return r, err
	}
	final, err := s.awaitNextEntry(ctx)
	if err != nil {
		return r, err
	}
	effective := time.Date(2026, 9, 15, 7, 0, 0, 0, time.UTC)
	order, err := clerk.Revoke(ctx, t.licenses[clinician], effective, "unprofessional-conduct")
	answered := time.Now()
	if err != nil {
		return r, fmt.Errorf("revoke license: %w", err)
	}
	if len(order.Receipt) == 0 {
		return r, errors.New("the board answered without the ledger's receipt")
	}
	known, ok := <-final.at
	if !ok || order.Index != final.index {
		return r, fmt.Errorf("the order is entry %d, and entry %d was waited for", order.Index, final.index)
	}
	var last time.Time
	for _, h := range open {
		s, err := hospital.Status(ctx, h, 1, 30*time.Second, false)
		if err != nil {
			return r, err
		}
		if len(s.Decisions) < 2 || s.State != string(claims.AuthorizationRevoked) || s.Decisions[1].Cause != order.Handle {
			return r, fmt.Errorf("an authorization under a revoked license is %s after %d decisions", s.State, len(s.Decisions))
		}
		if at := s.Decisions[1].Settled; at.After(last) {
			last = at
		}
	}
	heard, err := s.heard(order.Handle)
	if err != nil {
		return r, err
	}
	return reaction{fromFinal: last.Sub(known), fromAnswer: last.Sub(answered), towardBooks: heard.Sub(known)}, nil
}

// heard is when the first worker logged that it had an order in the books.
func (s *site) heard(order credentials.Handle) (first time.Time, err error) {
	for _, log := range s.logs() {
		for _, text := range bytes.Split(log, []byte("\n")) {
			var line struct {
				Time       time.Time
				Msg, Order string
			}
			if json.Unmarshal(text, &line) != nil || line.Order != order.String() || !strings.HasPrefix(line.Msg, "board order in the books") {
				continue
			}
			if first.IsZero() || line.Time.Before(first) {
				first = line.Time
			}
		}
	}
	if first.IsZero() {
		return first, errors.New("no worker has logged that the order is in the books")
	}
	return first, nil
}

// A finality is when the ledger's next entry became final, as somebody hears
// who waits for its receipt.
type finality struct {
	index int64
	at    chan time.Time // closed without a time where nothing was heard
}

func (s *site) awaitNextEntry(ctx context.Context) (*finality, error) {
	size, err := s.ledgerSize(ctx)
	if err != nil {
		return nil, err
	}
	f := &finality{size, make(chan time.Time, 1)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/receipts/%d?wait=20s", s.Ledger, f.index), nil)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(f.at)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode == http.StatusOK {
			f.at <- time.Now()
		}
	}()
	return f, nil
}

// ledgerSize is how many entries are final. The second line of a checkpoint
// says it (C2SP tlog-checkpoint); nothing rests on it but a measurement.
func (s *site) ledgerSize(ctx context.Context) (size int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Ledger+"/checkpoint", nil)
	if err != nil {
		return 0, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var origin string
	_, err = fmt.Fscanf(resp.Body, "%s\n%d\n", &origin, &size)
	return size, err
}
