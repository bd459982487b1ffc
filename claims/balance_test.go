package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// TestBalance spoils a good decision by one field at a time: none gets out.
func TestBalance(t *testing.T) {
	tests := []struct {
		name string
		with func(d *Decision)
	}{
		{"a cent more paid", func(d *Decision) { d.Lines[0].Paid++; d.Paid++ }},
		{"a cent less owed", func(d *Decision) { d.Lines[0].Patient--; d.Patient-- }},
		{"an adjustment twice", func(d *Decision) { d.Lines[0].Adjustments = append(d.Lines[0].Adjustments, d.Lines[0].Adjustments[0]) }},
		{"an adjustment left out", func(d *Decision) { d.Lines[0].Adjustments = d.Lines[0].Adjustments[1:] }},
		{"an adjustment of nothing", func(d *Decision) { d.Lines[0].Adjustments[0].Amount = 0 }},
		{"another group", func(d *Decision) { d.Lines[0].Adjustments[0].Group = Patient }},
		{"allowed above what is shared", func(d *Decision) { d.Lines[0].Allowed++; d.Allowed++ }},
		{"total charge", func(d *Decision) { d.Charge++ }},
		{"total allowed", func(d *Decision) { d.Allowed++ }},
		{"total paid", func(d *Decision) { d.Paid-- }},
		{"total patient", func(d *Decision) { d.Patient++ }},
		{"steps end elsewhere", func(d *Decision) { d.Lines[0].Steps = d.Lines[0].Steps[:8] }},
		{"no steps", func(d *Decision) { d.Lines[0].Steps = nil }},
		{"met more than is owed", func(d *Decision) { d.Met[0].OutOfPocketPerson++ }},
		{"met nothing", func(d *Decision) { d.Met = nil }},
		{"deductible above all that is owed", func(d *Decision) { d.Met[0].DeductibleIndividual = d.Met[0].OutOfPocketPerson + 1 }},
		{"denied, and money", func(d *Decision) { d.Lines[0].Outcome = Denied }},
		{"waits, and money", func(d *Decision) { d.Lines[0].Outcome = Pended }},
		{"paid above the charge", func(d *Decision) {
			l := &d.Lines[0]
			l.Paid, l.Allowed, l.Adjustments = l.Charge+1, l.Charge+1+l.Patient, nil
		}},
	}
	for _, tt := range tests {
		p := goldPlan(t)
		c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.balance(); err != nil {
			t.Fatal(err)
		}
		tt.with(d)
		if err := d.balance(); err == nil {
			t.Errorf("%s: it balances", tt.name)
		}
	}
}

// TestWhoRendered: the line's own clinician, else the claim's, else the biller
// where that is a person, else nobody.
func TestWhoRendered(t *testing.T) {
	p := goldPlan(t)
	c, _ := aCase(p, aLine{code: "73610"})
	l := &c.Lines[0]
	l.Rendering = &Provider{NPI: "1000000004"}
	for _, want := range []credentials.NPI{"1000000004", drA, "2234567891"} {
		if got := c.Renderer(l); got == nil || got.NPI != want {
			t.Errorf("got %+v, want %s", got, want)
		}
		switch want {
		case "1000000004":
			l.Rendering = nil
		case drA:
			c.Rendering, c.Billing.Organization = nil, false
		}
	}
	c.Billing.Organization = true
	if got := c.Renderer(l); got != nil {
		t.Errorf("got %+v, want nobody", got)
	}
}

// TestBusinessKey: the same claim of the same submitter under the same secret
// has the same key, and nothing else has.
func TestBusinessKey(t *testing.T) {
	p := goldPlan(t)
	key := func(secret string, by credentials.DID, with func(s *Submission)) credentials.Digest {
		t.Helper()
		c, _ := aCase(p, aLine{code: "73610", charge: 50_00})
		s := &Submission{Claim: *c}
		with(s)
		k, err := s.BusinessKey([]byte(secret), by)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key("s", "did:a:b", func(s *Submission) {})
	if key("s", "did:a:b", func(s *Submission) {
		s.Salt, s.Handle, s.Source.Place = credentials.Handle{1}, credentials.Handle{2}, "ISA 2"
	}) != first {
		t.Error("salt, handle or source make another claim of it")
	}
	for name, other := range map[string]credentials.Digest{
		"secret":    key("t", "did:a:b", func(s *Submission) {}),
		"submitter": key("s", "did:a:c", func(s *Submission) {}),
		"number":    key("s", "did:a:b", func(s *Submission) { s.Claim.Number = "C2" }),
		"charge":    key("s", "did:a:b", func(s *Submission) { s.Claim.Charge++ }),
	} {
		if other == first {
			t.Errorf("another %s, the same key", name)
		}
	}
}

func TestRestates(t *testing.T) {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "73610", charge: 50_00, fee: -1})
	first, _ := Adjudicate(c, p, e)
	e.Number = 2
	second, _ := Adjudicate(c, p, e)
	if !second.Restates(first) || second.Restates(nil) {
		t.Error("a claim that waits for the same says nothing new")
	}
	e.Lines[0].Standing.Fresh = false
	if third, _ := Adjudicate(c, p, e); third.Restates(first) {
		t.Error("a claim that waits for more says something new")
	}
	var words []string
	for _, p := range second.Pends {
		words = append(words, p.Reason.Words())
	}
	if !strings.Contains(strings.Join(words, ""), "no price") {
		t.Errorf("got %v", words)
	}
}
