package activities_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
)

func (h *house) gathering() *activities.Evidence {
	return &activities.Evidence{Books: h, Now: func() time.Time { return noon }, Clock: h.clock, Patience: 5 * time.Minute}
}

func TestStanding(t *testing.T) {
	for _, test := range []struct {
		name   string
		heard  func(h *house)
		edit   func(*claims.Claim)
		answer credentials.Answer
		fresh  bool
	}{
		{"licensed", func(h *house) { h.license(noon.Add(-time.Minute)) }, nil, credentials.May, true},
		{"at the edge of patience", func(h *house) { h.license(noon.Add(-5 * time.Minute)) }, nil, credentials.May, true},
		{"stale by a second", func(h *house) { h.license(noon.Add(-5*time.Minute - time.Second)) }, nil, credentials.Unknown, false},
		{"from the future: some clock is wrong", func(h *house) { h.license(noon.Add(books.ClockSkew + time.Second)) }, nil, credentials.Unknown, false},
		{"no feed was ever read", func(*house) {}, nil, credentials.Unknown, false},
		{"a state whose board is not followed", func(h *house) { h.license(noon) }, func(c *claims.Claim) { c.ServiceState = "NV" }, credentials.Unknown, false},
		{"by telehealth, where the patient was", func(h *house) { h.license(noon) }, func(c *claims.Claim) {
			c.Place, c.Subscriber.Address.State, c.ServiceState = "10", "CA", "NV"
		}, credentials.May, true},
		{"revoked before", func(h *house) { h.license(noon, credentials.Order{Effective: noon.AddDate(0, -1, 0)}) }, nil, credentials.MayNot, true},
		{"revoked since", func(h *house) { h.license(noon, credentials.Order{Effective: noon}) }, nil, credentials.May, true},
		{"suspended over that day", func(h *house) {
			h.license(noon, credentials.Order{Action: credentials.OrderSuspend, Effective: noon.AddDate(0, -1, 0)})
		}, nil, credentials.MayNot, true},
		{"a suspension that has run out", func(h *house) {
			h.license(noon, credentials.Order{Action: credentials.OrderSuspend, Effective: noon.AddDate(0, -2, 0), Until: "2026-04-10"})
		}, nil, credentials.May, true},
		{"revoked before, and stale", func(h *house) {
			h.license(noon.Add(-time.Hour), credentials.Order{Effective: noon.AddDate(0, -1, 0)})
		}, nil, credentials.MayNot, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			test.heard(h)
			s := aClaim("C1")
			if test.edit != nil {
				test.edit(&s.Claim)
			}
			g, err := h.gathering().GatherClaim(ctx, h.receive(s))
			must(t, err)
			got := g.Evidence.Lines[0].Standing
			if got.Standing.Answer != test.answer || got.Fresh != test.fresh {
				t.Errorf("got %+v, want %s, fresh %v", got, test.answer, test.fresh)
			}
			d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
			must(t, err)
			if (d.Outcome == claims.Pended) == test.fresh { // fail closed: it never pays, and never denies
				t.Errorf("decided %s", d.Outcome)
			}
		})
	}
}

