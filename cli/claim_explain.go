package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

func (r *run) claimExplainCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "explain", usage: "show how each line of a decision came about, without asking anyone", args: "DIR [CLAIM…]", min: 1, max: -1,
		about: "DIR is a dossier, as --out of claim submit or claim status writes it. It is verified first, so that what is\n" +
			"shown is what the insurer signed and what the rules come to again; of one that fails, nothing is shown. For each\n" +
			"line: every rule with its edition, the amount before and after it, the group and reason code under which it\n" +
			"stands in the 835, and why. A CLAIM is the claim's own number, the insurer's, or a decision's handle (its first\n" +
			"8 digits or more); without one, all are shown.",
		flags: []urfave.Flag{
			&urfave.StringFlag{Name: "trust", Usage: "trust `FILE` that reached you by another way than the evidence", EnvVars: []string{"COUNTERSIGN_TRUST"}},
			progressFlag(),
		},
		do: r.claimExplain,
	})
}

// An explained decision is the answer in JSON.
type explained struct {
	Claim   string             `json:"claim"`
	Control string             `json:"control"`
	Handle  credentials.Handle `json:"handle"`
	Outcome claims.Outcome     `json:"outcome"`
	Rules   string             `json:"rules"`
	Plan    claims.EditionRef  `json:"plan"`
	Fees    claims.EditionRef  `json:"fees"`
	// ExclusionList is the list of excluded providers that was asked, if any.
	ExclusionList *claims.EditionRef `json:"exclusionList,omitempty"`
	Cents         cents              `json:"cents"`
	TakesBack     string             `json:"takesBack,omitempty"` // in words
	Pends         []explainedPend    `json:"pends,omitempty"`
	Lines         []explainedLine    `json:"lines"`
}

type explainedPend struct {
	claims.Pend
	Words string `json:"words"`
}

type explainedLine struct {
	Line        int                 `json:"line"`
	Code        string              `json:"code"`
	Outcome     claims.Outcome      `json:"outcome"`
	Cents       cents               `json:"cents"`
	Adjustments []claims.Adjustment `json:"adjustments,omitempty"`
	Steps       []explainedStep     `json:"steps"`
}

type explainedStep struct {
	claims.Step
	Words string `json:"words,omitempty"` // of the codes
}

func (r *run) claimExplain(c *urfave.Context) error {
	all, err := r.toldIn(c)
	if err != nil {
		return err
	}
	answers := []explained{}
	for _, name := range c.Args().Tail() {
		if !slices.ContainsFunc(all, func(t dossier.Told) bool { return named(&t, name) }) {
			return refused(name, "no decision on such a claim is in "+c.Args().First(), "give its number, the insurer's, or a decision's handle")
		}
	}
	for i := range all {
		if c.NArg() == 1 || slices.ContainsFunc(c.Args().Tail(), func(name string) bool { return named(&all[i], name) }) {
			answers = append(answers, explain(&all[i]))
		}
	}
	if r.json {
		return r.print(map[string]any{"decisions": answers})
	}
	if len(answers) == 0 {
		_, err = fmt.Fprintln(r.Out, "no decision on a claim is in "+c.Args().First())
		return err
	}
	for i := range answers {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		if err := answers[i].write(r.Out); err != nil {
			return err
		}
	}
	return nil
}

// named says whether people mean a decision by a name.
func named(t *dossier.Told, name string) bool {
	return name == t.Claim.Number || name == claims.ControlNumber(t.Decision.Submission) ||
		len(name) >= shortest && strings.HasPrefix(t.Handle.String(), name)
}

