package oracle

import (
	"math/big"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The authorization of a stay as such, by the day. This, transfers and outliers were
// written by who wrote the rules, after them: it is another way to the same page, and
// not another reader of it.

// stayRule is the plan's, where it is for this claim.
func (w *world) stayRule() *claims.StayAuthorization {
	in := w.claim.Institutional
	if in == nil || w.plan.Hospital.Authorization == nil {
		return nil
	}
	r := w.plan.Hospital.Authorization
	room := len(r.Revenue) == 0
	for _, l := range w.claim.Lines {
		room = room || len(r.Revenue) > 0 && among(r.Revenue, l.Revenue)
	}
	if !room || !slices.Contains(r.Bills, in.Facility) || len(r.DRGs) > 0 && !slices.Contains(r.DRGs, in.DRG) {
		return nil
	}
	return r
}

// A held stay is what an authorization leaves of its days.
type heldStay struct {
	free, needed, granted int
	carc                  string // why not all
	waits                 bool
}

func (h heldStay) paid() int {
	if h.carc == "" {
		return h.free + h.needed
	}
	return h.free + h.granted
}

func (w *world) stayHeld(r *claims.StayAuthorization) (h heldStay) {
	in := w.claim.Institutional
	var all []credentials.Date // that are not in a span
	length := 0
	for day := max(in.From, begun(in)); day < in.Through || length == 0; day = next(day) {
		length++
		if !slices.ContainsFunc(in.Occurred, func(o claims.Occurrence) bool {
			return (o.Code == "74" || o.Code == "77" || o.Code == "79") && o.From <= day && day <= o.Through
		}) {
			all = append(all, day)
		}
	}
	days, known := coveredDays(in)
	if !known { // nobody can say which are covered: all need one
		days, all = length, nil
		for day := max(in.From, begun(in)); len(all) < length; day = next(day) {
			all = append(all, day)
		}
	}
	for _, t := range r.Emergency {
		if t == in.AdmissionType {
			h.free = days
			if r.EmergencyDays > 0 && r.EmergencyDays < days {
				h.free = r.EmergencyDays
			}
		}
	}
	if h.needed = days - h.free; h.needed == 0 {
		return h
	}
	first := all[min(h.free, len(all)-1)]
	var found *authorization
	for i := range w.authorizations {
		if w.authorizations[i].number == w.claim.Authorization {
			found = &w.authorizations[i]
		}
	}
	switch {
	case w.claim.Authorization == "":
		h.carc = "197"
	case found == nil:
		h.carc = "15"
	case found.outcome == claims.AuthorizationPended:
		h.waits = true
	case found.outcome != claims.AuthorizationApproved || len(found.code) != 4 || found.npi != w.claim.Billing.NPI || first < found.from || first > found.until:
		h.carc = "15"
	default:
		for n, day := range all {
			if n >= h.free && found.from <= day && day <= found.until && h.granted < h.needed && claims.Quantity(1000*(h.granted+1)) <= found.left {
				h.granted++
			}
		}
		if h.granted < h.needed {
			h.carc = "198"
		}
	}
	return h
}

// stayFinding is what that means for a line.
func (w *world) stayFinding(l *claims.Line, r *claims.StayAuthorization) finding {
	h := w.stayHeld(r)
	k := (&course{world: w}).hospitalContract(l)
	daily := k != nil && k.PerDiem != nil
	switch {
	case h.waits:
		return finding{wait: claims.PendAuthorization}
	case h.carc == "":
		return finding{}
	case h.paid() == 0, !daily && !r.PayShort:
		return finding{carc: h.carc}
	case daily && !w.refused && !slices.Contains(w.plan.MachineDenials, h.carc):
		return finding{carc: h.carc} // which a person has to give
	}
	return finding{}
}

// stayFact is what the engine is told.
func (w *world) stayFact() *claims.AuthorizationFact {
	if w.stayRule() == nil || w.claim.Authorization == "" {
		return nil
	}
	f := &claims.AuthorizationFact{Number: w.claim.Authorization}
	for _, a := range w.authorizations {
		if a.number != f.Number {
			continue
		}
		f = &claims.AuthorizationFact{Number: f.Number, Handle: a.handle, Found: true, Outcome: a.outcome}
		if claims.StayCode(a.code) {
			f.Matches, f.Code, f.From, f.Until, f.Left = a.npi == w.claim.Billing.NPI, a.code, a.from, a.until, a.left
		}
	}
	return f
}

// shortened takes off a case by the day what is for days that are not authorized:
// the amount of those that are paid is held against the same charge.
func (c *course) shortened(l *lot, k *claims.HospitalContract) {
	r := c.stayRule()
	if r == nil || k.PerDiem == nil {
		return
	}
	h := c.stayHeld(r)
	if h.carc == "" {
		return
	}
	paid, whole := c.daysAmount(k, h.paid()), total(l.worths)
	l.off, l.offCode = divided(notBelowZero(less(whole, paid)), l.worths), "CO-"+h.carc
	worths := make([]*big.Rat, len(l.worths))
	for i := range worths {
		worths[i] = less(l.worths[i], l.off[i])
	}
	l.worths = worths
}

// admit asks for the stay's authorization, mostly so that it suffices.
func (m *hospitalMaker) admit(w *world) {
	in := w.claim.Institutional
	in.AdmissionType = pick(m.maker, "1", "2", "3", "3", "")
	if w.stayRule() == nil || w.claim.Authorization != "" || m.one(12) {
		return
	}
	w.claim.Authorization = "STAY-1"
	if m.one(20) {
		return // which nobody knows
	}
	length := max(in.From, begun(in)).DaysUntil(in.Through)
	first := begun(in).AddDays(pick(m.maker, 0, 0, -3, -3, 1, 2))
	a := authorization{number: "STAY-1", code: pick(m.maker, "0120", "0120", "0120", "0110", "27447"), npi: w.claim.Billing.NPI, outcome: claims.AuthorizationApproved, from: first,
		until: in.Through.AddDays(pick(m.maker, 0, 30, 30, -1, -2)), left: claims.Quantity(1000 * max(0, length+pick(m.maker, 0, 0, 1, 5, -1, -1, -1, -2))), handle: credentials.Handle{90}}
	a.until = max(a.until, a.from)
	if m.one(12) {
		a.outcome = pick(m.maker, claims.AuthorizationPended, claims.AuthorizationDenied, claims.AuthorizationRevoked)
	}
	if m.one(15) {
		a.npi = doctorA
	}
	w.authorizations = append(w.authorizations, a)
}
