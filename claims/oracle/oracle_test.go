// Package oracle decides claims a second time: slowly, by fractions and day by
// day, from the order of checks that any insurer's manual has and from the
// published data types alone. It shares no code with claims.Adjudicate, which
// it is held against, and is never part of a program.
package oracle

import (
	"math/big"
	"slices"
	"sort"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An answer is what the oracle makes of a case.
type answer struct {
	outcome claims.Outcome
	lines   []lineAnswer // in the claim's order
	pends   []pend
	met     map[string]shares
	draws   []draw
}

type lineAnswer struct {
	outcome     claims.Outcome
	allowed     *big.Rat
	adjustments map[string]*big.Rat // "PR-1", "OA-96/N130"; none of zero
}

type pend struct {
	line   int
	reason claims.PendReason
}

type draw struct {
	number string
	line   int
	units  claims.Quantity
}

// shares are what patients paid towards the two limits.
type shares struct{ deductible, outOfPocket *big.Rat }

// A finding is what a check says of a line: nothing, a denial or a reason to wait.
type finding struct {
	carc string
	wait claims.PendReason
}

// decide takes the lines by date of service, then number, and asks of each
// every check in order. A line carries each cent once, so the first denial takes
// them all, and what is denied waits for nothing. What waits for anything makes
// the whole claim wait.
func decide(w *world) answer {
	a := answer{outcome: claims.Denied, lines: make([]lineAnswer, len(w.claim.Lines)), met: map[string]shares{}}
	order := make([]int, len(w.claim.Lines))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		x, y := w.claim.Lines[order[i]], w.claim.Lines[order[j]]
		return x.From < y.From || x.From == y.From && x.Number < y.Number
	})
	drawn := map[string]claims.Quantity{}
	for _, i := range order {
		l := &w.claim.Lines[i]
		carc, waits := w.find(l, drawn)
		switch {
		case carc != "" && !slices.Contains(w.plan.MachineDenials, carc) && !w.refused:
			a.pends = append(a.pends, pend{l.Number, claims.PendDenial})
		case carc != "":
			a.lines[i] = denied(l, carc)
		case len(waits) > 0:
			for _, reason := range waits {
				a.pends = append(a.pends, pend{l.Number, reason})
			}
		default:
			a.outcome = claims.Paid
			allowed, _ := w.allowed(l)
			a.lines[i] = w.share(&a, l, allowed)
			if required(w.plan, l.Code) {
				drawn[w.claim.AuthorizationOf(l)+l.Code] += l.Units
				a.draws = append(a.draws, draw{w.claim.AuthorizationOf(l), l.Number, l.Units})
			}
		}
	}
	if len(a.pends) > 0 {
		return answer{outcome: claims.Pended, pends: a.pends}
	}
	return a
}

// find asks the checks in their order: member, coverage, duplicate, timely
// filing, provider, authorization, exclusion.
func (w *world) find(l *claims.Line, drawn map[string]claims.Quantity) (carc string, waits []claims.PendReason) {
	for _, check := range []func(*claims.Line) finding{w.member, w.coverage, w.edition, w.duplicate, w.filing, w.provider,
		func(l *claims.Line) finding { return w.authorization(l, drawn) }, w.exclusion} {
		f := check(l)
		switch {
		case f.wait != "":
			waits = append(waits, f.wait)
		case f.carc != "" && len(waits) > 0:
			return "", waits
		case f.carc != "":
			return f.carc, nil
		}
	}
	if _, priced := w.allowed(l); !priced {
		switch {
		case w.refused && len(waits) > 0:
			return "", waits
		case w.refused:
			return "96", nil
		}
		waits = append(waits, claims.PendUnpriced)
	}
	return "", waits
}

func (w *world) member(*claims.Line) finding {
	if !w.found || !w.matches {
		return finding{carc: "31"}
	}
	return finding{}
}

// edition: what another edition promises cannot be read in this one.
func (w *world) edition(l *claims.Line) finding {
	for _, day := range days(l) {
		if day < w.plan.From || day > w.plan.Until {
			return finding{wait: claims.PendPlanEdition}
		}
	}
	return finding{}
}

// coverage has to be there on each day; the first day without says why.
func (w *world) coverage(l *claims.Line) finding {
	for _, day := range days(l) {
		covered, before, after := false, false, false
		for _, c := range w.covered {
			switch {
			case day < c.From:
				after = true // some cover begins after it
			case c.Until != "" && day > c.Until:
				before = true // some cover ended before it
			default:
				covered = true
			}
		}
		switch {
		case covered:
		case before && after:
			return finding{carc: "200"}
		case before:
			return finding{carc: "27"}
		default:
			return finding{carc: "26"}
		}
	}
	return finding{}
}

// filing counts from the last day of service of the claim.
func (w *world) filing(l *claims.Line) finding {
	last := l.To
	for range w.plan.TimelyFilingDays {
		last = next(last)
	}
	if w.received > last {
		return finding{carc: "29"}
	}
	return finding{}
}

// exclusion by codes that the plan does not cover.
func (w *world) exclusion(l *claims.Line) finding {
	if in(w.plan.Exclusions, l.Code) {
		return finding{carc: "96"}
	}
	return finding{}
}

// authorization: absent, not good for this, or too few units left after what
// earlier lines of this claim took.
func (w *world) authorization(l *claims.Line, drawn map[string]claims.Quantity) finding {
	if !required(w.plan, l.Code) {
		return finding{}
	}
	return w.authorizedBy(l, drawn)
}

func (w *world) authorizedBy(l *claims.Line, drawn map[string]claims.Quantity) finding {
	number := w.claim.AuthorizationOf(l)
	if number == "" {
		return finding{carc: "197"}
	}
	for _, a := range w.authorizations {
		if a.number == number && a.outcome == claims.AuthorizationPended {
			return finding{wait: claims.PendAuthorization}
		}
		if a.number != number || a.code != l.Code || a.npi != w.npi(l) {
			continue
		}
		switch {
		case a.outcome != claims.AuthorizationApproved, l.From < a.from, l.To > a.until:
			return finding{carc: "15"}
		case a.left-drawn[number+l.Code] < l.Units:
			return finding{carc: "198"}
		}
		return finding{}
	}
	return finding{carc: "15"}
}

func required(p *claims.Plan, code string) bool { return in(p.Authorization.Required, code) }

// in is for codes of five digits.
func in(set claims.CodeSet, code string) bool {
	for _, r := range set {
		if r.From <= code && code <= r.To {
			return true
		}
	}
	return false
}

// days are the days of a line, one by one.
func days(l *claims.Line) (all []credentials.Date) {
	for d := l.From; d <= l.To; d = next(d) {
		all = append(all, d)
	}
	return all
}
