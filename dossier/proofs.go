package dossier

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A recorded is a ledger entry whose receipt holds.
type recorded struct {
	name  string // of the entry's file
	entry ledger.Entry
	proof ledger.Proof
	root  string // the tree head under which it was proved
}

// begin fixes what everything else is checked against: the trust, leaf 0, the
// policy and the founders. Where that fails, nothing else can be checked.
func (v *verifier) begin(trust *ledger.Trust) error {
	own, err := v.ownTrust()
	switch {
	case trust != nil:
		v.report.Trusted, v.report.TrustGiven = *trust, true
		if err == nil && own != nil && *own != *trust {
			v.fail(TrustFile, found(checkTrust, "it names another ledger than the one that is trusted"))
		}
	case err != nil:
		return err
	case own == nil:
		v.fail(TrustFile, found(checkTrust, "the dossier has none, and no trust was given"))
		return v.failed[TrustFile]
	default:
		v.report.Trusted = *own
	}
	leaf, ok := v.files[GenesisFile]
	if !ok {
		v.fail(GenesisFile, found(checkTrust, "leaf 0 of the ledger is not in the dossier"))
		return v.failed[GenesisFile]
	}
	v.covered[GenesisFile] = true
	if err := v.found(leaf); err != nil {
		v.fail(GenesisFile, found(checkTrust, "%v", err))
		return err
	}
	return nil
}

func (v *verifier) ownTrust() (*ledger.Trust, error) {
	b, ok := v.files[TrustFile]
	if !ok {
		return nil, nil
	}
	v.covered[TrustFile] = true
	t, err := ledger.ParseTrust(b)
	if err != nil {
		v.fail(TrustFile, found(checkTrust, "%v", err))
		return nil, err
	}
	return &t, nil
}

func (v *verifier) found(leaf []byte) error {
	g, err := v.report.Trusted.Check(leaf)
	if err != nil {
		return err
	}
	if v.policy, err = g.Policy(); err != nil {
		return err
	}
	v.registry, err = ledger.NewRegistry(g)
	return err
}

// Ledger proves leaf 0 and the participants' entries among the files against a
// trust, and returns who may sign what and how receipts are judged.
func (f Files) Ledger(trust ledger.Trust) (*ledger.Registry, ledger.Policy, error) {
	v := newVerifier(f)
	if v.begin(&trust) == nil {
		v.readLedger(func() {})
	}
	if !v.report.OK() {
		first := v.report.Failures[0]
		return nil, ledger.Policy{}, fmt.Errorf("%s: %s", first.File, first.Detail)
	}
	return v.registry, v.policy, nil
}

// readLedger proves every entry, lets the participants in, in the order of the
// ledger, and then asks of each entry whether its issuer might record it.
func (v *verifier) readLedger(tick func()) {
	var all []*recorded
	for _, name := range v.names(Receipts, ".tlog-proof") {
		if r := v.prove(name); r != nil {
			all = append(all, r)
		}
		tick()
	}
	for _, name := range v.names(Entries, ".entry") {
		if name != GenesisFile {
			v.try(name, (*verifier).hasReceipt)
		}
	}
	slices.SortFunc(all, func(a, b *recorded) int { return cmp.Compare(a.proof.Index, b.proof.Index) })
	all = v.oneHistory(all)
	for _, r := range all {
		if r.entry.Kind == ledger.KindParticipant {
			if err := v.registry.Admit(r.proof.Index, r.entry); err != nil {
				v.fail(r.name, found(checkRole, "%v", err))
			}
		}
	}
	for _, r := range all {
		v.try(r.name, func(v *verifier, _ string) error { return v.accept(r) })
	}
}

// prove checks one receipt and the entry that it is for.
func (v *verifier) prove(name string) (r *recorded) {
	v.try(name, func(v *verifier, name string) error {
		h, err := handleOf(name)
		if err != nil {
			return err
		}
		r = &recorded{name: fileOf(Entries, h)}
		leaf, ok := v.files[r.name]
		if !ok {
			return found(checkReceipt, "it is a receipt for nothing: %s is missing", r.name)
		}
		receipt, err := ledger.ParseReceipt(v.files[name])
		if err != nil {
			return found(checkReceipt, "%v", err)
		}
		if r.entry, err = ledger.ParseEntry(leaf); err != nil {
			v.fail(r.name, found(checkFormat, "%v", err))
			return v.need("its entry", r.name)
		}
		if r.proof, err = receipt.Verify(v.policy, leaf); err != nil {
			// Entry and receipt do not fit; a signature tells which to blame.
			if v.ownSignature(r.entry) != nil {
				v.fail(r.name, found(checkSignature, "the issuer's signature does not hold"))
			}
			return found(checkReceipt, "%v", err)
		}
		text, _, _ := strings.Cut(string(receipt.Checkpoint), "\n\n") // that was verified just now
		c, err := ledger.ParseCheckpoint(text + "\n")
		if err != nil {
			return found(checkReceipt, "%v", err)
		}
		r.root = c.Root.String()
		return nil
	})
	if v.failed[name] != nil {
		return nil
	}
	return r
}

