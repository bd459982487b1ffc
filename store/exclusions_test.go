package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
)

const surgeon = credentials.NPI("1972902351")

// excluding publishes an edition of the list, named after its day.
func (h *house) excluding(asOf credentials.Date, entries ...claims.Exclusion) books.Edition {
	h.t.Helper()
	m, err := exclusions.Make("oig-leie", string(asOf), asOf, nil, &exclusions.Read{Entries: entries})
	h.must(err)
	body := m.Encode()
	e := books.Edition{Kind: books.ExclusionEdition, Ref: m.Ref(), From: asOf, Handle: handle("list of " + string(asOf)), Body: body}
	_, err = h.PublishEdition(ctx, e, []byte("entry of the list of "+asOf))
	h.must(err)
	return e
}

func from(npi credentials.NPI, day credentials.Date) claims.Exclusion {
	return claims.Exclusion{NPI: npi, Kind: "1128a1", From: day}
}

// wantingList has the plan name the list.
func (h *house) wantingList() {
	h.t.Helper()
	e := anEdition(books.PlanEdition, "ppo", "2026-b", "fees", "2026-01-02", "2026-12-31")
	e.ExclusionList = "oig-leie"
	_, err := h.PublishEdition(ctx, e, []byte("entry of ppo b"))
	h.must(err)
}

// TestNewestList: a claim is decided by the newest list, and gathered again where one
// comes in between.
func TestNewestList(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		h.excluding("2026-04-10")
		if f := h.file(claim); f.Exclusions != nil {
			t.Errorf("a plan that names no list: got %+v", f.Exclusions)
		}
		h.wantingList()
		if f := h.file(claim); f.Exclusions == nil || f.Exclusions.Ref.Edition != "2026-04-10" {
			t.Errorf("got %+v", f.Exclusions)
		}
		h.excluding("2026-05-05")
		h.excluding("2026-03-10") // which came late
		f := h.file(claim)
		if f.Exclusions == nil || f.Exclusions.Ref.Edition != "2026-05-05" {
			t.Errorf("got %+v", f.Exclusions)
		}
		document := h.signClaim(f, h.decision(f, claims.Paid))
		h.excluding("2026-05-06")
		out, err := h.SettleClaim(ctx, books.Settlement{Submission: claim, Document: document, Fences: f.Fences})
		if err != nil || !out.Moved {
			t.Errorf("settled on a list that is not the newest any more: %+v, %v", out, err)
		}
	})
}

// TestTouchedByList: a new list finds the claims of all who had a part in a line on
// the days that it says something else about, decided before it was published.
func TestTouchedByList(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		now := noon
		h.clock = &now
		want := func(what, want string) {
			t.Helper()
			now = now.Add(time.Second)
			all, err := h.Touched(ctx)
			h.must(err)
			got := ""
			for _, r := range all {
				got += fmt.Sprintf("%s %s %.8s; ", r.Claim, r.Cause.Kind, r.Cause.Reference)
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		h.excluding("2026-04-10", from(surgeon, "2026-04-01"))
		h.wantingList()
		h.settle(h.receive("C1"), claims.Paid)
		h.settle(h.receive("C2", func(c *claims.Claim) {
			c.Subscriber = claims.Person{MemberID: "M9", Last: "Birch", First: "Cy", Birth: "1990-05-06"}
			c.Place, c.Institutional = "", &claims.Institutional{Facility: "11", Attending: &claims.Provider{NPI: clinician}, Operating: &claims.Provider{NPI: surgeon}}
		}), claims.Paid)
		want("nothing new", "")
		rendered := h.excluding("2026-05-01", from(surgeon, "2026-04-01"), from(clinician, "2026-03-03")).Handle
		want("from the day after on", "")
		rendered = h.excluding("2026-05-02", from(surgeon, "2026-04-01"), from(clinician, "2026-03-02")).Handle
		ref := rendered.String()[:8]
		want("who rendered it", "C1 exclusion "+ref+"; C2 exclusion "+ref+"; ")
		h.must(func() error {
			for _, c := range []string{"C1", "C2"} {
				if _, _, err := h.Reopen(ctx, because(handle(c), books.CauseExclusion, rendered.String())); err != nil {
					return err
				}
				a := books.ReopeningAnswer{Submission: handle(c), Number: 1, State: books.ReopeningUpheld, Fences: h.file(handle(c)).Fences}
				if _, err := h.AnswerReopening(ctx, a); err != nil {
					return err
				}
			}
			return nil
		}())
		want("each was opened for it", "")
		operated := h.excluding("2026-05-03", from(surgeon, "2026-03-01"), from(clinician, "2026-03-02")).Handle
		want("who operated", "C2 exclusion "+operated.String()[:8]+"; ")
		billed := h.excluding("2026-05-04", from(surgeon, "2026-03-01"), from(clinician, "2026-03-02"), from(clinic, "2020-01-01")).Handle
		want("who bills besides", "C1 exclusion "+billed.String()[:8]+"; C2 exclusion "+operated.String()[:8]+"; C2 exclusion "+billed.String()[:8]+"; ")
		h.settle(h.receive("C3"), claims.Denied)
		want("decided by it", "C1 exclusion "+billed.String()[:8]+"; C2 exclusion "+operated.String()[:8]+"; C2 exclusion "+billed.String()[:8]+"; ")
	})
}

