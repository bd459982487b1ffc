package claims

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// corrected is a decided claim, and an evidence for another one that changes it:
// as though the first had never been.
func corrected(t *testing.T, p *Plan, c *Claim, e *Evidence, f Frequency) (*Decision, *Claim, *Evidence) {
	t.Helper()
	first, err := Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	again, facts := *c, *e
	again.Frequency, again.OriginalReference = f, ControlNumber(e.Submission)
	facts.Submission, facts.Received = credentials.Handle{2}, "2026-09-01"
	facts.Original = &OriginalFact{Submission: e.Submission, Document: credentials.Handle{9}, Received: e.Received, Decision: *first}
	if f == Void {
		facts.Lines, facts.Accumulators = nil, nil
	}
	return first, &again, &facts
}

// TestVoid takes a decision back to the cent, for a claim of which every amount
// was worked out by hand: charge 160.00, fee 150.00, deductible 100.00, then 20%
// of 50.00.
func TestVoid(t *testing.T) {
	p := goldPlan(t, "required: [72148, 97110]", "required: [72148, 97110, 73610]")
	c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
	authorize(c, e, 0, 2000)
	_, again, facts := corrected(t, p, c, e, Void)
	d, err := Adjudicate(again, p, facts)
	if err != nil {
		t.Fatal(err)
	}
	if d.Outcome != Voided || d.Charge != 0 || d.Paid != 0 || len(d.Lines) != 0 || !d.Final() {
		t.Errorf("a void pays something of its own: %+v", d)
	}
	r := d.Reversal
	if r.Charge != -160_00 || r.Allowed != -150_00 || r.Paid != -40_00 || r.Patient != -110_00 || r.Claim != "C1" || r.Outcome != Paid {
		t.Errorf("got %+v", r)
	}
	if got := adjustments(LineDecision{Adjustments: r.Lines[0].Adjustments}); got != "CO-45 -10.00, PR-1 -100.00, PR-2 -10.00" {
		t.Errorf("adjustments %s", got)
	}
	if met := d.Adds(); len(met) != 1 || met[0] != (Accumulators{"2026", -100_00, -100_00, -110_00, -110_00}) {
		t.Errorf("accumulators move by %+v", met)
	}
	if draws := d.Takes(); len(draws) != 1 || draws[0].Units != -1000 || draws[0].Authorization != (credentials.Handle{7}) {
		t.Errorf("units move by %+v", draws)
	}
	if d.NetPaid() != -40_00 || facts.Original.Decision.NetPaid() != 40_00 || len(facts.Original.Decision.Adds()) != 1 || len(facts.Original.Decision.Takes()) != 1 {
		t.Errorf("what the two change: %+v, %+v", d, facts.Original.Decision)
	}
	for want, with := range map[string]func(e *Evidence, p *Plan){
		"another one":                func(e *Evidence, _ *Plan) { e.Plan.Edition = "2025-01" },
		"the day of receipt":         func(e *Evidence, _ *Plan) { e.Received = "" },
		"the number of the decision": func(e *Evidence, _ *Plan) { e.Number = 0 },
		"about its lines":            func(e *Evidence, _ *Plan) { e.Lines = []LineFact{{Line: 1}} },
		"this release has":           func(_ *Evidence, p *Plan) { p.Rules = "rules/9" },
	} {
		bad, plan := *facts, *p
		bad.Original = nil
		with(&bad, &plan)
		if d, err := Adjudicate(again, &plan, &bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, %v", want, d, err)
		}
	}
	facts.Original = nil // another correction came first
	if d, err = Adjudicate(again, p, facts); err != nil || d.Outcome != Voided || d.Reversal != nil || d.NetPaid() != 0 {
		t.Errorf("nothing is left to take back: %+v, %v", d, err)
	}
}

