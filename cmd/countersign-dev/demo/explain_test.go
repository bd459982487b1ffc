package demo_test

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestExplain: each line's steps lead from its charge to what is paid, and every
// one that moves the amount names the code under which it stands in the 835.
func TestExplain(t *testing.T) {
	s := builtIn(t)
	b, err := exec.Command(countersign(t), "claim", "explain", s.out, "--json").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var answer struct {
		Decisions []struct {
			Claim string
			Lines []struct {
				Outcome string
				Code    string
				Cents   struct{ Charge, Paid claims.Cents }
				Steps   []claims.Step
			}
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, d := range answer.Decisions {
		for _, l := range d.Lines {
			lines++
			at := l.Cents.Charge
			for _, step := range l.Steps {
				moved := step.Before != step.After && step.Rule != claims.RuleMaximum
				if step.Before != at || step.Edition == "" || step.Note == "" || moved != (step.CARC != "") {
					t.Errorf("%s, %s: step %+v after %s", d.Claim, l.Code, step, at)
				}
				at = step.After
			}
			if l.Outcome != "pended" && at != l.Cents.Paid || l.Code == "" {
				t.Errorf("%s, %s: the steps lead to %s, paid is %s", d.Claim, l.Code, at, l.Cents.Paid)
			}
		}
	}
	if lines < 5 {
		t.Errorf("%d lines were explained", lines)
	}
}
