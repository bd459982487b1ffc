package estimate

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/examples"
)

func edition(t *testing.T, oldNew ...string) *Edition {
	t.Helper()
	plan, err := examples.Files.ReadFile("plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fees, err := examples.Files.ReadFile("fees.csv")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEdition([]byte(strings.NewReplacer(oldNew...).Replace(string(plan))), fees)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// submitted are the claims of the example, by number.
func submitted(t *testing.T) map[string]*claims.Claim {
	t.Helper()
	file, err := examples.Files.ReadFile("claims.837")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*claims.Claim{}
	if _, err := x12.ReadClaims(bytes.NewReader(file), func(s x12.Submitted) error {
		all[s.Claim.Number] = &s.Claim
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// The example's claims, as the demo decides them where the facts are as assumed
// (docs and demo calculate the amounts), and otherwise where they are not.
func TestOf(t *testing.T) {
	e, all := edition(t), submitted(t)
	for number, want := range map[string]struct {
		outcome       claims.Outcome
		paid, patient claims.Cents
	}{
		"DEMO-001": {claims.Paid, 65_00, 25_00},   // as decided
		"DEMO-005": {claims.Paid, 136_00, 284_00}, // as decided
		"DEMO-006": {claims.Paid, 84_00, 271_00},  // as decided
	} {
		d, assumed, err := e.Of(all[number], "2026-11-02")
		if err != nil || d.Outcome != want.outcome || d.Paid != want.paid || d.Patient != want.patient {
			t.Errorf("%s: got %+v, %v; want %s, %s, %s", number, d, err, want.outcome, want.paid, want.patient)
		}
		if len(assumed) < 4 || assumed[0].Fact != Covered || assumed[3].Fact != Licensed {
			t.Errorf("%s: got the assumptions %v", number, assumed)
		}
	}
}

func TestAssumed(t *testing.T) {
	e := edition(t, "rules: rules/1", "rules: rules/2", "machineDenials:", "pendDays: 30\nbenefitLimits: [{name: visits, codes: [99213], per: year, units: 20}]\nmachineDenials:")
	c := *submitted(t)["DEMO-001"]
	c.Authorization = "AUTH-X"
	facts := func(c *claims.Claim) (all []Fact) {
		d, assumed, err := e.Of(c, "2026-11-02")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range assumed {
			all = append(all, a.Fact)
			if a.Fact.Words() == "" {
				t.Errorf("%s has no words", a.Fact)
			}
		}
		if c.Rendering == nil && d.Outcome != claims.Pended {
			t.Errorf("nobody is named, and it is %s", d.Outcome)
		}
		return all
	}
	if got, want := facts(&c), []Fact{Covered, NothingMet, FirstOfKind, Licensed, Authorized, LimitsUnused}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	c.Authorization, c.Rendering, c.Billing.Organization = "", nil, true
	if got, want := facts(&c), []Fact{Covered, NothingMet, FirstOfKind, NotRostered, LimitsUnused}; !slices.Equal(got, want) {
		t.Errorf("nobody named: got %v, want %v", got, want)
	}
}

// What the claim itself shows is not taken for granted: it comes late, or under
// another edition's days.
func TestWhatIsKnown(t *testing.T) {
	e, c := edition(t), submitted(t)["DEMO-001"]
	d, _, err := e.Of(c, "2027-12-31")
	if err != nil || d.Outcome != claims.Denied || d.Lines[0].Adjustments[0].CARC != claims.CARCLateFiling {
		t.Errorf("a year late: got %+v, %v", d, err)
	}
	old := *c
	old.Lines = slices.Clone(c.Lines)
	for i := range old.Lines {
		old.Lines[i].From, old.Lines[i].To = "2020-01-01", "2020-01-01"
	}
	if d, _, err = e.Of(&old, "2020-01-02"); err != nil || d.Outcome != claims.Pended || d.Pends[0].Reason != claims.PendPlanEdition {
		t.Errorf("before the edition: got %+v, %v", d, err)
	}
}

// A replacement is estimated as what takes the place of the claim that it names, a
// void as nothing; what either takes back the insurer alone knows.
func TestOfChange(t *testing.T) {
	e, c := edition(t), submitted(t)["DEMO-001"]
	for frequency, want := range map[claims.Frequency]struct {
		outcome claims.Outcome
		paid    claims.Cents
	}{
		claims.Replacement: {claims.Paid, 65_00},
		claims.Void:        {claims.Voided, 0},
	} {
		c.Frequency, c.OriginalReference = frequency, "CSANOTHER"
		d, assumed, err := e.Of(c, "2026-11-02")
		if err != nil || d.Outcome != want.outcome || d.Paid != want.paid || len(assumed) == 0 || assumed[0].Fact != TakenBack {
			t.Errorf("frequency %s: got %+v, %+v, %v", frequency, d, assumed, err)
		}
	}
}
