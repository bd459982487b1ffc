package claims

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// signing has a plan want clinicians to sign; with16 lets the machine deny for
// want of it.
var (
	signing = []string{"machineDenials: [15,", "clinicianSignature: {authorizations: [72148], claims: [80053, 97110], withinDays: 30, professions: [MD, DO]}\nmachineDenials: [15,"}
	with16  = []string{"machineDenials: [15,", "clinicianSignature: {authorizations: [72148], claims: [80053, 97110], withinDays: 30, professions: [MD, DO]}\nmachineDenials: [15, 16,"}
)

// goodSignature is Dr. A's, as it comes out of the books.
func goodSignature() SignatureFact {
	return SignatureFact{
		Handle: credentials.Handle{8}, License: credentials.Handle{7}, Profession: "MD", Signed: when(signedAt), Received: when("2026-02-10T12:00:00Z"),
		Verdict: credentials.Verdict{Outcome: credentials.Good}, Under: licensed,
		Standing: StandingFact{NPI: drA, State: "IL", On: "2026-02-03", Standing: licensed, Fresh: true},
	}
}

// signatureCases are what a signature may be, what comes of it, and why.
var signatureCases = []struct {
	name   string
	change func(*SignatureFact)
	want   PendReason
	why    string
}{
	{"good", func(*SignatureFact) {}, "", "NPI 1234567893 signed for it on 2026-02-03"},
	{"by another clinician", func(f *SignatureFact) { f.Standing.NPI = "1003000126" }, PendSignature, "another clinician has signed"},
	{"of another state", func(f *SignatureFact) { f.Standing.State = "WI" }, PendSignature, "under a license of WI, the service is in IL"},
	{"with a key that was not bound", func(f *SignatureFact) {
		f.Verdict = credentials.Verdict{Outcome: credentials.Bad, Check: credentials.CheckIssuer, Why: "its key was not bound"}
	}, PendSignature, "its key was not bound"},
	{"of a license that was not heard of", func(f *SignatureFact) {
		f.Verdict = credentials.Verdict{Outcome: credentials.NotKnown, Why: "not heard of"}
		f.Standing = StandingFact{}
	}, PendStanding, "not heard of"},
	{"no verdict", func(f *SignatureFact) { f.Verdict = credentials.Verdict{} }, PendSignature, ""},
	{"bad, by a stale feed", func(f *SignatureFact) {
		f.Verdict, f.Standing.Fresh = credentials.Verdict{Outcome: credentials.Bad, Why: "x"}, false
	}, PendStanding, "not current"},
	{"good, by a stale feed", func(f *SignatureFact) { f.Standing.Fresh = false }, PendStanding, "not current"},
	{"under a revoked license", func(f *SignatureFact) {
		f.Under = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
	}, PendSignature, "did not stand on 2026-02-03, when it was signed (license-revoked)"},
	{"under nobody knows what", func(f *SignatureFact) {
		f.Under = credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonUnclear}
	}, PendStanding, "no certain answer"},
	{"by a nurse", func(f *SignatureFact) { f.Profession = "RN" }, PendSignature, "this profession"},
	{"30 days old", func(f *SignatureFact) { f.Received = when("2026-03-05T23:59:59Z") }, "", ""},
	{"31 days old", func(f *SignatureFact) { f.Received = when("2026-03-06T00:00:00Z") }, PendSignature, "more than 30 days before it came in"},
	{"under a restricted license", func(f *SignatureFact) {
		f.Under = credentials.Standing{Answer: credentials.MayRestricted, Reason: credentials.ReasonRestricted, Restrictions: "NO-SURGERY"}
	}, PendRestriction, "restricted (NO-SURGERY)"},
}

