package store_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
)

// What the books say of a claim before it comes is what they say once it has come,
// and asking leaves not a byte behind. Claims still undecided are passed over.
func TestEstimateFile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.must(h.Roster(ctx, []claims.RosterEntry{{Billing: clinic, NPI: clinician}}))
		paid := h.receive("EARLIER", on("2026-02-02"))
		h.settle(paid, claims.Paid, func(d *claims.Decision) {
			d.Met = []claims.Accumulators{{Period: "2026", DeductibleIndividual: 1000, DeductibleFamily: 1000, OutOfPocketPerson: 2500, OutOfPocketFamily: 2500}}
		})
		auth := h.ask("A1", 5000)
		h.grant(auth, claims.AuthorizationApproved)
		another := aRequest("B1", 5000)
		another.Submitter = "did:key:another"
		if _, err := h.ReceiveAuthorization(ctx, another); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			edit func(*claims.Claim)
		}{
			{"plain", func(*claims.Claim) {}},
			{"the same service again", on("2026-02-02")},
			{"by an authorization", func(c *claims.Claim) { authorizedBy("A1")(c); c.Lines[0].Code = "97110" }},
			{"by another's authorization", authorizedBy("B1")},
			{"by an authorization that nobody gave", authorizedBy("A9")},
			{"by whom the roster names", func(c *claims.Claim) { c.Rendering = nil }},
			{"over two years", func(c *claims.Claim) { c.Lines[0].From, c.Lines[0].To = "2026-12-30", "2027-01-02" }},
			{"of another of the family", by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})},
			{"of somebody else", by(claims.Person{MemberID: "M1", Last: "Alder", First: "Zoe"})},
			{"of nobody", by(claims.Person{MemberID: "M0", Last: "Nemo", First: "No"})},
		} {
			claim := aClaim(tt.name, tt.edit)
			before := h.raw()
			got, err := h.EstimateFile(ctx, claim.Submitter, &claim.Submission, claim.Received, nil)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if h.raw() != before {
				t.Fatalf("%s: the books have changed", tt.name)
			}
			want := h.file(h.receive(tt.name, tt.edit))
			h.settle(want.Submission.Handle, claims.Denied)
			got.Fences, want.Fences = nil, nil // they guard nothing that is only looked at
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: before it came\n%+v, when it had come\n%+v", tt.name, got, want)
			}
		}
		signed := aClaim("SIGNED")
		signed.Signatures = []books.Signature{aSignature(t, "1", handle("license"))}
		before := h.raw()
		got, err := h.EstimateFile(ctx, signed.Submitter, &signed.Submission, signed.Received, append(signed.Signatures, signed.Signatures...))
		if err != nil || h.raw() != before {
			t.Fatalf("signed: the books have changed, or %v", err)
		}
		if _, err := h.ReceiveClaim(ctx, signed); err != nil {
			t.Fatalf("a signature that was only shown is used up: %v", err)
		}
		if want := h.file(signed.Submission.Handle); len(want.Signatures) != 1 || !reflect.DeepEqual(got.Signatures, want.Signatures) {
			t.Errorf("signed: before it came %+v, when it had come %+v", got.Signatures, want.Signatures)
		}
		h.settle(signed.Submission.Handle, claims.Denied)
		next := aClaim("SIGNED-2")
		if _, err := h.EstimateFile(ctx, next.Submitter, &next.Submission, next.Received, signed.Signatures); !errors.Is(err, books.ErrSignatureUsed) {
			t.Errorf("with the signature of another claim: %v", err)
		}
		h.receive("UNDECIDED")
		asked := aClaim("AFTER")
		if f, err := h.EstimateFile(ctx, asked.Submitter, &asked.Submission, asked.Received, nil); err != nil || f.Wait {
			t.Errorf("behind a claim without a decision: %+v, %v", f, err)
		}
		if f := h.file(h.receive("AFTER")); !f.Wait {
			t.Error("a claim does not wait for the one before it")
		}
	})
}
