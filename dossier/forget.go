package dossier

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A Forgetting is what it takes to forget: the files whose salts, names and
// figures have to be destroyed, and what is left of them on the ledger.
type Forgetting struct {
	Gone    []string // to be destroyed
	Extract Files    // entries and receipts of what was forgotten
	Rest    Files    // the dossier without it
}

// Forget works out how to forget these submissions, or the whole dossier where
// none is named: every document about them, with the salts in it, and every
// file of many claims that holds one of them. It destroys nothing itself. What
// stays has to hold as it held before: where something else rests on what would
// go, it refuses and says what.
func (f Files) Forget(submissions ...credentials.Handle) (*Forgetting, error) {
	g := &Forgetting{Extract: Files{}, Rest: Files{}}
	gone, err := f.about(submissions)
	if err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	if err := f.extract(gone, g.Extract); err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	if r := VerifyExtract(g.Extract, nil); !r.OK() {
		return nil, fmt.Errorf("forget: what would be left does not hold: %s: %s", r.Failures[0].File, r.Failures[0].Detail)
	}
	for name, content := range f {
		if gone[name] {
			g.Gone = append(g.Gone, name)
		} else {
			g.Rest[name] = content
		}
	}
	slices.Sort(g.Gone)
	if len(submissions) > 0 {
		err = f.stillHolds(g.Rest)
	}
	return g, err
}

// stillHolds refuses to break what rests on something that would go.
func (f Files) stillHolds(rest Files) error {
	before := map[string]bool{}
	for _, c := range Verify(f, nil, nil).Failures {
		before[c.File] = true
	}
	for _, c := range Verify(rest, nil, nil).Failures {
		if !before[c.File] {
			return fmt.Errorf("forget: %s would not hold any more: %s; forget it, too", c.File, c.Detail)
		}
	}
	return nil
}

// about is every file about the submissions.
func (f Files) about(submissions []credentials.Handle) (map[string]bool, error) {
	gone := map[string]bool{}
	if len(submissions) == 0 {
		for name := range f {
			gone[name] = true
		}
		delete(gone, TrustFile)
		return gone, nil
	}
	if f[SummaryFile] != nil {
		gone[SummaryFile] = true // figures of everybody
	}
	numbers := map[string]bool{} // of the claims
	for _, h := range submissions {
		name := fileOf(Submissions, h)
		doc, err := peekAt(f[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		gone[name] = true
		numbers[doc.Claim.Number] = true
		if b, ok := f[ClaimsFile]; ok && doc.Source.File == credentials.DigestOf(b) {
			gone[ClaimsFile] = true
		}
	}
	for _, folder := range []string{Decisions, Authorizations, Determinations, Appeals, Letters} {
		for _, base := range f.in(folder, ".jwt") {
			name := path.Join(folder, base+".jwt")
			doc, err := peekAt(f[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if slices.Contains(submissions, doc.Decision.Submission) || slices.Contains(submissions, doc.Subject) {
				gone[name] = true
				for _, more := range []string{path.Join(Evidence, base+".json"), path.Join(Entries, base+".entry"), path.Join(Receipts, base+".tlog-proof")} {
					if f[more] != nil {
						gone[more] = true
					}
				}
			}
		}
	}
	return gone, f.remittancesOf(numbers, gone)
}

// remittancesOf adds each 835 that pays one of the claims: half of one proves
// nothing, so it goes whole.
func (f Files) remittancesOf(numbers map[string]bool, gone map[string]bool) error {
	for name, body := range f {
		if path.Ext(name) != ".835" {
			continue
		}
		sets, err := x12.ReadRemittance(bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		holds := slices.ContainsFunc(sets, func(s x12.Remittance) bool {
			return slices.ContainsFunc(s.Payments, func(p x12.Payment) bool { return numbers[p.Number] })
		})
		if !holds {
			continue
		}
		gone[name] = true
		digest := credentials.DigestOf(body)
		for _, base := range f.in(Entries, ".entry") {
			e, err := ledger.ParseEntry(f[path.Join(Entries, base+".entry")])
			if err == nil && e.Kind == ledger.KindRemittance && e.Document == digest {
				gone[path.Join(Entries, base+".entry")], gone[path.Join(Receipts, base+".tlog-proof")] = true, true
			}
		}
	}
	return nil
}

// extract gathers the ledger's side of what goes, with the participants and
// leaf 0, by which it is proved.
func (f Files) extract(gone map[string]bool, to Files) error {
	leaf, ok := f[GenesisFile]
	if !ok {
		return errors.New("leaf 0 of the ledger is not in the dossier, so that nothing would be proved any more")
	}
	to.ExtractGenesis(leaf)
	if b, ok := f[TrustFile]; ok {
		to[TrustFile] = b
	}
	for _, base := range f.in(Entries, ".entry") {
		name := path.Join(Entries, base+".entry")
		e, err := ledger.ParseEntry(f[name])
		if name == GenesisFile || err == nil && !gone[name] && e.Kind != ledger.KindParticipant {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		receipt := f[path.Join(Receipts, base+".tlog-proof")]
		r, err := ledger.ParseReceipt(receipt)
		if err != nil {
			return fmt.Errorf("%s has no receipt that could be kept: %w", name, err)
		}
		if file := fmt.Sprintf("%d.entry", r.Index); to[file] != nil {
			return fmt.Errorf("%s has the place of another entry on the ledger", name)
		}
		to.ExtractEntry(r.Index, f[name], receipt)
	}
	return nil
}

// peeked is what a document says it is about, whoever signed it.
type peeked struct {
	Claim    struct{ Number string }
	Source   struct{ File credentials.Digest }
	Decision struct{ Submission credentials.Handle }
	Subject  credentials.Handle // of a determination
}

func peekAt(token []byte) (p peeked, err error) {
	if token == nil {
		return p, errors.New("it is not in the dossier")
	}
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return p, errors.New("it is not a signed document")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return p, errors.New("it is not a signed document")
	}
	var doc struct{ CredentialSubject peeked }
	if err := json.Unmarshal(payload, &doc); err != nil {
		return p, fmt.Errorf("read what it is about: %w", err)
	}
	return doc.CredentialSubject, nil
}
