package claims

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// aRequest asks for one service by Dr. A in Illinois, from 1 March to 30 June,
// for a known and covered member.
func aRequest(p *Plan, code string, units Quantity) (*AuthorizationRequest, *AuthorizationEvidence) {
	r := &AuthorizationRequest{
		Number: "AUTH-1", Requester: Provider{NPI: "2234567891", Organization: true}, Clinician: Provider{NPI: drA},
		Patient: Person{MemberID: "M1", Last: "X"}, State: "IL",
		Items: []RequestItem{{Sequence: 1, Code: code, Units: units, From: "2026-03-01", Until: "2026-06-30"}},
	}
	at := func(on credentials.Date) StandingFact {
		return StandingFact{NPI: drA, State: "IL", On: on, Standing: licensed, Fresh: true}
	}
	e := &AuthorizationEvidence{
		Submission: credentials.Handle{1}, Number: 1, Received: "2026-02-01", Plan: p.Ref(),
		Member:    MemberFact{Found: true, Matches: true, Coverage: []Coverage{{From: "2025-01-01"}}},
		Standings: []ItemStanding{{Sequence: 1, First: at("2026-03-01"), Last: at("2026-06-30")}},
	}
	return r, e
}

func TestAuthorize(t *testing.T) {
	revoked := credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
	restricted := credentials.Standing{Answer: credentials.MayRestricted, Reason: credentials.ReasonRestricted, Restrictions: "NO-SURGERY"}
	reviewed := func(e *AuthorizationEvidence, approve bool) {
		e.Number, e.Before = 2, AuthorizationPended
		e.Review = &Determination{Subject: e.Submission, Number: 1, Approve: approve, Reason: "not-indicated", NPI: drA,
			Standing: &StandingFact{NPI: drA, State: "IL", On: "2026-02-03", Standing: licensed, Fresh: true}}
	}
	tests := []struct {
		name  string
		code  string
		units Quantity
		with  func(r *AuthorizationRequest, e *AuthorizationEvidence)
		want  string // outcome action until reason
	}{
		{"by rule", "72148", 2000, nil, "approved A1 2026-06-30 within-rule"},
		{"more than the rule allows", "72148", 2001, nil, "pended A4 2026-06-30 review"},
		{"no rule", "97110", 8000, nil, "pended A4 2026-06-30 review"},
		{"not required", "99213", 1000, nil, "not-required NA 2026-06-30 not-required"},
		{"a reviewer approves", "97110", 8000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { reviewed(e, true) },
			"approved A1 2026-06-30 reviewer-approved"},
		{"a reviewer approves fewer", "97110", 8000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { reviewed(e, true); e.Review.Units = 6000 },
			"approved A6 2026-06-30 fewer-units of 6"},
		{"fewer, and coverage ends", "97110", 8000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, true)
			e.Review.Units, e.Member.Coverage[0].Until = 6000, "2026-04-30"
		}, "approved A6 2026-04-30 coverage-ends of 6"},
		{"facts moved since fewer were approved", "97110", 8000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number, e.Before, e.BeforeUnits = 3, AuthorizationApproved, 6000
		}, "approved A6 2026-06-30 approved-before of 6"},
		{"a reviewer denies", "97110", 8000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { reviewed(e, false) },
			"denied A3 2026-06-30 not-indicated"},
		{"no member", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Member = MemberFact{} },
			"denied A3 2026-06-30 not-a-member"},
		{"another name", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Member.Matches = false },
			"denied A3 2026-06-30 not-a-member"},
		{"not covered on the first day", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Member.Coverage[0].From = "2026-03-02" },
			"denied A3 2026-06-30 not-covered"},
		{"coverage ends", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Member.Coverage[0].Until = "2026-04-30" },
			"approved A6 2026-04-30 coverage-ends"},
		{"not licensed", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].First.Standing = revoked },
			"denied A3 2026-06-30 license-revoked"},
		{"not licensed, no approval helps", "97110", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, true)
			e.Standings[0].First.Standing = revoked
		}, "denied A3 2026-06-30 license-revoked"},
		{"approved, then revoked before it starts", "97110", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, true)
			e.Number, e.Before, e.Standings[0].First.Standing, e.Standings[0].Revoked = 3, AuthorizationApproved, revoked, "2026-03-01"
		}, "revoked C 2026-06-30 license-revoked"},
		{"approved, then an order within", "97110", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, true)
			e.Number, e.Before, e.Standings[0].Last.Standing, e.Standings[0].Revoked = 3, AuthorizationApproved, revoked, "2026-04-15"
		}, "approved A6 2026-04-14 license-revoked"},
		{"approved, then an order within, the review not at hand", "97110", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number, e.Before, e.Standings[0].Revoked = 3, AuthorizationApproved, "2026-04-15"
		}, "approved A6 2026-04-14 license-revoked"},
		{"an order on the second day", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].Revoked = "2026-03-02" },
			"approved A6 2026-03-01 license-revoked"},
		{"an order after coverage ends", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Member.Coverage[0].Until, e.Standings[0].Revoked = "2026-04-30", "2026-05-15"
		}, "approved A6 2026-04-30 coverage-ends"},
		{"suspended", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Standings[0].First.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonSuspended}
		}, "denied A3 2026-06-30 license-suspended"},
		{"suspended within", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Standings[0].Revoked, e.Standings[0].Why = "2026-04-15", credentials.ReasonSuspended
		}, "approved A6 2026-04-14 license-suspended"},
		{"restricted: no rule approves", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].First.Standing = restricted },
			"pended A4 2026-06-30 license-restricted"},
		{"restricted, and a reviewer approves", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, true)
			e.Standings[0].First.Standing = restricted
		}, "approved A1 2026-06-30 reviewer-approved"},
		{"restricted, and a reviewer denies", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			reviewed(e, false)
			e.Standings[0].First.Standing = restricted
		}, "denied A3 2026-06-30 not-indicated"},
		{"restricted since it was approved", "97110", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number, e.Before, e.Standings[0].First.Standing = 3, AuthorizationApproved, restricted
		}, "pended A4 2026-06-30 license-restricted"},
		{"unknown", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Standings[0].First.Standing = credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonStale}
		}, "pended A4 2026-06-30 standing-unknown"},
		{"stale and revoked", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Standings[0].First.Standing, e.Standings[0].First.Fresh = revoked, false
		}, "pended A4 2026-06-30 standing-unknown"},
		{"nobody named", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			r.Clinician, e.Standings[0].First = Provider{}, StandingFact{}
		}, "pended A4 2026-06-30 clinician-not-named"},
		{"outside the edition", "72148", 1000, func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			r.Items[0].From, r.Items[0].Until, e.Standings[0].First.On = "2028-01-01", "2028-02-01", "2028-01-01"
		}, "pended A4 2028-02-01 plan-edition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := goldPlan(t)
			r, e := aRequest(p, tt.code, tt.units)
			if tt.with != nil {
				tt.with(r, e)
			}
			d, err := Authorize(r, p, e)
			if err != nil {
				t.Fatal(err)
			}
			it := d.Items[0]
			got := fmt.Sprintf("%s %s %s %s", it.Outcome, it.Action, it.Until, it.Reason)
			if it.Units != tt.units {
				got += " of " + it.Units.String()
			}
			if got != tt.want || d.Outcome != it.Outcome {
				t.Errorf("got %q (%s), want %q", got, d.Outcome, tt.want)
			}
			if (len(d.Pends) > 0) != (d.Outcome == AuthorizationPended) {
				t.Errorf("pends %+v", d.Pends)
			}
		})
	}
}

