package worker

import (
	"path"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// overturned has a copy of C1 denied as its duplicate, that denial set aside on
// appeal, and the claim decided anew. It answers what the hospital has of it.
func (h *house) overturned() (copied credentials.Handle, kept dossier.Files) {
	h.t.Helper()
	copied = h.claim("C2", "2026-05-01")
	appeal := claims.Appeal{Handle: name("appeal"), Subject: copied, Number: 1, Words: "The patient was seen twice."}
	token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindClaimAppeal, appeal.Handle, noon, nil, appeal)
	h.must(err)
	_, _, err = h.Books.KeepAppeal(h.ctx, books.AppealFile{Appeal: appeal, Due: "2026-07-05", Token: token})
	h.must(err)
	reviewer, err := credentials.SignerDID(ledgertest.Signer("insurer"))
	h.must(err)
	d := claims.Determination{Handle: name("answer"), Subject: copied, Number: 1, Approve: true, Reason: "two-visits", Reviewer: reviewer,
		Appeal: &appeal.Handle, Words: "The notes show it.", SetsAside: []claims.SetAside{{Line: 1, CARC: claims.CARCDuplicate}}}
	said, err := credentials.Issue(ledgertest.Signer("insurer"), credentials.KindReviewDetermination, d.Handle, noon, nil, d)
	h.must(err)
	_, err = h.Books.AnswerAppeal(h.ctx, d, said, "key", "request")
	h.must(err)
	h.again(copied)
	kept = h.kept(copied)
	kept.Token(dossier.Appeals, appeal.Handle, token)
	kept.Token(dossier.Determinations, d.Handle, said)
	return copied, kept
}

// TestRecoverAppeals brings back books that lack an appeal, its answer and the
// decision that followed: what was set aside stays so in whatever is decided next.
// Without the appeal, or with another party's, nothing of it comes back.
func TestRecoverAppeals(t *testing.T) {
	h := newHouse(t)
	h.claim("C1", "2026-05-01")
	before := h.backup()
	copied, whole := h.overturned()
	h.restore(before)
	lacking := dossier.Files{}
	for name, content := range whole {
		if path.Dir(name) != dossier.Appeals {
			lacking[name] = content
		}
	}
	got, err := h.Recover(h.ctx, lacking)
	if err != nil || len(got.Missing) != 1 || !strings.Contains(got.Missing[0].Why.Error(), "the appeal that it rests on") {
		t.Fatalf("without the appeal: got %+v, %v", got, err)
	}
	forged, err := credentials.Issue(ledgertest.Signer("insurer"), credentials.KindClaimAppeal, name("appeal"), noon, nil,
		claims.Appeal{Handle: name("appeal"), Subject: copied, Number: 1, Words: "The patient was seen twice."})
	h.must(err)
	lacking.Token(dossier.Appeals, name("appeal"), forged)
	if got, err = h.Recover(h.ctx, lacking); err != nil || len(got.Missing) != 1 {
		t.Fatalf("with another party's: got %+v, %v", got, err)
	}
	for range 2 {
		if got, err = h.Recover(h.ctx, whole); err != nil || len(got.Missing) != 0 {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	h.must(h.CheckBooks(h.ctx))
	a, err := h.Books.Appeal(h.ctx, name("appeal"))
	if err != nil || a.State != books.AppealOverturned || a.Answer == nil || a.Answer.Handle != name("answer") || !a.Filed.Equal(noon) || a.Token == "" || a.AnswerToken == "" {
		t.Errorf("got %+v, %v", a, err)
	}
	h.anewSame(copied)
}

// anewSame opens a claim again and wants the rules to come to what it was.
func (h *house) anewSame(c credentials.Handle) {
	h.t.Helper()
	_, _, err := h.Books.Reopen(h.ctx, books.Reopening{Submission: c, Cause: books.Cause{Kind: books.CauseCorrection, Reference: "look"}, By: "key", Token: "request"})
	h.must(err)
	g, err := h.errands.Evidence.GatherClaim(h.ctx, c)
	h.must(err)
	d, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	h.must(err)
	if d.Outcome != claims.Paid || !d.SameResult(g.Before) {
		h.t.Errorf("decided anew it is %s, it was %s", d.Outcome, g.Before.Outcome)
	}
}
