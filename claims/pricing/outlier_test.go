package pricing

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestOutliersAndTransfers decides cases that are far dearer, or were transferred, at
// each boundary, worked by hand. The patient owes nothing. DRG 470 is 15,000.00 with a
// mean stay of 3.2 days: 4,687.50 a day; 948 is 100.00 with 3 days.
func TestOutliersAndTransfers(t *testing.T) {
	const caseTerms = `caseRates: [{drg: "470", amount: 15000.00, meanStay: 3.2}, {drg: "948", amount: 100.00, meanStay: 3}]
      transfer: ["02", "05"]
      outlier: {threshold: 50000.00, percentOfCharge: 60%, firstDollar: false}
      lesserOfCharge: true`
	const caseBefore = `caseRates: [{drg: "470", amount: 15000.00}, {drg: "948", amount: 100.00}]
      lesserOfCharge: true`
	first := strings.Replace(caseTerms, "firstDollar: false", "firstDollar: true", 1)
	above := strings.Replace(caseTerms, "lesserOfCharge: true", "lesserOfCharge: false", 1)
	room := func(charge claims.Cents) []bed { return []bed{{"0120", charge, 0, 1000}} }
	to := func(status string) func(*claims.Claim) {
		return func(c *claims.Claim) { c.Institutional.PatientStatus = status }
	}
	tests := []struct {
		name, terms, drg string
		through          credentials.Date // from 1 March
		lines            []bed
		with             func(*claims.Claim)
		want             string
	}{
		{"at the threshold", caseTerms, "470", "2026-03-06", room(50000_00), nil, "CO-45 35000.00 = 15000.00/15000.00/0.00"},
		// 60% of a cent is a cent.
		{"a cent beyond it", caseTerms, "470", "2026-03-06", room(50000_01), nil, "CO-45 35000.00 = 15000.01/15000.01/0.00"},
		// 15,000 + 60% of 20,000.
		{"beyond it", caseTerms, "470", "2026-03-06", room(70000_00), nil, "CO-45 43000.00 = 27000.00/27000.00/0.00"},
		// 27,000 by charges of 40,000 and 30,000: 15,428.571 and 11,571.428, the cent to the first.
		{"beyond it by two lines", caseTerms, "470", "2026-03-06", []bed{{"0120", 40000_00, 0, 1000}, {"0360", 30000_00, 0, 1000}}, nil,
			"CO-45 24571.43 = 15428.57/15428.57/0.00; CO-45 18428.57 = 11571.43/11571.43/0.00"},
		// What is not covered counts for nothing: 50,000 are left.
		{"beyond it by what is not covered", caseTerms, "470", "2026-03-06", []bed{{"0120", 70000_00, 20000_00, 1000}}, nil,
			"OA-96/N130 20000.00, CO-45 35000.00 = 15000.00/15000.00/0.00"},
		// An implant, paid by itself, is no part of the case.
		{"an implant beside it", caseTerms, "470", "2026-03-06", []bed{{"0278", 30000_00, 0, 1000}, {"0120", 40000_00, 0, 1000}}, nil,
			"CO-45 15000.00 = 15000.00/15000.00/0.00; CO-45 25000.00 = 15000.00/15000.00/0.00"},
		{"from the first dollar, at the threshold", first, "470", "2026-03-06", room(50000_00), nil, "CO-45 35000.00 = 15000.00/15000.00/0.00"},
		// 60% of 50,000.01 is 30,000.006.
		{"from the first dollar", first, "470", "2026-03-06", room(50000_01), nil, "CO-45 20000.00 = 30000.01/30000.01/0.00"},
		// 10% of 60,000 are less than the case.
		{"from the first dollar, and less", strings.Replace(first, "60%", "10%", 1), "470", "2026-03-06", room(60000_00), nil, "CO-45 45000.00 = 15000.00/15000.00/0.00"},
		// 4,687.50 × 2 for one day, × 3 for two; × 4 would be 18,750, and the whole is 15,000.
		{"transferred after a day", caseTerms, "470", "2026-03-02", room(40000_00), to("02"), "CO-45 30625.00 = 9375.00/9375.00/0.00"},
		{"transferred on the day of admission", caseTerms, "470", "2026-03-01", room(40000_00), to("05"), "CO-45 30625.00 = 9375.00/9375.00/0.00"},
		{"transferred after two days", caseTerms, "470", "2026-03-03", room(40000_00), to("02"), "CO-45 25937.50 = 14062.50/14062.50/0.00"},
		{"transferred after three days", caseTerms, "470", "2026-03-04", room(40000_00), to("02"), "CO-45 25000.00 = 15000.00/15000.00/0.00"},
		{"gone home after a day", caseTerms, "470", "2026-03-02", room(40000_00), to("01"), "CO-45 25000.00 = 15000.00/15000.00/0.00"},
		{"gone to a status that is not listed", caseTerms, "470", "2026-03-02", room(40000_00), to("03"), "CO-45 25000.00 = 15000.00/15000.00/0.00"},
		// 100.00 / 3 × 2 is 66.666.
		{"a fraction of a cent", caseTerms, "948", "2026-03-02", room(40000_00), to("02"), "CO-45 39933.33 = 66.67/66.67/0.00"},
		// 9,375 + 60% of 20,000.
		{"transferred, and beyond the threshold", caseTerms, "470", "2026-03-02", room(70000_00), to("02"), "CO-45 48625.00 = 21375.00/21375.00/0.00"},
		{"transferred, and less was charged", caseTerms, "470", "2026-03-02", room(9000_00), to("02"), " = 9000.00/9000.00/0.00"},
		{"transferred, and paid beyond the charge", above, "470", "2026-03-02", room(9000_00), to("02"), "CO-94 -375.00 = 9375.00/9375.00/0.00"},
		// The case would be beyond the charge of 12,000; the transfer is not.
		{"transferred, and no longer beyond the charge", above, "470", "2026-03-02", room(12000_00), to("02"), "CO-45 2625.00 = 9375.00/9375.00/0.00"},
		// Two days away leave one: 9,375.
		{"transferred, with days that are not covered", caseTerms, "470", "2026-03-04", room(40000_00), func(c *claims.Claim) {
			to("02")(c)
			c.Institutional.Occurred = []claims.Occurrence{{Code: "74", From: "2026-03-02", Through: "2026-03-03"}}
		}, "CO-45 30625.00 = 9375.00/9375.00/0.00"},
		{"transferred, and the days contradict each other", caseTerms, "470", "2026-03-04", room(40000_00), func(c *claims.Claim) {
			to("02")(c)
			c.Institutional.Values = []claims.ValueCode{{Code: "80", Amount: 9_00}}
		}, "price-unknown: joints: it says 9 covered days (value code 80 or 81), and the stay has 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(hospitalPlan, caseBefore, tt.terms, 1)
			if text == hospitalPlan {
				t.Fatal("the plan's terms are others")
			}
			p, err := claims.ParsePlan([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			f := fees(t, hospitalFees)
			c, e := aBill(p, f, "11", tt.drg, "2026-03-01", tt.through, tt.lines...)
			e.Accumulators[0].DeductibleIndividual, e.Accumulators[0].OutOfPocketPerson, e.Accumulators[0].OutOfPocketFamily = 500_00, 2000_00, 2000_00
			if tt.with != nil {
				tt.with(c)
			}
			if got := hospitalDecision(t, p, f, c, e); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestOutlierOfDays: a stay by the day may be an outlier too; with days that are not
// authorized a person has to say what it is worth.
func TestOutlierOfDays(t *testing.T) {
	rule := `{bills: ["11"], payShort: false}`
	p, f := stayPlan(t, rule), fees(t, hospitalFees)
	for i := range p.Hospital.Contracts {
		if k := &p.Hospital.Contracts[i]; k.Name == "days" {
			k.Outlier = &claims.Outlier{Threshold: 20000_00, PercentOfCharge: 50_00}
		}
	}
	for _, tt := range []struct {
		charge claims.Cents
		left   claims.Quantity
		want   string
	}{
		// 9,000 for five days; and half of what goes beyond 20,000.
		{20000_00, 5000, "CO-45 11000.00 = 9000.00/9000.00/0.00"},
		{21000_00, 5000, "CO-45 11500.00 = 9500.00/9500.00/0.00"},
		{20000_00, 4000, "CO-45 11000.00, CO-198 1500.00 = 7500.00/7500.00/0.00"},
		{21000_00, 4000, "price-unknown: days: its charges are an outlier's, and 4 of 5 days are authorized"},
	} {
		c, e := aBill(p, f, "11", "", "2026-03-01", "2026-03-06", bed{"0120", tt.charge, 0, 5000})
		e.Accumulators[0].DeductibleIndividual, e.Accumulators[0].OutOfPocketPerson, e.Accumulators[0].OutOfPocketFamily = 500_00, 2000_00, 2000_00
		named(c, e, p, &claims.AuthorizationFact{Number: "A1", Handle: credentials.Handle{7}, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: "2026-03-01", Until: "2026-03-31", Left: tt.left, Code: "0120"})
		if got := hospitalDecision(t, p, f, c, e); got != tt.want {
			t.Errorf("%s with %s days: got %s, want %s", tt.charge, tt.left, got, tt.want)
		}
	}
}
