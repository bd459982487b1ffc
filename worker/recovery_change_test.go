package worker

import (
	"testing"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// change has a claim replace or void another one, decided as its contract would.
func (h *house) change(number string, f claims.Frequency, named credentials.Handle, charge claims.Cents) credentials.Handle {
	h.t.Helper()
	was, err := h.Books.StatusOf(h.ctx, named)
	h.must(err)
	doc, err := credentials.Open[claims.Submission](was.Token, credentials.KindClaimSubmission, credentials.ResolveDIDKey)
	h.must(err)
	s := doc.Subject
	s.Handle = name(number)
	s.Claim.Number, s.Claim.Frequency, s.Claim.OriginalReference = number, f, was.Control
	s.Claim.Charge, s.Claim.Lines[0].Charge = charge, charge
	token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindClaimSubmission, s.Handle, noon, nil, s)
	h.must(err)
	got, err := h.errands.Receiving.OpenClaim(h.ctx, activities.Submitted{Token: token, Received: "2026-05-06"})
	h.must(err)
	if ok, err := h.decide(got.Submission); err != nil || !ok {
		h.t.Fatalf("%s: %v, %v", number, ok, err)
	}
	return got.Submission
}

// TestRecoverChanges brings back books that lack a replacement, a void and the
// remittance that told of them: everything stands as before, and nothing is told
// twice.
func TestRecoverChanges(t *testing.T) {
	h := newHouse(t)
	paid := h.claim("C1", "2026-05-01")
	h.remit()
	before := h.backup()
	replacement := h.change("R1", claims.Replacement, paid, 80_00)
	second := h.claim("C2", "2026-05-02")
	void := h.change("V2", claims.Void, second, 100_00)
	if run := h.remit(); len(run.Released) != 1 || run.Released[0].Count == 0 {
		t.Fatalf("got %+v, want the replacement told", run.Released)
	}
	want, size := h.standing(), h.entries()
	whole := h.remittances(h.kept(paid, replacement, second, void))
	h.restore(before)
	got, err := h.Recover(h.ctx, whole)
	if err != nil || len(got.Missing) != 0 || len(got.Restored) != 4 {
		t.Fatalf("got %+v, %v", got, err)
	}
	h.must(h.CheckBooks(h.ctx))
	now := h.standing()
	for i := range want {
		if i >= len(now) || now[i] != want[i] {
			t.Errorf("got\n%v\nwant\n%v", now, want)
			break
		}
	}
	if run := h.remit(); len(run.Released) != 0 || h.entries() != size {
		t.Errorf("told again: %+v, %d entries of %d", run.Released, h.entries(), size)
	}
	// R1 took back 10.00 more than it pays: the payee's next payment bears that.
	c3, err := h.Books.StatusOf(h.ctx, h.claim("C3", "2026-05-03"))
	h.must(err)
	doc, err := credentials.Open[claims.ClaimDecisionDocument](c3.Decisions[0].Signed.Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	h.must(err)
	if run := h.remit(); len(run.Released) != 1 || run.Released[0].Total != doc.Subject.Decision.Paid-10_00 {
		t.Errorf("got %+v, want %s less 10.00", run.Released, doc.Subject.Decision.Paid)
	}
}
