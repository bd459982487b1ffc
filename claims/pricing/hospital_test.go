package pricing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// hospitalPlan has each kind of contract. The deductible is 500.00, the maximum
// 2,000.00, the plan's coinsurance 20%.
var hospitalPlan = strings.NewReplacer("deductible: {individual: 0.00, family: 0.00}", "deductible: {individual: 500.00, family: 1000.00}",
	"outOfPocketMax: {individual: 0.00, family: 0.00}", "outOfPocketMax: {individual: 2000.00, family: 4000.00}", "coinsurance: 0%", "coinsurance: 20%",
	"[4, 54, 96, B7]", "[15, 18, 27, 29, 96, 119, 197, B7]").Replace(planText) + `institutional:
  contracts:
    - {name: implants, bills: ["11"], revenue: ["0278"], percentOfCharge: 50%}
    - name: joints
      bills: ["11"]
      caseRates: [{drg: "470", amount: 15000.00}, {drg: "948", amount: 100.00}]
      lesserOfCharge: true
    - {name: births, bills: ["11"], from: 2026-03-01, caseRates: [{drg: "807", amount: 3000.00}], lesserOfCharge: false}
    - {name: days, bills: ["11"], perDiem: [{fromDay: 1, amount: 2000.00}, {fromDay: 4, amount: 1500.00}], lesserOfCharge: true}
    - {name: knees, bills: ["13"], caseRates: [{code: 29881, amount: 2500.00}], lesserOfCharge: true}
    - {name: laboratory, bills: ["13"], codes: [80047-89398], percentOfFees: 110%, lesserOfCharge: true}
    - {name: therapy, bills: ["13"], revenue: ["0420-0429"], perUnit: 60.00, lesserOfCharge: false}
    - {name: visits, bills: ["13"], percentOfCharge: 62.5%}
  benefits:
    - {name: stay, bills: ["11"], copay: 300.00, coinsurance: 10%}
    - {name: emergency, bills: ["13"], revenue: ["0450-0459"], copay: 150.00, deductibleWaived: true, coinsurance: 0%}
`

const hospitalFees = "code,modifier,place_class,amount\n85025,,facility,10.00\n85025,,non-facility,99.00\n"

// bed is a line of a hospital's claim: "0120", or "0450/99284" with a procedure.
type bed struct {
	service            string
	charge, nonCovered claims.Cents
	units              claims.Quantity
}

// aBill is a hospital's claim on days of March 2026, with the facts of a covered
// member who has met nothing, and whose attending is licensed.
func aBill(p *claims.Plan, f *Fees, facility, drg string, from, through credentials.Date, lines ...bed) (*claims.Claim, *claims.Evidence) {
	var all []aLine
	for _, l := range lines {
		_, code, _ := strings.Cut(l.service, "/")
		all = append(all, aLine{code: code, charge: l.charge, units: l.units, on: from})
	}
	c, e := aCase(p, f, all...)
	c.Place, c.Institutional = "", &claims.Institutional{Facility: facility, From: from, Through: through, DRG: drg, PatientStatus: "01", Attending: &claims.Provider{NPI: drA}}
	if facility == "11" {
		c.Institutional.Admitted = from
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		l.Revenue, _, _ = strings.Cut(lines[i].service, "/")
		l.NonCovered, l.Rendering, l.Pointers = lines[i].nonCovered, nil, nil
		if l.To = through; l.To != l.From {
			last := e.Lines[i].Standing
			last.On = l.To
			e.Lines[i].StandingLast = &last
		}
	}
	e.Accumulators[0].Period = claims.PeriodOf(from)
	return c, e
}