func TestGatherClaim(t *testing.T) {
	h := newHouse(t)
	h.license(noon, credentials.Order{Effective: noon})
	first := h.receive(aClaim("C1", func(c *claims.Claim) { c.Lines[0].To = "2026-05-05" }))
	g, err := h.gathering().GatherClaim(ctx, first)
	must(t, err)
	e := g.Evidence
	if e.Plan.Name != "demo-ppo" || e.Fees.Name != "demo-fees" || e.Number != 1 || e.Received != "2026-05-06" || !e.Member.Matches || len(g.Fences) != 5 {
		t.Errorf("got %+v under %v", e, g.Fences)
	}
	l := e.Lines[0]
	if l.Fee == nil || l.Standing.Standing.Answer != credentials.May || l.Standing.Feed != 12 || len(l.Standing.Licenses) != 1 || len(l.Standing.Orders) != 1 {
		t.Errorf("got line %+v", l)
	}
	if l.StandingLast == nil || l.StandingLast.On != "2026-05-05" || l.StandingLast.Standing.Reason != credentials.ReasonExpired {
		t.Errorf("on the last day: got %+v, want the license expired", l.StandingLast)
	}
	second, err := h.gathering().GatherClaim(ctx, h.receive(aClaim("C2")))
	if err != nil || !second.Wait {
		t.Errorf("the second of a family: got %+v, %v, want it to wait", second, err)
	}
	if _, err := h.gathering().GatherClaim(ctx, handle("none")); final(err) || !errors.Is(err, books.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// The terms of the edition are answered for each line: one that holds makes the
// claim wait, and the hospital may see which.
func TestGatherTerms(t *testing.T) {
	const terms = "pendDays: 30\nterms:\n  - {name: office, when: 'line.place == \"11\"', then: review, note: a person looks}\n" +
		"  - {name: child, when: 'member.age < 18', then: exclude, note: not for children}\nmachineDenials:"
	h := newHouse(t, "rules: rules/1", "rules: rules/2", "machineDenials:", terms)
	h.license(noon)
	g, err := h.gathering().GatherClaim(ctx, h.receive(aClaim("C1", func(c *claims.Claim) { c.Place, c.Subscriber.Birth = "11", "" })))
	must(t, err)
	want := []claims.TermFact{{Name: "office", Answer: claims.TermYes}, {Name: "child", Answer: claims.TermUnknown}}
	if got := g.Evidence.Lines[0].Terms; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	must(t, err)
	if d.Outcome != claims.Pended || len(d.Pends) != 2 || d.Pends[0].Reason != claims.PendTerm {
		t.Errorf("decided %s, waiting for %+v", d.Outcome, d.Pends)
	}
}

// A restriction makes the claim wait for a reviewer, and says for what; a
// suspension within a service of several days is seen between its two ends.
func TestGatherRestrictionAndWithin(t *testing.T) {
	h := newHouse(t)
	h.license(noon, credentials.Order{Action: credentials.OrderRestrict, Effective: noon.AddDate(-1, 0, 0), Restrictions: []string{"NO-SURGERY"}})
	g, err := h.gathering().GatherClaim(ctx, h.receive(aClaim("C1")))
	must(t, err)
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	must(t, err)
	if len(d.Pends) != 1 || d.Pends[0].Reason != claims.PendRestriction || !strings.Contains(d.Pends[0].Note, "NO-SURGERY") {
		t.Errorf("got %+v, want it to wait for a reviewer who is told the restriction", d.Pends)
	}

	h = newHouse(t)
	h.license(noon, credentials.Order{Action: credentials.OrderSuspend, Effective: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Until: "2026-05-01"})
	g, err = h.gathering().GatherClaim(ctx, h.receive(aClaim("C1", func(c *claims.Claim) { c.Lines[0].From, c.Lines[0].To = "2026-04-29", "2026-05-03" })))
	must(t, err)
	l := g.Evidence.Lines[0]
	if l.Standing.Standing.Answer != credentials.May || l.StandingLast.Standing.Answer != credentials.May ||
		l.StandingWithin == nil || l.StandingWithin.On != "2026-05-01" || l.StandingWithin.Standing.Reason != credentials.ReasonSuspended {
		t.Errorf("got %+v", l)
	}
}

// TestGatherStay: the authorization of a stay's days is gathered where the edition
// asks for one, and nowhere else; days are asked for in the hospital's name.
func TestGatherStay(t *testing.T) {
	const terms = "pendDays: 30\ninstitutional:\n  contracts:\n    - {name: days, bills: [\"11\"], perDiem: [{fromDay: 1, amount: 100.00}], lesserOfCharge: true}\n"
	hospital, err := credentials.SignerDID(ledgertest.Signer("hospital"))
	must(t, err)
	const rule = "  authorization: {bills: [\"11\"], approveDays: 3, payShort: false}\n"
	for _, asks := range []bool{true, false} {
		text := terms
		if asks {
			text += rule
		}
		h := newHouse(t, "rules: rules/1", "rules: rules/2", "machineDenials:", text+"machineDenials:")
		h.license(noon)
		request := claims.AuthorizationSubmission{Handle: handle("S1"), Request: claims.AuthorizationRequest{
			Number: "S1", State: "CA", Clinician: claims.Provider{NPI: clinician}, Requester: claims.Provider{NPI: aClaim("C1").Claim.Billing.NPI, Organization: true},
			Patient: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann"},
			Items:   []claims.RequestItem{{Sequence: 1, Code: "0120", Units: 2000, From: "2026-05-01", Until: "2026-05-31"}}}}
		_, err = h.ReceiveAuthorization(ctx, books.NewAuthorization{Submitter: hospital, Submission: request, Token: "t", Received: "2026-04-30"})
		must(t, err)
		a, err := h.gathering().GatherAuthorization(ctx, request.Handle)
		must(t, err)
		outcome := map[bool]claims.AuthorizationOutcome{true: claims.AuthorizationApproved, false: claims.AuthorizationNotRequired}[asks]
		if d, err := claims.Authorize(&a.Request, &a.Plan, &a.Evidence); err != nil || d.Outcome != outcome {
			t.Errorf("two days were asked for: got %+v, %v, want them %s", d, err, outcome)
		}
		g, err := h.gathering().GatherClaim(ctx, h.receive(aClaim("C1", func(c *claims.Claim) {
			l := &c.Lines[0]
			c.Authorization, c.Place, l.Revenue, l.Code, l.To = "S1", "", "0120", "", l.From.AddDays(2)
			c.Institutional = &claims.Institutional{Facility: "11", From: l.From, Through: l.To, Admitted: l.From, PatientStatus: "01", Attending: &claims.Provider{NPI: clinician}}
		})))
		must(t, err)
		if got := g.Evidence.Stay; (got != nil) != asks || asks && (got.Number != "S1" || !got.Found || got.Outcome != claims.AuthorizationPended || !got.Matches) {
			t.Errorf("asked for %t: got %+v", asks, got)
		}
		d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
		must(t, err)
		if waits := d.Outcome == claims.Pended && d.Pends[0].Reason == claims.PendAuthorization; waits != asks {
			t.Errorf("asked for %t: got %s, %+v", asks, d.Outcome, d.Pends)
		}
	}
}

// ask receives a request for therapy that takes a reviewer.
func (h *house) ask() credentials.Handle {
	h.t.Helper()
	s := claims.AuthorizationSubmission{Handle: handle("A1"), Request: claims.AuthorizationRequest{
		Number: "A1", State: "CA", Clinician: claims.Provider{NPI: clinician}, Patient: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann"},
		Items: []claims.RequestItem{{Sequence: 1, Code: "97110", Units: 1000, From: "2026-05-01", Until: "2026-05-03"}},
	}}
	_, err := h.ReceiveAuthorization(ctx, books.NewAuthorization{Submitter: "did:key:hospital", Submission: s, Token: "t", Received: "2026-04-30"})
	must(h.t, err)
	return s.Handle
}

// Before the clock is right nothing is gathered: a feed is as old as a clock
// says.
func TestGatheringWaitsForTheClock(t *testing.T) {
	h := newHouse(t)
	h.license(noon)
	claim, request := h.receive(aClaim("C1")), h.ask()
	for _, off := range []error{&books.ClockError{By: time.Hour}, nil} {
		h.off = off
		c, err := h.gathering().GatherClaim(ctx, claim)
		must(t, err)
		a, err := h.gathering().GatherAuthorization(ctx, request)
		must(t, err)
		if wait := off != nil; c.Wait != wait || a.Wait != wait || (len(c.Evidence.Lines) == 0) != wait || (len(a.Evidence.Standings) == 0) != wait {
			t.Errorf("%v: got %+v and %+v, want them to wait: %v", off, c, a, wait)
		}
	}
}

func TestGatherAuthorization(t *testing.T) {
	h := newHouse(t)
	h.license(noon, credentials.Order{Effective: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)})
	g, err := h.gathering().GatherAuthorization(ctx, h.ask())
	must(t, err)
	got := g.Evidence.Standings[0]
	if got.First.Standing.Answer != credentials.May || got.Last.Standing.Reason != credentials.ReasonRevoked || got.Revoked != "2026-05-02" {
		t.Errorf("got %+v, want the license revoked from the second day", got)
	}
	if d, err := claims.Authorize(&g.Request, &g.Plan, &g.Evidence); err != nil || d.Outcome != claims.AuthorizationPended {
		t.Errorf("got %+v, %v, want it to wait for a reviewer", d, err)
	}
}

// A denial is a licensed clinician's: anyone else's leaves the request waiting,
// and while nobody can say, nothing is decided.
func TestReviewersLicense(t *testing.T) {
	for _, test := range []struct {
		name    string
		read    time.Time
		d       claims.Determination
		counts  bool
		waiting bool
	}{
		{"a denial by a licensed clinician", noon, claims.Determination{NPI: clinician, Reason: "not needed"}, true, false},
		{"by another", noon, claims.Determination{NPI: "1003000134"}, false, false},
		{"while the feed is stale", noon.Add(-time.Hour), claims.Determination{NPI: clinician}, false, true},
		{"an approval by another", noon, claims.Determination{NPI: "1003000134", Approve: true}, true, false},
		{"an approval by nobody licensed at all", noon, claims.Determination{Approve: true}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			l := credentials.License{Handle: handle("license"), NPI: clinician, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
			must(t, h.store.Hear(ctx, "did:key:board", "CA", []store.Heard{{Sequence: 1, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &l}}, test.read))
			request := h.ask()
			body, err := credentials.CanonicalJSON(claims.AuthorizationDecision{Submission: request, Number: 1, Outcome: claims.AuthorizationPended})
			must(t, err)
			_, err = h.KeepSigned(ctx, books.Signed{Key: "A1", Handle: handle("D1"), Submission: request, Body: body, Entry: []byte("e")})
			must(t, err)
			_, err = h.SettleAuthorization(ctx, books.Settlement{Submission: request, Document: handle("D1")})
			must(t, err)
			test.d.Handle, test.d.Subject, test.d.Number = handle("R1"), request, 1
			_, err = h.store.Determine(ctx, test.d, "token")
			must(t, err)
			g, err := h.gathering().GatherAuthorization(ctx, request)
			if test.waiting {
				if err == nil || final(err) {
					t.Errorf("got %v, want an error that is tried again", err)
				}
				return
			}
			must(t, err)
			if got := g.Evidence.Review != nil; got != test.counts {
				t.Errorf("it counts: %v, want %v", got, test.counts)
			}
			if _, err := claims.Authorize(&g.Request, &g.Plan, &g.Evidence); err != nil {
				t.Error(err)
			}
		})
	}
}
