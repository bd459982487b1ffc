package cli

import (
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

func TestLateOf(t *testing.T) {
	paidOn := func(day credentials.Date) *dossier.Payment { return &dossier.Payment{Trace: "T1", On: day} }
	for name, test := range map[string]struct {
		number   int
		payment  *dossier.Payment
		late     int
		interest claims.Cents
		unpaid   bool
	}{
		"with interest":    {1, &dossier.Payment{Trace: "T1", On: "2026-04-01", Interest: 1_23}, 30, 1_23, false},
		"in time":          {1, paidOn("2026-03-02"), 0, 0, false},
		"late":             {1, paidOn("2026-04-01"), 30, 1_23, false}, // 100 x 15% x 30 / 365 = 1.2329
		"not paid yet":     {1, nil, 60, 2_47, true},                   // as of May 1: 2.4658
		"waited, late":     {2, paidOn("2026-04-01"), 30, 0, false},    // whether it was clean, a person says
		"waited, not paid": {2, nil, 60, 0, true},
	} {
		told := dossier.Told{Claim: &claims.Claim{Number: "C1"}, Decision: &claims.Decision{Number: test.number, Paid: 100_00}, Received: "2026-01-31", Payment: test.payment}
		l, err := lateOf(&told, "california-plan", "2026-05-01")
		if err != nil || l.Late != test.late || l.Interest != test.interest || l.Unpaid != test.unpaid || l.Waited != (test.number > 1) || l.Due != "2026-03-02" {
			t.Errorf("%s: got %+v, %v", name, l, err)
		}
	}
	told := dossier.Told{Claim: &claims.Claim{Number: "C1"}, Decision: &claims.Decision{Number: 1, Paid: 100_00}, Received: "2025-12-31"}
	if l, err := lateOf(&told, "california-plan", "2026-05-01"); err == nil || l.Claim != "C1" {
		t.Errorf("received before the law: got %+v, %v", l, err)
	}
}
