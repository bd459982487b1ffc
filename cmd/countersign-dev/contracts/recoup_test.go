package contracts

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestRecoupedAfterNotice pays two claims of a clinician whose license a board
// then revokes as of before. Decided anew on the insurer's order they are told as
// owed and not taken; the hospital sends one of them back by check, which the next
// payment acknowledges, and on the 41st day the other one is taken. The dossier
// proves all of it.
func TestRecoupedAfterNotice(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.files["plan.yaml"] = append(h.files["plan.yaml"], "\nrecoupAfterDays: 41\n"...)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	var all []api.Acceptance
	bill := func(number string, by credentials.NPI, day credentials.Date) api.Acceptance {
		t.Helper()
		c := template.Claim
		c.Number, c.Rendering = number, &claims.Provider{NPI: by, Name: "CLINICIAN"}
		c.Lines = append([]claims.Line{}, c.Lines...)
		c.Lines[0].From, c.Lines[0].To = day, day
		a := h.submit(h.sign(c, template.Source))
		all = append(all, a)
		return a
	}
	today := template.Source.Created
	pay := func(on credentials.Date, want claims.Cents) {
		t.Helper()
		h.recorded()
		run, err := h.House.Remit(h.ctx, on)
		if err != nil || len(run.Released) != 1 || run.Released[0].Total != want || len(run.Held) > 0 {
			t.Fatalf("on %s: got %+v, %v, want %s released", on, run, err, want)
		}
		h.recorded()
	}
	taken, refunded := bill("RECOUP-1", amaranth, "2026-10-05"), bill("RECOUP-2", amaranth, "2026-10-06")
	was := h.decisionOn(taken, "paid").Paid
	if h.decisionOn(refunded, "paid").Paid != was {
		t.Fatal("the two do not come to the same")
	}
	pay(today, 2*was)
	effective, err := time.Parse(time.RFC3339, "2026-01-15T00:00:00-08:00")
	h.must(err)
	_, err = h.clerk.Revoke(h.ctx, h.licenses[amaranth], effective, "unprofessional-conduct")
	h.must(err)
	h.until("the claims to be listed", func() (bool, error) {
		list, err := h.insurer.Reprocess(h.ctx)
		n := 0
		for _, r := range list {
			if r.After != nil && r.After.Outcome == claims.Denied {
				n++
			}
		}
		return n == 2, err
	})
	h.reopen("order")
	h.decided(taken, 2)
	h.decided(refunded, 2)
	told := today.AddDays(1)
	pay(told, 0)
	h.says(0, taken.Control+` .*`+was.String()+` +`+was.String()+` .*`+string(told.AddDays(41)), h.hospitals("remit", "owed")...)
	refund := func(code int, want, amount string) {
		t.Helper()
		h.says(code, want, h.typedBy(parties.Insurer, "remit", "refund", refunded.Control, "--amount", amount, "--reference", "check-1")...)
	}
	refund(2, ``, (was + 1).String())
	refund(0, `next payment acknowledges it`, was.String())
	refund(0, `it was registered before`, was.String())
	h.decisionOn(bill("RECOUP-3", ruskin, "2026-10-07"), "paid")
	pay(told.AddDays(40), was)
	h.decisionOn(bill("RECOUP-4", ruskin, "2026-10-08"), "paid")
	pay(told.AddDays(41), 0)

	dir := filepath.Join(t.TempDir(), "dossier")
	for _, a := range all {
		h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
	}
	h.says(0, `(?s)`+was.String()+` was paid too much on claim `+taken.Control+` and is not taken yet.*`+
		was.String()+` was refunded for claim `+refunded.Control+`.*`+was.String()+` taken off, which was paid too much on claim `+taken.Control,
		h.hospitals("remit", "fetch", "--all", "--out", dir)...)
	h.says(0, `acknowledged by payment`, h.hospitals("remit", "owed")...)
	h.says(0, `6 of 6 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
}
