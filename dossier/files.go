// Package dossier is a folder of signed documents with their proofs, which
// anyone can check without asking anyone: signatures, keys, the ledger, the
// quorum, and every decision computed again. It never uses a network or a
// clock, never takes a file on trust but the one that pins the ledger, and never
// passes over a file that it does not know.
package dossier

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// Folders of a dossier.
const (
	Submissions    = "submissions"
	Decisions      = "decisions"
	Authorizations = "authorizations"
	Determinations = "determinations"
	Appeals        = "appeals"
	Letters        = "letters"    // about submissions that waited
	Signatures     = "signatures" // of clinicians, upon submissions
	Licenses       = "licenses"
	Orders         = "orders"
	Answers        = "answers"   // to questions of standing
	Questions      = "questions" // claims that an estimate was asked of
	Estimates      = "estimates" // the insurer's answers to them
	Status         = "status"
	Evidence       = "evidence"
	Editions       = "editions"
	Receipts       = "receipts"
	Entries        = "entries"
	Remittances    = "remittances" // TRACE.835, where there are several
)

// Files that stand at the top of a dossier.
const (
	TrustFile      = "trust.json"
	SummaryFile    = "summary.json" // unsigned, and said to be so
	ClaimsFile     = "claims.837"
	RemittanceFile = "remittance.835"
	GenesisFile    = Entries + "/genesis.entry"
)

// Files are the contents of a dossier by their path in it, with slashes.
type Files map[string][]byte

// Token adds a signed document.
func (f Files) Token(folder string, h credentials.Handle, token string) {
	f[path.Join(folder, h.String()+".jwt")] = []byte(token + "\n")
}

// Receipt adds the ledger entry of a document and its receipt.
func (f Files) Receipt(h credentials.Handle, entry, receipt []byte) {
	f[fileOf(Entries, h)], f[fileOf(Receipts, h)] = entry, receipt
}

// ReceiptOf is what Receipt added; nil where it did not.
func (f Files) ReceiptOf(h credentials.Handle) (entry, receipt []byte) {
	return f[fileOf(Entries, h)], f[fileOf(Receipts, h)]
}

// Evidence adds the evidence of a decision.
func (f Files) Evidence(decision credentials.Handle, file []byte) {
	f[path.Join(Evidence, decision.String()+".json")] = file
}

// Edition adds an edition of a plan ("plan"), a fee schedule ("fees") or a list of
// excluded providers ("exclusion-list").
func (f Files) Edition(kind string, ref claims.EditionRef, body []byte) {
	ext := ".yaml"
	switch kind {
	case "fees":
		ext = ".csv"
	case "exclusion-list":
		ext = extExclusions
	}
	f[path.Join(Editions, ref.Name+"-"+ref.Edition+ext)] = body
}

// Genesis adds leaf 0 of the ledger.
func (f Files) Genesis(leaf []byte) { f[GenesisFile] = leaf }

// Trust adds what a verifier would have pinned beforehand.
func (f Files) Trust(t ledger.Trust) error {
	b, err := t.Marshal()
	f[TrustFile] = b
	return err
}

// ErrOtherContent says that a file of the dossier has other content already.
var ErrOtherContent = errors.New("the dossier holds another file of this name")

// Write adds the files to the folder dir. A file that is there must have the
// same content: a dossier is never overwritten.
func (f Files) Write(dir string) error {
	for name, content := range f {
		if !fs.ValidPath(name) {
			return fmt.Errorf("write dossier: %q is not a path inside it", name)
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if have, err := os.ReadFile(to); err == nil {
			if string(have) != string(content) {
				return fmt.Errorf("write %s: %w", name, ErrOtherContent)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("write dossier: %w", err)
		}
		if err := writeWhole(to, content); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// writeWhole never leaves half a file behind.
func writeWhole(to string, content []byte) error {
	part := to + ".part"
	if err := os.WriteFile(part, content, 0o644); err != nil {
		return err
	}
	return os.Rename(part, to)
}

// maxFile is the longest file that Read reads.
const maxFile = 256 << 20

// Read reads a whole dossier.
func Read(dir string) (Files, error) {
	f := Files{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		// A dossier comes from somebody else: a link could lead anywhere.
		if info, err := d.Info(); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return fmt.Errorf("%s is not a regular file of at most %d MB", p, maxFile>>20)
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(p)
		f[filepath.ToSlash(rel)] = content
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read dossier: %w", err)
	}
	return f, nil
}

// in lists the names in one folder, without folder and extension.
func (f Files) in(folder, ext string) (names []string) {
	for name := range f {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			if base, ok := strings.CutSuffix(rest, ext); ok {
				names = append(names, base)
			}
		}
	}
	return names
}
