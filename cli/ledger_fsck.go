package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/audit"
)

const logArgument = "The log is an http(s) address or a folder of tiles; without one it is that of --ledger. Any log of\n" +
	"c2sp.org/tlog-tiles will do: one that is not of ours is judged by the key of --log-key alone."

func (r *run) ledgerFsck() *urfave.Command {
	return r.leaf(leaf{name: "fsck", usage: "re-hash every tile and entry of a log, and name what is damaged", args: "[URL|DIR]", max: 1,
		about: logArgument + "\nOf our own entries each is asked whether its issuer has signed it and might. Exit code 3: something does\n" +
			"not fit; 1: something could not be read.",
		flags: logFlags(&urfave.BoolFlag{Name: "no-signatures", Usage: "leave out the entries' own signatures, which take far longer than the hashes", DisableDefaultText: true},
			progressFlag()),
		do: r.fsck})
}

func (r *run) ledgerExport() *urfave.Command {
	return r.leaf(leaf{name: "export", usage: "copy a log into a folder that any client of C2SP logs reads", args: "[URL|DIR]", max: 1,
		about: logArgument + "\nEverything is checked before it is written. Said again it goes on, or adds what is new.",
		flags: logFlags(outFlag("write checkpoint, tiles and bundles of entries into `DIR`"), progressFlag()),
		do:    r.export})
}

func logFlags(more ...urfave.Flag) []urfave.Flag {
	return append(ledgerFlags(more...), &urfave.StringFlag{Name: "log-key", Usage: "the log is not ours: it is judged by this verifier key, `NAME+HASH+KEY`"})
}

// A wholeLog is a log to read from end to end.
type wholeLog struct {
	audit.Source
	judge   audit.Judge
	genesis *ledger.Genesis // nil for a log that is not ours
	policy  ledger.Policy
	trust   *ledger.Trust
}

// wholeLog opens what the argument, or --ledger, names.
func (r *run) wholeLog(c *urfave.Context) (*wholeLog, error) {
	where := c.Args().First()
	if where == "" {
		var err error
		if where, err = given(c, "ledger", "COUNTERSIGN_LEDGER"); err != nil {
			return nil, err
		}
	}
	src, err := audit.Open(where, nil)
	if err != nil {
		return nil, refused(commandName(c), oneLine(err.Error()), "give the address of a log, or a folder with its tiles")
	}
	l := &wholeLog{Source: src}
	if vkey := c.String("log-key"); vkey != "" {
		if l.judge, err = audit.LogKey(vkey); err != nil {
			return nil, refused(commandName(c), oneLine("--"+strings.Replace(err.Error(), "log key", "log-key", 1)), "ask those who run the log for its verifier key")
		}
		return l, nil
	}
	if l.trust, err = givenTrust(c); err != nil {
		return nil, err
	}
	if l.genesis, err = audit.Genesis(c.Context, src, *l.trust); err != nil {
		return nil, logFault(c, err)
	}
	if l.policy, err = l.genesis.Policy(); err != nil {
		return nil, caught(commandName(c), err, "")
	}
	l.judge = l.policy.Final
	return l, nil
}

// logFault gives what audit says its exit code: what could not be read may be
// readable the next time, what does not fit will not fit then either.
func logFault(c *urfave.Context, err error) error {
	var p *audit.Problem
	switch {
	case errors.As(err, &p) && p.Unread:
		return later(commandName(c), oneLine(err.Error()), "check the address and the network, then try again")
	case errors.Is(err, audit.ErrPinned):
		return caught(commandName(c), err, "check the log and --trust")
	case errors.As(err, &p):
		return caught(commandName(c), err, "keep a copy, and tell those who run the log")
	}
	return err
}

// A fsckReport is audit.Report as it is shown.
type fsckReport struct {
	Origin   string          `json:"origin"`
	Size     int64           `json:"size"`
	Root     string          `json:"root"`
	Known    *time.Time      `json:"known,omitempty"`
	Entries  int64           `json:"entries"` // that fit
	Tiles    int64           `json:"tiles"`
	Damaged  int64           `json:"damaged"`
	Problems []audit.Problem `json:"problems"`
	Void     int64           `json:"void"`
	Voids    []audit.Void    `json:"voidEntries"`
	Merkle   audit.Rate      `json:"merkle"`
	Issuers  *audit.Rate     `json:"signatures,omitempty"`
	Seconds  float64         `json:"seconds"`
	ending
}

