package activities_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func (h *house) signing() *activities.Signing {
	return &activities.Signing{Books: h, Signer: ledgertest.Signer("insurer"), Now: func() time.Time { return noon.Add(time.Millisecond) }, Clock: h.clock}
}

func toSign(submission credentials.Handle) activities.ClaimToSign {
	return activities.ClaimToSign{
		Decision: claims.Decision{Submission: submission, Number: 1, Outcome: claims.Denied},
		Evidence: claims.Evidence{Submission: submission, Number: 1, Received: "2026-05-06",
			Accumulators: []claims.Accumulators{{Period: "2026"}}, Lines: []claims.LineFact{{Line: 1}}},
	}
}

func TestSignClaim(t *testing.T) {
	h := newHouse(t)
	claim := h.receive(aClaim("C1"))
	document, err := h.signing().SignClaim(ctx, toSign(claim))
	must(t, err)
	kept := h.kept(document)

	doc, err := credentials.Open[claims.ClaimDecisionDocument](kept.Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	must(t, err)
	evidence, root, err := claims.OpenEvidence[claims.Evidence](kept.Evidence)
	must(t, err)
	d := doc.Subject
	if d.Handle != document || d.Salt.IsZero() || d.Evidence != root || evidence.Submission != claim || d.Decision.Outcome != claims.Denied {
		t.Errorf("got %+v over root %s", d, root)
	}
	if want := credentials.DocumentDigest(h.token(aClaim("C1"))); d.Submission != want {
		t.Errorf("answers %s, want what the hospital signed, %s", d.Submission, want)
	}
	entry, err := ledger.ParseEntry(kept.Entry)
	must(t, err)
	must(t, entry.Verify(ledgertest.Key("insurer").Public().(ed25519.PublicKey)))
	if entry.Kind != ledger.KindClaimDecision || entry.Subject != document || entry.Document != credentials.DocumentDigest(kept.Token) || !entry.Effective.Equal(noon) {
		t.Errorf("got entry %+v", entry)
	}
}

// Signing again would give other bytes, so the first ones stay.
func TestSigningKeepsFirstBytes(t *testing.T) {
	h := newHouse(t)
	in := toSign(h.receive(aClaim("C1")))

	h.before = map[string]error{"KeepSigned": errAway}
	if _, err := h.signing().SignClaim(ctx, in); final(err) || !errors.Is(err, errAway) {
		t.Errorf("failed: got %v, want an error that is tried again", err)
	}
	h.before, h.after = nil, map[string]error{"KeepSigned": errAway}
	if _, err := h.signing().SignClaim(ctx, in); final(err) || !errors.Is(err, errAway) {
		t.Errorf("failed but kept: got %v, want an error that is tried again", err)
	}
	h.after = nil
	first, err := h.signing().SignClaim(ctx, in)
	must(t, err)
	bytesOf := func(document credentials.Handle) string {
		kept := h.kept(document)
		return kept.Token + string(kept.Evidence) + string(kept.Entry)
	}
	before := bytesOf(first)

	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if again, err := h.signing().SignClaim(ctx, in); err != nil || again != first {
				t.Errorf("again: got %s, %v, want %s", again, err, first)
			}
		})
	}
	wait.Wait()
	h.before = map[string]error{"FindSigned": books.ErrNotFound} // another worker signs at the same moment
	if again, err := h.signing().SignClaim(ctx, in); err != nil || again != first {
		t.Errorf("at the same moment: got %s, %v, want %s", again, err, first)
	}
	h.before = nil
	if bytesOf(first) != before {
		t.Error("the signed bytes changed")
	}
	in.Evidence.Received = "2026-05-07" // the facts have moved
	if other, err := h.signing().SignClaim(ctx, in); err != nil || other == first {
		t.Errorf("on other evidence: got %s, %v, want another document", other, err)
	}
}

// By a clock that is off nothing new is signed, and what was signed before is
// there.
func TestSigningNeedsTheClock(t *testing.T) {
	h := newHouse(t)
	claim := h.receive(aClaim("C1"))
	before, err := h.signing().SignClaim(ctx, toSign(claim))
	must(t, err)
	next := toSign(h.receive(aClaim("C2")))
	request := activities.AuthorizationToSign{
		Decision: claims.AuthorizationDecision{Submission: claim, Number: 1, Outcome: claims.AuthorizationPended},
		Evidence: claims.AuthorizationEvidence{Submission: claim, Number: 1, Standings: []claims.ItemStanding{{Sequence: 1}}},
	}
	h.off = &books.ClockError{By: time.Hour}
	if _, err := h.signing().SignClaim(ctx, next); !errors.Is(err, h.off) || final(err) {
		t.Errorf("a claim: got %v, want an error that is tried again", err)
	}
	if _, err := h.signing().SignAuthorization(ctx, request); !errors.Is(err, h.off) || final(err) {
		t.Errorf("an authorization: got %v, want an error that is tried again", err)
	}
	h.signed.Range(func(key, _ any) bool {
		if key != before {
			t.Errorf("%s was kept", key)
		}
		return true
	})
	if again, err := h.signing().SignClaim(ctx, toSign(claim)); err != nil || again != before {
		t.Errorf("signed before: got %s, %v", again, err)
	}
	h.off = nil
	if _, err := h.signing().SignClaim(ctx, next); err != nil {
		t.Errorf("once it is right: %v", err)
	}
}

func TestSignAuthorization(t *testing.T) {
	h := newHouse(t)
	claim := h.receive(aClaim("C1"))
	in := activities.AuthorizationToSign{
		Decision: claims.AuthorizationDecision{Submission: claim, Number: 1, Outcome: claims.AuthorizationPended},
		Evidence: claims.AuthorizationEvidence{Submission: claim, Number: 1, Standings: []claims.ItemStanding{{Sequence: 1}}},
	}
	document, err := h.signing().SignAuthorization(ctx, in)
	must(t, err)
	kept := h.kept(document)
	doc, err := credentials.Open[claims.AuthorizationDecisionDocument](kept.Token, credentials.KindAuthorizationDecision, credentials.ResolveDIDKey)
	if err != nil || doc.Subject.Decision.Outcome != claims.AuthorizationPended {
		t.Errorf("got %+v, %v", doc, err)
	}
	if entry, err := ledger.ParseEntry(kept.Entry); err != nil || entry.Kind != ledger.KindAuthorizationDecision {
		t.Errorf("got %+v, %v", entry, err)
	}
	if bytes.Contains(kept.Evidence, []byte("Alder")) {
		t.Error("the evidence names the patient")
	}
}
