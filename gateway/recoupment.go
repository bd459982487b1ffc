package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// getOwed shows a submitter what is owed on its claims, and this insurer everything.
func (g *Gateway) getOwed(c *call) (any, error) {
	owed, refunds, err := g.Books.Owed(c.Context())
	if err != nil {
		return nil, err
	}
	out := api.Owed{Overpayments: []api.Overpayment{}, Refunds: []api.Refund{}}
	sees := func(submitter credentials.DID) bool { return c.party.DID == g.Insurer || c.party.DID == submitter }
	for _, o := range owed {
		if sees(o.Submitter) {
			out.Overpayments = append(out.Overpayments, api.Overpayment{Control: o.Control, Handle: o.Submission, Decision: o.Document, Submitter: o.Submitter,
				Payee: o.Payee, Amount: o.Amount, Owed: o.Owed, Trace: o.Trace, Demanded: o.Demanded, From: o.From, Stayed: o.Stayed})
		}
	}
	for _, r := range refunds {
		if sees(r.Submitter) {
			out.Refunds = append(out.Refunds, refund(r))
		}
	}
	return out, nil
}

func refund(r books.Refund) api.Refund {
	return api.Refund{Control: r.Control, Handle: r.Submission, Payee: r.Payee, Reference: r.Reference, Amount: r.Amount, Registered: r.Registered,
		Balance: r.Balance, Trace: r.Trace}
}

// postRefund registers a refund in the name of the key that signed the request;
// the request token says so for good.
func (g *Gateway) postRefund(c *call) (any, error) {
	var order api.RefundOrder
	switch err := json.Unmarshal(c.body, &order); {
	case err != nil || !holdCode(order.Reference):
		return nil, refuse(http.StatusBadRequest, "the reference has to be 1 to 40 of a-z, 0-9 and '-': nothing personal")
	case order.Amount <= 0:
		return nil, refuse(http.StatusBadRequest, "a refund is of more than nothing")
	}
	claim, err := credentials.ParseHandle(c.PathValue("claim"))
	if err != nil {
		if claim, err = g.Books.ClaimByControl(c.Context(), c.PathValue("claim")); err != nil {
			return nil, err
		}
	}
	kept, again, err := g.Books.Refund(c.Context(), books.Refund{Submission: claim, Reference: order.Reference, Amount: order.Amount, By: c.keyID, Token: c.token})
	for _, no := range []error{books.ErrOwesNothing, books.ErrOwesLess, books.ErrRefundTaken} {
		if errors.Is(err, no) {
			return nil, refuse(http.StatusConflict, "%v", err)
		}
	}
	out := refund(kept)
	out.Again = again
	return out, err
}
