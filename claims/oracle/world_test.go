package oracle

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A world is a claim with everything around it as an insurer's books have it,
// before anybody made facts of it: the oracle reads it as it is, the engine
// gets evidence.
type world struct {
	seed           uint64
	plan           *claims.Plan
	claim          *claims.Claim
	received       credentials.Date
	found, matches bool
	covered        []claims.Coverage
	met            map[string]claims.Accumulators
	fees           []feeRow
	feeFile        *claims.Fees
	earlier        []earlierLine
	authorizations []authorization
	licenses       []credentials.License
	orders         []credentials.Order
	fresh          bool   // the board was heard
	approved       bool   // by a reviewer, after the first decision
	refused        bool   // likewise
	books          *books // what rules/2 asks besides; nil under rules/1
}

type feeRow struct {
	code, modifier, class string
	amount                claims.Cents
}

type earlierLine struct {
	line                  claims.Line
	billing, renderer     credentials.NPI
	reversed, otherMember bool
	paid                  bool // rules/2 asks: nothing follows from a service that was refused
}

type authorization struct {
	number, code string
	npi          credentials.NPI
	outcome      claims.AuthorizationOutcome
	from, until  credentials.Date
	left         claims.Quantity
	handle       credentials.Handle
}

// npi is who rendered a line, empty where the claim names nobody. On a hospital's
// claim it is the attending where nobody is named beside them.
func (w *world) npi(l *claims.Line) credentials.NPI {
	if in := w.claim.Institutional; in != nil && l.Rendering == nil && w.claim.Rendering == nil && in.Attending != nil {
		return in.Attending.NPI
	}
	if p := w.claim.Renderer(l); p != nil {
		return p.NPI
	}
	return ""
}

// evidence makes facts of the books, as the insurer does before it decides.
func (w *world) evidence() *claims.Evidence {
	e := &claims.Evidence{
		Submission: credentials.Handle{1}, Number: 1, Received: w.received, Plan: w.plan.Ref(),
		Fees:   w.feesRef(),
		Member: claims.MemberFact{Found: w.found, Matches: w.matches, Coverage: w.covered},
	}
	for _, period := range w.claim.Periods() {
		a := w.met[period]
		a.Period = period
		e.Accumulators = append(e.Accumulators, a)
	}
	for i := range w.claim.Lines {
		e.Lines = append(e.Lines, w.lineFact(&w.claim.Lines[i]))
	}
	if w.approved || w.refused {
		e.Number = 2
		e.Review = &claims.Determination{Handle: credentials.Handle{9}, Subject: e.Submission, Number: 1, Approve: w.approved, Reason: "reviewed"}
	}
	e.Stay = w.stayFact()
	if w.books != nil {
		w.laterFacts(e)
	}
	return e
}

func (w *world) lineFact(l *claims.Line) claims.LineFact {
	f := claims.LineFact{Line: l.Number}
	if w.books == nil {
		f.Fee = w.feeFile.Price(l.Code, l.Modifiers, w.claim.PlaceOf(l))
	}
	var earlier []claims.LineKey
	for _, e := range w.earlier {
		if !e.reversed && !e.otherMember {
			earlier = append(earlier, w.key(&e.line, e.billing, e.renderer))
		}
	}
	f.Duplicate = claims.Likeness(w.plan.Rules, w.key(l, w.claim.Billing.NPI, w.npi(l)), earlier)
	if number := w.claim.AuthorizationOf(l); number != "" {
		f.Authorization = w.authorizationFact(l, number)
	}
	f.Standing = *w.standing(l, l.From)
	if l.To > l.From {
		f.StandingLast = w.standing(l, l.To)
		if day := l.DoubtWithin(w.licensesOf(l), w.orders, w.claim.StateOf(l)); day != "" {
			f.StandingWithin = w.standing(l, day)
		}
	}
	return f
}

func (w *world) key(l *claims.Line, billing, rendering credentials.NPI) claims.LineKey {
	return claims.LineKey{Billing: billing, Rendering: rendering, On: l.From, Code: l.Key(), Modifiers: l.Modifiers, Units: l.Units, Charge: l.Charge}
}

func (w *world) authorizationFact(l *claims.Line, number string) *claims.AuthorizationFact {
	f := &claims.AuthorizationFact{Number: number}
	for _, a := range w.authorizations {
		if a.number != number {
			continue
		}
		matches := a.code == l.Code && a.npi == w.npi(l)
		if f.Found && f.Matches && !matches {
			continue
		}
		*f = claims.AuthorizationFact{Number: number, Handle: a.handle, Found: true, Outcome: a.outcome, Matches: matches,
			From: a.from, Until: a.until, Left: a.left}
	}
	return f
}

func (w *world) licensesOf(l *claims.Line) []credentials.License {
	return slices.DeleteFunc(slices.Clone(w.licenses), func(lic credentials.License) bool { return lic.NPI != w.npi(l) })
}

func (w *world) standing(l *claims.Line, on credentials.Date) *claims.StandingFact {
	s := &claims.StandingFact{NPI: w.npi(l), State: w.claim.StateOf(l), On: on, Feed: 1, Fresh: w.fresh}
	if s.NPI != "" {
		s.Standing = credentials.StandingOn(w.licensesOf(l), w.orders, s.State, on, w.fresh)
	} else {
		s.Standing = credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonNoLicense}
	}
	return s
}
