package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// overturned is an evidence in which denials were set aside on appeal.
func overturned(e *Evidence, aside ...SetAside) {
	appeal := credentials.Handle{5}
	e.Appeals = append(e.Appeals, Determination{Subject: e.Submission, Number: e.Number, Approve: true, Appeal: &appeal, Words: "w", SetsAside: aside})
	e.Number++
}

// TestSetAside has a denial that was set aside pass, and all other rules go on.
func TestSetAside(t *testing.T) {
	late := func(e *Evidence) { e.Received = "2028-01-01" }
	for _, tt := range []struct {
		name  string
		rules string
		with  func(*Claim, *Evidence)
		aside []SetAside
		want  string // outcome, then the adjustments of line 1
	}{
		{"not appealed", Rules1, func(_ *Claim, e *Evidence) { late(e) }, nil, "denied CO-29 160.00"},
		// 160.00 charged, 150.00 allowed, 100.00 to the deductible, 20% of 50.00.
		{"late filing", Rules1, func(_ *Claim, e *Evidence) { late(e) }, []SetAside{{1, "29"}}, "paid CO-45 10.00, PR-1 100.00, PR-2 10.00"},
		{"late filing", Rules2, func(_ *Claim, e *Evidence) { late(e) }, []SetAside{{1, "29"}}, "paid CO-45 10.00, PR-1 100.00, PR-2 10.00"},
		{"of another line", Rules1, func(_ *Claim, e *Evidence) { late(e) }, []SetAside{{2, "29"}}, "denied CO-29 160.00"},
		{"of another code", Rules1, func(_ *Claim, e *Evidence) { late(e) }, []SetAside{{1, "18"}}, "denied CO-29 160.00"},
		{"one of two denials", Rules1, func(_ *Claim, e *Evidence) { late(e); e.Lines[0].Duplicate = ExactDuplicate }, []SetAside{{1, "18"}}, "denied CO-29 160.00"},
		{"both", Rules1, func(_ *Claim, e *Evidence) { late(e); e.Lines[0].Duplicate = ExactDuplicate }, []SetAside{{1, "18"}, {1, "29"}}, "paid CO-45 10.00, PR-1 100.00, PR-2 10.00"},
		{"a license stays a license", Rules1, func(_ *Claim, e *Evidence) {
			late(e)
			e.Lines[0].Standing.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}, []SetAside{{1, "29"}}, "denied CO-B7 160.00"},
		{"what waits goes on waiting", Rules1, func(_ *Claim, e *Evidence) { late(e); e.Lines[0].Duplicate = NearDuplicate }, []SetAside{{1, "29"}}, "pended "},
	} {
		p := goldPlan(t)
		lines := []aLine{{code: "73610", charge: 160_00, fee: 150_00}, {code: "15824", charge: 10_00, fee: 10_00}}
		c, e := aCase(p, lines...)
		if tt.rules == Rules2 {
			p = plan2(t)
			c, e = case2(p, lines...)
		}
		tt.with(c, e)
		if len(tt.aside) > 0 {
			overturned(e, tt.aside...)
		}
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := string(d.Lines[0].Outcome) + " " + adjustments(d.Lines[0]); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.name, tt.rules, got, tt.want)
		}
		if other := adjustments(d.Lines[1]); tt.name == "late filing" && other != "CO-29 10.00" {
			t.Errorf("%s: line 2, of which nothing was set aside, got %s", tt.name, other)
		}
		said := false
		for _, s := range d.Lines[0].Steps {
			said = said || strings.HasSuffix(s.Note, "; set aside on appeal")
		}
		if want := len(tt.aside) > 0 && tt.aside[0].Line == 1 && tt.name != "of another code"; said != want {
			t.Errorf("%s: a step says that it was set aside: %t, want %t", tt.name, said, want)
		}
	}
}

