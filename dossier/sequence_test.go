package dossier

import (
	"maps"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestLongerStories goes on with the story in ways that no rule allows.
func TestLongerStories(t *testing.T) {
	for name, x := range map[string]struct {
		more func(*world)
		want want
	}{
		"a final claim decided again": {func(w *world) { w.decide(0, 2, nil) }, want{Decisions, checkSequence}},
		"a revoked authorization decided again": {func(w *world) {
			w.authorize("AUTH-B", revoked, "70551", 1, "2026-10-15", "2026-12-31", 3, claims.AuthorizationRevoked)
		}, want{Authorizations, checkSequence}},
		"a decision number left out": {func(w *world) {
			w.authorize("AUTH-A", good, "72148", 1, "2026-10-01", "2026-12-31", 3, claims.AuthorizationApproved)
		}, want{Authorizations, checkSequence}},
		"another outcome before": {func(w *world) {
			w.authorize("AUTH-A", good, "72148", 1, "2026-10-01", "2026-12-31", 2, claims.AuthorizationPended)
		}, want{Authorizations, checkSequence}},
		"an outcome before the first": {func(w *world) {
			w.authorize("AUTH-C", good, "72148", 1, "2026-10-01", "2026-12-31", 1, claims.AuthorizationApproved)
		}, want{Authorizations, checkSequence}},
		"units drawn twice": {func(w *world) {
			s := w.claims[1]
			s.Handle, s.Claim.Number, s.Source.File = handle("claim C5"), "C5", credentials.DigestOf([]byte("another file"))
			w.claims = append(w.claims, s)
			issue(w, Submissions, "hospital", credentials.KindClaimSubmission, s.Handle, nil, s, 0)
			w.decide(4, 1, nil)
		}, want{Decisions, checkAuth}},
		"a status bit without an order": {func(w *world) { w.statusList(7, 9) }, want{Status, checkStanding}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, func(w *world) { w.more = func() { x.more(w) } })
			if r := Verify(w.files, nil, nil); !x.want.in(r) {
				t.Errorf("got%s\nwant %s: %s", failures(r), x.want.folder, x.want.check)
			}
		})
	}
}

// An insurer cannot call a feed fresh and leave out what was on the ledger for
// days by saying that it had read less of it.
func TestStaleFeedCalledFresh(t *testing.T) {
	for name, x := range map[string]struct {
		wait time.Duration
		ok   bool
	}{"an hour later": {time.Hour, true}, "two days later": {48 * time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			w := build(t, func(w *world) {
				w.twist = func(step string, v any) {
					if e, ok := v.(*claims.Evidence); ok && step == "evidence C4" {
						w.now = w.now.Add(x.wait)
						f := &e.Lines[0].Standing
						f.Orders, f.Feed = nil, 6 // the licenses are entries 4 and 5
						f.Standing = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
					}
				}
			})
			if r := Verify(w.files, nil, nil); r.OK() != x.ok || !x.ok && !(want{Decisions, checkStanding}).in(r) {
				t.Errorf("got%s\nwant it to pass: %v", failures(r), x.ok)
			}
		})
	}
}

// A later decision on an approved authorization, and remittances in a folder
// of their own, are as good as any.
func TestOtherShapes(t *testing.T) {
	w := build(t, func(w *world) {
		w.more = func() {
			w.authorize("AUTH-A", good, "72148", 1, "2026-10-01", "2026-12-31", 2, claims.AuthorizationApproved)
		}
	})
	f := maps.Clone(w.files)
	f["remittances/T1.835"] = f[RemittanceFile]
	delete(f, RemittanceFile)
	if r := Verify(f, nil, nil); !r.OK() || r.Verified != 9 {
		t.Error(failures(r))
	}
	f["remittances/T2.835"] = f["remittances/T1.835"]
	delete(f, "remittances/T1.835")
	if r := Verify(f, nil, nil); !(want{Remittances, checkName}).in(r) {
		t.Errorf("a remittance under another trace number: got%s", failures(r))
	}
}

// A decision that was on the ledger more than five minutes before its own date
// is refused; what a board says counts from where it stands there, since an order
// binds even if the board's clock is wrong.
func TestIssuersClocks(t *testing.T) {
	for _, x := range []struct {
		kind  credentials.Kind
		ahead time.Duration
		ok    bool
	}{
		{credentials.KindClaimDecision, 5 * time.Minute, true},
		{credentials.KindClaimDecision, time.Hour, false},
		{credentials.KindAuthorizationDecision, 5 * time.Minute, true},
		{credentials.KindAuthorizationDecision, time.Hour, false},
		{credentials.KindClaimDecision, -time.Hour, true},
		{credentials.KindLicense, time.Hour, true},
		{credentials.KindBoardOrder, time.Hour, true},
		{credentials.KindBoardOrder, -time.Hour, true},
	} {
		w := build(t, func(w *world) {
			w.twist = func(step string, v any) {
				if step == "time of "+string(x.kind) {
					at := v.(*time.Time)
					*at = at.Add(x.ahead)
				}
			}
		})
		r := Verify(w.files, nil, nil)
		if r.OK() != x.ok {
			t.Errorf("%s, signed %s ahead: it passes: %v, want %v%s", x.kind, x.ahead, r.OK(), x.ok, failures(r))
		}
		if !x.ok && !r.OK() && r.Failures[0].Name != checkLedger {
			t.Errorf("%s, signed %s ahead: got %+v, want the check %s", x.kind, x.ahead, r.Failures[0], checkLedger)
		}
	}
}
