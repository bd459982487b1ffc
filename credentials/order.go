package credentials

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An OrderAction is what a board order does to a license.
type OrderAction string

// The actions of this release. The license itself is issued, not ordered.
const (
	// OrderRevoke takes the license away for good. It is not reinstated; one
	// that was ordered in error is voided.
	OrderRevoke OrderAction = "revoke"
	// OrderSuspend takes it away from a day on, until a last day or until it is
	// reinstated. Its end needs nobody to say so.
	OrderSuspend OrderAction = "suspend"
	// OrderReinstate ends suspensions and restrictions, which it names, from a
	// day on.
	OrderReinstate OrderAction = "reinstate"
	// OrderRestrict leaves the right to practice within restrictions, by the
	// board's own codes.
	OrderRestrict OrderAction = "restrict"
	// OrderRenew lets the license run from a day to a new last day.
	OrderRenew OrderAction = "renew"
	// OrderVoid says that an order, or where it names none the license itself,
	// was made in error: on no day was it ever in force. It erases nothing. What
	// was decided before it was known was decided rightly on what was known.
	OrderVoid OrderAction = "void"
	// OrderBind binds the license to another key of the clinician from an instant
	// on, or to none where a key was lost and there is no other yet. What was
	// bound before is not good afterwards.
	OrderBind OrderAction = "bind"
)

// OrderActions are all of them.
var OrderActions = []OrderAction{OrderRevoke, OrderSuspend, OrderReinstate, OrderRestrict, OrderRenew, OrderVoid, OrderBind}

// ParseOrderAction refuses actions that this release does not know, because an
// order that is not understood must stop work, not be passed over.
func ParseOrderAction(s string) (OrderAction, error) {
	if a := OrderAction(s); slices.Contains(OrderActions, a) {
		return a, nil
	}
	return "", fmt.Errorf("board order action %q is not known: want one of %q", s, OrderActions)
}

// maxUpon bounds the lists of an order.
const maxUpon = 16

// An Order is a board's act upon a license, effective from an instant. The
// civil date of that instant, in the offset in which it is written, is the
// first day on which it binds; of a void, it is that of what it voids.
type Order struct {
	Handle    Handle      `json:"handle"`
	License   Handle      `json:"license"`
	Action    OrderAction `json:"action"`
	Effective time.Time   `json:"effective"`
	Reason    string      `json:"reason"` // the board's own reason code, nothing personal
	// Until is the last day, included: of a suspension or a restriction, empty
	// where it is open; of a renewal, the license's new one.
	Until Date `json:"until,omitempty"`
	// Restrictions are the board's own codes, sorted.
	Restrictions []string `json:"restrictions,omitempty"`
	// Upon are the orders that a reinstatement ends or a void voids.
	Upon []Handle `json:"upon,omitempty"`
	// Holder is the did:key to which an order binds the license; empty where it
	// leaves it without a key.
	Holder DID `json:"holder,omitempty"`
}

// EffectiveDate is the first civil date on which the order binds.
func (o Order) EffectiveDate() Date { return DateOf(o.Effective) }

// Ends says whether the order ends the license for good: it revokes it, or says
// that it was issued in error.
func (o Order) Ends() bool {
	return o.Action == OrderRevoke || o.Action == OrderVoid && len(o.Upon) == 0
}

// Check says whether the order has what its action needs and nothing else. What
// it names is not looked at: that takes the other orders upon the license.
func (o Order) Check() error {
	if _, err := ParseOrderAction(string(o.Action)); err != nil {
		return fmt.Errorf("action: %w", err)
	}
	dated := o.Action == OrderSuspend || o.Action == OrderRestrict || o.Action == OrderRenew
	switch {
	case o.Until != "" && !dated:
		return fmt.Errorf("until: the order %q has no last day", o.Action)
	case o.Until == "" && o.Action == OrderRenew:
		return errors.New("until: a renewal needs the license's new last day")
	case o.Until != "" && o.Until < o.EffectiveDate():
		return errors.New("until: it lies before the day from which the order binds")
	case (len(o.Restrictions) > 0) != (o.Action == OrderRestrict):
		return errors.New("restrictions: an order that restricts names at least one, any other none")
	case o.Action == OrderReinstate && len(o.Upon) == 0:
		return errors.New("upon: a reinstatement names the orders that it ends")
	case o.Action == OrderVoid && len(o.Upon) > 1:
		return errors.New("upon: a void names one order, or none where it voids the license")
	case len(o.Upon) > 0 && o.Action != OrderReinstate && o.Action != OrderVoid:
		return fmt.Errorf("upon: the order %q is upon no other order", o.Action)
	case o.Holder != "" && o.Action != OrderBind:
		return fmt.Errorf("holder: the order %q binds no key", o.Action)
	case len(o.Restrictions) > maxUpon || len(o.Upon) > maxUpon:
		return fmt.Errorf("restrictions, upon: at most %d", maxUpon)
	}
	if o.Holder != "" {
		if err := CheckHolder(o.Holder); err != nil {
			return fmt.Errorf("holder: %w", err)
		}
	}
	for i, r := range o.Restrictions {
		if !restrictionCode(r) || i > 0 && r <= o.Restrictions[i-1] {
			return errors.New("restrictions: want codes of letters, digits, - . and _, sorted, none twice")
		}
	}
	for i, h := range o.Upon {
		if h.IsZero() || slices.Contains(o.Upon[:i], h) {
			return errors.New("upon: want handles of orders, none twice")
		}
	}
	return nil
}

func restrictionCode(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-._", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= 40
}
