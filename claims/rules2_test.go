package claims

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// TestRules2 holds golden cases at the boundary of each check that rules/1 does
// not have, calculated by hand. Charge and fee are 50.00 a line, which is below
// the deductible of 100: a line that nothing stops comes to PR-1 50.00.
func TestRules2(t *testing.T) {
	const whole = "PR-1 50.00"
	on := func(day, received credentials.Date) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) {
			c.Lines[0].From, c.Lines[0].To, e.Lines[0].Standing.On, e.Received = day, day, day, received
			e.Used = append(e.Used, UsedFact{Limit: "ankle images", Period: string(day)})
		}
	}
	patient := func(birth credentials.Date, sex string) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) { c.Subscriber.Birth, c.Subscriber.Sex = birth, sex }
	}
	diagnosis := func(code string) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) { c.Diagnoses = []string{"M545", code}; c.Lines[0].Pointers = []int{2} }
	}
	modifiers := func(m ...string) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) { c.Lines[0].Modifiers = m }
	}
	surgery := func(on credentials.Date, global string, m ...string) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) {
			e.Lines[0].Surgery, c.Lines[0].Modifiers = &SurgeryFact{"27130", on, global}, m
		}
	}
	used := func(units Quantity) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) { authorize(c, e, 0, 99_000); e.Used[0].Units = units }
	}
	tests := []struct {
		name, code string
		with       func(c *Claim, e *Evidence)
		want       string
	}{
		{"nothing wrong", "73610", func(c *Claim, e *Evidence) {}, whole},
		{"another payer", "73610", func(c *Claim, e *Evidence) { c.Payer.ID = "Q" }, "OA-109 50.00"},

		// 90 days from 2 March are over on 31 May; 29 of March, 30 of April, 31 of May.
		{"last day to file", "73610", on("2026-03-02", "2026-05-31"), whole},
		{"a day too late", "73610", on("2026-03-02", "2026-06-01"), "CO-29 50.00"},
		{"coverage recorded later, last day", "73610", func(c *Claim, e *Evidence) {
			e.Received, e.Lines[0].Recorded = "2026-07-30", "2026-05-01" // 30 + 30 + 30 = 90 days
		}, whole},
		{"coverage recorded later, a day too late", "73610", func(c *Claim, e *Evidence) {
			e.Received, e.Lines[0].Recorded = "2026-07-31", "2026-05-01"
		}, "CO-29 50.00"},
		{"recorded before the service", "73610", func(c *Claim, e *Evidence) {
			e.Received, e.Lines[0].Recorded = "2026-06-01", "2026-03-01"
		}, "CO-29 50.00"},
		{"extension, last day of service and of receipt", "73610", on("2026-01-31", "2026-09-30"), whole},
		{"extension, a day too late", "73610", on("2026-01-31", "2026-10-01"), "CO-29 50.00"},
		{"service a day after the extension", "73610", on("2026-02-01", "2026-09-30"), "CO-29 50.00"},

		{"excluded, first day", "73610", on("2026-05-01", "2026-06-01"), "CO-B7 50.00"},
		{"excluded, last day", "73610", on("2026-05-31", "2026-06-01"), "CO-B7 50.00"},
		{"a day before it", "73610", on("2026-04-30", "2026-06-01"), whole},
		{"a day after it", "73610", on("2026-06-01", "2026-06-01"), whole},
		{"no contract yet", "73610", func(c *Claim, e *Evidence) {
			on("2025-12-31", "2026-01-10")(c, e)
			e.Accumulators[0].Period = "2025"
		}, "CO-242 50.00"},
		{"another biller", "73610", func(c *Claim, e *Evidence) { c.Billing.NPI = "2234567891" }, "CO-242 50.00"},

		{"first birthday is not yet", "99381", patient("2025-03-03", ""), whole},
		{"first birthday", "99381", patient("2025-03-02", ""), "CO-6 50.00"},
		{"age unknown", "99381", patient("", ""), "1 patient-unknown"},
		{"the sex that it is for", "77067", patient("", "F"), whole},
		{"the other sex", "77067", patient("", "M"), "CO-7 50.00"},
		{"sex unknown", "77067", patient("", "U"), "1 patient-unknown"},
		{"the condition is over", "77067", func(c *Claim, e *Evidence) {
			on("2026-07-01", "2026-07-02")(c, e)
			c.Subscriber.Sex = "M"
		}, whole},
		{"a diagnosis that it is for", "95810", diagnosis("G4733"), whole},
		{"none that it is for", "95810", diagnosis("M170"), "CO-11 50.00"},
		{"a diagnosis that is not covered", "95811", diagnosis("R0683"), "OA-167 50.00"},
		{"another one", "95811", diagnosis("G4733"), whole},
		{"the place that it is for", "99284", func(c *Claim, e *Evidence) { c.Lines[0].Place = "23" }, whole},
		{"another place", "99284", func(c *Claim, e *Evidence) {}, "CO-5 50.00"},
		{"a modifier that it needs", "64483", modifiers("LT"), whole},
		{"without it", "64483", modifiers(), "CO-4 50.00"},
		{"another beside it", "64483", modifiers("LT", "59"), "CO-4 50.00"},

		{"the last unit of a year", "97110", used(19_000), "PR-3 20.00, PR-1 30.00"}, // copay 20 of 50
		{"beyond it", "97110", used(19_001), "OA-119 50.00"},

		// 010 lasts ten days beyond the day: from 20 February to 2 March.
		{"last of ten days", "99213", surgery("2026-02-20", "010"), "CO-97 50.00"},
		{"a day after them", "99213", surgery("2026-02-19", "010"), "PR-3 25.00"},
		// 090: 2 December is 90 days before 2 March (29 + 31 + 28 + 2).
		{"last of ninety days", "99213", surgery("2025-12-02", "090"), "CO-97 50.00"},
		{"a day after them", "99213", surgery("2025-12-01", "090"), "PR-3 25.00"},
		{"the day before", "99213", surgery("2026-03-03", "090"), "CO-97 50.00"},
		{"the day before, decision for surgery", "99213", surgery("2026-03-03", "090", "57"), "PR-3 25.00"},
		{"the day before 010", "99213", surgery("2026-03-03", "010"), "PR-3 25.00"},
		{"the day itself", "99213", surgery("2026-03-02", "000"), "CO-97 50.00"},
		{"the day itself, a service of its own", "99213", surgery("2026-03-02", "000", "25"), "PR-3 25.00"},
		{"afterwards, 25 is no reason", "99213", surgery("2026-03-01", "090", "25"), "CO-97 50.00"},
		{"afterwards, not related", "99213", surgery("2026-03-01", "090", "24"), "PR-3 25.00"},
		{"no service that belongs to surgery", "71046", surgery("2026-03-01", "090"), whole},

		{"add-on alone", "99417", func(c *Claim, e *Evidence) {}, "CO-107 50.00"},
		{"add-on to an earlier claim's", "99417", func(c *Claim, e *Evidence) { e.Lines[0].Primaries = []string{"99215"} }, whole},
		{"add-on to something else", "99417", func(c *Claim, e *Evidence) { e.Lines[0].Primaries = []string{"99213"} }, "CO-107 50.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan2(t)
			c, e := case2(p, aLine{code: tt.code, charge: 50_00, fee: 50_00})
			tt.with(c, e)
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			got := adjustments(d.Lines[0])
			if d.Outcome == Pended {
				got = pends(d)
			}
			if got != tt.want || d.Rules != Rules2 {
				t.Errorf("got %q under %s, want %q", got, d.Rules, tt.want)
			}
			trail(t, d)
		})
	}
}

