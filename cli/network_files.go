package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// The files that founders and newcomers send each other. Nothing in them is
// secret. What is signed is their canonical content, so that their spelling,
// which is made to be read, does not matter.
const (
	partySchema     = "countersign/party/1"
	draftSchema     = "countersign/genesis/1" // as in leaf 0, without signatures
	foundingSchema  = "countersign/genesis-approval/1"
	admissionSchema = "countersign/admission-approval/1"
)

const roles = "board, insurer, hospital, reviewer, auditor, operator"

type partyFile struct {
	Schema string       `json:"schema"`
	Party  ledger.Party `json:"party"`
}

// An approvalFile is a founder's signature, and what it is meant for: the
// digests tell a mistake from a forgery.
type approvalFile struct {
	Schema string `json:"schema"`
	// Genesis is the digest of leaf 0, of an approval to admit.
	Genesis *credentials.Digest `json:"genesis,omitempty"`
	// Document is the digest of the draft, or of the newcomer's party.
	Document credentials.Digest `json:"document"`
	Approval ledger.Approval    `json:"approval"`

	path string
}

// digestOf is the digest of a document's canonical content.
func digestOf(v any) (credentials.Digest, error) {
	b, err := credentials.CanonicalJSON(v)
	return credentials.DigestOf(b), err
}

// document is v as a file that people can read.
func document(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return b.Bytes(), nil
}

func readSmall(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, 1<<20)
}

func readParty(path string) (p ledger.Party, err error) {
	body, err := readSmall(path)
	if err != nil {
		return p, err
	}
	var f partyFile
	if err := decodeAs(body, partySchema, &f); err != nil {
		return p, refused(path, err.Error(), "make it with countersign network party")
	}
	if err := checkParty(f.Party); err != nil {
		return p, refused(path, err.Error(), "make it with countersign network party")
	}
	return f.Party, nil
}

func readDraft(path string) (g ledger.Genesis, digest credentials.Digest, err error) {
	body, err := readSmall(path)
	if err != nil {
		return g, digest, err
	}
	return parseDraft(path, body)
}

func parseDraft(path string, body []byte) (g ledger.Genesis, digest credentials.Digest, err error) {
	err = decodeAs(body, draftSchema, &g)
	if err == nil {
		err = checkDraft(g)
	}
	if err != nil {
		return g, digest, refused(path, err.Error(), "make it with countersign network draft")
	}
	digest, err = digestOf(g)
	return g, digest, err
}

// readApprovals reads files of one schema, and refuses two of one founder.
func readApprovals(paths []string, schema, made string) ([]approvalFile, error) {
	var all []approvalFile
	for _, path := range paths {
		body, err := readSmall(path)
		if err != nil {
			return nil, err
		}
		f := approvalFile{path: path}
		if err := decodeAs(body, schema, &f); err != nil {
			return nil, refused(path, err.Error(), "make it with countersign network "+made)
		}
		if i := slices.IndexFunc(all, func(a approvalFile) bool { return a.Approval.DID == f.Approval.DID }); i >= 0 {
			return nil, refused(path, "is the approval of the founder who approves in "+all[i].path+" already", "give each once")
		}
		all = append(all, f)
	}
	return all, nil
}

// decodeAs decodes strictly, and says first if the file is of another sort.
func decodeAs(body []byte, schema string, v any) error {
	var any map[string]json.RawMessage
	var is string
	if json.Unmarshal(body, &any) == nil && json.Unmarshal(any["schema"], &is) == nil && is != schema {
		return fmt.Errorf("its schema is %q, want %q", oneLine(is), schema)
	}
	if err := credentials.DecodeStrict(body, v); err != nil {
		return err
	}
	if is != schema {
		return fmt.Errorf("it has no schema, want %q", schema)
	}
	return nil
}

var stateCode = regexp.MustCompile(`^[A-Z]{2}$`)

