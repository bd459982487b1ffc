package dossier

import (
	"bytes"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// withTerms publishes the plan with a term that holds of no claim in the story,
// and lets change have its way with every step.
func withTerms(change func(step string, v any)) func(*world) {
	return func(w *world) {
		w.twist = func(step string, v any) {
			if body, ok := v.(*[]byte); ok && step == "plan" {
				*body = bytes.Replace(*body, []byte("rules: rules/1"), []byte("rules: rules/2"), 1)
				*body = bytes.Replace(*body, []byte("machineDenials:"), []byte("pendDays: 30\nterms:\n  - {name: abroad, when: 'claim.state == \"XX\"', then: exclude, note: not covered}\nmachineDenials:"), 1)
			}
			change(step, v)
		}
	}
}

// The answers to a plan's terms are computed again: an insurer that lets one
// hold which does not is caught, though its decision follows from that answer.
func TestTermsAreAnsweredAgain(t *testing.T) {
	sound := build(t, withTerms(func(string, any) {}))
	if r := Verify(sound.files, nil, nil); !r.OK() || r.Reproduced != r.Decisions {
		t.Fatalf("a sound dossier fails:%s", failures(r))
	}
	for name, answers := range map[string][]claims.TermFact{
		"yes":     {{Name: "abroad", Answer: claims.TermYes}},
		"unknown": {{Name: "abroad", Answer: claims.TermUnknown}},
	} {
		w := build(t, withTerms(func(step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" {
				e.Lines[0].Terms = answers
			}
		}))
		if r := Verify(w.files, nil, nil); !(want{Decisions, checkTerms}).in(r) {
			t.Errorf("%s: the lie passes, or for another reason:%s", name, failures(r))
		}
	}
}
