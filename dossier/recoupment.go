package dossier

import (
	"maps"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

// An owing payee's claims are told, paid too much, and not taken yet: oldest first.
type owing []claims.Overpayment

// of is what is left on one claim, and what of it a payment of a day may take.
func (o owing) of(control string, on credentials.Date) (left, due claims.Cents) {
	for i := range o {
		if o[i].Control == control {
			left, due = left+o[i].Owed, due+o[i].Due(on)
		}
	}
	return left, due
}

// settle takes an amount off what is owed on one claim, the oldest first; with a
// day, off what is due then.
func (o owing) settle(control string, amount claims.Cents, on credentials.Date) {
	for i := range o {
		if o[i].Control != control || on != "" && o[i].Due(on) == 0 {
			continue
		}
		paid := min(amount, o[i].Owed)
		o[i].Owed, amount = o[i].Owed-paid, amount-paid
	}
}

// A recovery is what a payment says of what is owed on one claim.
type recovery struct {
	deferred, taken, returned claims.Cents
	defers, more              claims.Cents // as the decisions have it
}

// checkRecoupment works out what a payment may leave with its payee because the
// plan's edition gives notice first, what it has to take of the same claim when
// that is paid more again, and what it may take of others by now. What a payee has
// sent back only the insurer knows: it may say so of no more than is owed.
//
// A run that takes later than it might is the payee's gain, and fails nothing.
func (v *verifier) checkRecoupment(set, want *x12.Remittance, told []*document[claims.ClaimDecisionDocument], to account) (owing, error) {
	left := slices.Clone(v.owing[to])
	all, err := v.recoveries(set, told, &left)
	if err != nil {
		return nil, err
	}
	want.Adjustments = append(want.Adjustments, beside(set)...)
	var other claims.Cents // sent back for no claim's own debt
	for _, control := range slices.Sorted(maps.Keys(all)) {
		x := all[control]
		owed, _ := left.of(control, "")
		// What was deferred just now is not among what this payment may take.
		owed -= x.defers
		if x.deferred != x.defers {
			return nil, found(checkRecoupment, "payment %s leaves %s of claim %s with the payee; by its decision and the notice of its plan edition it is %s", set.Trace, x.deferred, control, x.defers)
		}
		if x.taken > 0 && owed == 0 {
			return nil, found(checkRests, "payment %s takes %s on claim %s, of which no earlier remittance in the dossier leaves anything: %s", set.Trace, x.taken, control, wholeWords)
		}
		back := min(x.returned, x.taken, owed)
		left.settle(control, back, "")
		own := min(x.more, owed-back)
		left.settle(control, own, "")
		_, due := left.of(control, set.Date)
		if taken := x.taken - back - own; taken != 0 && taken != due {
			return nil, found(checkRecoupment, "payment %s takes %s on claim %s; %s is due on %s", set.Trace, x.taken, control, due+back+own, set.Date)
		} else if taken > 0 {
			left.settle(control, taken, set.Date)
		}
		other += x.returned - back
	}
	if owed := v.accounts[to].Owed; other > owed {
		return nil, found(checkRecoupment, "payment %s acknowledges %s more than was owed", set.Trace, other-owed)
	}
	return slices.DeleteFunc(left, func(o claims.Overpayment) bool { return o.Owed == 0 }), nil
}

// recoveries reads what a payment says, and what its decisions defer, which it
// adds to what is owed.
func (v *verifier) recoveries(set *x12.Remittance, told []*document[claims.ClaimDecisionDocument], left *owing) (map[string]*recovery, error) {
	all := map[string]*recovery{}
	of := func(control string) *recovery {
		if all[control] == nil {
			all[control] = &recovery{}
		}
		return all[control]
	}
	for _, a := range beside(set) {
		if a.Provider != string(set.Payee.NPI) || a.Year != x12.FiscalYear(set.Date) {
			return nil, found(checkRecoupment, "payment %s adjusts %s for %s %q of another payee or year", set.Trace, a.Amount, a.Reason, a.Reference)
		}
		switch x := of(a.Reference); {
		case a.Reason == x12.ReasonReturn:
			x.returned -= a.Amount
		case a.Amount < 0:
			x.deferred -= a.Amount
		default:
			x.taken += a.Amount
		}
	}
	for j := 1; j < len(told); j++ {
		back, p := &set.Payments[j-1], &set.Payments[j]
		if back.Status != x12.StatusReversed || p.Status == x12.StatusReversed || back.Control != p.Control && back.Control != p.Original {
			continue
		}
		net := p.Paid + back.Paid
		if net > 0 {
			of(back.Control).more += net
			continue
		}
		from, err := v.noticeOf(told[j], set.Date)
		if err != nil {
			return nil, err
		}
		if net < 0 && from != "" {
			of(p.Control).defers -= net
			*left = append(*left, claims.Overpayment{Control: p.Control, Owed: -net, From: from})
		}
	}
	for control, x := range all {
		if x.returned < 0 {
			return nil, found(checkRecoupment, "payment %s takes a return of claim %s back", set.Trace, control)
		}
	}
	return all, nil
}

// noticeOf is from when what a decision takes back may be taken, "" for at once.
func (v *verifier) noticeOf(d *document[claims.ClaimDecisionDocument], on credentials.Date) (credentials.Date, error) {
	if !d.subject.Decision.Unasked() {
		return "", nil
	}
	plan, err := v.planOf(d.subject.Decision.Plan, d.issuer)
	if err != nil {
		return "", err
	}
	return plan.RecoupFrom(on), nil
}

// beside are the adjustments of a payment that are about what is owed on claims.
func beside(set *x12.Remittance) (some []x12.ProviderAdjustment) {
	for _, a := range set.Adjustments {
		if a.Reason == x12.ReasonRecovery || a.Reason == x12.ReasonReturn {
			some = append(some, a)
		}
	}
	return some
}
