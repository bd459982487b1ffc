package claims

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// TestMoney holds golden cases, each calculated by hand. The plan: deductible
// 100 a person and 150 a family, maximum 300 and 500, coinsurance 20%; visits
// copay 25 and nothing else, therapy copay 20, laboratory 12.5% without deductible.
func TestMoney(t *testing.T) {
	tests := []struct {
		name  string
		lines []aLine
		met   Accumulators
		want  []string // adjustments, a line each; the last is "allowed/paid/patient"
	}{
		{
			// allowed 90, copay 25, the rest 65 is paid.
			"copay only", []aLine{{code: "99213", charge: 120_00, fee: 90_00}}, Accumulators{},
			[]string{"CO-45 30.00, PR-3 25.00", "90.00/65.00/25.00"},
		},
		{
			// the charge is below the fee: allowed 20, all of it copay.
			"copay above the charge", []aLine{{code: "99213", charge: 20_00, fee: 90_00}}, Accumulators{},
			[]string{"PR-3 20.00", "20.00/0.00/20.00"},
		},
		{
			// allowed 150: deductible 100, 20% of 50 is 10, paid 40.
			"deductible crossed in one line", []aLine{{code: "73610", charge: 150_00, fee: 200_00}}, Accumulators{},
			[]string{"PR-1 100.00, PR-2 10.00", "150.00/40.00/110.00"},
		},
		{
			// 60 met: 40 left. allowed 150: 40, 20% of 110 is 22, paid 88.
			"deductible partly met", []aLine{{code: "73610", charge: 160_00, fee: 150_00}},
			Accumulators{DeductibleIndividual: 60_00, DeductibleFamily: 60_00, OutOfPocketPerson: 60_00, OutOfPocketFamily: 60_00},
			[]string{"CO-45 10.00, PR-1 40.00, PR-2 22.00", "150.00/88.00/62.00"},
		},
		{
			// the person has met nothing, the family 130 of 150: 20 left.
			// allowed 150: 20, 20% of 130 is 26, paid 104.
			"family deductible is nearer", []aLine{{code: "73610", charge: 150_00, fee: 150_00}},
			Accumulators{DeductibleFamily: 130_00, OutOfPocketFamily: 130_00},
			[]string{"PR-1 20.00, PR-2 26.00", "150.00/104.00/46.00"},
		},
		{
			// first line uses 80 of the deductible, second 20 and 20% of 60 = 12.
			"accumulators carry to the next line",
			[]aLine{{code: "73610", charge: 80_00, fee: 80_00}, {code: "71046", charge: 80_00, fee: 80_00}}, Accumulators{},
			[]string{"PR-1 80.00", "PR-1 20.00, PR-2 12.00", "160.00/48.00/112.00"},
		},
		{
			// copay first: 110 - 20 = 90, all deductible.
			"copay before deductible", []aLine{{code: "97110", charge: 110_00, fee: 110_00}}, Accumulators{},
			[]string{"PR-3 20.00, PR-1 90.00", "110.00/0.00/110.00"},
		},
		{
			// 12.5% of 14.52 is 1.815: half a cent goes up, 1.82.
			"half a cent up", []aLine{{code: "80053", charge: 14_52, fee: 20_00}}, Accumulators{},
			[]string{"PR-2 1.82", "14.52/12.70/1.82"},
		},
		{
			// 12.5% of 14.51 is 1.81375: down.
			"less than half a cent down", []aLine{{code: "80053", charge: 14_51, fee: 20_00}}, Accumulators{},
			[]string{"PR-2 1.81", "14.51/12.70/1.81"},
		},
		{
			// 3 units at 33.335 cannot be: fee 33.33 times 1.5 is 49.995, 50.00.
			"half units rounded up", []aLine{{code: "80053", charge: 60_00, fee: 33_33, units: 1500}}, Accumulators{},
			// 12.5% of 50.00 is 6.25.
			[]string{"CO-45 10.00, PR-2 6.25", "50.00/43.75/6.25"},
		},
		{
			// 290 of 300 met: 10 left. 20% of 1000 would be 200: the plan bears 190.
			"maximum caps coinsurance", []aLine{{code: "73610", charge: 1000_00, fee: 1000_00}},
			Accumulators{DeductibleIndividual: 100_00, DeductibleFamily: 100_00, OutOfPocketPerson: 290_00, OutOfPocketFamily: 290_00},
			[]string{"PR-2 10.00", "1000.00/990.00/10.00"},
		},
		{
			// the family has 15 left to 500: of copay 25, 15 remain.
			"family maximum caps copay", []aLine{{code: "99213", charge: 90_00, fee: 90_00}},
			Accumulators{OutOfPocketFamily: 485_00},
			[]string{"PR-3 15.00", "90.00/75.00/15.00"},
		},
		{
			// 260 left to the maximum. Deductible 100, 20% of 900 = 180: 280 in all,
			// cut at the end: 100 and 160.
			"maximum reached within the line", []aLine{{code: "73610", charge: 1000_00, fee: 1000_00}},
			Accumulators{OutOfPocketPerson: 40_00, OutOfPocketFamily: 40_00},
			[]string{"PR-1 100.00, PR-2 160.00", "1000.00/740.00/260.00"},
		},
		{
			"maximum met already", []aLine{{code: "73610", charge: 100_00, fee: 70_00}},
			Accumulators{OutOfPocketPerson: 310_00, OutOfPocketFamily: 310_00}, // 10 over, from an older edition
			[]string{"CO-45 30.00", "70.00/70.00/0.00"},
		},
		{
			"nothing charged", []aLine{{code: "73610", charge: 0, fee: 70_00}}, Accumulators{},
			[]string{"", "0.00/0.00/0.00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := goldPlan(t)
			c, e := aCase(p, tt.lines...)
			tt.met.Period = "2026"
			e.Accumulators = []Accumulators{tt.met}
			for i := range c.Lines {
				if p.Authorization.Required.Has(c.Lines[i].Code) {
					authorize(c, e, i, 5000)
				}
			}
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range d.Lines {
				got = append(got, adjustments(l))
			}
			got = append(got, fmt.Sprintf("%s/%s/%s", d.Allowed, d.Paid, d.Patient))
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if d.Outcome != Paid {
				t.Errorf("outcome %s", d.Outcome)
			}
		})
	}
}

