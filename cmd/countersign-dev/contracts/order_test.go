package contracts

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/store"
)

// TestOrderAmongClaims has the board revoke a license while sixty claims of
// its holder are being decided.
func TestOrderAmongClaims(t *testing.T) {
	const families, each = 20, 3
	h := open(t)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	var members []store.Member
	var all []string
	for f := range families {
		id := fmt.Sprintf("DPX9%05d", f)
		members = append(members, store.Member{
			MemberID: id, Family: id, Last: "ORDERLY", First: "ANA", Birth: "1980-01-01", Plan: "demo-ppo", From: "2026-01-01",
		})
		for i := range each {
			c := template.Claim
			c.Number = fmt.Sprintf("RACE-%d-%d", f, i)
			c.Rendering = &claims.Provider{NPI: ruskin, Name: "RUSKIN", First: "PETRA"}
			c.Subscriber = claims.Person{MemberID: id, Last: "ORDERLY", First: "ANA", Birth: "1980-01-01", Sex: "F", Relationship: "18"}
			c.Lines = append([]claims.Line{}, c.Lines...)
			day := credentials.Date("2026-10-13").AddDays(i) // one before, two on or after the order's day
			if i > 0 {
				day = day.AddDays(1)
			}
			c.Lines[0].From, c.Lines[0].To = day, day
			all = append(all, h.sign(c, template.Source))
		}
	}
	h.must(h.House.Books.Enroll(h.ctx, members))

	var sent []api.Acceptance
	var order credentials.Handle
	var mu sync.Mutex
	var next, decided atomic.Int64
	var hands sync.WaitGroup
	for range 4 {
		hands.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				a, err := h.hospital.SubmitClaim(h.ctx, all[i])
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent = append(sent, a)
				mu.Unlock()
				decided.Add(1)
			}
		})
	}
	h.until("half of the claims", func() (bool, error) { return decided.Load() >= int64(len(all)/2), nil })
	order = h.revoke()
	hands.Wait()
	for _, a := range sent {
		h.decided(a, 1)
	}
	h.reached(order)
	h.judge(sent, order)
	h.left()
}

// judge wants every claim paid whose services lie before the order, and none
// of the others unless it was settled before the order was accepted.
func (h *house) judge(sent []api.Acceptance, order credentials.Handle) {
	h.Helper()
	reach, err := h.House.Books.Reach(h.ctx, order)
	h.must(err)
	before, after, denied := 0, 0, 0
	for _, a := range sent {
		s, err := h.House.Books.StatusOf(h.ctx, a.Handle)
		h.must(err)
		c, err := credentials.Open[claims.Submission](s.Token, credentials.KindClaimSubmission, credentials.ResolveDIDKey)
		h.must(err)
		last := s.Decisions[len(s.Decisions)-1]
		paid := s.State == string(claims.Paid)
		switch early := c.Subject.Claim.LastService() < "2026-10-15"; {
		case early && !paid:
			h.Errorf("%s of %s is %s: the order does not reach back", s.Number, c.Subject.Claim.LastService(), s.State)
		case early:
			before++
		case paid && !last.Settled.Before(reach.Accepted):
			h.Errorf("%s is paid at %v, after the order was accepted at %v", s.Number, last.Settled, reach.Accepted)
		case paid:
			after++
		case s.State == string(claims.Denied):
			denied++
		default:
			h.Errorf("%s is %s in the end", s.Number, s.State)
		}
	}
	h.T.Logf("paid: %d for days before the order, %d in time; denied: %d", before, after, denied)
	if after == 0 || denied == 0 {
		h.Error("the order came too early or too late to prove anything")
	}
}

// A gate holds the first settlement of a claim until something else has happened.
type gate struct {
	activities.Books
	hold func(s books.Settlement)
}

func (g gate) SettleClaim(ctx context.Context, s books.Settlement) (books.Settled, error) {
	g.hold(s)
	return g.Books.SettleClaim(ctx, s)
}

func (g gate) SettleAuthorization(ctx context.Context, s books.Settlement) (books.Settled, error) {
	g.hold(s)
	return g.Books.SettleAuthorization(ctx, s)
}

