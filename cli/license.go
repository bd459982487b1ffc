package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

func (r *run) licenseCommand() *urfave.Command {
	text := func(name, usage string) urfave.Flag { return &urfave.StringFlag{Name: name, Usage: usage} }
	waitFlags := func(more ...urfave.Flag) []urfave.Flag {
		return append(more,
			&urfave.DurationFlag{Name: "wait", Usage: "wait for the ledger's receipt at most `DURATION`", Value: 15 * time.Second},
			&urfave.BoolFlag{Name: "no-wait", Usage: "do not wait for it; the act stands, and license show brings it later", DisableDefaultText: true})
	}
	return branch("license", "issue, revoke and look up licenses at a board",
		r.leaf(leaf{
			name: "issue", usage: "have licenses issued, as a clerk of the board",
			about: "Either one license by flags, or many with --from-csv FILE, whose columns are\nnpi,name,jurisdiction,profession,number,from,until. Issuing the same license again gives the same one.",
			flags: boardFlags(true, waitFlags(
				text("npi", "the clinician's `NPI`"), text("name", "the clinician's `NAME`"), text("state", "two letters of the `STATE`"),
				text("profession", "such as MD, DO, NP"), text("number", "the license's `NUMBER`"),
				text("from", "first `DATE`"), text("until", "last `DATE`, included"),
				text("from-csv", "issue the licenses of a CSV `FILE`"), skipNPIFlag(), progressFlag(),
				outFlag("write the licenses with their proofs into `DIR`"))...),
			do: r.licenseIssue,
		}),
		r.leaf(leaf{
			name: "revoke", usage: "order that a license be revoked, as a clerk of the board", args: "HANDLE", min: 1, max: 1,
			about: "What was done before the effective time stays covered by the license. A DATE begins at midnight\non this computer's clock. A revocation is never undone.",
			flags: boardFlags(true, waitFlags(text("effective", "`TIME` such as 2026-11-02T00:00:00-08:00, or a DATE"),
				text("reason", "the board's reason `CODE`; it is published"), outFlag("write the order with its proofs into `DIR`"))...),
			do: r.licenseRevoke,
		}),
		r.leaf(leaf{
			name: "show", usage: "show a license, or all of a clinician's", args: "[HANDLE]", max: 1,
			flags: boardFlags(false, text("npi", "show the licenses of this `NPI`"), outFlag("write them with their proofs, and the board's status list of today, into `DIR`")),
			do:    r.licenseShow,
		}),
		r.leaf(leaf{
			name: "acts", usage: "show which clerk had which license issued or revoked, as a clerk of the board", args: "[HANDLE]", max: 1,
			about: "Every act is checked here: the clerk's own signature, and that the board did what the clerk asked for.\nIt shows key ids; who holds which key, the board knows.",
			flags: boardFlags(true, &urfave.Int64Flag{Name: "after", Usage: "leave out the acts up to the `NUMBER`"}), do: r.licenseActs,
		}),
	)
}

func boardFlags(clerk bool, more ...urfave.Flag) []urfave.Flag {
	more = append(more,
		&urfave.StringFlag{Name: "board", Usage: "`URL` of the board's door", EnvVars: []string{"COUNTERSIGN_BOARD"}},
		&urfave.StringFlag{Name: "board-did", Usage: "the board's `DID`", EnvVars: []string{"COUNTERSIGN_BOARD_DID"}})
	if clerk {
		more = append(more, keyFlags()...)
	}
	return append(more, trustFlag())
}

// waiting is how long a clerk waits for the ledger.
func waiting(c *urfave.Context) time.Duration {
	if c.Bool("no-wait") {
		return 0
	}
	return c.Duration("wait")
}

