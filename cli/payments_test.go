package cli

import (
	"encoding/json"
	"net/http"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// pay releases T2 the first time, which waits for its receipt, and nothing after.
func (g *gate) pay(r *http.Request, body []byte) (any, error) {
	run := api.PaymentRun{Remittances: []api.Remittance{}, Held: heldPayments()}
	if g.ran {
		return run, nil
	}
	g.ran = true
	all, err := g.remittances(r, body)
	if err != nil {
		return nil, err
	}
	m := all.([]api.Remittance)[1]
	m.State = claims.PaymentReleased
	run.Remittances, run.Unaccounted = append(run.Remittances, m), 1
	return run, nil
}

func heldPayments() []api.Payment {
	held := func(claim string, amount claims.Cents, hold claims.Hold) api.Payment {
		return api.Payment{Claim: claim, Control: "CS-" + claim, Payee: claims.Payee{NPI: "2999001003"}, Number: 1, Outcome: claims.Paid,
			Amount: amount, State: claims.PaymentHeld, Hold: &hold, Words: hold.Reason.Words()}
	}
	return []api.Payment{
		held("H1", 7500, claims.Hold{Reason: claims.HoldOrder, Order: credentials.Handle{0xab}}),
		held("H2", 2500, claims.Hold{Reason: claims.HoldStaff, Code: "fraud-review", By: "did:key:ann#1"}),
		held("H3", 1001, claims.Hold{Reason: claims.HoldStaff, Code: "audit", By: "did:key:bea#1"}),
	}
}

func (g *gate) payments(r *http.Request, _ []byte) (any, error) {
	if r.URL.Query().Get("state") != "held" || g.cleared {
		return []api.Payment{}, nil
	}
	return heldPayments(), nil
}

func (g *gate) reprocess(*http.Request, []byte) (any, error) {
	if g.cleared {
		return []api.Reprocess{}, nil
	}
	held := heldPayments()[0]
	paid := held
	paid.Claim, paid.State, paid.Trace, paid.Hold = "P1", claims.PaymentPaid, "T1", nil
	on := func(p api.Payment) api.Reprocess {
		return api.Reprocess{Payment: p, Cause: api.Cause{Kind: "order", Reference: credentials.Handle{0xab}.String()}, Order: credentials.Handle{0xab}, NPI: "2999002019", On: "2026-10-20",
			Before: &api.Figures{Outcome: claims.Paid, Paid: 7500, Patient: 1000}, After: &api.Figures{Outcome: claims.Denied}}
	}
	waits := on(held)
	waits.Open = "waiting"
	return []api.Reprocess{on(paid), waits}, nil
}

func (g *gate) reopen(_ *http.Request, body []byte) (any, error) {
	var o api.ReopenOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	r := api.Reopened{Claim: credentials.Handle{0xab}, Cause: api.Cause{Kind: "correction", Reference: o.Because}, Number: 1, State: "open"}
	if o.All {
		r.Again, r.State = true, "changed"
	}
	return api.ReopenAnswer{Reopened: []api.Reopened{r}}, nil
}

func (g *gate) hold(r *http.Request, body []byte) (any, error) {
	var change api.HoldChange
	if err := json.Unmarshal(body, &change); err != nil || change.Code == "Jane" {
		return nil, &api.Refusal{Status: 400, Message: "the reason code is not one"}
	}
	if r.PathValue("claim") != "CS-H2" {
		return nil, &api.Refusal{Status: 404, Message: "nothing of yours has this handle"}
	}
	g.cleared = r.PathValue("hold") == "release"
	return api.HoldAnswer{Held: !g.cleared}, nil
}

// refund knows one claim, of which 65.00 is owed.
func (g *gate) refund(r *http.Request, body []byte) (any, error) {
	var o api.RefundOrder
	if err := json.Unmarshal(body, &o); err != nil || r.PathValue("claim") != "CS-P1" {
		return nil, &api.Refusal{Status: 404, Message: "nothing of yours has this handle"}
	}
	if o.Amount > 6500 {
		return nil, &api.Refusal{Status: 409, Message: "that is more than is owed: 65.00"}
	}
	again := g.sent != nil
	g.sent = &api.Refund{Control: "CS-P1", Reference: o.Reference, Amount: o.Amount}
	f := *g.sent
	f.Again = again
	return f, nil
}

func (g *gate) owed(*http.Request, []byte) (any, error) {
	o := api.Owed{Overpayments: []api.Overpayment{}, Refunds: []api.Refund{}}
	if g.sent == nil {
		return o, nil
	}
	o.Overpayments = append(o.Overpayments, api.Overpayment{Control: "CS-P1", Payee: claims.Payee{NPI: "2999001003"}, Amount: 6500, Owed: 6500 - g.sent.Amount,
		Trace: "T1-1", Demanded: "2026-11-02", From: "2026-12-13", Stayed: true})
	o.Refunds = append(o.Refunds, *g.sent, api.Refund{Control: "CS-P2", Reference: "old", Amount: 100, Balance: "T0-1", Trace: "T1-1"})
	return o, nil
}
