package claims_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The clinicians of the examples, as their board would answer for them: Dr.
// Ellery's license ran out on 30 September, Dr. Ruskin's was revoked from 15 October.
func standing(npi credentials.NPI, on credentials.Date) claims.StandingFact {
	s := credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
	switch {
	case npi == "2999002050" && on > "2026-09-30":
		s = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonExpired}
	case npi == "2999002183" && on >= "2026-10-15":
		s = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
	}
	return claims.StandingFact{NPI: npi, State: "CA", On: on, Standing: s, Fresh: true}
}

// TestExamples decides the example claims under the example plan, in file
// order, carrying what each member has met, and compares with what was worked
// out by hand from plan.yaml and fees.csv.
func TestExamples(t *testing.T) {
	plan, err := claims.ParsePlan(read(t, "plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fees, err := claims.ParseFees(read(t, "fees.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DEMO-001 paid 65.00 25.00: CO-45 50.00 PR-3 25.00",
		"DEMO-002 denied 0.00 0.00: CO-18 140.00",
		"DEMO-003 denied 0.00 0.00: OA-96 1900.00",
		"DEMO-004 denied 0.00 0.00: CO-197 900.00",
		// 420 allowed: deductible 250, 20% of 170.
		"DEMO-005 paid 136.00 284.00: CO-45 480.00 PR-1 250.00 PR-2 34.00",
		// 210 and 145 allowed: deductible 210 and 40, 20% of 105.
		"DEMO-006 paid 84.00 271.00: CO-45 190.00 PR-1 210.00; CO-45 105.00 PR-1 40.00 PR-2 21.00",
		"DEMO-007 denied 0.00 0.00: CO-B7 140.00",
		"DEMO-008 denied 0.00 0.00: CO-B7 440.00",
		// 10% of 14.55 is 1.455: half a cent goes up.
		"DEMO-009 paid 78.09 26.46: CO-45 50.00 PR-3 25.00; CO-45 45.45 PR-2 1.46",
	}
	met := map[string]claims.Accumulators{}
	var got []string
	_, err = x12.ReadClaims(bytes.NewReader(read(t, "claims.837")), func(s x12.Submitted) error {
		c := s.Claim
		if problems := claims.Check(&c, claims.Edits{}, "2026-11-02"); len(problems) > 0 {
			t.Errorf("%s: %v", c.Number, problems)
		}
		person := c.Subscriber.MemberID + c.PatientPerson().First
		a := met[person]
		a.Period = "2026"
		e := &claims.Evidence{
			Number: 1, Received: "2026-11-02", Plan: plan.Ref(), Fees: fees.Ref("demo-fees", "2026-01"),
			Member:       claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "2026-01-01"}}},
			Accumulators: []claims.Accumulators{a},
		}
		for i := range c.Lines {
			e.Lines = append(e.Lines, lineFact(&c, &c.Lines[i], fees))
		}
		d, err := claims.Adjudicate(&c, plan, e)
		if err != nil {
			return err
		}
		for _, m := range d.Met {
			a.DeductibleIndividual += m.DeductibleIndividual
			a.DeductibleFamily += m.DeductibleFamily
			a.OutOfPocketPerson += m.OutOfPocketPerson
			a.OutOfPocketFamily += m.OutOfPocketFamily
		}
		met[person] = a
		got = append(got, summary(d))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func lineFact(c *claims.Claim, l *claims.Line, fees *claims.Fees) claims.LineFact {
	f := claims.LineFact{
		Line: l.Number, Fee: fees.Price(l.Code, l.Modifiers, c.PlaceOf(l)), Standing: standing(c.Renderer(l).NPI, l.From),
	}
	if c.Number == "DEMO-002" {
		f.Duplicate = claims.ExactDuplicate
	}
	if number := c.AuthorizationOf(l); number != "" {
		f.Authorization = &claims.AuthorizationFact{
			Number: number, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: "2026-10-01", Until: "2026-12-31", Left: 1000,
		}
	}
	return f
}

func summary(d *claims.Decision) string {
	s := fmt.Sprintf("%s %s %s %s:", d.Claim, d.Outcome, d.Paid, d.Patient)
	for i, l := range d.Lines {
		if i > 0 {
			s += ";"
		}
		for _, a := range l.Adjustments {
			s += fmt.Sprintf(" %s-%s %s", a.Group, a.CARC, a.Amount)
		}
	}
	return s
}

// TestExampleRequests decides the example requests: A by rule; B and C wait for
// a reviewer, and B, once approved, is revoked with the license.
func TestExampleRequests(t *testing.T) {
	plan, err := claims.ParsePlan(read(t, "plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	good := credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
	for _, tt := range []struct {
		file     string
		approved bool // by a reviewer
		revoked  bool // as the board has ordered since
		want     string
	}{
		{"auth-a.json", false, false, "AUTH-A approved A1"},
		{"auth-b.json", false, false, "AUTH-B pended A4"},
		{"auth-b.json", true, false, "AUTH-B approved A1"},
		{"auth-b.json", true, true, "AUTH-B revoked C"},
		{"auth-c.json", false, false, "AUTH-C pended A4"},
	} {
		r, err := fhir.ParseBundle(read(t, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		e := &claims.AuthorizationEvidence{
			Number: 1, Received: "2026-09-15", Plan: plan.Ref(),
			Member: claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "2026-01-01"}}},
		}
		if tt.approved {
			e.Number, e.Review = 2, &claims.Determination{Number: 1, Approve: true}
		}
		for _, it := range r.Items {
			s := claims.ItemStanding{Sequence: it.Sequence, First: standing(r.Clinician.NPI, it.From), Last: standing(r.Clinician.NPI, it.Until)}
			if !tt.revoked {
				s.First.Standing, s.Last.Standing = good, good
			}
			e.Standings = append(e.Standings, s)
		}
		if tt.revoked {
			e.Before = claims.AuthorizationApproved
		}
		d, err := claims.Authorize(r, plan, e)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %s %s", d.Request, d.Outcome, d.Items[0].Action); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.file, got, tt.want)
		}
	}
}

// A plan travels between processes as JSON, and must arrive as it was.
func TestPlanAsJSON(t *testing.T) {
	for _, share := range []string{"shareOfCharges: # ", "shareOfCharges: 40% # "} {
		p, err := claims.ParsePlan(bytes.Replace(read(t, "plan.yaml"), []byte("shareOfCharges:"), []byte(share), 1))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got := new(claims.Plan)
		if err := json.Unmarshal(b, got); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("got %+v, %v, want %+v", got, err, p)
		}
	}
}
