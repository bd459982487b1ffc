package credentials

import (
	"slices"
	"strings"
)

// StandingOn answers for a service in state on date on, given the licenses on
// record for the clinician and the orders known about them. It is decided by
// the date of service against the days on which orders bind, so that work done
// before a revocation is still paid, and so is work after a suspension has run
// out. The sequence of the two lists decides nothing: an order that ends or
// voids another names it.
//
// Fresh says whether the board's feed was current when the records were read.
// A stale feed cannot prove that nothing happened, neither a revocation nor a
// renewal or a reinstatement, so it answers Unknown. Only what nothing but a
// void would undo still stands, a revocation or a void license; whoever denies
// asks for Fresh besides.
func StandingOn(licenses []License, orders []Order, state string, on Date, fresh bool) Standing {
	s, _ := StandingBy(licenses, orders, state, on, fresh)
	return s
}

// StandingBy is StandingOn with the order that the answer rests on, nil where
// it rests on none.
func StandingBy(licenses []License, orders []Order, state string, on Date, fresh bool) (Standing, *Order) {
	s, by, _ := standingOf(licenses, orders, state, on, fresh)
	return s, by
}

// standingOf is StandingBy with the license that tells most.
func standingOf(licenses []License, orders []Order, state string, on Date, fresh bool) (best Standing, by *Order, under *License) {
	best = Standing{Answer: MayNot, Reason: ReasonNoLicense}
	for i, l := range licenses {
		if s, o := standingUnder(l, orders, state, on); weight(s.Reason) > weight(best.Reason) {
			best, by, under = s, o, &licenses[i]
		}
	}
	if !fresh && best.Reason != ReasonRevoked && best.Reason != ReasonVoid {
		return Standing{Answer: Unknown, Reason: ReasonStale}, nil, nil
	}
	return best, by, under
}

// weight orders what several licenses of one clinician say: what is not
// understood stops everything, a license in force wins over the rest, then
// comes what tells most about why there is none. The order in which the
// licenses are listed decides nothing.
func weight(r Reason) int {
	return slices.Index([]Reason{
		ReasonNoLicense, ReasonOtherState, ReasonVoid, ReasonNotYet, ReasonExpired, ReasonSuspended, ReasonRevoked,
		ReasonRestricted, ReasonLicensed, ReasonUnclear,
	}, r)
}

func standingUnder(l License, orders []Order, state string, on Date) (Standing, *Order) {
	if l.Jurisdiction != state {
		return Standing{Answer: MayNot, Reason: ReasonOtherState}, nil
	}
	r := recordOf(l, orders)
	if r.unclear != nil {
		return Standing{Answer: Unknown, Reason: ReasonUnclear}, r.unclear
	}
	if r.void != nil {
		return Standing{Answer: MayNot, Reason: ReasonVoid}, r.void
	}
	if o := r.binding(OrderRevoke, on); o != nil {
		return Standing{Answer: MayNot, Reason: ReasonRevoked}, o
	}
	if o := r.binding(OrderSuspend, on); o != nil && on >= l.From {
		return Standing{Answer: MayNot, Reason: ReasonSuspended}, o
	}
	switch {
	case on < l.From:
		return Standing{Answer: MayNot, Reason: ReasonNotYet}, nil
	case on > l.Until && r.binding(OrderRenew, on) == nil:
		return Standing{Answer: MayNot, Reason: ReasonExpired}, nil
	}
	if o := r.binding(OrderRestrict, on); o != nil {
		return Standing{Answer: MayRestricted, Reason: ReasonRestricted, Restrictions: r.restrictions(on)}, o
	}
	return Standing{Answer: May, Reason: ReasonLicensed}, nil
}

// A record is what the orders upon one license come to.
type record struct {
	orders  []Order         // that were not voided
	lifted  map[Handle]Date // first day on which a suspension or restriction is over
	void    *Order
	unclear *Order // that is not understood, or names what it cannot
}

