package claims

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

// An Appeal is the provider's signed word that a final decision is wrong. It
// changes nothing by itself: a person answers it with a Determination.
type Appeal struct {
	Handle  credentials.Handle `json:"handle"`
	Subject credentials.Handle `json:"subject"`         // the claim's submission
	Number  int                `json:"number"`          // the decision that it is against
	Lines   []int              `json:"lines,omitempty"` // those that it is about; all where there are none
	Words   string             `json:"words"`           // why, in the provider's own words
}

// A SetAside takes one denial off one line: the rule that gave it passes, and
// the others go on.
type SetAside struct {
	Line int    `json:"line"`
	CARC string `json:"carc"`
}

// MaxAppealWords is how long the words of an appeal, or of its answer, may be.
const MaxAppealWords = 20_000

// How long an appeal may be filed and may wait for its answer where the plan's
// edition does not say: 29 CFR 2560.503-1(h)(3)(i) and (i)(2)(iii)(A), of claims
// for services that were given already.
const (
	DefaultAppealDays       = 180
	DefaultAppealAnswerDays = 60
)

// AppealUntil is the last day on which a decision of a day may be appealed.
func (p *Plan) AppealUntil(decided credentials.Date) credentials.Date {
	if p.AppealDays > 0 {
		return decided.AddDays(p.AppealDays)
	}
	return decided.AddDays(DefaultAppealDays)
}

// AppealDue is the day by which an appeal of a day is to be answered. Nothing
// is decided for being late: the clock is the insurer's.
func (p *Plan) AppealDue(filed credentials.Date) credentials.Date {
	if p.AppealAnswerDays > 0 {
		return filed.AddDays(p.AppealAnswerDays)
	}
	return filed.AddDays(DefaultAppealAnswerDays)
}

// neverSetAside are denials that rest on facts which no reviewer can say
// otherwise: who was licensed, and who was covered. Those are mended where they
// are kept, by a board or in the directory, and the claim is reopened then.
var neverSetAside = []string{CARCNotLicensed, CARCNotMember, CARCBeforeCoverage, CARCAfterCoverage, CARCCoverageGap}

// MaySetAside says whether a denial can be set aside on appeal.
func MaySetAside(carc string) bool { return IsDenial(carc) && !slices.Contains(neverSetAside, carc) }

// Check says what is wrong with an appeal by itself.
func (a *Appeal) Check() error {
	switch {
	case a.Subject.IsZero() || a.Number < 1:
		return errors.New("it names no claim, or no decision on it")
	case strings.TrimSpace(a.Words) == "":
		return errors.New("it gives no reason")
	}
	if err := checkWords(a.Words); err != nil {
		return err
	}
	for i, n := range a.Lines {
		if n < 1 || slices.Contains(a.Lines[:i], n) {
			return fmt.Errorf("line %d: want each line's number once", n)
		}
	}
	return nil
}

func checkWords(words string) error {
	if len(words) > MaxAppealWords || !utf8.ValidString(words) {
		return fmt.Errorf("its words are longer than %d bytes, or no UTF-8", MaxAppealWords)
	}
	return nil
}

// Against says why a decision cannot be appealed so, nil where it can.
func (a *Appeal) Against(d *Decision) error {
	if d.Outcome != Paid && d.Outcome != Denied {
		return fmt.Errorf("decision %d is %q: only what was paid or denied can be appealed", d.Number, d.Outcome)
	}
	for _, n := range a.Lines {
		if d.line(n) == nil {
			return fmt.Errorf("the claim has no line %d", n)
		}
	}
	return nil
}

func (d *Decision) line(number int) *LineDecision {
	for i := range d.Lines {
		if d.Lines[i].Line == number {
			return &d.Lines[i]
		}
	}
	return nil
}

