package dossier

import (
	"cmp"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// checkStatusList wants no receipt: a list lives a short time, and only the
// orders behind it say when. But it has to say what the orders came to when it
// was signed. A bit without an order means that the order has been taken out.
func (v *verifier) checkStatusList(name string) error {
	d, h, err := signed[credentials.StatusListSubject](v, name, credentials.KindStatusList)
	if err != nil {
		return err
	}
	if r := v.entries[h]; r != nil {
		if err := v.bind(r, ledger.KindStatusList, d.token, d.issuer); err != nil {
			return err
		}
	}
	list, err := credentials.DecodeStatusList(d.subject.Encoded)
	if err != nil {
		return found(checkFormat, "%v", err)
	}
	for _, l := range sortedByName(v.licenses) {
		for i := range l.status {
			e := &l.status[i]
			if l.issuer != d.issuer || e.Credential+"#list" != d.subject.ID {
				continue
			}
			if e.Purpose != d.subject.Purpose {
				return found(checkFormat, "%s names it as a list for %s", l.name, e.Purpose)
			}
			place, err := e.Place()
			if err != nil {
				return found(checkFormat, "%s: %v", l.name, err)
			}
			value, err := list.Get(place)
			if err != nil || !v.listed(l, e.Purpose, value, d.from) {
				return found(checkStanding, "for %s it says %d of %s, and the orders in the dossier do not", e.Purpose, value, l.name)
			}
		}
	}
	return nil
}

// listed says whether a list that was signed at a time can have had a value for
// a license. Orders count in the sequence of the ledger. What the witnesses knew
// by then has to be in it, and what they learned later may have been.
func (v *verifier) listed(l *document[credentials.License], p credentials.StatusPurpose, value int, at time.Time) bool {
	var upon []*document[credentials.Order]
	for _, o := range v.orders {
		if o.subject.License == l.subject.Handle {
			upon = append(upon, o)
		}
	}
	slices.SortFunc(upon, func(a, b *document[credentials.Order]) int {
		return cmp.Compare(a.entry.proof.Index, b.entry.proof.Index)
	})
	var orders []credentials.Order
	for i := 0; ; i++ {
		all := i == len(upon)
		if all || !upon[i].entry.proof.Known.Before(at.Add(-clockSkew)) {
			if s, _ := credentials.ListedAt(l.subject, orders, at); s.Value(p) == value {
				return true
			}
		}
		if all {
			return false
		}
		orders = append(orders, upon[i].subject)
	}
}
