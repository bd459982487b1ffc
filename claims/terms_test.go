package claims

import (
	"strings"
	"testing"
)

const planTerms = `pendDays: 30
terms:
  - {name: not-abroad, when: 'claim.state == "XX"', then: exclude, note: care abroad is not covered}
  - {name: child, when: 'member.age < 18', then: review, note: a person looks at services for children}
  - {name: dear, when: 'line.cents > 100000', then: authorize, note: what costs more than 1000 is asked for first}
machineDenials:`

// Each effect, each answer: what becomes of a line of 140.00 for which the plan
// would pay 65.00 after a copay of 25.00.
func TestTerms(t *testing.T) {
	p := goldPlan(t, "rules: rules/1", "rules: rules/2", "machineDenials:", planTerms)
	const yes, no, unknown = TermYes, TermNo, TermUnknown
	for name, test := range map[string]struct {
		answers  [3]TermAnswer
		approved bool
		outcome  Outcome
		carc     string
		pends    int
		step     string
	}{
		"none holds":            {[3]TermAnswer{no, no, no}, false, Paid, "", 0, "no term of the plan stands against it"},
		"excluded":              {[3]TermAnswer{yes, no, no}, false, Denied, CARCExcluded, 0, "not-abroad: care abroad is not covered"},
		"excluded and reviewed": {[3]TermAnswer{yes, yes, no}, false, Denied, CARCExcluded, 0, "not-abroad: "},
		"reviewed":              {[3]TermAnswer{no, yes, no}, false, Pended, "", 1, "child: a person looks"},
		"approved":              {[3]TermAnswer{no, yes, no}, true, Paid, "", 0, "a reviewer approved it"},
		"to be authorized":      {[3]TermAnswer{no, no, yes}, false, Denied, CARCAuthorizationAbsent, 0, "99213 (dear: what costs more than 1000 is asked for first) needs"},
		"nobody knows":          {[3]TermAnswer{unknown, unknown, unknown}, false, Pended, "", 3, "the claim does not say"},
		"nobody knows, allowed": {[3]TermAnswer{unknown, unknown, unknown}, true, Paid, "", 0, "a reviewer approved it"},
	} {
		c, e := aCase(p, aLine{code: "99213", charge: 140_00, fee: 90_00, units: 1000, on: "2026-10-01"})
		for i, a := range test.answers {
			e.Lines[0].Terms = append(e.Lines[0].Terms, TermFact{p.Terms[i].Name, a})
		}
		if test.approved {
			e.Number = 2
			e.Review = &Determination{Subject: e.Submission, Number: 1, Approve: true}
		}
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l := &d.Lines[0]
		carc := ""
		if l.Outcome == Denied {
			carc = l.Adjustments[0].CARC
		}
		said := false
		for _, s := range l.Steps {
			said = said || strings.Contains(s.Note, test.step)
		}
		if d.Outcome != test.outcome || carc != test.carc || len(d.Pends) != test.pends || !said {
			t.Errorf("%s: got %s, CARC %q, pends %v, steps %+v", name, d.Outcome, carc, d.Pends, l.Steps)
		}
		for _, pend := range d.Pends {
			if pend.Reason != PendTerm {
				t.Errorf("%s: waits for %s", name, pend.Reason)
			}
		}
		if d.Outcome == Paid && d.Paid != 65_00 {
			t.Errorf("%s: pays %s, want 65.00", name, d.Paid)
		}
	}
}

// A term that cannot be answered makes nobody ask for an authorization that is
// there.
func TestTermsUnknownButAuthorized(t *testing.T) {
	p := goldPlan(t, "rules: rules/1", "rules: rules/2", "machineDenials:", planTerms, "required: [72148, 97110]", "required: [72148, 97110, 99213]")
	c, e := aCase(p, aLine{code: "99213", charge: 140_00, fee: 90_00, units: 1000, on: "2026-10-01"})
	c.Authorization = "A1"
	e.Lines[0].Authorization = &AuthorizationFact{Number: "A1", Found: true, Outcome: AuthorizationApproved, Matches: true, From: "2026-01-01", Until: "2026-12-31", Left: 1000}
	e.Lines[0].Terms = []TermFact{{"not-abroad", TermNo}, {"child", TermNo}, {"dear", TermUnknown}}
	if d, err := Adjudicate(c, p, e); err != nil || d.Outcome != Paid {
		t.Errorf("got %+v, %v", d, err)
	}
}

// Facts that do not answer the edition's terms, one by one, decide nothing.
func TestTermsBelong(t *testing.T) {
	p := goldPlan(t, "rules: rules/1", "rules: rules/2", "machineDenials:", planTerms)
	all := []TermFact{{"not-abroad", TermNo}, {"child", TermNo}, {"dear", TermNo}}
	for name, terms := range map[string][]TermFact{
		"none":             nil,
		"one left out":     all[:2],
		"another order":    {all[1], all[0], all[2]},
		"another answer":   {all[0], all[1], {"dear", "perhaps"}},
		"no answer at all": {all[0], all[1], {Name: "dear"}},
		"one more":         append(all[:3:3], TermFact{"dear", TermNo}),
	} {
		c, e := aCase(p, aLine{code: "99213", charge: 140_00, fee: 90_00, units: 1000, on: "2026-10-01"})
		e.Lines[0].Terms = terms
		if d, err := Adjudicate(c, p, e); err == nil {
			t.Errorf("%s: decided as %s", name, d.Outcome)
		}
	}
	c, e := aCase(goldPlan(t), aLine{code: "99213", charge: 140_00, fee: 90_00, units: 1000, on: "2026-10-01"})
	e.Lines[0].Terms = all
	if _, err := Adjudicate(c, goldPlan(t), e); err == nil {
		t.Error("an edition without terms decides on answers to some")
	}
}

func TestParseTerms(t *testing.T) {
	for name, test := range map[string]struct{ rules, terms, want string }{
		"sound":          {Rules2, planTerms, ""},
		"under rules/1":  {Rules1, strings.Replace(planTerms, "pendDays: 30\n", "", 1), `field "terms": rules/1 does not read it`},
		"two of a name":  {Rules2, strings.Replace(planTerms, "name: child", "name: dear", 1), `two terms have the name "dear"`},
		"a bad name":     {Rules2, strings.Replace(planTerms, "name: child", "name: Child", 1), "want small letters"},
		"a long name":    {Rules2, strings.Replace(planTerms, "name: child", "name: "+strings.Repeat("c", 61), 1), "want small letters"},
		"an accent":      {Rules2, strings.Replace(planTerms, "note: care abroad", "note: cáre abroad", 1), "plain characters"},
		"another effect": {Rules2, strings.Replace(planTerms, "then: review", "then: deny", 1), "want exclude, authorize or review"},
		"no note":        {Rules2, strings.Replace(planTerms, ", note: care abroad is not covered", "", 1), "note"},
		"no condition":   {Rules2, strings.Replace(planTerms, `when: 'member.age < 18', `, "", 1), "when"},
		"a line break":   {Rules2, strings.Replace(planTerms, "note: care abroad is not covered", `note: "a\nb"`, 1), "want one"},
	} {
		_, err := ParsePlan([]byte(strings.NewReplacer("rules: rules/1", "rules: "+test.rules, "machineDenials:", test.terms).Replace(planText)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