// TestOrderBetweenEvidenceAndSettlement has the order heard at the worst
// moment: the evidence is gathered, the decision signed, and not yet settled.
func TestOrderBetweenEvidenceAndSettlement(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"claim", "authorization"} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			var h *house
			var armed atomic.Bool
			h = open(t, func(o *parties.Options) {
				o.WrapBooks = func(b activities.Books) activities.Books {
					return gate{b, func(books.Settlement) {
						if armed.CompareAndSwap(true, false) {
							h.revoke()
							h.heard(4)
						}
					}}
				}
			})
			h.begin()
			if of == "authorization" {
				b := h.request("auth-b.json") // approved by a reviewer, for days after the order
				h.decided(b, 1)
				armed.Store(true)
				h.approve(b, 1)
				if s := h.decided(b, 2); s.State == string(claims.AuthorizationApproved) {
					t.Error("approved on evidence that had moved")
				}
				h.recorded()
				h.left()
				return
			}
			armed.Store(true)
			s := h.claimsOf("claims.837")[0]
			s.Claim.Rendering = &claims.Provider{NPI: ruskin, Name: "RUSKIN", First: "PETRA"}
			s.Claim.Lines[0].From, s.Claim.Lines[0].To = "2026-10-20", "2026-10-20"
			a := h.submit(h.sign(s.Claim, s.Source))
			if d := h.decided(a, 1); d.State != string(claims.Denied) || len(d.Decisions) != 1 {
				t.Errorf("%s by %d decisions, want denied by one: settled on evidence that had moved", d.State, len(d.Decisions))
			}
			h.recorded()
			h.left()
		})
	}
}

// TestFamilyInOrder holds the first claim of a family back until its duplicate
// has asked for its evidence: the duplicate has to wait, and is denied.
func TestFamilyInOrder(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1000)
	var held atomic.Bool
	h := open(t, func(o *parties.Options) {
		o.WrapBooks = func(b activities.Books) activities.Books {
			return counted{gate{b, func(books.Settlement) {
				if held.CompareAndSwap(false, true) {
					for range 4 { // once by the claim itself, then by its duplicate
						<-asked
					}
				}
			}}, asked}
		}
	})
	h.begin()
	sent := h.bill("DEMO-001", "DEMO-002")
	if s := h.decided(sent["DEMO-001"], 1); s.State != string(claims.Paid) {
		t.Errorf("the first is %s, want paid", s.State)
	}
	if s := h.decided(sent["DEMO-002"], 1); s.State != string(claims.Denied) {
		t.Errorf("its duplicate is %s, want denied", s.State)
	}
	h.recorded()
	h.left()
}

// counted tells of every file of a claim that is asked for.
type counted struct {
	gate
	asked chan struct{}
}

func (c counted) ClaimFile(ctx context.Context, submission credentials.Handle) (*books.ClaimFile, error) {
	f, err := c.gate.ClaimFile(ctx, submission)
	c.asked <- struct{}{}
	return f, err
}

// TestReviewsAtOnce has two pended claims of one person approved at the same
// time, so that both are signed on the same deductible: it is met once.
func TestReviewsAtOnce(t *testing.T) {
	t.Parallel()
	var armed atomic.Bool
	var arrived atomic.Int64
	both := make(chan struct{})
	h := open(t, func(o *parties.Options) {
		o.WrapBooks = func(b activities.Books) activities.Books {
			return gate{b, func(books.Settlement) {
				if !armed.Load() {
					return
				}
				switch arrived.Add(1) {
				case 1:
					<-both
				case 2:
					close(both)
				}
			}}
		}
	})
	h.begin()
	ankle := h.claimsOf("claims.837")[5] // DEMO-006, of which the second line is an X-ray for 145.00
	var sent []api.Acceptance
	for i, modifier := range []string{"", "76", "77"} { // repeated on purpose, says who sends them: a person compares
		c := ankle.Claim
		c.Number, c.Charge = fmt.Sprint("ANKLE-", i), 250_00
		line := c.Lines[1]
		line.Number, line.Pointers = 1, []int{1}
		if modifier != "" {
			line.Modifiers = []string{modifier}
		}
		c.Lines = []claims.Line{line}
		a := h.submit(h.sign(c, ankle.Source))
		h.decided(a, 1)
		sent = append(sent, a)
	}
	armed.Store(true)
	h.approve(sent[1], 1)
	h.approve(sent[2], 1)
	for _, a := range sent[1:] {
		if s := h.decided(a, 2); s.State != string(claims.Paid) {
			t.Errorf("%s is %s, want paid", s.Number, s.State)
		}
	}
	h.recorded()
	h.left()
	// Three times 145.00: 250.00 of deductible and 20% of the other 185.00.
	got := h.query(h.db(parties.Insurer, "books.db"), `SELECT deductible || ' ' || out_of_pocket FROM accumulator ORDER BY holder`)
	for _, sum := range got {
		if sum != "25000 28700" {
			t.Errorf("accumulators %v, want 25000 28700 of each", got)
			break
		}
	}
}
