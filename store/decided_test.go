package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

// listed signs a decision at the place that the books give, and settles it.
func (h *house) listed(submission credentials.Handle, decision any, number int) (credentials.Handle, books.ToSign) {
	h.t.Helper()
	turn, err := h.ToSign(ctx, submission, number)
	h.must(err)
	s := h.signed(fmt.Sprint(submission, number), decision)
	s.Place = turn.Place
	kept, err := h.KeepSigned(ctx, s)
	h.must(err)
	settle := h.SettleClaim
	if _, ok := decision.(claims.AuthorizationDecision); ok {
		settle = h.SettleAuthorization
	}
	out, err := settle(ctx, books.Settlement{Submission: submission, Document: kept.Handle})
	h.must(err)
	if out.Moved {
		h.t.Fatal("the evidence moved, though nothing happened")
	}
	return kept.Handle, turn
}

// A decision is followed from the moment in which the next one's receipt is
// kept, and by that one.
func TestFollowed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := func(number int, outcome claims.Outcome) any {
			return claims.Decision{Submission: handle("C1"), Number: number, Outcome: outcome}
		}
		request := func(number int, outcome claims.AuthorizationOutcome) any {
			return claims.AuthorizationDecision{Submission: handle("A1"), Number: number, Outcome: outcome}
		}
		for _, tt := range []struct {
			name        string
			submission  credentials.Handle
			first, next any
			message     int
		}{
			{"a claim that was pended", h.receive("C1"), claim(1, claims.Pended), claim(2, claims.Paid), credentials.DecisionSuperseded},
			{"an authorization that was approved", h.ask("A1", 5000), request(1, claims.AuthorizationApproved), request(2, claims.AuthorizationRevoked), credentials.DecisionRevoked},
		} {
			t.Run(tt.name, func(t *testing.T) {
				version := func() int64 {
					v, err := h.StatusVersion(ctx, 1)
					if errors.Is(err, books.ErrNotFound) {
						return 0
					}
					h.must(err)
					return v
				}
				before := version()
				first, turn := h.listed(tt.submission, tt.first, 1)
				if !turn.Before.IsZero() || turn.Place.List != 1 {
					t.Errorf("got %+v, want the first decision to follow none", turn)
				}
				h.must(h.KeepReceipt(ctx, first, 5, []byte("receipt")))
				next, after := h.listed(tt.submission, tt.next, 2)
				if after.Before != first || after.Place == turn.Place {
					t.Errorf("got %+v, want it to follow %s at another place", after, first)
				}
				if _, err := h.FollowedBy(ctx, first); !errors.Is(err, books.ErrNotFound) || version() != before {
					t.Errorf("before the receipt: got %v, version %d, want %d", err, version(), before)
				}
				for range 2 {
					h.must(h.KeepReceipt(ctx, next, 6, []byte("receipt")))
					if got, err := h.FollowedBy(ctx, first); err != nil || got != next || version() != before+1 {
						t.Errorf("got %s, %v, version %d, want %s and %d", got, err, version(), next, before+1)
					}
				}
				if _, err := h.FollowedBy(ctx, next); !errors.Is(err, books.ErrNotFound) {
					t.Errorf("the one that follows: got %v", err)
				}
				all, err := h.Followed(ctx, 1)
				h.must(err)
				if got := all[len(all)-1]; len(all) != int(before+1) || !in(all, books.Followed{At: turn.Place.At, Message: tt.message}) {
					t.Errorf("got %+v of %d, want place %v and message %d", got, len(all), turn.Place.At, tt.message)
				}
			})
		}
		if _, err := h.StatusVersion(ctx, 2); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("a list that nobody stands in: %v", err)
		}
	})
}

func in(all []books.Followed, one books.Followed) bool {
	for _, f := range all {
		if f == one {
			return true
		}
	}
	return false
}

