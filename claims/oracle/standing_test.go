package oracle

import (
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func next(d credentials.Date) credentials.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		panic(err)
	}
	return credentials.Date(t.AddDate(0, 0, 1).Format(time.DateOnly))
}

// again are the modifiers that say "this is a service of its own".
var again = []string{"76", "77", "91", "59", "XE", "XP", "XS", "XU", "RT", "LT"}

// duplicate of a line on a claim that was not reversed, or of one of this claim
// that was decided before it. A claim's number says nothing, nor does the order
// of modifiers.
func (w *world) duplicate(l *claims.Line) (f finding) {
	earlier := slices.Clone(w.earlier)
	for _, o := range w.claim.Lines {
		if o.From == l.From && o.Number < l.Number && !w.sumOfDepartment(l) {
			earlier = append(earlier, earlierLine{line: o, billing: w.claim.Billing.NPI, renderer: w.npi(&o)})
		}
	}
	for _, e := range earlier {
		if e.reversed || e.otherMember || e.line.From != l.From || e.line.Code != l.Code || e.line.Revenue != l.Revenue || e.line.Units != l.Units ||
			e.line.Charge != l.Charge || e.renderer != w.npi(l) || e.billing != w.claim.Billing.NPI {
			continue
		}
		switch {
		case slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(again, m) }):
			switch {
			case w.refused:
				f = finding{carc: "18"}
			case !w.approved:
				f = finding{wait: claims.PendNearDuplicate}
			}
		case slices.Equal(sorted(l.Modifiers), sorted(e.line.Modifiers)):
			return finding{carc: "18"}
		}
	}
	return f
}

func sorted(modifiers []string) []string { return slices.Sorted(slices.Values(modifiers)) }

// provider looks at every day of a line. A board that was not heard says
// nothing, neither yes nor no; no on one day is no for the line.
func (w *world) provider(l *claims.Line) finding {
	renderer := w.npi(l)
	if renderer == "" {
		return finding{wait: claims.PendNobodyNamed}
	}
	if !w.fresh {
		return finding{wait: claims.PendStanding}
	}
	state := w.claim.ServiceState
	if p := w.place(l); p == "02" || p == "10" {
		state = w.claim.PatientPerson().Address.State
	}
	within := false
	for _, day := range days(l) {
		free, restricted := false, false
		for _, lic := range w.licenses {
			if lic.NPI == renderer && lic.Jurisdiction == state && w.inForce(lic, day) {
				if w.restrictedOn(lic, day) {
					restricted = true
				} else {
					free = true
				}
			}
		}
		if !free && !restricted {
			return finding{carc: "B7"}
		}
		within = within || !free
	}
	if within && !w.approved {
		return finding{wait: claims.PendRestriction}
	}
	return finding{}
}

func (w *world) inForce(l credentials.License, day credentials.Date) bool {
	runs := l.From <= day && day <= l.Until
	for _, o := range w.orders {
		if o.License != l.Handle || w.voided(o) || o.EffectiveDate() > day {
			continue
		}
		switch o.Action {
		case credentials.OrderRenew:
			runs = runs || day <= o.Until
		case credentials.OrderRevoke:
			return false
		case credentials.OrderSuspend:
			if (o.Until == "" || day <= o.Until) && !w.reinstated(o, day) {
				return false
			}
		}
	}
	return runs
}

func (w *world) restrictedOn(l credentials.License, day credentials.Date) bool {
	for _, o := range w.orders {
		if o.License == l.Handle && o.Action == credentials.OrderRestrict && !w.voided(o) && o.EffectiveDate() <= day &&
			(o.Until == "" || day <= o.Until) && !w.reinstated(o, day) {
			return true
		}
	}
	return false
}

func (w *world) voided(o credentials.Order) bool {
	return slices.ContainsFunc(w.orders, func(v credentials.Order) bool {
		return v.Action == credentials.OrderVoid && slices.Contains(v.Upon, o.Handle)
	})
}

func (w *world) reinstated(o credentials.Order, day credentials.Date) bool {
	return slices.ContainsFunc(w.orders, func(r credentials.Order) bool {
		return r.Action == credentials.OrderReinstate && slices.Contains(r.Upon, o.Handle) && r.EffectiveDate() <= day
	})
}