// trail wants the steps of every line to lead from the charge to the payment, and
// to name the codes of all that is taken off, and nothing else.
func trail(t *testing.T, d *Decision) {
	t.Helper()
	for _, l := range d.Lines {
		at, by := l.Charge, map[string]Cents{}
		for _, s := range l.Steps {
			if s.Before != at || s.Edition == "" || s.Note == "" || (s.Before != s.After) != (s.CARC != "") && s.Rule != "out-of-pocket-maximum" {
				t.Errorf("line %d: step %+v after %s", l.Line, s, at)
			}
			by[string(s.Group)+s.CARC] += s.Before - s.After
			at = s.After
		}
		if d.Outcome == Pended {
			continue
		}
		if at != l.Paid {
			t.Errorf("line %d: the steps lead to %s, paid is %s", l.Line, at, l.Paid)
		}
		for _, a := range l.Adjustments {
			if a.Group != Patient && by[string(a.Group)+a.CARC] != a.Amount {
				t.Errorf("line %d: steps take off %s by %s-%s, the adjustment is %s", l.Line, by[string(a.Group)+a.CARC], a.Group, a.CARC, a.Amount)
			}
		}
	}
}

// Every pend says by when it is to be settled: 30 days from 1 April are over on
// 1 May.
func TestPendsHaveADay(t *testing.T) {
	p := plan2(t)
	c, e := case2(p, aLine{code: "73610", charge: 50_00, fee: -1})
	d, err := Adjudicate(c, p, e)
	if err != nil || d.Outcome != Pended || d.Pends[0].By != "2026-05-01" || !strings.Contains(d.Pends[0].Note, "73610") {
		t.Errorf("got %+v, %v", d, err)
	}
	if d, err = Adjudicate(c, gold(t, e), e); err != nil || d.Pends[0].By != "" {
		t.Errorf("rules/1: got %+v, %v", d, err)
	}
}

