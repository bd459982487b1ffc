package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

/*
What fails when a check is taken out of the payment run (each was tried):

	the fence in hear (order) or in release         TestOrderDuringTheRun
	pays[line] in putPayment                        TestDeniedLineHoldsNothing
	HoldOrder, HoldLicense, HoldStanding in hold    TestHeld
	the feed's age in judge                         TestHeld
	"no rests" in hold                              TestHeld
	debts of covered payments                       TestRecoupment
	debts of replaced payments                      TestDecidedAnew
	oldest first, whole, until covered in Holds     TestRecoupment
	s.latest = d.document in Pay                    TestDecidedAnew
	NOT replaced in readReprocess                   TestDecidedAnew
	the day of the order in credentials.binds       TestReprocess
	comesTo                                         TestRemittanceThatCannotBeWritten
	NOT EXISTS payment in countUnaccounted          TestUnaccounted
*/

// orderOf is an order upon license L1 that binds from a day on.
func orderOf(name string, from credentials.Date) store.Heard {
	o := anOrder(name, "L1")
	day, _ := time.Parse(time.DateOnly, string(from))
	o.Order.Effective = day
	return o
}

func suspension(name string, from, until credentials.Date) store.Heard {
	o := orderOf(name, from)
	o.Order.Action, o.Order.Until = credentials.OrderSuspend, until
	return o
}

func restriction(name string, from credentials.Date) store.Heard {
	o := orderOf(name, from)
	o.Order.Action, o.Order.Restrictions = credentials.OrderRestrict, []string{"NO-SURGERY"}
	return o
}

// upon ends or voids other orders.
func upon(name string, action credentials.OrderAction, from credentials.Date, orders ...string) store.Heard {
	o := orderOf(name, from)
	o.Order.Action = action
	for _, other := range orders {
		o.Order.Upon = append(o.Order.Upon, handle(other))
	}
	return o
}

// holds wants these claims held, each as "CLAIM reason".
func (h *house) holds(held []books.Payment, want ...string) {
	h.t.Helper()
	var got []string
	for _, p := range held {
		if p.State != claims.PaymentHeld {
			h.t.Errorf("%s is %s among the held", p.Claim, p.State)
		}
		got = append(got, p.Claim+" "+string(p.Hold.Reason))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		h.t.Errorf("held: got %q, want %q", got, want)
	}
}