// ownSignature checks an entry against the key that its issuer's did:key is,
// before anyone knows whether that key is admitted.
func (v *verifier) ownSignature(e ledger.Entry) error {
	pub, _, err := v.registry.Key(e.KeyID)
	if err != nil {
		if pub, err = credentials.ResolveDIDKey(e.KeyID); err != nil {
			return nil // not to be told here
		}
	}
	return e.Verify(pub.Ed25519())
}

func (v *verifier) hasReceipt(name string) error {
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	receipt := fileOf(Receipts, h)
	if _, ok := v.files[receipt]; !ok {
		return found(checkReceipt, "it has no receipt: %s is missing", receipt)
	}
	if v.failed[receipt] != nil {
		return v.need("its receipt", receipt)
	}
	return nil
}

// oneHistory looks across receipts. Two tree heads of one size prove a fork,
// and since a receipt is of the first final checkpoint that covers its entry,
// sizes never fall along the ledger.
func (v *verifier) oneHistory(all []*recorded) (sound []*recorded) {
	for _, r := range all {
		if n := len(sound); n > 0 {
			last := sound[n-1]
			switch {
			case last.proof.Index == r.proof.Index:
				v.fail(r.name, found(checkReceipt, "it has the place of %s on the ledger", last.name))
				continue
			case last.proof.Size == r.proof.Size && last.root != r.root:
				v.fail(r.name, found(checkReceipt, "its receipt and that of %s prove two histories: the ledger was forked", last.name))
				continue
			case last.proof.Size > r.proof.Size:
				v.fail(last.name, found(checkReceipt, "its receipt is not of the first final checkpoint: %s stands later and was final earlier", r.name))
			}
		}
		sound = append(sound, r)
	}
	return sound
}

// accept asks whether the entry counts: by a participant let in before it,
// whose role allows it, under its own signature.
func (v *verifier) accept(r *recorded) error {
	h, err := handleOf(r.name)
	if err != nil {
		return err
	}
	if r.entry.Kind == ledger.KindGenesis {
		return found(checkName, "a genesis entry has no receipt: it is pinned")
	}
	// The entry of a board order may name the license instead of the order, so
	// that whoever knows the license finds it; checkOrder sees to that.
	if r.entry.Subject != h && r.entry.Kind != ledger.KindBoardOrder {
		return found(checkName, "its subject is %s", r.entry.Subject)
	}
	if err := v.registry.CheckAt(r.proof.Index, r.entry); err != nil {
		if errors.Is(err, ledger.ErrCompromised) {
			return found(checkPeriod, "%v", err)
		}
		return found(checkRole, "%v", err)
	}
	v.entries[h] = r
	v.report.Entries++
	if r.proof.Known.After(v.report.Known) {
		v.report.Known = r.proof.Known
	}
	switch r.entry.Kind {
	case ledger.KindPlanEdition, ledger.KindFeeEdition, ledger.KindExclusionList, ledger.KindRemittance:
		v.byDigest[r.entry.Document] = r
	case ledger.KindParticipant:
		v.used[r] = true // it carries its document
	}
	return nil
}

// entryOf finds the entry of a document that stands on the ledger.
func (v *verifier) entryOf(h credentials.Handle) (*recorded, error) {
	if r := v.entries[h]; r != nil {
		return r, nil
	}
	for _, name := range []string{fileOf(Receipts, h), fileOf(Entries, h)} {
		if _, ok := v.files[name]; !ok {
			return nil, found(checkReceipt, "it has no receipt: %s is missing", name)
		}
	}
	if v.failed[fileOf(Receipts, h)] != nil {
		return nil, v.need("its receipt", fileOf(Receipts, h))
	}
	return nil, v.need("its ledger entry", fileOf(Entries, h))
}

// placed finds the entry of a file that stands on the ledger by its digest.
func (v *verifier) placed(check, name string, kind ledger.Kind) (*recorded, error) {
	r := v.byDigest[credentials.DigestOf(v.files[name])]
	if r == nil || r.entry.Kind != kind {
		return nil, found(check, "no %v entry in the dossier is of these bytes", kind)
	}
	if v.used[r] {
		return nil, found(check, "the dossier holds the same bytes twice")
	}
	v.used[r] = true
	return r, nil
}

// findUnused refuses entries whose document is not in the dossier, since it
// may have been taken out. A document that failed is to blame itself.
func (v *verifier) findUnused() {
	for _, name := range v.names(Entries, ".entry") {
		h, err := handleOf(name)
		if err != nil || v.entries[h] == nil || v.used[v.entries[h]] || v.failed[name] != nil {
			continue
		}
		kind := v.entries[h].entry.Kind
		if v.failedIn(kind, h) {
			continue
		}
		v.fail(name, found(checkLedger, "the document of this %v entry is not in the dossier", kind))
	}
}

func (v *verifier) failedIn(kind ledger.Kind, h credentials.Handle) bool {
	for name := range v.failed {
		switch kind {
		case ledger.KindPlanEdition, ledger.KindFeeEdition, ledger.KindExclusionList, ledger.KindRemittance:
			if in(name, Editions) || in(name, Remittances) || name == RemittanceFile {
				return true
			}
		case ledger.KindStatusList:
			if in(name, Status) {
				return true
			}
		default:
			if base, err := handleOf(name); err == nil && base == h {
				return true
			}
		}
	}
	return false
}

func in(name, folder string) bool { return strings.HasPrefix(name, folder+"/") }
