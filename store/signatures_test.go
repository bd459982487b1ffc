package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
)

func aSignature(t *testing.T, name string, license credentials.Handle) books.Signature {
	t.Helper()
	s := claims.ClinicianSignature{Handle: handle("signature " + name), License: license, Insurer: "did:web:insurer.example", Content: credentials.Digest{1}}
	token, err := s.Sign(ledgertest.Signer("clinician"), noon, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return books.Signature{Handle: s.Handle, Token: token, Received: noon.Add(time.Minute)}
}

// A signature is kept once, for one submission, in the order in which they came,
// and moves a fence: what was gathered before it does not settle.
func TestSignatures(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := aClaim("C1")
		c.Signatures = []books.Signature{aSignature(t, "1", handle("license"))}
		if _, err := h.ReceiveClaim(ctx, c); err != nil {
			t.Fatal(err)
		}
		before, err := h.ClaimFile(ctx, handle("C1"))
		if err != nil || len(before.Signatures) != 1 || before.Signatures[0].License != nil || before.Signatures[0].Token != c.Signatures[0].Token {
			t.Fatalf("of a license that was not heard of: %+v, %v", before, err)
		}
		l := credentials.License{Handle: handle("license of the signer"), NPI: reviewer, Jurisdiction: "MA", Profession: "MD", From: "2020-01-01", Until: "2027-12-31"}
		if err := h.Hear(ctx, "did:key:ma", "MA", []store.Heard{{Sequence: 1, Index: 5, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &l}}, noon); err != nil {
			t.Fatal(err)
		}
		second := aSignature(t, "2", l.Handle)
		for range 2 {
			work, waits, err := h.AddSignatures(ctx, handle("C1"), []books.Signature{c.Signatures[0], second})
			if err != nil || !waits || work.Kind != books.ClaimKind {
				t.Errorf("waits %v, %+v, %v", waits, work, err)
			}
		}
		f, err := h.ClaimFile(ctx, handle("C1"))
		if err != nil || len(f.Signatures) != 2 || f.Signatures[1].License == nil || !f.Signatures[1].License.Equal(l) || f.Signatures[1].Practitioner.NPI != reviewer ||
			f.Signatures[1].Practitioner.State != "MA" || f.Signatures[1].Practitioner.Feed != 6 || !f.Signatures[1].Received.Equal(noon.Add(time.Minute)) {
			t.Errorf("got %+v, %v", f.Signatures, err)
		}
		moved := map[string]int64{}
		for _, x := range before.Fences {
			moved[x.Name] = x.Version
		}
		upon, standing := false, false
		for _, x := range f.Fences {
			upon = upon || x.Name == "signature/"+handle("C1").String() && x.Version == moved[x.Name]+1
			standing = standing || x.Name == "standing/"+string(reviewer)
		}
		if !upon || !standing {
			t.Errorf("fences %v, before %v: want the signature's moved and the signer's license guarded", f.Fences, before.Fences)
		}
		if _, err := h.ReceiveClaim(ctx, aClaim("C2")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.AddSignatures(ctx, handle("C2"), []books.Signature{second}); !errors.Is(err, books.ErrSignatureUsed) {
			t.Errorf("with another claim: %v", err)
		}
		third := aClaim("C3")
		third.Signatures = []books.Signature{second}
		if _, err := h.ReceiveClaim(ctx, third); !errors.Is(err, books.ErrSignatureUsed) {
			t.Errorf("with another claim, from the first: %v", err)
		}
		if _, err := h.FindSubmission(ctx, third.Key); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("the claim that was refused: %v", err)
		}
		if _, _, err := h.AddSignatures(ctx, handle("nobody's"), []books.Signature{second}); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("with a claim that is not there: %v", err)
		}
		var many []books.Signature
		for i := range 51 {
			many = append(many, aSignature(t, fmt.Sprint("many ", i), l.Handle))
		}
		if _, _, err := h.AddSignatures(ctx, handle("C2"), many); !errors.Is(err, books.ErrTooManySignatures) {
			t.Errorf("fifty-one: %v", err)
		}
		if kept, err := h.Signatures(ctx, handle("C2")); err != nil || len(kept) != 0 {
			t.Errorf("of fifty-one %d are kept, %v", len(kept), err)
		}
	})
}

// Once a claim is decided, nothing waits for a signature.
func TestSignaturesAfterTheDecision(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := aRequest("A1")
		a.Signatures = []books.Signature{aSignature(t, "1", handle("license"))}
		if _, err := h.ReceiveAuthorization(ctx, a); err != nil {
			t.Fatal(err)
		}
		f, err := h.AuthorizationFile(ctx, a.Submission.Handle)
		if err != nil || len(f.Signatures) != 1 {
			t.Errorf("got %+v, %v", f, err)
		}
		if _, err := h.db.Exec(ctx, `UPDATE submission SET state = 'approved' WHERE handle = $1`, a.Submission.Handle.String()); err != nil {
			t.Fatal(err)
		}
		_, added, err := h.AddSignatures(ctx, a.Submission.Handle, []books.Signature{aSignature(t, "2", handle("license"))})
		if kept, _ := h.Signatures(ctx, a.Submission.Handle); err != nil || added || len(kept) != 1 {
			t.Errorf("added %v, %v, %d kept", added, err, len(kept))
		}
	})
}
