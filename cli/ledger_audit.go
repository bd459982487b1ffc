package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/audit"
)

func (r *run) ledgerAudit() *urfave.Command {
	return r.leaf(leaf{name: "audit", usage: "follow a log and its witnesses, and find out whether they show two histories", args: "[URL|DIR]", max: 1,
		about: "Compares what the log and each --witness have signed with each other and with what was seen before,\n" +
			"and reads every entry that is new. On a split view it writes the proof beside --state, and exits with 4;\n" +
			"anyone judges it with --check, or countersign verify.\n" + logArgument,
		flags: logFlags(
			&urfave.StringFlag{Name: "state", Usage: "remember in `FILE` what was read and seen", EnvVars: []string{"COUNTERSIGN_AUDIT"}},
			&urfave.StringSliceFlag{Name: "witness", Usage: "ask the witness `W`, too, given as NAME=URL with the name in its key; may be given again"},
			&urfave.StringSliceFlag{Name: "shown", Usage: "compare a checkpoint, or the one in a receipt, that reached you in `FILE`; may be given again"},
			&urfave.BoolFlag{Name: "no-signatures", Usage: "leave out the entries' own signatures", DisableDefaultText: true},
			&urfave.DurationFlag{Name: "every", Usage: "go on for good, and look again after `DURATION`"},
			&urfave.StringFlag{Name: "check", Usage: "only judge the proof of a split view in `FILE`, offline"},
			progressFlag()),
		do: r.audit})
}

func (r *run) audit(c *urfave.Context) error {
	if file := c.String("check"); file != "" {
		var trust *ledger.Trust
		if c.String("log-key") == "" {
			var err error
			if trust, err = givenTrust(c); err != nil {
				return err
			}
		}
		return r.judge(c, file, trust, c.String("log-key"))
	}
	a, l, err := r.auditOf(c)
	if err != nil {
		return err
	}
	for {
		err := r.auditOnce(c, a, l)
		every := c.Duration("every")
		if every <= 0 || codeOf(err) > exitLater || c.Context.Err() != nil {
			return err
		}
		if err != nil {
			fmt.Fprintf(r.Err, "%s: %s\n", program, lineOf(err))
		}
		select {
		case <-c.Context.Done():
			return c.Context.Err()
		case <-time.After(every):
		}
	}
}

func (r *run) auditOf(c *urfave.Context) (a audit.Audit, l *wholeLog, err error) {
	if a.State, err = given(c, "state", "COUNTERSIGN_AUDIT"); err != nil {
		return a, nil, err
	}
	if c.Duration("every") != 0 && r.json {
		return a, nil, refused(commandName(c), "--every goes on for good, --json is one object", "give one of them")
	}
	if l, err = r.wholeLog(c); err != nil {
		return a, nil, err
	}
	a.Source, a.Judge, a.Genesis, a.Signed = l, l.judge, l.genesis, l.judge.Signed
	a.Signatures, a.Progress = !c.Bool("no-signatures"), r.entryProgress(c)
	if l.genesis != nil {
		a.Signed = l.policy.Signed
	}
	if a.Witnesses, err = l.witnesses(c); err != nil {
		return a, nil, err
	}
	for _, file := range c.StringSlice("shown") {
		b, err := readSmall(file)
		if err != nil {
			return a, nil, err
		}
		if receipt, err := ledger.ParseReceipt(b); err == nil {
			b = receipt.Checkpoint
		}
		if _, _, err := a.Signed(b); err != nil {
			return a, nil, refused(file, oneLine(err.Error()), "give a checkpoint that the log has signed, or a receipt")
		}
		a.Shown = append(a.Shown, audit.Shown{From: file, Note: b})
	}
	return a, l, nil
}

func (l *wholeLog) witnesses(c *urfave.Context) (all []audit.Witness, err error) {
	for _, w := range c.StringSlice("witness") {
		name, url, ok := strings.Cut(w, "=")
		if names := l.policy.WitnessNames(); !ok || !slices.Contains(names, name) {
			return nil, refused(commandName(c), oneLine("--witness: "+name+" is no witness of this ledger"), "give NAME=URL, with a NAME of "+strings.Join(names, ", "))
		}
		if slices.ContainsFunc(all, func(x audit.Witness) bool { return x.Name == name }) {
			return nil, refused(commandName(c), oneLine("--witness: "+name+" stands there twice"), "give each once")
		}
		if err := checkURL(c, "witness", url); err != nil {
			return nil, err
		}
		src, err := audit.Open(url, httpClient("witness"))
		if err != nil {
			return nil, refused(commandName(c), oneLine(err.Error()), "check --witness")
		}
		all = append(all, audit.Witness{Name: name, Source: src})
	}
	return all, nil
}

// auditOnce is one round, shown.
func (r *run) auditOnce(c *urfave.Context, a audit.Audit, l *wholeLog) error {
	round, err := a.Run(c.Context)
	r.progress(c).end()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return logFault(c, err)
	}
	ended := auditEnding(round)
	if r.json {
		if err := r.printAuditJSON(round, ended); err != nil {
			return err
		}
		return ended
	}
	r.printCheckpoint(round.Checkpoint, round.Known, l)
	for _, x := range round.Compared {
		fmt.Fprintf(r.Out, "%-10s  %s", x.Result, oneLine(x.From))
		if x.Size > 0 {
			fmt.Fprintf(r.Out, ", %d entries", x.Size)
		}
		if x.Detail != "" {
			fmt.Fprintf(r.Out, ": %s", oneLine(x.Detail))
		}
		fmt.Fprintln(r.Out)
	}
	for _, v := range round.Void {
		fmt.Fprintf(r.Out, "VOID        entry %d: %s\n", v.Index, oneLine(v.Detail))
	}
	for _, s := range round.Splits {
		fmt.Fprintf(r.Out, "SPLIT VIEW  proven by %s\n", oneLine(s.File))
	}
	if len(round.Splits) == 0 && round.Checkpoint.Size >= round.Before {
		fmt.Fprintf(r.Out, "read        entries from %d on: %s\n", round.Before, round.Merkle)
	}
	if round.Issuers.Done > 0 {
		fmt.Fprintf(r.Out, "signatures  %d of %d hold, by issuers who might: %s\n", round.Issuers.Done-round.Voids, round.Issuers.Done, round.Issuers)
	}
	return ended
}