// gold is the edition of rules/1, and the evidence made for it.
func gold(t *testing.T, e *Evidence) *Plan {
	p := goldPlan(t)
	e.Plan, e.Used = p.Ref(), nil
	return p
}

// TestLinesOfOneClaim: what one line does to another.
func TestLinesOfOneClaim(t *testing.T) {
	visit, surgery := aLine{code: "99215", charge: 50_00, fee: 50_00}, aLine{code: "27130", charge: 50_00, fee: 50_00}
	addOn := aLine{code: "99417", charge: 20_00, fee: 20_00}
	ankle := aLine{code: "73610", charge: 10_00, fee: 10_00}
	tests := []struct {
		name  string
		lines []aLine
		with  func(c *Claim, e *Evidence)
		want  string // adjustments of all lines, or pends
	}{
		{"an add-on before its primary", []aLine{addOn, visit}, nil, "PR-1 20.00; PR-1 50.00"},
		{"the primary on another day", []aLine{addOn, visit}, func(c *Claim, e *Evidence) {
			c.Lines[1].From, c.Lines[1].To, e.Lines[1].Standing.On = "2026-03-03", "2026-03-03", "2026-03-03"
		}, "CO-107 20.00; PR-1 50.00"},
		{"a visit within a surgery of the claim", []aLine{visit, surgery}, func(c *Claim, e *Evidence) { e.Lines[1].Global = "090" },
			"CO-97 50.00; PR-1 50.00"},
		// The primary goes with the surgery, and its add-on with it.
		{"an add-on whose primary is refused", []aLine{addOn, visit, surgery}, func(c *Claim, e *Evidence) { e.Lines[2].Global = "090" },
			"CO-107 20.00; CO-97 50.00; PR-1 50.00"},
		{"another clinician's surgery", []aLine{visit, surgery}, func(c *Claim, e *Evidence) {
			c.Lines[1].Rendering = &Provider{NPI: "1245319599"}
			e.Lines[1].Standing.NPI, e.Lines[1].Global = "1245319599", "090"
		}, "PR-1 50.00; PR-1 50.00"},
		{"a surgery that is refused itself", []aLine{visit, surgery}, func(c *Claim, e *Evidence) {
			e.Lines[1].Global, e.Lines[1].Standing.Standing.Answer = "090", credentials.MayNot
		}, "PR-1 50.00; CO-B7 50.00"},
		// Two a day; the third is beyond, and the second day counts anew.
		{"a limit of the day", []aLine{ankle, {code: "73610", charge: 11_00, fee: 11_00, units: 2000, on: "2026-03-03"}, {code: "73610", charge: 12_00, fee: 12_00, units: 2000}},
			func(c *Claim, e *Evidence) {
				e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true}
			},
			"PR-1 10.00; PR-1 11.00; OA-119 12.00"},
		{"what is refused uses nothing up", []aLine{ankle, {code: "73610", charge: 12_00, fee: 12_00, units: 2000}}, func(c *Claim, e *Evidence) {
			e.Lines[0].Standing.Standing.Answer = credentials.MayNot
			e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true}
		}, "CO-B7 10.00; PR-1 12.00"},
		{"other units: a likely repeat", []aLine{ankle, {code: "73610", charge: 20_00, fee: 10_00, units: 1500}}, nil, "2 near-duplicate"},
		{"another charge: a likely repeat", []aLine{ankle, {code: "73610", charge: 11_00, fee: 10_00}}, nil, "2 near-duplicate"},
		{"a colleague's: a likely repeat", []aLine{ankle, ankle}, func(c *Claim, e *Evidence) {
			c.Lines[1].Rendering, e.Lines[1].Standing.NPI = &Provider{NPI: "1245319599"}, "1245319599"
		}, "2 near-duplicate"},
		{"another modifier is another service", []aLine{ankle, ankle}, func(c *Claim, e *Evidence) { c.Lines[1].Modifiers = []string{"26"} },
			"PR-1 10.00; PR-1 10.00"},
		{"the same twice", []aLine{ankle, ankle}, nil, "PR-1 10.00; CO-18 10.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan2(t)
			c, e := case2(p, tt.lines...)
			if tt.with != nil {
				tt.with(c, e)
			}
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, l := range d.Lines {
				all = append(all, adjustments(l))
			}
			got := strings.Join(all, "; ")
			if d.Outcome == Pended {
				got = pends(d)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			trail(t, d)
		})
	}
}

