package api

import (
	"context"
	"net/url"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Cause is why a decided claim is, or should be, decided anew.
type Cause struct {
	Kind      string `json:"kind"`
	Reference string `json:"reference"`
}

// A Reprocess is a decided claim whose result would change by what was heard
// after it was decided.
type Reprocess struct {
	Payment
	Cause Cause `json:"cause"`
	// Of a board order: which one, whose license, and the first date of service
	// that it covers.
	Order credentials.Handle `json:"order,omitzero"`
	NPI   credentials.NPI    `json:"npi,omitempty"`
	On    credentials.Date   `json:"on,omitempty"`
	// Open is "open" or "waiting" where it was opened again already.
	Open   string   `json:"open,omitempty"`
	Before *Figures `json:"before,omitempty"`
	After  *Figures `json:"after,omitempty"`
	Why    string   `json:"why,omitempty"` // where nobody can say what it would come to
}

// Figures are what a decision on a claim comes to.
type Figures struct {
	Outcome claims.Outcome `json:"outcome"`
	Paid    claims.Cents   `json:"paidCents"`
	Patient claims.Cents   `json:"patientCents"`
}

// A ReopenOrder opens decided claims again: those that it names by handle or
// control number, or all that the list has of one cause. Because is the reference
// of a cause on the list, or the person's own reason code.
type ReopenOrder struct {
	Claims  []string `json:"claims,omitempty"`
	All     bool     `json:"all,omitempty"`
	Because string   `json:"because"`
}

// A ReopenAnswer says what became of each.
type ReopenAnswer struct {
	Reopened []Reopened `json:"reopened"`
}

// A Reopened is one claim that was to be opened again.
type Reopened struct {
	Claim  credentials.Handle `json:"claim"`
	Cause  Cause              `json:"cause"`
	Number int                `json:"number,omitempty"` // of the decision that was opened
	State  string             `json:"state,omitempty"`
	Again  bool               `json:"again,omitempty"` // it was ordered before
	// Refused says why it was not opened.
	Refused string `json:"refused,omitempty"`
}

// A Reopening is how a claim of the caller's that was opened again stands.
type Reopening struct {
	Number int       `json:"number"`
	Kind   string    `json:"kind"`
	State  string    `json:"state"`
	Waits  string    `json:"waits,omitempty"`
	Opened time.Time `json:"opened"`
}

// An Appeal is how an appeal of a decision stands.
type Appeal struct {
	Handle credentials.Handle `json:"handle"`
	Number int                `json:"number"` // of the decision
	Lines  []int              `json:"lines,omitempty"`
	Filed  time.Time          `json:"filed"`
	Due    credentials.Date   `json:"due"`
	State  string             `json:"state"`
	// Determination is the reviewer's signed answer, once there is one.
	Determination string `json:"determination,omitempty"`
}

// An Appealed answers whoever has appealed.
type Appealed struct {
	Handle credentials.Handle `json:"handle"`
	Claim  credentials.Handle `json:"claim"`
	Number int                `json:"number"`
	Due    credentials.Date   `json:"due"`
	State  string             `json:"state"`
	Again  bool               `json:"again,omitempty"`
}

// An AppealUnderReview is an appeal as a reviewer sees it: signed, with the signed
// claim and the decisions on it.
type AppealUnderReview struct {
	Appeal     Appeal     `json:"appeal"`
	Token      string     `json:"token"`
	Submission Submission `json:"submission"`
	Claim      string     `json:"claim"`
}

// Reprocess lists the decided claims whose result would change.
func (c *Client) Reprocess(ctx context.Context) (all []Reprocess, err error) {
	return all, c.do(ctx, "GET", "/reprocess", nil, &all)
}

// Reopen opens decided claims again.
func (c *Client) Reopen(ctx context.Context, order []byte) (a ReopenAnswer, err error) {
	return a, c.do(ctx, "POST", "/reprocess", order, &a)
}

// Appeal sends a signed appeal of a claim, named by handle or control number.
func (c *Client) Appeal(ctx context.Context, claim, token string) (a Appealed, err error) {
	return a, c.do(ctx, "POST", "/claims/"+url.PathEscape(claim)+"/appeal", []byte(token), &a)
}

// Appeals lists what waits for a reviewer's answer.
func (c *Client) Appeals(ctx context.Context) (all []AppealUnderReview, err error) {
	return all, c.do(ctx, "GET", "/appeals", nil, &all)
}

// AppealNamed shows a reviewer one appeal.
func (c *Client) AppealNamed(ctx context.Context, h credentials.Handle) (a AppealUnderReview, err error) {
	return a, c.do(ctx, "GET", "/appeals/"+h.String(), nil, &a)
}

// AnswerAppeal sends a reviewer's signed answer.
func (c *Client) AnswerAppeal(ctx context.Context, appeal credentials.Handle, token string) (a Acceptance, err error) {
	return a, c.do(ctx, "POST", "/appeals/"+appeal.String(), []byte(token), &a)
}