func TestAuthorizeDenialLeftToAPerson(t *testing.T) {
	p := goldPlan(t, "200, B7", "200")
	r, e := aRequest(p, "72148", 1000)
	e.Standings[0].First.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonExpired}
	if d, err := Authorize(r, p, e); err != nil || d.Outcome != AuthorizationPended || d.Pends[0].Reason != PendDenial {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestNoAuthorizationDecision(t *testing.T) {
	denial := func(with func(*Determination)) func(*AuthorizationRequest, *AuthorizationEvidence) {
		return func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			e.Number = 2
			e.Review = &Determination{Subject: e.Submission, Number: 1, Reason: "x", NPI: drA,
				Standing: &StandingFact{NPI: drA, Standing: licensed, Fresh: true}}
			with(e.Review)
		}
	}
	tests := []struct {
		with func(r *AuthorizationRequest, e *AuthorizationEvidence)
		want string
	}{
		{denial(func(d *Determination) { d.NPI = "" }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Standing = nil }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Standing.NPI = "1000000004" }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Standing.Fresh = false }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Standing.Standing.Answer = credentials.MayNot }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Standing.Standing.Answer = credentials.Unknown }), "a denial needs a reviewer"},
		{denial(func(d *Determination) { d.Reason = "" }), "needs its reason"},
		{denial(func(d *Determination) { d.Subject = credentials.Handle{2} }), "another submission"},
		{denial(func(d *Determination) { d.Number = 2 }), "another submission or decision"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { r.Items = nil }, "0 items"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings = nil }, "the evidence 0"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].Sequence = 2 }, "for item 2"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].First.NPI = "1000000004" }, "another clinician"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].First.On = "2026-02-01" }, "another day"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].First.State = "WI" }, "another day or state"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].Revoked = "2026-07-01" }, "outside its dates"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Standings[0].Revoked = "2026-03-01" }, "may practice on the day"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { r.Items[0].Until = "2026-02-01" }, "not in order"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { r.Items[0].Units = 0 }, "out of bounds"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Plan.Edition = "x" }, "another one"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) { e.Number = 0 }, "number of the decision"},
		{func(r *AuthorizationRequest, e *AuthorizationEvidence) {
			r.Items, e.Standings = append(r.Items, r.Items[0]), append(e.Standings, e.Standings[0])
		}, "is there twice"},
	}
	for _, tt := range tests {
		p := goldPlan(t)
		r, e := aRequest(p, "97110", 1000)
		tt.with(r, e)
		if d, err := Authorize(r, p, e); err == nil || d != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, %v, want an error with %q", d, err, tt.want)
		}
	}
}

