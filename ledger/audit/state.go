package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/countersign-health/countersign/ledger"
)

const stateSchema = "countersign/audit/1"

// maxAhead is how many checkpoints wait for the log to reach them.
const maxAhead = 256

// A state is what an auditor remembers: what it has read, and what it was shown
// and could not compare yet. Whoever could change it could hide a split view,
// so it belongs on the auditor's own machine.
type state struct {
	Schema     string `json:"schema"`
	Origin     string `json:"origin"`
	Checkpoint string `json:"checkpoint"` // the newest final one of which every entry was read
	// Ahead are checkpoints beyond that, signed by the log.
	Ahead []ahead `json:"ahead,omitempty"`
	// Participants are the entries that let parties in and hand keys over.
	Participants []participant `json:"participants,omitempty"`
}

type ahead struct {
	From       string `json:"from"`
	Checkpoint string `json:"checkpoint"`
}

type participant struct {
	Index int64  `json:"index"`
	Leaf  []byte `json:"leaf"`
}

// readState is the state in a file, or a new one where there is none.
func readState(path string) (*state, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &state{Schema: stateSchema}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil || s.Schema != stateSchema || s.Checkpoint == "" {
		return nil, fmt.Errorf("read state: %s is not the state of an audit", path)
	}
	return &s, nil
}

func (s *state) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return writeFile(path, append(b, '\n'))
}

// registry knows the participants among the entries that were read.
func (s *state) registry(g *ledger.Genesis) (*ledger.Registry, error) {
	r, err := ledger.NewRegistry(g)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Participants {
		e, err := ledger.ParseEntry(p.Leaf)
		if err == nil {
			err = r.Admit(p.Index, e)
		}
		if err != nil {
			return nil, fmt.Errorf("read state: participant entry %d: %w", p.Index, err)
		}
	}
	return r, nil
}