// A claim's line that the plan names is paid with the clinician's signature
// alone; without it waits, and is denied only where the edition lists CARC 16.
func TestClaimNeedsSignature(t *testing.T) {
	decide := func(t *testing.T, p *Plan, change func(*Claim, *Evidence)) LineDecision {
		t.Helper()
		c, e := aCase(p, aLine{"80053", 4000, 3000, 1000, ""})
		change(c, e)
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		d.Lines[0].Adjustments = append([]Adjustment(nil), d.Lines[0].Adjustments...)
		if len(d.Pends) > 0 {
			d.Lines[0].Steps = append(d.Lines[0].Steps, Step{Rule: "pend", Note: string(d.Pends[0].Reason) + ": " + d.Pends[0].Note})
		}
		return d.Lines[0]
	}
	told := func(l LineDecision) string { return l.Steps[len(l.Steps)-1].Note }
	p, denying := goldPlan(t, signing...), goldPlan(t, with16...)
	for _, tt := range append(signatureCases, struct {
		name   string
		change func(*SignatureFact)
		want   PendReason
		why    string
	}{"none", nil, PendSignature, "no clinician has signed for it"}) {
		t.Run(tt.name, func(t *testing.T) {
			with := func(_ *Claim, e *Evidence) {
				if tt.change != nil {
					f := goodSignature()
					tt.change(&f)
					e.Signatures = []SignatureFact{f}
				}
			}
			l := decide(t, p, with)
			if tt.want == "" {
				i := stepOf(l, ruleSignature)
				if l.Outcome != Paid || i < 0 || !strings.Contains(l.Steps[i].Note, tt.why) || l.Steps[i].Edition != "gold 2026-01" {
					t.Fatalf("got %s, %+v", l.Outcome, l.Steps)
				}
			} else if l.Outcome != Pended || !strings.HasPrefix(told(l), string(tt.want)) || !strings.Contains(told(l), tt.why) {
				t.Fatalf("got %s, %q; want %s: %s", l.Outcome, told(l), tt.want, tt.why)
			}
			if tt.want == PendSignature && !strings.Contains(told(l), "have the clinician who is named sign it with the key of their license") {
				t.Errorf("%q does not say what to do", told(l))
			}
			l = decide(t, denying, with)
			switch {
			case tt.want == PendSignature:
				if l.Outcome != Denied || adjustments(l) != "CO-16/MA81 40.00" {
					t.Errorf("where the edition lists 16: %s, %s", l.Outcome, adjustments(l))
				}
			case tt.want != "" && l.Outcome != Pended: // what is not certain is never denied
				t.Errorf("where the edition lists 16: %s, want it to wait", l.Outcome)
			}
			// A reviewer approves a restriction, and cannot sign for the clinician.
			l = decide(t, p, func(c *Claim, e *Evidence) {
				with(c, e)
				e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true, Reason: "OK"}
			})
			if want := tt.want == "" || tt.want == PendRestriction; (l.Outcome == Paid) != want {
				t.Errorf("approved by a reviewer: %s, want paid %v", l.Outcome, want)
			}
		})
	}
	l := decide(t, p, func(_ *Claim, e *Evidence) {
		e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Reason: "no", NPI: drA, Standing: &StandingFact{NPI: drA, Fresh: true, Standing: licensed}}
	})
	if l.Outcome != Denied || adjustments(l) != "CO-16/MA81 40.00" {
		t.Errorf("refused by a reviewer: %s, %s", l.Outcome, adjustments(l))
	}
}

func stepOf(l LineDecision, rule string) int {
	for i, s := range l.Steps {
		if s.Rule == rule {
			return i
		}
	}
	return -1
}

