package oracle

import (
	"math/big"
	"sort"
)

// surgeries pays them by rank: the first whole, the next four half, and behind
// that a person decides. Of a family of endoscopies the dearest is whole and the
// others what they are worth beyond their base; then the family has one rank.
func surgeries(b *books, all []*service, byPerson map[int]bool) {
	bases := map[string]bool{}
	for _, s := range all {
		if s.row.several == "3" {
			bases[s.row.base] = true
		}
	}
	type group struct {
		units []*unit
		total *big.Rat
	}
	var ranked []*group
	families := map[string]*group{}
	for _, s := range all {
		family := ""
		switch {
		case s.row.several == "3":
			family = s.row.base
		case s.row.several != "2":
			continue
		case bases[s.line.Code]:
			family = s.line.Code
		}
		for _, u := range s.units {
			g := families[family]
			if family == "" || g == nil {
				g = &group{}
				ranked = append(ranked, g)
			}
			if family != "" {
				families[family] = g
			}
			g.units = append(g.units, u)
		}
	}
	for name, g := range families {
		sort.SliceStable(g.units, func(i, j int) bool { return g.units[i].now.Cmp(g.units[j].now) > 0 })
		for _, u := range g.units[1:] {
			u.now = notBelowZero(less(u.now, b.values[name].amount(u.of.facility)))
		}
	}
	for _, g := range ranked {
		g.total = new(big.Rat)
		for _, u := range g.units {
			g.total = sum(g.total, u.now)
		}
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].total.Cmp(ranked[j].total) > 0 })
	for rank, g := range ranked {
		for _, u := range g.units {
			switch {
			case rank > 4:
				byPerson[u.of.at] = true
			case rank > 0:
				u.now = halfUp(new(big.Rat).Quo(u.now, big.NewRat(2, 1)))
			}
		}
	}
}

// tests: of all technical parts but the dearest 50% (images of one family), 75%
// (heart) or 80% (eyes) is paid, of all professional parts of images but the
// dearest 95%. What is taken off comes off the whole. The cap bounds the
// technical part as it is then.
func tests(b *books, all []*service, byPerson map[int]bool) {
	one := big.NewRat(1, 1)
	for kind, rates := range map[string][2]*big.Rat{"4": {big.NewRat(1, 2), big.NewRat(95, 100)}, "6": {big.NewRat(3, 4), one}, "7": {big.NewRat(4, 5), one}} {
		var group []*unit
		for _, s := range all {
			if s.row.several == kind && (kind != "4" || s.row.family == "88") {
				group = append(group, s.units...)
			}
		}
		if len(group) < 2 {
			continue
		}
		technical, technicalOff := b.parts(group, "TC", rates[0])
		_, professionalOff := b.parts(group, "26", rates[1])
		for i, u := range group {
			byPerson[u.of.at] = byPerson[u.of.at] || u.of.row.pctc == "4"
			off := sum(technicalOff[i], professionalOff[i])
			u.now = less(u.now, off)
			if tc := b.values[u.of.line.Code+"-TC"]; off.Sign() > 0 && u.cap != nil && technical[i].Sign() > 0 {
				beyond := notBelowZero(less(less(technical[i], technicalOff[i]), tc.capped(u.of.facility)))
				u.cap = least(u.cap, less(u.now, beyond))
			}
		}
	}
}

// parts finds what one part of each test is worth, and what comes off it where it
// is not the dearest.
func (b *books) parts(group []*unit, modifier string, rate *big.Rat) (worth, off []*big.Rat) {
	dearest := 0
	for i, u := range group {
		part := new(big.Rat)
		if row, there := b.values[u.of.line.Code+"-"+modifier]; there && (has(u.of.line, modifier) || !has(u.of.line, "26", "TC")) {
			part = row.amount(u.of.facility)
		}
		if worth = append(worth, part); part.Cmp(worth[dearest]) > 0 {
			dearest = i
		}
	}
	for i, part := range worth {
		off = append(off, new(big.Rat))
		if i != dearest {
			off[i] = less(part, halfUp(new(big.Rat).Mul(part, rate)))
		}
	}
	return worth, off
}

// therapies: the practice expense of one unit is paid whole, that with most of
// it, and half of every other's.
func therapies(all []*service) {
	var most *unit
	for _, s := range all {
		for _, u := range s.units {
			if s.row.several == "5" && (most == nil || s.row.peAt(s.facility).Cmp(most.of.row.peAt(most.of.facility)) > 0) {
				most = u
			}
		}
	}
	for _, s := range all {
		for _, u := range s.units {
			if s.row.several == "5" && u != most {
				u.now = s.row.at(s.row.work, new(big.Rat).Quo(s.row.peAt(s.facility), big.NewRat(2, 1)), s.row.malpractice)
			}
		}
	}
}
