package store_test

import (
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// daysAsked asks for days of a stay in the billing hospital's name.
func daysAsked(key, number string, n claims.Quantity, until credentials.Date) books.NewAuthorization {
	a := aRequest(key, n)
	r := &a.Submission.Request
	r.Number, r.Requester.NPI = number, clinic
	r.Items[0].Code, r.Items[0].Until = "0120", until
	return a
}

func stay(number string) func(*claims.Claim) {
	return func(c *claims.Claim) {
		c.Authorization, c.Place = number, ""
		c.Institutional = &claims.Institutional{Facility: "11", From: c.Lines[0].From, Through: c.Lines[0].To, Admitted: c.Lines[0].From,
			Attending: &claims.Provider{NPI: clinician}}
		c.Lines[0].Revenue, c.Lines[0].Code = "0120", ""
	}
}

// TestAuthorizationOfAStay: the newest request under a number counts, and one that
// was refused leaves what was granted before. Days that a claim drew are gone, and
// back where the claim is taken back.
func TestAuthorizationOfAStay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		fact := func(name, number string, edits ...func(*claims.Claim)) *claims.AuthorizationFact {
			t.Helper()
			s := h.receive(name, append([]func(*claims.Claim){stay(number)}, edits...)...)
			defer h.settle(s, claims.Pended)
			return h.file(s).Stay
		}
		ask := func(a books.NewAuthorization) credentials.Handle {
			t.Helper()
			got, err := h.ReceiveAuthorization(ctx, a)
			h.must(err)
			return got.Submission
		}
		if got := fact("unknown", "S1"); got == nil || got.Found || got.Number != "S1" {
			t.Errorf("not asked for: got %+v", got)
		}
		if got := h.file(h.receive("no stay", func(c *claims.Claim) { c.Authorization = "S1" })).Stay; got != nil {
			t.Errorf("of a clinician's claim: got %+v", got)
		}
		h.settle(handle("no stay"), claims.Pended)
		first := ask(daysAsked("first", "S1", 3000, "2026-06-30"))
		if got := fact("waits", "S1"); !got.Found || got.Outcome != claims.AuthorizationPended || !got.Handle.IsZero() {
			t.Errorf("before its decision: got %+v", got)
		}
		document := h.grant(first, claims.AuthorizationApproved)
		want := claims.AuthorizationFact{Number: "S1", Handle: document, Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
			From: "2026-03-01", Until: "2026-06-30", Left: 3000, Code: "0120"}
		if got := fact("granted", "S1"); *got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got := fact("another hospital", "S1", func(c *claims.Claim) { c.Billing.NPI = "1999999984" }); got.Matches {
			t.Errorf("another hospital: got %+v", got)
		}
		if got := fact("another patient", "S1", by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})); got.Matches {
			t.Errorf("another patient: got %+v", got)
		}

		more := ask(daysAsked("more", "S1", 5000, "2026-07-31"))
		if got := fact("more waits", "S1"); got.Outcome != claims.AuthorizationPended {
			t.Errorf("more days are asked for: got %+v", got)
		}
		h.grant(more, claims.AuthorizationDenied)
		if got := fact("more refused", "S1"); *got != want {
			t.Errorf("more days are refused: got %+v, want %+v", got, want)
		}
		want.Handle, want.Left, want.Until = h.grant(ask(daysAsked("again", "S1", 6000, "2026-07-31")), claims.AuthorizationApproved), 6000, "2026-07-31"
		if got := fact("again granted", "S1"); *got != want {
			t.Errorf("asked again: got %+v, want %+v", got, want)
		}

		s := h.receive("paid", stay("S1"), on("2026-03-05"))
		h.settle(s, claims.Paid, func(d *claims.Decision) {
			d.Draws = []claims.Draw{{Authorization: want.Handle, Line: 1, Code: "0120", Units: 4000}}
		})
		if got := fact("drawn", "S1"); got.Left != 2000 {
			t.Errorf("after four days: %s left, want 2", got.Left)
		}
		h.receive("void", stay("S1"), on("2026-03-05"), changing("paid", claims.Void))
		h.correct("void", claims.Voided)
		if got := fact("back", "S1"); got.Left != 6000 {
			t.Errorf("after it was taken back: %s left, want 6", got.Left)
		}
		services := ask(aRequest("T1", 3000))
		h.grant(services, claims.AuthorizationApproved)
		if got := fact("of services", "T1"); !got.Found || got.Matches || got.Code != "" {
			t.Errorf("an authorization of services: got %+v", got)
		}
	})
}
