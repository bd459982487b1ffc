package store_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An act is a claim of a random history, which may void or replace an earlier one.
type act struct {
	number    string
	frequency claims.Frequency
	changes   string // the claim that it voids or replaces
	member    int    // in family
	met, out  claims.Cents
	units     claims.Quantity // drawn, of Ann's authorization
	waited    bool            // its first decision was a pend
}

// history draws claims of two families; two acts of five take back one that stands.
func history(seed uint64) (all []act) {
	r := rand.New(rand.NewPCG(seed, 835))
	var standing []act
	for i := range 24 {
		a := act{number: fmt.Sprint("C", i), frequency: claims.Original, member: r.IntN(len(family)), met: claims.Cents(r.IntN(9000)), waited: r.IntN(4) == 0}
		a.out = a.met + claims.Cents(r.IntN(5000))
		if n := len(standing); n > 0 && r.IntN(5) < 2 {
			at := r.IntN(n)
			a.frequency, a.changes, a.member = []claims.Frequency{claims.Void, claims.Replacement}[r.IntN(2)], standing[at].number, standing[at].member
			standing = slices.Delete(standing, at, at+1)
		}
		if family[a.member].MemberID == "M1" {
			a.units = claims.Quantity(r.IntN(4) * 500)
		}
		if a.frequency != claims.Void {
			standing = append(standing, a)
		}
		all = append(all, a)
	}
	return all
}

// standing is the history without what was voided: what was replaced never came,
// and what took its place came by itself.
func standing(all []act) (left []act) {
	for _, a := range all {
		if a.frequency == claims.Void || slices.ContainsFunc(all, func(b act) bool { return b.changes == a.number }) {
			continue
		}
		a.frequency, a.changes = claims.Original, ""
		left = append(left, a)
	}
	return left
}

// play files a history, and says what the books then have of each member: what
// they have met, the units left, and the services that stand.
func (h *house) play(all []act) (told []string) {
	authorization := h.grant(h.ask("A1", 100_000), claims.AuthorizationApproved)
	edit := func(a act) func(*claims.Claim) {
		return func(c *claims.Claim) {
			m := family[a.member]
			c.Subscriber = claims.Person{MemberID: m.MemberID, Last: m.Last, First: m.First, Birth: m.Birth}
			c.Lines[0].Code, c.Authorization = "97110", "A1"
		}
	}
	for i, a := range all {
		edits := []func(*claims.Claim){edit(a), on(credentials.Date("2026-03-01").AddDays(i))}
		if a.changes != "" {
			edits = append(edits, changing(a.changes, a.frequency))
		}
		s := h.receive(a.number, edits...)
		if a.waited && a.frequency == claims.Original {
			h.settle(s, claims.Pended)
		}
		decided := []func(*claims.Decision){met(a.met, a.out)}
		if a.units > 0 {
			decided = append(decided, draw(authorization, a.units))
		}
		switch a.frequency {
		case claims.Void:
			h.correct(a.number, claims.Voided)
		case claims.Replacement:
			h.correct(a.number, claims.Paid, decided...)
		default:
			h.settle(s, claims.Paid, decided...)
		}
	}
	for i := range family {
		f := h.file(h.receive(fmt.Sprint("probe", i), edit(act{member: i})))
		told = append(told, fmt.Sprintf("%+v, %d services", f.Accumulators, len(f.History)))
		if i == 0 {
			told = append(told, fmt.Sprint(f.Lines[0].Authorization.Left, " units left"))
		}
	}
	return told
}

// TestCorrectedHistory plays random histories of claims, some voided or replaced
// later, whatever was decided in between. The books come to the accumulators and
// the units of the history without what was taken back.
func TestCorrectedHistory(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			all, told := history(seed), map[string][]string{}
			if n := len(standing(all)); n == 0 || n > len(all)-4 {
				t.Fatalf("%d of %d claims stand, which tries little", n, len(all))
			}
			t.Run("as it was", func(t *testing.T) {
				each(t, func(t *testing.T, h *house) { told[path.Base(t.Name())] = h.play(all) })
			})
			t.Run("without what was taken back", func(t *testing.T) {
				each(t, func(t *testing.T, h *house) {
					if want, got := h.play(standing(all)), told[path.Base(t.Name())]; !slices.Equal(got, want) {
						t.Errorf("the books say\n%q, want\n%q\nof %+v", got, want, all)
					}
				})
			})
		})
	}
}
