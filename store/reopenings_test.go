package store_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

func because(submission credentials.Handle, kind books.CauseKind, reference string) books.Reopening {
	return books.Reopening{Submission: submission, Cause: books.Cause{Kind: kind, Reference: reference}, By: "key", Token: "request"}
}

// TestReopenOnce has one reopening for each cause, and one open at a time.
func TestReopenOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		waiting := h.receive("C1")
		if _, _, err := h.Reopen(ctx, because(waiting, books.CauseCorrection, "price")); !errors.Is(err, books.ErrNotFinal) {
			t.Errorf("not decided yet: got %v, want ErrNotFinal", err)
		}
		if _, _, err := h.Reopen(ctx, because(handle("nobody"), books.CauseCorrection, "price")); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("unknown: got %v, want ErrNotFound", err)
		}
		h.settle(waiting, claims.Paid)
		h.losing.Store(true)
		if _, _, err := h.Reopen(ctx, because(waiting, books.CauseCorrection, "price")); !errors.Is(err, errLost) {
			t.Fatalf("got %v, want the reply to be lost", err)
		}
		h.losing.Store(false)
		for range 2 {
			got, work, err := h.Reopen(ctx, because(waiting, books.CauseCorrection, "price"))
			if err != nil || got.Number != 1 || got.State != books.ReopeningOpen || work.Key != key("C1") {
				t.Errorf("got %+v, %+v, %v", got, work, err)
			}
		}
		if _, _, err := h.Reopen(ctx, because(waiting, books.CauseCorrection, "another")); !errors.Is(err, books.ErrReopenedAlready) {
			t.Errorf("a second cause: got %v, want ErrReopenedAlready", err)
		}
		if n := h.count("reopening"); n != 1 {
			t.Errorf("%d reopenings, want 1", n)
		}
		work, err := h.UndecidedWork(ctx)
		if err != nil || len(work) != 1 {
			t.Errorf("it is not among what waits: %+v, %v", work, err)
		}
		if open, err := h.OpenContracts(ctx); err != nil || len(open) != 1 || open[0].Key != key("C1") {
			t.Errorf("its contract is not started from the books: %+v, %v", open, err)
		}
	})
}

// TestReopenedSettles has the next decision of a reopened claim rest on books
// without the one before, take that back, and end the reopening and the appeal.
func TestReopenedSettles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		first := h.settle(claim, claims.Paid, met(2500, 3000))
		if f := h.file(claim); f.Reopened || f.Original != nil || f.Accumulators[0].DeductibleIndividual != 2500 {
			t.Fatalf("before: %+v", f)
		}
		h.must(h.appeal(claim, 1, "A1"))
		order := handle("order").String()
		_, _, err := h.Reopen(ctx, because(claim, books.CauseOrder, order))
		h.must(err)
		f := h.file(claim)
		if !f.Reopened || f.Original == nil || f.Original.Document != first || f.Number != 2 || f.Accumulators[0] != (claims.Accumulators{Period: "2026"}) {
			t.Fatalf("reopened: %+v", f)
		}
		o := f.Original
		h.settle(claim, claims.Denied, func(d *claims.Decision) { d.Reversal = o.Reverse() })
		all, err := h.Reopenings(ctx, claim)
		if err != nil || len(all) != 1 || all[0].State != books.ReopeningChanged || all[0].Closed.IsZero() {
			t.Errorf("got %+v, %v", all, err)
		}
		if f := h.file(claim); f.Reopened || f.Accumulators[0] != (claims.Accumulators{Period: "2026"}) {
			t.Errorf("after: %+v", f)
		}
		s, err := h.StatusOf(ctx, claim)
		if err != nil || s.State != "denied" || s.Decisions[1].Cause.String() != order {
			t.Errorf("got %+v, %v", s, err)
		}
		if a, err := h.Appeal(ctx, handle("A1")); err != nil || a.State != books.AppealOvertaken {
			t.Errorf("the appeal of the first decision: %+v, %v", a, err)
		}
		if got, _, err := h.Reopen(ctx, because(claim, books.CauseOrder, order)); err != nil || got.State != books.ReopeningChanged {
			t.Errorf("ordered again: %+v, %v", got, err)
		}
		if _, _, err := h.Reopen(ctx, because(claim, books.CauseCorrection, "again")); err != nil {
			t.Errorf("for another cause: %v", err)
		}
	})
}

