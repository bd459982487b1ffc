package store_test

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func TestSettleTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		authorization := h.grant(h.ask("A1", 5000), claims.AuthorizationApproved)
		claim := h.receive("C1", authorizedBy("A1"))
		f := h.file(claim)
		d := claims.Decision{Submission: claim, Number: 1, Outcome: claims.Paid}
		met(2500, 4000)(&d)
		draw(authorization, 2000)(&d)
		s := books.Settlement{Submission: claim, Document: h.sign("C1", d), Fences: f.Fences, Cause: handle("order")}
		for range 3 {
			if out, err := h.SettleClaim(ctx, s); err != nil || out.Moved {
				t.Fatalf("got %+v, %v, want it settled, however often", out, err)
			}
		}
		next := h.file(h.receive("C2", authorizedBy("A1"), func(c *claims.Claim) { c.Lines[0].Code = "97110" }))
		want := claims.Accumulators{Period: "2026", DeductibleIndividual: 2500, DeductibleFamily: 2500, OutOfPocketPerson: 4000, OutOfPocketFamily: 4000}
		if got := next.Accumulators[0]; got != want {
			t.Errorf("accumulators: got %+v, want %+v", got, want)
		}
		if got := next.Lines[0].Authorization.Left; got != 3000 {
			t.Errorf("got %s units left, want 3", got)
		}
		if n := h.count("decision"); n != 2 { // the authorization's and the claim's
			t.Errorf("got %d decisions, want 2", n)
		}
		ben := h.file(h.receive("C3", by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})))
		if !ben.Wait { // C2 comes first
			t.Error("want the third claim of the family to wait")
		}
	})
}

func TestAccumulatorsOfFamilyAndPerson(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.settle(h.receive("C1"), claims.Paid, met(2500, 4000))
		ben := by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})
		h.settle(h.receive("C2", ben), claims.Paid, met(1000, 1500))
		got := h.file(h.receive("C3", ben)).Accumulators[0]
		want := claims.Accumulators{Period: "2026", DeductibleIndividual: 1000, DeductibleFamily: 3500, OutOfPocketPerson: 1500, OutOfPocketFamily: 5500}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		other := h.file(h.receive("C4", by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"}))).Accumulators[0]
		if other != (claims.Accumulators{Period: "2026"}) {
			t.Errorf("another family: got %+v, want nothing met", other)
		}
		spans := h.file(h.receive("C5", by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"}), on("2027-01-01")))
		if !spans.Wait {
			t.Error("want the second claim of the family to wait")
		}
	})
}

// Two claims that rest on the same accumulators: whichever settles second has
// to look again, though neither moves them.
func TestTwoClaimsOneFence(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one := h.receive("C1")
		h.settle(one, claims.Pended) // so that the second need not wait
		two := h.receive("C2")
		var settle []books.Settlement
		for number, claim := range map[int]credentials.Handle{2: one, 1: two} {
			d := claims.Decision{Submission: claim, Number: number, Outcome: claims.Paid}
			settle = append(settle, books.Settlement{Submission: claim, Document: h.sign(claim.String(), d), Fences: h.file(claim).Fences})
		}
		var wait sync.WaitGroup
		out := make([]books.Settled, 2)
		for i, s := range settle {
			wait.Go(func() {
				var err error
				if out[i], err = h.SettleClaim(ctx, s); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if out[0].Moved == out[1].Moved {
			t.Errorf("got %+v, want exactly one of them refused", out)
		}
	})
}

// Each of these moves something that a claim's decision rests on.
func TestMovedEvidence(t *testing.T) {
	for _, test := range []struct {
		name string
		move func(h *house, claim credentials.Handle)
	}{
		{"a board order", func(h *house, _ credentials.Handle) { h.hear(2, anOrder("O1", "L1")) }},
		{"a new license", func(h *house, _ credentials.Handle) { h.hear(2, aLicense("L2", clinician)) }},
		{"a settlement of the family", func(h *house, _ credentials.Handle) {
			// Ben's claim came first and is pended: it may be decided at any time.
			h.settle(handle("C0"), claims.Denied)
		}},
		{"the authorization, decided anew", func(h *house, _ credentials.Handle) {
			h.grant(handle("A1"), claims.AuthorizationApproved)
		}},
		{"units drawn by a claim of another year", func(h *house, _ credentials.Handle) {
			// No accumulator is shared: only the authorization's own fence moves.
			h.settle(handle("C2027"), claims.Paid, draw(handle(fmt.Sprint("decision ", handle("A1"), 1)), 1000))
		}},
		{"a determination", func(h *house, claim credentials.Handle) {
			_, err := h.Determine(ctx, claims.Determination{Handle: handle("D1"), Subject: claim, Number: 1, Approve: true}, "token")
			h.must(err)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.hear(1, aLicense("L1", clinician))
				h.grant(h.ask("A1", 5000), claims.AuthorizationApproved)
				h.settle(h.receive("C2027", on("2027-01-02"), authorizedBy("A1")), claims.Pended)
				h.settle(h.receive("C0", by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})), claims.Pended)
				claim := h.receive("C1", authorizedBy("A1"))
				h.settle(claim, claims.Pended)
				gathered := h.file(claim)
				d := claims.Decision{Submission: claim, Number: 2, Outcome: claims.Paid}
				met(100, 100)(&d)
				s := books.Settlement{Submission: claim, Document: h.sign("stale", d), Fences: gathered.Fences}
				test.move(h, claim)
				before := h.dump()
				if out, err := h.SettleClaim(ctx, s); err != nil || !out.Moved {
					t.Errorf("got %+v, %v, want Moved", out, err)
				}
				if after := h.dump(); after != before {
					t.Errorf("a refused settlement left something behind:\n%s\nbefore:\n%s", after, before)
				}
				h.settle(claim, claims.Paid, met(200, 200), func(d *claims.Decision) { d.Paid++ }) // gathered again
			})
		})
	}
}