// priced gives a line a fact as claims/pricing would.
func priced(c *Claim, e *Evidence, line int, steps ...PricedStep) *Priced {
	p := &Priced{By: "medicare-sf 2026", Steps: steps}
	e.Lines[line].Fee, e.Lines[line].Priced = nil, p
	e.Priced = append(e.Priced, c.Lines[line].Number)
	return p
}

// TestPricedLines calculates what a priced fact comes to. The deductible is met,
// the patient's share is 20%.
func TestPricedLines(t *testing.T) {
	several := func(amount Cents) PricedStep { return PricedStep{"multiple-procedures", CARCSeveral, amount, "rank 2"} }
	first := func(amount Cents) PricedStep { return PricedStep{"fee-schedule", "", amount, "by the schedule"} }
	both := func(amount Cents) PricedStep { return PricedStep{"both-sides", "", amount, "both sides"} }
	limit := func(amount Cents) PricedStep { return PricedStep{"outpatient-cap", CARCContractual, amount, "cap"} }
	two := Rate(200)
	tests := []struct {
		name     string
		charge   Cents
		steps    []PricedStep
		withheld *Rate
		want     string
	}{
		// 1000 charged, 800 by the schedule: 200 written off. 80 of 400 is the patient's.
		{"reduced", 1000_00, []PricedStep{first(800_00), several(400_00)}, nil, "CO-45 200.00, CO-59 400.00, PR-2 80.00 = 400.00/320.00/80.00"},
		// 600 is below the schedule's 800, so that the reduction takes 200 only.
		{"charged less than the schedule", 600_00, []PricedStep{first(800_00), several(400_00)}, nil, "CO-59 200.00, PR-2 80.00 = 400.00/320.00/80.00"},
		{"charged less than what is left", 300_00, []PricedStep{first(800_00), several(400_00)}, nil, "PR-2 60.00 = 300.00/240.00/60.00"},
		// 150% of 800 is 1200; 1000 is charged. Half of 1200 is 600.
		{"both sides, reduced", 1000_00, []PricedStep{first(800_00), both(1200_00), several(600_00)}, nil, "CO-59 400.00, PR-2 120.00 = 600.00/480.00/120.00"},
		{"both sides, charged more", 1500_00, []PricedStep{first(800_00), both(1200_00)}, nil, "CO-45 300.00, PR-2 240.00 = 1200.00/960.00/240.00"},
		{"a cap behind the reduction", 1000_00, []PricedStep{first(800_00), several(400_00), limit(350_00)}, nil, "CO-45 250.00, CO-59 400.00, PR-2 70.00 = 350.00/280.00/70.00"},
		// 2% of the 320 that would be paid is 6.40; the patient's 80 stays.
		{"sequestration", 1000_00, []PricedStep{first(400_00)}, &two, "CO-45 600.00, PR-2 80.00, CO-253 6.40 = 400.00/313.60/80.00"},
		// 2% of 0.25 is half a cent: up.
		{"half a cent of it", 31, []PricedStep{first(31)}, &two, "PR-2 0.06, CO-253 0.01 = 0.31/0.24/0.06"},
		{"nothing is worth it", 10_00, []PricedStep{first(0)}, &two, "CO-45 10.00 = 0.00/0.00/0.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan2(t)
			p.Sequestration, p.OutOfPocketMax = tt.withheld != nil, Limits{10_000_00, 10_000_00}
			c, e := case2(p, aLine{code: "27130", charge: tt.charge, fee: -1})
			e.Accumulators[0] = Accumulators{"2026", 100_00, 100_00, 100_00, 100_00}
			priced(c, e, 0, tt.steps...)
			e.Lines[0].Withheld = tt.withheld
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s = %s/%s/%s", adjustments(d.Lines[0]), d.Allowed, d.Paid, d.Patient)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			trail(t, d)
		})
	}
}

