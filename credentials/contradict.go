package credentials

import (
	"errors"
	"fmt"
	"slices"
)

// Contradiction says in one line why a board must not order o upon a license,
// given what it ordered before; nil where it may. A board asks before it signs.
// Whoever reads orders asks StandingOn, which takes them as they are.
func Contradiction(l License, before []Order, o Order) error {
	if err := o.Check(); err != nil {
		return err
	}
	r := recordOf(l, before)
	switch {
	case r.unclear != nil:
		return errors.New("the orders upon the license do not fit together")
	case r.void != nil:
		return errors.New("the license was issued in error and is void: nothing more is ordered upon it")
	}
	if from := r.revokedFrom(); from != "" && o.Action != OrderVoid && !o.stopsBefore(from) {
		return fmt.Errorf("the license is revoked from %s on: only a void is ordered upon it, or what stops it before that day", from)
	}
	switch on := o.EffectiveDate(); o.Action {
	case OrderSuspend, OrderRestrict:
		if on < l.From {
			return fmt.Errorf("effective: the license begins on %s only", l.From)
		}
	case OrderRenew:
		if last := LastDay(l, before); o.Until <= last {
			return fmt.Errorf("until: the license runs to %s already", last)
		}
	case OrderReinstate:
		return r.mayEnd(o)
	case OrderVoid:
		return r.mayVoid(l, before, o)
	case OrderBind:
		return r.mayBind(l, o)
	}
	return nil
}

// revokedFrom is the first day of the earliest revocation, or "".
func (r *record) revokedFrom() (from Date) {
	for _, p := range r.orders {
		if on := p.EffectiveDate(); p.Action == OrderRevoke && (from == "" || on < from) {
			from = on
		}
	}
	return from
}

// stopsBefore: a revocation that is yet to bind must not keep a board from
// stopping the clinician sooner.
func (o Order) stopsBefore(day Date) bool {
	return (o.Action == OrderRevoke || o.Action == OrderSuspend || o.Action == OrderRestrict) && o.EffectiveDate() < day
}

// mayEnd: what a reinstatement names is in force on its first day, and has been
// for at least one.
func (r *record) mayEnd(o Order) error {
	on := o.EffectiveDate()
	for _, h := range o.Upon {
		i := slices.IndexFunc(r.orders, func(p Order) bool { return p.Handle == h })
		switch {
		case i < 0:
			return fmt.Errorf("upon: %s is no order upon the license, or is void", h)
		case r.orders[i].Action != OrderSuspend && r.orders[i].Action != OrderRestrict:
			return fmt.Errorf("upon: %s is neither a suspension nor a restriction", h)
		case on <= r.orders[i].EffectiveDate():
			return fmt.Errorf("effective: %s binds from %s on and would end before it has begun: void it", h, r.orders[i].EffectiveDate())
		case !r.binds(r.orders[i], on):
			return fmt.Errorf("effective: %s is over by %s", h, on)
		}
	}
	return nil
}

// mayVoid: a void is dated as what it voids.
func (r *record) mayVoid(l License, before []Order, o Order) error {
	first := l.From
	if len(o.Upon) == 1 {
		i := slices.IndexFunc(r.orders, func(p Order) bool { return p.Handle == o.Upon[0] })
		switch {
		case i < 0 && slices.ContainsFunc(before, func(p Order) bool { return p.Handle == o.Upon[0] }):
			return fmt.Errorf("upon: %s is void already", o.Upon[0])
		case i < 0:
			return fmt.Errorf("upon: %s is no order upon the license", o.Upon[0])
		case r.orders[i].Action == OrderVoid:
			return fmt.Errorf("upon: %s is a void, which is not voided: order anew", o.Upon[0])
		}
		first = r.orders[i].EffectiveDate()
	}
	if o.EffectiveDate() != first {
		return fmt.Errorf("effective: want %s, the day from which what is voided bound", first)
	}
	return nil
}