// Each decision is followed by the next, whichever receipt came first.
func TestFollowedInTurn(t *testing.T) {
	for name, receipts := range map[string][]int{"in turn": {0, 1, 2}, "the last first": {2, 0, 1}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				request := h.ask("A1", 5000)
				var all []credentials.Handle
				var at [][2]int
				for i, outcome := range []claims.AuthorizationOutcome{claims.AuthorizationPended, claims.AuthorizationApproved, claims.AuthorizationRevoked} {
					d, turn := h.listed(request, claims.AuthorizationDecision{Submission: request, Number: i + 1, Outcome: outcome}, i+1)
					all, at = append(all, d), append(at, turn.Place.At)
				}
				for _, i := range receipts {
					h.must(h.KeepReceipt(ctx, all[i], int64(i), []byte("receipt")))
				}
				for i, want := range all[1:] {
					if got, err := h.FollowedBy(ctx, all[i]); err != nil || got != want {
						t.Errorf("decision %d: followed by %s, %v, want %s", i+1, got, err, want)
					}
				}
				followed, err := h.Followed(ctx, 1)
				h.must(err)
				if len(followed) != 2 || !in(followed, books.Followed{At: at[0], Message: credentials.DecisionSuperseded}) ||
					!in(followed, books.Followed{At: at[1], Message: credentials.DecisionRevoked}) {
					t.Errorf("got %+v of %v", followed, at)
				}
			})
		})
	}
}

// A document without a place leaves the lists alone, and one that was settled
// before there were lists is followed all the same.
func TestFollowedWithoutPlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		first := h.settle(claim, claims.Pended)
		h.must(h.KeepReceipt(ctx, first, 5, []byte("receipt")))
		next, turn := h.listed(claim, claims.Decision{Submission: claim, Number: 2, Outcome: claims.Paid}, 2)
		h.must(h.KeepReceipt(ctx, next, 6, []byte("receipt")))
		if all, err := h.Followed(ctx, 1); err != nil || len(all) != 0 || turn.Before != first {
			t.Errorf("got %v, %v after %+v", all, err, turn)
		}
	})
}

// No two documents stand at one place, whichever process gave it.
func TestPlaceTaken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		s := h.signed("one", claims.Decision{Submission: claim, Number: 1, Outcome: claims.Pended})
		s.Place = books.StatusPlace{List: 1, At: [2]int{3, 4}}
		_, err := h.KeepSigned(ctx, s)
		h.must(err)
		for list, tt := range []struct {
			name string
			at   [2]int
		}{{"the same", [2]int{3, 4}}, {"the revocation's", [2]int{3, 5}}, {"the message's", [2]int{5, 4}}} {
			name, at := tt.name, tt.at
			other := h.signed(name, claims.Decision{Submission: claim, Number: 1, Outcome: claims.Paid})
			other.Place = books.StatusPlace{List: 1, At: at}
			if _, err := h.KeepSigned(ctx, other); !errors.Is(err, books.ErrPlaceTaken) {
				t.Errorf("%s: got %v, want ErrPlaceTaken", name, err)
			}
			if _, err := h.FindSigned(ctx, other.Key); !errors.Is(err, books.ErrNotFound) {
				t.Errorf("%s: kept without its place: %v", name, err)
			}
			other.Place.List = int64(2 + list)
			if _, err := h.KeepSigned(ctx, other); err != nil {
				t.Errorf("%s, in another list: %v", name, err)
			}
			s.Place.At = at // what is kept stays as it was
			if kept, err := h.KeepSigned(ctx, s); err != nil || kept.Handle != s.Handle {
				t.Errorf("%s, again under its key: %v", name, err)
			}
		}
	})
}

// Two processes sign on the same books, from few places: each decision gets its
// own, and a list that is full enough is followed by another.
func TestPlacesOfTwoProcesses(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open())
		h.furnish()
		second, err := store.Open(ctx, open(), storetest.Keys(t), func() time.Time { return noon })
		h.must(err)
		for _, b := range []*store.Books{h.Books, second} {
			b.FewPlaces(20, 40)
		}
		claim := h.receive("C1")
		var wait sync.WaitGroup
		for n, b := range []*store.Books{h.Books, second} {
			wait.Go(func() {
				for i := range 30 {
					for tries := 0; ; tries++ {
						turn, err := b.ToSign(ctx, claim, 1)
						if err != nil {
							t.Error(err)
							return
						}
						s := h.signed(fmt.Sprint(n, i), claims.Decision{Submission: claim, Number: 1, Outcome: claims.Pended})
						s.Place = turn.Place
						if _, err = b.KeepSigned(ctx, s); err == nil {
							break
						}
						if !errors.Is(err, books.ErrPlaceTaken) || tries > 200 {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wait.Wait()
		if n := h.count("status_place"); n != 60 {
			t.Errorf("got %d places, want 60", n)
		}
		var lists, most int
		h.must(h.db.QueryRow(ctx, `SELECT count(*), max(n) FROM (SELECT count(*) AS n FROM status_place GROUP BY list) AS lists`).Scan(&lists, &most))
		if lists < 2 || most > 40 {
			t.Errorf("%d lists, the fullest with %d", lists, most)
		}
	})
}
