package activities_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func TestOpenClaim(t *testing.T) {
	h := newHouse(t)
	in := activities.Submitted{Token: h.token(aClaim("C1")), Received: "2026-05-06"}
	first, err := h.receiving().OpenClaim(ctx, in)
	if err != nil || first.Submission != handle("C1") || first.Control == "" {
		t.Fatalf("got %+v, %v", first, err)
	}
	if again, err := h.receiving().OpenClaim(ctx, in); err != nil || again != first {
		t.Errorf("again: got %+v, %v, want %+v", again, err, first)
	}
	taken := aClaim("C2")
	taken.Handle = handle("C1")
	if _, err := h.receiving().OpenClaim(ctx, activities.Submitted{Token: h.token(taken), Received: "2026-05-06"}); !final(err) || !errors.Is(err, books.ErrHandleTaken) {
		t.Errorf("a handle that is used: got %v, want it refused for good", err)
	}
	for name, token := range map[string]string{"nothing": "", "a cut token": in.Token[:len(in.Token)-2]} {
		if _, err := h.receiving().OpenClaim(ctx, activities.Submitted{Token: token}); !final(err) {
			t.Errorf("%s: got %v, want it refused for good", name, err)
		}
	}
	h.before = map[string]error{"ReceiveClaim": errAway}
	if _, err := h.receiving().OpenClaim(ctx, activities.Submitted{Token: h.token(aClaim("C3"))}); final(err) || !errors.Is(err, errAway) {
		t.Errorf("without a database: got %v, want an error that is tried again", err)
	}
}

func TestOpenAuthorization(t *testing.T) {
	h := newHouse(t)
	s := claims.AuthorizationSubmission{Handle: handle("A1"), Request: claims.AuthorizationRequest{Number: "A1"}}
	token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindAuthorizationSubmission, s.Handle, noon, nil, s)
	must(t, err)
	got, err := h.receiving().OpenAuthorization(ctx, activities.Submitted{Token: token, Received: "2026-05-06"})
	if err != nil || got.Submission != s.Handle {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := h.receiving().OpenClaim(ctx, activities.Submitted{Token: token}); !final(err) {
		t.Errorf("a request opened as a claim: got %v, want it refused for good", err)
	}
}
