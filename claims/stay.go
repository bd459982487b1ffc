package claims

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A StayAuthorization says which stays an edition wants authorized as such, by the
// day. Requests ask for one by a revenue code in place of a procedure.
type StayAuthorization struct {
	Bills   []string   // first two digits of the types of bill
	Revenue RevenueSet // only of claims with such a line; of any where there are none
	DRGs    []string   // only of these; of any where there are none
	// Emergency are types of admission (CL101) that need none: for their first
	// EmergencyDays, or at all where that is 0.
	Emergency     []string
	EmergencyDays int
	// ApproveDays is up to how many days a request is approved by rule.
	ApproveDays int
	// PayShort pays what is not paid by the day (a case, a share of the charge)
	// whole, also where fewer days are authorized than the stay has. What is paid by
	// the day is paid for those days in any case.
	PayShort bool
}

// StayRule finds whether a claim is for a stay that needs an authorization, nil
// where it needs none.
func (p *Plan) StayRule(c *Claim) *StayAuthorization {
	in := c.Institutional
	if p.Hospital == nil || p.Hospital.Authorization == nil || in == nil || !in.Inpatient() {
		return nil
	}
	r := p.Hospital.Authorization
	if !slices.Contains(r.Bills, in.Facility) || len(r.DRGs) > 0 && !slices.Contains(r.DRGs, in.DRG) ||
		len(r.Revenue) > 0 && !slices.ContainsFunc(c.Lines, func(l Line) bool { return r.Revenue.Has(l.Revenue) }) {
		return nil
	}
	return r
}

// StayCode says whether a request's item asks for days of a stay: its code is a
// revenue code then.
func StayCode(code string) bool { return len(code) == 4 && digits(code) }

// StayDays are the days of a stay by what was authorized of them. Those that are not
// to be paid are its last.
type StayDays struct {
	Free    int // need none, since the patient was admitted as an emergency
	Needed  int // the others
	Granted int // of Needed, by the authorization
	// CARC is why fewer are granted than needed, "" where they are not. Waits says
	// that the authorization is not decided.
	CARC  string
	Waits bool
	Note  string
}

// Paid are the days that may be paid.
func (s *StayDays) Paid() int {
	if s.CARC == "" {
		return s.Free + s.Needed
	}
	return s.Free + s.Granted
}

// StayOf holds a stay against its authorization, nil where it needs none.
func StayOf(c *Claim, p *Plan, e *Evidence) *StayDays {
	r := p.StayRule(c)
	if r == nil {
		return nil
	}
	s := &StayDays{}
	days, all := c.Institutional.stayDays()
	if slices.Contains(r.Emergency, c.Institutional.AdmissionType) {
		if s.Free = days; r.EmergencyDays > 0 {
			s.Free = min(days, r.EmergencyDays)
		}
	}
	if s.Needed = days - s.Free; s.Needed == 0 {
		s.Note = fmt.Sprintf("admitted as an emergency (admission type %s): its %d days need no authorization", c.Institutional.AdmissionType, s.Free)
		return s
	}
	s.held(e.Stay, all[min(s.Free, len(all)-1):])
	if s.CARC != "" && e.stayAside(s.CARC) {
		s.CARC, s.Note = "", s.Note+"; set aside on appeal"
	}
	return s
}

// held counts what an authorization grants of the days that need one.
func (s *StayDays) held(f *AuthorizationFact, days []credentials.Date) {
	switch {
	case f == nil:
		s.CARC, s.Note = CARCAuthorizationAbsent, "the stay needs a prior authorization; the claim names none"
		return
	case f.Found && f.Outcome == AuthorizationPended:
		s.Waits, s.Note = true, PendAuthorization.Words()
		return
	}
	if why := f.notForStay(days[0]); why != "" {
		s.CARC, s.Note = CARCAuthorizationInvalid, why
		return
	}
	within := 0
	for _, day := range days {
		if day.Within(f.From, f.Until) {
			within++
		}
	}
	s.Granted = min(s.Needed, within, int(max(f.Left, 0)/1000))
	s.Note = fmt.Sprintf("authorized from %s to %s, %s days left, %d of %d days of the stay", f.From, f.Until, max(f.Left, 0), s.Granted, s.Needed)
	if s.Granted < s.Needed {
		s.CARC = CARCAuthorizationExceeded
	}
}