func TestHeld(t *testing.T) {
	severalDays := func(c *claims.Claim) { c.Lines[0].From, c.Lines[0].To = "2026-03-30", "2026-04-02" }
	elsewhere := func(c *claims.Claim) { c.ServiceState = "NV" }
	for _, test := range []struct {
		name   string
		claim  []func(*claims.Claim)
		before func(h *house)
		now    time.Time // of the run
		want   claims.HoldReason
	}{
		{"nothing against it", nil, func(*house) {}, noon, ""},
		{"an order for that day", []func(*claims.Claim){on("2026-04-01")}, func(h *house) { h.hear(2, orderOf("O1", "2026-04-01")) }, noon, claims.HoldOrder},
		{"an order from the next day on", []func(*claims.Claim){on("2026-03-31")}, func(h *house) { h.hear(2, orderOf("O1", "2026-04-01")) }, noon, ""},
		{"an order for the last of several days", []func(*claims.Claim){severalDays}, func(h *house) { h.hear(2, orderOf("O1", "2026-04-02")) }, noon, claims.HoldOrder},
		{"an order, and the feed old", nil, func(h *house) { h.hear(2, orderOf("O1", "2026-01-01")) }, noon.Add(time.Hour), claims.HoldOrder},
		{"another license in force", nil, func(h *house) { h.hear(2, aLicense("L2", clinician)); h.hear(3, orderOf("O1", "2026-01-01")) }, noon, ""},
		{"somebody else's order", nil, func(h *house) {
			h.hear(2, aLicense("L2", reviewer))
			o := orderOf("O1", "2026-01-01")
			o.Order.License = handle("L2")
			h.hear(3, o)
		}, noon, ""},
		{"a suspension over that day", []func(*claims.Claim){on("2026-04-01")}, func(h *house) { h.hear(2, suspension("O1", "2026-03-01", "2026-04-30")) }, noon, claims.HoldOrder},
		{"a suspension that was over by then", []func(*claims.Claim){on("2026-05-01")}, func(h *house) { h.hear(2, suspension("O1", "2026-03-01", "2026-04-30")) }, noon, ""},
		{"a suspension in the midst of several days", []func(*claims.Claim){severalDays}, func(h *house) { h.hear(2, suspension("O1", "2026-03-31", "2026-03-31")) }, noon, claims.HoldOrder},
		{"a suspension that was lifted before", []func(*claims.Claim){on("2026-04-01")}, func(h *house) {
			h.hear(2, suspension("O1", "2026-03-01", ""))
			h.hear(3, upon("O2", credentials.OrderReinstate, "2026-04-01", "O1"))
		}, noon, ""},
		{"a suspension that was lifted after", []func(*claims.Claim){on("2026-04-01")}, func(h *house) {
			h.hear(2, suspension("O1", "2026-03-01", ""))
			h.hear(3, upon("O2", credentials.OrderReinstate, "2026-04-02", "O1"))
		}, noon, claims.HoldOrder},
		{"a revocation that was voided", []func(*claims.Claim){on("2026-04-01")}, func(h *house) {
			h.hear(2, orderOf("O1", "2026-04-01"))
			h.hear(3, upon("O2", credentials.OrderVoid, "2026-04-01", "O1"))
		}, noon, ""},
		{"a license issued in error", nil, func(h *house) { h.hear(2, upon("O1", credentials.OrderVoid, "2020-01-01")) }, noon, claims.HoldOrder},
		{"a restriction", []func(*claims.Claim){on("2026-04-01")}, func(h *house) { h.hear(2, restriction("O1", "2026-04-01")) }, noon, claims.HoldRestriction},
		{"a restriction from the next day on", []func(*claims.Claim){on("2026-03-31")}, func(h *house) { h.hear(2, restriction("O1", "2026-04-01")) }, noon, ""},
		{"an order upon an order that nobody has heard", nil, func(h *house) { h.hear(2, upon("O1", credentials.OrderVoid, "2026-04-01", "O9")) }, noon, claims.HoldStanding},
		{"the feed old", nil, func(*house) {}, noon.Add(time.Second), claims.HoldStanding},
		{"the feed from the future", nil, func(h *house) {
			h.must(h.Hear(ctx, board, "CA", nil, noon.Add(books.ClockSkew+time.Second)))
		}, noon, claims.HoldStanding},
		{"a board that nobody follows", []func(*claims.Claim){elsewhere}, func(*house) {}, noon, claims.HoldStanding},
		{"a license that has another start by now", []func(*claims.Claim){on("2019-12-31")}, func(*house) {}, noon, claims.HoldLicense},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.publish(books.PlanEdition, "ppo", "2019", "fees", "2019-01-01", "2025-12-31")
				h.must(h.Enroll(ctx, []store.Member{{MemberID: "M1", Family: "M1", Last: "Alder", First: "Ann", Birth: "1980-01-02", Plan: "ppo", From: "2019-01-01"}}))
				h.licensed()
				h.pay("C1", test.claim...)
				h.must(h.KeepReceipt(ctx, h.settle(h.receive("C2"), claims.Denied), 6, []byte("receipt")))
				test.before(h)
				run, err := h.Pay(ctx, test.now, write)
				h.must(err)
				if test.want == "" {
					if h.holds(run.Held); bodies(run) != "C1 75.00\nC2 0.00\n" {
						t.Errorf("paid %q", bodies(run))
					}
					return
				}
				if h.holds(run.Held, "C1 "+string(test.want)); bodies(run) != "C2 0.00\n" {
					t.Errorf("paid %q, want the denial told and nothing paid", bodies(run))
				}
				if order := run.Held[0].Hold.Order; (test.want == claims.HoldOrder) != (order == handle("O1")) {
					t.Errorf("held under order %v", order)
				}
			})
		})
	}
}

// What a reviewer decided knowing the restrictions is paid; one more restriction
// that nobody had seen holds it.
func TestReviewedRestriction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.hear(2, restriction("O1", "2026-01-01"))
		h.pay("C1")
		if run := h.run(); len(run.Held) != 0 || bodies(run) != "C1 75.00\n" {
			t.Errorf("paid %q, held %v", bodies(run), run.Held)
		}
		h.pay("C2")
		more := restriction("O2", "2026-01-01")
		more.Order.Restrictions = []string{"NO-OPIOIDS"}
		h.hear(3, more)
		h.holds(h.run().Held, "C2 license-restricted")
		h.hear(4, upon("O3", credentials.OrderVoid, "2026-01-01", "O2"))
		if run := h.run(); len(run.Held) != 0 || bodies(run) != "C2 75.00\n" {
			t.Errorf("the second restriction was void: paid %q, held %v", bodies(run), run.Held)
		}
	})
}

// A decision that says paid and names no standing for what it pays is not paid.
func TestNothingRestsOnNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		s := h.receive("C1")
		f := h.file(s)
		document := h.sign("C1", claims.Decision{Submission: s, Number: 1, Outcome: claims.Paid, Paid: 7500})
		_, err := h.SettleClaim(ctx, books.Settlement{Submission: s, Document: document, Fences: f.Fences})
		h.must(err)
		h.must(h.KeepReceipt(ctx, document, 5, []byte("receipt")))
		h.holds(h.run().Held, "C1 standing-unknown")
	})
}