// TestReplacement decides the claim anew beside the reversal, as timely as the
// first one; by the same claim it comes to nothing.
func TestReplacement(t *testing.T) {
	for _, rules := range []string{Rules1, Rules2} {
		p := goldPlan(t)
		c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
		if rules == Rules2 {
			p = plan2(t)
			c, e = case2(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
		}
		first, again, facts := corrected(t, p, c, e, Replacement)
		d, err := Adjudicate(again, p, facts)
		if err != nil {
			t.Fatal(err)
		}
		if d.Outcome != Paid || d.Paid != first.Paid || d.NetPaid() != 0 || d.Reversal == nil {
			t.Errorf("%s: got %+v", rules, d)
		}
		var sum Accumulators
		for _, m := range d.Adds() {
			sum.DeductibleIndividual += m.DeductibleIndividual
			sum.OutOfPocketFamily += m.OutOfPocketFamily
		}
		if sum != (Accumulators{}) {
			t.Errorf("%s: accumulators move by %+v", rules, sum)
		}

		facts.Original = nil
		d, err = Adjudicate(again, p, facts)
		if err != nil || d.Outcome != Pended || !strings.Contains(pends(d), "1 original-replaced") || d.Reversal != nil {
			t.Errorf("%s: the claim that it names is no longer in force: %+v, %v", rules, d, err)
		}
		facts.Number, facts.Review = 2, &Determination{Subject: facts.Submission, Number: 1}
		if d, err = Adjudicate(again, p, facts); err != nil || d.Outcome != Denied || adjustments(d.Lines[0]) != "CO-18 160.00" {
			t.Errorf("%s: refused by a reviewer: %+v, %v", rules, d, err)
		}
	}
}

// TestReversalBelongs has an evidence that takes back what it may not be an error.
func TestReversalBelongs(t *testing.T) {
	for want, with := range map[string]func(c *Claim, e *Evidence){
		"changes no other claim":       func(c *Claim, e *Evidence) { c.Frequency = Original },
		"this is the first":            func(c *Claim, e *Evidence) { e.Original.Submission = e.Submission },
		"on another claim":             func(c *Claim, e *Evidence) { e.Original.Decision.Submission = credentials.Handle{8} },
		"neither paid nor denied":      func(c *Claim, e *Evidence) { e.Original.Decision.Outcome = Pended },
		"when the claim came in":       func(c *Claim, e *Evidence) { e.Original.Received = "2026-09-02" },
		"are not the sums":             func(c *Claim, e *Evidence) { e.Original.Decision.Paid++ },
		"does not say when the claim":  func(c *Claim, e *Evidence) { e.Original.Received = "" },
		"is on another claim than the": func(c *Claim, e *Evidence) { e.Original.Document = credentials.Handle{} },
	} {
		for _, f := range []Frequency{Replacement, Void} {
			p := goldPlan(t)
			c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
			_, again, facts := corrected(t, p, c, e, f)
			if again.Frequency = f; f == Void && want == "changes no other claim" {
				continue // it would be another claim, without facts
			}
			with(again, facts)
			if d, err := Adjudicate(again, p, facts); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, frequency %s: got %+v, %v", want, f, d, err)
			}
		}
	}
}

// TestReversalIsExact has what is taken back, negated again, be the decision.
func TestReversalIsExact(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00}, aLine{code: "99213", charge: 90_00, fee: 80_00, on: "2026-03-01"}, aLine{code: "15824", charge: 10_00, fee: 10_00})
	first, _, facts := corrected(t, p, c, e, Void)
	back := facts.Original.Reverse()
	if back.Paid+first.Paid != 0 || back.Patient+first.Patient != 0 || back.Charge+first.Charge != 0 || back.Allowed+first.Allowed != 0 {
		t.Errorf("the claim's amounts do not cancel: %+v", back)
	}
	for i, l := range first.Lines {
		b := back.Lines[i]
		if b.Paid+l.Paid != 0 || b.Charge+l.Charge != 0 || b.Allowed+l.Allowed != 0 || b.Patient+l.Patient != 0 || len(b.Adjustments) != len(l.Adjustments) {
			t.Errorf("line %d does not cancel: %+v", l.Line, b)
		}
		for j, a := range l.Adjustments {
			if b.Adjustments[j].Amount+a.Amount != 0 || b.Adjustments[j].CARC != a.CARC || b.Adjustments[j].Group != a.Group {
				t.Errorf("line %d: %+v does not cancel %+v", l.Line, b.Adjustments[j], a)
			}
		}
	}
	before, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	facts.Original.Reverse()
	if after, _ := json.Marshal(&facts.Original.Decision); !bytes.Equal(before, after) {
		t.Error("reversing a decision changed it")
	}
}
