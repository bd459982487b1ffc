package houses_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	"github.com/countersign-health/countersign/examples"
)

// TestClaims reads what is made as the insurer would: nothing is refused, every
// kind is there, and the same seed gives the same bytes.
func TestClaims(t *testing.T) {
	b := houses.Claims(500, 1)
	if again := houses.Claims(500, 1); !bytes.Equal(b.File, again.File) || !bytes.Equal(b.Members, again.Members) {
		t.Error("the same seed gives other bytes")
	}
	kinds := map[houses.Kind]int{}
	place := map[string]int{}
	i := 0
	file, err := x12.ReadClaims(bytes.NewReader(b.File), func(s x12.Submitted) error {
		want := b.Bills[i]
		i++
		if got := s.Claim.Number; got != want.Number {
			t.Errorf("claim %d is %s, want %s", i, got, want.Number)
		}
		for _, p := range claims.Check(&s.Claim, claims.Edits{}, "2026-11-21") {
			t.Errorf("%s: %v", s.Claim.Number, p)
		}
		if s.Claim.Subscriber.MemberID != want.Family || (s.Claim.Patient != nil) == (want.Person == want.Family) {
			t.Errorf("%s: subscriber %s, want %s", s.Claim.Number, s.Claim.Subscriber.MemberID, want.Family)
		}
		if want.Kind == houses.Repeated && place[want.Of] == 0 {
			t.Errorf("%s repeats %s, which does not come before it", want.Number, want.Of)
		}
		kinds[want.Kind]++
		place[want.Number] = i
		return nil
	})
	if err != nil || i != 500 || file.Refused > 0 || len(file.Notes) > 0 {
		t.Errorf("%d claims, %d sets refused, notes %v, %v", i, file.Refused, file.Notes, err)
	}
	if len(kinds) != 9 {
		t.Errorf("kinds %v, want nine", kinds)
	}
	if other := houses.Claims(500, 2); bytes.Contains(other.Members, []byte(b.Bills[0].Family)) {
		t.Error("two seeds share a family")
	}
}

// Plan differs from the example in its limit alone.
func TestPlan(t *testing.T) {
	example, err := examples.Files.ReadFile("plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := claims.ParsePlan(example)
	if err != nil {
		t.Fatal(err)
	}
	got, err := claims.ParsePlan(houses.Plan())
	if err != nil {
		t.Fatal(err)
	}
	if got.TimelyFilingDays != 3660 {
		t.Errorf("the limit is %d days, want 3660", got.TimelyFilingDays)
	}
	got.TimelyFilingDays, got.Digest = want.TimelyFilingDays, want.Digest
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