func TestNextNumber(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		for _, number := range []int{0, 2, 3} {
			d := claims.Decision{Submission: claim, Number: number, Outcome: claims.Paid}
			s := books.Settlement{Submission: claim, Document: h.sign(string(rune('a'+number)), d), Fences: h.file(claim).Fences}
			if out, err := h.SettleClaim(ctx, s); err != nil || !out.Moved {
				t.Errorf("decision %d before the first: got %+v, %v, want Moved", number, out, err)
			}
		}
	})
}

func TestSettleRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		for name, s := range map[string]books.Settlement{
			"an unsigned document": {Submission: claim, Document: handle("nothing")},
			"an unknown claim":     {Submission: handle("C9"), Document: h.sign("x", claims.Decision{Submission: claim, Number: 1})},
		} {
			if _, err := h.SettleClaim(ctx, s); !errors.Is(err, books.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestDraws(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		authorization := h.grant(h.ask("A1", 5000, 9000), claims.AuthorizationApproved) // one code twice
		therapy := func(c *claims.Claim) { c.Lines[0].Code = "97110" }
		first := h.receive("C1", authorizedBy("A1"), therapy)
		h.settle(first, claims.Paid, draw(authorization, 2000), draw(authorization, 3000))
		second := h.receive("C2", authorizedBy("A1"), therapy)
		f := h.file(second)
		if got := f.Lines[0].Authorization.Left; got != 0 {
			t.Errorf("got %s units left, want 0", got)
		}
		d := claims.Decision{Submission: second, Number: 1, Outcome: claims.Paid}
		met(100, 100)(&d)
		draw(authorization, 1)(&d)
		s := books.Settlement{Submission: second, Document: h.sign("too much", d), Fences: f.Fences}
		before := h.dump()
		if _, err := h.SettleClaim(ctx, s); err == nil {
			t.Error("settled a draw of units that are not there")
		}
		if after := h.dump(); after != before {
			t.Errorf("a failed settlement left something behind:\n%s\nbefore:\n%s", after, before)
		}
	})
}

