package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

/*
What fails when a check is taken out (each was tried):

	without, givenBack, s.original in sameServices and readHistory  TestAsThoughItHadNeverBeen
	addMet, drawUnits, stateReversed in applyReversal               TestVoidRestores
	changeFence                                                     TestTwoCorrectionsAtOnce
	carryHold                                                       TestHoldIsCarried
	takesBack; inForce in Pay                                       TestReversalIsTold, TestWithdrawn
	submitter in originalOf                                         TestChange
	reverses in follow                                              TestReversalFollows
*/

// changing is the number of a claim that another one of the test changes.
func changing(number string, f claims.Frequency) func(*claims.Claim) {
	return func(c *claims.Claim) {
		c.Frequency, c.OriginalReference = f, claims.ControlNumber(handle(number))
	}
}

// correct settles what a claim makes of the one that it changes.
func (h *house) correct(number string, outcome claims.Outcome, edits ...func(*claims.Decision)) credentials.Handle {
	h.t.Helper()
	f := h.file(handle(number))
	if f.Original == nil {
		h.t.Fatalf("%s takes nothing back", number)
	}
	document := h.signClaim(f, h.corrected(f, outcome, edits...))
	out, err := h.SettleClaim(ctx, books.Settlement{Submission: handle(number), Document: document, Fences: f.Fences})
	h.must(err)
	if out.Moved {
		h.t.Fatal("the evidence moved, though nothing happened")
	}
	h.must(h.KeepReceipt(ctx, document, 7, []byte("receipt")))
	return document
}

func (h *house) corrected(f *books.ClaimFile, outcome claims.Outcome, edits ...func(*claims.Decision)) claims.Decision {
	d := h.decision(f, outcome, edits...)
	if outcome == claims.Voided {
		d.Charge, d.Lines = 0, nil
	}
	d.Reversal = f.Original.Reverse()
	return d
}

func therapy(c *claims.Claim) { c.Lines[0].Code = "97110" }

// TestAsThoughItHadNeverBeen reads the file of a replacement: what the claim
// that it names has met, drawn and been paid for is not there.
func TestAsThoughItHadNeverBeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		authorization := h.grant(h.ask("A1", 5000), claims.AuthorizationApproved)
		h.settle(h.receive("C0", on("2026-02-02")), claims.Paid, met(1000, 1500))
		h.settle(h.receive("C1", authorizedBy("A1"), therapy), claims.Paid, met(2500, 4000), draw(authorization, 2000))
		h.receive("R1", authorizedBy("A1"), therapy, changing("C1", claims.Replacement))
		f := h.file(handle("R1"))
		if want := (claims.Accumulators{Period: "2026", DeductibleIndividual: 1000, DeductibleFamily: 1000, OutOfPocketPerson: 1500, OutOfPocketFamily: 1500}); f.Accumulators[0] != want {
			t.Errorf("got %+v, want %+v", f.Accumulators[0], want)
		}
		if l := f.Lines[0]; l.Authorization.Left != 5000 || len(l.Earlier) != 0 {
			t.Errorf("got %s units left and %d earlier services, want all and none", l.Authorization.Left, len(l.Earlier))
		}
		if len(f.History) != 1 || f.History[0].On != "2026-02-02" {
			t.Errorf("got the history %+v, want C0 alone", f.History)
		}
		if o := f.Original; o == nil || o.Submission != handle("C1") || o.Decision.Paid != 7500 || o.Received != "2026-04-01" {
			t.Errorf("got %+v", o)
		}
		h.correct("R1", claims.Paid, met(2500, 4000), draw(authorization, 2000))
		h.receive("R2", changing("R1", claims.Replacement)) // of the replacement in its turn
		if o := h.file(handle("R2")).Original; o == nil || o.Submission != handle("R1") {
			t.Errorf("got %+v", o)
		}
	})
}

