package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The lists fit the source as it is, and every check that a verdict can name
// has a mutant without it.
func TestMutants(t *testing.T) {
	all, err := mutants("../..")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("../../credentials/verdict.go")
	if err != nil {
		t.Fatal(err)
	}
	checks := regexp.MustCompile(`(?m)^\t(Check[A-Z]\w+)`).FindAllStringSubmatch(string(src), -1)
	if len(checks) < 15 {
		t.Fatalf("found %d checks", len(checks))
	}
	for _, c := range checks {
		n := 0
		for _, m := range all {
			if m.alike == "" && m.takesOut(c[1]) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("no mutant is without %s", c[1])
		}
	}
}

// takesOut says whether the refusal behind the condition names the check.
func (m mutant) takesOut(check string) bool {
	lines := strings.SplitN(m.text[m.to:], "\n", 6)
	return !m.weak && strings.Contains(strings.Join(lines[:min(5, len(lines))], "\n"), check)
}

func TestWithout(t *testing.T) {
	const src = `package p
func f(a, b bool) error {
	if a || b {
		return errors.New("x")
	}
	if a {
		return nil
	}
	switch {
	case b, !a:
		return errors.New("y")
	}
	if err := g(); err != nil {
		return err
	}
	return nil
}`
	all, err := without("p.go", src)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b", "b", "!a", "err != nil"}
	if len(all) != len(want) {
		t.Fatalf("found %d checks, want %d", len(all), len(want))
	}
	for i, m := range all {
		if got := m.text[m.from:m.to]; got != want[i] {
			t.Errorf("%s is %q, want %q", m.name, got, want[i])
		}
	}
}

// Every mutant is in one part, and a part that is none is no empty one.
func TestPartOf(t *testing.T) {
	all := make([]mutant, 10)
	for i := range all {
		all[i].number = i
	}
	seen := map[int]int{}
	for _, part := range []string{"1/3", "2/3", "3/3"} {
		some, err := partOf(all, part)
		if err != nil || len(some) < 3 {
			t.Fatalf("%s: %d mutants, %v", part, len(some), err)
		}
		for _, m := range some {
			seen[m.number]++
		}
	}
	for i := range all {
		if seen[i] != 1 {
			t.Errorf("mutant %d is in %d parts", i, seen[i])
		}
	}
	for _, part := range []string{"", "x", "0/3", "4/3", "1/0", "-1/2"} {
		if some, err := partOf(all, part); err == nil {
			t.Errorf("%q: %d mutants", part, len(some))
		}
	}
}