func (f *AuthorizationFact) notForStay(first credentials.Date) string {
	switch {
	case !f.Found:
		return "no such prior authorization"
	case f.Outcome != AuthorizationApproved:
		return "the prior authorization is " + string(f.Outcome)
	case !f.Matches:
		return "the prior authorization is for another patient or hospital, or for no stay"
	case !first.Within(f.From, f.Until):
		return fmt.Sprintf("the prior authorization runs from %s to %s, and is needed from %s", f.From, f.Until, first)
	}
	return ""
}

// stayDays are the days that an authorization is for: the covered ones, of which
// the spans leave these; all where the claim contradicts itself about them.
func (in *Institutional) stayDays() (days int, all []credentials.Date) {
	first := max(in.From, in.Begins())
	for day := first; day < in.Through && len(all) < maxStay || day == first; day = day.AddDays(1) {
		all = append(all, day)
	}
	covered, why := in.CoveredDays()
	if why != "" {
		return len(all), all
	}
	left := slices.DeleteFunc(slices.Clone(all), in.uncovered)
	if len(left) == 0 {
		left = all
	}
	return covered, left
}

// stayAside says whether an appeal has set a denial for want of days aside, on any line.
func (e *Evidence) stayAside(carc string) bool {
	for i := range e.Appeals {
		if slices.ContainsFunc(e.Appeals[i].SetsAside, func(s SetAside) bool { return s.CARC == carc }) {
			return true
		}
	}
	return false
}

// stayAuthorization holds a line of a stay against the stay's authorization. What
// may be paid of a line by the day is for pricing; lines of other contracts are
// denied where no day is authorized, and as the edition says where some are.
func (a *adjudication) stayAuthorization(w *work) bool {
	const rule = "stay-authorization"
	s, terms := StayOf(a.claim, a.plan, a.evidence), a.plan.terms()
	switch {
	case s.Waits:
		return a.pend(w, rule, terms, PendAuthorization, s.Note)
	case s.CARC == "":
		return w.pass(rule, terms, s.Note)
	case s.Paid() == 0:
		return a.deny(w, rule, terms, s.CARC, "", s.Note)
	}
	k := a.plan.Hospital.ContractFor(a.claim, w.line)
	daily := k != nil && len(k.PerDiem) > 0
	switch {
	case daily && (a.plan.MayDeny(s.CARC) || a.refused()):
		return w.pass(rule, terms, fmt.Sprintf("%s; %d days are paid", s.Note, s.Paid()))
	case !daily && a.plan.Hospital.Authorization.PayShort:
		return w.pass(rule, terms, s.Note+"; what is not paid by the day is paid whole")
	}
	return a.deny(w, rule, terms, s.CARC, "", s.Note)
}

// stayDraw takes the days of a stay that is paid from its authorization: once, by
// its first line that is paid.
func (a *adjudication) stayDraw() *Draw {
	s := StayOf(a.claim, a.plan, a.evidence)
	if !a.hospital() || s == nil || s.Granted == 0 {
		return nil
	}
	for i := range a.lines {
		if w := &a.lines[i]; !w.denied {
			f := a.evidence.Stay
			return &Draw{Authorization: f.Handle, Line: w.line.Number, Code: f.Code, Units: Quantity(s.Granted) * 1000}
		}
	}
	return nil
}

// stayBelongs wants the stay's authorization exactly where the claim names one and
// the edition asks for it.
func (e *Evidence) stayBelongs(c *Claim, p *Plan) error {
	f, asked := e.Stay, p.StayRule(c) != nil && c.Authorization != ""
	switch {
	case asked != (f != nil):
		return fmt.Errorf("the facts of a stay's authorization are there: %t, and the claim and the plan's edition want them: %t", f != nil, asked)
	case f != nil && (f.Number != c.Authorization || cmp.Compare(f.Left, 0) < 0 && f.Matches || f.Matches && !StayCode(f.Code)):
		return fmt.Errorf("the facts of a stay's authorization are about another than the claim names, or about no stay")
	}
	return nil
}
