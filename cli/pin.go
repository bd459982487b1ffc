package cli

import (
	"fmt"
	"maps"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

// trustFlag pins leaf 0 of the ledger, for every command that hears from a
// house whether something stands there.
func trustFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "trust", Usage: "trust `FILE`: the ledger's name and the digest of its leaf 0, which you were given by hand", EnvVars: []string{"COUNTERSIGN_TRUST"}}
}

func givenTrust(c *urfave.Context) (*ledger.Trust, error) {
	path, err := given(c, "trust", "COUNTERSIGN_TRUST")
	if err != nil {
		return nil, err
	}
	return readTrust(path)
}

// pinned is the ledger of a house that the caller talks to, held against the
// digest that the caller was given by hand.
type pinned struct {
	trust    ledger.Trust
	registry *ledger.Registry
	policy   ledger.Policy
	keys     credentials.ResolveKey // of the registry
	proofs   dossier.Files          // of the registry, with the trust
}

// hold holds a house's ledger against the trust before anything else is said:
// whoever stands on another ledger gets nothing signed, and nothing of it is
// believed.
func (p *pinned) hold(proofs dossier.Files, house, flag string) (err error) {
	if p.registry, p.policy, err = proofs.Ledger(p.trust); err != nil {
		return caught("check the ledger of "+house, err, "check "+flag+" and --trust; if both are right, tell "+house)
	}
	p.keys, p.proofs = p.registry.ResolveKey, proofs
	return p.proofs.Trust(p.trust)
}

// keep writes documents with the proofs of who may sign them, so that the
// folder can be verified as it is.
func (p *pinned) keep(files dossier.Files, dir string) error {
	all := maps.Clone(p.proofs)
	maps.Copy(all, files)
	return write(all, dir)
}

// recorded checks that a document stands on the ledger: its entry, the receipt,
// and that the issuer might record it.
func (p *pinned) recorded(about credentials.Handle, document credentials.Digest, leaf, receipt []byte) error {
	_, _, err := p.place(about, document, leaf, receipt)
	return err
}

func (p *pinned) place(about credentials.Handle, document credentials.Digest, leaf, receipt []byte) (proof ledger.Proof, e ledger.Entry, err error) {
	r, err := ledger.ParseReceipt(receipt)
	if err != nil {
		return proof, e, err
	}
	if proof, err = r.Verify(p.policy, leaf); err != nil {
		return proof, e, err
	}
	if e, err = ledger.ParseEntry(leaf); err != nil {
		return proof, e, err
	}
	if e.Subject != about || e.Document != document {
		return proof, e, fmt.Errorf("the ledger's entry %d is about something else", proof.Index)
	}
	return proof, e, p.registry.CheckAt(proof.Index, e)
}

// judged is a house's document, if whom the pinned ledger has let in might sign
// it: at its place on the ledger, by the time when it was known there. Without
// a receipt it has no place and no time but its own. What was revoked since is
// for the caller to show.
func judged[T any](p *pinned, token string, kind credentials.Kind, leaf, receipt []byte) (*credentials.Credential[T], error) {
	doc, e, err := credentials.Prove[T](token, kind, p.keys)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", kind, err)
	}
	policy := credentials.Policy{
		Now: e.From, Position: credentials.Whenever, Issuer: p.registry.Issuer, Status: credentials.StatusElsewhere,
	}
	if len(receipt) > 0 {
		proof, entry, err := p.place(e.Handle, credentials.DocumentDigest(token), leaf, receipt)
		if err != nil {
			return nil, err
		}
		policy.Position = ledger.PlaceOf(proof.Index, entry, e.KeyID)
		if !ledger.DatedByPlace(kind) {
			policy.Now, policy.Leeway = proof.Known, clockSkew
		}
	}
	return doc, policy.Judge(e).Err()
}

// clockSkew is how far a house's clock may run ahead of the witnesses'.
const clockSkew = 5 * time.Minute