// TestRules has every rule meet what it is there for, one at a time.
func TestRules(t *testing.T) {
	may := func(answer credentials.Answer, reason credentials.Reason) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) {
			e.Lines[0].Standing.Standing = credentials.Standing{Answer: answer, Reason: reason}
		}
	}
	within := func(answer credentials.Answer, reason credentials.Reason) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) {
			c.Lines[0].To = "2026-03-04"
			last, mid := e.Lines[0].Standing, e.Lines[0].Standing
			last.On, mid.On, mid.Standing = "2026-03-04", "2026-03-03", credentials.Standing{Answer: answer, Reason: reason}
			e.Lines[0].StandingLast, e.Lines[0].StandingWithin = &last, &mid
		}
	}
	covered := func(periods ...Coverage) func(c *Claim, e *Evidence) {
		return func(c *Claim, e *Evidence) { e.Member.Coverage = periods }
	}
	review := func(approve bool) *Determination {
		return &Determination{Subject: credentials.Handle{1}, Number: 1, Approve: approve}
	}
	tests := []struct {
		name string
		code string
		with func(c *Claim, e *Evidence)
		want string // adjustments, or what it waits for
	}{
		{"nothing wrong", "73610", func(c *Claim, e *Evidence) {}, "PR-1 50.00"},
		{"no member", "73610", func(c *Claim, e *Evidence) { e.Member = MemberFact{}; e.Accumulators = nil }, "OA-31 50.00"},
		{"another birth date", "73610", func(c *Claim, e *Evidence) { e.Member.Matches = false }, "OA-31 50.00"},
		{"before coverage", "73610", covered(Coverage{From: "2026-03-03"}), "OA-26 50.00"},
		{"first day of coverage", "73610", covered(Coverage{From: "2026-03-02"}), "PR-1 50.00"},
		{"last day of coverage", "73610", covered(Coverage{"2026-01-01", "2026-03-02"}), "PR-1 50.00"},
		{"after coverage", "73610", covered(Coverage{"2026-01-01", "2026-03-01"}), "OA-27 50.00"},
		{"in a gap", "73610", covered(Coverage{From: "2026-03-10"}, Coverage{"2026-01-01", "2026-03-01"}), "OA-200 50.00"},
		{"no coverage at all", "73610", covered(), "OA-200 50.00"},
		{"two periods that touch", "73610", func(c *Claim, e *Evidence) {
			c.Lines[0].To = "2026-03-04"
			last := e.Lines[0].Standing
			last.On = "2026-03-04"
			e.Lines[0].StandingLast = &last
			e.Member.Coverage = []Coverage{{From: "2026-03-03"}, {"2026-01-01", "2026-03-02"}}
		}, "PR-1 50.00"},
		{"last of several days not covered", "73610", func(c *Claim, e *Evidence) {
			c.Lines[0].To = "2026-03-04"
			e.Member.Coverage = []Coverage{{"2026-01-01", "2026-03-03"}}
		}, "OA-27 50.00"},
		{"claimed before", "73610", func(c *Claim, e *Evidence) { e.Lines[0].Duplicate = ExactDuplicate }, "CO-18 50.00"},
		{"nearly claimed before", "73610", func(c *Claim, e *Evidence) { e.Lines[0].Duplicate = NearDuplicate }, "1 near-duplicate"},
		{"nearly, and approved", "73610", func(c *Claim, e *Evidence) {
			e.Lines[0].Duplicate, e.Number, e.Review = NearDuplicate, 2, review(true)
		}, "PR-1 50.00"},
		{"nearly, and refused", "73610", func(c *Claim, e *Evidence) {
			e.Lines[0].Duplicate, e.Number, e.Review = NearDuplicate, 2, review(false)
		}, "CO-18 50.00"},
		{"last day to file", "73610", func(c *Claim, e *Evidence) { e.Received = "2026-05-31" }, "PR-1 50.00"}, // 29+30+31 = 90 days
		{"a day too late", "73610", func(c *Claim, e *Evidence) { e.Received = "2026-06-01" }, "CO-29 50.00"},
		{"revoked", "73610", may(credentials.MayNot, credentials.ReasonRevoked), "CO-B7 50.00"},
		{"suspended", "73610", may(credentials.MayNot, credentials.ReasonSuspended), "CO-B7 50.00"},
		{"orders that nobody understands", "73610", may(credentials.Unknown, credentials.ReasonUnclear), "1 standing-unknown"},
		{"restricted", "73610", may(credentials.MayRestricted, credentials.ReasonRestricted), "1 license-restricted"},
		{"restricted, and approved", "73610", func(c *Claim, e *Evidence) {
			may(credentials.MayRestricted, credentials.ReasonRestricted)(c, e)
			e.Number, e.Review = 2, review(true)
		}, "PR-1 50.00"},
		{"restricted, approved, and the feed stale", "73610", func(c *Claim, e *Evidence) {
			may(credentials.MayRestricted, credentials.ReasonRestricted)(c, e)
			e.Number, e.Review, e.Lines[0].Standing.Fresh = 2, review(true), false
		}, "1 standing-unknown"},
		{"suspended in the midst of several days", "73610", within(credentials.MayNot, credentials.ReasonSuspended), "CO-B7 50.00"},
		{"restricted in the midst of several days", "73610", within(credentials.MayRestricted, credentials.ReasonRestricted), "1 license-restricted"},
		{"unknown in the midst of several days", "73610", within(credentials.Unknown, credentials.ReasonUnclear), "1 standing-unknown"},
		{"unknown", "73610", may(credentials.Unknown, credentials.ReasonStale), "1 standing-unknown"},
		{"an answer of a later release", "73610", may("perhaps", ""), "1 standing-unknown"},
		{"unknown is not for approval", "73610", func(c *Claim, e *Evidence) {
			may(credentials.Unknown, credentials.ReasonStale)(c, e)
			e.Number, e.Review = 2, review(true)
		}, "1 standing-unknown"},
		{"stale", "73610", func(c *Claim, e *Evidence) { e.Lines[0].Standing.Fresh = false }, "1 standing-unknown"},
		{"stale and revoked", "73610", func(c *Claim, e *Evidence) {
			may(credentials.MayNot, credentials.ReasonRevoked)(c, e)
			e.Lines[0].Standing.Fresh = false
		}, "1 standing-unknown"},
		{"asked in another state", "73610", func(c *Claim, e *Evidence) { e.Lines[0].Standing.State = "WI" }, "1 standing-unknown"},
		{"nobody named", "73610", func(c *Claim, e *Evidence) {
			c.Rendering, e.Lines[0].Standing = nil, StandingFact{}
		}, "1 clinician-not-named"},
		{"named by the roster", "73610", func(c *Claim, e *Evidence) {
			c.Rendering, e.Lines[0].Standing.Rostered = nil, true
		}, "PR-1 50.00"},
		{"several days, one standing", "73610", func(c *Claim, e *Evidence) { c.Lines[0].To = "2026-03-04" }, "1 standing-unknown"},
		{"revoked on the last of several days", "73610", func(c *Claim, e *Evidence) {
			c.Lines[0].To = "2026-03-04"
			last := e.Lines[0].Standing
			last.On, last.Standing = "2026-03-04", credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
			e.Lines[0].StandingLast = &last
		}, "CO-B7 50.00"},
		{"telehealth: where the patient is", "73610", func(c *Claim, e *Evidence) {
			c.Place, c.Subscriber.Address.State, e.Lines[0].Standing.State = "10", "WI", "WI"
		}, "PR-1 50.00"},
		{"authorization absent", "72148", func(c *Claim, e *Evidence) {}, "CO-197 50.00"},
		{"authorization unknown", "72148", func(c *Claim, e *Evidence) { *authorize(c, e, 0, 0) = AuthorizationFact{Number: "AUTH-1"} }, "CO-15 50.00"},
		{"authorization for another", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 1000).Matches = false }, "CO-15 50.00"},
		{"authorization revoked", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 1000).Outcome = AuthorizationRevoked }, "CO-15 50.00"},
		{"authorization over", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 1000).Until = "2026-03-01" }, "CO-15 50.00"},
		{"authorization used up", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 999) }, "CO-198 50.00"},
		{"authorization not decided", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 0).Outcome = AuthorizationPended }, "1 authorization-pended"},
		{"authorization good", "72148", func(c *Claim, e *Evidence) { authorize(c, e, 0, 1000) }, "PR-1 50.00"},
		{"excluded", "15824", func(c *Claim, e *Evidence) {}, "OA-96/N130 50.00"},
		{"no price", "73610", func(c *Claim, e *Evidence) { e.Lines[0].Fee = nil }, "1 price-unknown"},
		{"minutes", "73610", func(c *Claim, e *Evidence) { c.Lines[0].Unit = "MJ" }, "1 price-unknown"},
		{"no price, approved", "73610", func(c *Claim, e *Evidence) {
			e.Lines[0].Fee, e.Number, e.Review = nil, 2, review(true)
		}, "PR-1 50.00"},
		{"no price, refused", "73610", func(c *Claim, e *Evidence) {
			e.Lines[0].Fee, e.Number, e.Review = nil, 2, review(false)
		}, "OA-96/N130 50.00"},
		{"all that it waits for", "73610", func(c *Claim, e *Evidence) {
			e.Lines[0].Duplicate, e.Lines[0].Standing.Fresh, e.Lines[0].Fee = NearDuplicate, false, nil
		}, "1 near-duplicate, 1 standing-unknown, 1 price-unknown"},
		{"stale: not even denied for the lack of authorization", "72148", func(c *Claim, e *Evidence) { e.Lines[0].Standing.Fresh = false }, "1 standing-unknown"},
		{"day outside the edition", "73610", func(c *Claim, e *Evidence) {
			c.Lines[0].From, c.Lines[0].To, e.Lines[0].Standing.On = "2024-12-31", "2024-12-31", "2024-12-31"
			e.Member.Coverage[0].From, e.Received, e.Accumulators[0].Period = "2024-01-01", "2025-01-02", "2024"
		}, "1 plan-edition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := goldPlan(t)
			c, e := aCase(p, aLine{code: tt.code, charge: 50_00, fee: 50_00})
			tt.with(c, e)
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			got := adjustments(d.Lines[0])
			if d.Outcome == Pended {
				got = pends(d)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDenialLeftToAPerson(t *testing.T) {
	p := goldPlan(t, "29, 31", "31")
	c, e := aCase(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
	e.Received = "2026-12-01"
	d, err := Adjudicate(c, p, e)
	if err != nil || d.Outcome != Pended || pends(d) != "1 denial-needs-person" {
		t.Fatalf("got %+v, %v", d, err)
	}
	e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1}
	if d, err = Adjudicate(c, p, e); err != nil || adjustments(d.Lines[0]) != "CO-29 50.00" {
		t.Errorf("a person's denial: got %+v, %v", d, err)
	}
}

// A line that waits makes the claim wait: nothing is paid, met or drawn.
func TestOneLineWaits(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 50_00, fee: 50_00}, aLine{code: "72148", charge: 60_00, fee: 60_00},
		aLine{code: "71046", charge: 70_00, fee: -1})
	authorize(c, e, 1, 1000)
	d, err := Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	if d.Outcome != Pended || pends(d) != "3 price-unknown" || d.Paid != 0 || d.Patient != 0 || d.Met != nil || d.Draws != nil {
		t.Errorf("got %+v", d)
	}
	if d.Lines[0].Outcome != Pended || len(d.Lines[0].Steps) == 0 {
		t.Errorf("line 1: got %+v", d.Lines[0])
	}
}

