package contracts

import (
	"crypto/ed25519"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestClinicianSigns has an edition want the clinician's own signature: without
// it a claim waits, with it is paid; another clinician's, one for other units,
// one that was used, one with a key that the board has replaced and one of a
// license that did not stand when it was signed bring nothing.
func TestClinicianSigns(t *testing.T) {
	h := open(t)
	h.files["plan.yaml"] = []byte(strings.Replace(string(h.files["plan.yaml"]), "\nmachineDenials:",
		"\nclinicianSignature:\n  authorizations: all\n  claims: [99213]\n  withinDays: 30\n\nmachineDenials:", 1))
	h.begin()
	for _, npi := range []credentials.NPI{amaranth, ruskin} { // they sign today, whatever day that is
		h.order(npi, client.OrderRequest{Action: credentials.OrderRenew, Effective: time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC), Until: "2199-12-31", Reason: "R-1"})
	}
	own := map[credentials.NPI]credentials.Signer{amaranth: freshKey(t), ruskin: freshKey(t)}
	h.bind(amaranth, own[amaranth], time.Now().Add(-time.Hour))
	h.bind(ruskin, own[ruskin], time.Now().Add(-time.Hour))

	template := h.claimsOf("claims.837")[0]
	claim := func(number string, who credentials.NPI) claims.Claim {
		c := template.Claim
		c.Number, c.Rendering = number, &claims.Provider{NPI: who, Name: "CLINICIAN"}
		c.Lines = append([]claims.Line{}, c.Lines[:1]...)
		c.Lines[0].Code, c.Charge = "99213", c.Lines[0].Charge
		return c
	}
	send := func(c claims.Claim, signatures ...string) (api.Acceptance, error) {
		return h.hospital.SubmitClaim(h.ctx, h.sign(c, template.Source), signatures...)
	}
	sent := func(c claims.Claim, signatures ...string) api.Acceptance {
		t.Helper()
		a, err := send(c, signatures...)
		h.must(err)
		return a
	}
	refused := func(what string, status int, words string, err error) {
		t.Helper()
		var no *api.Refusal
		if !errors.As(err, &no) || no.Status != status || !strings.Contains(no.Message, words) {
			t.Errorf("%s: %v, want %d, %q", what, err, status, words)
		}
	}
	content := func(c claims.Claim) credentials.Digest {
		d, err := c.ClinicalContent()
		h.must(err)
		return d
	}

	first := claim("SIGN-1", amaranth)
	waiting := sent(first)
	if s := h.decided(waiting, 1); s.State != "pended" {
		t.Fatalf("without a signature: %s, want it to wait", s.State)
	}
	moved := first
	moved.Lines = append([]claims.Line{}, first.Lines...)
	moved.Lines[0].Units += 1000
	_, err := send(first, h.clinicianSigns(own[amaranth], amaranth, content(moved)))
	refused("signed for a unit more", 422, "signed something else", err)
	if a := sent(first, h.clinicianSigns(own[ruskin], ruskin, content(first))); !a.Again {
		t.Errorf("sent again: %+v", a)
	}
	if s := h.decided(waiting, 2); s.State != "pended" {
		t.Errorf("signed by another clinician: %s, want it to wait", s.State)
	}
	good := h.clinicianSigns(own[amaranth], amaranth, content(first))
	sent(first, good)
	paid := h.decided(waiting, 3)
	if paid.State != "paid" {
		t.Fatalf("signed by the clinician: %s, want it paid", paid.State)
	}
	if a := sent(first, good); !a.Again {
		t.Errorf("all of it again: %+v", a)
	}
	_, err = send(claim("SIGN-2", amaranth), good)
	refused("the signature of another claim", 409, "was used for another submission", err)
	patient := first
	patient.Number, patient.Patient = "SIGN-3", &claims.Person{MemberID: "X", Last: "OTHER"}
	_, err = send(patient, good)
	refused("the signature of another patient's claim", 422, "signed something else", err)

	second := claim("SIGN-4", amaranth)
	second.Lines[0].From, second.Lines[0].To = "2026-10-07", "2026-10-07"
	at := sent(second, h.clinicianSigns(own[amaranth], amaranth, content(second)))
	if s := h.decided(at, 1); s.State != "paid" {
		t.Errorf("signed from the first: %s, want it paid at once", s.State)
	}

	// The board replaces the key: what the old one signs from then on waits.
	old := own[amaranth]
	own[amaranth] = freshKey(t)
	h.bind(amaranth, own[amaranth], time.Now())
	third := claim("SIGN-5", amaranth)
	third.Lines[0].From, third.Lines[0].To = "2026-10-08", "2026-10-08"
	at = sent(third, h.clinicianSigns(old, amaranth, content(third)))
	if s := h.decided(at, 1); s.State != "pended" {
		t.Errorf("signed with the key of before: %s, want it to wait", s.State)
	}
	sent(third, h.clinicianSigns(own[amaranth], amaranth, content(third)))
	if s := h.decided(at, 2); s.State != "paid" {
		t.Errorf("signed with the new key: %s, want it paid", s.State)
	}

	// A license that does not stand on the day of signing, for a service of a day on which it did.
	h.order(ruskin, client.OrderRequest{Action: credentials.OrderSuspend, Effective: time.Now().Add(-24 * time.Hour).Truncate(time.Second), Reason: "R-1"})
	fourth := claim("SIGN-6", ruskin)
	fourth.Lines[0].From, fourth.Lines[0].To = "2026-10-06", "2026-10-06"
	at = sent(fourth, h.clinicianSigns(own[ruskin], ruskin, content(fourth)))
	if s := h.decided(at, 1); s.State != "pended" {
		t.Errorf("signed while suspended: %s, want it to wait", s.State)
	}

	h.authorizationSigned(own[amaranth])
	h.proves(waiting)
}

