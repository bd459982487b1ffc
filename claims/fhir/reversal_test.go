package fhir

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// related are the relationships that a benefit names, each with its number.
func relatedIn(n node) (all []string) {
	for _, r := range n.field("related").list() {
		code := r.field("relationship").field("coding").list()[0].field("code").text()
		all = append(all, code+" "+r.field("reference").field("value").text())
	}
	return all
}

// TestTellTakenBack has the benefit of a decision that is taken back cancelled
// with its amounts as they were, and each of the two claims name the other.
func TestTellTakenBack(t *testing.T) {
	first, second := credentials.Handle{7}, credentials.Handle{8}
	was := told()
	was.TakenBackBy = second
	b, err := Tell(was)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	benefit := got["ExplanationOfBenefit"]
	if benefit.field("status").text() != "cancelled" || got["ClaimResponse"].field("status").text() != "cancelled" {
		t.Errorf("statuses %q and %q", benefit.field("status").text(), got["ClaimResponse"].field("status").text())
	}
	if names := relatedIn(benefit); !slices.Equal(names, []string{"replacedby " + claims.ControlNumber(second)}) {
		t.Errorf("related %q", names)
	}
	if paid := amountsOf(benefit.field("total"))["benefit"]; paid != "136.00" {
		t.Errorf("it says that %s was paid", paid)
	}

	now := told()
	now.Decision.Submission = second
	now.Decision.Reversal = (&claims.OriginalFact{Submission: first, Decision: *told().Decision}).Reverse()
	if b, err = Tell(now); err != nil {
		t.Fatal(err)
	}
	got, _ = resources(t, b)
	benefit = got["ExplanationOfBenefit"]
	if names := relatedIn(benefit); benefit.field("status").text() != "active" || !slices.Equal(names, []string{"prior " + claims.ControlNumber(first)}) {
		t.Errorf("related %q", names)
	}
	if words := got["ClaimResponse"].field("disposition").text(); !strings.Contains(words, "claim C1 is taken back: the plan had paid 136.00, the patient owed 284.00") {
		t.Errorf("disposition %q", words)
	}
	now.Decision.Reversal.Submission = second // a decision on the claim itself, reopened
	if b, err = Tell(now); err != nil {
		t.Fatal(err)
	}
	if got, _ = resources(t, b); len(relatedIn(got["ExplanationOfBenefit"])) != 0 {
		t.Error("a claim is related to itself")
	}
}

// TestTellVoid tells of a void that it takes back another claim, and of no
// service or benefit.
func TestTellVoid(t *testing.T) {
	was := told()
	void := told()
	void.Decision = &claims.Decision{Submission: credentials.Handle{8}, Claim: "C1", Number: 1, Outcome: claims.Voided, Lines: []claims.LineDecision{},
		Reversal: (&claims.OriginalFact{Submission: credentials.Handle{7}, Decision: *was.Decision}).Reverse()}
	b, err := Tell(void)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	response := got["ClaimResponse"]
	if _, ok := got["ExplanationOfBenefit"]; ok || len(response.field("item").list()) != 0 || response.field("payment").value != nil || response.field("outcome").text() != "complete" {
		t.Errorf("got %s", b)
	}
	if words := response.field("disposition").text(); !strings.HasPrefix(words, "Voided. The decision on claim C1 is taken back") {
		t.Errorf("disposition %q", words)
	}
	void.Decision.Outcome = claims.Paid
	if _, err := Tell(void); err == nil {
		t.Error("a decision without lines was told")
	}
}