func TestMixedLines(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "15824", charge: 500_00, fee: 400_00}, aLine{code: "99213", charge: 100_00, fee: 90_00})
	d, err := Adjudicate(c, p, e)
	if err != nil || d.Outcome != Paid || d.Lines[0].Outcome != Denied || d.Lines[1].Outcome != Paid || d.Paid != 65_00 {
		t.Errorf("got %+v, %v", d, err)
	}
	c, e = aCase(p, aLine{code: "15824", charge: 500_00, fee: 400_00})
	if d, err = Adjudicate(c, p, e); err != nil || d.Outcome != Denied || d.Paid != 0 || d.Patient != 0 {
		t.Errorf("got %+v, %v", d, err)
	}
}

// Two lines of one authorization share its units; one that is denied later
// takes none.
func TestUnitsAreShared(t *testing.T) {
	p := goldPlan(t, "exclusions: [15824]", "exclusions: []")
	c, e := aCase(p,
		aLine{code: "97110", charge: 64_00, fee: 32_00, units: 2000, on: "2026-03-03"},
		aLine{code: "97110", charge: 64_00, fee: 32_00, units: 2000, on: "2026-03-02"})
	authorize(c, e, 0, 3000)
	authorize(c, e, 1, 3000)
	d, err := Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	// The earlier day comes first, though it stands second in the claim.
	if adjustments(d.Lines[0]) != "CO-198 64.00" || d.Lines[1].Outcome != Paid {
		t.Errorf("got %+v", d.Lines)
	}
	if len(d.Draws) != 1 || d.Draws[0] != (Draw{credentials.Handle{7}, 2, "97110", 2000}) {
		t.Errorf("draws %+v", d.Draws)
	}
}

