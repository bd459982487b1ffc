package dossier

import (
	"bytes"
	"slices"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// checkAnswer computes an answer to a question of standing again, from the
// licenses and orders in the dossier and from how far the answer says that the
// boards' feeds were read. It does not stand on the ledger; what it rests on does.
func (v *verifier) checkAnswer(name string) error {
	h, d, err := open[credentials.StandingAnswer](v, name, credentials.KindStandingAnswer, 0)
	if err != nil {
		return err
	}
	a := &d.subject
	switch {
	case a.Handle != h:
		return found(checkName, "the answer in it has another handle")
	case a.Rules != credentials.StandingRules:
		return found(checkRecompute, "it goes by the rules %q, which this release does not have", a.Rules)
	case a.Question.Check() != nil:
		return found(checkFormat, "%v", a.Question.Check())
	case a.Question.Known.After(d.from.Add(clockSkew)):
		return found(checkStanding, "it was signed before the moment by which it says that it was known")
	}
	if err := v.checkMarks(d); err != nil {
		return err
	}
	record, err := v.recordOf(a)
	if err != nil {
		return err
	}
	if err := v.unheard(a); err != nil {
		return err
	}
	again, err := credentials.AnswerStanding(a.Question, record)
	if err != nil {
		return found(checkRecompute, "%v", err)
	}
	again.Handle = h
	x, errX := credentials.CanonicalJSON(again)
	y, errY := credentials.CanonicalJSON(a)
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		return found(checkRecompute, "by the licenses and orders in the dossier, the answer for %s on %s is %s (%s); it says %s (%s)",
			a.Question.State, a.Question.On, again.Answer, again.Standing.Reason, a.Answer, a.Standing.Reason)
	}
	v.report.Answers++
	return nil
}

// checkMarks wants each feed to be of a board of the state, read as far as the
// answer calls it fresh. A board answers for its own feed alone.
func (v *verifier) checkMarks(d *document[credentials.StandingAnswer]) error {
	q, feeds := d.subject.Question, d.subject.Basis.Feeds
	for i, f := range feeds {
		p, err := v.registry.PartyOf(f.Board)
		if err != nil || p.Role != ledger.RoleBoard || p.Jurisdiction != "" && p.Jurisdiction != q.State {
			return found(checkRole, "it rests on the feed of somebody who is no board of %s", q.State)
		}
		if i > 0 && f.Board == feeds[i-1].Board {
			return found(checkStanding, "it names the feed of a board twice")
		}
		if f.Fresh && !q.FreshFor(f.Position, f.Read, d.from, maxPatience, clockSkew) {
			return found(checkStanding, "it calls a feed fresh that had not been read as far as the question asks")
		}
	}
	if p, err := v.registry.PartyOf(d.issuer); err == nil && p.Role == ledger.RoleBoard && (len(feeds) != 1 || feeds[0].Board != d.issuer) {
		return found(checkRole, "a board answers by its own records alone")
	}
	return nil
}

// recordOf gathers what an answer names. All of it stands below the place up to
// which the feed of its board had been read.
func (v *verifier) recordOf(a *credentials.StandingAnswer) (r credentials.StandingRecord, err error) {
	r.Feeds = a.Basis.Feeds
	if repeats(a.Basis.Licenses) || repeats(a.Basis.Orders) {
		return r, found(checkStanding, "it names a license or an order twice")
	}
	for _, h := range a.Basis.Licenses {
		l := v.licenses[h]
		if l == nil {
			return r, v.need("a license that it rests on", fileOf(Licenses, h))
		}
		if m := markOf(a, l.issuer); m == nil || l.entry.proof.Index >= m.Position {
			return r, found(checkStanding, "%s comes later than its board's feed had been read", l.name)
		}
		r.Licenses = append(r.Licenses, credentials.KnownLicense{License: l.subject, Index: l.entry.proof.Index, Since: l.entry.proof.Known})
	}
	for _, h := range a.Basis.Orders {
		o := v.orders[h]
		if o == nil {
			return r, v.need("an order that it rests on", fileOf(Orders, h))
		}
		if m := markOf(a, o.issuer); m == nil || o.entry.proof.Index >= m.Position {
			return r, found(checkStanding, "%s comes later than its board's feed had been read", o.name)
		}
		r.Orders = append(r.Orders, credentials.KnownOrder{Order: o.subject, Index: o.entry.proof.Index, Since: o.entry.proof.Known})
	}
	return r, nil
}

// unheard looks for what the house must have heard and does not name: what
// stands below the place up to which it had read, and, where it calls the feed
// fresh, what was known for long.
func (v *verifier) unheard(a *credentials.StandingAnswer) error {
	q := a.Question
	heard := func(issuer credentials.DID, r *recorded) bool {
		m := markOf(a, issuer)
		switch {
		case m == nil:
			return false
		case q.Position > 0:
			return r.proof.Index < min(q.Position, m.Position)
		case r.proof.Known.After(q.Known):
			return false
		}
		return r.proof.Index < m.Position || m.Fresh && r.proof.Known.Add(maxPatience).Before(q.Known)
	}
	for _, l := range sortedByName(v.licenses) {
		if l.subject.NPI == q.NPI && l.subject.Jurisdiction == q.State && heard(l.issuer, l.entry) && !slices.Contains(a.Basis.Licenses, l.subject.Handle) {
			return found(checkStanding, "it leaves out %s, which the house had heard", l.name)
		}
	}
	for _, o := range sortedByName(v.orders) {
		if slices.Contains(a.Basis.Licenses, o.subject.License) && heard(o.issuer, o.entry) && !slices.Contains(a.Basis.Orders, o.subject.Handle) {
			return found(checkStanding, "it leaves out %s, which the house had heard", o.name)
		}
	}
	return nil
}

func markOf(a *credentials.StandingAnswer, board credentials.DID) *credentials.FeedMark {
	i := slices.IndexFunc(a.Basis.Feeds, func(f credentials.FeedMark) bool { return f.Board == board })
	if i < 0 {
		return nil
	}
	return &a.Basis.Feeds[i]
}