func explain(t *dossier.Told) explained {
	d := t.Decision
	x := explained{
		Claim: d.Claim, Control: claims.ControlNumber(d.Submission), Handle: t.Handle, Outcome: d.Outcome,
		Rules: d.Rules, Plan: d.Plan, Fees: d.Fees, ExclusionList: d.ExclusionList, Cents: cents{d.Charge, d.Allowed, d.Paid, d.Patient},
	}
	if d.Outcome == claims.Voided || d.Reversal != nil {
		x.TakesBack = takesBack(d)
	}
	for _, p := range d.Pends {
		x.Pends = append(x.Pends, explainedPend{p, p.Reason.Words()})
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		line := explainedLine{
			Line: l.Line, Outcome: l.Outcome, Cents: cents{l.Charge, l.Allowed, l.Paid, l.Patient}, Adjustments: l.Adjustments,
		}
		if at := slices.IndexFunc(t.Claim.Lines, func(cl claims.Line) bool { return cl.Number == l.Line }); at >= 0 {
			line.Code = strings.Join(append([]string{t.Claim.Lines[at].Code}, t.Claim.Lines[at].Modifiers...), "-")
		}
		for _, s := range l.Trail() {
			line.Steps = append(line.Steps, explainedStep{s, reasonWords(s.CARC, s.RARC)})
		}
		x.Lines = append(x.Lines, line)
	}
	return x
}

// reasonWords are a reason's and a remark's, in our own words.
func reasonWords(carc, rarc string) string {
	words := claims.Words(carc)
	if remark := claims.RemarkWords(rarc); remark != "" {
		words += "; " + remark
	}
	return words
}

func (x *explained) write(w io.Writer) error {
	fmt.Fprintf(w, "claim      %s, %s (the insurer's number %s)\n", oneLine(x.Claim), x.Outcome, x.Control)
	fmt.Fprintf(w, "decided    by %s, plan %s %s, fees %s %s\n", x.Rules, x.Plan.Name, x.Plan.Edition, x.Fees.Name, x.Fees.Edition)
	if l := x.ExclusionList; l != nil {
		fmt.Fprintf(w, "excluded   by the list %s %s\n", l.Name, l.Edition)
	}
	fmt.Fprintf(w, "amounts    charge %s, allowed %s, paid %s, patient %s\n", x.Cents.Charge, x.Cents.Allowed, x.Cents.Paid, x.Cents.Patient)
	if x.TakesBack != "" {
		fmt.Fprintln(w, oneLine("corrects   "+x.TakesBack))
	}
	for _, p := range x.Pends {
		by := ""
		if p.By != "" {
			by = ", to be settled by " + string(p.By)
		}
		fmt.Fprintln(w, oneLine(fmt.Sprintf("waits      line %d: %s (%s)%s", p.Line, p.Words, p.Note, by)))
	}
	for i := range x.Lines {
		if err := x.Lines[i].write(w); err != nil {
			return err
		}
	}
	return nil
}

// inRemittance writes the codes as an 835 has them: "OA-96 N130".
func inRemittance(group claims.Group, carc, rarc string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s-%s %s", group, carc, rarc), " ")
}

func (l *explainedLine) write(w io.Writer) error {
	fmt.Fprintf(w, "\nline %d, %s: %s\n", l.Line, oneLine(l.Code), l.Outcome)
	t := table{head: []string{"rule", "edition", "before", "after", "code", "why"}}
	for _, s := range l.Steps {
		code := ""
		if s.CARC != "" {
			code = inRemittance(s.Group, s.CARC, s.RARC)
		}
		why := s.Note
		if s.Words != "" {
			why += " (" + s.Words + ")"
		}
		t.add(s.Rule, s.Edition, s.Before.String(), s.After.String(), code, why)
	}
	if err := t.write(w); err != nil {
		return err
	}
	if len(l.Adjustments) > 0 {
		var all []string
		for _, a := range l.Adjustments {
			all = append(all, inRemittance(a.Group, a.CARC, a.RARC)+" "+a.Amount.String())
		}
		fmt.Fprintf(w, "in the 835: %s; paid %s, the patient owes %s\n", strings.Join(all, ", "), l.Cents.Paid, l.Cents.Patient)
	}
	return nil
}
