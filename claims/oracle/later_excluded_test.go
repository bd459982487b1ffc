package oracle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
)

// A listing is what the insurer has of a list of excluded providers on the day of the
// decision: its newest edition, if there is one.
type listing struct {
	published bool
	asOf, on  credentials.Date
	entries   []claims.Exclusion
}

// facts are what the insurer's own errand makes of it; the oracle reads the entries.
func (b *listing) facts(w *world, e *claims.Evidence) *claims.ExclusionFacts {
	var l *exclusions.List
	if b.published {
		l = &exclusions.List{Name: w.plan.Providers.ExclusionList, Edition: "1", AsOf: b.asOf, Entries: slices.Clone(b.entries)}
		slices.SortFunc(l.Entries, func(x, y claims.Exclusion) int {
			if x.NPI < y.NPI {
				return -1
			}
			return 1
		})
	}
	return l.Facts(w.claim, e, b.on)
}

// onTheList says, in the words of docs/exclusions.md, what the list does to a line.
func (w *world) onTheList(l *claims.Line) finding {
	if w.plan.Providers.ExclusionList == "" {
		return finding{}
	}
	b := w.books.listing
	end := b.asOf // the last day on which the list is recent enough
	for range w.plan.Providers.ExclusionListMaxAge {
		end = next(end)
	}
	if !b.published || b.on > end {
		return finding{wait: claims.PendExclusionList}
	}
	part := map[credentials.NPI]bool{w.claim.Billing.NPI: true, w.npi(l): true}
	if in := w.claim.Institutional; in != nil && in.Attending != nil {
		part[in.Attending.NPI] = true
	}
	var f finding
	for _, x := range b.entries {
		for _, day := range days(l) {
			switch {
			case !part[x.NPI] || day < x.From || x.Reinstated != "" && day >= x.Reinstated:
			case x.WaiverState == w.claim.StateOf(l) && x.Waived <= day:
				if !w.approved {
					f.wait = claims.PendWaiver
				}
			default:
				return finding{carc: "B7"}
			}
		}
	}
	return f
}

// lister draws lists from a source of its own, so that the claims stay what they are.
var lister = rand.New(rand.NewPCG(8, 2026))

func drawListing(w *world) *listing {
	on := w.received.AddDays(lister.IntN(3))
	b := &listing{published: lister.IntN(12) > 0, on: on, asOf: on.AddDays(-lister.IntN(38))}
	for range lister.IntN(3) {
		l := &w.claim.Lines[lister.IntN(len(w.claim.Lines))]
		x := claims.Exclusion{NPI: []credentials.NPI{doctorA, doctorB, hospital}[lister.IntN(3)], Kind: "1128a1", From: l.To.AddDays(lister.IntN(6) - 3)}
		switch lister.IntN(4) {
		case 0:
			x.Reinstated = x.From.AddDays(1 + lister.IntN(4))
		case 1:
			x.Waived, x.WaiverState = x.From.AddDays(lister.IntN(3)), []string{"CA", "CA", "NV"}[lister.IntN(3)]
		}
		b.entries = append(b.entries, x)
	}
	return b
}

// TestGoldenListing holds the two to claims by hand, at each turn of the page.
func TestGoldenListing(t *testing.T) {
	entry := func(from, until credentials.Date) []claims.Exclusion {
		return []claims.Exclusion{{NPI: doctorA, Kind: "1128a1", From: from, Reinstated: until}}
	}
	for _, tt := range []struct {
		name    string
		asOf    credentials.Date
		entries []claims.Exclusion
		want    string
	}{
		// The service is on 2 March 2026, decided on 1 April.
		{"nobody", "2026-03-10", nil, "PR-1 100.00 PR-2 10.00"},
		{"from the day on", "2026-03-10", entry("2026-03-02", ""), "CO-B7"},
		{"from the next day on", "2026-03-10", entry("2026-03-03", ""), "PR-1 100.00 PR-2 10.00"},
		{"reinstated that day", "2026-03-10", entry("2020-01-01", "2026-03-02"), "PR-1 100.00 PR-2 10.00"},
		{"reinstated the next day", "2026-03-10", entry("2020-01-01", "2026-03-03"), "CO-B7"},
		{"35 days old: 25 February, 3 more, 31 of March, 1 April", "2026-02-25", nil, "PR-1 100.00 PR-2 10.00"},
		{"36 days old", "2026-02-24", nil, "exclusion-list"},
	} {
		w := goldLaterWorld(t, golden{lines: []string{"73610 150.00"}})
		w.plan.Providers = claims.Providers{ExclusionList: "oig", ExclusionListMaxAge: 35}
		w.books.listing = &listing{true, tt.asOf, "2026-04-01", tt.entries}
		d, err := claims.Adjudicate(w.claim, w.plan, w.evidence())
		if err != nil {
			t.Fatal(err)
		}
		engine, oracle := ofEngine(d), ofOracle(w, decideLater(w))
		if engine != oracle {
			t.Errorf("%s: engine %s, oracle %s", tt.name, engine, oracle)
		}
		first := string(d.Outcome)
		switch {
		case len(d.Pends) > 0:
			first = string(d.Pends[0].Reason)
		case d.Outcome == claims.Denied:
			first = "CO-" + d.Lines[0].Adjustments[0].CARC
		}
		if want := tt.want; first != want && !(first == "paid" && want[:2] == "PR") {
			t.Errorf("%s: got %s, want %s", tt.name, first, want)
		}
	}
}
