package cli

import (
	"bytes"
	"fmt"
	"path"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) remitCommand() *urfave.Command {
	reason := func() urfave.Flag {
		return &urfave.StringFlag{Name: "reason", Usage: "your own reason `CODE`: a-z, 0-9 and -, nothing personal"}
	}
	return branch("remit", "pay what was decided, see what is held, and fetch what was paid",
		r.leaf(leaf{
			name: "run", usage: "release everything that is payable, as the insurer",
			about: "One 835 file for each submitter, with a payment for each payee. Run twice, it pays once.\nWhat is held stays out, and is listed with its reason.",
			flags: gatewayFlags(&urfave.StringFlag{Name: "on", Usage: "`DATE` of payment; today where left out"}),
			do:    r.remitRun,
		}),
		r.leaf(leaf{
			name: "fetch", usage: "fetch the newest remittance (835), check that it balances, and show it",
			about: "An 835 that does not balance at line, claim and payment is not written.",
			flags: gatewayFlags(&urfave.BoolFlag{Name: "all", Usage: "fetch every remittance, not only the newest", DisableDefaultText: true},
				outFlag("write remittance.835 with its proof into `DIR` (remittances/TRACE.835 where there are several)")),
			do: r.remitFetch,
		}),
		r.leaf(leaf{
			name: "list", usage: "list the payments that were released; the insurer sees everyone's",
			flags: gatewayFlags(), do: r.remitList,
		}),
		r.leaf(leaf{
			name: "show", usage: "show one remittance or one payment of it", args: "TRACE", min: 1, max: 1,
			flags: gatewayFlags(), do: r.remitShow,
		}),
		r.leaf(leaf{
			name: "held", usage: "list what is not paid and why, with sums for each reason, as the insurer",
			flags: gatewayFlags(), do: r.remitHeld,
		}),
		r.remitOwedCommand(),
		r.remitRefundCommand(),
		r.remitLateCommand(),
		r.remitReprocessCommand(),
		r.leaf(leaf{
			name: "hold", usage: "keep a claim out of every payment run, under your own key", args: "CLAIM", min: 1, max: 1,
			about: "CLAIM is your control number or the claim's handle.",
			flags: gatewayFlags(reason()), do: func(c *urfave.Context) error { return r.remitHold(c, false) },
		}),
		r.leaf(leaf{
			name: "release", usage: "lift a hold of your staff, under your own key", args: "CLAIM", min: 1, max: 1,
			about: "CLAIM is your control number or the claim's handle. Other holds are not lifted by this.",
			flags: gatewayFlags(reason()), do: func(c *urfave.Context) error { return r.remitHold(c, true) },
		}),
	)
}

// A payment is one transaction set of an 835.
type payment struct {
	Payee  string           `json:"payee"`
	NPI    credentials.NPI  `json:"npi"`
	Trace  string           `json:"trace"`
	Date   credentials.Date `json:"date"`
	Total  claims.Cents     `json:"totalCents"`
	Claims []paymentClaim   `json:"claims"`
	// Adjustments are beside the claims (PLB); a positive amount lowers the payment.
	Adjustments []paymentAdjustment `json:"adjustments,omitempty"`
}

type paymentAdjustment struct {
	Reason    string       `json:"reason"`
	Reference string       `json:"reference,omitempty"`
	Amount    claims.Cents `json:"amountCents"`
}

type paymentClaim struct {
	Claim   string       `json:"claim"`
	Status  string       `json:"status"`
	Control string       `json:"control"`
	Charge  claims.Cents `json:"chargeCents"`
	Paid    claims.Cents `json:"paidCents"`
	Patient claims.Cents `json:"patientCents"`
}

// A fetched is one 835 file that balances.
type fetched struct {
	Trace    string              `json:"trace"`
	Handle   credentials.Handle  `json:"handle"`
	State    claims.PaymentState `json:"state"`
	File     string              `json:"file,omitempty"` // where it was written
	Payments []payment           `json:"payments"`

	remittance api.Remittance
}

