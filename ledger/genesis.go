package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

const (
	genesisSchema = "countersign/genesis/1"
	genesisPrefix = "countersign genesis v1\n" // before what founders sign
)

// A Party is a participant of the ledger: an organization or a named reviewer,
// with one Ed25519 key.
type Party struct {
	DID          credentials.DID `json:"did"`
	Name         string          `json:"name"`
	Role         Role            `json:"role"`
	Jurisdiction string          `json:"jurisdiction,omitempty"` // of a board: its state
	Key          string          `json:"key"`                    // multikey
	// KeyID is the DID URL of the key where that is not DID#Key.
	KeyID string `json:"keyId,omitempty"`
}

// Kid is the DID URL by which the party signs.
func (p Party) Kid() string {
	if p.KeyID != "" {
		return p.KeyID
	}
	return string(p.DID) + "#" + p.Key
}

func (p Party) check() (ed25519.PublicKey, error) {
	did, _, err := credentials.ParseKeyID(p.Kid())
	if err != nil {
		return nil, fmt.Errorf("party: %w", err)
	}
	if did != p.DID {
		return nil, errors.New("party: its key id belongs to another DID")
	}
	pub, err := credentials.ParseMultikey(p.Key)
	if err != nil {
		return nil, fmt.Errorf("party: %w", err)
	}
	if strings.HasPrefix(string(did), "did:key:") && credentials.KeyID(pub) != p.Kid() {
		return nil, errors.New("party: its key is not the key of its did:key")
	}
	if _, err := ParseRole(string(p.Role)); err != nil {
		return nil, fmt.Errorf("party: %w", err)
	}
	if err := plainText(p.Name, 200); err != nil || p.Name == "" {
		return nil, errors.New("party: its name is missing or not plain text of at most 200 bytes")
	}
	if err := plainText(p.Jurisdiction, 16); err != nil {
		return nil, errors.New("party: its jurisdiction is not plain text of at most 16 bytes")
	}
	return pub, nil
}

func plainText(s string, most int) error {
	if len(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return errors.New("not plain text")
	}
	return nil
}

// An Approval is a founder's signature, in padded standard base64.
type Approval struct {
	DID       credentials.DID `json:"did"`
	Signature string          `json:"signature"`
}

// A Genesis is the founding document of a ledger: who signs for the log, who
// witnesses it, who the founders are. It is the payload of leaf 0, and every
// founder has signed it.
type Genesis struct {
	Schema     string     `json:"schema"`
	Origin     string     `json:"origin"`    // the log's name, for ever
	LogKey     string     `json:"logKey"`    // signed-note verifier key, named as the origin
	Witnesses  []string   `json:"witnesses"` // cosignature verifier keys
	Quorum     int        `json:"quorum"`    // cosignatures that make a checkpoint final
	Founders   []Party    `json:"founders"`
	Admission  int        `json:"admission"` // founders whose approval admits a participant
	Created    time.Time  `json:"created"`
	Signatures []Approval `json:"signatures,omitempty"` // one of each founder, in their order

	leaf []byte
}

// NewGenesis is for whoever holds all founders' keys (tests, a demonstration):
// it signs g with each, in the founders' order, and returns leaf 0. Founders
// apart from each other use Sign, and the first of them Leaf.
func NewGenesis(g Genesis, founders ...credentials.Signer) (leaf []byte, err error) {
	g.Created, g.Signatures = g.Created.UTC().Truncate(time.Second), nil
	for _, s := range founders {
		a, err := g.Sign(s)
		if err != nil {
			return nil, err
		}
		g.Signatures = append(g.Signatures, a)
	}
	if len(founders) == 0 {
		return nil, errors.New("genesis: no founders")
	}
	return g.Leaf(founders[0])
}

// Sign is one founder's signature of the document without its signatures.
func (g Genesis) Sign(s credentials.Signer) (Approval, error) {
	msg, err := g.signed()
	if err != nil {
		return Approval{}, err
	}
	return approve(msg, s)
}

