package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// getReprocess lists the decided claims that something touches which was heard
// after they were decided, and whose result would change.
func (g *Gateway) getReprocess(c *call) (any, error) {
	all, err := g.Reprocess(c.Context())
	if err != nil {
		return nil, err
	}
	out := []api.Reprocess{}
	for _, r := range all {
		out = append(out, reprocess(r))
	}
	return out, nil
}

func reprocess(r books.Reprocess) api.Reprocess {
	out := api.Reprocess{Payment: payment(r.Payment), Cause: cause(r.Cause), Order: r.Order, NPI: r.NPI, On: r.On, Open: string(r.Open), Why: r.Why}
	if r.Before != nil {
		out.Before = &api.Figures{Outcome: r.Before.Outcome, Paid: r.Before.Paid, Patient: r.Before.Patient}
	}
	if r.After != nil {
		out.After = &api.Figures{Outcome: r.After.Outcome, Paid: r.After.Paid, Patient: r.After.Patient}
	}
	return out
}

func cause(c books.Cause) api.Cause { return api.Cause{Kind: string(c.Kind), Reference: c.Reference} }

// maxReopened bounds what one order opens again.
const maxReopened = 10_000

// postReprocess opens claims again in the name of the key that signed the
// request; the request token says so for good. It names claims, or a cause of
// the list, of which it takes every claim. Repeated, it does nothing twice.
func (g *Gateway) postReprocess(c *call) (any, error) {
	var order api.ReopenOrder
	if err := json.Unmarshal(c.body, &order); err != nil || order.Because == "" {
		return nil, refuse(http.StatusBadRequest, "want the claims, and because of what: a cause of the list, or your own reason code")
	}
	listed, err := g.Reprocess(c.Context())
	if err != nil {
		return nil, err
	}
	var asked []books.Reopening
	switch {
	case order.All && len(order.Claims) > 0 || !order.All && len(order.Claims) == 0:
		return nil, refuse(http.StatusBadRequest, "want claims, or all of one cause")
	case order.All:
		for _, r := range listed {
			if named(r.Cause, order.Because) {
				asked = append(asked, books.Reopening{Submission: r.Submission, Cause: r.Cause})
			}
		}
	default:
		if asked, err = g.reopenings(c, order, listed); err != nil {
			return nil, err
		}
	}
	if len(asked) > maxReopened {
		return nil, refuse(http.StatusRequestEntityTooLarge, "one order opens at most %d claims again: this one names %d", maxReopened, len(asked))
	}
	out := api.ReopenAnswer{Reopened: []api.Reopened{}}
	for _, r := range asked {
		r.By, r.Token = c.keyID, c.token
		got, err := g.reopen(c, r)
		if err != nil {
			return nil, err
		}
		out.Reopened = append(out.Reopened, *got)
	}
	return out, nil
}

// named says whether an order means a cause: by its reference, or every one that
// the list has of its kind.
func named(c books.Cause, because string) bool {
	switch c.Kind {
	case books.CauseOrder, books.CauseCoverage, books.CauseRoster, books.CauseExclusion, books.CauseReversal:
		return c.Reference == because || string(c.Kind) == because
	}
	return c.Reference == because
}

// reopenings are those of claims that an order names. A cause that is on the list
// keeps its kind; anything else is the person's own reason code.
func (g *Gateway) reopenings(c *call, order api.ReopenOrder, listed []books.Reprocess) (asked []books.Reopening, err error) {
	for _, name := range order.Claims {
		s, err := g.claimNamed(c.Context(), name)
		if errors.Is(err, books.ErrNotFound) || err == nil && s.Kind != books.ClaimKind {
			return nil, refuse(http.StatusNotFound, "claim %s: nothing is known under this number or handle; nothing was opened", name)
		}
		if err != nil {
			return nil, err
		}
		cause := books.Cause{Kind: books.CauseCorrection, Reference: order.Because}
		known, err := g.Books.Reopenings(c.Context(), s.Handle)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(listed, func(r books.Reprocess) bool { return r.Submission == s.Handle && named(r.Cause, order.Because) }); i >= 0 {
			cause = listed[i].Cause
		} else if i := slices.IndexFunc(known, func(r books.Reopening) bool { return named(r.Cause, order.Because) }); i >= 0 {
			cause = known[i].Cause // asked again
		} else if _, err := credentials.ParseHandle(order.Because); err == nil {
			return nil, refuse(http.StatusConflict, "claim %s: the list has no such cause for it; nothing was opened", name)
		} else if !holdCode(order.Because) {
			return nil, refuse(http.StatusBadRequest, "the reason code has to be 1 to 40 of a-z, 0-9 and '-': nothing personal")
		}
		asked = append(asked, books.Reopening{Submission: s.Handle, Cause: cause})
	}
	return asked, nil
}

// reopen opens one claim again and has its contract go on.
func (g *Gateway) reopen(c *call, r books.Reopening) (*api.Reopened, error) {
	got, work, err := g.Books.Reopen(c.Context(), r)
	out := &api.Reopened{Claim: r.Submission, Cause: cause(r.Cause)}
	switch {
	case errors.Is(err, books.ErrNotFinal), errors.Is(err, books.ErrReopenedAlready):
		out.Refused = err.Error()
		return out, nil
	case err != nil:
		return nil, fmt.Errorf("open claim %s again: %w", r.Submission, err)
	}
	out.Number, out.State, out.Again = got.Number, string(got.State), got.Token != r.Token
	if got.State == books.ReopeningOpen || got.State == books.ReopeningWaiting {
		if err := g.Restart(c.Context(), r.Submission, work); err != nil {
			return nil, fmt.Errorf("open claim %s again: %w", r.Submission, err)
		}
	}
	return out, nil
}
