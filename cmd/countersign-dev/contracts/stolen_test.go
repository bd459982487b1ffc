package contracts

import (
	"crypto/ed25519"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/standing"
)

// TestStolenBoardKey has a thief license Ruskin with the board's key. The board
// hands its key over, which changes nothing, and then declares the stolen one
// bad from that license on: what rests on it pends, no payment goes out for it,
// and its dossier fails offline, while a license from before the place is good.
func TestStolenBoardKey(t *testing.T) {
	h := open(t)
	h.begin()
	b := h.request("auth-b.json") // Ruskin's
	h.decided(b, 1)
	h.approve(b, 1)
	if s := h.decided(b, 2); s.State != "approved" {
		t.Fatalf("the authorization is %s", s.State)
	}
	template := h.claimsOf("claims.837")[0]
	bill := func(number string, npi credentials.NPI, day credentials.Date) api.Acceptance {
		c := template.Claim
		c.Number, c.Rendering = number, &claims.Provider{NPI: npi, Name: "CLINICIAN", First: "A"}
		c.Lines = append([]claims.Line{}, c.Lines...)
		c.Lines[0].From, c.Lines[0].To = day, day // else they are duplicates
		return h.submit(h.sign(c, template.Source))
	}
	honest, forged := bill("STOLEN-1", amaranth, "2026-10-06"), bill("STOLEN-2", ruskin, "2026-10-07")
	for _, a := range []api.Acceptance{honest, forged} {
		if s := h.decided(a, 1); s.State != "paid" {
			t.Fatalf("claim %s is %s", s.Number, s.State)
		}
	}
	h.recorded()
	docs, err := h.House.Books.LicenseDocuments(h.ctx, []credentials.Handle{h.licenses[ruskin]}, nil)
	h.must(err)
	next := h.rotateBoard()
	if r := h.dossier(forged); !r.OK() {
		t.Errorf("after the handover: %+v", r.Failures)
	}

	h.declare(next, docs[0].Index)
	h.until("the authorization to pend", func() (bool, error) {
		s, err := h.hospital.Status(h.ctx, b.Handle, 2, time.Second, false)
		return s.State == "pended", err
	})
	if s := h.decided(bill("STOLEN-3", ruskin, "2026-10-08"), 1); s.State != "pended" {
		t.Errorf("a claim that rests on the thief's license is %s", s.State)
	}
	if s := h.decided(bill("STOLEN-4", amaranth, "2026-10-09"), 1); s.State != "paid" {
		t.Errorf("a claim that rests on a license from before is %s", s.State)
	}
	h.recorded()
	run, err := h.House.Remit(h.ctx, "2026-11-03")
	h.must(err)
	var held []string
	for _, p := range run.Held {
		held = append(held, p.Claim+" "+string(p.Hold.Reason))
	}
	if got := strings.Join(held, ", "); got != "STOLEN-2 standing-unknown" || len(run.Released) != 1 || run.Released[0].Count != 2 {
		t.Errorf("held %q and paid %+v; want the one on the thief's license held, and two paid", got, run.Released)
	}
	if r := h.dossier(honest); !r.OK() {
		t.Errorf("from before the place: %+v", r.Failures)
	}
	r := h.dossier(forged)
	found := false
	for _, f := range r.Failures {
		found = found || f.Name == "key-period" && strings.Contains(f.File, h.licenses[ruskin].String())
	}
	if !found || r.Verified != 0 {
		t.Errorf("from behind the place: %d decisions verified, %+v", r.Verified, r.Failures)
	}
}

// rotateBoard hands the board over to its next key.
func (h *house) rotateBoard() credentials.Signer {
	h.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	h.must(err)
	old := h.key(parties.Board)
	next := credentials.NewSigner(credentials.NextKeyID(h.DIDs[parties.Board], pub), key)
	o, err := ledger.NewHandover(h.Trust.Genesis, old, next)
	h.must(err)
	e, err := o.Entry()
	h.must(err)
	h.recordGovernance("hand over "+old.KeyID(), e, old)
	return next
}

// declare has the board say that its first key is bad.
func (h *house) declare(s credentials.Signer, from int64) {
	h.Helper()
	c := ledger.Compromise{DID: h.DIDs[parties.Board], Key: h.key(parties.Board).KeyID(), From: from}
	e, err := c.Entry()
	h.must(err)
	h.recordGovernance("declare "+c.Handle().String(), e, s)
}

func (h *house) recordGovernance(business string, e ledger.Entry, s credentials.Signer) {
	h.Helper()
	e.Effective = time.Now()
	e, err := e.Sign(s)
	h.must(err)
	c := ledgerclient.New(h.LedgerURL, h.Policy, http.DefaultClient)
	at, err := c.Append(h.ctx, business, e)
	h.must(err)
	_, _, err = c.Await(h.ctx, at.Index, e.Marshal())
	h.must(err)
}

// dossier verifies what the gateway gives out of a submission.
func (h *house) dossier(a api.Acceptance) *dossier.Report {
	h.Helper()
	s, err := h.hospital.Status(h.ctx, a.Handle, 0, time.Second, true)
	h.must(err)
	files, err := standing.Ledger(h.ctx, http.DefaultClient, h.GatewayURL)
	h.must(err)
	maps.Copy(files, s.Files)
	return dossier.Verify(files, &h.Trust, nil)
}
