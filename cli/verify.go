package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

func (r *run) verifyCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "verify", usage: "check a folder of signed documents, or single files, without asking anyone", args: "DIR|FILE…", min: 1, max: -1,
		about: "Checks signatures, keys, licenses, the ledger's proofs and its quorum, and computes every decision\n" +
			"again. It uses no network and no clock. A trust.json that lies beside the evidence proves nothing:\n" +
			"give the one that reached you by another way with --trust. A single file takes its proofs from the\n" +
			"dossier that it lies in, or from --dir.",
		flags: []urfave.Flag{
			&urfave.StringFlag{Name: "trust", Usage: "trust `FILE` that reached you by another way than the evidence", EnvVars: []string{"COUNTERSIGN_TRUST"}},
			&urfave.StringFlag{Name: "dir", Usage: "take the proofs of single files from `DIR`"},
			progressFlag(),
		},
		do: r.verify,
	})
}

func (r *run) verify(c *urfave.Context) error {
	var trust *ledger.Trust
	if path := c.String("trust"); path != "" {
		var err error
		if trust, err = readTrust(path); err != nil {
			return err
		}
	}
	p := r.progress(c)
	reports := []*dossier.Report{}
	failed := 0
	if name := c.Args().First(); c.NArg() == 1 && holdsSplitView(name) {
		if trust == nil {
			return refused(name, "it accuses a ledger, whose leaf 0 only --trust can vouch for", "give --trust")
		}
		return r.judge(c, name, trust, "")
	}
	for _, name := range c.Args().Slice() {
		report, whole, err := verifyOne(name, c.String("dir"), trust, p)
		p.end()
		if err != nil {
			return err
		}
		failed += len(report.Failures)
		reports = append(reports, report)
		if !r.json {
			r.printReport(name, report)
			if !whole {
				fmt.Fprintln(r.Out, "leaf 0 of the ledger and its participants are missing: name their folder with --dir,\n"+
					"or fetch them with countersign ledger participants --out DIR")
			}
		}
	}
	if r.json {
		if err := r.printReports(reports); err != nil {
			return err
		}
	}
	if failed > 0 {
		return caught("verify", errors.New(count(failed, "file")+" failed"), "do not rely on "+map[bool]string{true: "it", false: "them"}[failed == 1])
	}
	return nil
}

// verifyOne checks a folder or a file. Whole is false where leaf 0 is missing,
// without which nothing can be checked.
func verifyOne(name, dir string, trust *ledger.Trust, p *progress) (report *dossier.Report, whole bool, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, false, refused(name, fileWords(err), "check the name")
	}
	if info.IsDir() {
		files, err := dossier.Read(name)
		if err != nil {
			return nil, false, refused("verify", err.Error(), "")
		}
		if files.IsExtract() {
			return dossier.VerifyExtract(files, trust), true, nil
		}
		_, whole = files[dossier.GenesisFile]
		return dossier.Verify(files, trust, func(done, total int) { p.step(done, total, "checking") }), whole, nil
	}
	f, err := openFile(name)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	content, err := readAll(f, 256<<20)
	if err != nil {
		return nil, false, err
	}
	files := dossier.Files{}
	if dir == "" {
		dir = dossierOf(name)
	}
	if dir != "" {
		if files, err = dossier.Read(dir); err != nil {
			return nil, false, refused("verify", err.Error(), "check --dir")
		}
	}
	_, whole = files[dossier.GenesisFile]
	return dossier.VerifyFile(files, name, content, trust), whole, nil
}

// dossierOf is the dossier that a file lies in, "" where there is none: the
// folder, or the one above it, that holds entries.
func dossierOf(name string) string {
	for _, dir := range []string{filepath.Dir(name), filepath.Dir(filepath.Dir(name))} {
		if exists(filepath.Join(dir, filepath.FromSlash(dossier.GenesisFile))) {
			return dir
		}
	}
	return ""
}

// printReports prints dossier.Report itself for the one argument that verify
// mostly has.
func (r *run) printReports(all []*dossier.Report) error {
	if len(all) == 1 {
		return r.print(all[0])
	}
	return r.print(map[string]any{"reports": all})
}

func (r *run) printReport(name string, report *dossier.Report) {
	for _, f := range report.Failures {
		fmt.Fprintln(r.Out, oneLine(fmt.Sprintf("FAILED %s: %s: %s", f.File, f.Name, f.Detail)))
	}
	if report.OK() {
		fmt.Fprintf(r.Out, "%s: %s verified", oneLine(name), count(report.Files-len(report.Unsigned), "file"))
		if report.Decisions > 0 {
			fmt.Fprintf(r.Out, "; %d of %s computed again, to the same bytes", report.Reproduced, count(report.Decisions, "decision"))
		}
		if report.Answers > 0 {
			fmt.Fprintf(r.Out, "; %s to questions of standing computed again", count(report.Answers, "answer"))
		}
		if report.Estimates > 0 {
			fmt.Fprintf(r.Out, "; %s of an insurer, no decisions", count(report.Estimates, "estimate"))
		}
		fmt.Fprintln(r.Out)
		if !report.Known.IsZero() {
			fmt.Fprintf(r.Out, "as of %s, by %s of the ledger %s\n", report.Known.UTC().Format(time.RFC3339), receipts(report.Entries), oneLine(report.Trusted.Origin))
		}
	}
	r.printStandings(report.Standings)
	for _, e := range report.Extract {
		line := fmt.Sprintf("entry %d, %s, known %s", e.Index, e.Kind, e.Known.Format(time.RFC3339))
		if e.Void != "" {
			line += ": VOID: " + e.Void
		}
		fmt.Fprintln(r.Out, oneLine(line))
	}
	if len(report.Unsigned) > 0 {
		fmt.Fprintf(r.Out, "unsigned, proves nothing: %s\n", oneLine(strings.Join(report.Unsigned, ", ")))
	}
	if !report.TrustGiven && report.Trusted.Origin != "" {
		fmt.Fprintf(r.Out, "trusted %s as it lies beside the evidence, which proves nothing by itself:\n"+
			"compare its digest with one that reached you another way, or give that one with --trust\n"+
			"  leaf 0  %s\n", dossier.TrustFile, report.Trusted.Genesis)
	}
}

// printStandings says what a dossier tells of its decisions' status, which is
// never that of today.
func (r *run) printStandings(all []dossier.Standing) {
	var asked time.Time
	stood, unasked := 0, 0
	for _, s := range all {
		switch {
		case !s.SupersededBy.IsZero():
			fmt.Fprintf(r.Out, "superseded: %s, by %s\n", oneLine(s.File), s.SupersededBy)
		case s.AsOf.IsZero():
			unasked++
		default:
			if stood++; asked.IsZero() || s.AsOf.Before(asked) {
				asked = s.AsOf
			}
		}
	}
	if stood > 0 {
		fmt.Fprintf(r.Out, "status: nothing had followed %s by %s; ask again with countersign credential verify\n",
			count(stood, "decision"), asked.UTC().Format(time.RFC3339))
	}
	if unasked > 0 {
		fmt.Fprintf(r.Out, "status not asked: %s; ask with countersign credential verify\n", count(unasked, "decision"))
	}
}

func receipts(n int) string {
	if n == 1 {
		return "1 receipt"
	}
	return fmt.Sprintf("%d receipts", n)
}