func (r *run) remitRun(c *urfave.Context) error {
	on := credentials.DateOf(r.now())
	if text := c.String("on"); text != "" {
		var err error
		if on, err = credentials.ParseDate(text); err != nil {
			return refused(commandName(c), "--on: "+err.Error(), "")
		}
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	ran, err := d.RunPayments(c.Context, on)
	if err != nil {
		return fmt.Errorf("run payments: %w", err)
	}
	out := []fetched{}
	for _, m := range ran.Remittances {
		f, err := balanced(m)
		if err != nil {
			return err
		}
		out = append(out, *f)
	}
	return r.printRun(out, ran)
}

func (r *run) remitFetch(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	all, err := d.Remittances(c.Context)
	if err != nil {
		return fmt.Errorf("fetch remittances: %w", err)
	}
	slices.SortStableFunc(all, func(a, b api.Remittance) int { return a.Released.Compare(b.Released) })
	if !c.Bool("all") && len(all) > 1 {
		all = all[len(all)-1:]
	}
	out := []fetched{}
	for _, m := range all {
		f, err := balanced(m)
		if err != nil {
			return err
		}
		entry, receipt := dossier.Files(m.Files).ReceiptOf(m.Handle)
		if err := d.recorded(m.Handle, credentials.DigestOf(m.Body), entry, receipt); err != nil {
			return caught("check remittance", err, "tell the insurer; nothing was written")
		}
		out = append(out, *f)
	}
	if dir := c.String("out"); dir != "" {
		for i := range out {
			if err := out[i].keep(d, dir, len(out) > 1); err != nil {
				return err
			}
		}
	}
	return r.printRemittances(out, "no remittance yet")
}

// balanced reads an 835 and refuses one that does not add up.
func balanced(m api.Remittance) (*fetched, error) {
	what := "check remittance"
	sets, err := x12.ReadRemittance(bytes.NewReader(m.Body))
	if err != nil {
		return nil, caught(what, err, "tell the insurer; nothing was written")
	}
	out := &fetched{Trace: m.Trace, Handle: m.Handle, State: m.State, remittance: m, Payments: []payment{}}
	for i := range sets {
		s := &sets[i]
		if err := x12.CheckBalance(s); err != nil {
			return nil, caught(what, fmt.Errorf("%s", oneLine(err.Error())), "tell the insurer; nothing was written")
		}
		p := payment{s.Payee.Name, s.Payee.NPI, s.Trace, s.Date, s.Total, []paymentClaim{}, nil}
		for _, a := range s.Adjustments {
			p.Adjustments = append(p.Adjustments, paymentAdjustment{a.Reason, a.Reference, a.Amount})
		}
		for _, q := range s.Payments {
			p.Claims = append(p.Claims, paymentClaim{q.Number, statusWords(q.Status), q.Control, q.Charge, q.Paid, q.Patient})
		}
		out.Payments = append(out.Payments, p)
	}
	return out, nil
}

// statusWords spells out CLP02.
func statusWords(status string) string {
	switch status {
	case "1", "2", "3":
		return "paid"
	case "4":
		return "denied"
	case "22":
		return "reversed"
	}
	return "status " + status
}

// keep writes the 835 with its receipt and ledger entry.
func (f *fetched) keep(d *door, dir string, several bool) error {
	f.File = dossier.RemittanceFile
	if several {
		for _, c := range f.Trace { // it becomes a file name
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return caught("check remittance", fmt.Errorf("trace number %q cannot be a file name", f.Trace), "fetch it without --all, into a folder of its own")
			}
		}
		f.File = path.Join(dossier.Remittances, f.Trace+".835")
	}
	files := dossier.Files{f.File: f.remittance.Body}
	for name, body := range f.remittance.Files {
		files[name] = body
	}
	return d.keep(files, dir)
}

func (r *run) printRemittances(all []fetched, none string) error {
	if r.json {
		return r.print(map[string]any{"remittances": all})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(r.Out, none)
		return err
	}
	n := 0
	for _, f := range all {
		for _, p := range f.Payments {
			if n++; n > 1 {
				fmt.Fprintln(r.Out)
			}
			fmt.Fprintln(r.Out, oneLine(fmt.Sprintf("payment %s of %s, %s, to %s (NPI %s); it balances", p.Trace, p.Date, p.Total, p.Payee, p.NPI)))
			t := table{head: []string{"claim", "status", "charge", "paid", "patient", "control number"}}
			for _, q := range p.Claims {
				t.add(q.Claim, q.Status, q.Charge.String(), q.Paid.String(), q.Patient.String(), q.Control)
			}
			if err := t.write(r.Out); err != nil {
				return err
			}
			for _, a := range p.Adjustments {
				fmt.Fprintln(r.Out, oneLine(a.words()))
			}
		}
	}
	return nil
}

// words say what an adjustment beside the claims does.
func (a paymentAdjustment) words() string {
	switch {
	case a.Reason == x12.ReasonInterest && a.Amount < 0:
		return fmt.Sprintf("%s added for claim %s, which is paid late (L6)", -a.Amount, a.Reference)
	case a.Reason == x12.ReasonForward && a.Amount < 0:
		return fmt.Sprintf("%s more was taken back than is paid: the next payment is lowered by it (FB)", -a.Amount)
	case a.Reason == x12.ReasonForward:
		return fmt.Sprintf("%s taken off, which payment %s could not bear (FB)", a.Amount, a.Reference)
	case a.Reason == x12.ReasonRecovery && a.Amount < 0:
		return fmt.Sprintf("%s was paid too much on claim %s and is not taken yet (WO)", -a.Amount, a.Reference)
	case a.Reason == x12.ReasonRecovery:
		return fmt.Sprintf("%s taken off, which was paid too much on claim %s (WO)", a.Amount, a.Reference)
	case a.Reason == x12.ReasonReturn && a.Amount < 0:
		return fmt.Sprintf("%s was refunded for claim %s (72)", -a.Amount, a.Reference)
	case a.Amount < 0:
		return fmt.Sprintf("%s added (%s %s)", -a.Amount, a.Reason, a.Reference)
	}
	return fmt.Sprintf("%s taken off (%s %s)", a.Amount, a.Reason, a.Reference)
}
