package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// A PaymentState is where the money of a final decision (paid or denied)
// stands. It follows from what the books hold and is kept nowhere else, so that
// nothing stays payable because somebody forgot to say otherwise.
type PaymentState string

const (
	// PaymentDecided: settled; the decision's receipt is still to come, so
	// that it is no decision to anyone outside, and nothing is paid on it.
	PaymentDecided PaymentState = "decided"
	// PaymentHeld: the receipt is there and something forbids to pay; see Hold.
	PaymentHeld PaymentState = "held"
	// PaymentPayable: the receipt is there and nothing holds it.
	PaymentPayable PaymentState = "payable"
	// PaymentReleased: it stands in a remittance whose own ledger entry has no
	// receipt yet. No later run takes it, and nobody outside sees the remittance.
	PaymentReleased PaymentState = "released"
	// PaymentPaid: it stands in a remittance whose ledger entry has its
	// receipt: only now does the payee get the 835, and only now may money move.
	PaymentPaid PaymentState = "paid"
)

// PaymentStates are all of them, in the order in which a decision takes them.
var PaymentStates = []PaymentState{PaymentDecided, PaymentHeld, PaymentPayable, PaymentReleased, PaymentPaid}

// ParsePaymentState refuses states that this release does not know.
func ParsePaymentState(s string) (PaymentState, error) {
	for _, p := range PaymentStates {
		if s == string(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("payment state %q is not known: want one of %q", s, PaymentStates)
}

// PaymentStateOf says where a decision stands: whether its receipt is there,
// whether a remittance took it, whether that one's receipt is there, and what
// holds it. What a remittance took stays taken, whatever would hold it later.
func PaymentStateOf(receipt, taken, takenReceipt bool, hold *Hold) PaymentState {
	switch {
	case taken && takenReceipt:
		return PaymentPaid
	case taken:
		return PaymentReleased
	case !receipt:
		return PaymentDecided
	case hold != nil:
		return PaymentHeld
	}
	return PaymentPayable
}

// A HoldReason says why a decision is not paid.
type HoldReason string

const (
	// HoldOrder: a board order that became known after the decision covers the
	// date of service. Held until the claim is decided anew.
	HoldOrder HoldReason = "board-order"
	// HoldStanding: the board's feed is older than the insurer's patience, so
	// that its silence proves nothing. Held until the feed is heard again.
	HoldStanding HoldReason = "standing-unknown"
	// HoldLicense: the decision rests on a license that no longer answers "may"
	// for the date of service, without an order. Held until it is decided anew.
	HoldLicense HoldReason = "license-not-in-force"
	// HoldRestriction: the license was restricted by an order that became known
	// after the decision. Held until a reviewer has decided the claim anew.
	HoldRestriction HoldReason = "license-restricted"
	// HoldExclusion: a list of excluded providers that was published after the
	// decision says otherwise of somebody who had a part in it. Held until the claim
	// has been decided anew.
	HoldExclusion HoldReason = "exclusion-list"
	// HoldStaff: somebody of the insurer's staff holds the claim. Held until
	// somebody of the staff lets it go.
	HoldStaff HoldReason = "staff"
	// HoldRecoupment: the payee owes for what turned out to be paid wrongly.
	// Held until the debt is recovered.
	HoldRecoupment HoldReason = "recoupment"
	// HoldUnwritable: the 835 of the submitter could not be written. Held until
	// it can be.
	HoldUnwritable HoldReason = "remittance-unwritable"
)

var holdWords = map[HoldReason]string{
	HoldOrder:       "a board order that became known after the decision covers the date of service; the claim has to be decided anew",
	HoldStanding:    "the board's feed is too old to say whether the license still stands",
	HoldLicense:     "the license no longer answers for the date of service; the claim has to be decided anew",
	HoldRestriction: "the license is restricted for the date of service by an order that became known after the decision; a reviewer has to decide the claim anew",
	HoldExclusion:   "a newer list of excluded providers says otherwise of somebody who had a part in it; the claim has to be decided anew",
	HoldStaff:       "held by the insurer's staff",
	HoldRecoupment:  "the payee owes for a payment that turned out to be wrong, and this is kept against it",
	HoldUnwritable:  "the remittance of this submitter cannot be written",
}

// HoldReasons are all of them, in the order in which they are asked.
var HoldReasons = []HoldReason{HoldOrder, HoldLicense, HoldExclusion, HoldRestriction, HoldStaff, HoldStanding, HoldRecoupment, HoldUnwritable}

// ParseHoldReason refuses reasons that this release does not know.
func ParseHoldReason(s string) (HoldReason, error) {
	if _, ok := holdWords[HoldReason(s)]; ok {
		return HoldReason(s), nil
	}
	return "", fmt.Errorf("hold reason %q is not known: want one of %q", s, HoldReasons)
}

// Words are the reason in plain words.
func (r HoldReason) Words() string { return holdWords[r] }

// A Hold is why one decision is not paid.
type Hold struct {
	Reason HoldReason         `json:"reason"`
	Order  credentials.Handle `json:"order,omitzero"`  // of HoldOrder
	Code   string             `json:"code,omitempty"`  // of HoldStaff: the insurer's own
	By     string             `json:"by,omitempty"`    // of HoldStaff: whose key
	Fault  string             `json:"fault,omitempty"` // of HoldUnwritable
}

// A Payee is who is paid: the billing provider.
type Payee struct {
	NPI   credentials.NPI `json:"npi"`
	TaxID string          `json:"taxId,omitempty"`
}

// A Rest is a standing that a decision's payment rests on, with what the
// books say of it now.
type Rest struct {
	NPI      credentials.NPI
	State    string
	On       credentials.Date
	Standing credentials.Standing
	Order    credentials.Handle // that takes the license away, where one does
	// Reviewed are the restrictions that stood in the evidence of the decision.
	Reviewed string
}

// A Due is a final decision that has its receipt and stands in no remittance.
type Due struct {
	Payee   Payee
	Outcome Outcome
	Paid    Cents
	Rests   []Rest
	Staff   *Hold // set by the insurer's staff
	// Listed: the list of excluded providers that was asked has said otherwise since
	// of somebody who had a part in it, on a day of it.
	Listed bool
}

// Holds says for each of them, oldest first, what holds it, nil where nothing
// does. Debts are what payees owe by NPI. A payee's decisions are kept against
// its debt whole and oldest first, until what is kept covers the debt.
func Holds(dues []Due, debts map[credentials.NPI]Cents) []*Hold {
	kept := map[credentials.NPI]Cents{}
	holds := make([]*Hold, len(dues))
	for i := range dues {
		d := &dues[i]
		if holds[i] = d.hold(); holds[i] != nil || d.Paid <= 0 {
			continue
		}
		if npi := d.Payee.NPI; kept[npi] < debts[npi] {
			kept[npi] += d.Paid
			holds[i] = &Hold{Reason: HoldRecoupment}
		}
	}
	return holds
}

// hold is what holds a decision whatever its payee owes. A denial pays nothing
// and is told whatever became of a license; a decision that says paid has to
// rest on standings, and on none that is in doubt.
func (d *Due) hold() *Hold {
	if d.Outcome == Paid {
		for _, r := range d.Rests {
			if r.Standing.Reason.Ordered() {
				return &Hold{Reason: HoldOrder, Order: r.Order}
			}
		}
		for _, r := range d.Rests {
			if r.Standing.Answer == credentials.MayNot {
				return &Hold{Reason: HoldLicense}
			}
		}
	}
	if d.Outcome == Paid && d.Listed {
		return &Hold{Reason: HoldExclusion} // 42 CFR 1001.1901(b): nothing is paid for what they furnish
	}
	if d.Outcome == Paid {
		for _, r := range d.Rests {
			if r.Standing.Answer == credentials.MayRestricted && !r.reviewed() {
				return &Hold{Reason: HoldRestriction}
			}
		}
	}
	if d.Staff != nil {
		return d.Staff
	}
	if d.Outcome == Denied || d.Outcome == Voided {
		return nil
	}
	for _, r := range d.Rests {
		if r.Standing.Answer != credentials.May && r.Standing.Answer != credentials.MayRestricted {
			return &Hold{Reason: HoldStanding}
		}
	}
	if len(d.Rests) == 0 || d.Outcome != Paid {
		return &Hold{Reason: HoldStanding}
	}
	return nil
}

// reviewed says whether a reviewer had every restriction before them.
func (r *Rest) reviewed() bool {
	known := strings.Fields(r.Reviewed)
	for _, code := range strings.Fields(r.Standing.Restrictions) {
		if !slices.Contains(known, code) {
			return false
		}
	}
	return r.Standing.Restrictions != ""
}
