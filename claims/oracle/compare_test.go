package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestTwoThousandClaims holds the engine against the oracle, to the cent. The
// oracle was written before its author had seen the engine. Where the order of
// checks leaves a choice and the two had chosen otherwise, the oracle follows
// rules/1, which is released:
//
//   - Timely filing is counted for each line from its own last day. "The last
//     day of service" could be the claim's; then a late line could be cured by
//     adding a recent one.
//   - A line that waits is not denied by a later check: the denial can be given
//     afterwards, and what is asked for stays asked for. Behind a denial that
//     cannot be given yet, nothing more is looked for.
//   - Another edition of the plan is waited for after coverage was looked at, so
//     that who is not covered at all does not wait for it.
//   - A modifier that says "on purpose" counts on the new line alone, and then
//     the other modifiers may differ. Where only the earlier line has one, the
//     two are different services: the repeat may have been billed first.
//   - A line of several days is a duplicate of one that begins on the same day
//     with the same units and charge, wherever the two end.
//   - Lines of one claim are duplicates of each other, as those of two are.
//   - An authorization that is not decided is waited for before anybody asks
//     whether it is for this service: its decision may still change that.
//   - What a reviewer refuses is denied: a service that is nearly another's as a
//     duplicate (18), a charge without a price as not covered (96), and what the
//     plan leaves to a person for the reason that was found. A restriction goes
//     on waiting.
//   - Anesthesia minutes (MJ) have no price by the unit.
//
// Two more choices came out alike by themselves: the out-of-pocket maximum cuts
// coinsurance before the deductible and that before the copay, and a line of
// several days belongs to the year of its first.
func TestTwoThousandClaims(t *testing.T) {
	m := newMaker(t)
	seen := map[string]int{}
	for i := range 2000 {
		w := m.world()
		got, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatalf("claim %d: %v", i, err)
		}
		want := decide(w)
		count(seen, want)
		if g, o := ofEngine(got), ofOracle(w, want); g != o {
			t.Errorf("claim %d:\nengine %s\noracle %s\n%s", i, g, o, w)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%5d %s", seen[what], what)
	}
	// A rule that the claims never reach is not compared.
	for _, what := range append([]string{"CO-45", "PR-1", "PR-2", "PR-3", "paid", "denied", "draw", "clinician-not-named", "near-duplicate",
		"price-unknown", "standing-unknown", "license-restricted", "authorization-pended", "plan-edition", "denial-needs-person"},
		slices.Collect(maps.Values(groups))...) {
		if seen[what] < 5 {
			t.Errorf("%s came up %d times; the claims have to reach it", what, seen[what])
		}
	}
}

func count(seen map[string]int, a answer) {
	seen[string(a.outcome)]++
	for _, l := range a.lines {
		for what := range l.adjustments {
			seen[what]++
		}
	}
	for _, p := range a.pends {
		seen[string(p.reason)]++
	}
	if len(a.draws) > 0 {
		seen["draw"]++
	}
}

// ofEngine and ofOracle write what both have to agree upon. Of a claim that
// waits that is only what it waits for.
func ofEngine(d *claims.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", d.Outcome)
	if d.Outcome == claims.Pended {
		var pends []string
		for _, p := range d.Pends {
			pends = append(pends, fmt.Sprintf("%d %s", p.Line, p.Reason))
		}
		return b.String() + " " + strings.Join(slices.Compact(slices.Sorted(slices.Values(pends))), ", ")
	}
	for _, l := range d.Lines {
		all := map[string]*big.Rat{}
		for _, a := range l.Adjustments {
			what := fmt.Sprintf("%s-%s", a.Group, a.CARC)
			if a.RARC != "" {
				what += "/" + a.RARC
			}
			if a.Amount != 0 {
				all[what] = cents(a.Amount)
			}
		}
		writeLine(&b, l.Line, l.Outcome, cents(l.Allowed), cents(l.Paid), all)
	}
	for _, met := range d.Met {
		if met.DeductibleFamily != met.DeductibleIndividual || met.OutOfPocketFamily != met.OutOfPocketPerson {
			fmt.Fprintf(&b, " [member and family met apart: %+v]", met)
		}
		writeMet(&b, met.Period, cents(met.DeductibleIndividual), cents(met.OutOfPocketPerson))
	}
	var draws []string
	for _, d := range d.Draws {
		draws = append(draws, fmt.Sprintf("%d of %d: %s", d.Line, d.Authorization[0], d.Units))
	}
	sort.Strings(draws)
	return b.String() + "; draws " + strings.Join(draws, ", ") + fmt.Sprintf("; in all %s %s %s %s", d.Charge, d.Allowed, d.Paid, d.Patient)
}

