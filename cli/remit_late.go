package cli

import (
	"errors"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

func (r *run) remitLateCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "late", usage: "say which claims of a dossier were paid late, or are, and what interest a law adds", args: "DIR", min: 1, max: 1,
		about: "The dossier is verified first; it says when each claim was received and paid. Interest is simple, from the\n" +
			"day after the claim was due through the day of payment. A claim that waited for a person before it was\n" +
			"decided, or that corrects another, is listed without interest: whether it was clean, a person says. LAW is one of\n" +
			strings.Join(promptpay.Laws(), ", ") + ".",
		flags: []urfave.Flag{
			&urfave.StringFlag{Name: "law", Usage: "the `LAW` that binds the insurer"},
			&urfave.StringFlag{Name: "on", Usage: "ask of unpaid claims as of `DATE`; today where left out"},
			&urfave.StringFlag{Name: "trust", Usage: "trust `FILE` that reached you by another way than the evidence", EnvVars: []string{"COUNTERSIGN_TRUST"}},
			progressFlag(),
		},
		do: r.remitLate,
	})
}

// A lateClaim is a claim that is to be paid, before a law.
type lateClaim struct {
	Claim    string           `json:"claim"`
	Received credentials.Date `json:"received"`
	Paid     claims.Cents     `json:"paidCents"`
	Unpaid   bool             `json:"unpaid,omitempty"` // no remittance in the dossier has it
	// Waited: it was pended first, or it takes another decision back, so that a
	// person says whether it was clean.
	Waited bool `json:"waited,omitempty"`
	// Added is the interest that stands in the remittance.
	Added claims.Cents `json:"addedCents,omitempty"`
	promptpay.Clock
}

func (r *run) remitLate(c *urfave.Context) error {
	law, err := given(c, "law", "")
	if err != nil {
		return err
	}
	on := credentials.DateOf(r.now())
	if text := c.String("on"); text != "" {
		if on, err = credentials.ParseDate(text); err != nil {
			return refused(commandName(c), "--on: "+err.Error(), "")
		}
	}
	all, err := r.toldIn(c)
	if err != nil {
		return err
	}
	late := []lateClaim{}
	for i := range all {
		if all[i].Decision.Outcome != claims.Paid || all[i].Decision.Paid <= 0 {
			continue
		}
		l, err := lateOf(&all[i], law, on)
		if err != nil {
			return refused(commandName(c), l.Claim+": "+err.Error(), "choose --law or --on for which one is known")
		}
		late = append(late, l)
	}
	if r.json {
		return r.print(map[string]any{"law": law, "claims": late})
	}
	return r.tellLate(late)
}

// lateOf holds one claim against a law; one that no remittance has, as of a day.
func lateOf(t *dossier.Told, law string, on credentials.Date) (l lateClaim, err error) {
	l = lateClaim{Claim: t.Claim.Number, Received: t.Received, Paid: t.Decision.Paid, Unpaid: t.Payment == nil}
	if t.Payment != nil {
		on, l.Added = t.Payment.On, t.Payment.Interest
	}
	l.Clock, l.Waited, err = promptpay.Owed(law, t.Received, t.Decision, on)
	return l, err
}

func (r *run) tellLate(late []lateClaim) error {
	t := table{head: []string{"claim", "received", "due", "paid on", "late", "paid", "interest", "note"}}
	sum := claims.Cents(0)
	for _, l := range late {
		paidOn, note, amount := string(l.On), "", l.Interest.String()
		if l.Unpaid {
			paidOn, note = "not yet", "as of "+string(l.On)
		}
		switch {
		case l.Waited && l.Late > 0:
			amount, note = "", "a person had it first, or it corrects another: ask whether it was clean"
		case l.Late == 0:
			amount = ""
		}
		if l.Added != 0 {
			note = strings.TrimPrefix(note+"; paid with it: "+l.Added.String(), "; ")
		}
		sum += l.Interest
		t.add(l.Claim, string(l.Received), string(l.Due), paidOn, fmt.Sprint(l.Late), l.Paid.String(), amount, note)
	}
	if len(late) == 0 {
		_, err := fmt.Fprintln(r.Out, "no claim that is to be paid is in the dossier")
		return err
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.Out, "interest  %s, by %s\n", sum, late[0].Source)
	return err
}

// toldIn reads and verifies the dossier that a command names. Of one that fails,
// nothing is told.
func (r *run) toldIn(c *urfave.Context) ([]dossier.Told, error) {
	var trust *ledger.Trust
	var err error
	if path := c.String("trust"); path != "" {
		if trust, err = readTrust(path); err != nil {
			return nil, err
		}
	}
	dir := c.Args().First()
	files, err := dossier.Read(dir)
	if err != nil {
		return nil, refused(dir, fileWords(err), "name a folder that --out of another command wrote")
	}
	p := r.progress(c)
	report, all := dossier.ClaimDecisions(files, trust, func(done, total int) { p.step(done, total, "checking") })
	p.end()
	if !report.OK() {
		return nil, caught(dir, errors.New(count(len(report.Failures), "file")+" failed"), "see countersign verify; nothing is told of it")
	}
	return all, nil
}