// TestSetAsideWithinOneRule has a rule that can give several denials still give
// the others.
func TestSetAsideWithinOneRule(t *testing.T) {
	p := plan2(t)
	p.Conditions = []Condition{{Codes: CodeSet{{"73610", "73610"}}, Ages: &Ages{From: 0, To: 1}, Sex: "M", Places: []string{"99"}, NeedsModifier: []string{"TC"}}}
	c, e := case2(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
	c.PatientPerson().Sex, c.PatientPerson().Birth = "F", "1980-01-01"
	p.MachineDenials = append(p.MachineDenials, "4", "5", "6", "7")
	for _, step := range []struct{ denied, aside string }{{"CO-6 160.00", "6"}, {"CO-7 160.00", "7"}, {"CO-5 160.00", "5"}, {"CO-4 160.00", "4"}} {
		d, err := Adjudicate(c, p, e)
		if err != nil || adjustments(d.Lines[0]) != step.denied {
			t.Fatalf("got %+v, %v, want %s", d, err, step.denied)
		}
		overturned(e, SetAside{1, step.aside})
	}
	if d, err := Adjudicate(c, p, e); err != nil || d.Outcome != Paid {
		t.Errorf("all set aside: got %+v, %v", d, err)
	}
}

// TestAppealsBelong has evidence that sets aside what nobody may be an error.
func TestAppealsBelong(t *testing.T) {
	for want, with := range map[string]func(*Evidence, *Determination){
		"B7 cannot be set aside":         func(_ *Evidence, r *Determination) { r.SetsAside[0].CARC = "B7" },
		"31 cannot be set aside":         func(_ *Evidence, r *Determination) { r.SetsAside[0].CARC = "31" },
		"27 cannot be set aside":         func(_ *Evidence, r *Determination) { r.SetsAside[0].CARC = "27" },
		"45 cannot be set aside":         func(_ *Evidence, r *Determination) { r.SetsAside[0].CARC = "45" },
		"line 7, which the claim":        func(_ *Evidence, r *Determination) { r.SetsAside[0].Line = 7 },
		"set nothing aside":              func(_ *Evidence, r *Determination) { r.SetsAside = nil },
		"an appeal that set":             func(_ *Evidence, r *Determination) { r.Approve = false },
		"that set nothing":               func(_ *Evidence, r *Determination) { r.Appeal = nil },
		"another submission or":          func(_ *Evidence, r *Determination) { r.Subject = credentials.Handle{8} },
		"about another submission":       func(e *Evidence, r *Determination) { r.Number = e.Number },
		"is about another submission or": func(e *Evidence, r *Determination) { r.Number = 0 },
	} {
		p := goldPlan(t)
		c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
		overturned(e, SetAside{1, "29"})
		with(e, &e.Appeals[0])
		if d, err := Adjudicate(c, p, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, %v", want, d, err)
		}
	}
}

// TestAnswers says which answers an appeal can have.
func TestAnswers(t *testing.T) {
	h := credentials.Handle{5}
	d := &Decision{Number: 1, Outcome: Denied, Lines: []LineDecision{
		{Line: 1, Outcome: Denied, Adjustments: []Adjustment{{Contractual, "29", "", 10}}},
		{Line: 2, Outcome: Denied, Adjustments: []Adjustment{{Contractual, "B7", "", 10}}},
		{Line: 3, Outcome: Paid, Adjustments: []Adjustment{{Contractual, "45", "", 10}}},
	}}
	a := &Appeal{Handle: h, Subject: credentials.Handle{1}, Number: 1, Words: "w"}
	for _, tt := range []struct {
		want string
		with func(*Determination, *Appeal)
	}{
		{"", func(*Determination, *Appeal) {}},
		{"", func(r *Determination, _ *Appeal) { r.Approve, r.SetsAside = false, nil }},
		{"answers another appeal", func(r *Determination, _ *Appeal) { r.Appeal = nil }},
		{"answers another appeal", func(r *Determination, _ *Appeal) { r.Number = 2 }},
		{"plain words", func(r *Determination, _ *Appeal) { r.Words = " " }},
		{"no UTF-8", func(r *Determination, _ *Appeal) { r.Words = "\xff" }},
		{"upheld, or names", func(r *Determination, _ *Appeal) { r.Approve = false }},
		{"upheld, or names", func(r *Determination, _ *Appeal) { r.SetsAside = nil }},
		{"units", func(r *Determination, _ *Appeal) { r.Units = 1 }},
		{"no line 9", func(r *Determination, _ *Appeal) { r.SetsAside[0].Line = 9 }},
		{"B7 cannot be set aside", func(r *Determination, _ *Appeal) { r.SetsAside[0] = SetAside{2, "B7"} }},
		{"was not denied for 18", func(r *Determination, _ *Appeal) { r.SetsAside[0].CARC = "18" }},
		{"was not denied for 96", func(r *Determination, _ *Appeal) { r.SetsAside[0] = SetAside{3, "96"} }},
		{"not about it", func(_ *Determination, a *Appeal) { a.Lines = []int{2, 3} }},
	} {
		a, r := *a, Determination{Subject: credentials.Handle{1}, Number: 1, Approve: true, Appeal: &h, Words: "w", SetsAside: []SetAside{{1, "29"}}}
		tt.with(&r, &a)
		if err := r.Answers(&a, d); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("want %q, got %v", tt.want, err)
		}
	}
}