// settle waits until a license and its orders have their receipts. Without
// them nobody else need believe it, but they are issued all the same.
func (d *desk) settle(ctx context.Context, h credentials.Handle, wait time.Duration) (board.File, error) {
	ctx, cancel := context.WithTimeout(ctx, max(wait, time.Second))
	defer cancel()
	for {
		f, err := d.Show(ctx, h)
		if err != nil && ctx.Err() == nil {
			return f, err
		}
		done := err == nil && len(f.License.Receipt) > 0
		for _, o := range f.Orders {
			done = done && len(o.Receipt) > 0
		}
		if done || err == nil && wait <= 0 {
			return f, nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return f, ctx.Err()
			}
			return f, later("wait for the ledger's receipt", "there is none yet; what the board signed stands", "fetch it later with countersign license show "+h.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *run) licenseIssue(c *urfave.Context) error {
	all, err := applications(c)
	if err != nil {
		return err
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	p := r.progress(c)
	rows := []*licenseRow{}
	for i, a := range all {
		p.step(i+1, len(all), "issuing license")
		row, err := d.issue(c, a)
		if err != nil {
			p.end()
			return errors.Join(r.printLicenses(rows, err), err)
		}
		rows = append(rows, row)
	}
	p.end()
	return r.printLicenses(rows, nil)
}

func (d *desk) issue(c *urfave.Context, a board.Application) (*licenseRow, error) {
	f, err := d.Issue(c.Context, a)
	if err != nil {
		return nil, err
	}
	if f, err = d.settle(c.Context, f.License.Handle, waiting(c)); err != nil {
		return nil, err
	}
	if err := d.keepFile(f); err != nil {
		return nil, err
	}
	return d.row(f)
}

func (r *run) licenseRevoke(c *urfave.Context) error {
	h, err := credentials.ParseHandle(c.Args().First())
	if err != nil {
		return refused(commandName(c), "HANDLE: "+err.Error(), "find it with countersign license show --npi NPI")
	}
	text, err := given(c, "effective", "")
	if err != nil {
		return err
	}
	effective, err := instant(text)
	if err != nil {
		return refused(commandName(c), "--effective: "+err.Error(), "write 2026-11-02 or 2026-11-02T00:00:00-08:00")
	}
	reason, err := given(c, "reason", "")
	if err != nil {
		return err
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	if _, err := d.Revoke(c.Context, h, effective, reason); err != nil {
		return err
	}
	f, err := d.settle(c.Context, h, waiting(c))
	if err != nil {
		return err
	}
	if err := d.keepFile(f); err != nil {
		return err
	}
	row, err := d.row(f)
	if err != nil {
		return err
	}
	return r.printLicenses([]*licenseRow{row}, nil)
}

// instant reads a time with its offset, or the midnight with which a day
// begins here.
func instant(s string) (time.Time, error) {
	if _, err := credentials.ParseDate(s); err == nil {
		return time.ParseInLocation(time.DateOnly, s, time.Local)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a date nor a time with its offset", s)
	}
	return t, nil
}

func (r *run) licenseShow(c *urfave.Context) error {
	npi := credentials.NPI(c.String("npi"))
	if (npi == "") == (c.NArg() == 0) {
		return refused(commandName(c), "want either a HANDLE or --npi NPI", "see countersign license show --help")
	}
	d, err := r.desk(c, false)
	if err != nil {
		return err
	}
	var files []board.File
	if npi != "" {
		if files, err = d.Find(c.Context, npi); err != nil {
			return err
		}
	} else {
		h, err := credentials.ParseHandle(c.Args().First())
		if err != nil {
			return refused(commandName(c), "HANDLE: "+err.Error(), "find it with countersign license show --npi NPI")
		}
		f, err := d.Show(c.Context, h)
		if err != nil {
			return err
		}
		files = []board.File{f}
	}
	rows := []*licenseRow{}
	for _, f := range files {
		row, err := d.row(f)
		if err != nil {
			return err
		}
		if err := d.keepFile(f); err != nil {
			return err
		}
		if err := d.keepStatus(c.Context, f); err != nil {
			return err
		}
		rows = append(rows, row)
	}
	return r.printLicenses(rows, nil)
}

func (r *run) printLicenses(rows []*licenseRow, ended error) error {
	if r.json {
		return r.print(struct {
			Licenses []*licenseRow `json:"licenses"`
			ending
		}{rows, endingOf(ended)})
	}
	if len(rows) == 0 && ended != nil {
		return nil
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "no licenses")
		return err
	}
	for i, l := range rows {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		fmt.Fprintf(r.Out, "%s %s %s, NPI %s, %s\n", l.Jurisdiction, oneLine(l.Profession), oneLine(l.Number), l.NPI, oneLine(l.Name))
		fmt.Fprintf(r.Out, "  handle   %s\n  valid    %s to %s\n", l.Handle, l.From, l.Until)
		for _, o := range l.Orders {
			fmt.Fprintf(r.Out, "  revoked  from %s (%s)\n", o.Effective.Format(time.RFC3339), oneLine(o.Reason))
		}
		if l.Receipt {
			fmt.Fprintln(r.Out, "  ledger   it has its receipt")
		} else {
			fmt.Fprintln(r.Out, "  ledger   no receipt yet; what the board signed stands")
		}
	}
	return nil
}