// TestReopeningAnswers has a reopening wait, or end, on evidence that stands.
func TestReopeningAnswers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		h.settle(claim, claims.Paid)
		_, _, err := h.Reopen(ctx, because(claim, books.CauseCorrection, "price"))
		h.must(err)
		f := h.file(claim)
		a := books.ReopeningAnswer{Submission: claim, Number: 1, State: books.ReopeningWaiting, Waits: "standing-unknown", Fences: f.Fences}
		for range 2 {
			if out, err := h.AnswerReopening(ctx, a); err != nil || out.Moved {
				t.Errorf("got %+v, %v", out, err)
			}
		}
		if f := h.file(claim); !f.Reopened {
			t.Error("it waits, and is not open any more")
		}
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "M1-9", Family: "M1", Last: "Alder", First: "Di", Birth: "2020-01-01", Plan: "ppo", From: "2026-01-01"}}))
		a.State, a.Waits = books.ReopeningUpheld, ""
		if out, err := h.AnswerReopening(ctx, a); err != nil || !out.Moved {
			t.Errorf("the directory has moved: got %+v, %v", out, err)
		}
		a.Fences = h.file(claim).Fences
		for range 2 {
			if out, err := h.AnswerReopening(ctx, a); err != nil || out.Moved {
				t.Errorf("got %+v, %v", out, err)
			}
		}
		if f := h.file(claim); f.Reopened || f.Number != 2 {
			t.Errorf("upheld: %+v", f)
		}
		if got, _, err := h.Reopen(ctx, because(claim, books.CauseCorrection, "price")); err != nil || got.State != books.ReopeningUpheld {
			t.Errorf("ordered again: %+v, %v", got, err)
		}
		a.State = books.ReopeningChanged
		if _, err := h.AnswerReopening(ctx, a); err == nil {
			t.Error("a change is answered without a decision")
		}
	})
}

func TestAskedAnewWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		stranger := claims.Person{MemberID: "M7", Last: "Elm", First: "Eve", Birth: "1970-01-01"}
		claim := h.receive("C1", by(stranger))
		h.settle(claim, claims.Denied)
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "M7", Family: "M7", Last: "Elm", First: "Eve", Birth: "1970-01-01", Plan: "ppo", From: "2026-01-01"}}))
		before := h.dump()
		f, err := h.ClaimFileAnew(ctx, claim)
		if err != nil || !f.Reopened || !f.Member.Matches || f.Original == nil {
			t.Errorf("got %+v, %v", f, err)
		}
		if h.dump() != before {
			t.Error("asking has written something")
		}
	})
}

// appeal keeps an appeal of a decision under a name.
func (h *house) appeal(claim credentials.Handle, number int, name string) error {
	_, _, err := h.KeepAppeal(ctx, books.AppealFile{Token: "token of " + name, Due: "2026-07-05",
		Appeal: claims.Appeal{Handle: handle(name), Subject: claim, Number: number, Words: name}})
	return err
}

// TestAppeals has one appeal of a decision, one answer to it, and the claim open
// again where the answer overturns.
func TestAppeals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		claim := h.receive("C1")
		if err := h.appeal(claim, 0, "A1"); !errors.Is(err, books.ErrNotFinal) {
			t.Errorf("not decided yet: got %v", err)
		}
		h.settle(claim, claims.Denied)
		if err := h.appeal(claim, 2, "A1"); !errors.Is(err, books.ErrNotFinal) {
			t.Errorf("of a decision that there is none: got %v", err)
		}
		h.losing.Store(true)
		if err := h.appeal(claim, 1, "A1"); !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		h.losing.Store(false)
		h.must(h.appeal(claim, 1, "A1"))
		if err := h.appeal(claim, 1, "A2"); !errors.Is(err, books.ErrAppealed) {
			t.Errorf("a second one: got %v", err)
		}
		open, err := h.Appeals(ctx, credentials.Handle{})
		if err != nil || len(open) != 1 || open[0].Words != "A1" || open[0].Token != "token of A1" || open[0].Due != "2026-07-05" {
			t.Errorf("got %+v, %v", open, err)
		}
		a1 := handle("A1")
		d := claims.Determination{Handle: handle("D"), Subject: claim, Number: 1, Approve: true, Appeal: &a1, Words: "w", SetsAside: []claims.SetAside{{Line: 1, CARC: "29"}}}
		for range 2 {
			if work, err := h.AnswerAppeal(ctx, d, "answer", "key", "request"); err != nil || work.Key != key("C1") {
				t.Errorf("got %+v, %v", work, err)
			}
		}
		other := d
		other.Handle = handle("D2")
		if _, err := h.AnswerAppeal(ctx, other, "answer", "key", "request"); !errors.Is(err, books.ErrAnswered) {
			t.Errorf("another answer: got %v", err)
		}
		f := h.file(claim)
		if !f.Reopened || len(f.Appeals) != 1 || !f.Appeals[0].Same(&d) {
			t.Errorf("got %+v", f)
		}
		if open, err := h.Appeals(ctx, credentials.Handle{}); err != nil || len(open) != 0 {
			t.Errorf("it waits still: %+v, %v", open, err)
		}
		a, err := h.Appeal(ctx, a1)
		if err != nil || a.State != books.AppealOverturned || a.AnswerToken != "answer" || a.Answered.IsZero() {
			t.Errorf("got %+v, %v", a, err)
		}

		second := h.receive("C2")
		h.settle(second, claims.Denied)
		h.must(h.appeal(second, 1, "A3"))
		a3 := handle("A3")
		d = claims.Determination{Handle: handle("D3"), Subject: second, Number: 1, Appeal: &a3, Words: "w"}
		_, err = h.AnswerAppeal(ctx, d, "answer", "key", "request")
		h.must(err)
		if f := h.file(second); f.Reopened || len(f.Appeals) != 0 {
			t.Errorf("upheld: %+v", f)
		}
	})
}