// Of several signatures a good one wins, whoever else has signed.
func TestSeveralSignatures(t *testing.T) {
	p := goldPlan(t, signing...)
	bad, unknown, restricted := goodSignature(), goodSignature(), goodSignature()
	bad.Standing.NPI, unknown.Standing.Fresh = "1003000126", false
	restricted.Under.Answer = credentials.MayRestricted
	for _, tt := range []struct {
		all  []SignatureFact
		want PendReason
	}{
		{[]SignatureFact{bad, goodSignature()}, ""}, {[]SignatureFact{goodSignature(), bad}, ""}, {[]SignatureFact{restricted, goodSignature(), unknown}, ""},
		{[]SignatureFact{bad, unknown}, PendStanding}, {[]SignatureFact{unknown, bad}, PendStanding}, {[]SignatureFact{unknown, restricted, bad}, PendRestriction}, {[]SignatureFact{bad}, PendSignature}, {nil, PendSignature},
	} {
		if got := p.ClinicianSignature.countersigned(tt.all, drA, "IL"); got.pend != tt.want || got.why == "" {
			t.Errorf("%d signatures: %+v, want %q", len(tt.all), got, tt.want)
		}
	}
	if got := p.ClinicianSignature.countersigned([]SignatureFact{{Standing: StandingFact{Fresh: true}, Verdict: credentials.Verdict{Outcome: credentials.Good}}}, "", ""); got.pend != PendSignature {
		t.Errorf("nobody is named, and nobody signed: %+v", got)
	}
}

// Where the plan does not name a code, nothing of the decision changes.
func TestUnnamedCodesNeedNoSignature(t *testing.T) {
	for _, code := range []string{"99213", "80053"} {
		plain, p := goldPlan(t), goldPlan(t, "machineDenials: [15,", "clinicianSignature: {claims: [97110], withinDays: 30}\nmachineDenials: [15,")
		c, e := aCase(plain, aLine{code, 4000, 3000, 1000, ""})
		before, err := Adjudicate(c, plain, e)
		if err != nil || before.Outcome != Paid {
			t.Fatalf("%s: %s, %v", code, before.Outcome, err)
		}
		c, e = aCase(p, aLine{code, 4000, 3000, 1000, ""})
		after, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		before.Plan = after.Plan
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s: got %+v, want %+v", code, after, before)
		}
	}
}

