package exclusions

import (
	"cmp"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Change is days about which two editions of a list say different things of a
// provider, both included; an empty Until is open.
type Change struct {
	NPI         credentials.NPI
	From, Until credentials.Date
}

// Changes are what a list says otherwise than the one before it.
func (l *List) Changes(before *List) (all []Change) {
	was := map[claims.Exclusion]claims.Exclusion{}
	for _, x := range before.Entries {
		was[keyOf(x)] = x
	}
	add := func(npi credentials.NPI, from, end credentials.Date) { // end: the first day that is not
		c := Change{npi, from, ""}
		if end != "" {
			c.Until = end.AddDays(-1)
		}
		if c.Until == "" || c.From <= c.Until {
			all = append(all, c)
		}
	}
	for _, x := range l.Entries {
		old, ok := was[keyOf(x)]
		delete(was, keyOf(x))
		switch {
		case ok && x == old:
		case ok && x.Waived == old.Waived && x.WaiverState == old.WaiverState: // the days on which one of them has ended
			ends := []credentials.Date{x.Reinstated, old.Reinstated}
			slices.Sort(ends)
			if ends[0] == "" {
				ends[0], ends[1] = ends[1], ""
			}
			add(x.NPI, ends[0], ends[1])
		case ok && x.Reinstated != "" && old.Reinstated != "":
			add(x.NPI, x.From, max(x.Reinstated, old.Reinstated))
		case ok:
			add(x.NPI, x.From, "")
		default:
			add(x.NPI, x.From, x.Reinstated)
		}
	}
	for _, x := range was {
		add(x.NPI, x.From, x.Reinstated)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.NPI, b.NPI), cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until))
	})
	return slices.Compact(all)
}