// Leaf is leaf 0: the document with all signatures, in an entry that the first
// founder signs.
func (g Genesis) Leaf(first credentials.Signer) ([]byte, error) {
	g.Schema = genesisSchema
	payload, err := credentials.CanonicalJSON(g)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	e := Entry{Kind: KindGenesis, Document: credentials.DigestOf(payload), Effective: g.Created, Payload: payload}
	if e, err = e.Sign(first); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	leaf := e.Marshal()
	_, err = ParseGenesis(leaf)
	return leaf, err
}

// ParseGenesis reads leaf 0 and checks everything in it: keys, quorum, and the
// signature of every founder. Whether it is the right genesis only a Trust can
// say.
func ParseGenesis(leaf []byte) (*Genesis, error) {
	g, err := parseGenesis(leaf)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	return g, nil
}

func parseGenesis(leaf []byte) (*Genesis, error) {
	e, err := ParseEntry(leaf)
	if err != nil {
		return nil, err
	}
	if e.Kind != KindGenesis {
		return nil, fmt.Errorf("leaf 0 is a %v entry", e.Kind)
	}
	g := &Genesis{leaf: bytes.Clone(leaf)}
	if err := decodeCanonical(e.Payload, g); err != nil {
		return nil, err
	}
	first, err := g.check()
	if err != nil {
		return nil, err
	}
	if e.KeyID != g.Founders[0].Kid() || e.Document != credentials.DigestOf(e.Payload) || !e.Effective.Equal(g.Created) {
		return nil, errors.New("entry and document do not belong together")
	}
	return g, e.Verify(first)
}

// decodeCanonical decodes b strictly and refuses all but its one spelling.
func decodeCanonical(b []byte, v any) error {
	if err := credentials.DecodeStrict(b, v); err != nil {
		return err
	}
	if again, err := credentials.CanonicalJSON(v); err != nil || !bytes.Equal(again, b) {
		return errors.New("not in its canonical spelling (RFC 8785)")
	}
	return nil
}

func (g *Genesis) check() (first ed25519.PublicKey, err error) {
	if g.Schema != genesisSchema {
		return nil, fmt.Errorf("schema %q, want %q", g.Schema, genesisSchema)
	}
	if len(g.Origin) > 255 || plainText(g.Origin, 255) != nil {
		return nil, errors.New("origin is not plain text of at most 255 bytes")
	}
	if _, err := g.Policy(); err != nil {
		return nil, err
	}
	if g.Created.IsZero() || !g.Created.Equal(g.Created.UTC().Truncate(time.Second)) {
		return nil, errors.New("created: want a time in whole seconds")
	}
	n := len(g.Founders)
	if n == 0 || g.Admission > n || 2*g.Admission <= n {
		return nil, fmt.Errorf("admission by %d of %d founders: want more than half", g.Admission, n)
	}
	if len(g.Signatures) != n {
		return nil, fmt.Errorf("%d of %d founders have signed", len(g.Signatures), n)
	}
	msg, err := g.signed()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, p := range g.Founders {
		pub, err := p.check()
		if err != nil {
			return nil, fmt.Errorf("founder %d: %w", i, err)
		}
		if seen[string(p.DID)] || seen[p.Key] {
			return nil, fmt.Errorf("founder %d: its DID or key stands there twice", i)
		}
		seen[string(p.DID)], seen[p.Key] = true, true
		if err := g.Signatures[i].verify(msg, p.DID, pub); err != nil {
			return nil, fmt.Errorf("founder %d: %w", i, err)
		}
		if i == 0 {
			first = pub
		}
	}
	return first, nil
}

// Policy is the policy that the genesis sets.
func (g *Genesis) Policy() (Policy, error) {
	return NewPolicy(g.Origin, g.LogKey, g.Witnesses, g.Quorum)
}

// Digest is the SHA-256 of leaf 0, which a Trust pins. It is zero for a
// document that ParseGenesis did not make.
func (g *Genesis) Digest() credentials.Digest {
	if g.leaf == nil {
		return credentials.Digest{}
	}
	return credentials.DigestOf(g.leaf)
}

// MarshalLeaf is leaf 0 as ParseGenesis read it.
func (g *Genesis) MarshalLeaf() []byte { return bytes.Clone(g.leaf) }

func (g Genesis) signed() ([]byte, error) {
	g.Schema, g.Signatures = genesisSchema, nil
	b, err := credentials.CanonicalJSON(g)
	return append([]byte(genesisPrefix), b...), err
}
