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
