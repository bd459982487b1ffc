package cli

import (
	"encoding/json"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) remitReprocessCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "reprocess", usage: "list the decided claims whose result would change by what was heard since, as the insurer",
		about: "Because of a board order, of members, coverage or a roster written down later, or of an earlier claim of the family that\n" +
			"was taken back. Each stands with what it comes to now and would come to; nothing is written by asking.\n" +
			"`countersign claim reopen` has them decided anew.",
		flags: gatewayFlags(), do: r.remitReprocess,
	})
}

func (r *run) claimReopenCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "reopen", usage: "have decided claims decided anew, under your own key, as the insurer", args: "[CLAIM…]", max: -1,
		about: "CLAIM is your control number or the claim's handle. --because names a cause of `countersign remit reprocess`, or a kind\n" +
			"of them (order, coverage, roster, reversal), or is your own reason code. A claim that comes to the same is left as it\n" +
			"was decided; one that would pend waits, and keeps its decision meanwhile. Ordered again for the same cause, nothing is\n" +
			"done twice.",
		flags: gatewayFlags(
			&urfave.StringFlag{Name: "because", Usage: "the `CAUSE`, or your own reason code: a-z, 0-9 and -, nothing personal"},
			&urfave.BoolFlag{Name: "all", Usage: "every claim that the list has of this cause", DisableDefaultText: true}),
		do: r.claimReopen,
	})
}

func (r *run) remitReprocess(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	list, err := d.Reprocess(c.Context)
	if err != nil {
		return fmt.Errorf("list what is to be decided anew: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"reprocess": list})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(r.Out, "nothing is to be decided anew")
		return err
	}
	t := table{head: []string{"claim", "decision", "state", "paid", "then", "patient", "then", "outcome", "control number", "because of", "cause"}}
	paid := claims.Cents(0)
	for _, p := range list {
		cells := []string{p.Claim, fmt.Sprint(p.Number), string(p.State)}
		t.add(append(append(cells, change(&p)...), p.Control, p.Cause.Kind, p.Cause.Reference)...)
		if p.Trace != "" && p.Before != nil && p.After != nil {
			paid += p.After.Paid - p.Before.Paid
		}
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	for _, p := range list {
		if p.Why != "" {
			fmt.Fprintf(r.Out, "%s: nobody can say yet what it would come to: %s\n", oneLine(p.Claim), oneLine(p.Why))
		}
	}
	_, err = fmt.Fprintf(r.Out, "%s to be decided anew; of what was paid already, %s would change\n", count(len(list), "claim"), paid)
	return err
}

// change is what a claim comes to before and after.
func change(p *api.Reprocess) []string {
	cells := []string{"", "", "", "", ""}
	if p.Before != nil {
		cells[0], cells[2] = p.Before.Paid.String(), p.Before.Patient.String()
	}
	if p.After != nil {
		cells[1], cells[3], cells[4] = p.After.Paid.String(), p.After.Patient.String(), string(p.After.Outcome)
		if p.After.Outcome == claims.Pended { // it keeps what it has until it can be decided
			cells[1], cells[3] = "", ""
		}
	}
	if p.Open != "" {
		cells[4] = "open again: " + p.Open
	}
	return cells
}

func (r *run) claimReopen(c *urfave.Context) error {
	because, err := given(c, "because", "")
	if err != nil {
		return err
	}
	if c.Bool("all") == c.Args().Present() {
		return refused(commandName(c), "want claims, or --all of one cause", "see countersign remit reprocess")
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.ReopenOrder{Claims: c.Args().Slice(), All: c.Bool("all"), Because: because})
	if err != nil {
		return err
	}
	answer, err := d.Reopen(c.Context, body)
	if err != nil {
		return fmt.Errorf("reopen claims: %w", err)
	}
	if r.json {
		return r.print(answer)
	}
	if len(answer.Reopened) == 0 {
		_, err := fmt.Fprintln(r.Out, "the list has no claim of this cause: nothing was opened; see countersign remit reprocess")
		return err
	}
	for _, a := range answer.Reopened {
		switch {
		case a.Refused != "":
			fmt.Fprintf(r.Out, "%s: not opened: %s\n", short(a.Claim), oneLine(a.Refused))
		case a.Again:
			fmt.Fprintf(r.Out, "%s: was opened for this before: %s\n", short(a.Claim), a.State)
		default:
			fmt.Fprintf(r.Out, "%s: decision %d is open again because of %s %s\n", short(a.Claim), a.Number, a.Cause.Kind, oneLine(a.Cause.Reference))
		}
	}
	return nil
}