func TestSameLineTwice(t *testing.T) {
	p := goldPlan(t)
	l := aLine{code: "73610", charge: 50_00, fee: 50_00}
	c, e := aCase(p, l, l)
	if d, err := Adjudicate(c, p, e); err != nil || adjustments(d.Lines[1]) != "CO-18 50.00" || d.Lines[0].Outcome != Paid {
		t.Errorf("got %+v, %v", d, err)
	}
	c.Lines[1].Modifiers = []string{"76"}
	if d, err := Adjudicate(c, p, e); err != nil || pends(d) != "2 near-duplicate" {
		t.Errorf("with modifier 76: got %+v, %v", d, err)
	}
}

// A claim over New Year meets the deductible of each year.
func TestTwoPeriods(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 150_00, fee: 150_00, on: "2026-01-02"}, aLine{code: "71046", charge: 150_00, fee: 150_00, on: "2025-12-30"})
	e.Received = "2026-01-10"
	e.Accumulators = []Accumulators{{Period: "2026"}, {Period: "2025", DeductibleIndividual: 100_00, DeductibleFamily: 100_00, OutOfPocketPerson: 290_00, OutOfPocketFamily: 290_00}}
	d, err := Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	// 2025: 20% of 150 is 30, 10 left. 2026: 100, and 20% of 50.
	if adjustments(d.Lines[1]) != "PR-2 10.00" || adjustments(d.Lines[0]) != "PR-1 100.00, PR-2 10.00" {
		t.Errorf("got %q and %q", adjustments(d.Lines[1]), adjustments(d.Lines[0]))
	}
	want := []Accumulators{{"2025", 0, 0, 10_00, 10_00}, {"2026", 100_00, 100_00, 110_00, 110_00}}
	if len(d.Met) != 2 || d.Met[0] != want[0] || d.Met[1] != want[1] {
		t.Errorf("met %+v, want %+v", d.Met, want)
	}
}

