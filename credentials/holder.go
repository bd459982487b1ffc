package credentials

import (
	"errors"
	"time"
)

// CheckHolder says whether a DID can be bound to a license: a did:key of Ed25519
// or P-256, which is its own key. So nobody has to be asked whose key signed, and
// a key is replaced by the board alone (OrderBind), never by who has stolen it.
func CheckHolder(d DID) error {
	if _, err := ResolveDIDKey(string(d) + "#" + keyOfDID(d)); err != nil {
		return errors.New("want a did:key")
	}
	return nil
}

// keyOfDID is the fragment by which the key of a did:key signs.
func keyOfDID(d DID) string {
	if len(d) <= len(didKeyPrefix) {
		return ""
	}
	return string(d[len(didKeyPrefix):])
}

// HolderAt is the DID whose key was bound to a license at an instant, given the
// orders known about it; empty where none was. It is decided by the instants from
// which orders bind, not by their sequence. An error says that it is not known:
// then no signature is good.
func HolderAt(l License, orders []Order, at time.Time) (DID, error) {
	r := recordOf(l, orders)
	if r.unclear != nil {
		return "", errors.New("the orders upon the license do not fit together")
	}
	holder, since := l.Holder, time.Time{}
	for _, o := range r.orders {
		switch {
		case o.Action != OrderBind || o.Effective.After(at) || o.Effective.Before(since):
		case o.Effective.Equal(since) && o.Holder != holder:
			return "", errors.New("two orders bind the license to two keys at once")
		default:
			holder, since = o.Holder, o.Effective
		}
	}
	return holder, nil
}

// mayBind: keys follow one another, and each order changes the key.
func (r *record) mayBind(l License, o Order) error {
	holder := l.Holder
	var since time.Time
	for _, p := range r.orders {
		if p.Action != OrderBind {
			continue
		}
		if !o.Effective.After(p.Effective) {
			return errors.New("effective: the license is bound to another key from then on already: void that order first")
		}
		if !p.Effective.Before(since) {
			holder, since = p.Holder, p.Effective
		}
	}
	if o.Holder == holder {
		return errors.New("holder: the license is bound to that already")
	}
	return nil
}
