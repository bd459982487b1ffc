package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/estimate"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// A problem is one reason why a claim or a transaction set is refused.
type problem struct {
	Claim   string `json:"claim,omitempty"` // CLM01; empty where a whole set is refused
	Scope   string `json:"scope,omitempty"` // "ISA 1, ST 2": the set that is refused
	Place   string `json:"place"`           // "segment 37 (SV1) element 2"
	Message string `json:"message"`
	Do      string `json:"do"`
	Code    string `json:"code,omitempty"` // 277CA category and status
	Edit    string `json:"edit,omitempty"`
	Level   int    `json:"level,omitempty"` // SNIP
	Loop    string `json:"loop,omitempty"`
}

// of names the edit that found the problem, where it is one of the list.
func (p problem) of(edit, loop string) problem {
	e, _ := claims.EditNamed(edit)
	p.Edit, p.Level, p.Loop = e.Name, e.Level, loop
	return p
}

// line is the problem as it is printed.
func (p problem) line(path string) string {
	who := ""
	switch {
	case p.Claim != "":
		who = "claim " + p.Claim + ": "
	case p.Scope != "" && p.Scope != "file":
		who = p.Scope + ": "
	}
	by := ""
	switch {
	case p.Edit != "" && p.Loop != "":
		by = " [" + p.Edit + ", loop " + p.Loop + "]"
	case p.Edit != "":
		by = " [" + p.Edit + "]"
	}
	return oneLine(fmt.Sprintf("%s: %s%s: %s; %s%s", path, who, p.Place, p.Message, p.Do, by))
}

// A checkedFile is what an 837 file came to before anything was sent.
type checkedFile struct {
	path     string
	file     *x12.File
	fhir     bool       // it holds one FHIR Claim, and no transaction sets
	claims   []claimRow // in file order
	problems []problem
	more     int // problems beyond maxProblems
	refused  int // claims with problems
	notes    []note
	// edition is what estimates are worked out by; nil where none are wanted.
	edition   *estimate.Edition
	estimates []estimated // of the claims without problems, in file order
}

// maxProblems bounds what is listed of a file that is wrong throughout.
const maxProblems = 10000

func (f *checkedFile) problem(p problem) {
	if len(f.problems) >= maxProblems {
		f.more++
		return
	}
	f.problems = append(f.problems, p)
}

// A note is about something that is read although it may not be as meant.
type note struct {
	Place   string `json:"place"`
	Message string `json:"message"`
}

// remark notes, once for each message, what a file says about all of its claims
// and nobody here acts upon.
func (f *checkedFile) remark(place, message string) {
	if !slices.ContainsFunc(f.notes, func(n note) bool { return n.Message == message }) {
		f.notes = append(f.notes, note{place, message})
	}
}

func (f *checkedFile) remarks(s *billed) {
	if s.Test {
		by := "ISA element 15"
		if f.fhir {
			by = "meta.tag HTEST"
		}
		f.remark(s.Source.Place, "the file is marked as a test ("+by+"); its claims are billed all the same")
	}
	if s.Purpose != "" && s.Purpose != "CH" {
		f.remark(s.Source.Place, "the claims are sent to be reported (BHT element 6), not to be paid; they are billed all the same")
	}
	if s.Claim.Institutional != nil && (f.edition == nil || !f.edition.Hospitals()) {
		f.remark(s.Source.Place, "an institutional claim is taken in, and waits unless the plan's edition has terms for hospitals (docs/adjudication.md)")
	}
	if s.Sequence != "" && s.Sequence != "P" {
		f.remark(s.Source.Place, "another payer comes first (SBR element 1); what it pays is not taken into account")
	}
}