// TestVoidRestores has what a claim met and drew be as before it, and leaves
// another one of the family as it is.
func TestVoidRestores(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		authorization := h.grant(h.ask("A1", 5000), claims.AuthorizationApproved)
		h.settle(h.receive("C1", authorizedBy("A1"), therapy), claims.Paid, met(2500, 4000), draw(authorization, 2000))
		h.settle(h.receive("C2", on("2026-02-02")), claims.Paid, met(1000, 1500))
		h.receive("V1", changing("C1", claims.Void))
		if f := h.file(handle("V1")); len(f.Lines) != 0 || len(f.Accumulators) != 0 {
			t.Errorf("a void asks for nothing of its lines, got %+v", f)
		}
		document := h.correct("V1", claims.Voided)
		out, err := h.SettleClaim(ctx, books.Settlement{Submission: handle("V1"), Document: document}) // its reply was lost
		if err != nil || out.Moved {
			t.Errorf("again: got %+v, %v", out, err)
		}
		f := h.file(h.receive("C3", authorizedBy("A1"), therapy))
		if want := (claims.Accumulators{Period: "2026", DeductibleIndividual: 1000, DeductibleFamily: 1000, OutOfPocketPerson: 1500, OutOfPocketFamily: 1500}); f.Accumulators[0] != want {
			t.Errorf("got %+v, want %+v", f.Accumulators[0], want)
		}
		if l := f.Lines[0]; l.Authorization.Left != 5000 || len(l.Earlier) != 0 {
			t.Errorf("got %s units left and %d earlier services, want all and none", l.Authorization.Left, len(l.Earlier))
		}
		if len(f.History) != 1 {
			t.Errorf("got the history %+v, want C2 alone", f.History)
		}
		if f := h.file(h.receive("V2", changing("C1", claims.Void), by(family9()))); f.Original != nil {
			t.Errorf("nothing is left to take back, got %+v", f.Original)
		}
	})
}

func family9() claims.Person { return claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"} }

// TestTwoCorrectionsAtOnce settles two claims that take back the same decision:
// one of them has to look again, and finds nothing.
func TestTwoCorrectionsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.settle(h.receive("C1"), claims.Paid, met(2500, 4000))
		var settle []books.Settlement
		for _, number := range []string{"R1", "R2"} { // of two families, so that no other fence tells them apart
			edits := []func(*claims.Claim){changing("C1", claims.Replacement)}
			if number == "R2" {
				edits = append(edits, by(family9()))
			}
			f := h.file(h.receive(number, edits...))
			settle = append(settle, books.Settlement{Submission: handle(number), Document: h.signClaim(f, h.corrected(f, claims.Paid)), Fences: f.Fences})
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
			t.Fatalf("got %+v, want exactly one of them refused", out)
		}
		loser := settle[0]
		if out[1].Moved {
			loser = settle[1]
		}
		if f := h.file(loser.Submission); f.Original != nil {
			t.Errorf("got %+v, want nothing left to take back", f.Original)
		}
	})
}

// TestReversalIsTold has what a remittance told be taken back by another one, in
// the amount that it told, beside what takes its place.
func TestReversalIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-03"))
		h.run()
		h.receive("R1", changing("C1", claims.Replacement))
		h.correct("R1", claims.Paid, func(d *claims.Decision) { d.Paid = 5000 })
		h.receive("V2", changing("C2", claims.Void))
		h.correct("V2", claims.Voided)
		all, err := h.Payments(ctx, noon)
		h.must(err)
		if n := len(all); n != 4 || all[2].Amount != -2500 || all[3].Amount != -7500 || all[3].State != claims.PaymentPayable {
			t.Errorf("got %+v", all)
		}
		if got := bodies(h.run()); got != "R1 50.00\n22 C1 -75.00\nV2 0.00\n22 C2 -75.00\nFB TRACE2-1 -100.00\n" {
			t.Errorf("paid %q", got)
		}
		if got := bodies(h.run()); got != "" {
			t.Errorf("and again %q", got)
		}
		h.pay("C3", on("2026-03-04")) // what was taken back lowers it, and nothing is held
		if run := h.run(); bodies(run) != "C3 75.00\nFB TRACE2-1 100.00\nFB TRACE3-1 -25.00\n" || len(run.Held) != 0 {
			t.Errorf("paid %q, held %+v", bodies(run), run.Held)
		}
	})
}

