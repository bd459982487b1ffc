package credentials

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// StandingRules names the edition of AnswerStanding. An answer names it, and is
// computed again by it. An edition that was released is never edited.
const StandingRules = "standing/1"

// A StandingQuestion asks whether a clinician may act in a state, for a
// service, on a day, by what was known at a moment.
type StandingQuestion struct {
	NPI     NPI    `json:"npi"`
	State   string `json:"state"`
	Service string `json:"service"` // such as a procedure code
	On      Date   `json:"on"`
	// Known is the moment by which a document has to be known, which it is from
	// the receipt's time on. Zero where Position says it.
	Known time.Time `json:"known,omitzero"`
	// Position takes what stands among the first so many entries of the ledger.
	Position int64 `json:"position,omitempty"`
}

// maxPosition is the largest integer that signed JSON holds exactly.
const maxPosition = 1<<53 - 1

// Check says in one line what is wrong with a question, by the name of its
// parameter, and never what stands there.
func (q StandingQuestion) Check() error {
	switch {
	case !q.NPI.WellFormed():
		return errors.New("npi: want ten digits")
	case len(q.State) != 2 || strings.ToUpper(q.State) != q.State || !restrictionCode(q.State):
		return errors.New("state: want the two letters of a state, such as CA")
	case !restrictionCode(q.Service):
		return errors.New("service: want a code such as 99213, of letters, digits, - . and _")
	case q.On < "1900-01-01" || q.On > "2200-12-31":
		return errors.New("on: want a day, YYYY-MM-DD")
	case q.Position < 0 || q.Position > maxPosition:
		return errors.New("known: a position is the number of entries that the ledger had")
	case q.Known.IsZero() == (q.Position == 0):
		return errors.New("known: want either a moment or a position")
	case !q.Known.Equal(wholeSecond(q.Known)):
		return errors.New("known: want whole seconds")
	}
	return nil
}

// A FeedMark says how far a board's feed was read.
type FeedMark struct {
	Board    DID       `json:"board"`
	Position int64     `json:"position"` // one more than the ledger index of its last event
	Read     time.Time `json:"read"`     // until when the board says that this was all
	// Fresh: what the board has not said, it has not done, as far as the question goes.
	Fresh bool `json:"fresh"`
}

// A KnownLicense is a license with its place on the ledger.
type KnownLicense struct {
	License
	Index int64     // of its entry
	Since time.Time // the time of its receipt
}

// A KnownOrder is an order with its place on the ledger.
type KnownOrder struct {
	Order
	Index int64
	Since time.Time
}

// A StandingRecord is all that a house holds of a clinician and a state: what
// was known later than the question asks for is there, too.
type StandingRecord struct {
	Feeds    []FeedMark // of every board of the state
	Licenses []KnownLicense
	Orders   []KnownOrder
}

// What is missing where the answer is Unknown.
const (
	MissingBoard  = "board"  // no board of the state is followed
	MissingFeed   = "feed"   // its feed is too old for the question
	MissingReview = "review" // a person has to hold the service against the restrictions
	MissingOrders = "orders" // the orders do not fit together, or are not understood
)

// A StandingBasis is what an answer rests on.
type StandingBasis struct {
	Feeds    []FeedMark `json:"feeds"`
	Licenses []Handle   `json:"licenses"`
	Orders   []Handle   `json:"orders"`
}

// A StandingAnswer is what a house signs: the answer with all that it follows
// from. It speaks of the moment in its question, and of nothing later.
type StandingAnswer struct {
	Handle   Handle           `json:"handle"`
	Question StandingQuestion `json:"question"`
	Answer   Answer           `json:"answer"` // may, may-not or unknown
	Missing  string           `json:"missing,omitempty"`
	Standing Standing         `json:"standing"` // as the rules have it, and why
	// License is the one that tells most about the answer; Order and Day are what
	// says so: the order, or the first or last day of the license.
	License Handle        `json:"license,omitzero"`
	Order   Handle        `json:"order,omitzero"`
	Day     Date          `json:"day,omitempty"`
	Basis   StandingBasis `json:"basis"`
	Rules   string        `json:"rules"`
}

func (a StandingAnswer) jurisdiction() string { return a.Question.State }

