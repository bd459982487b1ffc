package claims

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// An OriginalFact is the final decision that a new one takes back: of the claim
// that a replacement or a void names (CLM05-3 of 7 or 8), or of the claim itself
// where it was reopened. All other facts in the evidence are as though that
// decision had never been: what it added to accumulators is out of them, and the
// units that it drew are back.
type OriginalFact struct {
	Submission credentials.Handle `json:"submission"`
	Document   credentials.Handle `json:"document"` // of the signed decision
	// Received is the day on which the first claim of them all came in. A
	// correction is as timely as what it corrects.
	Received credentials.Date `json:"received"`
	Decision Decision         `json:"decision"`
}

// A Reversal takes a final decision back, to the cent: it is that decision with
// every amount negated, and what it has added and drawn. It stands in the
// decision that takes the other's place.
type Reversal struct {
	Submission credentials.Handle `json:"submission"`
	Document   credentials.Handle `json:"document"`
	Claim      string             `json:"claim"` // CLM01 of the claim taken back
	Outcome    Outcome            `json:"outcome"`
	Charge     Cents              `json:"charge"`
	Allowed    Cents              `json:"allowed"`
	Paid       Cents              `json:"paid"`
	Patient    Cents              `json:"patient"`
	Lines      []ReversedLine     `json:"lines"`
	Whole      bool               `json:"whole,omitempty"` // as the decision was
	Met        []Accumulators     `json:"met,omitempty"`
	Draws      []Draw             `json:"draws,omitempty"`
}

// A ReversedLine is one line taken back. What it was decided on is in the
// decision that it negates.
type ReversedLine struct {
	Line        int          `json:"line"`
	Outcome     Outcome      `json:"outcome"`
	Charge      Cents        `json:"charge"`
	Allowed     Cents        `json:"allowed"`
	Paid        Cents        `json:"paid"`
	Patient     Cents        `json:"patient"`
	Adjustments []Adjustment `json:"adjustments,omitempty"`
}

// Reverse negates a final decision. Added to it, every amount comes to nothing.
func (o *OriginalFact) Reverse() *Reversal {
	d := &o.Decision
	r := &Reversal{
		Submission: o.Submission, Document: o.Document, Claim: d.Claim, Outcome: d.Outcome,
		Charge: -d.Charge, Allowed: -d.Allowed, Paid: -d.Paid, Patient: -d.Patient, Lines: []ReversedLine{}, Whole: d.Whole,
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		back := ReversedLine{Line: l.Line, Outcome: l.Outcome, Charge: -l.Charge, Allowed: -l.Allowed, Paid: -l.Paid, Patient: -l.Patient}
		for _, a := range l.Adjustments {
			a.Amount = -a.Amount
			back.Adjustments = append(back.Adjustments, a)
		}
		r.Lines = append(r.Lines, back)
	}
	for _, m := range d.Met {
		r.Met = append(r.Met, m.Negated())
	}
	for _, w := range d.Draws {
		w.Units = -w.Units
		r.Draws = append(r.Draws, w)
	}
	return r
}

// Negated turns what a claim adds into what taking it back adds.
func (a Accumulators) Negated() Accumulators {
	return Accumulators{
		Period:               a.Period,
		DeductibleIndividual: -a.DeductibleIndividual, DeductibleFamily: -a.DeductibleFamily,
		OutOfPocketPerson: -a.OutOfPocketPerson, OutOfPocketFamily: -a.OutOfPocketFamily,
	}
}

// Adds is what settling the decision adds to each period: what it meets, and what
// it takes back.
func (d *Decision) Adds() []Accumulators {
	if d.Reversal == nil {
		return d.Met
	}
	return append(append([]Accumulators{}, d.Reversal.Met...), d.Met...)
}

// Takes is what settling the decision draws from authorizations; units that it
// gives back are below zero, and come first.
func (d *Decision) Takes() []Draw {
	if d.Reversal == nil {
		return d.Draws
	}
	return append(append([]Draw{}, d.Reversal.Draws...), d.Draws...)
}

// NetPaid is what the decision changes in what the plan has paid.
func (d *Decision) NetPaid() Cents {
	if d.Reversal == nil {
		return d.Paid
	}
	return d.Paid + d.Reversal.Paid
}

// originalBelongs wants a claim that changes another one to come with that one's
// decision, where any is left in force, and no other claim to come with any but
// its own.
func originalBelongs(c *Claim, e *Evidence) error {
	o := e.Original
	switch {
	case o == nil:
		return nil
	case !c.Changes() && o.Submission != e.Submission:
		return fmt.Errorf("frequency %q changes no other claim, and the evidence has the decision on one", c.Frequency)
	case o.Submission == e.Submission && e.Number < 2:
		return errors.New("the evidence has an earlier decision on the claim, and this is the first")
	case o.Document.IsZero() || o.Decision.Submission != o.Submission:
		return errors.New("the decision that is taken back is on another claim than the evidence says")
	case o.Decision.Outcome != Paid && o.Decision.Outcome != Denied:
		return fmt.Errorf("a decision is taken back that was %q, neither paid nor denied", o.Decision.Outcome)
	case o.Received == "" || o.Received > e.Received:
		return errors.New("the evidence does not say when the claim came in whose decision is taken back")
	}
	return o.Decision.balance()
}

// voided decides a void (frequency 8): it takes back what is left of the claim
// that it names, and puts nothing in its place. Nobody has to agree to it: who
// billed may always give the money back. Where another correction came first
// there is nothing left, and the answer says so.
func voided(c *Claim, p *Plan, e *Evidence) (*Decision, error) {
	r, err := rulesNamed(p.Rules)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Plan != p.Ref():
		return nil, fmt.Errorf("the evidence was gathered for plan edition %q %q, this is another one", e.Plan.Name, e.Plan.Edition)
	case e.Received == "" || e.Number < 1:
		return nil, errors.New("the evidence lacks the day of receipt or the number of the decision")
	case len(e.Lines) > 0:
		return nil, errors.New("a void is decided without facts about its lines, and the evidence has some")
	}
	if err := originalBelongs(c, e); err != nil {
		return nil, err
	}
	d := &Decision{
		Submission: e.Submission, Claim: c.Number, Number: e.Number, Outcome: Voided,
		Rules: r.name, Plan: e.Plan, Fees: e.Fees, Lines: []LineDecision{},
	}
	if e.Original != nil {
		d.Reversal = e.Original.Reverse()
	}
	return d, nil
}

// replaces makes a replacement wait whose claim another correction has taken
// back already: both may not be paid, and which one is meant a person has to say.
func (a *adjudication) replaces(w *work) bool {
	const rule = "replacement"
	if a.refused() {
		return a.refuse(w, rule, a.rules.name, CARCDuplicate, "", "another correction took the place of the claim that it names; a reviewer refused this one")
	}
	a.pend(w, rule, a.rules.name, PendOriginal, PendOriginal.Words())
	return true
}

// received is the day from which the claim's timeliness is judged.
func (e *Evidence) received() credentials.Date {
	if e.Original != nil {
		return e.Original.Received
	}
	return e.Received
}