func (r *run) fsck(c *urfave.Context) error {
	l, err := r.wholeLog(c)
	if err != nil {
		return err
	}
	f := audit.Fsck{Source: l, Judge: l.judge, Progress: r.entryProgress(c)}
	if !c.Bool("no-signatures") {
		f.Genesis = l.genesis
	}
	found, err := f.Run(c.Context)
	r.progress(c).end()
	if err != nil {
		return logFault(c, err)
	}
	var ended error
	switch n := found.Damaged; {
	case found.OnlyUnread():
		ended = later("ledger fsck", count(int(n), "resource")+" could not be read", "check the address and the network, then try again")
	case n > 0:
		ended = caught("ledger fsck", fmt.Errorf("%s", count(int(n), "problem")), "keep a copy, and tell those who run the log")
	case found.Voids > 0:
		ended = caught("ledger fsck", fmt.Errorf("%d of %d entries are void", found.Voids, found.Entries), "they mean nothing; ask those who run the log why they took them")
	}
	if err := r.printFsck(found, l, f.Genesis != nil, ended); err != nil {
		return err
	}
	return ended
}

func (r *run) printFsck(f *audit.Report, l *wholeLog, signatures bool, ended error) error {
	if r.json {
		out := fsckReport{Origin: f.Checkpoint.Origin, Size: f.Checkpoint.Size, Root: f.Checkpoint.Root.String(), Entries: f.Entries, Tiles: f.Tiles,
			Damaged: f.Damaged, Problems: append([]audit.Problem{}, f.Problems...), Void: f.Voids, Voids: append([]audit.Void{}, f.Void...),
			Merkle: f.Merkle, Seconds: f.Took.Seconds(), ending: endingOf(ended)}
		if !f.Known.IsZero() {
			out.Known = &f.Known
		}
		if signatures {
			out.Issuers = &f.Issuers
		}
		return r.print(out)
	}
	for _, p := range f.Problems {
		word := "DAMAGED"
		if p.Unread {
			word = "UNREAD "
		}
		fmt.Fprintf(r.Out, "%s  %s\n", word, oneLine(p.Error()))
	}
	if more := f.Damaged - int64(len(f.Problems)); more > 0 {
		fmt.Fprintf(r.Out, "and %d more\n", more)
	}
	for _, v := range f.Void {
		fmt.Fprintf(r.Out, "VOID     entry %d: %s\n", v.Index, oneLine(v.Detail))
	}
	if more := f.Voids - int64(len(f.Void)); more > 0 {
		fmt.Fprintf(r.Out, "and %d more\n", more)
	}
	if f.Checkpoint.Origin != "" {
		r.printCheckpoint(f.Checkpoint, f.Known, l)
		fmt.Fprintf(r.Out, "hashes      %d of %d entries fit, and %d tiles were read: %s\n", f.Entries, f.Checkpoint.Size, f.Tiles, f.Merkle)
	}
	if signatures {
		fmt.Fprintf(r.Out, "signatures  %d of %d hold, by issuers who might: %s\n", f.Issuers.Done-f.Voids, f.Issuers.Done, f.Issuers)
	}
	return nil
}

func (r *run) printCheckpoint(c ledger.Checkpoint, known time.Time, l *wholeLog) {
	by := "signed by the log's key alone"
	if !known.IsZero() {
		by = fmt.Sprintf("countersigned by %d of %d witnesses, known %s", l.policy.Quorum, len(l.policy.WitnessNames()), known.Format(time.RFC3339))
	}
	fmt.Fprintf(r.Out, "ledger      %s\ncheckpoint  %d entries, %s\n", oneLine(c.Origin), c.Size, by)
}

// entryProgress tells how many entries are done, now and then.
func (r *run) entryProgress(c *urfave.Context) func(done, total int64) {
	p := r.progress(c)
	last := r.now()
	return func(done, total int64) {
		if now := r.now(); done == total || now.Sub(last) > time.Second/4 {
			last = now
			p.step(int(done), int(total), "entries")
		}
	}
}

func (r *run) export(c *urfave.Context) error {
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	l, err := r.wholeLog(c)
	if err != nil {
		return err
	}
	x, err := audit.Export{Source: l, Judge: l.judge, Dir: out, Progress: r.entryProgress(c)}.Run(c.Context)
	r.progress(c).end()
	switch {
	case errors.Is(err, context.Canceled):
		return later("ledger export", "interrupted", "say it again, and it goes on where it was")
	case errors.Is(err, audit.ErrOtherLog):
		return caught("ledger export", err, "give --out another folder, and keep this one")
	case err != nil:
		return logFault(c, err)
	}
	if r.json {
		return r.print(map[string]any{"origin": x.Checkpoint.Origin, "size": x.Checkpoint.Size, "root": x.Checkpoint.Root.String(),
			"before": x.Before, "files": x.Written, "dir": out})
	}
	_, err = fmt.Fprintf(r.Out, "%s: %d entries of %s, %d of them new; %s written\n", out, x.Checkpoint.Size, oneLine(x.Checkpoint.Origin),
		x.Checkpoint.Size-x.Before, count(int(x.Written), "file"))
	return err
}
