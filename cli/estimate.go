package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/estimate"
	"github.com/countersign-health/countersign/credentials"
)

// estimateFlags name the editions by which claims are worked out.
func estimateFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "plan", Usage: "work out what each claim would come to under the plan in `FILE`, as published"},
		&urfave.StringFlag{Name: "fees", Usage: "the fee schedule in `FILE` that prices it, as published"},
		&urfave.StringFlag{Name: "exclusions", Usage: "the list of excluded providers in `FILE`: the OIG's UPDATED.csv, or the insurer's as published"},
	}
}

// estimating reads the editions; nil where none is named.
func estimating(c *urfave.Context, today credentials.Date) (*estimate.Edition, error) {
	plan, fees, list := c.String("plan"), c.String("fees"), c.String("exclusions")
	switch {
	case plan == "" && fees == "" && list != "":
		return nil, refused(commandName(c), "--exclusions goes with --plan and --fees", "")
	case plan == "" && fees == "":
		return nil, nil
	case plan == "" || fees == "":
		return nil, refused(commandName(c), "want both --plan and --fees", "a dossier has them in its folder editions")
	}
	var bodies [2][]byte
	for i, path := range []string{plan, fees} {
		var err error
		if bodies[i], err = readEdition(path); err != nil {
			return nil, err
		}
	}
	e, err := estimate.ParseEdition(bodies[0], bodies[1])
	if err != nil {
		return nil, refused(commandName(c), oneLine(err.Error()), "give the files as the insurer published them")
	}
	if list == "" {
		return e, nil
	}
	if e.ExclusionList() == "" {
		return nil, refused(plan, "names no list of excluded providers, so none is asked", "leave --exclusions out")
	}
	l, err := exclusionsGiven(list, e.ExclusionList(), today)
	if err != nil {
		return nil, err
	}
	if err := e.Exclude(l); err != nil {
		return nil, refused(list, oneLine(err.Error()), "give the list that the plan names")
	}
	return e, nil
}

// An estimated claim is what a claim would come to.
type estimated struct {
	Claim   string                `json:"claim"`
	Outcome claims.Outcome        `json:"outcome,omitempty"`
	Charge  claims.Cents          `json:"chargeCents"`
	Allowed claims.Cents          `json:"allowedCents"`
	Paid    claims.Cents          `json:"paidCents"`
	Patient claims.Cents          `json:"patientCents"`
	Lines   []claims.LineDecision `json:"lines,omitempty"`
	Pends   []claims.Pend         `json:"pends,omitempty"`
	Assumed []estimate.Assumption `json:"assumed,omitempty"`
	Fault   string                `json:"fault,omitempty"` // why there is no estimate
}

func estimateOf(e *estimate.Edition, c *claims.Claim, received credentials.Date) estimated {
	d, assumed, err := e.Of(c, received)
	if err != nil {
		return estimated{Claim: strings.Clone(c.Number), Charge: c.Charge, Fault: oneLine(err.Error())}
	}
	return estimated{strings.Clone(c.Number), d.Outcome, d.Charge, d.Allowed, d.Paid, d.Patient, d.Lines, d.Pends, assumed, ""}
}

// why is what a clerk reads first: what waits, or what was refused.
func (e *estimated) why() string {
	var all []string
	say := func(words string) {
		if words != "" && !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	say(e.Fault)
	for _, p := range e.Pends {
		say(p.Reason.Words())
	}
	for _, l := range e.Lines {
		for _, a := range l.Adjustments {
			if claims.IsDenial(a.CARC) {
				say(fmt.Sprintf("line %d: %s", l.Line, claims.Words(a.CARC)))
			}
		}
	}
	return strings.Join(all, "; ")
}

// printEstimates shows the claims, and once what was taken for granted of any.
func (f *checkedFile) printEstimates(w io.Writer) error {
	if f.edition == nil || len(f.estimates) == 0 {
		return nil
	}
	t := table{head: []string{"claim", "would be", "charge", "allowed", "paid", "patient", "why"}}
	claimsOf := map[estimate.Fact]int{}
	var facts []estimate.Fact
	for i := range f.estimates {
		e := &f.estimates[i]
		t.add(e.Claim, string(e.Outcome), e.Charge.String(), e.Allowed.String(), e.Paid.String(), e.Patient.String(), e.why())
		for _, a := range e.Assumed {
			if claimsOf[a.Fact]++; claimsOf[a.Fact] == 1 {
				facts = append(facts, a.Fact)
			}
		}
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "under %s, if what only the insurer or a board knows is so:\n", f.edition.Name())
	for _, fact := range facts {
		fmt.Fprintf(w, "- %s (%s)\n", fact.Words(), count(claimsOf[fact], "claim"))
	}
	return nil
}
