package credentials

import (
	"slices"
	"strings"
	"time"
)

// LicenseMessages are what the list of messages can say of a license, the more
// serious one where there are several. The first says nothing.
var LicenseMessages = [4]string{"none", "restricted", "probation", "surrendered"}

// LicensePurposes are the lists that a license stands in, in the order of its
// entries.
var LicensePurposes = [3]StatusPurpose{PurposeRevocation, PurposeSuspension, PurposeMessage}

// LicenseStatus are the entries of a license, given the addresses of the lists
// and its place in each. The places have nothing to do with each other, so that
// nobody can follow a license from one list to another.
func LicenseStatus(listURL func(StatusPurpose) string, places [3]int) []StatusEntry {
	return []StatusEntry{
		NewStatusEntry(PurposeRevocation, listURL(PurposeRevocation), places[0]),
		NewStatusEntry(PurposeSuspension, listURL(PurposeSuspension), places[1]),
		NewMessageEntry(listURL(PurposeMessage), places[2], LicenseMessages),
	}
}

// A Listed is what the lists say of one license at an instant.
type Listed struct {
	Revoked   bool
	Suspended bool
	Message   int // of LicenseMessages
}

// Value is what the list of a purpose says.
func (s Listed) Value(p StatusPurpose) int {
	switch {
	case p == PurposeMessage:
		return s.Message
	case p == PurposeRevocation && s.Revoked, p == PurposeSuspension && s.Suspended:
		return 1
	}
	return 0
}

// ListedAt is what the orders upon a license come to now, for those who have
// nothing but the credential: the lists follow the orders and add nothing. Next
// is when that changes by itself, because an order begins or ends; zero where
// it does not. A list that is signed now must not outlive it.
//
// The standard calls a revocation irreversible, and so it is here: neither a
// reinstatement nor time clears the bit. It is clear only while no revocation
// binds, and the one way there and back is a void of the order, which says that
// on no day was the license revoked. That reverses nothing; it takes back what
// was never so (NPDB: a voided report is withdrawn). To leave the bit set would
// refuse a clinician for life, since a license keeps its credential, for the
// board's own error. Nothing is erased by it either: both orders stand on the
// ledger, and say when. A license that was itself issued in error stays revoked:
// a void cannot be voided.
//
// Orders that are not understood suspend: work stops until a person looks.
func ListedAt(l License, orders []Order, now time.Time) (s Listed, next time.Time) {
	r := recordOf(l, orders)
	s.Suspended, s.Revoked = r.unclear != nil, r.void != nil
	for _, o := range r.orders {
		if o.Action != OrderRevoke && o.Action != OrderSuspend && o.Action != OrderRestrict {
			continue
		}
		if at := r.changes(o, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
		if !r.binds(o, o.dayAt(now)) {
			continue
		}
		s.Revoked = s.Revoked || o.Action == OrderRevoke
		s.Suspended = s.Suspended || o.Action == OrderSuspend
		s.Message = max(s.Message, o.message(l.Jurisdiction))
	}
	return s, next
}

// dayAt is the civil date at an instant, in the offset in which the order's own
// instant is written.
func (o Order) dayAt(t time.Time) Date {
	_, offset := o.Effective.Zone()
	return DateOf(t.UTC().Add(time.Duration(offset) * time.Second))
}

// opens is the instant at which a day begins in the order's offset.
func (o Order) opens(d Date) time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	_, offset := o.Effective.Zone()
	return t.Add(-time.Duration(offset) * time.Second)
}

// changes is the next instant after now at which an order can begin or end.
func (r *record) changes(o Order, now time.Time) (next time.Time) {
	days := []Date{o.EffectiveDate()}
	if o.Until != "" {
		days = append(days, o.Until.AddDays(1))
	}
	if day, ok := r.lifted[o.Handle]; ok {
		days = append(days, day)
	}
	for _, d := range days {
		if t := o.opens(d); t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// SaysLess reports that the list of messages would say less under an order than
// the label says that the order is for: it goes by the order's reason.
func (o Order) SaysLess(state string, label Label) bool {
	return o.message(state) < max(slices.Index(LicenseMessages[:], label.Message), 0)
}

// message is what an order has the list say. Its reason may be one of the
// boards' labels for what it does, as "probation" is for a restriction.
func (o Order) message(state string) int {
	words := strings.NewReplacer("-", " ", ".", " ", "_", " ").Replace(o.Reason)
	if l, ok := findLabel(state, words); ok && l.Action() == o.Action && l.Message != "" {
		return slices.Index(LicenseMessages[:], l.Message)
	}
	if o.Action == OrderRestrict {
		return slices.Index(LicenseMessages[:], "restricted")
	}
	return 0
}