// A line that is denied rests on no license.
func TestDeniedLineHoldsNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		s := h.receive("C1", func(c *claims.Claim) {
			c.Lines = append(c.Lines, c.Lines[0])
			c.Lines[1].Number, c.Lines[1].Rendering = 2, &claims.Provider{NPI: reviewer} // has no license
		})
		f := h.file(s)
		d := h.decision(f, claims.Paid)
		d.Lines[1].Outcome = claims.Denied
		document := h.signClaim(f, d)
		_, err := h.SettleClaim(ctx, books.Settlement{Submission: s, Document: document, Fences: f.Fences})
		h.must(err)
		h.must(h.KeepReceipt(ctx, document, 5, []byte("receipt")))
		if run := h.run(); bodies(run) != "C1 75.00\n" {
			t.Errorf("paid %q, held %+v", bodies(run), run.Held)
		}
	})
}

// What was settled before the books kept what a payment rests on is told, not paid.
func TestUnaccounted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		if _, err := h.db.Exec(ctx, `DELETE FROM payment`); err != nil {
			t.Fatal(err)
		}
		if run := h.run(); run.Unaccounted != 1 || len(run.Released)+len(run.Held) != 0 {
			t.Errorf("got %+v, want one decision unaccounted for", run)
		}
	})
}

// An order is accepted after the run has read what is known and before it
// commits: the run has to be made again, and obey it.
func TestOrderDuringTheRun(t *testing.T) {
	duringTheRun(t, claims.HoldOrder, func(h *house) error {
		e := orderOf("O1", "2026-01-01")
		e.Sequence, e.Index = 2, 20
		return h.Hear(ctx, board, "CA", []store.Heard{e}, noon)
	})
}

// The same with a hold of the staff.
func TestStaffHoldDuringTheRun(t *testing.T) {
	duringTheRun(t, claims.HoldStaff, func(h *house) error {
		return h.SetStaffHold(ctx, books.StaffHold{Submission: handle("C1"), Code: "review", By: "key", Token: "token"})
	})
}

func duringTheRun(t *testing.T, want claims.HoldReason, happens func(h *house) error) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		done := make(chan error, 1)
		runs := 0
		run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
			if runs++; runs == 1 {
				go func() { done <- happens(h) }()
				// SQLite has it wait for the run; PostgreSQL lets it through.
				patience := 200 * time.Millisecond
				if h.db.Postgres() {
					patience = time.Minute
				}
				select {
				case err := <-done:
					done <- err
				case <-time.After(patience):
				}
			}
			return write(number, submitter, due, open)
		})
		h.must(err)
		happened := <-done
		if h.db.Postgres() {
			if h.holds(run.Held, "C1 "+string(want)); len(run.Released) != 0 || happened != nil {
				t.Errorf("paid %q over what was accepted before the run's commit (%v)", bodies(run), happened)
			}
			return
		}
		if bodies(run) != "C1 75.00\n" {
			t.Errorf("paid %q", bodies(run))
		}
		if want == claims.HoldStaff {
			if !errors.Is(happened, books.ErrReleasedAlready) {
				t.Errorf("got %v, want ErrReleasedAlready", happened)
			}
			return
		}
		list, err := h.Reprocess(ctx)
		if err != nil || happened != nil || len(list) != 1 || list[0].Trace != "TRACE1" {
			t.Errorf("got %+v, %v, %v, want the payment on the reprocess list", list, err, happened)
		}
	})
}

func TestReprocess(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("EARLY", on("2026-03-01"))
		h.pay("PAID", on("2026-04-02"))
		h.run()
		h.pay("HELD", on("2026-04-03"))
		h.settle(h.receive("DECIDED", on("2026-04-04")), claims.Paid)
		h.settle(h.receive("DENIED", on("2026-04-05")), claims.Denied)
		if list, err := h.Reprocess(ctx); err != nil || len(list) != 0 {
			t.Fatalf("before the order: got %+v, %v", list, err)
		}
		h.hear(2, orderOf("LATER", "2026-05-01"))
		h.hear(3, orderOf("O1", "2026-04-01"))
		list, err := h.Reprocess(ctx)
		h.must(err)
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprint(r.Claim, " ", r.State, " ", r.Amount, " ", r.Number, " ", r.On, " ", r.NPI, " ", r.Order == handle("O1"), " ", r.Trace))
		}
		want := []string{
			"PAID paid 75.00 1 2026-04-02 1003000126 true TRACE1",
			"HELD held 75.00 1 2026-04-03 1003000126 true ",
			"DECIDED decided 75.00 1 2026-04-04 1003000126 true ",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
