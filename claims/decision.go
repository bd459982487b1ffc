package claims

import "github.com/countersign-health/countersign/credentials"

// An Outcome is what became of a claim. A pend is a decision too: signed, with
// its reason, waiting for what it names.
type Outcome string

const (
	Paid   Outcome = "paid" // adjudicated as payable, even where the patient owes all of it
	Denied Outcome = "denied"
	Pended Outcome = "pended"
	// Voided answers a void: what it names was taken back, and nothing takes its place.
	Voided Outcome = "voided"
)

// A Decision is the insurer's answer to one claim, to the cent. Its JCS form
// is what both parties must be able to compute.
type Decision struct {
	Submission credentials.Handle `json:"submission"`
	Claim      string             `json:"claim"` // CLM01
	Number     int                `json:"number"`
	Outcome    Outcome            `json:"outcome"`
	Rules      string             `json:"rules"`
	Plan       EditionRef         `json:"plan"`
	Fees       EditionRef         `json:"fees"`
	// ExclusionList is the edition of the list of excluded providers that was asked, if any.
	ExclusionList *EditionRef    `json:"exclusionList,omitempty"`
	Charge        Cents          `json:"charge"`
	Allowed       Cents          `json:"allowed"`
	Paid          Cents          `json:"paid"`
	Patient       Cents          `json:"patient"` // what the patient owes: all PR adjustments
	Lines         []LineDecision `json:"lines"`
	// Whole says that a hospital's claim was priced as one case and nothing adjusted at
	// a line alone: the lines' amounts are parts, divided by a fixed rule.
	Whole bool           `json:"whole,omitempty"`
	Pends []Pend         `json:"pends,omitempty"`
	Met   []Accumulators `json:"met,omitempty"`   // what this claim adds to each period
	Draws []Draw         `json:"draws,omitempty"` // units it takes from authorizations
	// Reversal is the final decision that this one takes back, if any: Adds, Takes
	// and NetPaid count both.
	Reversal *Reversal `json:"reversal,omitempty"`
}

// A LineDecision holds: Charge - sum of Adjustments = Paid.
type LineDecision struct {
	Line        int          `json:"line"`
	Outcome     Outcome      `json:"outcome"`
	Charge      Cents        `json:"charge"`
	Allowed     Cents        `json:"allowed"`
	Paid        Cents        `json:"paid"`
	Patient     Cents        `json:"patient"`
	Adjustments []Adjustment `json:"adjustments,omitempty"`
	Steps       []Step       `json:"steps"`
}

// Group is the 835's claim adjustment group code: who bears the amount.
type Group string

const (
	Contractual Group = "CO" // the provider writes it off
	Patient     Group = "PR" // the patient owes it
	OtherAdjust Group = "OA" // neither
)

// An Adjustment is an amount by which the payment differs from the charge.
type Adjustment struct {
	Group  Group  `json:"group"`
	CARC   string `json:"carc"`
	RARC   string `json:"rarc,omitempty"`
	Amount Cents  `json:"amount"`
}

// A Step is one rule that was applied to a line, in order.
type Step struct {
	Rule    string `json:"rule"`    // "timely-filing"
	Edition string `json:"edition"` // "demo-ppo 2026-01" or "rules/1"
	Before  Cents  `json:"before"`
	After   Cents  `json:"after"`
	Note    string `json:"note"` // our own plain words
	// Group, CARC and RARC of what the rule takes off, from rules/2 on. What the
	// out-of-pocket maximum gives back stands in a step of its own behind them.
	Group Group  `json:"group,omitempty"`
	CARC  string `json:"carc,omitempty"`
	RARC  string `json:"rarc,omitempty"`
}

// A Pend says what a claim or an authorization waits for.
type Pend struct {
	Line   int        `json:"line,omitempty"`
	Reason PendReason `json:"reason"`
	Note   string     `json:"note"`
	// By is the day by which it is to be settled, from rules/2 on. Nothing is
	// denied for being late: the clock is the insurer's.
	By credentials.Date `json:"by,omitempty"`
}

// A Draw takes units from an authorization.
type Draw struct {
	Authorization credentials.Handle `json:"authorization"`
	Line          int                `json:"line"`
	Code          string             `json:"code"`
	Units         Quantity           `json:"units"`
}
