package contracts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestExclusionList has a claim wait because the list of excluded providers is too
// old, paid under a newer one, and listed when the next one names its clinician on the
// day of the service; decided anew, the payment is taken back. Who has the dossier
// computes each of the three decisions again from the list that it asked.
func TestExclusionList(t *testing.T) {
	t.Parallel()
	h := open(t)
	today := credentials.DateOf(time.Now().UTC())
	h.again(func() error {
		_, err := h.insurer.PublishExclusions(h.ctx, h.list("old", today.AddDays(-36)))
		return err
	})
	h.files["plan.yaml"] = []byte(strings.Replace(string(h.files["plan.yaml"]), "rules: rules/1",
		"rules: rules/2\npendDays: 30\nproviders: {exclusionList: oig-leie, exclusionListMaxAge: 35}", 1))
	h.begin()
	var claim claims.Claim
	for _, s := range h.claimsOf("claims.837") {
		if r := s.Claim.Renderer(&s.Claim.Lines[0]); r != nil && r.NPI == amaranth {
			claim = s.Claim
			break
		}
	}
	a := h.bill(claim.Number)[claim.Number]
	if d := h.decisionOn(a, "pended"); d.WaitsFor() != string(claims.PendExclusionList) || d.Pends[0].By == "" || d.ExclusionList.Edition != "old" {
		t.Errorf("under the old list: %+v", d)
	}

	file := filepath.Join(t.TempDir(), "list.csv")
	h.must(os.WriteFile(file, h.list("next", today.AddDays(-1)), 0o600))
	h.says(0, `^published  oig-leie next of `, "exclusions", "publish", file, "--gateway", h.GatewayURL, "--insurer", string(h.DIDs[parties.Insurer]), "--trust", h.TrustFile(),
		"--keys", h.Keys(parties.Insurer), "--passphrase-file", h.PassphraseFile(), "--key", parties.Insurer)
	was := h.decisionIn(h.decided(a, 2), 1)
	if was.Outcome != claims.Paid || was.ExclusionList.Edition != "next" {
		t.Fatalf("under the next list: %+v", was)
	}

	newest, err := h.insurer.PublishExclusions(h.ctx, h.list("newest", today, claims.Exclusion{NPI: amaranth, Kind: "1128a1", From: claim.Lines[0].From}))
	h.must(err)
	var listed api.Reprocess
	list, err := h.insurer.Reprocess(h.ctx)
	h.must(err)
	for _, r := range list {
		if r.Handle == a.Handle {
			listed = r
		}
	}
	if listed.Cause.Kind != "exclusion" || listed.Cause.Reference != newest.Handle.String() || listed.After == nil || listed.After.Paid != 0 || listed.Before.Paid != was.Paid {
		t.Errorf("listed: %+v, %+v, %+v", listed.Cause, listed.Before, listed.After)
	}
	h.reopen("exclusion")
	now := h.decisionIn(h.decided(a, 3), 2)
	if now.Outcome != claims.Denied || now.Lines[0].Adjustments[0].CARC != claims.CARCNotLicensed || now.NetPaid() != -was.Paid || now.ExclusionList.Edition != "newest" {
		t.Errorf("decided anew: %+v", now)
	}
	dir := filepath.Join(t.TempDir(), "dossier")
	h.says(0, ``, h.hospitals("claim", "status", a.Handle.String(), "--out", dir)...)
	h.says(0, `3 of 3 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
	h.must(os.Remove(filepath.Join(dir, "editions", "oig-leie-newest.exclusions")))
	h.says(3, `oig-leie-newest.exclusions`, "verify", dir, "--trust", h.TrustFile())
}

// list is a list of excluded providers as it is published.
func (h *house) list(edition string, asOf credentials.Date, entries ...claims.Exclusion) []byte {
	h.Helper()
	m, err := exclusions.Make("oig-leie", edition, asOf, nil, &exclusions.Read{Entries: entries})
	h.must(err)
	return m.Encode()
}
