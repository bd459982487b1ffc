package contracts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestReopenedByOrder has a claim paid, its clinician's license revoked as of a
// day before the service, and the claim decided anew on the insurer's order: the
// payment is taken back to the cent. When the board voids its order, the claim is
// opened for that too, and comes to what it was.
func TestReopenedByOrder(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	var number string
	for _, s := range h.claimsOf("claims.837") {
		if r := s.Claim.Renderer(&s.Claim.Lines[0]); r != nil && r.NPI == amaranth {
			number = s.Claim.Number
			break
		}
	}
	a := h.bill(number)[number]
	was := h.decisionOn(a, "paid")
	effective, err := time.Parse(time.RFC3339, "2026-01-15T00:00:00-08:00")
	h.must(err)
	d, err := h.clerk.Revoke(h.ctx, h.licenses[amaranth], effective, "unprofessional-conduct")
	h.must(err)
	var listed api.Reprocess
	h.until("the claim to be listed", func() (bool, error) {
		list, err := h.insurer.Reprocess(h.ctx)
		for _, r := range list {
			if r.Handle == a.Handle && r.Before != nil && r.After != nil && r.After.Outcome == claims.Denied {
				listed = r
				return true, err
			}
		}
		return false, err
	})
	if listed.Cause.Kind != "order" || listed.Cause.Reference != d.Handle.String() || listed.Before.Paid != was.Paid || listed.After.Paid != 0 {
		t.Errorf("listed: %+v, %+v, %+v", listed.Cause, listed.Before, listed.After)
	}
	if s, err := h.hospital.Status(h.ctx, a.Handle, 0, 0, false); err != nil || len(s.Decisions) != 1 {
		t.Errorf("asking has decided: %+v, %v", s.Decisions, err)
	}
	for range 2 { // ordered twice
		answer := h.reopen("order") // each cause of that kind: there is one
		if len(answer.Reopened) > 1 {
			t.Errorf("got %+v", answer)
		}
	}
	s := h.decided(a, 2)
	now := h.decisionIn(s, 1)
	if now.Outcome != claims.Denied || now.Reversal == nil || now.Reversal.Paid != -was.Paid || now.NetPaid() != -was.Paid || s.Decisions[1].Cause != d.Handle {
		t.Errorf("got %+v, caused by %s", now, s.Decisions[1].Cause)
	}
	dir := filepath.Join(t.TempDir(), "dossier")
	h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
	h.says(0, `2 of 2 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
	if answer := h.reopen(d.Handle.String(), a.Control); len(answer.Reopened) != 1 || !answer.Reopened[0].Again || answer.Reopened[0].State != "changed" {
		t.Errorf("ordered a third time: %+v", answer)
	}
	// Decided anew without a reason, it comes to the same, and nothing is signed.
	h.reopen("look-again", a.Control)
	h.until("the reopening to end", func() (bool, error) {
		all, err := h.House.Books.Reopenings(h.ctx, a.Handle)
		return len(all) == 2 && all[1].State == "upheld", err
	})
	if s := h.decided(a, 2); len(s.Decisions) != 2 {
		t.Errorf("%d decisions, want 2", len(s.Decisions))
	}
}

// reopen orders claims to be decided anew; all of a cause where none is named.
func (h *house) reopen(because string, names ...string) (a api.ReopenAnswer) {
	h.Helper()
	body, err := json.Marshal(api.ReopenOrder{Claims: names, All: len(names) == 0, Because: because})
	h.must(err)
	h.again(func() (err error) { a, err = h.insurer.Reopen(h.ctx, body); return err })
	return a
}

func (h *house) decisionIn(s api.Submission, i int) *claims.Decision {
	h.Helper()
	d, err := credentials.Open[claims.ClaimDecisionDocument](s.Decisions[i].Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	h.must(err)
	return &d.Subject.Decision
}

// TestAppealOverturned has a copy of a claim denied as a duplicate, the denial
// set aside on appeal, and the claim paid; and who has the dossier computes that
// again from the appeal and the reviewer's word.
func TestAppealOverturned(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	first := h.submit(h.sign(template.Claim, template.Source))
	h.decided(first, 1)
	c := template.Claim
	c.Number = "COPY-1"
	a := h.submit(h.sign(c, template.Source))
	was := h.decisionOn(a, "denied")
	words := filepath.Join(t.TempDir(), "words.txt")
	h.must(os.WriteFile(words, []byte("The patient was seen twice on that day; the notes are with you.\n"), 0o600))
	h.says(0, `decision 1 is appealed, appeal `, h.hospitals("claim", "appeal", a.Handle.String(), "--reason", words)...)
	h.says(0, `decision 1 is appealed .*the answer is due by `, h.hospitals("claim", "status", a.Handle.String())...)

	list, err := h.reviewer.Appeals(h.ctx)
	h.must(err)
	if len(list) != 1 {
		t.Fatalf("got %+v", list)
	}
	var aside []claims.SetAside
	for _, l := range was.Lines {
		if l.Outcome == claims.Denied {
			aside = append(aside, claims.SetAside{Line: l.Line, CARC: l.Adjustments[0].CARC})
		}
	}
	det := claims.Determination{Handle: newHandle(), Subject: a.Handle, Number: 1, Approve: true, Reason: "two-visits", Reviewer: h.reviewersDID(),
		Appeal: &list[0].Appeal.Handle, Words: "The notes show two visits.", SetsAside: aside}
	token, err := credentials.Issue(h.reviewer.Signer, credentials.KindReviewDetermination, det.Handle, time.Now(), nil, det)
	h.must(err)
	h.again(func() error { _, err := h.reviewer.AnswerAppeal(h.ctx, list[0].Appeal.Handle, token); return err })
	s := h.decided(a, 2)
	now := h.decisionIn(s, 1)
	if now.Outcome != claims.Paid || now.Reversal == nil || now.Paid <= 0 || s.Decisions[1].Cause != list[0].Appeal.Handle {
		t.Errorf("got %+v, caused by %s", now, s.Decisions[1].Cause)
	}
	h.says(0, `the appeal of decision 1 was granted \(`+fmt.Sprintf("%d:%s", aside[0].Line, aside[0].CARC)+`.*: The notes show two visits\.`, h.hospitals("claim", "status", a.Handle.String())...)
	dir := filepath.Join(t.TempDir(), "dossier")
	h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
	h.says(0, `2 of 2 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
	h.must(os.Remove(filepath.Join(dir, "appeals", list[0].Appeal.Handle.String()+".jwt")))
	h.says(3, `appeals/`, "verify", dir, "--trust", h.TrustFile())
}

// reviewersDID is under whom the reviewer signs.
func (h *house) reviewersDID() credentials.DID {
	h.Helper()
	did, err := credentials.SignerDID(h.reviewer.Signer)
	h.must(err)
	return did
}