// TestHospital decides bills to the cent, worked by hand. Each line reads what comes
// off it = allowed/paid/patient.
func TestHospital(t *testing.T) {
	none := func(c *claims.Claim, e *claims.Evidence) {}
	met := func(c *claims.Claim, e *claims.Evidence) { // nothing is left for the patient to pay
		e.Accumulators[0] = claims.Accumulators{Period: e.Accumulators[0].Period, DeductibleIndividual: 500_00, DeductibleFamily: 500_00, OutOfPocketPerson: 2000_00, OutOfPocketFamily: 2000_00}
	}
	in := func(change func(in *claims.Institutional)) func(c *claims.Claim, e *claims.Evidence) {
		return func(c *claims.Claim, e *claims.Evidence) { change(c.Institutional) }
	}
	room, surgery := bed{"0120", 12000_00, 0, 5000}, bed{"0360", 8000_00, 0, 1000}
	tests := []struct {
		name, facility, drg string
		from, through       credentials.Date
		lines               []bed
		with                func(c *claims.Claim, e *claims.Evidence)
		want                string
	}{
		// 15,000 by charges of 12,000 and 8,000: 9,000 and 6,000. Copay 300: 180 and 120. Deductible 500 by 8,820 and 5,880:
		// 300 and 200. 10% of 14,200 is 1,420, by 8,520 and 5,680: 852 and 568; 2,000 - 800 leaves 1,200 of it: 720 and 480.
		{"case rate, the maximum reached", "11", "470", "2026-03-01", "2026-03-06", []bed{room, surgery}, none,
			"CO-45 3000.00, PR-3 180.00, PR-1 300.00, PR-2 720.00 = 9000.00/7800.00/1200.00; CO-45 2000.00, PR-3 120.00, PR-1 200.00, PR-2 480.00 = 6000.00/5200.00/800.00"},
		// The charge of 10,000 is less. 180 and 120; 500 by 5,820 and 3,880: 300 and 200; 10% of 9,200 by 5,520 and 3,680: 552 and 368.
		{"case rate, less was charged", "11", "470", "2026-03-01", "2026-03-06", []bed{{"0120", 6000_00, 0, 5000}, {"0360", 4000_00, 0, 1000}}, none,
			"PR-3 180.00, PR-1 300.00, PR-2 552.00 = 6000.00/4968.00/1032.00; PR-3 120.00, PR-1 200.00, PR-2 368.00 = 4000.00/3312.00/688.00"},
		// 3,000 are paid for charges of 1,500 and 500: 1,000 more, 750 and 250. Copay 225 and 75; 500 by 2,025 and 675: 375 and 125;
		// 10% of 2,200 by 1,650 and 550: 165 and 55.
		{"case rate beyond the charge", "11", "807", "2026-03-01", "2026-03-03", []bed{{"0120", 1500_00, 0, 2000}, {"0720", 500_00, 0, 1000}}, none,
			"CO-94 -750.00, PR-3 225.00, PR-1 375.00, PR-2 165.00 = 2250.00/1485.00/765.00; CO-94 -250.00, PR-3 75.00, PR-1 125.00, PR-2 55.00 = 750.00/495.00/255.00"},
		// A day before that contract began, by the day: two days come to 4,000, of which 2,000 are charged. 1500:500 of 300, 500 by
		// 1,275 and 425, 10% of 1,200 by 900 and 300.
		{"the contract not begun yet", "11", "807", "2026-02-28", "2026-03-02", []bed{{"0120", 1500_00, 0, 2000}, {"0720", 500_00, 0, 1000}}, none,
			"PR-3 225.00, PR-1 375.00, PR-2 90.00 = 1500.00/810.00/690.00; PR-3 75.00, PR-1 125.00, PR-2 30.00 = 500.00/270.00/230.00"},
		// A third of 100.00 each: the cent left over is the first's. The copay of 300 takes all.
		{"a cent left over", "11", "948", "2026-03-01", "2026-03-02", []bed{{"0120", 200_00, 0, 1000}, {"0250", 200_00, 0, 1000}, {"0270", 200_00, 0, 1000}}, none,
			"CO-45 166.66, PR-3 33.34 = 33.34/0.00/33.34; CO-45 166.67, PR-3 33.33 = 33.33/0.00/33.33; CO-45 166.67, PR-3 33.33 = 33.33/0.00/33.33"},
		// 10,000 and 8,000 are covered: 15,000 × 10/18 = 8,333.333 and 6,666.667, the cent to the second.
		{"charges not covered", "11", "470", "2026-03-01", "2026-03-06", []bed{{"0120", 12000_00, 2000_00, 5000}, surgery}, met,
			"OA-96/N130 2000.00, CO-45 1666.67 = 8333.33/8333.33/0.00; CO-45 1333.33 = 6666.67/6666.67/0.00"},
		{"a line not covered at all takes no part", "11", "470", "2026-03-01", "2026-03-06", []bed{{"0990", 100_00, 100_00, 1000}, room, surgery}, met,
			"OA-96/N130 100.00 = 0.00/0.00/0.00; CO-45 3000.00 = 9000.00/9000.00/0.00; CO-45 2000.00 = 6000.00/6000.00/0.00"},
		// 50% of 5,000 comes first: copay 300, deductible 500, 10% of 1,700; 970 in all. 10% of 15,000 is 900 and 600, of which
		// 2,000 - 970 = 1,030 are left: 618 and 412. The copay is owed once.
		{"an implant beside the case", "11", "470", "2026-03-01", "2026-03-06", []bed{{"0278", 5000_00, 0, 1000}, room, surgery}, none,
			"CO-45 2500.00, PR-3 300.00, PR-1 500.00, PR-2 170.00 = 2500.00/1530.00/970.00; CO-45 3000.00, PR-2 618.00 = 9000.00/8382.00/618.00; CO-45 2000.00, PR-2 412.00 = 6000.00/5588.00/412.00"},
		// 3 × 2,000 + 2 × 1,500 = 9,000 by 7,000 and 3,000: 6,300 and 2,700. 210 and 90; 500 by 6,090 and 2,610: 350 and 150; 820
		// by 5,740 and 2,460: 574 and 246.
		{"five days", "11", "", "2026-03-01", "2026-03-06", []bed{{"0120", 7000_00, 0, 5000}, {"0250", 3000_00, 0, 1000}}, none,
			"CO-45 700.00, PR-3 210.00, PR-1 350.00, PR-2 574.00 = 6300.00/5166.00/1134.00; CO-45 300.00, PR-3 90.00, PR-1 150.00, PR-2 246.00 = 2700.00/2214.00/486.00"},
		{"three days: below the next rate", "11", "", "2026-03-01", "2026-03-04", []bed{{"0120", 10000_00, 0, 3000}}, met, "CO-45 4000.00 = 6000.00/6000.00/0.00"},
		{"the fourth day", "11", "", "2026-03-01", "2026-03-05", []bed{{"0120", 10000_00, 0, 4000}}, met, "CO-45 2500.00 = 7500.00/7500.00/0.00"},
		{"in and out on one day", "11", "", "2026-03-01", "2026-03-01", []bed{{"0120", 3000_00, 0, 1000}}, met, "CO-45 1000.00 = 2000.00/2000.00/0.00"},
		// Two of five days are not covered: 3 × 2,000.
		{"two days not covered, by number", "11", "", "2026-03-01", "2026-03-06", []bed{{"0120", 10000_00, 0, 5000}},
			func(c *claims.Claim, e *claims.Evidence) {
				met(c, e)
				c.Institutional.Values = []claims.ValueCode{{Code: "80", Amount: 3_00}, {Code: "81", Amount: 2_00}}
			}, "CO-45 4000.00 = 6000.00/6000.00/0.00"},
		{"on leave for two days", "11", "", "2026-03-01", "2026-03-06", []bed{{"0120", 10000_00, 0, 5000}},
			func(c *claims.Claim, e *claims.Evidence) {
				met(c, e)
				c.Institutional.Occurred = []claims.Occurrence{{Code: "74", From: "2026-03-03", Through: "2026-03-04"}}
			}, "CO-45 4000.00 = 6000.00/6000.00/0.00"},
		// Services of the three days before belong to the bill, and are no days of the stay.
		{"admitted after the statement began", "11", "", "2026-02-27", "2026-03-02", []bed{{"0120", 3000_00, 0, 1000}},
			func(c *claims.Claim, e *claims.Evidence) { met(c, e); c.Institutional.Admitted = "2026-03-01" }, "CO-45 1000.00 = 2000.00/2000.00/0.00"},
		{"days that contradict each other", "11", "", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) {
			in.Values = []claims.ValueCode{{Code: "80", Amount: 3_00}, {Code: "81", Amount: 1_00}}
		}), "price-unknown: days: it says 3 covered days and 1 others (value codes 80 and 81), and the stay has 5"},
		{"days that contradict spans", "11", "", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) {
			in.Values, in.Occurred = []claims.ValueCode{{Code: "80", Amount: 4_00}}, []claims.Occurrence{{Code: "74", From: "2026-03-03", Through: "2026-03-04"}}
		}), "price-unknown: days: it says 4 covered days (value code 80 or 81), and its spans leave 3 of 5"},
		{"half a day", "11", "", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) { in.Values = []claims.ValueCode{{Code: "80", Amount: 2_50}} }),
			"price-unknown: days: its value codes for covered days (80) and others (81) are no whole numbers, or stand there twice"},
		{"more days than the stay has", "11", "", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) { in.Values = []claims.ValueCode{{Code: "80", Amount: 6_00}} }),
			"price-unknown: days: it says 6 covered days (value code 80 or 81), and the stay has 5"},
		{"no day covered", "11", "", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) { in.Values = []claims.ValueCode{{Code: "81", Amount: 5_00}} }),
			"price-unknown: days: none of its days is covered, by what the claim itself says"},
		{"still there", "11", "470", "2026-03-01", "2026-03-06", []bed{room}, in(func(in *claims.Institutional) { in.PatientStatus = "30" }),
			"price-unknown: joints: the patient is still there (patient status 30), and a case is paid whole"},

		// 62.5% of 1,000 and of 200. The copay of 150 is owed once.
		{"emergency", "13", "", "2026-03-02", "2026-03-02", []bed{{"0450/99284", 1000_00, 0, 1000}, {"0450/96374", 200_00, 0, 1000}}, none,
			"CO-45 375.00, PR-3 150.00 = 625.00/475.00/150.00; CO-45 75.00 = 125.00/125.00/0.00"},
		// 62.5% of 160 is 100, which takes 100 of the copay; the rest of it is owed of the next: 62.5% of 200 is 125, less 50.
		{"a copay over two lines", "13", "", "2026-03-02", "2026-03-02", []bed{{"0450/99281", 160_00, 0, 1000}, {"0450/96374", 200_00, 0, 1000}}, none,
			"CO-45 60.00, PR-3 100.00 = 100.00/0.00/100.00; CO-45 75.00, PR-3 50.00 = 125.00/75.00/50.00"},
		// 62.5% of what is covered of 0.02, 0.01, is 0.00625.
		{"half a cent", "13", "", "2026-03-02", "2026-03-02", []bed{{"0450/99284", 2, 1, 1000}}, met, "OA-96/N130 0.01 = 0.01/0.01/0.00"},
		// 110% of the facility's 10.00, all of it deductible.
		{"by the schedule", "13", "", "2026-03-02", "2026-03-02", []bed{{"0305/85025", 13_39, 0, 1000}}, none, "CO-45 2.39, PR-1 11.00 = 11.00/0.00/11.00"},
		{"by the schedule, less charged", "13", "", "2026-03-02", "2026-03-02", []bed{{"0305/85025", 10_99, 0, 1000}}, none, "PR-1 10.99 = 10.99/0.00/10.99"},
		{"not on the schedule", "13", "", "2026-03-02", "2026-03-02", []bed{{"0305/85027", 13_39, 0, 1000}}, none,
			"price-unknown: laboratory: the fee schedule has no price for 85027 under revenue code 0305"},
		// 3 × 60 for a charge of 150.
		{"by the unit", "13", "", "2026-03-02", "2026-03-02", []bed{{"0420/97110", 150_00, 0, 3000}}, met, "CO-94 -30.00 = 180.00/180.00/0.00"},
		// 2,500 by 3,000 and 1,000.
		{"case of a procedure", "13", "", "2026-03-02", "2026-03-02", []bed{{"0360/29881", 3000_00, 0, 1000}, {"0250", 1000_00, 0, 1000}}, met,
			"CO-45 1125.00 = 1875.00/1875.00/0.00; CO-45 375.00 = 625.00/625.00/0.00"},
		{"no contract", "21", "", "2026-03-01", "2026-03-06", []bed{{"0022/KAGD1", 0, 0, 5000}, {"0120", 100_00, 0, 5000}}, none,
			"price-unknown: no contract is for type of bill 211, HIPPS code KAGD1 under revenue code 0022; price-unknown: no contract is for type of bill 211, revenue code 0120"},

		{"the attending was not licensed", "11", "470", "2026-03-01", "2026-03-06", []bed{room}, func(c *claims.Claim, e *claims.Evidence) {
			e.Lines[0].StandingLast.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}, "CO-B7 12000.00 = 0.00/0.00/0.00"},
		{"nobody is named", "11", "470", "2026-03-01", "2026-03-06", []bed{room}, func(c *claims.Claim, e *claims.Evidence) {
			c.Institutional.Attending, e.Lines[0].Standing, e.Lines[0].StandingLast = nil, claims.StandingFact{}, nil
		}, "clinician-not-named: neither the claim nor the roster names who rendered the service"},
		{"covered until the day before discharge", "11", "470", "2026-03-01", "2026-03-06", []bed{room}, func(c *claims.Claim, e *claims.Evidence) {
			e.Member.Coverage[0].Until = "2026-03-05"
		}, "OA-27 12000.00 = 0.00/0.00/0.00"},
		// Ninety days from 6 March are over on 4 June.
		{"last day to file", "11", "", "2026-03-05", "2026-03-06", []bed{{"0120", 2000_00, 0, 1000}}, func(c *claims.Claim, e *claims.Evidence) { met(c, e); e.Received = "2026-06-04" }, " = 2000.00/2000.00/0.00"},
		{"a day too late", "11", "", "2026-03-05", "2026-03-06", []bed{{"0120", 2000_00, 0, 1000}}, func(c *claims.Claim, e *claims.Evidence) { met(c, e); e.Received = "2026-06-05" }, "CO-29 2000.00 = 0.00/0.00/0.00"},
		{"billed before", "11", "470", "2026-03-01", "2026-03-06", []bed{room}, func(c *claims.Claim, e *claims.Evidence) { e.Lines[0].Duplicate = claims.ExactDuplicate },
			"CO-18 12000.00 = 0.00/0.00/0.00"},
		// Two sums of one department are no copies of each other: 15,000 by halves.
		{"two lines of a department", "11", "470", "2026-03-01", "2026-03-06", []bed{room, room}, met, "CO-45 4500.00 = 7500.00/7500.00/0.00; CO-45 4500.00 = 7500.00/7500.00/0.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, f := plan(t, ""), fees(t, hospitalFees)
			var err error
			if p, err = claims.ParsePlan([]byte(hospitalPlan)); err != nil {
				t.Fatal(err)
			}
			c, e := aBill(p, f, tt.facility, tt.drg, tt.from, tt.through, tt.lines...)
			tt.with(c, e)
			if got := hospitalDecision(t, p, f, c, e); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func hospitalDecision(t *testing.T, p *claims.Plan, f *Fees, c *claims.Claim, e *claims.Evidence) string {
	t.Helper()
	d := decision(t, p, f, c, e)
	var all []string
	for _, pend := range d.Pends {
		if pend.By != e.Received.AddDays(30) {
			t.Errorf("it waits until %s", pend.By)
		}
		all = append(all, fmt.Sprintf("%s: %s", pend.Reason, pend.Note))
	}
	if d.Outcome == claims.Pended {
		return strings.Join(all, "; ")
	}
	for _, l := range d.Lines {
		var off []string
		for _, a := range l.Adjustments {
			if a.RARC != "" {
				a.CARC += "/" + a.RARC
			}
			off = append(off, fmt.Sprintf("%s-%s %s", a.Group, a.CARC, a.Amount))
		}
		all = append(all, fmt.Sprintf("%s = %s/%s/%s", strings.Join(off, ", "), l.Allowed, l.Paid, l.Patient))
		at := l.Charge
		for _, s := range l.Steps {
			if s.Before != at || s.Note == "" || s.Edition == "" {
				t.Errorf("line %d: step %+v after %s", l.Line, s, at)
			}
			at = s.After
		}
	}
	return strings.Join(all, "; ")
}

// decision prices and adjudicates from evidence that was sealed and opened again.
func decision(t *testing.T, p *claims.Plan, f *Fees, c *claims.Claim, e *claims.Evidence) *claims.Decision {
	t.Helper()
	if err := f.Complete(c, p, e); err != nil {
		t.Fatal(err)
	}
	file, _, err := claims.SealEvidence(e, credentials.Handle{9})
	if err != nil {
		t.Fatal(err)
	}
	read, _, err := claims.OpenEvidence[claims.Evidence](file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := claims.Adjudicate(c, p, read)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHospitalWithheld: 2% of 100.00 is taken off once: 0.6668, 0.6666 and 0.6666 of
// the three lines' parts, the two cents left over to the first two.
func TestHospitalWithheld(t *testing.T) {
	p, err := claims.ParsePlan([]byte(hospitalPlan + "sequestration: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := fees(t, hospitalFees)
	c, e := aBill(p, f, "11", "948", "2026-03-01", "2026-03-02", bed{"0120", 200_00, 0, 1000}, bed{"0250", 200_00, 0, 1000}, bed{"0270", 200_00, 0, 1000})
	e.Accumulators[0].OutOfPocketPerson = 2000_00
	want := "CO-45 166.66, CO-253 0.67 = 33.34/32.67/0.00; CO-45 166.67, CO-253 0.67 = 33.33/32.66/0.00; CO-45 166.67, CO-253 0.66 = 33.33/32.67/0.00"
	if got := hospitalDecision(t, p, f, c, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A stay counts in the year in which it began: nothing is met in the next.
func TestStayOverNewYear(t *testing.T) {
	p, err := claims.ParsePlan([]byte(hospitalPlan))
	if err != nil {
		t.Fatal(err)
	}
	f := fees(t, hospitalFees)
	c, e := aBill(p, f, "11", "470", "2025-12-30", "2026-01-03", bed{"0120", 20000_00, 0, 4000})
	e.Received = "2026-01-10"
	d := decision(t, p, f, c, e)
	// Copay 300, deductible 500, and 1,200 of the 10%: the maximum of 2,000.
	if len(d.Met) != 1 || d.Met[0] != (claims.Accumulators{Period: "2025", DeductibleIndividual: 500_00, DeductibleFamily: 500_00, OutOfPocketPerson: 2000_00, OutOfPocketFamily: 2000_00}) {
		t.Errorf("got %+v", d.Met)
	}
}

// No line bears more than its part: 50.00 of copay by 33.34, 33.33 and 33.33 are 16.67,
// 16.67 and 16.66, and 50.00 of deductible go by what that leaves: 16.67, 16.66, 16.67.
func TestShareOfEachPart(t *testing.T) {
	p, err := claims.ParsePlan([]byte(strings.NewReplacer("copay: 300.00", "copay: 50.00", "deductible: {individual: 500.00", "deductible: {individual: 50.00").Replace(hospitalPlan)))
	if err != nil {
		t.Fatal(err)
	}
	f := fees(t, hospitalFees)
	c, e := aBill(p, f, "11", "948", "2026-03-01", "2026-03-02", bed{"0120", 200_00, 0, 1000}, bed{"0250", 200_00, 0, 1000}, bed{"0270", 200_00, 0, 1000})
	want := "CO-45 166.66, PR-3 16.67, PR-1 16.67 = 33.34/0.00/33.34; CO-45 166.67, PR-3 16.67, PR-1 16.66 = 33.33/0.00/33.33; CO-45 166.67, PR-3 16.66, PR-1 16.67 = 33.33/0.00/33.33"
	if got := hospitalDecision(t, p, f, c, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
