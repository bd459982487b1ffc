package credentials

import (
	"reflect"
	"slices"
)

// A License is what a board says of one clinician: who, what, where, from when
// until when. Number is opaque: its form is each board's own affair.
type License struct {
	// Holder is whose key is bound to the license from its first day: the
	// credential's subject, by a did:key that says nothing else of the clinician.
	// Board orders may bind another key later (HolderAt). Empty where none was
	// bound.
	Holder       DID    `json:"id,omitempty"`
	Handle       Handle `json:"handle"`
	NPI          NPI    `json:"npi"`
	Name         string `json:"name"`
	Jurisdiction string `json:"jurisdiction"` // two-letter state code
	Profession   string `json:"profession"`   // "MD", "DO", "NP", …
	Number       string `json:"number"`
	From         Date   `json:"from"`
	Until        Date   `json:"until"` // last day, included
	// Taxonomy are the codes of what the clinician may practice as, sorted, where
	// the board says. A DEA number is never in a license: see ParseDEA.
	Taxonomy []Taxonomy `json:"taxonomy,omitempty"`
}

// Equal says whether two licenses say the same.
func (l License) Equal(m License) bool {
	same := slices.Equal(l.Taxonomy, m.Taxonomy)
	l.Taxonomy, m.Taxonomy = nil, nil
	return same && reflect.DeepEqual(l, m)
}

// An Answer to "may this clinician practice?" Unknown is not a soft no: work
// that meets it waits for a person (it never pays and never denies).
type Answer string

const (
	May           Answer = "may"
	MayRestricted Answer = "may-restricted" // within restrictions that a person holds the service against
	MayNot        Answer = "may-not"
	Unknown       Answer = "unknown"
)

// Certain says whether the answer is one to go by.
func (a Answer) Certain() bool { return a == May || a == MayRestricted || a == MayNot }

// Standing is the answer for one day, with the reason that decided it.
type Standing struct {
	Answer Answer `json:"answer"`
	Reason Reason `json:"reason"`
	// Restrictions are the board's codes of MayRestricted, sorted, one space
	// between them.
	Restrictions string `json:"restrictions,omitempty"`
}

// A Reason says in a word why a standing is what it is.
type Reason string

const (
	ReasonLicensed   Reason = "licensed"
	ReasonNoLicense  Reason = "no-license-on-record"
	ReasonOtherState Reason = "licensed-elsewhere"
	ReasonNotYet     Reason = "not-yet-licensed"
	ReasonExpired    Reason = "license-expired"
	ReasonRestricted Reason = "license-restricted"
	ReasonSuspended  Reason = "license-suspended"
	ReasonRevoked    Reason = "license-revoked"
	ReasonVoid       Reason = "license-void" // issued in error: it never was one
	ReasonStale      Reason = "board-feed-stale"
	ReasonUnclear    Reason = "orders-unclear" // they name what is not there, or are not understood
)

// Ordered says whether a board order took the license away, as against one
// that never was or that ran out.
func (r Reason) Ordered() bool {
	return r == ReasonRevoked || r == ReasonSuspended || r == ReasonVoid
}
