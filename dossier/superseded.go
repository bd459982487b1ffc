package dossier

import (
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A Standing says whether a decision that names status lists still stands, as
// far as a dossier can tell: by the decisions and lists in it. What became of it
// since, only its insurer says.
type Standing struct {
	File string `json:"file"`
	// SupersededBy is the decision in the dossier that follows it.
	SupersededBy credentials.Handle `json:"supersededBy,omitzero"`
	// AsOf is when the newest list in the dossier was signed that says that
	// nothing had followed it; zero where no list was asked for.
	AsOf time.Time `json:"asOf,omitzero"`
}

// A listed decision is one that names status lists.
type listed struct {
	name   string
	issuer credentials.DID
	status []credentials.StatusEntry
	turn   turn
	handle credentials.Handle
}

// listedDecisions are those that passed their own check, by name.
func (v *verifier) listedDecisions() (all []listed) {
	for _, d := range sortedByName(v.authorizations) {
		if len(d.status) > 0 {
			all = append(all, listed{d.name, d.issuer, d.status, turn{d.subject.Decision.Submission, d.subject.Decision.Number}, d.subject.Handle})
		}
	}
	for _, d := range sortedByName(v.decisions) {
		if len(d.status) > 0 {
			all = append(all, listed{d.name, d.issuer, d.status, turn{d.subject.Decision.Submission, d.subject.Decision.Number}, d.subject.Handle})
		}
	}
	return all
}

// follower is the decision in the dossier that follows one, or takes it back.
func (v *verifier) follower(l listed) (h credentials.Handle, ok bool) {
	if by := v.reversedBy(l.handle); by != nil && v.failed[by.name] == nil {
		return by.subject.Handle, true
	}
	name := v.numbered[turn{l.turn.submission, l.turn.number + 1}]
	if name == "" || v.failed[name] != nil {
		return h, false
	}
	h, err := handleOf(name)
	return h, err == nil
}

// checkDecisionList holds an insurer's list against the decisions in the
// dossier. A bit without a decision that follows means that this one has been
// left out: nobody may rely on what it has taken the place of. A decision
// without its bit says only that the list is older, or the house was about to
// set it.
func (v *verifier) checkDecisionList(name string) error {
	list, err := v.openList(name)
	if err != nil {
		return err
	}
	for _, l := range v.listedDecisions() {
		if err := list.says(l.name, l.issuer, l.status, func(value int) error {
			if _, followed := v.follower(l); value != 0 && !followed {
				return found(checkStanding, "it says that another decision has taken the place of %s, and none that follows is in the dossier", l.name)
			}
			if list.subject.Purpose == credentials.PurposeRevocation && list.from.After(v.stood[l.name]) {
				v.stood[l.name] = list.from
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// standings says of each decision that names lists what the dossier tells.
func (v *verifier) standings() {
	for _, l := range v.listedDecisions() {
		s := Standing{File: l.name, AsOf: v.stood[l.name]}
		if by, ok := v.follower(l); ok {
			s.SupersededBy, s.AsOf = by, time.Time{}
		}
		v.report.Standings = append(v.report.Standings, s)
	}
}