// TestListedIsHeld: a payment waits where a newer edition of the list that its
// decision asked names somebody who had a part in it, until the claim was opened
// again and decided. Another list, other days and other people hold nothing.
func TestListedIsHeld(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		now := noon
		h.clock = &now
		held := func(what, want string) {
			t.Helper()
			now = now.Add(time.Second)
			all, err := h.Payments(ctx, noon.Add(-time.Hour))
			h.must(err)
			got := ""
			for _, p := range all {
				got += fmt.Sprintf("%s %s ", p.Claim, p.State)
				if p.Hold != nil {
					got += string(p.Hold.Reason) + " "
				}
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		first := h.excluding("2026-04-10")
		h.wantingList()
		asked := func(d *claims.Decision) { d.ExclusionList = &first.Ref }
		h.must(h.KeepReceipt(ctx, h.settle(h.receive("C1"), claims.Paid, asked), 1, []byte("receipt")))
		other := func(c *claims.Claim) {
			c.Subscriber = claims.Person{MemberID: "M9", Last: "Birch", First: "Cy", Birth: "1990-05-06"}
		}
		h.must(h.KeepReceipt(ctx, h.settle(h.receive("C2", other), claims.Paid), 2, []byte("receipt"))) // which asked no list
		held("nothing new", "C1 payable C2 payable ")
		h.excluding("2026-05-01", from(surgeon, "2026-03-01"), from(clinician, "2026-03-03"))
		held("from the day after on, and somebody else", "C1 payable C2 payable ")
		before := h.version("payments")
		listed := h.excluding("2026-05-02", from(surgeon, "2026-03-01"), from(clinician, "2026-03-02"))
		if h.version("payments") == before {
			t.Error("a payment run that began before the list would not be run again")
		}
		held("who rendered it", "C1 held exclusion-list C2 payable ")
		if all, err := h.Touched(ctx); err != nil || len(all) != 2 || all[0].Hold == nil || all[1].Hold != nil {
			t.Errorf("got %+v, %v", all, err)
		}
		_, _, err := h.Reopen(ctx, because(handle("C1"), books.CauseExclusion, listed.Handle.String()))
		h.must(err)
		held("opened for it", "C1 held exclusion-list C2 payable ")
		now = now.Add(time.Second)
		_, err = h.AnswerReopening(ctx, books.ReopeningAnswer{Submission: handle("C1"), Number: 1, State: books.ReopeningUpheld, Fences: h.file(handle("C1")).Fences})
		h.must(err)
		held("it comes to the same", "C1 payable C2 payable ")
	})
}

// version is how often a fence has moved.
func (h *house) version(fence string) (n int) {
	h.t.Helper()
	h.must(h.db.QueryRow(ctx, `SELECT COALESCE(max(version), 0) FROM fence WHERE name = $1`, fence).Scan(&n))
	return n
}
