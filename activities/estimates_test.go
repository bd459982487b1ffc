package activities_test

import (
	"reflect"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// An estimate rests on the very facts on which a decision rests that comes right after it.
func TestGatherEstimate(t *testing.T) {
	hospital := ledgertest.Party("hospital", "").DID
	for name, edit := range map[string]func(*claims.Claim){
		"plain":    func(*claims.Claim) {},
		"of days":  func(c *claims.Claim) { c.Lines[0].To = "2026-05-04" }, // beyond the license
		"stranger": func(c *claims.Claim) { c.Subscriber.MemberID = "M0" },
	} {
		h := newHouse(t)
		h.license(noon)
		s := aClaim(name, edit)
		got, err := h.gathering().GatherEstimate(ctx, hospital, &s, "2026-05-06", nil)
		must(t, err)
		want, err := h.gathering().GatherClaim(ctx, h.receive(s))
		must(t, err)
		if got.Fences = want.Fences; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	h := newHouse(t)
	h.off = errAway
	s := aClaim("C9")
	if g, err := h.gathering().GatherEstimate(ctx, hospital, &s, "2026-05-06", nil); err == nil {
		t.Errorf("by a clock that is off: %+v", g)
	}
}