func ofOracle(w *world, a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", a.outcome)
	if a.outcome == claims.Pended {
		var pends []string
		for _, p := range a.pends {
			pends = append(pends, fmt.Sprintf("%d %s", p.line, p.reason))
		}
		return b.String() + " " + strings.Join(slices.Compact(slices.Sorted(slices.Values(pends))), ", ")
	}
	charge, allowed, paid, patient := new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	for i, l := range a.lines {
		linePaid := cents(w.claim.Lines[i].Charge)
		for what, amount := range l.adjustments {
			linePaid = less(linePaid, amount)
			if strings.HasPrefix(what, "PR-") {
				patient = sum(patient, amount)
			}
		}
		charge, allowed, paid = sum(charge, cents(w.claim.Lines[i].Charge)), sum(allowed, l.allowed), sum(paid, linePaid)
		writeLine(&b, w.claim.Lines[i].Number, l.outcome, l.allowed, linePaid, l.adjustments)
	}
	for _, year := range slices.Sorted(maps.Keys(a.met)) {
		writeMet(&b, year, a.met[year].deductible, a.met[year].outOfPocket)
	}
	var draws []string
	for _, d := range a.draws {
		for _, x := range w.authorizations {
			if x.number == d.number {
				draws = append(draws, fmt.Sprintf("%d of %d: %s", d.line, x.handle[0], d.units))
			}
		}
	}
	sort.Strings(draws)
	return b.String() + "; draws " + strings.Join(draws, ", ") +
		fmt.Sprintf("; in all %s %s %s %s", dollars(charge), dollars(allowed), dollars(paid), dollars(patient))
}

func writeLine(b *strings.Builder, number int, o claims.Outcome, allowed, paid *big.Rat, adjustments map[string]*big.Rat) {
	fmt.Fprintf(b, "; %d %s allowed %s paid %s", number, o, dollars(allowed), dollars(paid))
	for _, what := range slices.Sorted(maps.Keys(adjustments)) {
		fmt.Fprintf(b, " %s %s", what, dollars(adjustments[what]))
	}
}

func writeMet(b *strings.Builder, year string, deductible, outOfPocket *big.Rat) {
	if outOfPocket.Sign() != 0 {
		fmt.Fprintf(b, "; met %s %s %s", year, dollars(deductible), dollars(outOfPocket))
	}
}

func dollars(c *big.Rat) string { return new(big.Rat).Quo(c, big.NewRat(100, 1)).FloatString(2) }

// String is the case as whoever looks into a difference needs it.
func (w *world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "patient %+v, received %s, filing %d days, covered %v, found %t %t, fresh %t, approved %t, at %s in %s, patient in %s\n", *w.claim.PatientPerson(), w.received, w.plan.TimelyFilingDays, w.covered,
		w.found, w.matches, w.fresh, w.approved, w.claim.Place, w.claim.ServiceState, w.claim.Subscriber.Address.State)
	for i := range w.claim.Lines {
		l := &w.claim.Lines[i]
		fmt.Fprintf(&b, "  line %d: %s %v %s x %s on %s to %s by %s at %s, %s, authorization %q\n", l.Number, l.Code, l.Modifiers, l.Charge, l.Units, l.From, l.To, w.npi(l), w.claim.PlaceOf(l), l.Unit, w.claim.AuthorizationOf(l))
	}
	fmt.Fprintf(&b, "  authorizations %v\n", w.authorizations)
	for _, e := range w.earlier {
		fmt.Fprintf(&b, "  earlier: %s %v %s x %s on %s by %s, billed by %s, reversed %t, of another %t, paid %t\n", e.line.Code, e.line.Modifiers, e.line.Charge, e.line.Units,
			e.line.From, e.renderer, e.billing, e.reversed, e.otherMember, e.paid)
	}
	fmt.Fprintf(&b, "  orders %v\n  met %v\n", w.orders, w.met)
	plan, err := json.Marshal(w.plan)
	if err != nil {
		panic(err)
	}
	return b.String() + "  plan " + string(plan)
}