func recordOf(l License, all []Order) record {
	r := record{lifted: map[Handle]Date{}}
	var upon []Order
	for _, o := range all {
		if o.License == l.Handle {
			upon = append(upon, o)
		}
	}
	voided := map[Handle]bool{}
	for i, o := range upon {
		if o.Check() != nil || !namesWhatItMay(o, upon) {
			r.unclear = &upon[i]
			continue
		}
		if o.Action != OrderVoid {
			continue
		}
		if len(o.Upon) == 0 {
			r.void = &upon[i]
		}
		for _, h := range o.Upon {
			voided[h] = true
		}
	}
	for _, o := range upon {
		if !voided[o.Handle] {
			r.orders = append(r.orders, o)
		}
	}
	for _, o := range r.orders {
		if o.Action != OrderReinstate {
			continue
		}
		for _, h := range o.Upon {
			if day, ok := r.lifted[h]; !ok || o.EffectiveDate() < day {
				r.lifted[h] = o.EffectiveDate()
			}
		}
	}
	return r
}

// namesWhatItMay: a reinstatement ends suspensions and restrictions; a void
// voids anything but a void. Whoever voided in error orders anew.
func namesWhatItMay(o Order, upon []Order) bool {
	for _, h := range o.Upon {
		i := slices.IndexFunc(upon, func(p Order) bool { return p.Handle == h })
		if i < 0 {
			return false
		}
		switch named := upon[i].Action; o.Action {
		case OrderReinstate:
			if named != OrderSuspend && named != OrderRestrict {
				return false
			}
		case OrderVoid:
			if named == OrderVoid {
				return false
			}
		}
	}
	return true
}

// binds says whether an order is in force on a day: from its first day to its
// last, unless it was ended before.
func (r *record) binds(o Order, on Date) bool {
	day, lifted := r.lifted[o.Handle]
	return on.Within(o.EffectiveDate(), o.Until) && !(lifted && on >= day)
}

// binding is the first listed order of a kind that is in force on a day.
func (r *record) binding(a OrderAction, on Date) *Order {
	for i, o := range r.orders {
		if o.Action == a && r.binds(o, on) {
			return &r.orders[i]
		}
	}
	return nil
}

func (r *record) restrictions(on Date) string {
	var codes []string
	for _, o := range r.orders {
		if o.Action == OrderRestrict && r.binds(o, on) {
			codes = append(codes, o.Restrictions...)
		}
	}
	slices.Sort(codes)
	return strings.Join(slices.Compact(codes), " ")
}

// TakenAway is the first day inside [from, until] on which an order leaves the
// clinician no license for state, and why; it is empty where there is none. An
// order that binds before from counts on from.
func TakenAway(licenses []License, orders []Order, state string, from, until Date) (Date, Reason) {
	for _, day := range changes(licenses, orders, from, until) {
		if s := StandingOn(licenses, orders, state, day, true); s.Reason.Ordered() {
			return day, s.Reason
		}
	}
	return "", ""
}

// FirstDoubt is the first day inside [from, until] on which the answer is not a
// plain May, empty where there is none. A suspension may begin and end within
// a service of several days.
func FirstDoubt(licenses []License, orders []Order, state string, from, until Date) Date {
	for _, day := range changes(licenses, orders, from, until) {
		if StandingOn(licenses, orders, state, day, true).Answer != May {
			return day
		}
	}
	return ""
}

// changes are the days inside [from, until] on which an answer can begin.
func changes(licenses []License, orders []Order, from, until Date) []Date {
	days := []Date{from}
	for _, l := range licenses {
		days = append(days, l.From, l.Until.AddDays(1))
	}
	for _, o := range orders {
		days = append(days, o.EffectiveDate())
		if o.Until != "" {
			days = append(days, o.Until.AddDays(1))
		}
	}
	slices.Sort(days)
	return slices.DeleteFunc(slices.Compact(days), func(d Date) bool { return d < from || d > until })
}

// InForce lists the suspensions and restrictions upon a license that a
// reinstatement from a day on would end: neither voided nor over by then.
func InForce(l License, orders []Order, on Date) (list []Order) {
	r := recordOf(l, orders)
	for _, o := range r.orders {
		day, lifted := r.lifted[o.Handle]
		over := o.Until != "" && o.Until < on || lifted && day <= on
		if (o.Action == OrderSuspend || o.Action == OrderRestrict) && !over {
			list = append(list, o)
		}
	}
	return list
}

// LastDay is the last day of a license with its renewals.
func LastDay(l License, orders []Order) Date {
	last := l.Until
	for _, o := range recordOf(l, orders).orders {
		if o.Action == OrderRenew {
			last = max(last, o.Until)
		}
	}
	return last
}
