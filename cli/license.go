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
	acts := func(more ...urfave.Flag) []urfave.Flag {
		return boardFlags(true, waitFlags(append(more, text("reason", "the board's reason `CODE`; it is published"), outFlag("write the order with its proofs into `DIR`"))...)...)
	}
	effective := func() urfave.Flag { return text("effective", "`TIME` such as 2026-11-02T00:00:00-08:00, or a DATE") }
	return branch("license", "issue licenses at a board, order what becomes of them, and look them up",
		r.leaf(leaf{
			name: "issue", usage: "have licenses issued, as a clerk of the board",
			about: "Either one license by flags, or many with --from-csv FILE, whose columns are\nnpi,name,jurisdiction,profession,number,from,until, and after them any of taxonomy,dea,holder_key (see\nlicense import). Issuing the same license again gives the same one.",
			flags: boardFlags(true, waitFlags(
				text("npi", "the clinician's `NPI`"), text("name", "the clinician's `NAME`"), text("state", "two letters of the `STATE`"),
				text("profession", "such as MD, DO, NP"), text("number", "the license's `NUMBER`"),
				text("from", "first `DATE`"), text("until", "last `DATE`, included"),
				text("taxonomy", "taxonomy `CODES` of what they may practice as, with spaces or commas between them"),
				text("dea", "check their DEA `NUMBER`, which is sent to nobody"),
				holderFlag(), text("from-csv", "issue the licenses of a CSV `FILE`"), skipNPIFlag(), progressFlag(),
				outFlag("write the licenses with their proofs into `DIR`"))...),
			do: r.licenseIssue,
		}),
		r.leaf(leaf{
			name: "import", usage: "have a whole register issued from a CSV file", args: "FILE", min: 1, max: 1,
			about: "Its columns are npi,name,jurisdiction,profession,number,from,until, and after them, where there are labels,\nstatus and what the order takes that a label needs (suspended, probation): effective,reason,restrictions.\n" +
				"Three more may be there. taxonomy: codes of what they may practice as, which stand in the license. dea: their\nDEA number, which is checked and sent to nobody, since licenses are public. holder_key: the file in which the\nclinician proves that they have the key that is to be bound to the license (countersign clinician prove), beside FILE.\n" +
				"Codes in a list have spaces or commas between them.\n" +
				"Every row is checked before the first is issued. What is wrong is told by line and column, the good rows\nare issued, and the command ends with 2. FILE.issued keeps what was: after a kill the same command goes\non, and nothing is issued twice. A number that another NPI has is refused: whoever corrects an NPI voids\nthe license that was issued first. --check asks the board as well, unless it is --offline.\n\n" + labelsHelp(),
			flags: boardFlags(true, &urfave.BoolFlag{Name: "check", Usage: "tell what is wrong with the rows, by what the board says too, and issue nothing", DisableDefaultText: true},
				&urfave.BoolFlag{Name: "offline", Usage: "with --check: ask nobody", DisableDefaultText: true},
				&urfave.IntFlag{Name: "at-once", Usage: "send `N` requests at a time", Value: 4},
				&urfave.IntFlag{Name: "rows", Usage: "ask for `N` licenses in a request, 1000 at most", Value: 500},
				&urfave.DurationFlag{Name: "wait", Usage: "wait for the last receipt at most `DURATION`", Value: 10 * time.Minute},
				skipNPIFlag(), progressFlag()),
			do: r.licenseImport,
		}),
		r.leaf(leaf{
			name: "export", usage: "write the register as CSV, or one license in a form that others read", args: "[HANDLE]", max: 1,
			about: "To the standard output. Without a HANDLE every license with what it is good for today: it reads the board's\n" +
				"feed from its beginning, as an insurer does, and writes while it reads: what ends with another exit code than 0\n" +
				"is not whole. With one, that license as --form jwt, jcs or rdfc, checked here.",
			flags: boardFlags(false, text("form", "of one license: `FORM` is jwt (vc+jwt), jcs or rdfc (Data Integrity)")), do: r.licenseExport,
		}),
		r.leaf(leaf{
			name: "renew", usage: "order that a license run to a new last day", args: "HANDLE", min: 1, max: 1,
			about: "The license keeps its handle and its orders: a suspension does not end because somebody renews.",
			flags: acts(effective(), text("until", "new last `DATE`, included")),
			do:    r.licenseOrder(credentials.OrderRenew),
		}),
		r.leaf(leaf{
			name: "restrict", usage: "order that a license be used within restrictions only", args: "HANDLE", min: 1, max: 1,
			about: "Each code names a limit in the board's own words, such as NO-OPIOIDS: what is not allowed, or what has to be\nmet. It is never a service that is allowed. While one is in force no machine says yes: a person at the insurer holds\neach service against the limits, and license standing and credential verify end with 6.",
			flags: acts(effective(), text("until", "last `DATE`, included; open without it"),
				text("restrictions", "the board's `CODES` of the limits, with spaces or commas between them")),
			do: r.licenseOrder(credentials.OrderRestrict),
		}),
		r.leaf(leaf{
			name: "suspend", usage: "order that a license be suspended", args: "HANDLE", min: 1, max: 1,
			about: "From the effective time to a last day, or until the license is reinstated. What was done before\nor afterwards is covered by the license.",
			flags: acts(effective(), text("until", "last `DATE`, included; open without it")),
			do:    r.licenseOrder(credentials.OrderSuspend),
		}),
		r.leaf(leaf{
			name: "reinstate", usage: "end a suspension or a restriction", args: "HANDLE", min: 1, max: 1,
			about: "Without --order it ends every suspension in force on that day, or where there is none every\nrestriction. A revocation is not ended.",
			flags: acts(effective(), text("order", "end the `ORDER` alone, which license show names")),
			do:    r.licenseOrder(credentials.OrderReinstate),
		}),
		r.leaf(leaf{
			name: "challenge", usage: "have a challenge made that a clinician signs with their own key, as a clerk of the board",
			about: "It is good once, for two weeks, for that clinician. What they sign goes to issue or bind.",
			flags: boardFlags(true, text("npi", "the clinician's `NPI`")), do: r.licenseChallenge,
		}),
		r.leaf(leaf{
			name: "bind", usage: "order that a license be bound to another key of its clinician", args: "HANDLE", min: 1, max: 1,
			about: "From the effective time on, the key that was bound before is not good, whatever date it signs under.",
			flags: acts(effective(), holderFlag(),
				&urfave.BoolFlag{Name: "lost", Usage: "bind it to no key: the old one was lost, and there is no other yet", DisableDefaultText: true}),
			do: r.licenseOrder(credentials.OrderBind),
		}),
		r.leaf(leaf{
			name: "revoke", usage: "order that a license be revoked, as a clerk of the board", args: "HANDLE", min: 1, max: 1,
			about: "What was done before the effective time stays covered by the license. A DATE begins at midnight\non this computer's clock. A revocation is not reinstated; one that was ordered in error is voided.",
			flags: acts(effective()),
			do:    r.licenseOrder(credentials.OrderRevoke),
		}),
		r.leaf(leaf{
			name: "void", usage: "say that an order, or the license itself, was made in error", args: "HANDLE", min: 1, max: 1,
			about: "It was then in force on no day. Nothing is erased: history shows both. What others decided before\nthey knew stays decided on what they knew. The status list shows a revocation\nno longer once it is voided.",
			flags: acts(text("order", "void this `ORDER`, which license show names"),
				&urfave.BoolFlag{Name: "license", Usage: "void the license: it was issued in error", DisableDefaultText: true}),
			do: r.licenseOrder(credentials.OrderVoid),
		}),
		r.leaf(leaf{
			name: "show", usage: "show a license, or all of a clinician's", args: "[HANDLE]", max: 1,
			flags: boardFlags(false, text("npi", "show the licenses of this `NPI`"), outFlag("write them with their proofs, and the board's status list of today, into `DIR`")),
			do:    r.licenseShow,
		}),
		r.standingCommand(),
		r.leaf(leaf{
			name: "history", usage: "show every act upon a license, as a clerk of the board", args: "HANDLE", min: 1, max: 1,
			about: "By whom, from when on in force, known since when, and where on the ledger. Everything is checked here.",
			flags: boardFlags(true), do: r.licenseHistory,
		}),
		r.leaf(leaf{
			name: "acts", usage: "show which clerk had what done to which license, as a clerk of the board", args: "[HANDLE]", max: 1,
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
	if c.String("holder-key") != "" {
		if all[0].Holder, all[0].Proof, err = r.holderProof(c); err != nil {
			return err
		}
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
