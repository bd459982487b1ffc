package store_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Every writing method commits, loses its reply, and is called again: the
// books must be as if nothing had been lost.
func TestLostReplies(t *testing.T) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			smooth, lossy := openHouse(t, sqldbtest.Open(t, dsn(t))), openHouse(t, sqldbtest.Open(t, dsn(t)))
			live(smooth, func(what string, write func() error) {
				if err := write(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			})
			live(lossy, func(what string, write func() error) {
				lossy.losing.Store(true)
				if err := write(); !errors.Is(err, errLost) {
					t.Fatalf("%s: got %v, want the lost reply", what, err)
				}
				lossy.losing.Store(false)
				if err := write(); err != nil {
					t.Fatalf("%s again: %v", what, err)
				}
			})
			if got, want := lossy.dump(), smooth.dump(); got != want {
				t.Errorf("with replies lost, the books hold\n%s\nwithout, they hold\n%s", got, want)
			}
		})
	}
}

// live runs one of each writing method, each through do.
func live(h *house, do func(what string, write func() error)) {
	do("enroll", func() error { return h.Enroll(ctx, family) })
	do("roster", func() error { return h.PutOnRoster(ctx, clinic, clinician) })
	for _, e := range []books.Edition{
		anEdition(books.FeeEdition, "fees", "2026", "", "", ""),
		anEdition(books.PlanEdition, "ppo", "2026", "fees", "2026-01-01", "2026-12-31"),
	} {
		do("publish", func() error { _, err := h.PublishEdition(ctx, e, []byte("entry")); return err })
	}
	license, order := aLicense("L1", clinician), anOrder("O1", "L1")
	license.Sequence, license.Index, order.Sequence, order.Index = 1, 10, 2, 20
	do("hear", func() error { return h.Hear(ctx, board, "CA", []store.Heard{license, order}, noon) })
	do("pass on", func() error { return h.PassedOn(ctx, handle("O1")) })

	places := 0
	keep := func(name string, decision any) credentials.Handle {
		s := h.signed(name, decision)
		places++
		s.Place = books.StatusPlace{List: 1, At: [2]int{places, 2 * places}}
		do("keep signed", func() error { _, err := h.KeepSigned(ctx, s); return err })
		return s.Handle
	}
	record := func(document credentials.Handle) {
		do("keep receipt", func() error { return h.KeepReceipt(ctx, document, 5, []byte("receipt")) })
	}

	for i, outcome := range []claims.AuthorizationOutcome{claims.AuthorizationApproved, claims.AuthorizationPended} {
		number := []string{"A1", "A2"}[i]
		request := aRequest(number, 5000)
		do("receive authorization", func() error { _, err := h.ReceiveAuthorization(ctx, request); return err })
		f, err := h.AuthorizationFile(ctx, handle(number))
		h.must(err)
		d := claims.AuthorizationDecision{Submission: handle(number), Number: 1, Outcome: outcome, Items: []claims.ItemDecision{
			{Sequence: 1, Outcome: outcome, Code: "97110", Units: 5000, From: "2026-03-01", Until: "2026-06-30"}}}
		s := books.Settlement{Submission: handle(number), Document: keep(number, d), Fences: f.Fences}
		do("settle authorization", func() error { return refusedIfMoved(h.SettleAuthorization(ctx, s)) })
		record(s.Document)
	}
	do("determine", func() error {
		_, err := h.Determine(ctx, claims.Determination{Handle: handle("D1"), Subject: handle("A2"), Number: 1, Approve: true}, "token")
		return err
	})

	reviewed, err := h.AuthorizationFile(ctx, handle("A2"))
	h.must(err)
	next := books.Settlement{Submission: handle("A2"), Fences: reviewed.Fences,
		Document: keep("A2/2", claims.AuthorizationDecision{Submission: handle("A2"), Number: 2, Outcome: claims.AuthorizationDenied})}
	do("settle authorization", func() error { return refusedIfMoved(h.SettleAuthorization(ctx, next)) })
	record(next.Document)

	claim := aClaim("C1", authorizedBy("A1"))
	do("receive claim", func() error { _, err := h.ReceiveClaim(ctx, claim); return err })
	f := h.file(handle("C1"))
	d := h.decision(f, claims.Paid, met(2500, 2500), draw(handle("decision A1"), 2000))
	s := books.Settlement{Submission: handle("C1"), Document: h.signClaim(f, d), Fences: f.Fences}
	do("settle claim", func() error { return refusedIfMoved(h.SettleClaim(ctx, s)) })
	record(s.Document)
	hold := books.StaffHold{Submission: handle("C1"), Code: "review", By: "key", Token: "token"}
	do("hold", func() error { return h.SetStaffHold(ctx, hold) })
	hold.Lift = true
	do("lift", func() error { return h.SetStaffHold(ctx, hold) })
	do("pay", func() error { _, err := h.Pay(ctx, noon, write); return err })
	record(handle("TRACE1"))
}

func refusedIfMoved(s books.Settled, err error) error {
	if err == nil && s.Moved {
		return errors.New("the evidence moved, though nothing happened")
	}
	return err
}
