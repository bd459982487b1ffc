package pricing

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// stayPlan wants stays in rooms authorized, but for the first two days of an
// emergency (admission type 1), and for all of a trauma (5 is without days below).
func stayPlan(t *testing.T, with string) *claims.Plan {
	t.Helper()
	text := strings.Replace(hospitalPlan, "119, 197, B7]", "119, 197, 198, B7]", 1)
	p, err := claims.ParsePlan([]byte(text + "  authorization: " + with + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const stayRule = `{bills: ["11"], revenue: ["0100-0219"], emergency: {types: ["1"], days: 2}, payShort: false}`

// TestStayAuthorization holds stays against what was authorized of them, at each
// boundary, worked by hand. The patient owes nothing. By the day: 2,000.00 for each of
// the first three, then 1,500.00; a room for 10,000.00.
func TestStayAuthorization(t *testing.T) {
	days := func(n claims.Quantity, from, until credentials.Date) *claims.AuthorizationFact {
		return &claims.AuthorizationFact{Number: "A1", Handle: credentials.Handle{7}, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: from, Until: until, Left: n * 1000, Code: "0120"}
	}
	with := func(n claims.Quantity, from, until credentials.Date, edit func(*claims.AuthorizationFact)) *claims.AuthorizationFact {
		f := days(n, from, until)
		edit(f)
		return f
	}
	emergency := func(c *claims.Claim, e *claims.Evidence) { c.Institutional.AdmissionType = "1" }
	none := func(*claims.Claim, *claims.Evidence) {}
	room, implant := bed{"0120", 10000_00, 0, 5000}, bed{"0278", 1000_00, 0, 1000}
	short := strings.Replace(stayRule, "payShort: false", "payShort: true", 1)
	const from, until = "2026-03-01", "2026-03-31"
	tests := []struct {
		name, rule, drg string
		lines           []bed
		stay            *claims.AuthorizationFact
		with            func(*claims.Claim, *claims.Evidence)
		want            string // and the days that it draws
	}{
		// 3 × 2,000 + 2 × 1,500 = 9,000 for the five days from 1 to 6 March.
		{"all days", stayRule, "", []bed{room}, days(5, from, until), none, "CO-45 1000.00 = 9000.00/9000.00/0.00 draws 5"},
		{"more than all", stayRule, "", []bed{room}, days(9, from, until), none, "CO-45 1000.00 = 9000.00/9000.00/0.00 draws 5"},
		// The fifth day is 1,500.
		{"a day short", stayRule, "", []bed{room}, days(4, from, until), none, "CO-45 1000.00, CO-198 1500.00 = 7500.00/7500.00/0.00 draws 4"},
		// 9,000 less 2,000 for the first.
		{"one day", stayRule, "", []bed{room}, days(1, from, until), none, "CO-45 1000.00, CO-198 7000.00 = 2000.00/2000.00/0.00 draws 1"},
		{"no day left", stayRule, "", []bed{room}, days(0, from, until), none, "CO-198 10000.00 = 0.00/0.00/0.00"},
		{"two thirds of a day are none", stayRule, "", []bed{room}, with(0, from, until, func(f *claims.AuthorizationFact) { f.Left = 667 }), none, "CO-198 10000.00 = 0.00/0.00/0.00"},
		{"it begins on the day of admission", stayRule, "", []bed{room}, days(5, "2026-03-01", "2026-03-05"), none, "CO-45 1000.00 = 9000.00/9000.00/0.00 draws 5"},
		{"it begins a day later", stayRule, "", []bed{room}, days(5, "2026-03-02", "2026-03-31"), none, "CO-15 10000.00 = 0.00/0.00/0.00"},
		{"it ends a day before the last night", stayRule, "", []bed{room}, days(5, "2026-03-01", "2026-03-04"), none, "CO-45 1000.00, CO-198 1500.00 = 7500.00/7500.00/0.00 draws 4"},
		{"no number", stayRule, "", []bed{room}, nil, none, "CO-197 10000.00 = 0.00/0.00/0.00"},
		{"not known", stayRule, "", []bed{room}, &claims.AuthorizationFact{Number: "A1"}, none, "CO-15 10000.00 = 0.00/0.00/0.00"},
		{"denied", stayRule, "", []bed{room}, with(5, from, until, func(f *claims.AuthorizationFact) { f.Outcome = claims.AuthorizationDenied }), none, "CO-15 10000.00 = 0.00/0.00/0.00"},
		{"another hospital", stayRule, "", []bed{room}, with(5, from, until, func(f *claims.AuthorizationFact) { f.Matches = false }), none, "CO-15 10000.00 = 0.00/0.00/0.00"},
		{"not decided", stayRule, "", []bed{room}, with(5, from, until, func(f *claims.AuthorizationFact) { f.Outcome = claims.AuthorizationPended }), none,
			"authorization-pended: " + claims.PendAuthorization.Words()},
		// Two days at home (span 74, 2 and 3 March) leave three: 6,000, all authorized.
		{"days that are not covered need none", stayRule, "", []bed{room}, days(3, from, until), func(c *claims.Claim, e *claims.Evidence) {
			c.Institutional.Occurred = []claims.Occurrence{{Code: "74", From: "2026-03-02", Through: "2026-03-03"}}
		}, "CO-45 4000.00 = 6000.00/6000.00/0.00 draws 3"},
		// 60% and 40% of 9,000 and of the 1,500: 900 and 600.
		{"two lines", stayRule, "", []bed{{"0120", 6000_00, 0, 5000}, {"0250", 4000_00, 0, 1000}}, days(4, from, until), none,
			"CO-45 600.00, CO-198 900.00 = 4500.00/4500.00/0.00; CO-45 400.00, CO-198 600.00 = 3000.00/3000.00/0.00 draws 4"},
		// 10,000 are charged and no more is allowed: 9,000 of five days become 7,500, below the 8,000 charged here by 500.
		{"less was charged", stayRule, "", []bed{{"0120", 8000_00, 0, 5000}}, days(4, from, until), none, "CO-198 500.00 = 7500.00/7500.00/0.00 draws 4"},
		{"an emergency: three days need one", stayRule, "", []bed{room}, days(3, "2026-03-03", until), emergency, "CO-45 1000.00 = 9000.00/9000.00/0.00 draws 3"},
		// 2,000 for each of the two days that need none.
		{"an emergency, and nothing after it", stayRule, "", []bed{room}, nil, emergency, "CO-45 1000.00, CO-197 5000.00 = 4000.00/4000.00/0.00"},
		{"an emergency, from a day too late", stayRule, "", []bed{room}, days(3, "2026-03-04", until), emergency, "CO-45 1000.00, CO-15 5000.00 = 4000.00/4000.00/0.00"},
		{"an emergency, all of it", strings.Replace(stayRule, ", days: 2", "", 1), "", []bed{room}, nil, emergency, "CO-45 1000.00 = 9000.00/9000.00/0.00"},
		{"an emergency of five days, five free", strings.Replace(stayRule, "days: 2", "days: 5", 1), "", []bed{room}, nil, emergency, "CO-45 1000.00 = 9000.00/9000.00/0.00"},
		{"an emergency of five days, four free", strings.Replace(stayRule, "days: 2", "days: 4", 1), "", []bed{room}, nil, emergency, "CO-45 1000.00, CO-197 1500.00 = 7500.00/7500.00/0.00"},
		// A case is paid whole or not at all.
		{"a case, all days", stayRule, "948", []bed{room}, days(5, from, until), none, "CO-45 9900.00 = 100.00/100.00/0.00 draws 5"},
		{"a case, a day short", stayRule, "948", []bed{room}, days(4, from, until), none, "CO-198 10000.00 = 0.00/0.00/0.00"},
		{"a case, a day short, paid whole", short, "948", []bed{room}, days(4, from, until), none, "CO-45 9900.00 = 100.00/100.00/0.00 draws 4"},
		{"a case, no day", short, "948", []bed{room}, days(0, from, until), none, "CO-198 10000.00 = 0.00/0.00/0.00"},
		{"a case, an emergency", short, "948", []bed{room}, nil, emergency, "CO-45 9900.00 = 100.00/100.00/0.00"},
		// 50% of the implant's 1,000 beside four of five days.
		{"a share of the charge, a day short", stayRule, "", []bed{implant, room}, days(4, from, until), none,
			"CO-198 1000.00 = 0.00/0.00/0.00; CO-45 1000.00, CO-198 1500.00 = 7500.00/7500.00/0.00 draws 4"},
		{"a share of the charge, paid whole", short, "", []bed{implant, room}, days(4, from, until), none,
			"CO-45 500.00 = 500.00/500.00/0.00; CO-45 1000.00, CO-198 1500.00 = 7500.00/7500.00/0.00 draws 4"},
		{"no room: none is needed", stayRule, "", []bed{{"0250", 10000_00, 0, 1000}}, nil, none, "CO-45 1000.00 = 9000.00/9000.00/0.00"},
		{"another DRG: none is needed", strings.Replace(stayRule, `revenue: ["0100-0219"]`, `drgs: ["470"]`, 1), "948", []bed{room}, nil, none, "CO-45 9900.00 = 100.00/100.00/0.00"},
		{"that DRG", strings.Replace(stayRule, `revenue: ["0100-0219"]`, `drgs: ["948"]`, 1), "948", []bed{room}, nil, none, "CO-197 10000.00 = 0.00/0.00/0.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, f := stayPlan(t, tt.rule), fees(t, hospitalFees)
			c, e := aBill(p, f, "11", tt.drg, "2026-03-01", "2026-03-06", tt.lines...)
			e.Accumulators[0].DeductibleIndividual, e.Accumulators[0].DeductibleFamily = 500_00, 500_00
			e.Accumulators[0].OutOfPocketPerson, e.Accumulators[0].OutOfPocketFamily = 2000_00, 2000_00
			tt.with(c, e)
			named(c, e, p, tt.stay)
			got := hospitalDecision(t, p, f, c, e)
			if d := decision(t, p, f, c, e); len(d.Draws) > 0 {
				got += " draws " + d.Draws[0].Units.String()
				if d.Draws[0].Authorization != tt.stay.Handle || d.Draws[0].Code != "0120" || len(d.Draws) != 1 {
					t.Errorf("draws %+v", d.Draws)
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// named has the claim name an authorization.
func named(c *claims.Claim, e *claims.Evidence, p *claims.Plan, f *claims.AuthorizationFact) {
	if f == nil {
		return
	}
	c.Authorization = f.Number
	for i := range e.Lines { // which have no use for it themselves
		e.Lines[i].Authorization = &claims.AuthorizationFact{Number: f.Number, Found: f.Found, Outcome: f.Outcome}
	}
	if p.StayRule(c) != nil {
		e.Stay = f
	}
}

// TestStayNeedsAPerson: without the code among those that the machine may give, a
// person denies the days; and an appeal may set that aside.
func TestStayNeedsAPerson(t *testing.T) {
	p, f := stayPlan(t, stayRule), fees(t, hospitalFees)
	p.MachineDenials = []string{"96"}
	bill := func() (*claims.Claim, *claims.Evidence) {
		c, e := aBill(p, f, "11", "", "2026-03-01", "2026-03-06", bed{"0120", 10000_00, 0, 5000})
		e.Accumulators[0].DeductibleIndividual, e.Accumulators[0].OutOfPocketPerson, e.Accumulators[0].OutOfPocketFamily = 500_00, 2000_00, 2000_00
		named(c, e, p, &claims.AuthorizationFact{Number: "A1", Handle: credentials.Handle{7}, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: "2026-03-01", Until: "2026-03-31", Left: 4000, Code: "0120"})
		return c, e
	}
	c, e := bill()
	if got := hospitalDecision(t, p, f, c, e); !strings.HasPrefix(got, "denial-needs-person: ") {
		t.Errorf("got %s", got)
	}
	c, e = bill()
	e.Number = 2
	e.Review = &claims.Determination{Handle: credentials.Handle{9}, Subject: e.Submission, Number: 1, Reason: "reviewed"}
	if got, want := hospitalDecision(t, p, f, c, e), "CO-45 1000.00, CO-198 1500.00 = 7500.00/7500.00/0.00"; got != want {
		t.Errorf("a reviewer refuses: got %s, want %s", got, want)
	}
	c, e = bill()
	e.Number = 2
	appeal := credentials.Handle{8}
	e.Appeals = []claims.Determination{{Handle: credentials.Handle{9}, Subject: e.Submission, Number: 1, Approve: true, Reason: "x", Words: "w", Appeal: &appeal,
		SetsAside: []claims.SetAside{{Line: 1, CARC: "198"}}}}
	if got, want := hospitalDecision(t, p, f, c, e), "CO-45 1000.00 = 9000.00/9000.00/0.00"; got != want {
		t.Errorf("set aside: got %s, want %s", got, want)
	}
}

// TestStayFactsBelong: a fact for a stay is there exactly where it is asked for.
func TestStayFactsBelong(t *testing.T) {
	p, f := stayPlan(t, stayRule), fees(t, hospitalFees)
	fact := claims.AuthorizationFact{Number: "A1", Handle: credentials.Handle{7}, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
		From: "2026-03-01", Until: "2026-03-31", Left: 5000, Code: "0120"}
	for name, change := range map[string]func(c *claims.Claim, e *claims.Evidence){
		"left out":       func(c *claims.Claim, e *claims.Evidence) { e.Stay = nil },
		"another number": func(c *claims.Claim, e *claims.Evidence) { e.Stay.Number = "A2" },
		"no stay's":      func(c *claims.Claim, e *claims.Evidence) { e.Stay.Code = "27447" },
		"not asked for":  func(c *claims.Claim, e *claims.Evidence) { c.Lines[0].Revenue = "0250" },
	} {
		c, e := aBill(p, f, "11", "", "2026-03-01", "2026-03-06", bed{"0120", 10000_00, 0, 5000})
		one := fact
		named(c, e, p, &one)
		change(c, e)
		if err := f.Complete(c, p, e); err == nil || !strings.Contains(err.Error(), "stay's authorization") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
