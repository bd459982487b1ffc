package api

import (
	"context"
	"net/url"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Remittance is an 835 that was released, with its proof. Its state is
// "released" until its ledger entry has a receipt, and "paid" from then on; a
// submitter sees paid ones only.
type Remittance struct {
	Trace     string              `json:"trace"`
	Submitter credentials.DID     `json:"submitter"`
	State     claims.PaymentState `json:"state"`
	Released  time.Time           `json:"released"`
	Body      []byte              `json:"body"`
	Handle    credentials.Handle  `json:"handle"`
	Files     map[string][]byte   `json:"files"`
}

// A PaymentRun is what one run released, and what it left out with the reason.
type PaymentRun struct {
	Remittances []Remittance `json:"remittances"`
	Held        []Payment    `json:"held"`
	// Unaccounted counts decisions that no run pays because the books do not say
	// what their payment rests on.
	Unaccounted int `json:"unaccounted,omitempty"`
}

// A Payment is a final decision on a claim with where its money stands.
type Payment struct {
	Claim     string              `json:"claim"`
	Control   string              `json:"control"`
	Handle    credentials.Handle  `json:"handle"`   // of the claim
	Decision  credentials.Handle  `json:"decision"` // of the latest or paid one
	Number    int                 `json:"number"`   // of the decision
	Outcome   claims.Outcome      `json:"outcome"`
	Submitter credentials.DID     `json:"submitter"`
	Payee     claims.Payee        `json:"payee"`
	Amount    claims.Cents        `json:"amountCents"`
	State     claims.PaymentState `json:"state"`
	Hold      *claims.Hold        `json:"hold,omitempty"`
	Words     string              `json:"words,omitempty"` // the hold in plain words
	Trace     string              `json:"trace,omitempty"`
}

// A HoldChange places or lifts a hold of the insurer's staff.
type HoldChange struct {
	Code string `json:"code"`
}

// A HoldAnswer names the claim that a hold was placed upon or lifted from.
type HoldAnswer struct {
	Handle credentials.Handle `json:"handle"`
	Held   bool               `json:"held"`
}

// Remittances lists the 835s released to the caller; to the insurer, all of them.
func (c *Client) Remittances(ctx context.Context) (all []Remittance, err error) {
	return all, c.do(ctx, "GET", "/remittances", nil, &all)
}

// RunPayments has everything released that is payable, dated on the day of
// payment. Run again, it releases only what has become payable since.
func (c *Client) RunPayments(ctx context.Context, on credentials.Date) (run PaymentRun, err error) {
	return run, c.do(ctx, "POST", withQuery("/remittances", url.Values{"on": {string(on)}}), nil, &run)
}

// Payments lists final decisions with where their money stands; only those of
// a state where one is named.
func (c *Client) Payments(ctx context.Context, state claims.PaymentState) (all []Payment, err error) {
	q := url.Values{}
	if state != "" {
		q.Set("state", string(state))
	}
	return all, c.do(ctx, "GET", withQuery("/payments", q), nil, &all)
}

// Hold keeps a claim, named by handle or control number, out of every run.
func (c *Client) Hold(ctx context.Context, claim string, body []byte) (a HoldAnswer, err error) {
	return a, c.do(ctx, "POST", "/claims/"+url.PathEscape(claim)+"/hold", body, &a)
}

// LiftHold lifts what Hold placed.
func (c *Client) LiftHold(ctx context.Context, claim string, body []byte) (a HoldAnswer, err error) {
	return a, c.do(ctx, "POST", "/claims/"+url.PathEscape(claim)+"/release", body, &a)
}
