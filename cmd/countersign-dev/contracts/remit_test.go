package contracts

import (
	"path/filepath"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestTakenBackIsRemitted pays a claim, voids it, and pays it again late: the
// second remittance takes back more than it pays and forwards the rest, the third
// brings it back and adds interest. Books, 835 and dossier agree, and the dossier
// proves all of it.
func TestTakenBackIsRemitted(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.files["plan.yaml"] = append(h.files["plan.yaml"], "\npromptPay: california-plan\n"...)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	bill := func(number string, frequency claims.Frequency, names api.Acceptance) api.Acceptance {
		t.Helper()
		c := template.Claim
		c.Number, c.Frequency, c.OriginalReference = number, frequency, names.Control
		return h.submit(h.sign(c, template.Source))
	}
	today := template.Source.Created // which is taken for the day of receipt
	pay := func(on credentials.Date, want claims.Cents) {
		t.Helper()
		h.recorded()
		run, err := h.House.Remit(h.ctx, on)
		if err != nil || len(run.Released) != 1 || run.Released[0].Total != want || len(run.Held) > 0 {
			t.Fatalf("got %+v, %v, want %s released", run, err, want)
		}
		h.recorded()
	}
	first := bill("REMIT-1", claims.Original, api.Acceptance{})
	was := h.decisionOn(first, "paid")
	pay(today, was.Paid)
	void := bill("REMIT-2", claims.Void, first)
	h.decisionOn(void, "voided")
	pay(today.AddDays(1), 0)
	again := bill("REMIT-3", claims.Original, api.Acceptance{})
	h.decisionOn(again, "paid")
	late := today.AddDays(60) // 30 days late, at 15% a year
	interest := claims.Cents((int64(was.Paid)*15*30 + 18_250) / 36_500)
	pay(late, interest)

	dir := filepath.Join(t.TempDir(), "dossier")
	for _, a := range []api.Acceptance{first, void, again} {
		h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
	}
	h.says(0, `(?s)REMIT-1 +reversed.*`+was.Paid.String()+` more was taken back than is paid.*`+interest.String()+` added for claim `+again.Control+
		`.*`+was.Paid.String()+` taken off`, h.hospitals("remit", "fetch", "--all", "--out", dir)...)
	h.says(0, `3 of 3 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
	h.says(0, `REMIT-3 .*`+interest.String()+`.*paid with it: `+interest.String(), "remit", "late", dir, "--law", "california-plan", "--trust", h.TrustFile())
}
