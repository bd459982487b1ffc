package claims

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Whatever ParsePlan takes is a plan that rules can run on, and whatever it
// refuses is refused in lines that say where.
func FuzzParsePlan(f *testing.F) {
	f.Add([]byte(planText))
	if b, err := os.ReadFile("../examples/plan.yaml"); err == nil {
		f.Add(b)
	}
	for _, s := range []string{"", "a: [", "schema: &a b\nname: *a", "? [x]\n: y", "{a: {b: {c: d}}}", "- - -"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePlan(b)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "plan.yaml") {
					t.Errorf("%q does not say where", line)
				}
			}
			return
		}
		for _, carc := range []string{"50", "55", "56"} {
			if p.MayDeny(carc) {
				t.Error("the machine may deny", carc)
			}
		}
		c, e := aCase(p, aLine{code: "99213", charge: 120_00, fee: 90_00}, aLine{code: "72148", charge: 60_00, fee: -1})
		if _, err := Adjudicate(c, p, e); err != nil {
			t.Error(err)
		}
	})
}

func FuzzParseFees(f *testing.F) {
	f.Add([]byte(feesText))
	f.Add([]byte("code,modifier,place_class,amount\n\"99213\",,,\"1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fees, err := ParseFees(b)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fees.csv") {
				t.Errorf("%v does not say where", err)
			}
			return
		}
		if c := fees.Price("99213", []string{"25"}, "11"); c != nil && (*c < 0 || *c > maxLimit) {
			t.Errorf("a price of %s", c)
		}
	})
}

// What opens is written in one way: sealed by the same salts, it is the same.
func FuzzOpenEvidence(f *testing.F) {
	file, _, err := SealEvidence(someEvidence(f), seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	if view, err := WithholdFacts(file, "member"); err == nil {
		f.Add(view)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, root, err := OpenEvidence[Evidence](b)
		if err != nil {
			return
		}
		if view, err := ViewRoot(b); err != nil || view != root {
			t.Errorf("root of the view: %v", err)
		}
		if again, _, err := SealEvidence(e, seed); err != nil || len(again) != len(b) && bytes.Count(b, []byte("hash")) == 0 {
			t.Errorf("sealed again: %d bytes for %d, %v", len(again), len(b), err)
		}
	})
}

// What is read as an amount is written as one, and read as the same.
func FuzzParseCents(f *testing.F) {
	for _, s := range []string{"766.5", "-.05", "1.5000", "9999999999999.99", "1e3", "--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCents(s)
		if err != nil {
			return
		}
		if again, err := ParseCents(c.String()); err != nil || again != c {
			t.Errorf("%q is %s, which is %s, %v", s, c, again, err)
		}
	})
}

// A file of members is read or refused line by line, and none of it is repeated
// in the words of a refusal.
func FuzzParseMembers(f *testing.F) {
	f.Add([]byte("member_id,subscriber_id,last,first,birth,coverage_from,coverage_until\nM1,S1,Muster,Erika,1980-01-01,2026-01-01,\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		members, err := ParseMembers(file)
		if err != nil && len(members) > 0 {
			t.Errorf("%d members beside %v", len(members), err)
		}
	})
}