// TestWithdrawn has a decision that no remittance took be told nowhere, neither
// it nor that it was taken back.
func TestWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.pay("C2", on("2026-03-03"))
		h.receive("R1", changing("C1", claims.Replacement))
		h.correct("R1", claims.Paid, func(d *claims.Decision) { d.Paid = 5000 })
		h.receive("V2", changing("C2", claims.Void))
		h.correct("V2", claims.Voided)
		if got := bodies(h.run()); got != "R1 50.00\n" {
			t.Errorf("paid %q", got)
		}
		if run := h.run(); bodies(run) != "" || len(run.Held) != 0 || run.Unaccounted != 0 {
			t.Errorf("and again %q, %+v", bodies(run), run)
		}
	})
}

// TestHoldIsCarried has a hold upon a claim hold what takes its place.
func TestHoldIsCarried(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		h.must(h.SetStaffHold(ctx, books.StaffHold{Submission: handle("C1"), Code: "fraud-review", By: "ann", Token: "token"}))
		h.receive("R1", changing("C1", claims.Replacement))
		h.correct("R1", claims.Paid)
		run := h.run()
		if h.holds(run.Held, "R1 staff"); bodies(run) != "" {
			t.Errorf("paid %q", bodies(run))
		}
		h.must(h.SetStaffHold(ctx, books.StaffHold{Submission: handle("R1"), Code: "cleared", By: "ann", Token: "token", Lift: true}))
		if got := bodies(h.run()); got != "R1 75.00\n" {
			t.Errorf("paid %q", got)
		}
	})
}

// TestReversalFollows has the status lists say of a decision that it was taken
// back, from the receipt on and not before.
func TestReversalFollows(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := h.settle(h.receive("C1"), claims.Paid)
		n, err := h.db.Exec(ctx, `INSERT INTO status_place (document, list, revocation_place, message_place, followed_by, message) VALUES ($1, 1, 1, 1, '', 0)`, first.String())
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		f := h.file(h.receive("R1", changing("C1", claims.Replacement)))
		document := h.signClaim(f, h.corrected(f, claims.Paid))
		if _, err := h.SettleClaim(ctx, books.Settlement{Submission: handle("R1"), Document: document, Fences: f.Fences}); err != nil {
			t.Fatal(err)
		}
		if by, err := h.FollowedBy(ctx, first); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("without a receipt: got %s, %v", by, err)
		}
		h.must(h.KeepReceipt(ctx, document, 7, []byte("receipt")))
		if by, err := h.FollowedBy(ctx, first); err != nil || by != document {
			t.Errorf("got %s, %v, want the decision that takes it back", by, err)
		}
	})
}

// TestChange is what the door is told of the claim that another one names.
func TestChange(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive("C1")
		control := claims.ControlNumber(handle("C1"))
		ask := func(who credentials.DID) claims.Change {
			t.Helper()
			c, err := h.Change(ctx, who, control)
			h.must(err)
			return c
		}
		if c := ask(hospital); !c.Known || c.Final || c.Claim.Number != "C1" {
			t.Errorf("not decided: got %+v", c)
		}
		h.settle(handle("C1"), claims.Denied)
		if c := ask(hospital); !c.Final || c.ReversedBy != "" {
			t.Errorf("decided: got %+v", c)
		}
		if c := ask("did:key:another"); c.Known || c.Claim != nil {
			t.Errorf("another party's: got %+v", c)
		}
		h.receive("V1", changing("C1", claims.Void))
		h.correct("V1", claims.Voided)
		if c := ask(hospital); c.Final || c.ReversedBy != claims.ControlNumber(handle("V1")) {
			t.Errorf("taken back: got %+v", c)
		}
	})
}
