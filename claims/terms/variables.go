package terms

import (
	"cel.dev/cel-go/cel"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// maxWord bounds a text of a claim and maxList a list of it, for the estimate of
// a condition's work. The intake edits keep claims well below both.
const (
	maxWord = 100
	maxList = 50
)

// A kind is the type of a variable.
type kind string

const (
	truth  kind = "true or false"
	number kind = "whole number"
	text   kind = "text"
	texts  kind = "list of texts"
)

func (k kind) celType() *cel.Type {
	return map[kind]*cel.Type{truth: cel.BoolType, number: cel.IntType, text: cel.StringType, texts: cel.ListType(cel.StringType)}[k]
}

// A Variable is something of a claim that a condition may ask for.
type Variable struct {
	Name  string
	About string
	kind  kind
	// value is nil where the claim does not say.
	value func(*claims.Claim, *claims.Line) any
}

// Kind is what a variable holds, in plain words.
func (v Variable) Kind() string { return string(v.kind) }

// Variables are all that a condition may ask for. Nothing here identifies a
// person, so a condition cannot be about one.
var Variables = []Variable{
	{"line.code", "CPT or HCPCS code", text, func(_ *claims.Claim, l *claims.Line) any { return l.Code }},
	{"line.modifiers", "its modifiers", texts, func(_ *claims.Claim, l *claims.Line) any { return list(l.Modifiers) }},
	{"line.place", "place of service, two digits", text, func(c *claims.Claim, l *claims.Line) any { return c.PlaceOf(l) }},
	{"line.diagnoses", "the diagnoses that the line points to, without a point: M545", texts, func(c *claims.Claim, l *claims.Line) any { return list(pointed(c, l)) }},
	{"line.milliunits", "units in thousandths: 1500 is 1.5", number, func(_ *claims.Claim, l *claims.Line) any { return int64(l.Units) }},
	{"line.cents", "the charge in cents", number, func(_ *claims.Claim, l *claims.Line) any { return int64(l.Charge) }},
	{"line.from", "first day of service: 2026-01-31", text, func(_ *claims.Claim, l *claims.Line) any { return string(l.From) }},
	{"line.to", "last day of service", text, func(_ *claims.Claim, l *claims.Line) any { return string(l.To) }},
	{"line.days", "days of service, both counted", number, func(_ *claims.Claim, l *claims.Line) any { return int64(l.From.DaysUntil(l.To) + 1) }},
	{"line.authorized", "whether it names a prior authorization", truth, func(c *claims.Claim, l *claims.Line) any { return c.AuthorizationOf(l) != "" }},
	{"claim.diagnoses", "all diagnoses of the claim, the principal one first", texts, func(c *claims.Claim, _ *claims.Line) any { return list(c.Diagnoses) }},
	{"claim.codes", "the codes of all its lines", texts, func(c *claims.Claim, _ *claims.Line) any { return list(codes(c)) }},
	{"claim.cents", "the whole charge in cents", number, func(c *claims.Claim, _ *claims.Line) any { return int64(c.Charge) }},
	{"claim.state", "where the patient was, two letters", text, func(c *claims.Claim, l *claims.Line) any { return c.StateOf(l) }},
	{"billing.npi", "NPI of who bills", text, func(c *claims.Claim, _ *claims.Line) any { return string(c.Billing.NPI) }},
	{"billing.taxonomy", "their taxonomy code", text, func(c *claims.Claim, _ *claims.Line) any { return said(c.Billing.Taxonomy) }},
	{"rendering.npi", "NPI of who gave the service, as the claim has it", text, func(c *claims.Claim, l *claims.Line) any { return said(string(renderer(c, l).NPI)) }},
	{"rendering.taxonomy", "their taxonomy code", text, func(c *claims.Claim, l *claims.Line) any { return said(renderer(c, l).Taxonomy) }},
	{"member.age", "the patient's age in whole years on the first day of service", number, func(c *claims.Claim, l *claims.Line) any { return age(c.PatientPerson().Birth, l.From) }},
	{"member.sex", "F, M or U", text, func(c *claims.Claim, _ *claims.Line) any { return said(c.PatientPerson().Sex) }},
}

// valuesOf leaves out what the claim does not say: a condition that needs it has
// no answer then.
func valuesOf(c *claims.Claim, l *claims.Line) map[string]any {
	values := make(map[string]any, len(Variables))
	for _, v := range Variables {
		if value := v.value(c, l); value != nil {
			values[v.Name] = value
		}
	}
	return values
}

func said(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(all []string) any {
	if all == nil {
		return []string{}
	}
	return all
}

func renderer(c *claims.Claim, l *claims.Line) claims.Provider {
	if r := c.Renderer(l); r != nil {
		return *r
	}
	return claims.Provider{}
}

func pointed(c *claims.Claim, l *claims.Line) (all []string) {
	for _, p := range l.Pointers {
		if p >= 1 && p <= len(c.Diagnoses) {
			all = append(all, c.Diagnoses[p-1])
		}
	}
	return all
}

func codes(c *claims.Claim) (all []string) {
	for i := range c.Lines {
		all = append(all, c.Lines[i].Code)
	}
	return all
}

// age is in whole years, nil where the claim names no birthday, or one after the
// service.
func age(birth, on credentials.Date) any {
	if birth == "" || birth > on {
		return nil
	}
	return int64(claims.YearsOn(birth, on))
}
