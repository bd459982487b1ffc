package dossier

import (
	"cmp"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A statusList is one in the dossier, unpacked.
type statusList struct {
	*document[credentials.StatusListSubject]
	handle credentials.Handle
	bits   *credentials.StatusList
}

func (v *verifier) openList(name string) (*statusList, error) {
	d, h, err := signed[credentials.StatusListSubject](v, name, credentials.KindStatusList)
	if err != nil {
		return nil, err
	}
	bits, err := credentials.DecodeStatusList(d.subject.Encoded)
	if err != nil {
		return nil, found(checkFormat, "%v", err)
	}
	return &statusList{d, h, bits}, nil
}

// says looks up the places in the list that a document of its issuer names, and
// has judge say what is wrong with the value there.
func (l *statusList) says(name string, issuer credentials.DID, status []credentials.StatusEntry, judge func(value int) error) error {
	for i := range status {
		e := &status[i]
		if issuer != l.issuer || e.Credential+"#list" != l.subject.ID {
			continue
		}
		if e.Purpose != l.subject.Purpose {
			return found(checkFormat, "%s names it as a list for %s", name, e.Purpose)
		}
		place, err := e.Place()
		if err != nil {
			return found(checkFormat, "%s: %v", name, err)
		}
		value, err := l.bits.Get(place)
		if err != nil {
			return found(checkFormat, "%s: %v", name, err)
		}
		if err := judge(value); err != nil {
			return err
		}
	}
	return nil
}

// checkStatusList wants no receipt: a list lives a short time, and only the
// orders behind it say when. But it has to say what the orders came to when it
// was signed. A bit without an order means that the order has been taken out.
func (v *verifier) checkStatusList(name string) error {
	list, err := v.openList(name)
	if err != nil {
		return err
	}
	if r := v.entries[list.handle]; r != nil {
		if err := v.bind(r, ledger.KindStatusList, list.token, list.issuer); err != nil {
			return err
		}
	}
	for _, l := range sortedByName(v.licenses) {
		if err := list.says(l.name, l.issuer, l.status, func(value int) error {
			if !v.listed(l, list.subject.Purpose, value, list.from) {
				return found(checkStanding, "for %s it says %d of %s, and the orders in the dossier do not", list.subject.Purpose, value, l.name)
			}
			return nil
		}); err != nil {
			return err
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
