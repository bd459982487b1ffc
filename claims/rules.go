package claims

import (
	"fmt"
	"strings"
)

// The rules' code is released in editions. Every released edition stays in the
// binary, so that a decision is computed again under the one that it names,
// whichever came since; none is ever edited. What two editions do alike is one
// function that both list; what a later one does otherwise is a function of its
// own beside the old one. Golden decisions hold each (TestRulesAreFrozen).
const (
	Rules1 = "rules/1"
	Rules2 = "rules/2"
)

// RulesEdition is the edition that reads a plan which names none.
const RulesEdition = Rules1

// rules is one released edition.
type rules struct {
	name string
	// stages are lists of checks. Each line goes through one stage, in the order
	// of service, before any line enters the next one. A line that a check stops
	// goes no further.
	stages [][]check
	// money are the checks by which a line that no stage stopped is priced and
	// paid. They are a stage too: the last.
	money []check
	// hospital and hospitalMoney are the same for a hospital's claim (837I), under a
	// plan edition that has terms for one. Otherwise it waits.
	hospital, hospitalMoney [][]check
	// alike says how alike two lines of one patient are.
	alike func(line, earlier LineKey) Duplicate
	// trail says that steps carry the codes of what they take off, and pends the
	// day by which they are to be settled.
	trail bool
}

// A check looks at one line and says whether the line goes on.
type check func(*adjudication, *work) bool

// rules1 was released first. It decides each line to its end before the next.
var rules1 = rules{
	name: Rules1,
	money: []check{
		(*adjudication).member, (*adjudication).coverage, (*adjudication).duplicate, (*adjudication).timelyFiling,
		(*adjudication).standing, (*adjudication).signature, (*adjudication).authorization, (*adjudication).exclusion,
		(*adjudication).price, (*adjudication).costShare,
	},
	alike: LineKey.Compare,
}

// rules2 judges each line by itself, then against the claim's other lines, and
// prices only what is left, since what is not covered must not take the first
// rank among several procedures (docs/adjudication.md).
var rules2 = rules{
	name: Rules2,
	stages: [][]check{
		{
			(*adjudication).member, (*adjudication).coverage, (*adjudication).payer, (*adjudication).duplicate, (*adjudication).filing,
			(*adjudication).excluded, (*adjudication).provider, (*adjudication).standing, (*adjudication).signature, (*adjudication).authorization,
			(*adjudication).exclusion, (*adjudication).terms, (*adjudication).patientConditions, (*adjudication).coding, (*adjudication).benefitLimits,
		},
		{(*adjudication).globalDays},
		{(*adjudication).addOn},
	},
	money: []check{(*adjudication).priceByRules, (*adjudication).costShare, (*adjudication).sequestration},
	hospital: [][]check{{
		(*adjudication).member, (*adjudication).coverage, (*adjudication).payer, (*adjudication).duplicate, (*adjudication).filing,
		(*adjudication).excluded, (*adjudication).provider, (*adjudication).standing, (*adjudication).signature, (*adjudication).authorization,
		(*adjudication).exclusion, (*adjudication).terms, (*adjudication).patientConditions, (*adjudication).coding, (*adjudication).benefitLimits,
		(*adjudication).nonCovered,
	}},
	hospitalMoney: [][]check{{(*adjudication).hospitalPrice}, {(*adjudication).hospitalShare}, {(*adjudication).hospitalSequestration}},
	alike:         LineKey.Resembles,
	trail:         true,
}

// released are all editions, oldest first.
var released = []*rules{&rules1, &rules2}

// Released names all editions of the rules that this binary has.
func Released() (names []string) {
	for _, r := range released {
		names = append(names, r.name)
	}
	return names
}

// rulesNamed finds a released edition.
func rulesNamed(name string) (*rules, error) {
	for _, r := range released {
		if r.name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("the plan edition is for %q, this release has %s", name, strings.Join(Released(), " and "))
}
