package estimate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// A Difference is where an insurer's estimate of a line comes out otherwise than
// one's own calculation. Line is 0 for what concerns the whole claim.
type Difference struct {
	Line    int    `json:"line,omitempty"`
	Rule    string `json:"rule"`    // at which the two part
	Own     string `json:"own"`     // what the rule says on one's own facts
	Insurer string `json:"insurer"` // and on the insurer's
	// Fact was taken for granted and explains it; empty where none does.
	Fact Fact `json:"fact,omitempty"`
	// After are lines that came before it and came out otherwise too: what the
	// patient shares of one depends on them.
	After []int `json:"after,omitempty"`
}

// Why is the difference in plain words.
func (d *Difference) Why() string {
	if d.Rule == ruleEdition {
		return "the insurer goes by another edition: give that one"
	}
	var all []string
	if d.Fact != "" {
		all = append(all, "not as taken for granted: "+d.Fact.Words())
	}
	if len(d.After) > 0 {
		all = append(all, "what comes before it on the claim has come out otherwise")
	}
	if all == nil {
		return "no assumption explains it: ask the insurer"
	}
	return strings.Join(all, "; or ")
}

// ruleEdition is the Rule of a Difference in what the two go by.
const ruleEdition = "edition"

// Compare says where an estimate parts from a calculation of the same claim, and
// which of the facts that were taken for granted explains it. It goes by the
// rules at which the two part: an estimate brings no facts.
func Compare(c *claims.Claim, own *claims.Decision, theirs *claims.Estimate) (all []Difference) {
	for _, x := range [][2]claims.EditionRef{{own.Plan, theirs.Plan}, {own.Fees, theirs.Fees}} {
		if x[0].Digest != x[1].Digest {
			all = append(all, Difference{Rule: ruleEdition, Own: x[0].Name + " " + x[0].Edition, Insurer: x[1].Name + " " + x[1].Edition})
		}
	}
	if all != nil {
		return all // under other terms, nothing follows from where the lines part
	}
	var order []*claims.Line
	for i := range c.Lines {
		order = append(order, &c.Lines[i])
	}
	slices.SortFunc(order, func(a, b *claims.Line) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Number, b.Number))
	})
	given := own.ExclusionList != nil && !own.ExclusionList.Digest.IsZero()
	var before []int
	for _, l := range order {
		d := differ(c, l, side{lineOf(own.Lines, l.Number), pendsOf(own.Pends, l.Number)}, side{lineOf(theirs.Lines, l.Number), pendsOf(theirs.Pends, l.Number)}, given)
		if d == nil {
			continue
		}
		if facts[d.Rule] == NothingMet {
			d.After = slices.Clone(before)
		}
		all = append(all, *d)
		before = append(before, l.Number)
	}
	return all
}

// facts are those that a rule rests on, by the rule's name.
var facts = map[string]Fact{
	"member": Covered, "coverage": Covered, "timely-filing": Covered, "duplicate": FirstOfKind, "license": Licensed, "exclusion-list": NotExcluded, "clinician-signature": Unsigned,
	"authorization": Authorized, "stay-authorization": Authorized, "authorized-days": Authorized, "benefit-limit": LimitsUnused, "global-days": NoSurgery, "add-on": NoSurgery,
	"copay": NothingMet, "deductible": NothingMet, "coinsurance": NothingMet, claims.RuleMaximum: NothingMet,
}

// A side is what one of the two says of a line.
type side struct {
	line  *claims.LineDecision
	pends []claims.Pend
}

// differ finds the first rule at which the two part, nil where they do not.
// Given says that one's own calculation had a list of excluded providers.
func differ(c *claims.Claim, l *claims.Line, own, theirs side, given bool) *Difference {
	if own.line == nil || theirs.line == nil {
		return nil // the estimate was held against the claim before
	}
	d := &Difference{Line: l.Number}
	if p, from := onlyIn(theirs, own), theirs; p != nil {
		d.Rule, d.Insurer = from.ruleOf(p), p.Reason.Words()
		d.Own = noteOf(own.line, d.Rule)
	} else if p, from := onlyIn(own, theirs), own; p != nil {
		d.Rule, d.Own = from.ruleOf(p), p.Reason.Words()
		d.Insurer = noteOf(theirs.line, d.Rule)
	} else if !d.parted(own.line.Steps, theirs.line.Steps) {
		return nil
	}
	d.Fact = facts[d.Rule]
	if d.Fact == NotExcluded && given {
		d.Fact = ""
	}
	if d.Fact == Licensed && c.Clinician(l) == nil {
		d.Fact = NotRostered
	}
	return d
}

// parted finds the first step that is not the same.
func (d *Difference) parted(own, theirs []claims.Step) bool {
	for i := range max(len(own), len(theirs)) {
		switch {
		case i >= len(own):
			d.Rule, d.Insurer = theirs[i].Rule, theirs[i].Note
		case i >= len(theirs):
			d.Rule, d.Own = own[i].Rule, own[i].Note
		case own[i].Rule == theirs[i].Rule && own[i].Before == theirs[i].Before && own[i].After == theirs[i].After && own[i].CARC == theirs[i].CARC && own[i].RARC == theirs[i].RARC:
			continue
		default:
			d.Rule, d.Own, d.Insurer = theirs[i].Rule, own[i].Note, theirs[i].Note
		}
		return true
	}
	return false
}

// onlyIn is the first thing that one side waits for and the other does not.
func onlyIn(a, b side) *claims.Pend {
	for i := range a.pends {
		if !slices.ContainsFunc(b.pends, func(p claims.Pend) bool { return p.Reason == a.pends[i].Reason }) {
			return &a.pends[i]
		}
	}
	return nil
}

// ruleOf is the rule by which a line waits: its step has the same words.
func (s side) ruleOf(p *claims.Pend) string {
	for _, step := range s.line.Steps {
		if step.Note == p.Note {
			return step.Rule
		}
	}
	return string(p.Reason)
}

func noteOf(l *claims.LineDecision, rule string) string {
	for _, s := range l.Steps {
		if s.Rule == rule {
			return s.Note
		}
	}
	return ""
}

func lineOf(all []claims.LineDecision, number int) *claims.LineDecision {
	for i := range all {
		if all[i].Line == number {
			return &all[i]
		}
	}
	return nil
}

func pendsOf(all []claims.Pend, number int) (of []claims.Pend) {
	for _, p := range all {
		if p.Line == number {
			of = append(of, p)
		}
	}
	return of
}