// What the schedule refuses is denied, what it leaves to a person waits, and a
// reviewer who approves accepts the charge.
func TestPricedByAPerson(t *testing.T) {
	p := plan2(t)
	c, e := case2(p, aLine{code: "27130", charge: 50_00, fee: -1})
	priced(c, e, 0).Refused, e.Lines[0].Priced.Words = CARCAssistant, "no assistant is paid for this procedure"
	if d, err := Adjudicate(c, p, e); err != nil || adjustments(d.Lines[0]) != "CO-54 50.00" {
		t.Errorf("got %+v, %v", d, err)
	}
	e.Lines[0].Priced = &Priced{By: "x 1", Review: "by report"}
	if d, err := Adjudicate(c, p, e); err != nil || pends(d) != "1 price-unknown" || d.Pends[0].Note != "by report" {
		t.Errorf("got %+v, %v", d, err)
	}
	e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true}
	if d, err := Adjudicate(c, p, e); err != nil || adjustments(d.Lines[0]) != "PR-1 50.00" {
		t.Errorf("approved: got %+v, %v", d, err)
	}
	e.Review.Approve = false
	if d, err := Adjudicate(c, p, e); err != nil || adjustments(d.Lines[0]) != "OA-96/N130 50.00" {
		t.Errorf("refused: got %+v, %v", d, err)
	}
}

