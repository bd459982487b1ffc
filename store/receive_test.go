package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

func TestReceiveTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first, err := h.ReceiveClaim(ctx, aClaim("C1"))
		if err != nil || first.Again || first.Submission != handle("C1") || len(first.Control) != 18 {
			t.Fatalf("first: got %+v, %v", first, err)
		}
		again := aClaim("C1") // signed again: another handle, another token
		again.Submission.Handle, again.Token = handle("other"), "other token"
		second, err := h.ReceiveClaim(ctx, again)
		if err != nil || !second.Again || second.Submission != first.Submission || second.Control != first.Control {
			t.Errorf("again: got %+v, %v, want %+v once more", second, err, first)
		}
		if n := h.count("submission"); n != 1 {
			t.Errorf("got %d submissions, want 1", n)
		}
		if n := h.count("claim_line"); n != 1 {
			t.Errorf("got %d lines, want 1", n)
		}
		kept, err := h.FindSigned(ctx, books.SubmissionKey(first.Submission))
		if err != nil || kept.Token != "token C1" {
			t.Errorf("got token %q, %v, want the first one", kept.Token, err)
		}
		if _, err := h.FindSubmission(ctx, key("nobody's")); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("unknown key: got %v, want ErrNotFound", err)
		}
	})
}

func TestReceiveTheSameClaimAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var wait sync.WaitGroup
		got := make([]books.Received, 8)
		for i := range got {
			wait.Go(func() {
				var err error
				if got[i], err = h.ReceiveClaim(ctx, aClaim("C1")); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		fresh := 0
		for _, r := range got {
			if !r.Again {
				fresh++
			}
		}
		if fresh != 1 || h.count("submission") != 1 {
			t.Errorf("%d of 8 were the first, want 1", fresh)
		}
	})
}

func TestHandleTaken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive("C1")
		forged := aClaim("C2")
		forged.Submission.Handle = handle("C1")
		if _, err := h.ReceiveClaim(ctx, forged); !errors.Is(err, books.ErrHandleTaken) {
			t.Errorf("claim: got %v, want ErrHandleTaken", err)
		}
		request := aRequest("A1", 1000)
		request.Submission.Handle = handle("C1")
		if _, err := h.ReceiveAuthorization(ctx, request); !errors.Is(err, books.ErrHandleTaken) {
			t.Errorf("authorization: got %v, want ErrHandleTaken", err)
		}
		if n := h.count("submission"); n != 1 {
			t.Errorf("got %d submissions, want 1", n)
		}
	})
}

func TestFamilyOrder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first, second := h.receive("C1"), h.receive("C2", by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"}))
		other := h.receive("C3", by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"}))
		for _, test := range []struct {
			name  string
			claim credentials.Handle
			wait  bool
		}{{"first", first, false}, {"second of the family", second, true}, {"another family's", other, false}} {
			if got := h.file(test.claim).Wait; got != test.wait {
				t.Errorf("%s: wait = %v, want %v", test.name, got, test.wait)
			}
		}
		h.settle(first, claims.Pended)
		if h.file(second).Wait {
			t.Error("the first has its decision: the second must not wait any more")
		}
	})
}

func TestEnrolledSince(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		newcomer := by(claims.Person{MemberID: "N1", Last: "New", First: "Nell"})
		claim, request := h.receive("C1", newcomer), aRequest("A1", 1000)
		request.Submission.Request.Patient = claims.Person{MemberID: "N1", Last: "New", First: "Nell"}
		asked, err := h.ReceiveAuthorization(ctx, request)
		h.must(err)
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "N1", Family: "N1", Last: "New", First: "Nell", Plan: "ppo", From: "2026-01-01"}}))
		if f := h.file(claim); !f.Member.Matches || f.Fences[0].Name != "family/"+h.Family("N1")+"/2026" {
			t.Fatalf("got %+v under %v, want the new member's file", f.Member, f.Fences)
		}
		h.settle(claim, claims.Paid, met(2500, 2500))
		h.grant(asked.Submission, claims.AuthorizationApproved)
		next := h.file(h.receive("C2", newcomer, authorizedBy("A1"), func(c *claims.Claim) { c.Lines[0].Code = "97110" }))
		if got := next.Accumulators[0].DeductibleIndividual; got != 2500 {
			t.Errorf("met %s, want 25.00: the first claim is the member's", got)
		}
		if got := next.Lines[0].Authorization; got == nil || !got.Matches {
			t.Errorf("got %+v, want the member's authorization", got)
		}
	})
}

func TestSubmissionsAndStatus(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, two := h.receive("C1"), h.receive("C2")
		h.settle(one, claims.Pended)
		for _, test := range []struct {
			submitter credentials.DID
			state     string
			want      []credentials.Handle
		}{
			{hospital, "", []credentials.Handle{one, two}},
			{hospital, "pended", []credentials.Handle{one}},
			{"did:key:other", "", nil},
			{"", "received", []credentials.Handle{two}},
		} {
			if got, err := h.Submissions(ctx, test.submitter, test.state); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%q in state %q: got %v, %v, want %v", test.submitter, test.state, got, err, test.want)
			}
		}
		s, err := h.StatusOf(ctx, one)
		h.must(err)
		if s.Latest() != nil {
			t.Error("a decision without its receipt is none")
		}
		h.must(h.KeepReceipt(ctx, s.Decisions[0].Document, 7, []byte("receipt")))
		s, err = h.StatusOfDecision(ctx, s.Decisions[0].Document)
		h.must(err)
		if d := s.Latest(); s.Handle != one || d == nil || d.Outbox.Index != 7 || d.Outcome != "pended" || s.Token != "token C1" {
			t.Errorf("got %+v", s)
		}
		if _, err := h.StatusOf(ctx, handle("none")); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}
