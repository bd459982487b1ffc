package oracle

import (
	"maps"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestTwoThousandClaimsLater holds rules/2 against the oracle, which was written
// from docs/adjudication.md, docs/pricing.md and the order of checks before its
// author had seen the code of the rules. Two faults of the engine came out and
// were mended: an exact copy of a line of the same claim was paid, on a reviewer's
// word, where the two were also nearly an earlier claim's; and a surgeon who is
// never paid for helping took a rank from the one who is. Where the pages leave a
// choice and the two had chosen otherwise, the oracle follows the engine:
//
//   - What waits goes on through the stages, so that all it waits for is known at
//     once, and takes part in what the other lines are held against. A denial that
//     it meets on the way is not given, but ends its way.
//   - A line whose global days, add-on or price refuse it has used up units of its
//     claim's benefit limits and authorizations for the lines behind it.
//   - An extension of the time to file is for lines that begin in it.
//   - A reviewer's approval lets an unknown age or sex pass, and a refusal settles
//     neither that nor a term: both go on waiting.
//   - Where a contract pays a percentage of fees and the list has no price, a person
//     sets it; the share of charges is for what no contract prices.
//   - A stay's last day is not counted, unless it is the first, as for inpatients.
//   - The cents that are left of a case rate go to the lines that lost most by
//     rounding down, the first of equals.
//   - A service by report (22, 52 and the like) takes no rank from others, nor does
//     one that waits for what an earlier claim of the day was paid for; that wait
//     comes before a refusal by the schedule.
//   - The shares of an assistant and of two surgeons are taken of a line, not of
//     each of its units.
//   - 26 and TC are refused (CARC 4) where the code has no such part.
func TestTwoThousandClaimsLater(t *testing.T) {
	m := newLaterMaker(t)
	seen := map[string]int{}
	for i := range 2000 {
		w := m.world()
		got, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatalf("claim %d: %v", i, err)
		}
		want := decideLater(w)
		count(seen, want)
		if g, o := ofEngine(got), ofOracle(w, want); g != o {
			t.Errorf("claim %d:\nengine %s\noracle %s\n%s", i, g, o, w)
		}
		for _, p := range got.Pends {
			if by := w.received.AddDays(30); p.By != by {
				t.Errorf("claim %d: %s is to be settled by %s, want %s", i, p.Reason, p.By, by)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%5d %s", seen[what], what)
	}
	// A rule that the claims never reach is not compared.
	for _, what := range slices.Concat([]string{"CO-45", "CO-59", "CO-253", "PR-1", "PR-2", "PR-3", "paid", "denied", "draw", "clinician-not-named",
		"near-duplicate", "price-unknown", "standing-unknown", "license-restricted", "authorization-pended", "plan-edition", "denial-needs-person",
		"plan-term", "patient-unknown", "exclusion-list", "exclusion-waiver"}, slices.Collect(maps.Values(groups)), slices.Collect(maps.Values(groupsLater))) {
		if seen[what] < 5 {
			t.Errorf("%s came up %d times; the claims have to reach it", what, seen[what])
		}
	}
}
