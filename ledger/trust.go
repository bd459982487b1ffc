package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

const trustSchema = "countersign/trust/1"

// A Trust is where verification starts: the name of a ledger and the digest of
// its leaf 0. It must reach the verifier by another way than the evidence: a
// trust file that lies beside what it vouches for proves nothing.
type Trust struct {
	Origin  string             `json:"origin"`
	Genesis credentials.Digest `json:"genesis"`
}

type trustFile struct {
	Schema  string             `json:"schema"`
	Origin  string             `json:"origin"`
	Genesis credentials.Digest `json:"genesis"`
}

// Marshal is the trust file: canonical JSON and a line feed.
func (t Trust) Marshal() ([]byte, error) {
	b, err := credentials.CanonicalJSON(trustFile{trustSchema, t.Origin, t.Genesis})
	if err != nil {
		return nil, fmt.Errorf("trust file: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseTrust reads what Marshal wrote, and nothing else.
func ParseTrust(b []byte) (Trust, error) {
	body, ok := bytes.CutSuffix(b, []byte("\n"))
	if !ok || len(b) > 4096 {
		return Trust{}, errors.New("trust file: want one line of JSON and a line feed")
	}
	var f trustFile
	if err := decodeCanonical(body, &f); err != nil {
		return Trust{}, fmt.Errorf("trust file: %w", err)
	}
	if f.Schema != trustSchema || f.Origin == "" || f.Genesis.IsZero() {
		return Trust{}, fmt.Errorf("trust file: want the schema %q, an origin and the digest of a genesis", trustSchema)
	}
	return Trust{f.Origin, f.Genesis}, nil
}

// Check says whether leaf is the pinned leaf 0, and reads it.
func (t Trust) Check(leaf []byte) (*Genesis, error) {
	if got := credentials.DigestOf(leaf); got != t.Genesis {
		return nil, fmt.Errorf("leaf 0 has the digest %s, the trusted one is %s", got, t.Genesis)
	}
	g, err := ParseGenesis(leaf)
	if err != nil {
		return nil, err
	}
	if g.Origin != t.Origin {
		return nil, fmt.Errorf("leaf 0 is of the ledger %q, the trusted one is %q", g.Origin, t.Origin)
	}
	return g, nil
}