// checkFile reads a whole file and runs the intake edits on each of its claims.
func (r *run) checkFile(c *urfave.Context, f *os.File, edits claims.Edits) (*checkedFile, error) {
	out := &checkedFile{path: f.Name(), fhir: isFHIR(f), problems: []problem{}, notes: []note{}, claims: []claimRow{}}
	var err error
	fixed := credentials.Date("")
	if v := c.String("received"); v != "" {
		if fixed, err = credentials.ParseDate(v); err != nil {
			return nil, refused(commandName(c), "--received: "+err.Error(), "")
		}
	}
	codes, err := listsOf(c, edits)
	if err != nil {
		return nil, err
	}
	edits.Codes = codes.ask
	today := credentials.DateOf(r.now())
	if out.edition, err = estimating(c, cmp.Or(fixed, today)); err != nil {
		return nil, err
	}
	if out.fhir && c.String("answers") != "" {
		return nil, refused(commandName(c), "--answers: a FHIR Claim has no X12 envelope to be answered", "leave --answers out")
	}
	out.file, err = readClaims(edits, f, func(s *billed) error {
		received := fixed
		if received == "" {
			received = max(today, s.Source.Created)
		}
		out.remarks(s)
		// Kept for the whole file, so without the text around it.
		row := claimRow{Claim: strings.Clone(s.Claim.Number), State: stateNotSent, place: s.Source.Place}
		row.problems = append(s.Check(edits), claims.Check(&s.Claim, edits, received)...)
		for _, p := range row.problems {
			row.State = stateRefused
			s.Fault(p)
			out.problem(problem{
				Claim: row.Claim, Place: s.at(p), Message: p.Message, Do: out.remedy(p), Code: p.Code,
			}.of(p.Edit, p.Loop))
		}
		switch {
		case row.State == stateRefused:
			out.refused++
		case out.edition != nil:
			out.estimates = append(out.estimates, estimateOf(out.edition, &s.Claim, received))
		}
		out.claims = append(out.claims, row)
		return c.Context.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", out.path, err)
	}
	for _, no := range out.file.Refusals {
		do := no.Do
		if do == "" {
			do = "correct it and send the set again"
		}
		p := problem{Scope: no.Scope, Place: no.Where, Message: no.What, Do: do}
		if !out.fhir {
			p = p.of(no.Edit(), no.Loop())
		}
		out.problem(p)
	}
	for _, n := range out.file.Notes {
		out.notes = append(out.notes, note{n.Where, n.What})
	}
	if c.Command.Name == "check" || len(c.StringSlice("codes")) > 0 { // on the way out, the insurer's lists decide
		out.codeNotes(codes)
	}
	return out, nil
}

// remedy says what to do about an edit, by the element that it is about.
func (f *checkedFile) remedy(p claims.Problem) string {
	element, message := p.Element, p.Message
	switch {
	case f.fhir && element != "NM109":
	case element == "CLM02" && strings.Contains(message, "sum"):
		return "make CLM02 the sum of the lines' SV102"
	case element == "NM109" && strings.Contains(message, "check digit"):
		return "look the number up in the NPI registry (sample files: --skip-npi-check-digit)"
	case element == "NM109" && strings.Contains(message, "missing"):
		return "add the segment or its element"
	case element == "DTP03":
		return "correct the date of service"
	}
	return "correct it and send the claim again under the same number"
}

// problemsOf are the edits by which the gateway refused a claim.
func (f *checkedFile) problemsOf(number string, s *billed, no *api.Refusal) []problem {
	if len(no.Problems) == 0 {
		return []problem{{Claim: number, Place: s.Source.Place, Message: no.Message, Do: "correct it and send the claim again"}}
	}
	var all []problem
	for _, p := range no.Problems {
		found := claims.Problem{Segment: p.Segment, Element: p.Element, Loop: p.Loop, Line: p.Line, Qualifier: p.Qualifier, Message: p.Message}
		all = append(all, problem{Claim: number, Place: s.at(found), Message: p.Message, Do: f.remedy(found), Code: p.Code}.of(p.Edit, p.Loop))
	}
	return all
}

// refusedBy are the edits of a refusal as the rules have them. One without a code
// is about the claim as a whole: A3:0, it could not be processed.
func refusedBy(no *api.Refusal) (all []claims.Problem) {
	for _, p := range no.Problems {
		all = append(all, claims.Problem{Segment: p.Segment, Element: p.Element, Loop: p.Loop, Line: p.Line, Message: p.Message, Code: p.Code, Edit: p.Edit, Qualifier: p.Qualifier})
	}
	if len(all) == 0 {
		all = []claims.Problem{{Segment: "CLM", Loop: "2300", Message: no.Message, Code: "A3:0"}}
	}
	return all
}

func (f *checkedFile) printProblems(w io.Writer) {
	for _, p := range f.problems {
		fmt.Fprintln(w, p.line(f.path))
	}
	if n := f.file.More() + f.more; n > 0 {
		fmt.Fprintf(w, "%s: %s more that %s not listed\n", f.path, count(n, "problem"), map[bool]string{true: "is", false: "are"}[n == 1])
	}
}

// printNotes tells of what was read although it is not as it should be.
func (f *checkedFile) printNotes(w io.Writer) {
	for i, n := range f.notes {
		if i == 10 {
			fmt.Fprintf(w, "%s: %d more notes (--json lists them)\n", f.path, len(f.notes)-i)
			break
		}
		fmt.Fprintln(w, oneLine(fmt.Sprintf("%s: note: %s: %s", f.path, n.Place, n.Message)))
	}
}

// summary is "1 transaction set, 9 claims" with what is refused of them.
func (f *checkedFile) summary() string {
	s := count(f.file.Sets, "transaction set")
	if f.fhir {
		s = "FHIR"
	}
	if f.file.Refused > 0 {
		s += fmt.Sprintf(" (%d refused)", f.file.Refused)
	}
	s += ", " + count(len(f.claims), "claim")
	if f.refused > 0 {
		s += fmt.Sprintf(" (%d refused)", f.refused)
	}
	return s
}

// err is nil where nothing is refused. A file without any claim is no file of
// claims.
func (f *checkedFile) err() error {
	switch {
	case f.file.Refused > 0 || f.refused > 0 || len(f.file.Refusals) > 0:
		return refused(f.path, f.summary(), "correct what is listed and send that again")
	case len(f.claims) == 0:
		return refused(f.path, "there is no claim in it", "give an 837 file (005010X222 or 005010X223) or a FHIR Claim")
	}
	return nil
}

// checkJSON is the object that claim check --json prints.
type checkJSON struct {
	File     string             `json:"file"`
	Digest   credentials.Digest `json:"digest"`
	Sets     counts             `json:"sets"`
	Claims   counts             `json:"claims"`
	Problems []problem          `json:"problems"`
	Notes    []note             `json:"notes"`
	// Estimates are there where --plan and --fees were given.
	Estimates []estimated `json:"estimates,omitempty"`
	ending
}

type counts struct {
	Read    int `json:"read"`
	Refused int `json:"refused"`
}

func (f *checkedFile) object(err error) checkJSON {
	return checkJSON{f.path, f.file.Digest, counts{f.file.Sets, f.file.Refused}, counts{len(f.claims), f.refused}, f.problems, f.notes, f.estimates, endingOf(err)}
}

func (r *run) claimCheck(c *urfave.Context) error {
	var d *door
	switch {
	case c.Bool("ask"):
		var err error
		if d, err = r.unpinned(c); err != nil {
			return err
		}
	case c.String("out") != "":
		return refused(commandName(c), "--out goes with --ask", "give both, or leave --out out")
	case c.String("signature") != "":
		return refused(commandName(c), "--signature goes with --ask", "give both, or leave --signature out")
	}
	f, err := openFile(c.Args().First())
	if err != nil {
		return err
	}
	defer f.Close()
	edits, err := editsOf(c, false)
	if err != nil {
		return err
	}
	checked, err := r.checkFile(c, f, edits)
	if err != nil {
		return err
	}
	if err := r.writeEnvelopeAnswers(checked, c.String("answers")); err != nil {
		return err
	}
	if d != nil {
		return r.claimAsk(c, f, d, checked)
	}
	if r.json {
		err := checked.err()
		return errors.Join(r.print(checked.object(err)), err)
	}
	checked.printNotes(r.Err)
	checked.printProblems(r.Out)
	if err := checked.printEstimates(r.Out); err != nil {
		return err
	}
	if err := checked.err(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "%s: %s, nothing refused\n", checked.path, checked.summary())
	return err
}

// openFile opens an ordinary file that the caller named.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, refused(path, fileWords(err), "check the name")
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, refused(path, "is not a file", "name a file")
	}
	return f, nil
}

// fileWords leaves out the system call and the name, which is said before.
func fileWords(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
