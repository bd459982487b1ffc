package estimate

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// insurers is what an insurer makes of a claim that knows something else.
func insurers(t *testing.T, e *Edition, c *claims.Claim, edit func(*claims.Evidence)) *claims.Estimate {
	t.Helper()
	ev, err := e.evidence(c, "2026-11-02")
	if err != nil {
		t.Fatal(err)
	}
	edit(ev)
	d, err := claims.Adjudicate(c, e.plan, ev)
	if err != nil {
		t.Fatal(err)
	}
	est := claims.EstimateOf(d, "2026-11-02")
	return &est
}

// Each fact that the insurer knows otherwise is found by the rule at which the
// two part, and by it alone.
func TestCompare(t *testing.T) {
	e, all := edition(t), submitted(t)
	line := func(edit func(*claims.LineFact)) func(*claims.Evidence) {
		return func(ev *claims.Evidence) { edit(&ev.Lines[0]) }
	}
	for name, tt := range map[string]struct {
		claim string
		edit  func(*claims.Evidence)
		want  []Difference // rule, fact, line and after
	}{
		"nothing":     {"DEMO-005", func(*claims.Evidence) {}, nil},
		"no member":   {"DEMO-001", func(ev *claims.Evidence) { ev.Member = claims.MemberFact{} }, []Difference{{Line: 1, Rule: "member", Fact: Covered}}},
		"not covered": {"DEMO-001", func(ev *claims.Evidence) { ev.Member.Coverage[0].From = "2026-12-01" }, []Difference{{Line: 1, Rule: "coverage", Fact: Covered}}},
		"a duplicate": {"DEMO-001", line(func(f *claims.LineFact) { f.Duplicate = claims.ExactDuplicate }), []Difference{{Line: 1, Rule: "duplicate", Fact: FirstOfKind}}},
		"nearly one":  {"DEMO-001", line(func(f *claims.LineFact) { f.Duplicate = claims.NearDuplicate }), []Difference{{Line: 1, Rule: "duplicate", Fact: FirstOfKind}}},
		"not licensed": {"DEMO-001", line(func(f *claims.LineFact) {
			f.Standing.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}), []Difference{{Line: 1, Rule: "license", Fact: Licensed}}},
		"a silent board": {"DEMO-001", line(func(f *claims.LineFact) {
			f.Standing.Fresh = false
			f.Standing.Standing = credentials.Standing{Answer: credentials.Unknown}
		}), []Difference{{Line: 1, Rule: "license", Fact: Licensed}}},
		"no units left": {"DEMO-005", line(func(f *claims.LineFact) { f.Authorization.Left = 0 }), []Difference{{Line: 1, Rule: "authorization", Fact: Authorized}}},
		"met": {"DEMO-005", func(ev *claims.Evidence) {
			ev.Accumulators[0].DeductibleIndividual, ev.Accumulators[0].OutOfPocketPerson = 250_00, 250_00
		}, []Difference{{Line: 1, Rule: "deductible", Fact: NothingMet}}},
		"all of it is met": {"DEMO-001", func(ev *claims.Evidence) {
			ev.Accumulators[0].OutOfPocketPerson, ev.Accumulators[0].DeductibleIndividual = 3000_00, 250_00
		},
			[]Difference{{Line: 1, Rule: claims.RuleMaximum, Fact: NothingMet}}},
		"one line, and with it the next one's deductible": {"DEMO-006", line(func(f *claims.LineFact) {
			f.Standing.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}), []Difference{{Line: 1, Rule: "license", Fact: Licensed}, {Line: 2, Rule: "deductible", Fact: NothingMet, After: []int{1}}}},
	} {
		c := all[tt.claim]
		own, _, err := e.Of(c, "2026-11-02")
		if err != nil {
			t.Fatal(err)
		}
		got := Compare(c, own, insurers(t, e, c, tt.edit))
		if !slices.EqualFunc(got, tt.want, func(a, b Difference) bool {
			return a.Line == b.Line && a.Rule == b.Rule && a.Fact == b.Fact && slices.Equal(a.After, b.After) && a.Own != a.Insurer && a.Why() != ""
		}) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

// Where the insurer goes by another edition, only that is told. A difference that no assumption explains is
// told as one.
func TestCompareEditions(t *testing.T) {
	e, other, c := edition(t), edition(t, "copay: 25.00", "copay: 30.00", "edition: 2026-01", "edition: 2026-02"), submitted(t)["DEMO-001"]
	own, _, err := e.Of(c, "2026-11-02")
	if err != nil {
		t.Fatal(err)
	}
	got := Compare(c, own, insurers(t, other, c, func(*claims.Evidence) {}))
	if len(got) != 1 || got[0].Rule != ruleEdition || got[0].Insurer != "demo-ppo 2026-02" || !strings.Contains(got[0].Why(), "another edition") {
		t.Errorf("got %+v", got)
	}
	if d := (Difference{Line: 1, Rule: "allowed-amount"}); d.Why() != "no assumption explains it: ask the insurer" {
		t.Errorf("got %q", d.Why())
	}
}