// auditEnding is the worst that a round has found.
func auditEnding(r *audit.Round) error {
	what := "ledger audit"
	missing, unsigned := 0, 0
	for _, x := range r.Compared {
		switch x.Result {
		case audit.Unheard:
			missing++
		case audit.Unsigned:
			unsigned++
		}
	}
	switch {
	case len(r.Splits) > 0:
		return split(what, "the log has signed two histories", "give the proof to everyone on the ledger, and rely on no entry since: "+r.Splits[0].File)
	case unsigned > 0:
		return caught(what, errors.New(count(unsigned, "checkpoint")+" not signed as it should be, which proves nothing against the log"), "ask those who showed it")
	case r.Voids > 0:
		return caught(what, fmt.Errorf("%d new entries are void", r.Voids), "they mean nothing; ask those who run the log why they took them")
	case r.Checkpoint.Size < r.Before:
		return later(what, fmt.Sprintf("the log shows %d entries, and has shown %d before", r.Checkpoint.Size, r.Before), "try again; if it stays so, ask those who run it where the rest is")
	case missing > 0:
		return later(what, fmt.Sprintf("of the witnesses, %d did not answer or had nothing to show; all else agrees", missing), "check --witness, and try again")
	}
	return nil
}

func (r *run) printAuditJSON(round *audit.Round, ended error) error {
	files := []string{}
	for _, s := range round.Splits {
		files = append(files, s.File)
	}
	return r.print(struct {
		Origin   string           `json:"origin"`
		Size     int64            `json:"size"`
		Root     string           `json:"root"`
		Known    *time.Time       `json:"known,omitempty"`
		Before   int64            `json:"before"`
		Compared []audit.Compared `json:"compared"`
		Splits   []string         `json:"splitViews"`
		Void     int64            `json:"void"`
		Voids    []audit.Void     `json:"voidEntries"`
		Merkle   audit.Rate       `json:"merkle"`
		Issuers  audit.Rate       `json:"signatures"`
		ending
	}{round.Checkpoint.Origin, round.Checkpoint.Size, round.Checkpoint.Root.String(), unlessZero(round.Known), round.Before,
		append([]audit.Compared{}, round.Compared...), files, round.Voids, append([]audit.Void{}, round.Void...), round.Merkle, round.Issuers, endingOf(ended)})
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// holdsSplitView says whether a file claims to prove a split view.
func holdsSplitView(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || filepath.Ext(name) != ".json" {
		return false
	}
	b, err := readSmall(name)
	return err == nil && ledger.IsSplitView(b)
}

// judge says whether the proof of a split view holds, by the trust, or by the
// key of a log that is not ours. If it does, that is the error.
func (r *run) judge(c *urfave.Context, file string, trust *ledger.Trust, vkey string) error {
	b, err := readSmall(file)
	if err != nil {
		return err
	}
	found, err := judgeSplitView(b, trust, vkey)
	if err != nil {
		return caught(file, err, "it accuses nobody")
	}
	ended := split(file, fmt.Sprintf("the log %s has signed two histories", oneLine(found.Smaller.Origin)), "rely on none of its entries beyond what all others have seen")
	if r.json {
		if err := r.print(struct {
			Origin  string         `json:"origin"`
			Smaller map[string]any `json:"smaller"`
			Larger  map[string]any `json:"larger"`
			Both    []string       `json:"signedBoth"`
			ending
		}{found.Smaller.Origin, headOf(found.Smaller), headOf(found.Larger), append([]string{}, found.Both...), endingOf(ended)}); err != nil {
			return err
		}
		return ended
	}
	fmt.Fprintf(r.Out, "SPLIT VIEW of %s: the log has signed two trees of which neither continues the other\n", oneLine(found.Smaller.Origin))
	for _, x := range []ledger.Checkpoint{found.Smaller, found.Larger} {
		fmt.Fprintf(r.Out, "  %d entries, root %s\n", x.Size, x.Root)
	}
	if len(found.Both) > 0 {
		fmt.Fprintf(r.Out, "countersigned, both, by %s\n", oneLine(strings.Join(found.Both, ", ")))
	}
	return ended
}

func headOf(c ledger.Checkpoint) map[string]any {
	return map[string]any{"size": c.Size, "root": c.Root.String()}
}

func judgeSplitView(b []byte, trust *ledger.Trust, vkey string) (ledger.Split, error) {
	s, err := ledger.ParseSplitView(b)
	if err != nil {
		return ledger.Split{}, err
	}
	if vkey != "" {
		judge, err := audit.LogKey(vkey)
		if err != nil {
			return ledger.Split{}, err
		}
		return s.Check(judge.Signed)
	}
	g, err := trust.Check(s.Genesis)
	if err != nil {
		return ledger.Split{}, err
	}
	policy, err := g.Policy()
	if err != nil {
		return ledger.Split{}, err
	}
	return s.Check(policy.Signed)
}
