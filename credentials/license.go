package credentials

import (
	"fmt"
	"time"
)

// A License is what a board says of one clinician: who, what, where, from when
// until when. Number is opaque: its form is each board's own affair.
type License struct {
	Handle       Handle `json:"handle"`
	NPI          NPI    `json:"npi"`
	Name         string `json:"name"`
	Jurisdiction string `json:"jurisdiction"` // two-letter state code
	Profession   string `json:"profession"`   // "MD", "DO", "NP", …
	Number       string `json:"number"`
	From         Date   `json:"from"`
	Until        Date   `json:"until"` // last day, included
}

// An OrderAction is what a board order does to a license.
type OrderAction string

// The actions of this release. A revocation is never undone; a new license is
// a new handle.
const OrderRevoke OrderAction = "revoke"

// ParseOrderAction refuses actions that this release does not know, because an
// order that is not understood must stop work, not be passed over.
func ParseOrderAction(s string) (OrderAction, error) {
	if a := OrderAction(s); a == OrderRevoke {
		return a, nil
	}
	return "", fmt.Errorf("board order action %q is not known: want %q", s, OrderRevoke)
}

// An Order is a board's act upon a license, effective from an instant. The
// civil date of that instant, in the offset in which it is written, is the
// first day on which it binds.
type Order struct {
	Handle    Handle      `json:"handle"`
	License   Handle      `json:"license"`
	Action    OrderAction `json:"action"`
	Effective time.Time   `json:"effective"`
	Reason    string      `json:"reason"` // the board's own reason code, nothing personal
}

// EffectiveDate is the first civil date on which the order binds.
func (o Order) EffectiveDate() Date { return DateOf(o.Effective) }

// An Answer to "may this clinician practice?" Unknown is not a soft no: work
// that meets it waits for a person (it never pays and never denies).
type Answer string

const (
	May     Answer = "may"
	MayNot  Answer = "may-not"
	Unknown Answer = "unknown"
)

// Standing is the answer for one day, with the reason that decided it.
type Standing struct {
	Answer Answer `json:"answer"`
	Reason Reason `json:"reason"`
}

// A Reason says in a word why a standing is what it is.
type Reason string

const (
	ReasonLicensed   Reason = "licensed"
	ReasonNoLicense  Reason = "no-license-on-record"
	ReasonOtherState Reason = "licensed-elsewhere"
	ReasonNotYet     Reason = "not-yet-licensed"
	ReasonExpired    Reason = "license-expired"
	ReasonRevoked    Reason = "license-revoked"
	ReasonStale      Reason = "board-feed-stale"
)

// StandingOn answers for a service in state on date on, given the licenses on
// record for the clinician and the orders known about them. It is decided by
// the date of service against the effective date of the order, so that work
// done before a revocation is still paid.
//
// Fresh says whether the board's feed was current when the records were read.
// A stale feed cannot prove that nothing happened, neither a revocation nor a
// renewal, so it answers Unknown; only a revocation that is on record still
// stands, because no later record undoes it.
func StandingOn(licenses []License, orders []Order, state string, on Date, fresh bool) Standing {
	best := Standing{MayNot, ReasonNoLicense}
	for _, l := range licenses {
		if s := standingUnder(l, orders, state, on); weight(s.Reason) > weight(best.Reason) {
			best = s
		}
	}
	if !fresh && best.Reason != ReasonRevoked {
		return Standing{Unknown, ReasonStale}
	}
	return best
}

// weight orders what several licenses of one clinician say: a license in force
// wins, then what tells most about why there is none. The order in which the
// licenses are listed decides nothing.
func weight(r Reason) int {
	switch r {
	case ReasonLicensed:
		return 5
	case ReasonRevoked:
		return 4
	case ReasonExpired:
		return 3
	case ReasonNotYet:
		return 2
	case ReasonOtherState:
		return 1
	}
	return 0
}

func standingUnder(l License, orders []Order, state string, on Date) Standing {
	if l.Jurisdiction != state {
		return Standing{MayNot, ReasonOtherState}
	}
	for _, o := range orders {
		if o.License == l.Handle && o.Action == OrderRevoke && on >= o.EffectiveDate() {
			return Standing{MayNot, ReasonRevoked}
		}
	}
	switch {
	case on < l.From:
		return Standing{MayNot, ReasonNotYet}
	case on > l.Until:
		return Standing{MayNot, ReasonExpired}
	}
	return Standing{May, ReasonLicensed}
}

// FirstRevocation is the effective date of the first order that takes any of
// the licenses away inside [from, until], or empty. An order that binds before
// from counts as binding on from.
func FirstRevocation(licenses []License, orders []Order, from, until Date) Date {
	first := Date("")
	for _, l := range licenses {
		for _, o := range orders {
			if o.License != l.Handle || o.Action != OrderRevoke || o.EffectiveDate() > until {
				continue
			}
			if d := max(o.EffectiveDate(), from); first == "" || d < first {
				first = d
			}
		}
	}
	return first
}
