package dossier

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// ExtractGenesisFile is leaf 0 in an extract of the ledger: a folder of entries
// with their proofs and without documents, as ledger show and ledger forget
// write it. An entry is INDEX.entry, its receipt INDEX.tlog-proof.
const ExtractGenesisFile = "genesis.entry"

// ExtractGenesis adds leaf 0 to an extract.
func (f Files) ExtractGenesis(leaf []byte) { f[ExtractGenesisFile] = leaf }

// ExtractEntry adds an entry and its receipt to an extract.
func (f Files) ExtractEntry(index int64, leaf, receipt []byte) {
	f[fmt.Sprintf("%d.entry", index)], f[fmt.Sprintf("%d.tlog-proof", index)] = leaf, receipt
}

// IsExtract says whether the files are an extract, not a dossier.
func (f Files) IsExtract() bool { return f[ExtractGenesisFile] != nil }

// An Extracted is an entry that stands on the ledger.
type Extracted struct {
	Index     int64              `json:"index"`
	Kind      string             `json:"kind"`
	Issuer    credentials.DID    `json:"issuer"`
	Subject   credentials.Handle `json:"subject"`
	Document  credentials.Digest `json:"document"`
	Effective time.Time          `json:"effective"`
	Known     time.Time          `json:"known"`
	// Void says why the entry means nothing: its issuer has not signed it, or
	// might not, as far as the participants in the extract tell.
	Void string `json:"void,omitempty"`
}

// VerifyExtract proves every entry of an extract. It uses no network and no
// clock, and fails on any file that it does not know.
func VerifyExtract(files Files, trust *ledger.Trust) *Report {
	files = maps.Clone(files)
	files[GenesisFile] = files[ExtractGenesisFile]
	delete(files, ExtractGenesisFile)
	v := newVerifier(files)
	if v.begin(trust) == nil {
		v.judge(v.extracted())
		for name := range files {
			if !v.covered[name] {
				v.fail(name, found(checkUncovered, "no check covers this file"))
			}
		}
	}
	for i, c := range v.report.Failures {
		if c.File == GenesisFile {
			v.report.Failures[i].File = ExtractGenesisFile
		}
	}
	slices.SortFunc(v.report.Failures, func(a, b Check) int { return cmp.Compare(a.File, b.File) })
	return v.report
}

// extracted proves the entries, in the order of the ledger, and lets in the
// participants among them.
func (v *verifier) extracted() (all []*recorded) {
	for name := range v.files {
		base, ok := strings.CutSuffix(name, ".tlog-proof")
		if !ok || path.Dir(name) != "." {
			continue
		}
		v.try(name, func(v *verifier, name string) error {
			leaf, ok := v.files[base+".entry"]
			v.covered[base+".entry"] = true
			if !ok {
				return found(checkReceipt, "it is a receipt for nothing: %s is missing", base+".entry")
			}
			r, err := v.proved(v.files[name], leaf)
			if err != nil {
				return err
			}
			if base != fmt.Sprint(r.proof.Index) {
				return found(checkName, "it is of entry %d", r.proof.Index)
			}
			r.name = base + ".entry"
			all = append(all, r)
			return nil
		})
	}
	slices.SortFunc(all, func(a, b *recorded) int { return cmp.Compare(a.proof.Index, b.proof.Index) })
	all = v.oneHistory(all)
	for _, r := range all {
		if r.entry.Kind == ledger.KindParticipant {
			v.registry.Admit(r.proof.Index, r.entry) // refused means void
		}
	}
	return all
}

// proved checks one receipt against its entry.
func (v *verifier) proved(receipt, leaf []byte) (*recorded, error) {
	p, err := ledger.ParseReceipt(receipt)
	if err != nil {
		return nil, found(checkReceipt, "%v", err)
	}
	r := &recorded{}
	if r.entry, err = ledger.ParseEntry(leaf); err != nil {
		return nil, found(checkFormat, "%v", err)
	}
	if r.proof, err = p.Verify(v.policy, leaf); err != nil {
		return nil, found(checkReceipt, "%v", err)
	}
	text, _, _ := strings.Cut(string(p.Checkpoint), "\n\n")
	c, err := ledger.ParseCheckpoint(text + "\n")
	if err != nil {
		return nil, found(checkReceipt, "%v", err)
	}
	r.root = c.Root.String()
	return r, nil
}

// judge says of each entry whether it counts.
func (v *verifier) judge(all []*recorded) {
	for _, r := range all {
		e := Extracted{Index: r.proof.Index, Kind: r.entry.Kind.String(), Issuer: r.entry.Issuer(), Subject: r.entry.Subject,
			Document: r.entry.Document, Effective: r.entry.Effective, Known: r.proof.Known}
		if err := v.registry.CheckAt(r.proof.Index, r.entry); err != nil {
			e.Void = err.Error()
		}
		v.report.Entries++
		if e.Known.After(v.report.Known) {
			v.report.Known = e.Known
		}
		v.report.Extract = append(v.report.Extract, e)
	}
}