func TestKeepSignedFirstWins(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const writers = 20
		claim := h.receive("C1")
		var wait sync.WaitGroup
		kept := make([]books.Signed, writers)
		for i := range kept {
			wait.Go(func() {
				mine := books.Signed{Key: "decision", Submission: claim, Handle: handle(string(rune('a' + i))), Token: string(rune('a' + i))}
				var err error
				if kept[i], err = h.KeepSigned(ctx, mine); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		for _, k := range kept {
			if k.Handle != kept[0].Handle || k.Token != kept[0].Token {
				t.Fatal("two writers were told of two documents")
			}
		}
		if n := h.count("signed"); n != 2 { // the claim itself is the other
			t.Errorf("got %d documents, want 2", n)
		}
		found, err := h.FindSigned(ctx, "decision")
		if err != nil || found.Token != kept[0].Token {
			t.Errorf("got %+v, %v", found, err)
		}
		if _, err := h.FindSigned(ctx, "nothing"); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestDetermine(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		d := claims.Determination{Handle: handle("D1"), Subject: claim, Number: 1, Approve: true, Reviewer: "did:key:reviewer"}
		if _, err := h.Determine(ctx, d, "early"); !errors.Is(err, books.ErrDetermined) {
			t.Errorf("before the first decision: got %v, want ErrDetermined", err)
		}
		h.settle(claim, claims.Pended)
		for range 2 {
			work, err := h.Determine(ctx, d, "token")
			if err != nil || work != (books.Work{Kind: books.ClaimKind, Key: key("C1")}) {
				t.Fatalf("got %+v, %v", work, err)
			}
		}
		other := d
		other.Approve = false
		if _, err := h.Determine(ctx, other, "token"); !errors.Is(err, books.ErrDetermined) {
			t.Errorf("the same handle with another word: got %v, want ErrDetermined", err)
		}
		other.Handle = handle("D2")
		if _, err := h.Determine(ctx, other, "token"); !errors.Is(err, books.ErrDetermined) {
			t.Errorf("another reviewer: got %v, want ErrDetermined", err)
		}
		f := h.file(claim)
		if f.Review == nil || !f.Review.Same(&d) {
			t.Errorf("got %+v, want the first determination", f.Review)
		}
		h.settle(claim, claims.Paid)
		s, err := h.StatusOf(ctx, claim)
		h.must(err)
		if s.Decisions[0].Determination != "" || s.Decisions[1].Determination != "token" {
			t.Errorf("got determinations %q and %q, want it under the second decision", s.Decisions[0].Determination, s.Decisions[1].Determination)
		}
		if _, err := h.Determine(ctx, claims.Determination{Handle: handle("D3"), Subject: claim, Number: 2}, "late"); !errors.Is(err, books.ErrDetermined) {
			t.Errorf("on a paid claim: got %v, want ErrDetermined", err)
		}
		if _, err := h.Determine(ctx, claims.Determination{Subject: handle("none")}, ""); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("on nothing: got %v, want ErrNotFound", err)
		}
	})
}

func TestDecided(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		pended, paid := h.receive("C1"), h.receive("C2")
		undecided := h.receive("C3") // the family's last, so that nobody waits for it
		all := []credentials.Handle{undecided, pended, paid, handle("nobody's")}
		for range 1200 { // more than fit into one question
			all = append(all, handle("nobody's"))
		}
		all = append(all, paid)
		want := func(what string, want map[credentials.Handle]int) {
			t.Helper()
			if got, err := h.Decided(ctx, all); err != nil || !maps.Equal(got, want) {
				t.Errorf("%s: got %v, %v, want %v", what, got, err, want)
			}
		}
		record := func() {
			t.Helper()
			waiting, err := h.Unrecorded(ctx, credentials.Handle{}, 10)
			h.must(err)
			for _, document := range waiting {
				h.must(h.KeepReceipt(ctx, document, 5, []byte("receipt")))
			}
		}
		h.settle(pended, claims.Pended)
		h.settle(paid, claims.Pended)
		want("no receipts", map[credentials.Handle]int{})
		record()
		want("receipts", map[credentials.Handle]int{pended: 1, paid: 1})
		h.settle(paid, claims.Paid)
		want("the second decision has none", map[credentials.Handle]int{pended: 1, paid: 1})
		record()
		want("the second has one", map[credentials.Handle]int{pended: 1, paid: 2})
	})
}
