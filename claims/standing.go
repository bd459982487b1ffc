package claims

import (
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// standing: whoever rendered the line was licensed there on that day (CARC B7).
// It is judged by the date of service, so that work done before a revocation
// is paid. What is not known for certain waits; nobody can approve it away. A
// restricted license waits for a reviewer, who holds the service against the
// restrictions.
func (a *adjudication) standing(w *work) bool {
	const rule = "license"
	first := &w.fact.Standing
	if first.NPI == "" {
		return a.pend(w, rule, a.rules.name, PendNobodyNamed, "neither the claim nor the roster names who rendered the service")
	}
	standings := w.fact.Standings()
	if w.line.From != w.line.To && w.fact.StandingLast == nil {
		standings = append(standings, nil)
	}
	for _, s := range standings {
		if why := a.unsure(w, s); why != "" {
			return a.pend(w, rule, a.rules.name, PendStanding, why)
		}
	}
	for _, s := range standings {
		if s.Standing.Answer == credentials.MayNot {
			return a.deny(w, rule, a.rules.name, CARCNotLicensed, "",
				fmt.Sprintf("NPI %s in %s on %s: %s", s.NPI, s.State, s.On, s.Standing.Reason))
		}
	}
	for _, s := range standings {
		if s.Standing.Answer == credentials.MayRestricted {
			return a.pend(w, rule, a.rules.name, PendRestriction,
				fmt.Sprintf("NPI %s in %s on %s: the license is restricted (%s)", s.NPI, s.State, s.On, s.Standing.Restrictions))
		}
	}
	return w.pass(rule, a.rules.name, fmt.Sprintf("NPI %s was licensed in %s on %s", first.NPI, first.State, span(w.line.From, w.line.To)))
}

// unsure says why a standing cannot be relied upon, "" where it can.
func (a *adjudication) unsure(w *work, s *StandingFact) string {
	switch {
	case s == nil:
		return "the service took several days and the standing on its last day is missing"
	case s.State == "" || s.State != a.claim.StateOf(w.line):
		return "the state in which the patient was is not the one that was asked about"
	case !s.Fresh:
		return "the board's feed was not current when it was read"
	case !s.Standing.Answer.Certain():
		return fmt.Sprintf("no certain answer for %s: %s", s.On, s.Standing.Reason)
	}
	return ""
}

// StateOf is where the patient was: by telehealth (places 02 and 10) at the
// patient's own address, else where the service was given. A license is judged there.
func (c *Claim) StateOf(l *Line) string {
	if place := c.PlaceOf(l); place == "02" || place == "10" {
		patient := c.PatientPerson().Address.State
		if patient == "" {
			patient = c.Subscriber.Address.State
		}
		if patient != "" {
			return patient
		}
	}
	return c.ServiceState
}

// authorization: what has to be asked for first was, and was granted for this
// service, these days and this many units (CARC 197, 15, 198). Too few units
// left deny the whole line, not the excess.
func (a *adjudication) authorization(w *work) bool {
	const rule = "authorization"
	if a.hospital() && a.plan.StayRule(a.claim) != nil {
		return a.stayAuthorization(w)
	}
	terms := a.plan.terms()
	why := w.line.named()
	if t := a.needsAuthorization(w); t != nil {
		why += " (" + t.Name + ": " + t.Note + ")"
	} else if !a.plan.Authorization.Required.Has(w.line.Code) {
		return w.pass(rule, terms, "none is required for "+w.line.named())
	}
	f := w.fact.Authorization
	if f == nil {
		return a.deny(w, rule, terms, CARCAuthorizationAbsent, "", why+" needs a prior authorization; the claim names none")
	}
	if f.Found && f.Outcome == AuthorizationPended {
		return a.pend(w, rule, terms, PendAuthorization, PendAuthorization.Words())
	}
	if why := invalid(f, w.line); why != "" {
		return a.deny(w, rule, terms, CARCAuthorizationInvalid, "", why)
	}
	left := f.Left
	for _, other := range a.decided {
		if other.draw != nil && !other.denied && other.draw.Authorization == f.Handle && other.line.Code == w.line.Code {
			left -= other.draw.Units
		}
	}
	if left < w.line.Units {
		return a.deny(w, rule, terms, CARCAuthorizationExceeded, "",
			fmt.Sprintf("%s units claimed, %s left", w.line.Units, max(left, 0)))
	}
	w.draw = &Draw{Authorization: f.Handle, Line: w.line.Number, Code: w.line.Code, Units: w.line.Units}
	return w.pass(rule, terms, fmt.Sprintf("authorized from %s to %s, %s units left", f.From, f.Until, left))
}

// invalid says why an authorization that was decided does not cover a line.
func invalid(f *AuthorizationFact, l *Line) string {
	switch {
	case !f.Found:
		return "no such prior authorization"
	case f.Outcome != AuthorizationApproved:
		return "the prior authorization is " + string(f.Outcome)
	case !f.Matches:
		return "the prior authorization is for another patient, clinician or service"
	case !l.From.Within(f.From, f.Until) || !l.To.Within(f.From, f.Until):
		return fmt.Sprintf("the prior authorization runs from %s to %s", f.From, f.Until)
	}
	return ""
}
