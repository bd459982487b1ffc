package cli

import (
	"fmt"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

func TestReason(t *testing.T) {
	adjust := func(g claims.Group, carc string, c claims.Cents) claims.Adjustment {
		return claims.Adjustment{Group: g, CARC: carc, Amount: c}
	}
	line := func(n int, a ...claims.Adjustment) claims.LineDecision {
		return claims.LineDecision{Line: n, Adjustments: a}
	}
	for _, test := range []struct {
		name string
		in   claims.Decision
		want string
	}{
		{"nothing taken off", claims.Decision{Outcome: claims.Paid, Lines: []claims.LineDecision{line(1)}}, "paid in full"},
		{"shares of two lines add up", claims.Decision{Outcome: claims.Paid, Lines: []claims.LineDecision{
			line(1, adjust(claims.Contractual, "45", 1000), adjust(claims.Patient, "1", 250), adjust(claims.Patient, "2", 100)),
			line(2, adjust(claims.Patient, "3", 2500), adjust(claims.Patient, "1", 50)),
		}}, "copay 25.00, deductible 3.00, coinsurance 1.00, written off 10.00"},
		{"one line denied, one paid", claims.Decision{Outcome: claims.Paid, Lines: []claims.LineDecision{
			line(1, adjust(claims.Patient, "3", 2500)), line(2, adjust(claims.OtherAdjust, "96", 900)),
		}}, "line 2: the plan does not cover this service (OA 96); copay 25.00"},
		{"one line, denied", claims.Decision{Outcome: claims.Denied, Lines: []claims.LineDecision{line(1, adjust(claims.Contractual, "B7", 900))}},
			"the provider was not licensed there, or may not be paid, on that day (CO B7)"},
		{"a code that these rules never use", claims.Decision{Outcome: claims.Denied, Lines: []claims.LineDecision{line(1, adjust(claims.Contractual, "50", 900))}},
			"reason code CO 50"},
		{"pended, said once", claims.Decision{Outcome: claims.Pended, Lines: []claims.LineDecision{line(1, adjust(claims.Contractual, "45", 1))},
			Pends: []claims.Pend{{Line: 1, Reason: claims.PendStanding}, {Line: 1, Reason: claims.PendStanding}}},
			"whether the clinician may practice there on that day is not known for certain"},
	} {
		if got := reason(&test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// What waits says until when: the first of its days.
func TestSettleBy(t *testing.T) {
	d := claims.Decision{Pends: []claims.Pend{{By: "2026-07-02"}, {}, {By: "2026-07-01"}}}
	v := verdict{Outcome: claims.Pended, Reason: "why", SettleBy: d.SettleBy()}
	if cells := v.cells(); cells[len(cells)-1] != "why; to be settled by 2026-07-01" {
		t.Errorf("got %q", cells)
	}
	if v.SettleBy = (&claims.Decision{Pends: []claims.Pend{{}}}).SettleBy(); v.SettleBy != "" || v.cells()[5] != "why" {
		t.Errorf("of rules that name no day: got %q", v.cells())
	}
}

func TestFirstDue(t *testing.T) {
	rows := []reviewRow{{Number: "none"}, {Number: "later", SettleBy: "2026-07-02"}, {Number: "today", SettleBy: "2026-07-01"}, {Number: "late", SettleBy: "2026-06-30"}}
	firstDue(rows, "2026-07-01")
	got := ""
	for _, r := range rows {
		got += fmt.Sprint(r.Number, " ", r.Late, ", ")
	}
	if want := "late true, today false, later false, none false, "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
