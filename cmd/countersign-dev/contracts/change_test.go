package contracts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestChangedClaims replaces a paid claim, voids the replacement, and bills it
// again: each decision takes back the one before to the cent, what the family has
// met is as though that had never been, and who has one claim's dossier has the
// whole way.
func TestChangedClaims(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	bill := func(number string, frequency claims.Frequency, names api.Acceptance, charge claims.Cents) api.Acceptance {
		t.Helper()
		c := template.Claim
		c.Number, c.Frequency, c.OriginalReference = number, frequency, names.Control
		c.Lines = append([]claims.Line{}, c.Lines...)
		c.Charge += charge - c.Lines[0].Charge
		c.Lines[0].Charge = charge
		return h.submit(h.sign(c, template.Source))
	}
	first := bill("CHANGE-1", claims.Original, api.Acceptance{}, 90_00)
	was := h.decisionOn(first, "paid")

	replacement := bill("CHANGE-2", claims.Replacement, first, 80_00)
	got := h.decisionOn(replacement, "paid")
	if r := got.Reversal; r == nil || r.Paid != -was.Paid || r.Patient != -was.Patient || r.Charge != -was.Charge || r.Submission != first.Handle {
		t.Errorf("the replacement takes back %+v of %+v", r, was)
	}
	void := bill("CHANGE-3", claims.Void, replacement, 80_00)
	if d := h.decisionOn(void, "voided"); d.Reversal == nil || d.NetPaid() != -got.Paid || len(d.Lines) != 0 {
		t.Errorf("the void: got %+v", d)
	}
	again := h.decisionOn(bill("CHANGE-4", claims.Original, api.Acceptance{}, 90_00), "paid")
	if again.Paid != was.Paid || again.Patient != was.Patient || again.Reversal != nil {
		t.Errorf("billed again, as though nothing had been: got %+v, want the amounts of %+v", again, was)
	}

	for _, a := range []api.Acceptance{first, replacement, void} {
		dir := filepath.Join(t.TempDir(), "dossier")
		h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
		h.says(0, `3 of 3 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
	}
	file := filepath.Join(t.TempDir(), "decision.jwt")
	s := h.decided(first, 1)
	h.must(os.WriteFile(file, []byte(s.Decisions[0].Token+"\n"), 0o600))
	h.says(3, "^bad: status: its issuer says that it is superseded: "+h.decided(replacement, 1).Decisions[0].Handle.String()+" has taken its place\n$",
		"credential", "verify", file, "--gateway", h.GatewayURL, "--trust", h.TrustFile())
	h.refused("was taken back by "+replacement.Control, "CHANGE-5", claims.Replacement, first)
	h.refused("was taken back by "+void.Control, "CHANGE-6", claims.Void, replacement)
	h.refused("is a void itself", "CHANGE-7", claims.Void, void)
}

// decisionOn is the first decision on a claim, which came out so.
func (h *house) decisionOn(a api.Acceptance, state string) *claims.Decision {
	h.Helper()
	s := h.decided(a, 1)
	d, err := credentials.Open[claims.ClaimDecisionDocument](s.Decisions[0].Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	h.must(err)
	if s.State != state {
		h.Fatalf("claim %s: %s, want %s", d.Subject.Decision.Claim, s.State, state)
	}
	return &d.Subject.Decision
}

// refused wants the gateway to refuse a claim that changes another one, in words.
func (h *house) refused(words, number string, frequency claims.Frequency, names api.Acceptance) {
	h.Helper()
	template := h.claimsOf("claims.837")[0]
	c := template.Claim
	c.Number, c.Frequency, c.OriginalReference = number, frequency, names.Control
	_, err := h.hospital.SubmitClaim(h.ctx, h.sign(c, template.Source))
	if err == nil || !strings.Contains(err.Error(), words) {
		h.Errorf("claim %s: got %v, want it refused: %s", number, err, words)
	}
}