// Answers says why a determination does not answer an appeal of a decision, nil
// where it does. One that overturns names denials that were given; one that
// upholds names none. Both say why in plain words.
func (r *Determination) Answers(a *Appeal, d *Decision) error {
	switch {
	case r.Appeal == nil || *r.Appeal != a.Handle || r.Subject != a.Subject || r.Number != a.Number:
		return errors.New("it answers another appeal")
	case strings.TrimSpace(r.Words) == "":
		return errors.New("it says nothing in plain words")
	case r.Approve != (len(r.SetsAside) > 0):
		return errors.New("an appeal is upheld, or names the denials that are set aside")
	case r.Units != 0:
		return errors.New("units are for prior authorizations")
	}
	if err := checkWords(r.Words); err != nil {
		return err
	}
	for _, s := range r.SetsAside {
		l := d.line(s.Line)
		switch {
		case l == nil:
			return fmt.Errorf("the claim has no line %d", s.Line)
		case !MaySetAside(s.CARC):
			return fmt.Errorf("line %d: %s cannot be set aside on appeal: it rests on what a board or the directory says", s.Line, s.CARC)
		case l.Outcome != Denied || !slices.ContainsFunc(l.Adjustments, func(adj Adjustment) bool { return adj.CARC == s.CARC }):
			return fmt.Errorf("line %d was not denied for %s", s.Line, s.CARC)
		case len(a.Lines) > 0 && !slices.Contains(a.Lines, s.Line):
			return fmt.Errorf("line %d: the appeal is not about it", s.Line)
		}
	}
	return nil
}

// Same says whether two determinations say the same.
func (r *Determination) Same(other *Determination) bool { return reflect.DeepEqual(r, other) }

// appealsBelong wants every appeal in the evidence to have been answered on an
// earlier decision on this very claim, with denials that may be set aside.
func (e *Evidence) appealsBelong(c *Claim) error {
	for i := range e.Appeals {
		r := &e.Appeals[i]
		if err := r.answers(e.Submission, e.Number); err != nil {
			return err
		}
		if r.Appeal == nil || !r.Approve || len(r.SetsAside) == 0 {
			return errors.New("the evidence has an appeal that set nothing aside")
		}
		for _, s := range r.SetsAside {
			if !MaySetAside(s.CARC) {
				return fmt.Errorf("line %d: %s cannot be set aside on appeal", s.Line, s.CARC)
			}
			if !slices.ContainsFunc(c.Lines, func(l Line) bool { return l.Number == s.Line }) {
				return fmt.Errorf("an appeal is about line %d, which the claim does not have", s.Line)
			}
		}
	}
	return nil
}

// setAside says whether a denial of a line was set aside on appeal.
func (a *adjudication) setAside(line int, carc string) bool {
	for i := range a.evidence.Appeals {
		if slices.Contains(a.evidence.Appeals[i].SetsAside, SetAside{line, carc}) {
			return true
		}
	}
	return false
}

// deny refuses the whole line, unless an appeal has set this denial of it
// aside: then the rule passes, and the line goes on.
func (a *adjudication) deny(w *work, rule, edition, carc, rarc, note string) bool {
	if a.setAside(w.line.Number, carc) {
		return w.pass(rule, edition, note+"; set aside on appeal")
	}
	return a.refuse(w, rule, edition, carc, rarc, note)
}

// SameResult says whether two decisions come to the same: to the cent, in the
// same codes, with the same effect on accumulators and authorizations.
func (d *Decision) SameResult(before *Decision) bool {
	if before == nil || d.Outcome != before.Outcome || len(d.Lines) != len(before.Lines) || len(d.Draws) != len(before.Draws) ||
		!slices.Equal(d.Met, before.Met) {
		return false
	}
	for i := range d.Draws {
		x, y := d.Draws[i], before.Draws[i]
		x.Authorization, y.Authorization = credentials.Handle{}, credentials.Handle{} // it may have been decided again
		if x != y {
			return false
		}
	}
	for i := range d.Lines {
		x, y := &d.Lines[i], &before.Lines[i]
		if x.Line != y.Line || x.Outcome != y.Outcome || x.Charge != y.Charge || x.Allowed != y.Allowed || x.Paid != y.Paid ||
			x.Patient != y.Patient || !slices.Equal(x.Adjustments, y.Adjustments) {
			return false
		}
	}
	return true
}

// SettleBy is the first day by which something that the decision waits for is to
// be settled; empty where it waits for nothing, or under rules/1.
func (d *Decision) SettleBy() (by credentials.Date) {
	for _, p := range d.Pends {
		if p.By != "" && (by == "" || p.By < by) {
			by = p.By
		}
	}
	return by
}

// WaitsFor names what a pended decision waits for, each reason once.
func (d *Decision) WaitsFor() string {
	var all []string
	for _, p := range d.Pends {
		if !slices.Contains(all, string(p.Reason)) {
			all = append(all, string(p.Reason))
		}
	}
	return strings.Join(all, " ")
}