// Facts that do not belong to the edition or to what was priced are an error.
func TestNoDecisionLater(t *testing.T) {
	rate := Rate(200)
	tests := []struct {
		with func(c *Claim, p *Plan, e *Evidence)
		want string
	}{
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines[0].Withheld = &rate }, "sequestration"},
		{func(c *Claim, p *Plan, e *Evidence) { p.Sequestration = true }, "sequestration"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Used = nil }, "nothing says what was used"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Priced = []int{1, 2} }, "worked out among"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0) }, "comes from nowhere"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0, PricedStep{"x", "", 5, "x"}).By = "" }, "comes from nowhere"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0, PricedStep{"x", "", 1 << 62, "x"}) }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) {
			more := Rate(100_01)
			p.Sequestration, e.Lines[0].Withheld = true, &more
		}, "sequestration is out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) {
			less := Rate(-1)
			p.Sequestration, e.Lines[0].Withheld = true, &less
		}, "sequestration is out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0, PricedStep{"x", "", -1, "x"}) }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0, PricedStep{"x", "50", 1, "x"}) }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { priced(c, e, 0).Refused = CARCDeductible }, "no denial"},
		{func(c *Claim, p *Plan, e *Evidence) {
			priced(c, e, 0, PricedStep{"x", "", 5, "x"}, PricedStep{"y", CARCSeveral, 6, "y"})
		}, "takes nothing off"},
		{func(c *Claim, p *Plan, e *Evidence) {
			priced(c, e, 0, PricedStep{"x", "", 5, "x"}, PricedStep{"y", CARCSeveral, 3, "y"}, PricedStep{"z", "", 4, "z"})
		}, "takes nothing off"},
		// A line that a rule has stopped was not to be priced.
		{func(c *Claim, p *Plan, e *Evidence) {
			priced(c, e, 0, PricedStep{"x", "", 5, "x"})
			e.Lines[0].Standing.Standing.Answer = credentials.MayNot
		}, "worked out among"},
	}
	for _, tt := range tests {
		p := plan2(t)
		c, e := case2(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
		tt.with(c, p, e)
		if d, err := Adjudicate(c, p, e); err == nil || d != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, %v, want an error with %q", d, err, tt.want)
		}
		if lines, err := Priceable(c, p, e); err == nil && tt.want != "worked out among" || err != nil && lines != nil {
			t.Errorf("to be priced: got %v, %v, want an error with %q", lines, err, tt.want)
		}
	}
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
	e.Lines[0].Global = "090"
	if _, err := Adjudicate(c, p, e); err == nil || !strings.Contains(err.Error(), "rules/1 does not read") {
		t.Errorf("rules/1 with a later fact: %v", err)
	}
}

// A trail says nothing of what nobody asked: no step of lists that an edition has
// not, nor that all is as the plan wants it where that is not known.
func TestTrailSaysNoMore(t *testing.T) {
	steps := func(edit func(c *Claim, p *Plan, e *Evidence)) (rules string) {
		p := plan2(t)
		c, e := case2(p, aLine{code: "99381", charge: 50_00, fee: 50_00})
		c.Subscriber.Birth, c.Subscriber.Sex = c.Lines[0].From, "F"
		p.Conditions = append(p.Conditions, Condition{Codes: CodeSet{{"99381", "99381"}}, Sex: "F", Diagnoses: []string{""}})
		edit(c, p, e)
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Lines[0].Steps {
			rules += s.Rule + ": " + s.Note + "\n"
		}
		return rules
	}
	const met = "age, sex and diagnoses are as the plan wants them"
	if got := steps(func(*Claim, *Plan, *Evidence) {}); !strings.Contains(got, met) || !strings.Contains(got, "provider: ") {
		t.Errorf("got\n%s", got)
	}
	for name, edit := range map[string]func(c *Claim, p *Plan, e *Evidence){
		"age unknown": func(c *Claim, p *Plan, e *Evidence) { c.Subscriber.Birth = "" },
		"sex unknown": func(c *Claim, p *Plan, e *Evidence) { c.Subscriber.Sex = "" },
	} {
		if got := steps(edit); strings.Contains(got, met) || strings.Count(got, "the claim does not say") != 1 {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
	if got := steps(func(c *Claim, p *Plan, e *Evidence) { p.Providers = Providers{} }); strings.Contains(got, "provider: ") {
		t.Errorf("without lists: got\n%s", got)
	}
	waits := func(c *Claim, p *Plan, e *Evidence) {
		p.Terms = []Term{{Name: "dear", When: "true", Then: TermReviews, Note: "dear"}}
		e.Lines[0].Terms = []TermFact{{"dear", TermYes}}
	}
	if got := steps(waits); strings.Contains(got, "no term of the plan stands against it") {
		t.Errorf("with a term that waits: got\n%s", got)
	}
}

// What no claim can bring is answered all the same.
func TestNothingToCompare(t *testing.T) {
	if got := YearsOn("1980", "2026-03-02") + YearsOn("1980-03-02", "2026"); got != 0 {
		t.Errorf("half a day makes %d years", got)
	}
	k := LineKey{On: "2026-03-02", Code: "73610"}
	if got := Likeness("rules/9", k, []LineKey{k}); got != NotDuplicate {
		t.Errorf("rules that are not released find %q", got)
	}
}