// authorizationSigned: an authorization of which a rule would approve at once
// waits for the signature, too.
func (h *house) authorizationSigned(key credentials.Signer) {
	h.Helper()
	a := h.request("auth-a.json")
	if s := h.decided(a, 1); s.State != "pended" {
		h.Errorf("a request without a signature: %s, want it to wait", s.State)
	}
	r, err := fhir.ParseBundle(h.files["auth-a.json"])
	h.must(err)
	content, err := r.ClinicalContent()
	h.must(err)
	sub := claims.AuthorizationSubmission{Handle: newHandle(), Salt: newHandle(), Request: *r, Source: claims.Source{Created: "2026-09-15", Place: "/entry/0/resource"}}
	token, err := credentials.Issue(h.hospital.Signer, credentials.KindAuthorizationSubmission, sub.Handle, time.Now(), nil, sub)
	h.must(err)
	if _, err := h.hospital.SubmitAuthorization(h.ctx, token, h.clinicianSigns(key, r.Clinician.NPI, content)); err != nil {
		h.Fatal(err)
	}
	if s := h.decided(a, 2); s.State != "approved" {
		h.Errorf("a request with its signature: %s, want it approved", s.State)
	}
}

// proves has the hospital check what it was given of a claim, without asking
// anybody.
func (h *house) proves(a api.Acceptance) {
	h.Helper()
	s, err := h.hospital.Status(h.ctx, a.Handle, 0, 0, true)
	h.must(err)
	l, err := h.hospital.Ledger(h.ctx)
	h.must(err)
	files := dossier.Files{}
	maps.Copy(files, s.Files)
	maps.Copy(files, l.Files)
	trust := h.Trust
	if r := dossier.Verify(files, &trust, nil); !r.OK() || r.Verified != 3 {
		h.Errorf("%d decisions verified, want 3: %+v", r.Verified, r.Failures)
	}
	signatures := 0
	for name := range files {
		if strings.HasPrefix(name, dossier.Signatures+"/") {
			signatures++
		}
	}
	if signatures != 2 {
		h.Errorf("%d signatures in the dossier, want both", signatures)
	}
}

func freshKey(t *testing.T) credentials.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return credentials.NewSigner("", key)
}

// bind has the board bind a license to a clinician's key, on their proof, from
// an instant on, and waits until the insurer has heard.
func (h *house) bind(npi credentials.NPI, key credentials.Signer, from time.Time) {
	h.Helper()
	made, err := h.clerk.Challenge(h.ctx, npi)
	h.must(err)
	proof, err := credentials.ProveKey(key, h.clerk.Board, npi, made.Challenge, time.Now())
	h.must(err)
	did, err := credentials.SignerDID(key)
	h.must(err)
	h.order(npi, client.OrderRequest{Action: credentials.OrderBind, Effective: from.Truncate(time.Second), Reason: "key", Holder: did, Proof: proof})
}

func (h *house) order(npi credentials.NPI, o client.OrderRequest) {
	h.Helper()
	d, err := h.clerk.Order(h.ctx, h.licenses[npi], o)
	h.must(err)
	h.until("the order in the books", func() (bool, error) {
		p, err := h.House.Books.PractitionerIn(h.ctx, npi, "CA")
		for _, known := range p.Orders {
			if known.Handle == d.Handle {
				return true, err
			}
		}
		return false, err
	})
}

func (h *house) clinicianSigns(key credentials.Signer, npi credentials.NPI, content credentials.Digest) string {
	h.Helper()
	s := claims.ClinicianSignature{Handle: newHandle(), License: h.licenses[npi], Insurer: h.hospital.Insurer, Content: content}
	token, err := s.Sign(key, time.Now(), time.Now().Add(time.Hour))
	h.must(err)
	return token
}
