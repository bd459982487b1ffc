package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway/api"
)

// A heldSum is what is held for one reason.
type heldSum struct {
	Reason claims.HoldReason `json:"reason"`
	Words  string            `json:"words"`
	Count  int               `json:"count"`
	Total  claims.Cents      `json:"totalCents"`
}

// sumHeld adds up what is held, reason by reason.
func sumHeld(held []api.Payment) []heldSum {
	sums := []heldSum{}
	for _, reason := range claims.HoldReasons {
		s := heldSum{Reason: reason, Words: reason.Words()}
		for _, p := range held {
			if p.Hold != nil && p.Hold.Reason == reason {
				s.Count++
				s.Total += p.Amount
			}
		}
		if s.Count > 0 {
			sums = append(sums, s)
		}
	}
	return sums
}

// printRun shows what a payment run paid, and what it did not and why.
func (r *run) printRun(out []fetched, ran api.PaymentRun) error {
	if r.json {
		return r.print(map[string]any{"remittances": out, "held": ran.Held, "heldSums": sumHeld(ran.Held), "unaccounted": ran.Unaccounted})
	}
	if err := r.printRemittances(out, "nothing is payable"); err != nil {
		return err
	}
	for _, f := range out {
		if f.State != claims.PaymentPaid {
			fmt.Fprintf(r.Out, "%s waits for its receipt from the ledger: do not pay it before `countersign remit list` says paid\n", f.Trace)
		}
	}
	if ran.Unaccounted > 0 {
		fmt.Fprintf(r.Out, "%s not paid: settled before the books kept what a payment rests on\n", count(ran.Unaccounted, "decision"))
	}
	if len(ran.Held) == 0 {
		return nil
	}
	fmt.Fprintln(r.Out)
	return r.printHeld(ran.Held)
}

func (r *run) remitHeld(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	held, err := d.Payments(c.Context, claims.PaymentHeld)
	if err != nil {
		return fmt.Errorf("list held payments: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"held": held, "heldSums": sumHeld(held)})
	}
	if len(held) == 0 {
		_, err := fmt.Fprintln(r.Out, "nothing is held")
		return err
	}
	return r.printHeld(held)
}

func (r *run) printHeld(held []api.Payment) error {
	t := table{head: []string{"held claim", "payee", "amount", "control number", "reason"}}
	for _, p := range held {
		t.add(p.Claim, string(p.Payee.NPI), p.Amount.String(), p.Control, holdDetail(p.Hold))
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	for _, s := range sumHeld(held) {
		fmt.Fprintf(r.Out, "held for %s: %s, %s; %s\n", s.Reason, count(s.Count, "claim"), s.Total, s.Words)
	}
	return nil
}

// holdDetail is the reason of a hold with what stands behind it.
func holdDetail(h *claims.Hold) string {
	if h == nil {
		return ""
	}
	switch h.Reason {
	case claims.HoldOrder:
		return string(h.Reason) + " " + h.Order.String()
	case claims.HoldStaff:
		return string(h.Reason) + " " + h.Code + ", by " + h.By
	case claims.HoldUnwritable:
		return string(h.Reason) + ": " + h.Fault
	}
	return string(h.Reason)
}

func (r *run) remitHold(c *urfave.Context, lift bool) error {
	code := c.String("reason")
	if code == "" {
		return refused(commandName(c), "--reason is missing", "give your own reason code, such as --reason fraud-review")
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.HoldChange{Code: code})
	if err != nil {
		return err
	}
	set, what, done := d.Hold, "hold claim", "is held for "+code
	if lift {
		set, what, done = d.LiftHold, "release claim", "is no longer held by the staff"
	}
	answer, err := set(c.Context, c.Args().First(), body)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if r.json {
		return r.print(answer)
	}
	_, err = fmt.Fprintf(r.Out, "%s %s\n", c.Args().First(), done)
	return err
}

func (r *run) remitList(c *urfave.Context) error {
	all, err := r.released(c)
	if err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"remittances": all})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(r.Out, "no remittance yet")
		return err
	}
	t := table{head: []string{"trace", "date", "state", "claims", "total", "payee"}}
	for _, f := range all {
		for _, p := range f.Payments {
			t.add(p.Trace, string(p.Date), string(f.State), fmt.Sprint(len(p.Claims)), p.Total.String(), fmt.Sprintf("%s (NPI %s)", p.Payee, p.NPI))
		}
	}
	return t.write(r.Out)
}

func (r *run) remitShow(c *urfave.Context) error {
	all, err := r.released(c)
	if err != nil {
		return err
	}
	trace := c.Args().First()
	for _, f := range all {
		if f.Trace == trace {
			return r.printRemittances([]fetched{f}, "")
		}
		for _, p := range f.Payments {
			if p.Trace == trace {
				f.Payments = []payment{p}
				return r.printRemittances([]fetched{f}, "")
			}
		}
	}
	return refused(commandName(c), "no remittance of yours has the trace number "+strings.ToValidUTF8(trace, "?"), "see countersign remit list")
}

// released asks for every remittance and checks that each balances.
func (r *run) released(c *urfave.Context) ([]fetched, error) {
	d, err := r.door(c)
	if err != nil {
		return nil, err
	}
	all, err := d.Remittances(c.Context)
	if err != nil {
		return nil, fmt.Errorf("list remittances: %w", err)
	}
	out := []fetched{}
	for _, m := range all {
		f, err := balanced(m)
		if err != nil {
			return nil, err
		}
		out = append(out, *f)
	}
	return out, nil
}
