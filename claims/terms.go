package claims

import (
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A Term is a condition that the insurer wrote into an edition of its plan, and
// what follows for a line of which it holds. Package claims/terms compiles the
// conditions and answers them; here they are facts of the evidence.
type Term struct {
	Name string
	When string // in CEL, as claims/terms knows it
	Then TermEffect
	Note string // why, in the insurer's own words; it stands in the decision
}

// A TermEffect is what follows where a term holds.
type TermEffect string

const (
	TermExcludes   TermEffect = "exclude"   // the plan does not cover the service: CARC 96
	TermAuthorizes TermEffect = "authorize" // it needs a prior authorization
	TermReviews    TermEffect = "review"    // a person decides
)

// A TermFact is whether a term holds of a line.
type TermFact struct {
	Name   string     `json:"name"`
	Answer TermAnswer `json:"answer"`
}

// A TermAnswer is yes, no, or unknown, where the claim does not say what the
// condition asks.
type TermAnswer string

const (
	TermYes     TermAnswer = "yes"
	TermNo      TermAnswer = "no"
	TermUnknown TermAnswer = "unknown"
)

const ruleTerm = "term"

var (
	termName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	termNote = regexp.MustCompile(`^[ -~]{1,200}$`)
)

func parseTermName(s string) (string, error) {
	if !termName.MatchString(s) || len(s) > 60 {
		return "", fmt.Errorf("%q: want small letters, digits and '-'", s)
	}
	return s, nil
}

func parseTermNote(s string) (string, error) {
	if !termNote.MatchString(s) {
		return "", fmt.Errorf("%q: want one line of at most 200 plain characters", s)
	}
	return s, nil
}

func parseTermEffect(s string) (TermEffect, error) {
	e := TermEffect(s)
	if !slices.Contains([]TermEffect{TermExcludes, TermAuthorizes, TermReviews}, e) {
		return "", fmt.Errorf("%q: want exclude, authorize or review", s)
	}
	return e, nil
}

// maxTerms bounds the conditions of one edition: each is answered for every line.
const maxTerms = 200

func (r *yamlReader) terms(n *yaml.Node, p *Plan) {
	r.list(n, "terms", func(n *yaml.Node) {
		var t Term
		r.fields(n, "a term", map[string]func(*yaml.Node){
			"name": func(n *yaml.Node) { t.Name = parsed(r, n, "name", parseTermName) },
			"when": func(n *yaml.Node) { t.When = r.text(n, "when") },
			"then": func(n *yaml.Node) { t.Then = parsed(r, n, "then", parseTermEffect) },
			"note": func(n *yaml.Node) { t.Note = parsed(r, n, "note", parseTermNote) },
		})
		for _, other := range p.Terms {
			if other.Name == t.Name {
				r.problem(n, "two terms have the name %q", t.Name)
			}
		}
		if p.Terms = append(p.Terms, t); len(p.Terms) == maxTerms+1 {
			r.problem(n, "want at most %d terms", maxTerms)
		}
	})
}

// termsBelong wants one answer to each term of the edition, in its order, for
// every line.
func termsBelong(p *Plan, f *LineFact) error {
	if len(f.Terms) != len(p.Terms) {
		return fmt.Errorf("the edition has %d terms, the facts answer %d", len(p.Terms), len(f.Terms))
	}
	for i, t := range f.Terms {
		if t.Name != p.Terms[i].Name {
			return fmt.Errorf("the facts answer the term %q, the edition has %q there", t.Name, p.Terms[i].Name)
		}
		if !slices.Contains([]TermAnswer{TermYes, TermNo, TermUnknown}, t.Answer) {
			return fmt.Errorf("the answer %q to the term %q is not known", t.Answer, t.Name)
		}
	}
	return nil
}

// holding lists the terms with that effect that hold of a line, or may.
func (a *adjudication) holding(w *work, effect TermEffect) (yes, unknown []*Term) {
	for i := range a.plan.Terms {
		t := &a.plan.Terms[i]
		if t.Then != effect {
			continue
		}
		switch w.fact.Terms[i].Answer {
		case TermYes:
			yes = append(yes, t)
		case TermUnknown:
			unknown = append(unknown, t)
		}
	}
	return yes, unknown
}

// needsAuthorization says by which term a line needs a prior authorization, nil
// where by none.
func (a *adjudication) needsAuthorization(w *work) *Term {
	if yes, _ := a.holding(w, TermAuthorizes); len(yes) > 0 {
		return yes[0]
	}
	return nil
}

// terms applies what the insurer wrote: an exclusion that holds refuses the
// line, a review that holds waits for a person. So does a term that cannot be
// answered: what is not known is neither paid nor refused.
func (a *adjudication) terms(w *work) bool {
	if len(a.plan.Terms) == 0 {
		return true // no step either: editions without terms decide as they did before there were any
	}
	if yes, _ := a.holding(w, TermExcludes); len(yes) > 0 &&
		!a.deny(w, ruleTerm, a.plan.terms(), CARCExcluded, RARCPlanExcludes, yes[0].Name+": "+yes[0].Note) {
		return false
	}
	waits := false
	for _, effect := range []TermEffect{TermExcludes, TermAuthorizes, TermReviews} {
		yes, unknown := a.holding(w, effect)
		for _, t := range unknown {
			if effect == TermAuthorizes && w.draw != nil {
				continue // it is authorized, whether it had to be or not
			}
			a.pend(w, ruleTerm, a.plan.terms(), PendTerm, t.Name+": the claim does not say what the plan asks")
			waits = true
		}
		if effect != TermReviews {
			continue
		}
		for _, t := range yes {
			a.pend(w, ruleTerm, a.plan.terms(), PendTerm, t.Name+": "+t.Note)
			waits = true
		}
	}
	if waits {
		return true
	}
	return w.pass(ruleTerm, a.plan.terms(), "no term of the plan stands against it")
}
