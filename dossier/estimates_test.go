package dossier

import (
	"maps"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// estimated adds a question and an estimate of it to a dossier, the one after edit.
func estimated(t *testing.T, w *world, signer string, edit func(q *claims.Submission, e *claims.ClaimEstimate)) Files {
	t.Helper()
	c := claims.Claim{Number: "Q1", Frequency: claims.Original, Charge: 10000, Lines: []claims.Line{{Number: 1, Code: "99213", Charge: 10000, From: "2026-03-01", To: "2026-03-01"}}}
	q := claims.Submission{Handle: handle("question"), Salt: handle("salt"), Claim: c}
	e := claims.ClaimEstimate{Handle: handle("estimate"), Salt: handle("salt"), Notice: claims.EstimateNotice, Estimate: claims.Estimate{
		Submission: q.Handle, Claim: "Q1", Received: "2026-03-02", Outcome: claims.Pended, Rules: claims.Rules1, Charge: 10000,
		Lines: []claims.LineDecision{{Line: 1, Outcome: claims.Pended, Charge: 10000, Steps: []claims.Step{}}}}}
	question, err := credentials.Issue(signerOf("hospital"), credentials.KindEstimateRequest, q.Handle, began, nil, q)
	if err != nil {
		t.Fatal(err)
	}
	e.Submission = credentials.DocumentDigest(question)
	edit(&q, &e)
	token, err := credentials.IssueUntil(signerOf(signer), credentials.KindClaimEstimate, e.Handle, began, began.Add(time.Hour), e)
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(w.files)
	all.Token(Questions, handle("question"), question)
	all.Token(Estimates, handle("estimate"), token)
	return all
}

// An estimate in a dossier is the insurer's answer to a question that is there, and
// it balances. It is counted by itself, never as a decision.
func TestEstimates(t *testing.T) {
	w := build(t, nil)
	before := Verify(w.files, nil, nil)
	good := estimated(t, w, "insurer", func(*claims.Submission, *claims.ClaimEstimate) {})
	if r := Verify(good, nil, nil); !r.OK() || r.Estimates != 1 || r.Decisions != before.Decisions || r.Files != before.Files+2 {
		t.Fatalf("got %+v", r)
	}
	file := fileOf(Estimates, handle("estimate"))
	for name, tt := range map[string]struct {
		signer string
		edit   func(q *claims.Submission, e *claims.ClaimEstimate)
		check  string
	}{
		"signed by the hospital":  {"hospital", func(*claims.Submission, *claims.ClaimEstimate) {}, checkRole},
		"signed by a stranger":    {"stranger", func(*claims.Submission, *claims.ClaimEstimate) {}, checkSignature},
		"of another question":     {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Submission[0] ^= 1 }, checkBalance},
		"of a question not there": {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Submission[0] ^= 1 }, checkRests},
		"of another claim":        {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Claim = "Q2" }, checkBalance},
		"of another line":         {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Lines[0].Line = 2 }, checkBalance},
		"of another charge":       {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Lines[0].Charge++ }, checkBalance},
		"that does not add up":    {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Paid++ }, checkBalance},
		"whose line pays as well": {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Estimate.Lines[0].Paid, e.Estimate.Paid = 1, 1 }, checkBalance},
		"that says it decides":    {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Notice = "" }, checkBalance},
		"under another handle":    {"insurer", func(_ *claims.Submission, e *claims.ClaimEstimate) { e.Handle[0] ^= 1 }, checkName},
	} {
		r := Verify(estimated(t, w, tt.signer, tt.edit), nil, nil)
		if len(r.Failures) != 1 || r.Failures[0].File != file || r.Failures[0].Name != tt.check {
			t.Errorf("%s: got %+v, want %s", name, r.Failures, tt.check)
		}
	}
	q := claims.Submission{Handle: handle("another"), Salt: handle("salt")}
	renamed, err := credentials.Issue(signerOf("hospital"), credentials.KindEstimateRequest, handle("question"), began, nil, q)
	if err != nil {
		t.Fatal(err)
	}
	misnamed := maps.Clone(w.files)
	misnamed.Token(Questions, handle("question"), renamed)
	if r := Verify(misnamed, nil, nil); len(r.Failures) != 1 || r.Failures[0].Name != checkName {
		t.Errorf("a question under another handle: %+v", r.Failures)
	}
	// Nobody can bill with a question, nor pass an estimate off as a decision.
	moved := maps.Clone(good)
	moved[fileOf(Submissions, handle("question"))] = good[fileOf(Questions, handle("question"))]
	moved[fileOf(Decisions, handle("estimate"))] = good[file]
	if r := Verify(moved, nil, nil); len(r.Failures) != 2 {
		t.Errorf("in other folders: %+v", r.Failures)
	}
}