// checkParty says early what the ledger would refuse in the end.
func checkParty(p ledger.Party) error {
	did, _, err := credentials.ParseKeyID(p.Kid())
	if err != nil {
		return err
	}
	pub, err := credentials.ParseMultikey(p.Key)
	switch {
	case err != nil:
		return err
	case did != p.DID:
		return errors.New("its key id belongs to another DID")
	case strings.HasPrefix(string(did), "did:key:") && credentials.KeyDID(pub) != did:
		return errors.New("its key is not the key of its DID")
	case p.Name == "" || !plain(p.Name, 200):
		return errors.New("its name is missing or not plain text of at most 200 bytes")
	}
	role, err := ledger.ParseRole(string(p.Role))
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a role: want one of %s", oneLine(string(p.Role)), roles)
	case role == ledger.RoleBoard && !stateCode.MatchString(p.Jurisdiction):
		return errors.New("a board needs its jurisdiction, two letters such as CA")
	case role != ledger.RoleBoard && p.Jurisdiction != "":
		return errors.New("only a board has a jurisdiction")
	}
	return nil
}

// checkDraft says early what leaf 0 would be refused for, and more: no key may
// serve twice.
func checkDraft(g ledger.Genesis) error {
	if g.Origin == "" || !plain(g.Origin, 255) {
		return errors.New("the origin is missing or not plain text of at most 255 bytes")
	}
	if _, err := ledger.NewPolicy(g.Origin, g.LogKey, g.Witnesses, g.Quorum); err != nil {
		return err
	}
	if len(g.Signatures) > 0 {
		return errors.New("it has signatures, and a draft has none")
	}
	if g.Created.IsZero() || !g.Created.Equal(g.Created.UTC().Truncate(time.Second)) || g.Created.Location() != time.UTC {
		return errors.New("created: want a time in whole seconds, UTC")
	}
	if n := len(g.Founders); n == 0 || g.Admission > n || 2*g.Admission <= n {
		return fmt.Errorf("admission by %d of %d founders: want more than half, and at most all", g.Admission, n)
	}
	seen := map[string]string{}
	for _, vkey := range append([]string{g.LogKey}, g.Witnesses...) {
		name, rest, _ := strings.Cut(vkey, "+")
		_, b64, _ := strings.Cut(rest, "+")
		if raw, err := base64.StdEncoding.DecodeString(b64); err == nil && len(raw) > 1 {
			seen[string(raw[1:])] = name
		}
	}
	for i, p := range g.Founders {
		if err := checkParty(p); err != nil {
			return fmt.Errorf("founder %d: %w", i+1, err)
		}
		pub, _ := credentials.ParseMultikey(p.Key) // checked
		if other, ok := seen[string(pub)]; ok {
			return fmt.Errorf("founder %d (%s) has the key of %s", i+1, oneLine(p.Name), oneLine(other))
		}
		seen[string(pub)] = p.Name
		if slices.ContainsFunc(g.Founders[:i], func(q ledger.Party) bool { return q.DID == p.DID }) {
			return fmt.Errorf("founder %d (%s) has the DID of another", i+1, oneLine(p.Name))
		}
	}
	return nil
}

func plain(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

// place writes files that anyone may read: all or none, nothing half, and
// nothing over a file with other content.
func place(files map[string][]byte) error {
	var fresh []string
	for _, path := range slices.Sorted(maps.Keys(files)) {
		have, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			fresh = append(fresh, path)
		case err != nil:
			return refused(path, fileWords(err), "choose another name")
		case !bytes.Equal(have, files[path]):
			return refused(path, "is there already with other content", "choose another name; nothing is overwritten")
		}
	}
	for i, path := range fresh {
		if err := writeWhole(path, files[path]); err != nil {
			for _, done := range fresh[:i] {
				os.Remove(done)
			}
			return fmt.Errorf("%s: write: %w", path, err)
		}
	}
	return nil
}

func writeWhole(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".countersign-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect once it is renamed
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// createSecret writes a file that only the owner can read, and never replaces
// one, even if two try at once.
func createSecret(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return refused(path, fileWords(err), "choose another folder")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return refused(path, fileWords(err), "choose another folder; no key is ever replaced")
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("%s: write: %w", path, err)
	}
	return nil
}
