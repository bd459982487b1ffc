package api

import (
	"context"
	"net/url"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An Overpayment is what a payee owes on a claim of which a remittance told and
// which it did not take.
type Overpayment struct {
	Control   string             `json:"control"`
	Handle    credentials.Handle `json:"handle"`   // of the claim
	Decision  credentials.Handle `json:"decision"` // that took the other back
	Submitter credentials.DID    `json:"submitter"`
	Payee     claims.Payee       `json:"payee"`
	Amount    claims.Cents       `json:"amountCents"` // at first
	Owed      claims.Cents       `json:"owedCents"`   // still
	Trace     string             `json:"trace"`       // of the payment that told of it
	Demanded  credentials.Date   `json:"demanded"`
	From      credentials.Date   `json:"from"` // from this day on a payment may take it
	// Stayed: an appeal waits for its answer, or the claim is open again.
	Stayed bool `json:"stayed"`
}

// A Refund is money that a payee has sent back by itself.
type Refund struct {
	Control    string             `json:"control"`
	Handle     credentials.Handle `json:"handle"` // of the claim
	Payee      claims.Payee       `json:"payee"`
	Reference  string             `json:"reference"`
	Amount     claims.Cents       `json:"amountCents"`
	Registered time.Time          `json:"registered"`
	// Balance is the payment whose balance it lowers, where it does not settle what
	// is owed on the claim.
	Balance string `json:"balance,omitempty"`
	Trace   string `json:"trace,omitempty"` // of the payment that acknowledged it
	Again   bool   `json:"again,omitempty"` // it was registered before
}

// Owed is what payees owe on claims, and what they have sent back.
type Owed struct {
	Overpayments []Overpayment `json:"overpayments"`
	Refunds      []Refund      `json:"refunds"`
}

// A RefundOrder registers a refund.
type RefundOrder struct {
	Amount    claims.Cents `json:"amountCents"`
	Reference string       `json:"reference"`
}

// Owed lists what payees owe on claims: the caller's own claims, and to the
// insurer all of them.
func (c *Client) Owed(ctx context.Context) (o Owed, err error) {
	return o, c.do(ctx, "GET", "/owed", nil, &o)
}

// Refund registers what a payee has sent back for a claim, named by handle or
// control number.
func (c *Client) Refund(ctx context.Context, claim string, body []byte) (r Refund, err error) {
	return r, c.do(ctx, "POST", "/claims/"+url.PathEscape(claim)+"/refund", body, &r)
}
