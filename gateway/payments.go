package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// insurers lets in this insurer only: the ledger admits others, whose payments
// these are not.
func (g *Gateway) insurers(handle func(*call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if c.party.DID != g.Insurer {
			return nil, refuse(http.StatusForbidden, "only this insurer sees and releases its payments")
		}
		return handle(c)
	}
}

// getRemittances shows a submitter the remittances that have their receipts,
// and this insurer everyone's, with or without.
func (g *Gateway) getRemittances(c *call) (any, error) {
	whose := c.party.DID
	if whose == g.Insurer {
		whose = ""
	}
	all, err := g.Books.Remittances(c.Context(), whose)
	if err != nil {
		return nil, err
	}
	out := []api.Remittance{}
	for _, r := range all {
		m, err := g.remittance(c, r)
		if err != nil {
			return nil, err
		}
		if r.Body != nil && (m.State == claims.PaymentPaid || whose == "") { // nil: somebody in it was forgotten
			out = append(out, m)
		}
	}
	return out, nil
}

func (g *Gateway) remittance(c *call, r books.Remittance) (api.Remittance, error) {
	m := api.Remittance{Trace: r.Trace, Submitter: r.Submitter, State: claims.PaymentReleased, Released: r.Released, Body: r.Body, Handle: r.Handle}
	row, err := g.Books.Recorded(c.Context(), r.Handle)
	if err != nil || !row.Recorded {
		return m, err
	}
	f := dossier.Files{}
	f.Receipt(r.Handle, row.Entry, row.Receipt)
	m.State, m.Files = claims.PaymentPaid, f
	return m, nil
}

// postRemittances runs the payments: everything payable is released, once.
func (g *Gateway) postRemittances(c *call) (any, error) {
	on, err := credentials.ParseDate(c.URL.Query().Get("on"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "on=: the day of payment: %v", err)
	}
	run, err := g.Remit(c.Context(), on)
	var lacking *books.BehindError
	if errors.As(err, &lacking) {
		return nil, refuse(http.StatusConflict, "%v", lacking)
	}
	if err != nil {
		return nil, err
	}
	out := api.PaymentRun{Remittances: []api.Remittance{}, Held: []api.Payment{}, Unaccounted: run.Unaccounted}
	for _, r := range run.Released {
		m, err := g.remittance(c, r)
		if err != nil {
			return nil, err
		}
		out.Remittances = append(out.Remittances, m)
	}
	for _, p := range run.Held {
		out.Held = append(out.Held, payment(p))
	}
	return out, nil
}

func payment(p books.Payment) api.Payment {
	out := api.Payment{
		Claim: p.Claim, Control: p.Control, Handle: p.Submission, Decision: p.Document, Number: p.Number, Outcome: p.Outcome,
		Submitter: p.Submitter, Payee: p.Payee, Amount: p.Amount, State: p.State, Hold: p.Hold, Trace: p.Trace,
	}
	if p.Hold != nil {
		out.Words = p.Hold.Reason.Words()
	}
	return out
}

// getPayments lists final decisions with where their money stands.
func (g *Gateway) getPayments(c *call) (any, error) {
	state := claims.PaymentState("")
	if text := c.URL.Query().Get("state"); text != "" {
		var err error
		if state, err = claims.ParsePaymentState(text); err != nil {
			return nil, refuse(http.StatusBadRequest, "state=: %v", err)
		}
	}
	all, err := g.Books.Payments(c.Context(), g.Now().Add(-g.Patience))
	if err != nil {
		return nil, err
	}
	out := []api.Payment{}
	for _, p := range all {
		if state == "" || p.State == state {
			out = append(out, payment(p))
		}
	}
	return out, nil
}

// postHold places or lifts a hold in the name of the key that signed the
// request; the request token says so for good.
func (g *Gateway) postHold(c *call) (any, error) {
	var change api.HoldChange
	if err := json.Unmarshal(c.body, &change); err != nil || !holdCode(change.Code) {
		return nil, refuse(http.StatusBadRequest, "the reason code has to be 1 to 40 of a-z, 0-9 and '-': nothing personal")
	}
	claim, err := credentials.ParseHandle(c.PathValue("claim"))
	if err != nil {
		if claim, err = g.Books.ClaimByControl(c.Context(), c.PathValue("claim")); err != nil {
			return nil, err
		}
	}
	lift := strings.HasSuffix(c.URL.Path, "/release")
	err = g.Books.SetStaffHold(c.Context(), books.StaffHold{Submission: claim, Code: change.Code, By: c.keyID, Token: c.token, Lift: lift})
	for _, no := range []error{books.ErrHeldAlready, books.ErrNotHeld, books.ErrReleasedAlready} {
		if errors.Is(err, no) {
			return nil, refuse(http.StatusConflict, "%v", err)
		}
	}
	return api.HoldAnswer{Handle: claim, Held: !lift}, err
}

func holdCode(code string) bool {
	return code != "" && len(code) <= 40 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
