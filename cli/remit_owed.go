package cli

import (
	"encoding/json"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) remitOwedCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "owed", usage: "list what is owed on claims that were paid too much, and what was refunded",
		about: "Of these a remittance has told without taking them: the plan's edition gives notice first (recoupAfterDays). A payment\n" +
			"takes them from the day that is named on, unless an appeal waits for its answer or the claim is open again.\n" +
			"The insurer sees everyone's, a submitter its own claims'.",
		flags: gatewayFlags(), do: r.remitOwed,
	})
}

func (r *run) remitRefundCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "refund", usage: "register what a payee has sent back by itself, under your own key, as the insurer", args: "CLAIM", min: 1, max: 1,
		about: "CLAIM is your control number or the claim's handle. It settles what is owed on the claim, or lowers the balance that the\n" +
			"payee's next payment would bear; that payment acknowledges it. More than is owed is refused. The same reference and\n" +
			"amount again does nothing twice.",
		flags: gatewayFlags(
			&urfave.StringFlag{Name: "amount", Usage: "the `AMOUNT`, such as 65.00"},
			&urfave.StringFlag{Name: "reference", Usage: "your own `REFERENCE` of the payment, such as the check's: a-z, 0-9 and -, nothing personal"}),
		do: r.remitRefund,
	})
}

func (r *run) remitOwed(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	owed, err := d.Owed(c.Context)
	if err != nil {
		return fmt.Errorf("list what is owed: %w", err)
	}
	if r.json {
		return r.print(owed)
	}
	if len(owed.Overpayments)+len(owed.Refunds) == 0 {
		_, err := fmt.Fprintln(r.Out, "nothing is owed on a claim")
		return err
	}
	if len(owed.Overpayments) > 0 {
		t := table{head: []string{"control number", "payee", "owed", "of", "told", "taken from"}}
		for _, o := range owed.Overpayments {
			from := string(o.From)
			if o.Stayed {
				from += ", stayed: an appeal waits, or the claim is open again"
			}
			t.add(o.Control, string(o.Payee.NPI), o.Owed.String(), o.Amount.String(), string(o.Demanded)+" by "+o.Trace, from)
		}
		if err := t.write(r.Out); err != nil {
			return err
		}
	}
	for _, f := range owed.Refunds {
		fmt.Fprintln(r.Out, oneLine(refundWords(f)))
	}
	return nil
}

// refundWords say what became of a refund.
func refundWords(f api.Refund) string {
	s := fmt.Sprintf("refund %s of %s for claim %s", f.Reference, f.Amount, f.Control)
	if f.Balance != "" {
		s += ", which lowers the balance of payment " + f.Balance
	}
	if f.Trace == "" {
		return s + ": the payee's next payment acknowledges it"
	}
	return s + ": acknowledged by payment " + f.Trace
}

func (r *run) remitRefund(c *urfave.Context) error {
	amount, err := claims.ParseCents(c.String("amount"))
	if err != nil || amount <= 0 {
		return refused(commandName(c), "--amount is no amount above zero", "give it in dollars and cents, such as --amount 65.00")
	}
	if c.String("reference") == "" {
		return refused(commandName(c), "--reference is missing", "give your own reference of the payment, such as --reference check-20417")
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.RefundOrder{Amount: amount, Reference: c.String("reference")})
	if err != nil {
		return err
	}
	kept, err := d.Refund(c.Context, c.Args().First(), body)
	if err != nil {
		return fmt.Errorf("register refund: %w", err)
	}
	if r.json {
		return r.print(kept)
	}
	words := refundWords(kept)
	if kept.Again {
		words += " (it was registered before)"
	}
	_, err = fmt.Fprintln(r.Out, oneLine(words))
	return err
}