// AnswerStanding answers a question from a record. It is the same whoever
// computes it and in whatever sequence the record is listed.
//
// Only May is a yes. A restricted license answers Unknown: whether the service
// is within the restrictions, a person has to say. Where the feeds of all
// boards of the state are fresh and hold no license, the answer is MayNot, since
// boards tell of every license: more time will not bring one, and nobody acts on
// either. Where no board of the state is followed, it is Unknown.
func AnswerStanding(q StandingQuestion, r StandingRecord) (StandingAnswer, error) {
	if err := q.Check(); err != nil {
		return StandingAnswer{}, fmt.Errorf("question: %w", err)
	}
	a := StandingAnswer{Question: q, Rules: StandingRules, Basis: StandingBasis{Feeds: slices.Clone(r.Feeds), Licenses: []Handle{}, Orders: []Handle{}}}
	if a.Basis.Feeds == nil {
		a.Basis.Feeds = []FeedMark{}
	}
	slices.SortFunc(a.Basis.Feeds, func(x, y FeedMark) int { return strings.Compare(string(x.Board), string(y.Board)) })
	licenses, orders := q.known(r)
	for _, l := range licenses {
		a.Basis.Licenses = append(a.Basis.Licenses, l.Handle)
	}
	for _, o := range orders {
		a.Basis.Orders = append(a.Basis.Orders, o.Handle)
	}
	fresh := len(r.Feeds) > 0 && !slices.ContainsFunc(r.Feeds, func(f FeedMark) bool { return !f.Fresh })
	var by *Order
	var under *License
	a.Standing, by, under = standingOf(licenses, orders, q.State, q.On, fresh)
	if by != nil {
		a.Order = by.Handle
	}
	if under != nil {
		a.License, a.Day = under.Handle, under.dayOf(a.Standing.Reason, orders)
	}
	a.Answer, a.Missing = a.Standing.closed(len(r.Feeds) > 0)
	return a, nil
}

// known is what was known at the moment of the question, of the clinician and
// the state that it asks about, in the sequence of the ledger.
func (q StandingQuestion) known(r StandingRecord) (licenses []License, orders []Order) {
	then := func(index int64, since time.Time) bool {
		if q.Position > 0 {
			return index < q.Position
		}
		return !since.After(q.Known)
	}
	ls, os := slices.Clone(r.Licenses), slices.Clone(r.Orders)
	slices.SortFunc(ls, func(x, y KnownLicense) int { return int(x.Index - y.Index) })
	slices.SortFunc(os, func(x, y KnownOrder) int { return int(x.Index - y.Index) })
	of := map[Handle]bool{}
	for _, l := range ls {
		if l.NPI == q.NPI && l.Jurisdiction == q.State && then(l.Index, l.Since) {
			licenses, of[l.Handle] = append(licenses, l.License), true
		}
	}
	for _, o := range os {
		if of[o.License] && then(o.Index, o.Since) {
			orders = append(orders, o.Order)
		}
	}
	return licenses, orders
}

// closed is the answer that a door gives, and what it lacks.
func (s Standing) closed(followed bool) (Answer, string) {
	switch {
	case s.Answer == May || s.Answer == MayNot:
		return s.Answer, ""
	case s.Answer == MayRestricted:
		return Unknown, MissingReview
	case s.Reason == ReasonUnclear:
		return Unknown, MissingOrders
	case !followed:
		return Unknown, MissingBoard
	}
	return Unknown, MissingFeed
}

// dayOf is the day of the license that a reason speaks of.
func (l *License) dayOf(reason Reason, orders []Order) Date {
	switch reason {
	case ReasonNotYet:
		return l.From
	case ReasonExpired, ReasonLicensed:
		return LastDay(*l, orders)
	}
	return ""
}

// FreshFor says whether a feed that was read until a moment shows all that the
// question asks for: all that stands on the ledger up to its position, or all
// that was known at its moment, or at most patience before. Now says what a time
// from the future is; no clock is right to the second.
func (q StandingQuestion) FreshFor(position int64, read, now time.Time, patience, skew time.Duration) bool {
	if q.Position > 0 {
		return q.Position <= position
	}
	return q.Known.Sub(read) <= patience && read.Sub(now) <= skew
}
