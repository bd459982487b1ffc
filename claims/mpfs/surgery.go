package mpfs

import (
	"cmp"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A Procedure is one unit of a surgical procedure (indicator 2 or 3) as the
// multiple procedure rules see it: of one patient, one day and one clinician.
type Procedure struct {
	Code           string
	EndoscopicBase string       // of its family; empty for what is no endoscopy
	Amount         claims.Cents // for both sides, where it was done on both
	Base           claims.Cents // what the family's base code is worth by itself
}

// A Reduced amount is what is left of a procedure's.
type Reduced struct {
	Amount claims.Cents
	// InFamily is the amount after the endoscopy rule, before ranking.
	InFamily claims.Cents
	Rank     int // from 1, shared by an endoscopy family
	// Review: there are more ranks than the policy has rates. Amount is then 0.
	Review bool
}

// Surgeries applies the multiple procedure rules (indicators 2 and 3): endoscopy
// families first, then rank by amount, and each rank is paid by its rate.
// Amounts come back in the order given. Equal amounts rank in that order too.
func Surgeries(p Policy, all []Procedure) []Reduced {
	out := make([]Reduced, len(all))
	groups := families(all)
	total := func(g []int) (sum claims.Cents) {
		for _, i := range g {
			sum += out[i].InFamily
		}
		return sum
	}
	for _, g := range groups {
		endoscopies(all, g, out)
	}
	slices.SortStableFunc(groups, func(x, y []int) int { return cmp.Compare(total(y), total(x)) })
	for rank, g := range groups {
		for _, i := range g {
			out[i].Rank = rank + 1
			if out[i].Review = rank >= len(p.Surgery); !out[i].Review {
				out[i].Amount = p.Surgery[rank].Of(out[i].InFamily)
			}
		}
	}
	return out
}

// families groups the endoscopies of one base code, with that code itself where
// it is there too. Everything else stands alone.
func families(all []Procedure) (groups [][]int) {
	at := map[string]int{} // group of a base code
	for i := range all {
		base := all[i].EndoscopicBase
		if base == "" && slices.ContainsFunc(all, func(p Procedure) bool { return p.EndoscopicBase == all[i].Code }) {
			base = all[i].Code
		}
		g, known := at[base]
		if !known || base == "" {
			groups = append(groups, nil)
			g = len(groups) - 1
			at[base] = g
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// endoscopies pays the dearest of a family whole, and each other what it is
// worth beyond the base code, which is in the dearest already. So for the base
// code itself nothing is left.
func endoscopies(all []Procedure, group []int, out []Reduced) {
	dearest := group[0]
	for _, i := range group[1:] {
		if all[dearest].EndoscopicBase == "" || all[i].EndoscopicBase != "" && all[i].Amount > all[dearest].Amount {
			dearest = i
		}
	}
	for _, i := range group {
		switch {
		case i == dearest:
			out[i].InFamily = all[i].Amount
		case all[i].EndoscopicBase != "":
			out[i].InFamily = max(0, all[i].Amount-all[i].Base)
		}
	}
}