// TestShareOfCharges prices what the schedule does not list: 60% of 33.33 is
// 19.998, 20.00.
func TestShareOfCharges(t *testing.T) {
	p := goldPlan(t, "machineDenials:", "shareOfCharges: 60%\nmachineDenials:")
	c, e := aCase(p, aLine{code: "71046", charge: 33_33, fee: -1})
	d, err := Adjudicate(c, p, e)
	if err != nil || adjustments(d.Lines[0]) != "CO-45 13.33, PR-1 20.00" {
		t.Errorf("got %+v, %v", d, err)
	}
}

// TestNoDecision has what does not belong together be an error, not a denial.
func TestNoDecision(t *testing.T) {
	tests := []struct {
		with func(c *Claim, p *Plan, e *Evidence)
		want string
	}{
		{func(c *Claim, p *Plan, e *Evidence) { c.Frequency = "9" }, "is not decided"},
		{func(c *Claim, p *Plan, e *Evidence) { p.Rules = "rules/9" }, "rules/9"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Plan.Digest = credentials.Digest{} }, "another one"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Fees.Name = "other" }, "priced by"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Received = "" }, "day of receipt"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines = nil }, "1 lines, the evidence 0"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines[0].Line = 2 }, "no facts"},
		{func(c *Claim, p *Plan, e *Evidence) { c.Charge++ }, "sum up"},
		{func(c *Claim, p *Plan, e *Evidence) { c.Lines[0].Charge = -1 }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { c.Lines[0].Units = 0 }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { *e.Lines[0].Fee = -1 }, "fee is out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { c.Lines[0].To = "2026-03-01" }, "not in order"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines[0].Duplicate = "?" }, "likeness"},
		{func(c *Claim, p *Plan, e *Evidence) { c.Authorization = "A" }, "another prior authorization"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines[0].Standing.NPI = "1000000004" }, "another clinician"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Lines[0].Standing.On = "2026-03-01" }, "the service was on"},
		{func(c *Claim, p *Plan, e *Evidence) {
			within := e.Lines[0].Standing
			e.Lines[0].StandingWithin = &within
		}, "not between"},
		{func(c *Claim, p *Plan, e *Evidence) {
			within := e.Lines[0].Standing
			c.Lines[0].To, within.On, within.NPI, e.Lines[0].StandingWithin = "2026-03-04", "2026-03-03", "1000000004", &within
		}, "another clinician"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Accumulators = nil }, "nothing says what was met"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Accumulators[0].OutOfPocketFamily = -1 }, "out of bounds"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Accumulators = append(e.Accumulators, e.Accumulators[0]) }, "twice"},
		{func(c *Claim, p *Plan, e *Evidence) { e.Review = &Determination{Subject: e.Submission, Number: 1} }, "determination"},
	}
	for _, tt := range tests {
		p := goldPlan(t)
		c, e := aCase(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
		tt.with(c, p, e)
		if d, err := Adjudicate(c, p, e); err == nil || d != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, %v, want an error with %q", d, err, tt.want)
		}
	}
}

// TestSteps has every rule be named, and lead from the charge to the payment.
func TestSteps(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
	d, err := Adjudicate(c, p, e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	at := c.Charge
	for _, s := range d.Lines[0].Steps {
		got = append(got, s.Rule)
		if s.Before != at || s.Edition == "" || s.Note == "" {
			t.Errorf("step %+v after %s", s, at)
		}
		at = s.After
	}
	want := "member coverage duplicate timely-filing license authorization exclusion allowed-amount copay deductible coinsurance out-of-pocket-maximum"
	if strings.Join(got, " ") != want || at != d.Paid {
		t.Errorf("got %v and %s", got, at)
	}
}
