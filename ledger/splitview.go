package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/credentials"
)

const (
	splitViewSchema = "countersign/split-view/1"
	maxSplitView    = 256 << 10 // leaf 0 has at most 64 KB, and a checkpoint far less
)

// A SplitView proves that a log has signed two histories, to anyone who knows
// its key: two checkpoints of which neither continues the other. Of two trees
// of one size the roots differ. Of two sizes, the larger tree itself says which
// root its first entries have, and it is not the one that was signed.
type SplitView struct {
	Genesis         []byte // leaf 0, from which a Trust gives the keys; none for a log that is not ours
	Smaller, Larger []byte // checkpoints, signed notes
	// Prefix is the root that the larger tree has over as many entries as the
	// smaller one, and Proof is why (RFC 6962, section 2.1.2). Neither is there
	// where the sizes are the same.
	Prefix tlog.Hash
	Proof  tlog.TreeProof
}

type splitViewFile struct {
	Schema  string   `json:"schema"`
	Genesis []byte   `json:"genesis,omitempty"`
	Smaller string   `json:"smaller"`
	Larger  string   `json:"larger"`
	Prefix  string   `json:"prefix,omitempty"`
	Proof   []string `json:"proof,omitempty"`
}

// Marshal is the proof as a file: canonical JSON and a line feed.
func (s SplitView) Marshal() ([]byte, error) {
	f := splitViewFile{Schema: splitViewSchema, Genesis: s.Genesis, Smaller: string(s.Smaller), Larger: string(s.Larger)}
	if s.Prefix != (tlog.Hash{}) {
		f.Prefix = s.Prefix.String()
	}
	for _, h := range s.Proof {
		f.Proof = append(f.Proof, h.String())
	}
	b, err := credentials.CanonicalJSON(f)
	if err != nil {
		return nil, fmt.Errorf("split view: %w", err)
	}
	return append(b, '\n'), nil
}

// IsSplitView says whether a file claims to be the proof of a split view.
func IsSplitView(b []byte) bool {
	var f struct{ Schema string }
	return len(b) <= maxSplitView && json.Unmarshal(b, &f) == nil && f.Schema == splitViewSchema
}

// ParseSplitView reads what Marshal wrote, and nothing else. It checks nothing.
func ParseSplitView(b []byte) (SplitView, error) {
	s, err := parseSplitView(b)
	if err != nil {
		return SplitView{}, fmt.Errorf("split view: %w", err)
	}
	return s, nil
}

func parseSplitView(b []byte) (s SplitView, err error) {
	body, ok := bytes.CutSuffix(b, []byte("\n"))
	if !ok || len(b) > maxSplitView {
		return s, errors.New("want one line of JSON and a line feed")
	}
	var f splitViewFile
	if err := decodeCanonical(body, &f); err != nil {
		return s, err
	}
	if f.Schema != splitViewSchema {
		return s, fmt.Errorf("schema %q, want %q", f.Schema, splitViewSchema)
	}
	s = SplitView{Genesis: f.Genesis, Smaller: []byte(f.Smaller), Larger: []byte(f.Larger)}
	if f.Prefix != "" {
		if s.Prefix, err = parseHash(f.Prefix); err != nil || s.Prefix == (tlog.Hash{}) {
			return s, errors.New("malformed prefix")
		}
	}
	if len(f.Proof) > 2*maxPath {
		return s, errors.New("its proof is longer than any can be")
	}
	for _, line := range f.Proof {
		h, err := parseHash(line)
		if err != nil {
			return s, err
		}
		s.Proof = append(s.Proof, h)
	}
	return s, nil
}

func parseHash(s string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || copy(h[:], b) != tlog.HashSize || len(b) != tlog.HashSize {
		return h, errors.New("malformed hash")
	}
	return h, nil
}

// A Split is what a SplitView proves.
type Split struct {
	Smaller, Larger Checkpoint
	// Both are the witnesses that have countersigned both: they have lied, too,
	// or lost their memory.
	Both []string
}

// A Signed says whether a log has signed a checkpoint, final or not, and which
// witnesses have countersigned it. Policy.Signed is one.
type Signed func(signed []byte) (c Checkpoint, witnesses []string, err error)

// Signed checks the log's signature of a checkpoint, and those of witnesses
// that are there; it need not be final.
func (p Policy) Signed(signed []byte) (c Checkpoint, witnesses []string, err error) {
	c, cosigs, _, err := p.open(signed)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	for _, co := range cosigs {
		witnesses = append(witnesses, p.witnesses[co.Witness].Name())
	}
	return c, witnesses, nil
}

// Check says whether the proof holds for a log, which the signatures say it is.
func (s SplitView) Check(signed Signed) (Split, error) {
	split, err := s.check(signed)
	if err != nil {
		return Split{}, fmt.Errorf("split view: %w", err)
	}
	return split, nil
}

func (s SplitView) check(signed Signed) (split Split, err error) {
	var by [2][]string
	if split.Smaller, by[0], err = signed(s.Smaller); err != nil {
		return split, fmt.Errorf("smaller %w", err)
	}
	if split.Larger, by[1], err = signed(s.Larger); err != nil {
		return split, fmt.Errorf("larger %w", err)
	}
	a, b := split.Smaller, split.Larger
	switch {
	case a.Origin != b.Origin:
		return split, errors.New("the checkpoints are of two logs")
	case a.Size < 1 || a.Size > b.Size:
		return split, errors.New("the checkpoints are empty or in the wrong order")
	case a.Size == b.Size && (a.Root == b.Root || len(s.Proof) > 0 || s.Prefix != tlog.Hash{}):
		return split, errors.New("two checkpoints of one size have the same root, or a proof that says nothing")
	case a.Size < b.Size:
		if s.Prefix == a.Root {
			return split, errors.New("the larger history continues the smaller one: nothing is wrong")
		}
		if err := tlog.CheckTree(s.Proof, b.Size, b.Root, a.Size, s.Prefix); err != nil {
			return split, fmt.Errorf("what the larger history begins with is not proved: %w", err)
		}
	}
	seen := map[string]bool{}
	for _, name := range by[0] {
		seen[name] = true
	}
	for _, name := range by[1] {
		if seen[name] {
			split.Both = append(split.Both, name)
		}
	}
	return split, nil
}