// TestAppealChecks says which appeals are none.
func TestAppealChecks(t *testing.T) {
	good := Appeal{Subject: credentials.Handle{1}, Number: 1, Words: "w", Lines: []int{1, 2}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, with := range map[string]func(*Appeal){
		"no claim":     func(a *Appeal) { a.Subject = credentials.Handle{} },
		"no decision":  func(a *Appeal) { a.Number = 0 },
		"no reason":    func(a *Appeal) { a.Words = "\n" },
		"longer than":  func(a *Appeal) { a.Words = strings.Repeat("x", MaxAppealWords+1) },
		"number once":  func(a *Appeal) { a.Lines = []int{1, 1} },
		"line 0: want": func(a *Appeal) { a.Lines = []int{0} },
	} {
		a := good
		with(&a)
		if err := a.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, o := range []Outcome{Pended, Voided} {
		if err := good.Against(&Decision{Outcome: o}); err == nil {
			t.Errorf("a %s claim can be appealed", o)
		}
	}
	if err := good.Against(&Decision{Outcome: Paid, Lines: []LineDecision{{Line: 1}}}); err == nil || !strings.Contains(err.Error(), "no line 2") {
		t.Errorf("a line that is not there: %v", err)
	}
}

// TestAppealDays is the window that an edition gives, or the law's.
func TestAppealDays(t *testing.T) {
	p := goldPlan(t)
	if got := p.AppealUntil("2026-01-01") + p.AppealDue("2026-01-01"); got != "2026-06-302026-03-02" {
		t.Errorf("without the fields: %s", got)
	}
	p = goldPlan(t, "timelyFilingDays", "appealDays: 30\nappealAnswerDays: 20\ntimelyFilingDays")
	if got := p.AppealUntil("2026-01-01") + p.AppealDue("2026-01-01"); got != "2026-01-312026-01-21" {
		t.Errorf("with them: %s", got)
	}
}

// TestSameResult compares to the cent and in codes, and in nothing else.
func TestSameResult(t *testing.T) {
	p := goldPlan(t, "required: [72148, 97110]", "required: [72148, 97110, 73610]")
	c, e := aCase(p, aLine{code: "73610", charge: 160_00, fee: 150_00})
	authorize(c, e, 0, 2000)
	decide := func() *Decision {
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := decide()
	e.Number, e.Lines[0].Authorization.Handle, e.Fees.Edition = 2, credentials.Handle{77}, "later"
	if again := decide(); !again.SameResult(first) || again.SameResult(nil) {
		t.Error("a decision differs by what changes no cent")
	}
	for name, with := range map[string]func(*Decision){
		"outcome":  func(d *Decision) { d.Outcome = Denied },
		"units":    func(d *Decision) { d.Draws[0].Units++ },
		"draws":    func(d *Decision) { d.Draws = nil },
		"met":      func(d *Decision) { d.Met[0].DeductibleFamily-- },
		"a cent":   func(d *Decision) { d.Lines[0].Paid-- },
		"patient":  func(d *Decision) { d.Lines[0].Patient-- },
		"a code":   func(d *Decision) { d.Lines[0].Adjustments[0].CARC = "59" },
		"a remark": func(d *Decision) { d.Lines[0].Adjustments[0].RARC = "N1" },
		"a line":   func(d *Decision) { d.Lines = d.Lines[:0] },
	} {
		other := decide()
		with(other)
		if other.SameResult(first) {
			t.Errorf("%s: counts as the same", name)
		}
	}
}