func TestAuthorizationNeedsSignature(t *testing.T) {
	p, denying := goldPlan(t, signing...), goldPlan(t, with16...)
	all := goldPlan(t, "machineDenials: [15,", "clinicianSignature: {authorizations: all, withinDays: 30}\nmachineDenials: [15,")
	decide := func(p *Plan, code string, change func(*AuthorizationRequest, *AuthorizationEvidence)) string {
		r, e := aRequest(p, code, 1000)
		if change != nil {
			change(r, e)
		}
		d, err := Authorize(r, p, e)
		if err != nil {
			t.Fatal(err)
		}
		note := ""
		if len(d.Pends) > 0 {
			note = ": " + d.Pends[0].Note
		}
		return fmt.Sprintf("%s %s%s", d.Outcome, d.Items[0].Reason, note)
	}
	for _, tt := range signatureCases {
		with := func(_ *AuthorizationRequest, e *AuthorizationEvidence) {
			f := goodSignature()
			tt.change(&f)
			e.Signatures = []SignatureFact{f}
		}
		got, want := decide(p, "72148", with), "pended "+string(tt.want)
		if tt.want == "" {
			want = "approved within-rule"
		}
		if !strings.HasPrefix(got, want) || tt.want != "" && !strings.Contains(got, tt.why) {
			t.Errorf("%s: got %q, want %q, %q", tt.name, got, want, tt.why)
		}
		if tt.want == PendSignature {
			if got := decide(denying, "72148", with); got != "denied clinician-signature-missing" {
				t.Errorf("%s, where the edition lists 16: %q", tt.name, got)
			}
			if !strings.Contains(got, "have the clinician who is named sign it") {
				t.Errorf("%s: %q does not say what to do", tt.name, got)
			}
		}
	}
	reviewed := func(approve bool, before AuthorizationOutcome, facts ...SignatureFact) func(*AuthorizationRequest, *AuthorizationEvidence) {
		return func(_ *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number, e.Before, e.Signatures = 2, before, facts
			e.Review = &Determination{Subject: e.Submission, Number: 1, Approve: approve, Reason: "not-indicated", NPI: drA, Standing: &StandingFact{NPI: drA, State: "IL", On: "2026-02-03", Standing: licensed, Fresh: true}}
		}
	}
	restricted := goodSignature()
	restricted.Under.Answer = credentials.MayRestricted
	for _, tt := range []struct{ name, got, want string }{
		{"a code that is not named", decide(p, "97110", nil), "pended review: "},
		{"all are named", decide(all, "97110", nil), "pended clinician-signature: "},
		{"all are named, and none is required", decide(all, "99213", nil), "not-required not-required"},
		{"a reviewer approves without it", decide(p, "72148", reviewed(true, AuthorizationPended)), "pended clinician-signature: "},
		{"a reviewer refuses without it", decide(p, "72148", reviewed(false, AuthorizationPended)), "denied not-indicated"},
		{"a reviewer approves a restriction", decide(p, "72148", reviewed(true, AuthorizationPended, restricted)), "approved within-rule"},
		{"what was approved, its key not good any more", decide(denying, "72148", func(_ *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number, e.Before = 2, AuthorizationApproved
		}), "revoked clinician-signature-missing"},
	} {
		if !strings.HasPrefix(tt.got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

// Whoever ordered a request may sign for it as well as whoever is to give the
// service; nobody else may, and the order of the two changes what is signed.
func TestOrderingClinicianSigns(t *testing.T) {
	p := goldPlan(t, signing...)
	const orders = credentials.NPI("1000000004")
	r, e := aRequest(p, "72148", 1000)
	before, err := r.ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	f := goodSignature()
	f.Standing.NPI = orders
	e.Signatures = []SignatureFact{f}
	decide := func(ordering *Provider) AuthorizationOutcome {
		r.Ordering = ordering
		d, err := Authorize(r, p, e)
		if err != nil {
			t.Fatal(err)
		}
		return d.Outcome
	}
	if got := decide(nil); got != AuthorizationPended {
		t.Errorf("signed by somebody whom nobody names: %s", got)
	}
	if got := decide(&Provider{NPI: "1000000012"}); got != AuthorizationPended {
		t.Errorf("another one ordered it: %s", got)
	}
	if got := decide(&Provider{NPI: orders}); got != AuthorizationApproved {
		t.Errorf("signed by who ordered it: %s", got)
	}
	if after, err := r.ClinicalContent(); err != nil || after == before {
		t.Errorf("who ordered it is not signed for: %v", err)
	}
	e.Signatures = []SignatureFact{goodSignature()}
	if got := decide(&Provider{NPI: orders}); got != AuthorizationApproved {
		t.Errorf("signed by who gives it, though another ordered it: %s", got)
	}
	if problems := CheckRequest(&AuthorizationRequest{Ordering: &Provider{NPI: "123"}}, Edits{}); !slices.ContainsFunc(problems, func(p Problem) bool { return p.Element == "/ordering/npi" }) {
		t.Error("a bad NPI of who ordered it is taken")
	}
}

func TestParseSignatureRules(t *testing.T) {
	p := goldPlan(t, signing...).ClinicianSignature
	if p == nil || p.AllAuthorizations || !p.Authorizations.Has("72148") || !p.Claims.Has("97110") || p.WithinDays != 30 || len(p.Professions) != 2 {
		t.Errorf("got %+v", p)
	}
	if p := goldPlan(t).ClinicianSignature; p != nil || p.ofClaim("97110") || p.ofAuthorization("72148") {
		t.Errorf("a plan that does not name it: %+v", p)
	}
	for text, want := range map[string]string{
		"{withinDays: 30}":                                   "names neither authorizations nor claims",
		"{claims: [97110]}":                                  `needs the field "withinDays"`,
		"{claims: [97110], withinDays: 0}":                   "want a number of days",
		"{authorizations: some, withinDays: 30}":             "want a list",
		"{authorizations: [99213], withinDays: 30}":          "authorizations has 99213, which no line of authorization.required covers",
		"{claims: [97110], withinDays: 30, by: anybody}":     `unknown field "by"`,
		"{claims: [97110], withinDays: 30, professions: MD}": "want a list",
		"none": "want fields",
	} {
		_, err := ParsePlan([]byte(strings.Replace(planText, "machineDenials:", "clinicianSignature: "+text+"\nmachineDenials:", 1)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "plan.yaml line ") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