// TestTouched lists the claims that a change of the directory, or the taking
// back of an earlier claim, touches.
func TestTouched(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		touched := func() (list []string) {
			all, err := h.Touched(ctx)
			h.must(err)
			for _, r := range all {
				list = append(list, r.Claim+" "+string(r.Cause.Kind))
			}
			return list
		}
		now := noon
		h.clock = &now
		tick := func() { now = now.Add(1e9) }
		want := func(what string, want ...string) {
			t.Helper()
			got := touched()
			if len(got) != len(want) {
				t.Errorf("%s: got %v, want %v", what, got, want)
				return
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
		}
		stranger := claims.Person{MemberID: "M7", Last: "Elm", First: "Eve", Birth: "1970-01-01"}
		h.settle(h.receive("C1", by(stranger)), claims.Denied)
		first := h.receive("C2")
		o := h.settle(first, claims.Paid, met(100, 100))
		tick()
		second := h.receive("C3", on("2026-04-20"))
		h.settle(second, claims.Paid, met(100, 100))
		h.settle(h.receive("C4", by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy", Birth: "1990-05-06"})), claims.Paid)
		want("nothing has happened")
		tick()
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "M7", Family: "M7", Last: "Elm", First: "Eve", Birth: "1970-01-01", Plan: "ppo", From: "2026-01-01"}}))
		want("a stranger was enrolled", "C1 coverage")
		h.must(h.Cover(ctx, "ppo", []claims.CoverageSpan{{MemberID: "M9", First: "Cy", Birth: "1990-05-06", From: "2027-01-01"}}))
		want("cover of other days", "C1 coverage")
		h.must(h.Cover(ctx, "ppo2", []claims.CoverageSpan{{MemberID: "M9", First: "Cy", Birth: "1990-05-06", From: "2026-01-01", Until: "2026-12-31"}}))
		want("cover of these days", "C1 coverage", "C4 coverage")
		h.must(h.Roster(ctx, []claims.RosterEntry{{Billing: "1999999992", NPI: clinician, From: "2026-01-01"}}))
		want("another organization's roster", "C1 coverage", "C4 coverage")

		tick()
		_, _, err := h.Reopen(ctx, because(first, books.CauseCorrection, "price"))
		h.must(err)
		_ = o
		f := h.file(first)
		tick()
		h.settle(first, claims.Denied, func(d *claims.Decision) { d.Reversal = f.Original.Reverse() })
		want("an earlier claim of the family taken back", "C1 coverage", "C4 coverage", "C3 reversal")
		tick()
		h.settle(h.receive("C5", on("2026-04-21")), claims.Paid)
		want("a later claim rests on the correction", "C1 coverage", "C4 coverage", "C3 reversal")

		all, err := h.Touched(ctx)
		h.must(err)
		for _, r := range all {
			_, _, err := h.Reopen(ctx, because(r.Submission, r.Cause.Kind, r.Cause.Reference))
			h.must(err)
			_, err = h.AnswerReopening(ctx, books.ReopeningAnswer{Submission: r.Submission, Number: r.Number, State: books.ReopeningUpheld, Fences: h.file(r.Submission).Fences})
			h.must(err)
		}
		want("each was opened for its cause")
	})
}