func TestRollUp(t *testing.T) {
	tests := []struct {
		items string
		want  AuthorizationOutcome
	}{
		{"approved denied", AuthorizationApproved}, {"approved pended", AuthorizationPended}, {"denied not-required", AuthorizationDenied},
		{"revoked denied", AuthorizationRevoked}, {"revoked approved", AuthorizationApproved}, {"not-required", AuthorizationNotRequired},
	}
	for _, tt := range tests {
		var items []ItemDecision
		for _, o := range strings.Fields(tt.items) {
			items = append(items, ItemDecision{Outcome: AuthorizationOutcome(o)})
		}
		if got := rollUp(items); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.items, got, tt.want)
		}
	}
}

// TestFewerUnits: a reviewer approves fewer units of one service, and nothing else.
func TestFewerUnits(t *testing.T) {
	one := &AuthorizationRequest{Items: []RequestItem{{Sequence: 1, Units: 8000}}}
	two := &AuthorizationRequest{Items: []RequestItem{{Sequence: 1, Units: 8000}, {Sequence: 2, Units: 8000}}}
	for _, tt := range []struct {
		r       *Determination
		request *AuthorizationRequest
		want    string
	}{
		{nil, one, ""},
		{&Determination{Approve: true}, two, ""},
		{&Determination{Approve: true, Units: 7999}, one, ""},
		{&Determination{Approve: true, Units: 8000}, one, "fewer units than the 8"},
		{&Determination{Approve: true, Units: -1}, one, "fewer units"},
		{&Determination{Approve: true, Units: 1000}, two, "several"},
		{&Determination{Approve: true, Units: 1000}, nil, "not of a claim"},
		{&Determination{Units: 1000}, one, "a denial"},
	} {
		if got := tt.r.Cuts(tt.request); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %q, want %q", tt.r, got, tt.want)
		}
	}
	for _, with := range []func(e *AuthorizationEvidence){
		func(e *AuthorizationEvidence) {
			e.Review = &Determination{Subject: e.Submission, Number: 1, Approve: true, Units: 8000}
		},
		func(e *AuthorizationEvidence) { e.BeforeUnits = 1000 },
		func(e *AuthorizationEvidence) { e.Before, e.BeforeUnits = AuthorizationApproved, 8000 },
		func(e *AuthorizationEvidence) { e.Before, e.BeforeUnits = AuthorizationApproved, -1 },
	} {
		p := goldPlan(t)
		r, e := aRequest(p, "97110", 8000)
		e.Number, e.Before = 2, AuthorizationPended
		with(e)
		if d, err := Authorize(r, p, e); err == nil || !strings.Contains(err.Error(), "fewer") {
			t.Errorf("got %+v, %v", d, err)
		}
	}
}

// TestAuthorizeDays: days of a stay are asked for by a revenue code. Up to three are
// approved by rule; a reviewer may approve fewer than were asked for.
func TestAuthorizeDays(t *testing.T) {
	p := goldPlan(t)
	p.Hospital = &HospitalTerms{Authorization: &StayAuthorization{Bills: []string{"11"}, Revenue: RevenueSet{{"0100", "0219"}}, ApproveDays: 3}}
	for _, tt := range []struct {
		code  string
		units Quantity
		with  func(p *Plan, e *AuthorizationEvidence)
		want  string
	}{
		{"0120", 3000, nil, "approved A1 within-rule 3"},
		{"0120", 4000, nil, "pended A4 review 4"},
		{"0450", 1000, nil, "not-required NA not-required 1"},
		{"0120", 1000, func(p *Plan, e *AuthorizationEvidence) { p.Hospital = nil }, "not-required NA not-required 1"},
		{"0120", 1000, func(p *Plan, e *AuthorizationEvidence) {
			p.Hospital = &HospitalTerms{Authorization: &StayAuthorization{}}
		}, "pended A4 review 1"},
		{"0120", 6000, func(p *Plan, e *AuthorizationEvidence) {
			e.Number, e.Before = 2, AuthorizationPended
			e.Review = &Determination{Subject: e.Submission, Number: 1, Approve: true, Units: 4000}
		}, "approved A6 fewer-units 4"},
	} {
		plan := *p
		r, e := aRequest(&plan, tt.code, tt.units)
		if tt.with != nil {
			tt.with(&plan, e)
		}
		d, err := Authorize(r, &plan, e)
		if err != nil {
			t.Fatal(err)
		}
		it := d.Items[0]
		if got := fmt.Sprintf("%s %s %s %s", it.Outcome, it.Action, it.Reason, it.Units); got != tt.want || it.Code != tt.code {
			t.Errorf("%s days by %s: got %q, want %q", tt.units, tt.code, got, tt.want)
		}
	}
}
